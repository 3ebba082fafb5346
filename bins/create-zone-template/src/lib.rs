//! The flags of `create-zone-template`, and what it says.

use std::convert::Infallible;
use std::path::PathBuf;

use clap::{CommandFactory, Parser};
use contents::names::OverlayName;
use zonelib::brand::tell_recovered;
use zonelib::host;
use zonelib::program::{self, Answer, StateFlags};
use zonelib::zone::{Given, Kind, NewTemplate, Reading, Shown, TemplateName, ZoneError, shown};

/// What it is called in messages.
pub const PROGRAM: &str = "create-zone-template";

/// Makes a template, which sparse zones can share instead of the global zone
///
/// `create-zone -T TEMPLATE` makes such zones. The template is whole-root, or of another distribution from an image.
#[derive(Debug, Parser)]
#[command(name = "create-zone-template", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done; 2 something was in the way, or it failed and was undone.")]
pub struct Cli {
    /// Its name
    #[arg(short = 'T', long, value_name = "TEMPLATE")]
    pub template: Given<TemplateName>,
    /// whole or alien
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = "whole")]
    pub kind: Given<Kind>,
    /// alien: what it is installed from
    #[arg(short = 'I', long, value_name = "IMAGE")]
    pub image: Option<PathBuf>,
    /// Keep only these overlays, what they require, and base (repeatable)
    #[arg(short = 'o', long = "overlay", value_name = "OVERLAY")]
    pub overlays: Vec<Given<OverlayName>>,
    /// Add this overlay (repeatable)
    #[arg(short = 'O', long = "add-overlay", value_name = "OVERLAY")]
    pub add_overlays: Vec<Given<OverlayName>>,
    /// Keep this package too; needs -o (repeatable)
    #[arg(short = 'p', long = "package", value_name = "PACKAGE")]
    pub packages: Vec<String>,
    /// Add this package (repeatable)
    #[arg(short = 'P', long = "add-package", value_name = "PACKAGE")]
    pub add_packages: Vec<String>,
    /// Print what would be done, and do nothing
    #[arg(short = 'N', visible_short_alias = 'n', long)]
    pub dry_run: bool,
    /// Print the plan, or the template, as JSON
    #[arg(long)]
    pub json: bool,
    /// Where records are.
    #[command(flatten)]
    pub state: StateFlags,
}

#[derive(serde::Serialize)]
struct Report<T: serde::Serialize> {
    version: u32,
    #[serde(flatten)]
    content: T,
}

#[derive(serde::Serialize)]
struct Steps {
    steps: Vec<Shown>,
}

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
    let template = cli.template();
    if cli.dry_run {
        let steps = template.plan()?;
        return Ok(if cli.json { json(Steps { steps }) } else { said(&steps.iter().map(shown).collect::<String>()) });
    }
    let made = template.make(&cli.state.dir(), &|line| program::tell(line), tell_recovered(PROGRAM))?;
    Ok(if cli.json { json(made) } else { said(&format!("template `{}` is in {}\n", made.name, made.root.display())) })
}

impl Cli {
    fn template(&self) -> NewTemplate {
        let mut read = Reading::default();
        let template = NewTemplate {
            name: read.one("-T", &self.template).unwrap_or_else(TemplateName::unread),
            kind: read.one("-t", &self.kind).unwrap_or(Kind::Whole),
            image: self.image.clone(),
            overlays: read.all("-o", &self.overlays),
            add_overlays: read.all("-O", &self.add_overlays),
            packages: self.packages.clone(),
            add_packages: self.add_packages.clone(),
            unread: Vec::new(),
        };
        NewTemplate { unread: read.unread, ..template }
    }
}

fn said(text: &str) -> Answer {
    program::answer(PROGRAM, text, Answer::Yes)
}

fn json(content: impl serde::Serialize) -> Answer {
    program::answer_json(PROGRAM, &Report { version: 1, content })
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
