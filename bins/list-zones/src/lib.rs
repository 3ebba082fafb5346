//! The flags of `list-zones`, and what it says.

use clap::{CommandFactory, Parser};
use zonelib::program::{self, Answer, StateFlags};
use zonelib::zone::{Row, ZoneError, list};

/// What it is called in messages.
pub const PROGRAM: &str = "list-zones";

/// Lists the zones of this host, with their types, addresses and routers
#[derive(Debug, Parser)]
#[command(name = "list-zones", version, max_term_width = 100)]
#[command(after_help = "Exit status: 0 done; 2 the zones could not be listed.")]
pub struct Cli {
    /// Print tabs between the fields, and no heading; addresses and routers have commas between
    #[arg(short = 'p', long, conflicts_with = "json")]
    pub parsable: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where records are.
    #[command(flatten)]
    pub state: StateFlags,
}

#[derive(serde::Serialize)]
struct Report {
    version: u32,
    zones: Vec<Row>,
}

/// Does what the flags say.
///
/// # Errors
/// [`ZoneError`]. Records that cannot be read are told here: all that is known otherwise is listed.
pub fn run(cli: &Cli) -> Result<Answer, ZoneError> {
    let mut damaged = Vec::new();
    let zones = list(&cli.state.dir(), &mut damaged)?;
    damaged.iter().for_each(|error| program::tell(&format!("{PROGRAM}: {error}")));
    let known = if damaged.is_empty() { Answer::Yes } else { Answer::Failed };
    if cli.json {
        return Ok(program::answer_json(PROGRAM, &Report { version: 1, zones }).max(known));
    }
    let rows: Vec<[String; 6]> = zones.iter().map(cells).collect();
    let text = if cli.parsable {
        rows.iter().map(|row| format!("{}\n", row.join("\t"))).collect()
    } else {
        let heading = ["ZONE", "STATE", "TYPE", "BRAND", "ADDRESSES", "ROUTER"].map(str::to_owned);
        table(&[vec![heading], rows].concat())
    };
    Ok(program::answer(PROGRAM, &text, known))
}

fn cells(row: &Row) -> [String; 6] {
    let some = |words: &[String]| if words.is_empty() { "-".to_owned() } else { words.join(",") };
    let kind = row.kind.map_or_else(|| "-".to_owned(), |kind| kind.to_string());
    [row.zone.clone(), row.state.clone(), kind, row.brand.clone(), some(&row.addresses), some(&row.routers)]
}

/// Columns as wide as what is in them.
fn table(rows: &[[String; 6]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..6).map(width).collect();
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
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
