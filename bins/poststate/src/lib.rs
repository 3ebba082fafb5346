//! The flags of `poststate`.

use clap::Parser;
use zonelib::brand::state::{ChangeFlags, When};
use zonelib::brand::{self, HookError, Status};

/// What it is called in messages.
pub const PROGRAM: &str = "poststate";

/// Mounts the zone root again after a zone was halted
///
/// This is the poststatechange hook of a brand: zoneadmd(8) runs it after it has changed the state of a
/// zone. After a zone was halted, or could not be made ready, the one active root of the running boot
/// environment is mounted on ZONEPATH/root, for the zone may have activated another one; after other
/// changes there is nothing to do.
#[derive(Debug, Parser)]
#[command(name = "poststate", version, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 done, or nothing to do; 253 the arguments make no sense; 255 the root could not be mounted."
)]
pub struct Cli {
    /// The change.
    #[command(flatten)]
    pub change: ChangeFlags,
}

/// Does what the flags say.
///
/// # Errors
/// [`HookError`].
pub fn run(cli: &Cli) -> Result<Status, HookError> {
    cli.change.change(When::After).run(brand::tell_recovered(PROGRAM))?;
    Ok(Status::Complete)
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
