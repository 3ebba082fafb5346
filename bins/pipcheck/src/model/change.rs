//! The model of a Python in which some distributions are others: what was judged before is kept where it still holds.

use std::collections::HashMap;
use std::ptr;

use super::build::judge_range;
use super::{Applies, Model, Module, ProjectId, PythonFit, Row, Verdict, extras};
use crate::read::Distribution;

impl<'a> Model<'a> {
    /// The same Python and environment with these distributions, in the order in which it finds them. Those that are of
    /// this model are not read or judged again, but for what they require of others that have changed.
    #[must_use]
    pub fn with(&self, distributions: &[&'a Distribution]) -> Self {
        let mut after = Self::identified(
            self.collection,
            distributions.iter().copied(),
            self.python.clone(),
            self.environment.clone(),
        );
        let kept = Kept::of(self, &after);
        let mut rows = Vec::with_capacity(self.rows.len());
        let mut settled = Vec::with_capacity(after.modules.len());
        for (number, module) in after.modules.iter().enumerate() {
            let start = rows.len() as u32;
            let python = match kept.module(module.distribution) {
                Some(old) => {
                    rows.extend(self.rows_of(old).map(|(_, row)| kept.row(&after, number as u32, row)));
                    old.python.clone()
                }
                None => {
                    let judged = judge_range(&after, number..number + 1);
                    rows.extend(judged.rows);
                    judged.modules.into_iter().next().map_or(PythonFit::Fits, |(_, python)| python)
                }
            };
            settled.push((start..rows.len() as u32, python));
        }
        for (module, (rows, python)) in after.modules.iter_mut().zip(settled) {
            module.rows = rows;
            module.python = python;
        }
        after.rows = rows;
        extras::follow(&mut after);
        after
    }
}

/// What holds after a change as it did before.
struct Kept<'m, 'a> {
    modules: HashMap<*const Distribution, &'m Module<'a>>,
    /// For each project before, what it is now if it has the same distributions.
    projects: Vec<Option<ProjectId>>,
    /// Whether there are projects that were not there.
    added: bool,
}

impl<'m, 'a> Kept<'m, 'a> {
    fn of(before: &'m Model<'a>, after: &Model<'a>) -> Self {
        let modules = before.modules.iter().map(|module| (ptr::from_ref(module.distribution), module)).collect();
        let mut projects = vec![None; before.projects.len()];
        let mut added = false;
        for (name, now) in &after.by_name {
            match before.by_name.get(name) {
                Some(old) if copies(before, *old).eq(copies(after, *now)) => projects[*old as usize] = Some(*now),
                Some(_) => {}
                None => added = true,
            }
        }
        Self { modules, projects, added }
    }

    fn module(&self, distribution: &Distribution) -> Option<&'m Module<'a>> {
        self.modules.get(&ptr::from_ref(distribution)).copied()
    }

    /// A requirement of a distribution that stays, as it is after the change.
    fn row(&self, after: &Model<'a>, module: u32, old: &Row<'a>) -> Row<'a> {
        let applies = if old.applies == Applies::ByExtra { Applies::OnlyWithExtra } else { old.applies };
        let target = match old.target {
            Some(project) => match self.projects[project as usize] {
                Some(now) => Some(now),
                None => return after.judge_row(module, old.text),
            },
            None if self.added && old.verdict == Verdict::Missing => return after.judge_row(module, old.text),
            None => None,
        };
        Row { module, target, applies, ..*old }
    }
}

/// The distributions of a project that count.
fn copies(model: &Model<'_>, project: ProjectId) -> impl Iterator<Item = *const Distribution> {
    let numbers = model.projects[project as usize].copies.iter();
    numbers.map(|number| ptr::from_ref(model.modules[*number as usize].distribution))
}
