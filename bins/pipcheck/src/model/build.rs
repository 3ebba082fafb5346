//! Building the model: identities, projects, and every requirement judged, several distributions at a time.

use std::collections::HashMap;
use std::num::NonZero;
use std::ops::Range;

use super::{Applies, Model, Module, Project, PythonFit, Row, Standing, Verdict, applies, extras, judge};
use crate::pep::{DeclaredVersion, Environment, PreReleases, ProjectName, Requirement, Specifiers};
use crate::read::{Collection, Distribution, PythonVersion};

/// A thread costs more than it saves below so many distributions.
const WORTH_THREADS: usize = 200;
const THREADS: usize = 8;
/// No patch level is higher.
const LAST_PATCH: u8 = 99;

impl<'a> Model<'a> {
    /// Judges all that was read, for a Python and an environment.
    #[must_use]
    pub fn build(collection: &'a Collection, python: PythonVersion, environment: Environment) -> Self {
        let mut model = Self::identified(collection, &collection.distributions, python, environment);
        model.require();
        extras::follow(&mut model);
        model
    }

    /// Settles who is who; nothing is judged yet.
    pub(super) fn identified(
        collection: &'a Collection,
        distributions: impl IntoIterator<Item = &'a Distribution>,
        python: PythonVersion,
        environment: Environment,
    ) -> Self {
        let expected = collection.distributions.len();
        let mut model = Self {
            collection,
            python,
            environment,
            modules: Vec::with_capacity(expected),
            projects: Vec::new(),
            by_name: HashMap::with_capacity(expected),
            rows: Vec::new(),
            activations: HashMap::new(),
            unknown_extras: Vec::new(),
        };
        for distribution in distributions {
            model.add(distribution);
        }
        model
    }

    fn add(&mut self, distribution: &'a Distribution) {
        let (name, version) = identity(distribution);
        let number = self.modules.len() as u32;
        let project = match self.by_name.get(name.as_str()) {
            Some(project) => *project,
            None => {
                self.projects.push(Project::default());
                let project = self.projects.len() as u32 - 1;
                self.by_name.insert(name.as_str().into(), project);
                project
            }
        };
        let known = &mut self.projects[project as usize];
        let first = known.copies.first().map(|first| self.modules[*first as usize].distribution.place);
        let standing = match first {
            None => Standing::Counted,
            Some(place) if place == distribution.place => Standing::Duplicate,
            Some(_) => Standing::Shadowed,
        };
        match standing {
            Standing::Shadowed => known.shadowed.push(number),
            Standing::Counted | Standing::Duplicate => known.copies.push(number),
        }
        let python = PythonFit::Fits;
        self.modules.push(Module { distribution, name, version, project, standing, python, rows: 0..0 });
    }

    /// Judges all requirements.
    fn require(&mut self) {
        let available = std::thread::available_parallelism().map_or(1, NonZero::get);
        let threads = if self.modules.len() < WORTH_THREADS { 1 } else { available.min(THREADS) };
        let share = self.modules.len().div_ceil(threads).max(1);
        let ranges: Vec<Range<usize>> = (0..threads)
            .map(|thread| thread * share..self.modules.len().min((thread + 1) * share))
            .filter(|range| !range.is_empty())
            .collect();
        let judged: Vec<Judged<'a>> = match ranges.as_slice() {
            [] => Vec::new(),
            [range] => vec![judge_range(self, range.clone())],
            [first, others @ ..] => std::thread::scope(|scope| {
                let model = &*self;
                let others: Vec<_> =
                    others.iter().map(|range| scope.spawn(|| judge_range(model, range.clone()))).collect();
                let mut parts = vec![judge_range(model, first.clone())];
                // A thread that panicked has broken an invariant of this program.
                parts.extend(
                    others
                        .into_iter()
                        .map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
                );
                parts
            }),
        };
        let mut modules = self.modules.iter_mut();
        for Judged { rows, modules: settled } in judged {
            let mut start = self.rows.len() as u32;
            if self.rows.is_empty() {
                self.rows = rows;
            } else {
                self.rows.extend(rows);
            }
            for ((count, python), module) in settled.into_iter().zip(modules.by_ref()) {
                module.rows = start..start + count;
                module.python = python;
                start += count;
            }
        }
    }
}

