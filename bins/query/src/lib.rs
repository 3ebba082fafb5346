//! The flags of `query`.

use std::path::PathBuf;

use clap::Parser;
use zonelib::brand::{HookError, Status, state};
use zonelib::config::ZoneName;
use zonelib::program::{self, RecipeFlags};

/// What it is called in messages.
pub const PROGRAM: &str = "query";

/// Tells zoneadmd(8) which datasets a zone administers by its brand
///
/// This is the query hook of a brand. The answer to `datasets` is the one dataset that holds the zone's
/// roots, without a newline, for zoneadmd(8) would take it for part of the name; a zone in a plain directory
/// has none, and `-` is printed, which no dataset is called. To every other word there is no answer, and no
/// error.
#[derive(Debug, Parser)]
#[command(name = "query", version, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 answered, or the word is not known; 253 the arguments make no sense; 255 there is no answer."
)]
pub struct Cli {
    /// The brand.
    #[command(flatten)]
    pub recipe: RecipeFlags,
    /// The zone
    pub zone: ZoneName,
    /// Its zonepath
    pub zonepath: PathBuf,
    /// What is asked for
    #[arg(value_name = "WORD", trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

/// Does what the flags say.
///
/// # Errors
/// [`HookError`].
pub fn run(cli: &Cli) -> Result<Status, HookError> {
    if cli.words.first().is_some_and(|word| word == "datasets") {
        let answer = state::datasets(&cli.zonepath)?;
        let printed = program::deliver(&answer);
        printed.map_err(|source| HookError::System { path: "standard output".into(), source })?;
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
