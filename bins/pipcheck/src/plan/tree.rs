//! What requires what, as far as it counts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::show::state;
use crate::check::wanted;
use crate::model::{Model, ProjectId, Reverse, Row};
use crate::pep::Requirement;

/// Which way a tree grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From what requires to what is required.
    Requires,
    /// From what is required to what requires it.
    RequiredBy,
}

/// The modules that can be reached from some, each once; what a tree of them shows more than once, or would for ever,
/// is up to who draws it.
#[derive(Clone, Debug, Serialize)]
pub struct Tree {
    /// Which way it grows.
    pub direction: Direction,
    /// Where it begins.
    pub tops: Vec<String>,
    /// All modules in it, by name.
    pub modules: BTreeMap<String, TreeModule>,
}

/// One module of a tree.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TreeModule {
    /// Its version; none if it is not installed, or has none.
    pub version: Option<String>,
    /// Whether it is installed.
    pub installed: bool,
    /// What hangs below it.
    pub below: Vec<Branch>,
}

/// What leads from one module to the next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Branch {
    /// The module that it leads to.
    pub name: String,
    /// The requirement, without its marker.
    pub requirement: String,
    /// `met`, `missing`, `incompatible` or `ambiguous`.
    pub state: &'static str,
}

impl Tree {
    /// Whether something in it does not hold.
    #[must_use]
    pub fn has_trouble(&self) -> bool {
        self.modules.values().flat_map(|module| &module.below).any(|branch| branch.state != "met")
    }
}

/// The tree from some projects, or from those at the top: those that nothing requires, and one of each circle that
/// nothing else leads to.
#[must_use]
pub fn tree(model: &Model<'_>, reverse: &Reverse, tops: &[ProjectId], direction: Direction) -> Tree {
    let mut grown = Grown { model, reverse, direction, modules: BTreeMap::new() };
    let mut starts = tops.to_vec();
    if starts.is_empty() {
        let mut all: Vec<(&str, ProjectId)> =
            model.by_name.iter().map(|(name, project)| (name.as_ref(), *project)).collect();
        all.sort_unstable();
        starts.extend(all.iter().map(|(_, project)| *project).filter(|project| !grown.hangs(*project)));
        starts.iter().for_each(|start| grown.grow(*start));
        for (name, project) in all {
            if !grown.modules.contains_key(name) {
                starts.push(project);
                grown.grow(project);
            }
        }
    } else {
        starts.iter().for_each(|start| grown.grow(*start));
    }
    let tops = starts.iter().map(|project| model.counted(*project).name.to_string()).collect();
    Tree { direction, tops, modules: grown.modules }
}

struct Grown<'t, 'a> {
    model: &'t Model<'a>,
    reverse: &'t Reverse,
    direction: Direction,
    modules: BTreeMap<String, TreeModule>,
}

impl<'t, 'a> Grown<'t, 'a> {
    /// The requirements of others that lead to a project.
    fn requirers(&self, project: ProjectId) -> impl Iterator<Item = &'t Row<'a>> {
        let model = self.model;
        let rows = self.reverse.rows(project).iter().map(move |number| &model.rows[*number as usize]);
        rows.filter(move |row| {
            row.counts() && model.is_live(model.requirer(row)) && model.requirer(row).project != project
        })
    }

    /// Whether something leads to a project.
    fn hangs(&self, project: ProjectId) -> bool {
        match self.direction {
            Direction::Requires => self.requirers(project).next().is_some(),
            Direction::RequiredBy => self.model.requires(project).iter().any(|target| *target != project),
        }
    }

    fn grow(&mut self, start: ProjectId) {
        let mut waiting = vec![start];
        while let Some(project) = waiting.pop() {
            let module = self.model.counted(project);
            if self.modules.contains_key(module.name.as_str()) {
                continue;
            }
            let (below, next) = match self.direction {
                Direction::Requires => self.required(project),
                Direction::RequiredBy => self.requiring(project),
            };
            for branch in below.iter().filter(|branch| branch.state == "missing") {
                self.modules.entry(branch.name.clone()).or_default();
            }
            let version = module.version_text().map(str::to_owned);
            let below = below.into_iter().collect();
            self.modules.insert(module.name.to_string(), TreeModule { version, installed: true, below });
            waiting.extend(next);
        }
    }

    fn required(&self, project: ProjectId) -> (BTreeSet<Branch>, Vec<ProjectId>) {
        let copies = &self.model.projects[project as usize].copies;
        let modules = copies.iter().map(|copy| &self.model.modules[*copy as usize]);
        let rows = modules.flat_map(|module| self.model.rows_of(module)).filter(|(_, row)| row.counts());
        let mut below = BTreeSet::new();
        let mut next = Vec::new();
        for (_, row) in rows {
            if let Ok(requirement) = Requirement::parse(row.text) {
                below.insert(branch(row, requirement.name.to_string()));
                next.extend(row.target);
            }
        }
        (below, next)
    }

    fn requiring(&self, project: ProjectId) -> (BTreeSet<Branch>, Vec<ProjectId>) {
        let rows: Vec<&Row<'a>> = self.requirers(project).collect();
        let below = rows.iter().map(|row| branch(row, self.model.requirer(row).name.to_string())).collect();
        (below, rows.iter().map(|row| self.model.requirer(row).project).collect())
    }
}

fn branch(row: &Row<'_>, name: String) -> Branch {
    Branch { name, requirement: wanted(row.text).to_owned(), state: state(row.verdict) }
}
