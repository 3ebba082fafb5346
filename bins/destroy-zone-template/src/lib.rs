//! The flags of `destroy-zone-template`, and what it says.

use clap::{CommandFactory, Parser};
use zonelib::host;
use zonelib::program::{self, Answer};
use zonelib::zone::{Removal, TemplateName, ZoneError};

/// What it is called in messages.
pub const PROGRAM: &str = "destroy-zone-template";

/// Destroys a zone template, unless zones share it
#[derive(Debug, Parser)]
#[command(name = "destroy-zone-template", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 it is gone; 2 it was refused, or something could not be destroyed.")]
pub struct Cli {
    /// Its name
    #[arg(short = 'T', long, value_name = "TEMPLATE")]
    pub template: TemplateName,
    /// Print what would go, and do nothing
    #[arg(short = 'n', visible_short_alias = 'N', long)]
    pub dry_run: bool,
}

/// Does what the flags say.
///
/// # Errors
/// [`ZoneError`]: zones share it, or something is left; giving the command again goes on.
pub fn run(cli: &Cli) -> Result<Answer, ZoneError> {
    host::usual_umask();
    let removal = Removal::of(&cli.template)?;
    if cli.dry_run {
        let text: String = removal.lines().iter().map(|line| format!("{line}\n")).collect();
        return Ok(program::answer(PROGRAM, &text, Answer::Yes));
    }
    removal.run()?;
    Ok(program::answer(PROGRAM, &format!("template `{}` is gone\n", cli.template), Answer::Yes))
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
