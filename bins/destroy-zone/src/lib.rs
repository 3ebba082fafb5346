//! The flags of `destroy-zone`, and what it says.

use clap::{CommandFactory, Parser};
use zonelib::brand::tell_recovered;
use zonelib::config::ZoneName;
use zonelib::host;
use zonelib::journal::Recovered;
use zonelib::program::{self, Answer, StateFlags};
use zonelib::zone::{Destroy, Teardown, ZoneError};

/// What it is called in messages.
pub const PROGRAM: &str = "destroy-zone";

/// Destroys a zone with all that was made for it
///
/// The zone is halted, uninstalled and forgotten, and so are its links, its addresses and what its router knows of
/// it. A router with zones behind it is refused. Datasets that the zone administers stay, and so do directories that were
/// made for it while anything is in them. A command that was interrupted is given again, and goes on.
#[derive(Debug, Parser)]
#[command(name = "destroy-zone", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 nothing is left of it; 2 it was refused, or something could not be destroyed.")]
pub struct Cli {
    /// The zone
    #[arg(short = 'z', long, value_name = "ZONE")]
    pub zone: ZoneName,
    /// Destroy the datasets that were made for it too, with everything in them, unless another zone has one or it has
    /// snapshots
    #[arg(long)]
    pub with_datasets: bool,
    /// Print what would go and what would stay, and do nothing
    #[arg(short = 'N', visible_short_alias = 'n', long)]
    pub dry_run: bool,
    /// Print that, or what was done, as JSON
    #[arg(long)]
    pub json: bool,
    /// Where records are.
    #[command(flatten)]
    pub state: StateFlags,
}

#[derive(serde::Serialize)]
struct Report<'r> {
    version: u32,
    zone: &'r str,
    destroyed: bool,
    going: Vec<String>,
    staying: &'r [String],
    notes: &'r [String],
}

/// Does what the flags say.
///
/// # Errors
/// [`ZoneError`]: it was refused, or something is left.
pub fn run(cli: &Cli) -> Result<Answer, ZoneError> {
    host::usual_umask();
    host::watch_signals().map_err(|source| ZoneError::System { path: "signals".into(), source })?;
    let state = cli.state.dir();
    let destroy = Destroy { zone: cli.zone.clone(), with_datasets: cli.with_datasets };
    let teardown = if cli.dry_run {
        destroy.plan(&state)?
    } else {
        let recovered = |found: &Recovered| tell_recovered(PROGRAM)(found);
        destroy.run(&state, &|line| program::tell(line), &recovered)?
    };
    Ok(say(cli, &teardown))
}

fn say(cli: &Cli, teardown: &Teardown) -> Answer {
    let going = teardown.lines(&cli.zone);
    if cli.json {
        let zone = cli.zone.as_str();
        let (staying, notes) = (&teardown.staying, &teardown.notes);
        let report = Report { version: 1, zone, destroyed: !cli.dry_run, going, staying, notes };
        return program::answer_json(PROGRAM, &report);
    }
    let mut text = String::new();
    if cli.dry_run {
        going.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    } else {
        text.push_str(&format!("zone `{}` is gone\n", cli.zone));
    }
    teardown.staying.iter().for_each(|what| text.push_str(&format!("  stays: {what}\n")));
    teardown.notes.iter().for_each(|note| text.push_str(&format!("  note: {note}\n")));
    program::answer(PROGRAM, &text, Answer::Yes)
}

/// The flag table, for help, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_flag_table_is_sound() {
        crate::command().debug_assert();
    }
}
