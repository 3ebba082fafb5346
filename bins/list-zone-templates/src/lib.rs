//! The flags of `list-zone-templates`, and what it says.

use clap::{CommandFactory, Parser};
use zonelib::program::{self, Answer};
use zonelib::zone::{Template, ZoneError};

/// What it is called in messages.
pub const PROGRAM: &str = "list-zone-templates";

/// Lists zone templates, and the zones that share them
#[derive(Debug, Parser)]
#[command(name = "list-zone-templates", version, max_term_width = 100)]
#[command(after_help = "Exit status: 0 done; 2 they could not be listed.")]
pub struct Cli {
    /// Print `name:root:zone`, a line for each zone
    #[arg(short = 'p', long, conflicts_with = "json")]
    pub parsable: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(serde::Serialize)]
struct Report {
    version: u32,
    templates: Vec<Template>,
}

/// Does what the flags say.
///
/// # Errors
/// [`ZoneError`].
pub fn run(cli: &Cli) -> Result<Answer, ZoneError> {
    let templates = Template::all()?;
    if cli.json {
        return Ok(program::answer_json(PROGRAM, &Report { version: 1, templates }));
    }
    let text: String = templates.iter().map(if cli.parsable { parsable } else { plain }).collect();
    Ok(program::answer(PROGRAM, &text, Answer::Yes))
}

fn parsable(template: &Template) -> String {
    let line = |zone: &str| format!("{}:{}:{zone}\n", template.name, template.root.display());
    if template.zones.is_empty() { line("") } else { template.zones.iter().map(|zone| line(zone)).collect() }
}

fn plain(template: &Template) -> String {
    let zones = if template.zones.is_empty() { "none".to_owned() } else { template.zones.join(", ") };
    format!("{}\n  root:  {}\n  zones: {zones}\n", template.name, template.root.display())
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
