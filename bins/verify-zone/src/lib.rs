//! The flags of `verify-zone`, and what it says.

pub mod cli;

use std::io;
use std::path::PathBuf;

use serde_json::json;
use zonelib::brand::install::InstallError;
use zonelib::brand::{Ingredients, Sources};
use zonelib::populate::{self, Difference, Findings, Wanted, difference_json, printable};
use zonelib::program::{self, Answer};
use zonelib::recipe::{Recipe, RecipeError};
use zonelib::root::Tree;
use zonelib::storage::StorageError;

pub use cli::Cli;

/// What it is called in messages.
pub const PROGRAM: &str = "verify-zone";

/// The zone root's name in its zonepath.
const ROOT: &str = "root";

/// The flag table, for help, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Why nothing could be compared.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments are not enough.
    #[error("{0}")]
    Usage(&'static str),
    /// The recipe cannot be read.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The plan cannot be made, or the zone root cannot be read.
    #[error(transparent)]
    Install(#[from] InstallError),
}

/// Does what the flags say.
///
/// # Errors
/// [`Failure`].
pub fn run(cli: &Cli) -> Result<Answer, Failure> {
    let recipe = cli.recipe.recipe()?.ok_or(Failure::Usage("no brand; give -b BRAND"))?;
    let wanted = Wanted { overlays: cli.overlays.clone(), packages: cli.packages.clone() };
    let from = Ingredients {
        image: &cli.image,
        recipe: &recipe,
        template: cli.template.as_ref().and_then(Option::as_deref),
        makes_template: cli.template == Some(None),
        wanted: (!cli.overlays.is_empty()).then_some(&wanted),
    };
    from.check()?;
    let (path, root) = open_root(cli)?;
    let sources = Sources::open(&from)?;
    let mut findings = sources.with_plan(&from, |_, plan, trees| {
        for warning in &plan.warnings {
            program::complain(PROGRAM, &format!("warning: {warning}"));
        }
        let verified = populate::verify(plan, &root, trees, &sources.shared(&recipe));
        let mut findings = verified.map_err(|error| unreadable(path.clone(), error))?;
        // Services change it as long as a zone lives, and it may have been prepared before that.
        let repository = recipe.smf.as_ref().map(|smf| smf.repository.trim_start_matches('/').as_bytes());
        findings
            .differences
            .retain(|difference| difference.what != "edited" || Some(difference.path.as_slice()) != repository);
        Ok(findings)
    })?;
    let all = findings.differences.len();
    findings.differences.retain(|difference| !cli.ignore_edited || difference.what != "edited");
    let ignored = all - findings.differences.len();
    if !findings.mounted.is_empty() {
        let names: Vec<String> = findings.mounted.iter().map(|path| format!("/{}", printable(path))).collect();
        let names = names.join(", ");
        program::complain(
            PROGRAM,
            &format!("not looked at, because something is mounted there: {names}; halt the zone"),
        );
    }
    let report = Report { cli, recipe: &recipe, root: path, findings: &findings, ignored };
    let text = if cli.json { report.data() } else { report.text() };
    Ok(program::answer(PROGRAM, &text, if findings.differences.is_empty() { Answer::Yes } else { Answer::No }))
}

/// The zone root, which has to be a directory of the zonepath, not a link to another place.
fn open_root(cli: &Cli) -> Result<(PathBuf, Tree), InstallError> {
    if cli.template == Some(None) {
        let path = cli.zonepath.clone();
        return Tree::open(&path).map(|tree| (path.clone(), tree)).map_err(|error| unreadable(path, error));
    }
    let path = cli.zonepath.join(ROOT);
    let zonepath = Tree::open(&cli.zonepath).map_err(|error| unreadable(cli.zonepath.clone(), error))?;
    let opened = zonepath.open_dir(ROOT.as_bytes()).and_then(|handle| Tree::from_handle(&handle));
    opened.map(|tree| (path.clone(), tree)).map_err(|error| unreadable(path, error))
}

fn unreadable(path: PathBuf, source: io::Error) -> InstallError {
    StorageError::System { path, source }.into()
}

struct Report<'r> {
    cli: &'r Cli,
    recipe: &'r Recipe,
    root: PathBuf,
    findings: &'r Findings,
    ignored: usize,
}

impl Report<'_> {
    fn text(&self) -> String {
        let line = |difference: &Difference| {
            format!("{}: /{}: {}\n", difference.what, printable(&difference.path), difference.detail)
        };
        let mut text: String = self.findings.differences.iter().map(line).collect();
        let differences = match self.findings.differences.len() {
            0 => "no differences".to_owned(),
            1 => "1 difference".to_owned(),
            count => format!("{count} differences"),
        };
        text += &format!("{}: {differences} in {} objects", self.root.display(), self.findings.compared);
        if self.ignored > 0 {
            text += &format!("; edited files left out: {}", self.ignored);
        }
        if self.findings.lacking > 0 {
            text += &format!("; not expected, because the image itself lacks them: {}", self.findings.lacking);
        }
        text + "\n"
    }

    fn data(&self) -> String {
        let path = |path: &Vec<u8>| format!("/{}", printable(path));
        let data = json!({
            "version": 1,
            "zone": self.cli.zone.as_ref().map(ToString::to_string),
            "root": self.root.display().to_string(),
            "brand": self.recipe.name,
            "image": self.cli.image.display().to_string(),
            "objects": self.findings.compared,
            "differences": self.findings.differences.iter().map(difference_json).collect::<Vec<_>>(),
            "edited_left_out": self.ignored,
            "lacking_in_image": self.findings.lacking,
            "mounted": self.findings.mounted.iter().map(path).collect::<Vec<_>>(),
        });
        format!("{data}\n")
    }
}
