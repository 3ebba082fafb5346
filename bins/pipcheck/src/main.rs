//! `pipcheck`: keeps the Python modules of a distribution in check.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use pipcheck::report::harmless;
use pipcheck::{Cli, Outcome, PROGRAM, Terminal};

const FAILED: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            // Help goes to standard output with status 0. A closed pipe is no reason to say more.
            let _ = usage.print();
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(FAILED));
        }
    };
    match pipcheck::run(&cli, terminal()) {
        Ok(outcome) => tell(&outcome),
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::from(FAILED)
        }
    }
}

fn terminal() -> Terminal {
    let out = io::stdout();
    let width = out.is_terminal().then(|| rustix::termios::tcgetwinsize(&out).map_or(80, |size| size.ws_col));
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    Terminal { width: width.map(|width| if width == 0 { 80 } else { width.into() }), plain: set("NO_COLOR") || dumb }
}

fn tell(outcome: &Outcome) -> ExitCode {
    outcome.warnings.iter().for_each(|warning| complain(&format!("warning: {warning}")));
    outcome.failures.iter().for_each(|failure| complain(failure));
    let mut out = io::stdout().lock();
    match out.write_all(outcome.text.as_bytes()).and_then(|()| out.flush()) {
        // Whoever read it has read enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("standard output: {error}"));
            ExitCode::from(FAILED)
        }
        _ if !outcome.failures.is_empty() => ExitCode::from(FAILED),
        _ if outcome.found => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

fn complain(problem: &str) {
    // Nobody is left to tell.
    let _ = writeln!(io::stderr().lock(), "{PROGRAM}: {}", harmless(problem));
}
