//! From the flags to what is printed: each command reads, builds the models that it needs, asks, and tells.

mod blockers;
mod check;
mod diff;
mod held_back;
mod packages;
mod show;
mod tree;
mod what_if;

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::{Cli, Command, OutputFlags, SourceFlags, When};
use crate::model::{Model, ProjectId};
use crate::packages::MappingError;
use crate::pep::{ProjectName, VersionError};
use crate::plan::{ChangeError, KnownError, KnownVersions};
use crate::read::{Collection, ReadError, Sources, collect};
use crate::report::Style;
use crate::target::environment;
use crate::waivers::WaiverError;

pub use diff::ReportError;

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
    /// A change that was asked about makes no sense.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// A list of versions cannot be used.
    #[error(transparent)]
    Known(#[from] KnownError),
    /// What is to be compared cannot be read.
    #[error(transparent)]
    Report(#[from] ReportError),
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
        Command::WhatIf(flags) => what_if::run(flags, terminal),
        Command::Blockers(flags) => blockers::run(flags, terminal),
        Command::HeldBack(flags) => held_back::run(flags, terminal),
        Command::Show(flags) => show::run(flags, terminal),
        Command::Tree(flags) => tree::run(flags, terminal),
        Command::Diff(flags) => diff::run(flags, terminal),
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

/// Which Python an answer is about, as JSON.
#[derive(Clone, Debug, Serialize)]
struct About {
    /// The root, on this machine.
    root: Option<String>,
    /// The folder of the Python below it.
    prefix: String,
    /// The version that it is asked for.
    python: String,
}

impl About {
    fn of(model: &Model<'_>) -> Self {
        let collection = model.collection;
        Self {
            root: collection.root.as_ref().map(|root| root.shown().to_string_lossy().into_owned()),
            prefix: collection.python.prefix.to_string_lossy().into_owned(),
            python: model.python.to_string(),
        }
    }
}

/// An answer as JSON.
#[derive(Debug, Serialize)]
struct Answer<T> {
    /// [`crate::report::FORMAT`].
    version: u32,
    /// The command.
    command: &'static str,
    /// One for each Python, and each of the matrix.
    environments: Vec<T>,
    /// What could not be looked at.
    failures: Vec<String>,
}

impl<T: Serialize> Answer<T> {
    fn text(command: &'static str, environments: Vec<T>, failures: &[String], style: Style) -> Result<String, Failure> {
        let answer = Self { version: crate::report::FORMAT, command, environments, failures: failures.to_vec() };
        Ok(crate::report::json(&answer, style)?)
    }
}

/// The projects of names that people gave. A name is wrong only if no model has it: they may be of several Pythons.
struct Asked<'n> {
    names: &'n [String],
    found: Vec<bool>,
    known: std::collections::BTreeSet<String>,
}

impl<'n> Asked<'n> {
    fn new(names: &'n [String]) -> Self {
        Self { names, found: vec![false; names.len()], known: std::collections::BTreeSet::new() }
    }

    /// The projects that a model has of them, by what `has` finds under the normalised name.
    fn of<T>(&mut self, model: &Model<'_>, has: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let mut all = Vec::new();
        for (name, found) in self.names.iter().zip(&mut self.found) {
            let it = has(ProjectName::lenient(name).as_str());
            *found |= it.is_some();
            all.extend(it);
        }
        if !self.found.iter().all(|found| *found) {
            self.known.extend(model.by_name.keys().map(|name| name.to_string()));
        }
        all
    }

    fn projects(&mut self, model: &Model<'_>) -> Vec<ProjectId> {
        let mut projects = self.of(model, |name| model.by_name.get(name).copied());
        let mut seen = std::collections::BTreeSet::new();
        projects.retain(|project| seen.insert(*project));
        projects
    }

    /// What is wrong with the names that nobody has; `why` says it of one.
    fn unknown(&self, why: &str) -> Vec<String> {
        let missing = self.names.iter().zip(&self.found).filter(|(_, found)| !**found);
        missing.map(|(name, _)| unknown(name, why, self.known.iter().map(String::as_str))).collect()
    }
}

/// That there is nothing of a name, and what there is that looks like it.
fn unknown<'k>(name: &str, why: &str, known: impl Iterator<Item = &'k str>) -> String {
    let near = contents::names::nearest(name, known);
    let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", or ")) };
    format!("`{name}` {why}{hint}")
}

/// A list of versions, if one was named, and what cannot be used of it.
fn known_versions(path: Option<&std::path::Path>) -> Result<(KnownVersions, Vec<String>), KnownError> {
    let mut known = path.map(KnownVersions::read).transpose()?.unwrap_or_default();
    let problems = std::mem::take(&mut known.problems);
    Ok((known, problems))
}
