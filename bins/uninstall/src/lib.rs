//! The flags of `uninstall`, and what it says.

use clap::Parser;
use zonelib::brand::uninstall::{Plan, Uninstall};
use zonelib::brand::{self, HookError, Status, check};
use zonelib::program::{self, RecipeFlags, StateFlags, ZoneFlags};

/// What it is called in messages.
pub const PROGRAM: &str = "uninstall";

/// Takes away a zone root and what was made for it
///
/// This is the uninstall hook of a brand: zoneadm(8) runs it for `zoneadm uninstall`. Only what belongs to
/// the zone in the running boot environment is destroyed. Zone roots of other boot environments stay, and
/// so do datasets that the zone administers. Clones of the zone become independent of it. Snapshots that
/// somebody else has made stand in the way, and are named.
#[derive(Debug, Parser)]
#[command(name = "uninstall", version, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 the zone is gone; 253 the arguments make no sense; 255 it is not gone, or (with -n, or \
--check and something in the way) was not to go."
)]
pub struct Cli {
    /// The zone.
    #[command(flatten)]
    pub zone: ZoneFlags,
    /// For zoneadm(8), which asks no question then
    #[arg(short = 'F', long)]
    pub force: bool,
    /// Print what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print what is done
    #[arg(short, long)]
    pub verbose: bool,
    /// Only look whether anything stands in the way; with -n, fail, so that zoneadm(8) does not go on
    #[arg(long)]
    pub check: bool,
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
    let zone = &cli.zone.zone;
    let uninstall = Uninstall {
        zone: zone.clone(),
        zonepath: cli.zone.zonepath.clone(),
        delegated: check::delegated(zone)?,
        state: cli.state.dir(),
    };
    if cli.dry_run {
        show(&uninstall.plan()?);
        // The zone is still there, and zoneadm must not think otherwise.
        return Ok(if brand::called_by_zoneadm() || cli.check { Status::Fatal } else { Status::Complete });
    }
    if cli.check {
        return uninstall.plan().map(|_| Status::Complete);
    }
    let done = uninstall.run(brand::tell_recovered(PROGRAM))?;
    if cli.verbose {
        show(&done);
    } else {
        done.keep.iter().for_each(|(name, why)| program::tell(&format!("{PROGRAM}: `{name}` is kept: {why}")));
    }
    Ok(Status::Complete)
}

fn show(plan: &Plan) {
    let lines = plan.lines();
    program::print(&if lines.is_empty() { "nothing to do\n".to_owned() } else { lines.join("\n") + "\n" });
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
