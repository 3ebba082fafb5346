//! The flags of `net-detach`, and what it says.

use clap::Parser;
use serde::Serialize;
use zonelib::brand::tell_recovered;
use zonelib::config::ZoneName;
use zonelib::host;
use zonelib::net::AskedAddress;
use zonelib::program::{self, Answer, StateFlags};
use zonelib::zone::{Detach, Wiring, ZoneError};

/// What it is called in messages.
pub const PROGRAM: &str = "net-detach";

/// Takes a zone from its networks
///
/// Its vnics, its places on shared links, what its routers know of it and what its configuration says of
/// them go. The segments that it routes go too, unless zones are on them. The zone stays.
#[derive(Debug, Parser)]
#[command(name = "net-detach", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done; 2 it could not be done, and everything is as it was.")]
pub struct Cli {
    /// The zone
    #[arg(short, long, value_name = "ZONE")]
    pub zone: ZoneName,
    /// The address that goes, and the vnic with it [default: all]
    #[arg(value_name = "ADDRESS")]
    pub address: Option<AskedAddress>,
    /// Print what would be done, and do nothing
    #[arg(short = 'n', visible_short_alias = 'N', long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where records and journals are.
    #[command(flatten)]
    pub state: StateFlags,
}

/// Does what the flags say.
///
/// # Errors
/// [`ZoneError`]: everything is as it was, or what is not is said.
pub fn run(cli: &Cli) -> Result<Answer, ZoneError> {
    host::usual_umask();
    host::watch_signals().map_err(|source| ZoneError::System { path: "signals".into(), source })?;
    let detach = Detach { zone: cli.zone.clone(), address: cli.address.map(|asked| asked.address) };
    let state = cli.state.dir();
    let wiring = if cli.dry_run {
        detach.plan(&state)?
    } else {
        detach.run(&state, &program::tell, &|found| tell_recovered(PROGRAM)(found))?
    };
    Ok(answer(cli, &wiring))
}

fn answer(cli: &Cli, wiring: &Wiring) -> Answer {
    #[derive(Serialize)]
    struct Data<'d> {
        version: u32,
        #[serde(flatten)]
        wiring: &'d Wiring,
    }
    if cli.json {
        return program::answer_json(PROGRAM, &Data { version: 1, wiring });
    }
    wiring.notes.iter().for_each(|note| program::tell(&format!("note: {note}")));
    let text = if cli.dry_run { wiring.text() } else { String::new() };
    program::answer(PROGRAM, &text, Answer::Yes)
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
