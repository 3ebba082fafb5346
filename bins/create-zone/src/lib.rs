//! The flags of `create-zone`, and what it says.

mod cli;

use std::convert::Infallible;

use clap::CommandFactory;
use ipnet::IpNet;
use zonelib::brand::tell_recovered;
use zonelib::host;
use zonelib::program::{self, Answer};
use zonelib::zone::{Surroundings, ZoneError};

pub use cli::Cli;

/// What it is called in messages.
pub const PROGRAM: &str = "create-zone";

/// Does what the flags say.
///
/// # Errors
/// None: what is in the way, or what is left, is told here, a line each.
pub fn run(cli: &Cli) -> Result<Answer, Infallible> {
    Ok(create(cli).unwrap_or_else(|error| program::refuse(PROGRAM, &error.problems(), cli.json)))
}

fn create(cli: &Cli) -> Result<Answer, ZoneError> {
    host::usual_umask();
    host::watch_signals().map_err(|source| ZoneError::System { path: "signals".into(), source })?;
    let state = cli.state.dir();
    let request = cli.request();
    if cli.dry_run {
        let plan = request.plan(&state)?;
        return Ok(if cli.json {
            program::answer_json(PROGRAM, &plan.report())
        } else {
            program::answer(PROGRAM, &plan.text(), Answer::Yes)
        });
    }
    let tell = |line: &str| program::tell(line);
    let recovered = |found: &zonelib::journal::Recovered| tell_recovered(PROGRAM)(found);
    let around = Surroundings { state: &state, keep: cli.keep, tell: &tell, recovered: &recovered };
    let plan = request.create(&around)?;
    if cli.json {
        return Ok(program::answer_json(PROGRAM, &plan.report()));
    }
    let booted = if cli.no_boot { "is installed" } else { "runs" };
    let mut text = String::new();
    for zone in &plan.zones {
        text.push_str(&format!("zone `{}` {booted}{}\n", zone.zone, at(&zone.addresses)));
        zone.notes.iter().for_each(|note| text.push_str(&format!("  note: {note}\n")));
    }
    Ok(program::answer(PROGRAM, &text, Answer::Yes))
}

fn at(addresses: &[IpNet]) -> String {
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    if addresses.is_empty() { String::new() } else { format!(" at {}", addresses.join(", ")) }
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
