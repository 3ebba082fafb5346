//! The flags of `zonekit-recover`, and what it says.

use clap::Parser;
use zonelib::host;
use zonelib::journal::{self, JournalError, Recovered, Subject};
use zonelib::program::{self, Answer, StateFlags};

/// What it is called in messages.
pub const PROGRAM: &str = "zonekit-recover";

/// Puts right what an operation on a zone or a golden image left that did not end
///
/// An operation that was killed, or that failed with --keep, has left a journal. Its changes are undone in
/// reverse, or, where something was destroyed for good already, finished. Every program does that for its
/// own zone before it begins, but for what was kept. Without ZONE all are looked at.
#[derive(Debug, Parser)]
#[command(name = "zonekit-recover", version, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 all is right now; 1 (with -n) there is something to do; 2 something could not be put right."
)]
pub struct Cli {
    /// Print what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Where the journal is.
    #[command(flatten)]
    pub state: StateFlags,
    /// The zones; a golden image has `golden:` before its name, and a zone with all that is made for it `whole:`
    #[arg(value_name = "ZONE")]
    pub subjects: Vec<Subject>,
}

/// Does what the flags say.
///
/// # Errors
/// [`JournalError`]: the journals cannot be listed.
pub fn run(cli: &Cli) -> Result<Answer, JournalError> {
    host::usual_umask();
    let state = cli.state.dir();
    let subjects = if cli.subjects.is_empty() { state.subjects()? } else { cli.subjects.clone() };
    let mut answer = Answer::Yes;
    for subject in &subjects {
        let found = if cli.dry_run { journal::pending(&state, subject) } else { journal::recover(&state, subject) };
        match found {
            Ok(None) => {}
            Ok(Some(found)) => {
                program::print(&text(subject, &found, cli.dry_run));
                if cli.dry_run && answer == Answer::Yes {
                    answer = Answer::No;
                }
            }
            Err(error) => {
                program::complain(PROGRAM, &error.to_string());
                answer = Answer::Failed;
            }
        }
    }
    Ok(answer)
}

fn text(subject: &Subject, found: &Recovered, dry_run: bool) -> String {
    let (operation, done) = (&found.operation, if found.undone { "undone" } else { "finished" });
    let said = if dry_run { "would be" } else { "was" };
    let mut text = format!("{subject}: `{operation}` did not end, and {said} {done}:\n");
    for step in &found.steps {
        text.push_str(&format!("  {step}\n"));
    }
    text
}

/// The flag table, for help, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_flag_table_is_sound() {
        crate::command().debug_assert();
    }
}
