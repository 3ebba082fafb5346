//! The flags of `zonekit-recover`, and what it says.

use clap::Parser;
use zonelib::config::ZoneName;
use zonelib::host;
use zonelib::journal::{self, JournalError, Recovered};
use zonelib::program::{self, Answer, StateFlags};

/// What it is called in messages.
pub const PROGRAM: &str = "zonekit-recover";

/// Puts right what an operation on a zone left that did not end
///
/// An operation that was killed, or that failed with --keep, has left a journal. Its changes are undone in
/// reverse, or, where something was destroyed for good already, finished. Every program does that for its
/// own zone before it begins, but for what was kept. Without ZONE all zones are looked at.
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
    /// The zones
    #[arg(value_name = "ZONE")]
    pub zones: Vec<ZoneName>,
}

/// Does what the flags say.
///
/// # Errors
/// [`JournalError`]: the journals cannot be listed.
pub fn run(cli: &Cli) -> Result<Answer, JournalError> {
    host::usual_umask();
    let state = cli.state.dir();
    let zones = if cli.zones.is_empty() {
        state.zones_with_journals()?.into_iter().filter_map(|name| name.parse().ok()).collect()
    } else {
        cli.zones.clone()
    };
    let mut answer = Answer::Yes;
    for zone in &zones {
        let found = if cli.dry_run { journal::pending(&state, zone) } else { journal::recover(&state, zone) };
        match found {
            Ok(None) => {}
            Ok(Some(found)) => {
                program::print(&text(zone, &found, cli.dry_run));
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

fn text(zone: &ZoneName, found: &Recovered, dry_run: bool) -> String {
    let (operation, done) = (&found.operation, if found.undone { "undone" } else { "finished" });
    let said = if dry_run { "would be" } else { "was" };
    let mut text = format!("{zone}: `{operation}` did not end, and {said} {done}:\n");
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
