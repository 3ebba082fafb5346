//! The flags of `prestate`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;
use zonelib::brand::state::{Change, When};
use zonelib::brand::{self, HookError, Status};
use zonelib::config::ZoneName;
use zonelib::program::{RecipeFlags, StateFlags};

/// What it is called in messages.
pub const PROGRAM: &str = "prestate";

/// Mounts the zone root before a zone is made ready
///
/// This is the prestatechange hook of a brand, and its sysboot hook: zoneadmd(8) runs it before it changes
/// the state of a zone. Before a zone is made ready, the one active root of the running boot environment
/// is mounted on ZONEPATH/root; before other changes there is nothing to do.
#[derive(Debug, Parser)]
#[command(name = "prestate", version, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 done, or nothing to do; 253 the arguments make no sense; 255 the root could not be mounted."
)]
pub struct Cli {
    /// The brand.
    #[command(flatten)]
    pub recipe: RecipeFlags,
    /// Where the journal is.
    #[command(flatten)]
    pub state: StateFlags,
    /// The zone
    pub zone: ZoneName,
    /// Its zonepath
    pub zonepath: PathBuf,
    /// The state that it was in, as a number
    #[arg(value_name = "STATE")]
    pub from_state: u32,
    /// What is done to it: 0 ready, 1 boot, 4 halt
    #[arg(value_name = "COMMAND")]
    pub command: u32,
    /// Where the boot environment is mounted that zoneadm(8) works in
    pub altroot: Option<OsString>,
}

/// Does what the flags say.
///
/// # Errors
/// [`HookError`].
pub fn run(cli: &Cli) -> Result<Status, HookError> {
    let change = Change {
        zone: cli.zone.clone(),
        zonepath: cli.zonepath.clone(),
        when: When::Before,
        command: cli.command,
        alternate: cli.altroot.as_ref().filter(|path| !path.is_empty()).map(PathBuf::from),
        state: cli.state.dir(),
    };
    change.run(brand::tell_recovered(PROGRAM))?;
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
