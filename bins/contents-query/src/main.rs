//! `contents-query`: asks the package database of an image.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use contents_query::{Failure, Outcome};

const FAILED: u8 = 2;

fn main() -> ExitCode {
    let arguments = match contents_query::arguments(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(usage) => {
            // Help goes to stdout with status 0. A closed pipe is no reason to say more.
            let _ = usage.print();
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(FAILED));
        }
    };
    let terminal = io::stdout().is_terminal();
    match contents_query::run(&arguments, terminal) {
        Ok(Outcome { text, yes, warning }) => {
            if let Some(warning) = warning {
                eprintln!("contents-query: warning: {warning}");
            }
            match print(&text) {
                Ok(()) if yes => ExitCode::SUCCESS,
                Ok(()) => ExitCode::FAILURE,
                // Whoever read the answer has read enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
                Err(error) => fail(&Failure::output(&error)),
            }
        }
        Err(failure) => fail(&failure),
    }
}

fn print(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}

fn fail(failure: &Failure) -> ExitCode {
    eprintln!("contents-query: {failure}");
    ExitCode::from(FAILED)
}
