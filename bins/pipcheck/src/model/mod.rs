//! Modules and what they require of one another, for one Python and one environment. Everything that is asked later
//! is answered from here: each requirement is judged once, when the model is built.

mod build;
mod change;
mod extras;
mod graph;
mod judge;

use std::collections::HashMap;

use crate::pep::{DeclaredVersion, Environment, Need, ParseError, ProjectName, Requirement, Undefined};
use crate::read::{Collection, Distribution, PythonVersion};

pub(crate) use build::{fit, patches};
pub use extras::{Activation, UnknownExtra};
pub use graph::Reverse;
pub use judge::judge;

/// A project by its number in [`Model::projects`].
pub type ProjectId = u32;

/// Whether a requirement holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What is required is there.
    Met,
    /// It is not installed.
    Missing,
    /// It is installed in a version that is not wanted.
    Wrong,
    /// It is installed twice, and not both would do.
    Ambiguous,
    /// The requirement cannot be understood.
    Bad,
}

/// Whether a requirement counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// Always.
    Yes,
    /// Because another module asks for the extra that it is for.
    ByExtra,
    /// Only if somebody asked for an extra, which nobody does.
    OnlyWithExtra,
    /// Not in this environment.
    No,
}

/// One requirement of one distribution.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// As metadata have it.
    pub text: &'a str,
    /// The distribution, by number.
    pub module: u32,
    /// What is required, if it is installed.
    pub target: Option<ProjectId>,
    /// Whether it counts.
    pub applies: Applies,
    /// Whether it holds; of one that does not count, whether it would.
    pub verdict: Verdict,
    /// It asks for extras of what is required.
    pub asks_extras: bool,
    /// It names an address.
    pub has_url: bool,
    /// It has a specifier that was only leniently read.
    pub legacy: bool,
}

impl Row<'_> {
    /// Whether it counts.
    #[must_use]
    pub fn counts(&self) -> bool {
        matches!(self.applies, Applies::Yes | Applies::ByExtra)
    }
}

/// Which of several distributions of one project counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the only one, or the first.
    Counted,
    /// Another in the same directory is as good.
    Duplicate,
    /// Another comes before it on the search path.
    Shadowed,
}

/// Whether a module is for the Python at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PythonFit {
    /// It is, or does not say.
    Fits,
    /// It is not.
    Wrong,
    /// It depends on the patch level, which is not known.
    Unsure,
    /// What it says cannot be understood.
    Bad(ParseError),
}

/// A distribution with its identity settled.
#[derive(Debug)]
pub struct Module<'a> {
    /// What was read.
    pub distribution: &'a Distribution,
    /// Its name: that in its metadata, else that of its entry.
    pub name: ProjectName<'a>,
    /// Its version, likewise; `None` when neither says it.
    pub version: Option<DeclaredVersion<'a>>,
    /// Its project.
    pub project: ProjectId,
    /// Whether it is the one that counts.
    pub standing: Standing,
    /// Whether it is for this Python.
    pub python: PythonFit,
    /// Its requirements, in [`Model::rows`].
    pub rows: std::ops::Range<u32>,
}

/// A project that is installed.
#[derive(Debug, Default)]
pub struct Project {
    /// The distributions that count, by number: several if one directory has several.
    pub copies: Vec<u32>,
    /// The distributions that others come before.
    pub shadowed: Vec<u32>,
}

/// All modules of one Python, judged.
#[derive(Debug)]
pub struct Model<'a> {
    /// What was read.
    pub collection: &'a Collection,
    /// The Python that it is judged for: that of the collection, unless another was asked for.
    pub python: PythonVersion,
    /// What markers are evaluated for.
    pub environment: Environment,
    /// One for each distribution of the collection, in its order.
    pub modules: Vec<Module<'a>>,
    /// By number.
    pub projects: Vec<Project>,
    /// By normalised name.
    pub by_name: HashMap<Box<str>, ProjectId>,
    /// The requirements of all modules, in their order.
    pub rows: Vec<Row<'a>>,
    /// Why a requirement counts that only an extra brings, by its number.
    pub activations: HashMap<u32, Activation>,
    /// Extras that are asked for and that there are not.
    pub unknown_extras: Vec<UnknownExtra>,
}

impl<'a> Model<'a> {
    /// The project of a name.
    #[must_use]
    pub fn project(&self, name: &str) -> Option<ProjectId> {
        self.by_name.get(ProjectName::parse(name).ok()?.as_str()).copied()
    }

    /// The distribution of a project that counts; of several, the first.
    #[must_use]
    pub fn counted(&self, project: ProjectId) -> &Module<'a> {
        &self.modules[self.projects[project as usize].copies[0] as usize]
    }

    /// The module of a row.
    #[must_use]
    pub fn requirer(&self, row: &Row<'a>) -> &Module<'a> {
        &self.modules[row.module as usize]
    }

    /// The rows of a module, with their numbers.
    pub fn rows_of(&self, module: &Module<'a>) -> impl Iterator<Item = (u32, &Row<'a>)> {
        module.rows.clone().map(|number| (number, &self.rows[number as usize]))
    }

    /// Whether a module's requirements count: nobody imports one that another comes before.
    #[must_use]
    pub fn is_live(&self, module: &Module<'a>) -> bool {
        module.standing != Standing::Shadowed
    }

    /// All requirements that count, with their numbers.
    pub fn counting(&self) -> impl Iterator<Item = (u32, &Row<'a>)> {
        (0..).zip(&self.rows).filter(|(_, row)| row.counts() && self.is_live(self.requirer(row)))
    }
}

impl Module<'_> {
    /// The version as it was written.
    #[must_use]
    pub fn version_text(&self) -> Option<&str> {
        self.version.as_ref().map(DeclaredVersion::text)
    }

    /// `name version`, for people.
    #[must_use]
    pub fn label(&self) -> String {
        match self.version_text() {
            Some(version) => format!("{} {version}", self.name),
            None => self.name.to_string(),
        }
    }
}

/// Why a requirement cannot be judged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unjudged {
    /// It cannot be read.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// Its marker cannot be evaluated.
    #[error(transparent)]
    Undefined(#[from] Undefined),
}

/// Whether a requirement counts in an environment, with nobody asking for extras.
///
/// # Errors
/// [`Undefined`]: its marker speaks of what there is not.
pub fn applies(requirement: &Requirement<'_>, environment: &Environment) -> Result<Applies, Undefined> {
    let Some(marker) = &requirement.marker else { return Ok(Applies::Yes) };
    Ok(match marker.need(environment)? {
        Need::Always => Applies::Yes,
        Need::Extras { .. } => Applies::OnlyWithExtra,
        Need::Never => Applies::No,
    })
}