/// What was found out about some modules that follow one another.
pub(super) struct Judged<'a> {
    /// The requirements of all.
    pub(super) rows: Vec<Row<'a>>,
    /// How many of them each has, and whether it is for this Python.
    pub(super) modules: Vec<(u32, PythonFit)>,
}

pub(super) fn judge_range<'a>(model: &Model<'a>, range: Range<usize>) -> Judged<'a> {
    let patched = patches(&model.python);
    let mut judged = Judged { rows: Vec::new(), modules: Vec::with_capacity(range.len()) };
    // Neighbours mostly say the same.
    let mut last = ("", PythonFit::Fits);
    for number in range {
        let metadata = &model.modules[number].distribution.metadata;
        let before = judged.rows.len();
        judged.rows.extend(metadata.requires_dist().map(|text| model.judge_row(number as u32, text)));
        if let Some(text) = metadata.requires_python().filter(|text| *text != last.0) {
            last = (text, fit(text, &patched));
        }
        let python = metadata.requires_python().map_or(PythonFit::Fits, |_| last.1.clone());
        judged.modules.push(((judged.rows.len() - before) as u32, python));
    }
    judged
}

impl<'a> Model<'a> {
    /// Judges one requirement of a module, as it is when nobody asks for extras.
    pub(crate) fn judge_row(&self, module: u32, text: &'a str) -> Row<'a> {
        let mut row = Row {
            text,
            module,
            target: None,
            applies: Applies::Yes,
            verdict: Verdict::Bad,
            asks_extras: false,
            has_url: false,
            legacy: false,
        };
        let Ok(requirement) = Requirement::parse(text) else { return row };
        let Ok(applies) = applies(&requirement, &self.environment) else { return row };
        row.applies = applies;
        row.asks_extras = !requirement.extras.is_empty();
        row.has_url = requirement.url.is_some();
        row.legacy = requirement.specifiers.legacy().next().is_some();
        row.target = self.by_name.get(requirement.name.as_str()).copied();
        row.verdict = self.verdict_on(&requirement);
        row
    }

    /// Whether a requirement holds among what is installed.
    pub(crate) fn verdict_on(&self, requirement: &Requirement<'_>) -> Verdict {
        match self.by_name.get(requirement.name.as_str()) {
            None => Verdict::Missing,
            Some(project) => {
                let copies = &self.projects[*project as usize].copies;
                judge(requirement, copies.iter().map(|copy| self.modules[*copy as usize].version.as_ref()))
            }
        }
    }
}

/// The full versions that a Python may have: one, or the first and last of its series.
pub(crate) fn patches(python: &PythonVersion) -> Vec<String> {
    if python.patch.is_empty() {
        [0, LAST_PATCH].iter().map(|patch| format!("{python}.{patch}")).collect()
    } else {
        // A `+` marks an interpreter that was built from changed sources.
        vec![python.to_string().trim_end_matches('+').to_owned()]
    }
}

pub(crate) fn fit(text: &str, patched: &[String]) -> PythonFit {
    match Specifiers::parse(text) {
        Err(error) => PythonFit::Bad(error),
        Ok(specifiers) => {
            let admits = |full: &String| specifiers.contains(&DeclaredVersion::parse(full), PreReleases::Admit);
            match patched.iter().filter(|full| admits(full)).count() {
                0 => PythonFit::Wrong,
                fits if fits == patched.len() => PythonFit::Fits,
                _ => PythonFit::Unsure,
            }
        }
    }
}

/// Name and version: metadata come first, then the entry.
fn identity(distribution: &Distribution) -> (ProjectName<'_>, Option<DeclaredVersion<'_>>) {
    let entry = distribution.identity();
    let said = distribution.metadata.name().and_then(|name| ProjectName::parse(name).ok());
    let name = said.unwrap_or_else(|| ProjectName::lenient(entry.name));
    let version = distribution.metadata.version().filter(|version| !version.is_empty()).or(entry.version);
    (name, version.map(DeclaredVersion::parse))
}
