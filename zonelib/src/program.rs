//! What every program does at its edge: read its arguments, print, fail with one line.

use std::io::{self, IsTerminal, Write};

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser};

/// How the reading of arguments ended when there are none to work with.
#[derive(Debug)]
pub enum NoArguments {
    /// Help or the version was asked for, and has been printed.
    Shown,
    /// They make no sense; one line has been printed.
    Wrong,
}

/// Reads the arguments of this process. `-?` is what zoneadm(8) passes on for help.
///
/// # Errors
/// [`NoArguments`]; everything there is to say has been said.
pub fn arguments<P: Parser + CommandFactory + FromArgMatches>(program: &str) -> Result<P, NoArguments> {
    let words = std::env::args_os().map(|word| if word == "-?" { "-h".into() } else { word });
    P::try_parse_from(words).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            print(&error.render().to_string());
            NoArguments::Shown
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            complain(program, "no arguments; try --help");
            NoArguments::Wrong
        }
        _ => {
            complain(program, &format!("{}; try --help", brief(&error)));
            NoArguments::Wrong
        }
    })
}

/// The words of an error without decoration, on one line.
fn brief(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let words = paragraph.strip_prefix("error: ").unwrap_or(paragraph);
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Prints to standard output. A reader that has gone away is no error.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    // Nobody is left to tell.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints a line about the work, to standard error.
pub fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Prints an error the way every program does: `program: what failed: why`.
pub fn complain(program: &str, error: &str) {
    tell(&format!("{program}: {}", error.replace('\n', " ")));
}

/// Whether people watch standard error as it is written.
#[must_use]
pub fn watched() -> bool {
    io::stderr().is_terminal()
}
