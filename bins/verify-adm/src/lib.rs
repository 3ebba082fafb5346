//! The flags of `verify-adm`, and what it says.

use std::path::PathBuf;

use clap::Parser;
use zonelib::brand::check::About;
use zonelib::brand::{HookError, Status};
use zonelib::host;
use zonelib::program::{self, RecipeFlags};

/// What it is called in messages.
pub const PROGRAM: &str = "verify-adm";

/// Looks whether what zoneadm(8) is about to do to a zone can work
///
/// This is the verify_adm hook of a brand: zoneadm(8) runs it before most of its subcommands. A zone that
/// mounts a clone of /lib is told before it is installed that the clone is missing or stale, and is not
/// booted without one.
#[derive(Debug, Parser)]
#[command(name = "verify-adm", version, max_term_width = 100)]
#[command(after_help = "Exit status: 0 it can; 253 the arguments make no sense; 255 it cannot.")]
pub struct Cli {
    /// The brand.
    #[command(flatten)]
    pub recipe: RecipeFlags,
    /// Root whose packages zones are made from
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub image: PathBuf,
    /// The zone; `-` while there is none
    #[arg(allow_hyphen_values = true)]
    pub zone: String,
    /// Its zonepath; `-` while there is none
    #[arg(allow_hyphen_values = true)]
    pub zonepath: PathBuf,
    /// The subcommand of zoneadm(8)
    pub subcommand: String,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
}

/// Does what the flags say.
///
/// # Errors
/// [`HookError`].
pub fn run(cli: &Cli) -> Result<Status, HookError> {
    let recipe = cli.recipe.recipe().map_err(|error| HookError::Usage(error.to_string()))?;
    let Some(recipe) = recipe else { return Err(HookError::Usage("no brand; give -b BRAND".to_owned())) };
    let zone = (cli.zone != "-").then(|| cli.zone.parse()).transpose();
    let zone = zone.map_err(|error: zonelib::config::ZoneNameError| HookError::Usage(error.to_string()))?;
    let about = About {
        recipe: &recipe,
        zone,
        subcommand: &cli.subcommand,
        arguments: &cli.arguments,
        image: host::image(&cli.image),
    };
    let checked = about.check()?;
    checked.notes.iter().for_each(|note| program::tell(&format!("{PROGRAM}: {note}")));
    Ok(match checked.refused {
        Some(refused) => {
            program::complain(PROGRAM, &refused);
            Status::Fatal
        }
        None => Status::Complete,
    })
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
