//! The flags of `net-list`, and what it says.

use clap::Parser;
use serde::Serialize;
use zonelib::net::Overview;
use zonelib::program::{self, Answer, StateFlags};
use zonelib::store::{Directory, StoreError};

/// What it is called in messages.
pub const PROGRAM: &str = "net-list";

/// Shows the networks of zones: segments, routers, zones and addresses
///
/// They are shown as zonekit remembers them; `zonekit-store check` tells whether the host is like that.
#[derive(Debug, Parser)]
#[command(name = "net-list", version, max_term_width = 100)]
#[command(after_help = "Exit status: 0 done; 2 the records cannot be read.

Examples:
  net-list
  net-list --svg >networks.svg
  net-list --dot | dot -Tpdf >networks.pdf")]
pub struct Cli {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print a graph in the language of dot(1)
    #[arg(long, conflicts_with = "json")]
    pub dot: bool,
    /// Print a picture
    #[arg(long, conflicts_with_all = ["json", "dot"])]
    pub svg: bool,
    /// Where the records are.
    #[command(flatten)]
    pub state: StateFlags,
}

#[derive(Serialize)]
struct Data<'d> {
    version: u32,
    #[serde(flatten)]
    overview: &'d Overview,
}

/// Does what the flags say.
///
/// # Errors
/// [`StoreError`]: the records cannot be read.
pub fn run(cli: &Cli) -> Result<Answer, StoreError> {
    let overview = Overview::read(&Directory::new(&cli.state.dir()))?;
    if cli.json {
        return Ok(program::answer_json(PROGRAM, &Data { version: 1, overview: &overview }));
    }
    let text = match (cli.dot, cli.svg) {
        (true, _) => overview.dot(),
        (_, true) => overview.svg(),
        _ => overview.text(),
    };
    Ok(program::answer(PROGRAM, &text, Answer::Yes))
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
