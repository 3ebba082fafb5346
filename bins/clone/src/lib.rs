//! The flags of `clone`, and what it says.

use clap::{Parser, ValueEnum};
use zonelib::brand::clone::{Clone, Method};
use zonelib::brand::{self, HookError, Status, check};
use zonelib::config::ZoneName;
use zonelib::host;
use zonelib::program::{self, RecipeFlags, StateFlags, ZoneFlags};

/// What it is called in messages.
pub const PROGRAM: &str = "clone";

/// A way to clone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// Copy the files, also where a ZFS clone could be had
    Copy,
}

/// Makes a second zone out of the root of one that is not running
///
/// This is the clone hook of a brand: zoneadm(8) runs it for `zoneadm clone`. The root is a ZFS clone of
/// the other zone's where both zonepaths are in ZFS, else a copy. What made the other zone itself is taken
/// away in the new one: host keys, logs of the machine, names and addresses, the state of DHCP and of
/// services. The other zone stays as it is, but for a snapshot.
#[derive(Debug, Parser)]
#[command(name = "clone", version, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 done; 253 the arguments make no sense; 255 it could not be done, and nothing of it is left."
)]
pub struct Cli {
    /// The zone.
    #[command(flatten)]
    pub zone: ZoneFlags,
    /// Copy the files, also where a ZFS clone could be had
    #[arg(short, long, value_enum, value_name = "WAY", conflicts_with = "snapshot")]
    pub method: Option<Way>,
    /// Clone this snapshot of the other zone's root instead of a new one
    #[arg(short, long, value_name = "SNAPSHOT")]
    pub snapshot: Option<String>,
    /// Print what was reset
    #[arg(short, long)]
    pub verbose: bool,
    /// The brand.
    #[command(flatten)]
    pub recipe: RecipeFlags,
    /// Where the journal is.
    #[command(flatten)]
    pub state: StateFlags,
    /// The zone to clone
    #[arg(value_name = "SOURCE")]
    pub source: ZoneName,
}

/// Does what the flags say.
///
/// # Errors
/// [`HookError`].
pub fn run(cli: &Cli) -> Result<Status, HookError> {
    let recipe = cli.recipe.recipe().map_err(|error| HookError::Usage(error.to_string()))?;
    let Some(recipe) = recipe else { return Err(HookError::Usage("no brand; give -b BRAND".to_owned())) };
    let clone = Clone {
        zone: cli.zone.zone.clone(),
        zonepath: cli.zone.zonepath.clone(),
        source: cli.source.clone(),
        source_zonepath: check::installed_zonepath(&cli.source)?,
        method: match (&cli.snapshot, cli.method) {
            (Some(snapshot), _) => Method::Snapshot(snapshot.clone()),
            (None, Some(Way::Copy)) => Method::Copy,
            (None, None) => Method::Usual,
        },
        recipe,
        image: host::place("/"),
        state: cli.state.dir(),
    };
    let done = clone.run(brand::tell_recovered(PROGRAM))?;
    done.warnings.iter().for_each(|warning| program::tell(&format!("{PROGRAM}: {warning}")));
    if cli.verbose {
        done.reset.iter().for_each(|reset| program::tell(reset));
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
