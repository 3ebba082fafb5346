//! From the flags to what is printed: each command reads, builds the models that it needs, asks, and tells.

mod check;
mod packages;

use std::path::PathBuf;

use crate::cli::{Cli, Command, OutputFlags, SourceFlags, When};
use crate::model::Model;
use crate::packages::MappingError;
use crate::pep::VersionError;
use crate::read::{Collection, ReadError, Sources, collect};
use crate::report::Style;
use crate::target::environment;
use crate::waivers::WaiverError;

/// What is printed, and how the program ends.
#[derive(Debug)]
pub struct Outcome {
    /// For standard output.
    pub text: String,
    /// Whether something was found.
    pub found: bool,
    /// For standard error: what could not be looked at, so that the status is 2.
    pub failures: Vec<String>,
    /// For standard error: what to bear in mind.
    pub warnings: Vec<String>,
}

/// Why there is no answer at all.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A waiver file cannot be used.
    #[error("waivers: {0}")]
    Waivers(#[from] WaiverError),
    /// A mapping file cannot be used.
    #[error("mapping: {0}")]
    Mapping(#[from] MappingError),
    /// The Python that was asked for has no version.
    #[error("--python: {0}")]
    Python(#[from] VersionError),
    /// The answer cannot be written.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Something that was named is not there, or makes no sense.
    #[error("{0}")]
    Asked(String),
}

/// What is known of standard output.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal {
    /// Its width, if it is a terminal.
    pub width: Option<usize>,
    /// Whether colour is unwanted: NO_COLOR, or a terminal that has none.
    pub plain: bool,
}

/// Does what the flags say.
///
/// # Errors
/// [`Failure`]: there is no answer.
pub fn run(cli: &Cli, terminal: Terminal) -> Result<Outcome, Failure> {
    match &cli.command {
        Command::Check(flags) => check::run(flags, terminal),
        Command::Packages(flags) => packages::run(flags, terminal),
        _ => Err(Failure::Asked("not there yet".to_owned())),
    }
}

fn style(flags: OutputFlags, terminal: Terminal) -> Style {
    let color = match flags.color {
        When::Always => true,
        When::Never => false,
        When::Auto => terminal.width.is_some() && !terminal.plain,
    };
    Style { color, width: terminal.width }
}

/// What was read, and what could not be.
struct Gathered {
    collections: Vec<Collection>,
    errors: Vec<ReadError>,
}

fn gather(flags: &SourceFlags, imports: bool) -> Gathered {
    let whole = flags.roots.is_empty() && flags.files.is_empty();
    let roots = if whole { vec![PathBuf::from("/")] } else { flags.roots.clone() };
    let (paths, files, pythons) = (flags.paths.clone(), flags.files.clone(), flags.pythons.clone());
    let (collections, errors) = collect(&Sources { roots, paths, files, pythons, imports });
    Gathered { collections, errors }
}

/// The models of a collection: one for its Python, or one for each of the matrix.
fn models<'c>(collection: &'c Collection, flags: &SourceFlags) -> Result<Vec<Model<'c>>, VersionError> {
    let target = &flags.target;
    let own = [collection.python.version.clone()];
    let pythons = if target.matrix.is_empty() { own.as_slice() } else { &target.matrix };
    let model = |python: &crate::read::PythonVersion| {
        let environment = environment(target.platform, &target.markers, python)?;
        Ok(Model::build(collection, python.clone(), environment))
    };
    pythons.iter().map(model).collect()
}

/// What a model is about: `Python 3.13 in /usr`.
fn title(model: &Model<'_>) -> String {
    let own = &model.collection.python.version;
    let matrix = if own.is_same_as(&model.python) { String::new() } else { format!(", as on {}", model.python) };
    match &model.collection.root {
        Some(root) => {
            let prefix = root.show(&model.collection.python.prefix);
            format!("Python {own} in {}{matrix}", prefix.display())
        }
        None => format!("Python {own}{matrix}"),
    }
}

impl Gathered {
    fn failures(&self) -> Vec<String> {
        self.errors.iter().map(ToString::to_string).collect()
    }
}
