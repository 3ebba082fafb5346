//! Extras that modules ask of one another, followed to the end: `foo[bar]` needs what `bar` of `foo` needs.

use std::collections::HashSet;

use super::{Applies, Model, ProjectId, Verdict};
use crate::pep::{ExtraName, Requirement};

/// Why a requirement counts that only an extra brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// The extra, normalised.
    pub extra: Box<str>,
    /// The row that asks for it.
    pub by: u32,
}

/// An extra that is asked for and that the module does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownExtra {
    /// The row that asks for it.
    pub by: u32,
    /// Whose extra it would be.
    pub of: ProjectId,
    /// The extra, normalised.
    pub extra: Box<str>,
}

/// An extra of a project, and the row that asks for it.
struct Wish {
    of: ProjectId,
    extra: Box<str>,
    by: u32,
}

/// Follows all extras that rows ask for that count, and makes those rows count that they bring.
pub(super) fn follow(model: &mut Model<'_>) {
    let asking: Vec<u32> =
        model.counting().filter(|(_, row)| row.asks_extras && row.target.is_some()).map(|(number, _)| number).collect();
    let mut wishes = Vec::new();
    for number in asking {
        wish(model, number, &mut wishes);
    }
    let mut seen: HashSet<(ProjectId, Box<str>)> = HashSet::new();
    // In the order in which they were wished, so that the shortest way to each is told.
    let mut next = 0;
    while let Some(Wish { of, extra, by }) = wishes.get(next).map(Wish::again) {
        next += 1;
        if !has_extra(model, of, &extra) {
            model.unknown_extras.push(UnknownExtra { by, of, extra });
        } else if seen.insert((of, extra.clone())) {
            for number in grant(model, of, &extra, by) {
                wish(model, number, &mut wishes);
            }
        }
    }
}

impl Wish {
    fn again(&self) -> Self {
        Self { of: self.of, extra: self.extra.clone(), by: self.by }
    }
}

/// The extras that a row asks for.
fn wish(model: &Model<'_>, number: u32, wishes: &mut Vec<Wish>) {
    let row = &model.rows[number as usize];
    let (Some(of), Ok(requirement)) = (row.target, Requirement::parse(row.text)) else { return };
    let extras = requirement.extras.iter().map(|extra| Wish { of, extra: extra.as_str().into(), by: number });
    wishes.extend(extras);
}

/// Whether a project offers an extra, or at least has requirements for it.
fn has_extra(model: &Model<'_>, project: ProjectId, extra: &str) -> bool {
    let wanted = ExtraName::lenient(extra);
    model.projects[project as usize].copies.iter().any(|copy| {
        let module = &model.modules[*copy as usize];
        module.distribution.metadata.provides_extra().any(|offered| ExtraName::lenient(offered) == wanted)
            || model.rows_of(module).any(|(_, row)| {
                matches!(row.applies, Applies::OnlyWithExtra | Applies::ByExtra | Applies::No)
                    && Requirement::parse(row.text)
                        .is_ok_and(|it| it.marker.is_some_and(|marker| marker.extras().contains(&wanted)))
            })
    })
}

/// Makes the rows count that an extra brings, and gives those of them that ask for extras themselves.
fn grant(model: &mut Model<'_>, project: ProjectId, extra: &str, by: u32) -> Vec<u32> {
    let wanted = ExtraName::lenient(extra);
    let mut asking = Vec::new();
    for copy in model.projects[project as usize].copies.clone() {
        for number in model.modules[copy as usize].rows.clone() {
            let row = model.rows[number as usize];
            if row.applies != Applies::OnlyWithExtra {
                continue;
            }
            let Ok(requirement) = Requirement::parse(row.text) else { continue };
            let Some(marker) = &requirement.marker else { continue };
            if !marker.evaluate(&model.environment, Some(&wanted)).unwrap_or(false) {
                continue;
            }
            model.rows[number as usize].applies = Applies::ByExtra;
            model.activations.insert(number, Activation { extra: extra.into(), by });
            if row.asks_extras && row.verdict != Verdict::Missing {
                asking.push(number);
            }
        }
    }
    asking
}

impl Model<'_> {
    /// How it comes that a row counts: the modules and requirements that lead to it, outermost first; nothing for a
    /// requirement without extras.
    #[must_use]
    pub fn way_to(&self, row: u32) -> Vec<String> {
        let mut way = Vec::new();
        let mut seen = HashSet::new();
        let mut next = row;
        while let Some(activation) = self.activations.get(&next) {
            if !seen.insert(next) {
                break;
            }
            let asking = &self.rows[activation.by as usize];
            let name = asking.target.map_or_else(String::new, |it| self.counted(it).name.to_string());
            way.push(format!("{name}[{}]", activation.extra));
            next = activation.by;
            if !self.activations.contains_key(&next) {
                way.push(self.requirer(asking).name.to_string());
            }
        }
        way.reverse();
        way
    }
}
