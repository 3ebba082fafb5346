//! The flags of `verify-cfg`, and what it says.

use std::path::PathBuf;

use clap::Parser;
use zonelib::brand::{HookError, Status, check};
use zonelib::program::{self, RecipeFlags};

/// What it is called in messages.
pub const PROGRAM: &str = "verify-cfg";

/// Looks whether the configuration of a zone makes sense for its brand
///
/// This is the verify_cfg hook of a brand: zonecfg(8) runs it before it saves a configuration. A zone that
/// shares directories with the global zone has to mount each of them, by loopback and read-only; a
/// directory that is a zone's own must not be hidden by a mount.
#[derive(Debug, Parser)]
#[command(name = "verify-cfg", version, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 it makes sense; 253 the arguments make no sense; 255 it does not, or cannot be read."
)]
pub struct Cli {
    /// The brand.
    #[command(flatten)]
    pub recipe: RecipeFlags,
    /// The configuration, as XML
    pub file: PathBuf,
}

/// Does what the flags say.
///
/// # Errors
/// [`HookError`].
pub fn run(cli: &Cli) -> Result<Status, HookError> {
    let recipe = cli.recipe.recipe().map_err(|error| HookError::Usage(error.to_string()))?;
    let Some(recipe) = recipe else { return Err(HookError::Usage("no brand; give -b BRAND".to_owned())) };
    let problems = check::configuration(&recipe, &cli.file)?;
    problems.iter().for_each(|problem| program::complain(PROGRAM, problem));
    Ok(if problems.is_empty() { Status::Complete } else { Status::Fatal })
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
