//! The flags of `detach`.

use clap::Parser;
use zonelib::brand::detach::Detach;
use zonelib::brand::{self, HookError, Status};
use zonelib::program::{self, RecipeFlags, StateFlags, ZoneFlags};

/// What it is called in messages.
pub const PROGRAM: &str = "detach";

/// Makes a zone root ready to be carried to another host
///
/// This is the detach hook of a brand: zoneadm(8) runs it for `zoneadm detach`. The dataset of the zone
/// root becomes one that is mounted by itself on ZONEPATH/root, and the zone's configuration is written to
/// ZONEPATH/SUNWdetached.xml. `zonecfg create -a ZONEPATH` and `zoneadm attach` take the zone in again.
#[derive(Debug, Parser)]
#[command(name = "detach", version, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 done; 253 the arguments make no sense; 255 it could not be done, and the zone is as before."
)]
pub struct Cli {
    /// The zone.
    #[command(flatten)]
    pub zone: ZoneFlags,
    /// Look whether it could be done, and print the configuration that would be written
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// The brand.
    #[command(flatten)]
    pub recipe: RecipeFlags,
    /// Where the journal is.
    #[command(flatten)]
    pub state: StateFlags,
}

/// Does what the flags say.
///
/// # Errors
/// [`HookError`].
pub fn run(cli: &Cli) -> Result<Status, HookError> {
    let detach = Detach { zone: cli.zone.zone.clone(), zonepath: cli.zone.zonepath.clone(), state: cli.state.dir() };
    if cli.dry_run {
        detach.check()?;
        let manifest = detach.manifest()?;
        let printed = program::deliver(&manifest);
        printed.map_err(|source| HookError::System { path: "standard output".into(), source })?;
    } else {
        detach.run(brand::tell_recovered(PROGRAM))?;
    }
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
