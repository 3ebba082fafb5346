//! The flags of `recipe`, and what it says.

pub mod cli;
mod show;

use std::path::{Path, PathBuf};

use contents::database::CONTENTS;
use serde_json::{Value, json};
use zonelib::populate::{Image, ImageError, printable};
use zonelib::program::{self, Answer, SiteFlags};
use zonelib::recipe::{PruneList, Pruned, Recipe, RecipeError, unmatched};

pub use cli::{Cli, Verb, Which};

/// What it is called in messages.
pub const PROGRAM: &str = "recipe";

/// The flag table, for help, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments are not enough.
    #[error("{0}")]
    Usage(&'static str),
    /// The recipe cannot be read.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The image cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
}

/// Does what the flags say.
///
/// # Errors
/// [`Failure`].
pub fn run(cli: &Cli) -> Result<Answer, Failure> {
    match &cli.verb {
        Verb::Check { recipe, image, json } => check(recipe, image.as_deref(), *json),
        Verb::Show { recipe, json } => {
            let recipe = recipe.recipe()?;
            let text = if *json { format!("{}\n", show::data(&recipe)) } else { show::text(&recipe) };
            Ok(program::answer(PROGRAM, &text, Answer::Yes))
        }
        Verb::List { site, json } => Ok(list(site, *json)),
    }
}

/// Something that is wrong, and where.
struct Problem {
    file: PathBuf,
    line: usize,
    problem: String,
}

impl Problem {
    fn unmatched(entry: &Pruned) -> Self {
        let path = printable(&entry.path);
        let problem = if entry.tree {
            format!("{path}/: no package delivers it or anything in it")
        } else {
            format!("{path}: no package delivers it")
        };
        Self { file: entry.file.clone(), line: entry.line, problem }
    }

    fn line(&self) -> String {
        format!("{}:{}: {}\n", self.file.display(), self.line, self.problem)
    }

    fn data(&self) -> Value {
        json!({ "file": self.file.display().to_string(), "line": self.line, "problem": self.problem })
    }
}

fn check(which: &Which, image: Option<&Path>, json: bool) -> Result<Answer, Failure> {
    let recipe = match which.recipe() {
        Ok(recipe) => recipe,
        Err(Failure::Recipe(RecipeError::Line { file, line, problem })) => {
            let wrong = Problem { file, line, problem };
            let data = json!({ "version": 1, "problems": [wrong.data()] });
            let text = if json { format!("{data}\n") } else { wrong.line() };
            return Ok(program::answer(PROGRAM, &text, Answer::No));
        }
        Err(error) => return Err(error),
    };
    let image = image.or_else(|| Path::new("/").join(CONTENTS).exists().then_some(Path::new("/")));
    let problems = match image {
        Some(image) => problems(&recipe, image)?,
        None => {
            program::complain(
                PROGRAM,
                "/ has no package database, so the prune lists were not compared with packages; give --image DIR",
            );
            Vec::new()
        }
    };
    let entries = recipe.lists.iter().map(|list| list.entries.len()).sum::<usize>();
    let text = if json {
        let data = json!({
            "version": 1,
            "brand": recipe.name,
            "recipe": recipe.origin.display().to_string(),
            "image": image.map(|image| image.display().to_string()),
            "entries": entries,
            "problems": problems.iter().map(Problem::data).collect::<Vec<_>>(),
        });
        format!("{data}\n")
    } else {
        let mut text: String = problems.iter().map(Problem::line).collect();
        text += &format!("{}: {}", recipe.origin.display(), verdict(image, entries, problems.len()));
        text
    };
    Ok(program::answer(PROGRAM, &text, if problems.is_empty() { Answer::Yes } else { Answer::No }))
}

fn verdict(image: Option<&Path>, entries: usize, unmatched: usize) -> String {
    match (image, unmatched) {
        (None, _) => format!("fine; {entries} entries in its prune lists\n"),
        (Some(image), 0) => {
            format!("fine; all {entries} entries of its prune lists match packages of {}\n", image.display())
        }
        (Some(image), _) => {
            format!("{unmatched} of {entries} entries of its prune lists match no package of {}\n", image.display())
        }
    }
}

fn problems(recipe: &Recipe, image: &Path) -> Result<Vec<Problem>, Failure> {
    let image = Image::open(image)?;
    let contents = image.contents()?;
    let of_list = |list: &PruneList| unmatched(list, &contents).into_iter().map(Problem::unmatched).collect::<Vec<_>>();
    Ok(recipe.lists.iter().flat_map(of_list).collect())
}

fn list(site: &SiteFlags, json: bool) -> Answer {
    let site = site.site();
    let mut answer = Answer::Yes;
    let mut recipes = Vec::new();
    for brand in site.brands() {
        match site.recipe(&brand) {
            Ok(recipe) => recipes.push(recipe),
            Err(error) => {
                program::complain(PROGRAM, &error.to_string());
                answer = Answer::No;
            }
        }
    }
    let text = if json {
        let one = |recipe: &Recipe| {
            json!({
                "brand": recipe.name,
                "description": recipe.description,
                "recipe": recipe.origin.display().to_string(),
            })
        };
        format!("{}\n", json!({ "version": 1, "brands": recipes.iter().map(one).collect::<Vec<_>>() }))
    } else {
        let width = recipes.iter().map(|recipe| recipe.name.len()).max().unwrap_or(0);
        let one = |recipe: &Recipe| {
            let (name, origin) = (&recipe.name, recipe.origin.display());
            format!("{name:width$}  {}  [{origin}]\n", printable(recipe.description.as_bytes()))
        };
        recipes.iter().map(one).collect()
    };
    program::answer(PROGRAM, &text, answer)
}
