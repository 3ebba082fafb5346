//! How far each requirer lets a module go.

use std::cmp::Ordering;
use std::collections::VecDeque;

use serde::Serialize;

use super::known::KnownVersions;
use crate::check::wanted;
use crate::model::{Applies, Model, ProjectId, Reverse, Row, Verdict};
use crate::pep::{DeclaredVersion, PreReleases, Requirement, Version};

/// So many ways are told from the tightest requirer up to what nothing requires.
const MAX_CHAINS: usize = 8;

/// What one requirement lets pass.
#[derive(Clone, Debug, Serialize)]
pub struct Limit {
    /// The module that requires.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// What it requires, as its metadata have it.
    pub requirement: String,
    /// The highest version that passes, or the lowest above it that does not; none if there is no bound.
    pub ceiling: Option<String>,
    /// Whether the ceiling itself passes.
    pub inclusive: bool,
    /// Whether the installed version passes.
    pub holds: bool,
    /// The newest known version that passes.
    pub newest: Option<String>,
    #[serde(skip)]
    bound: Option<(Version, bool)>,
    #[serde(skip)]
    project: ProjectId,
}

/// All that limits one module.
#[derive(Clone, Debug, Serialize)]
pub struct Limits {
    /// The module.
    pub name: String,
    /// What is installed.
    pub installed: Option<String>,
    /// The requirements of it that count, the tightest first.
    pub limits: Vec<Limit>,
    /// How many others would count if somebody asked for an extra.
    pub only_with_extras: usize,
    /// The newest known version.
    pub newest: Option<String>,
    /// The newest known version that passes all of them.
    pub newest_allowed: Option<String>,
    /// For each of the tightest requirers, how it comes that it is there.
    pub chains: Vec<Chains>,
}

/// The ways from modules that nothing requires down to one module, the shortest for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chains {
    /// The module.
    pub name: String,
    /// Each from the top; none if the module is required in a circle only, or by nothing.
    pub ways: Vec<Vec<String>>,
    /// How many more there are.
    pub more: usize,
    /// Whether nothing requires the module.
    pub is_top: bool,
}

impl Limits {
    /// Whether something is in the way: of the newest known version, or of some later one.
    #[must_use]
    pub fn are_in_the_way(&self) -> bool {
        match &self.newest {
            Some(newest) => self.newest_allowed.as_ref() != Some(newest),
            None => self.limits.iter().any(|limit| limit.ceiling.is_some()),
        }
    }
}

/// What limits a module that is installed or required.
#[must_use]
pub fn limits(
    model: &Model<'_>,
    reverse: &Reverse,
    name: &str,
    known: &KnownVersions,
    pre_releases: bool,
) -> Option<Limits> {
    let project = model.by_name.get(name).copied();
    let rows: Vec<&Row<'_>> = match project {
        Some(project) => reverse.rows(project).iter().map(|number| &model.rows[*number as usize]).collect(),
        None => model.rows.iter().filter(|row| is_of(row, name)).collect(),
    };
    if project.is_none() && rows.is_empty() {
        return None;
    }
    let installed = project.map(|project| model.counted(project));
    let own = installed.and_then(|module| module.version.as_ref()?.version());
    let pre_releases = pre_releases || own.is_some_and(Version::is_prerelease);
    let known: Vec<&str> =
        known.of(name).filter(|(version, _)| pre_releases || !version.is_prerelease()).map(|(_, text)| text).collect();
    let live = rows.into_iter().filter(|row| model.is_live(model.requirer(row)));
    let (counting, others): (Vec<_>, Vec<_>) = live.partition(|row| row.counts());
    let mut limits: Vec<Limit> = counting.iter().filter_map(|row| limit(model, row, &known)).collect();
    limits.sort_by(|a, b| tighter(a, b).then_with(|| (&a.name, &a.requirement).cmp(&(&b.name, &b.requirement))));
    limits.dedup_by(|a, b| (&a.name, &a.requirement) == (&b.name, &b.requirement));
    let parsed: Vec<Requirement<'_>> = counting.iter().filter_map(|row| Requirement::parse(row.text).ok()).collect();
    let allowed = known.iter().find(|version| parsed.iter().all(|requirement| passes(requirement, version)));
    let chains = tightest(&limits).map(|limit| chains(model, reverse, limit.project)).collect();
    Some(Limits {
        name: name.to_owned(),
        installed: installed.map(|module| module.version_text().unwrap_or("?").to_owned()),
        only_with_extras: others.iter().filter(|row| row.applies == Applies::OnlyWithExtra).count(),
        newest: known.first().map(|version| (*version).to_owned()),
        newest_allowed: allowed.map(|version| (*version).to_owned()),
        limits,
        chains,
    })
}

fn is_of(row: &Row<'_>, name: &str) -> bool {
    row.target.is_none()
        && row.verdict == Verdict::Missing
        && Requirement::parse(row.text).is_ok_and(|it| it.name.as_str() == name)
}

fn passes(requirement: &Requirement<'_>, version: &str) -> bool {
    requirement.specifiers.is_empty()
        || requirement.specifiers.contains(&DeclaredVersion::parse(version), PreReleases::Admit)
}

fn limit(model: &Model<'_>, row: &Row<'_>, known: &[&str]) -> Option<Limit> {
    let requirement = Requirement::parse(row.text).ok()?;
    let requirer = model.requirer(row);
    let bound = requirement.specifiers.ceiling().map(|ceiling| (ceiling.version, ceiling.inclusive));
    Some(Limit {
        name: requirer.name.to_string(),
        version: requirer.version_text().map(str::to_owned),
        requirement: wanted(row.text).to_owned(),
        ceiling: bound.as_ref().map(|(version, _)| version.to_string()),
        inclusive: bound.as_ref().is_some_and(|(_, inclusive)| *inclusive),
        holds: row.verdict == Verdict::Met,
        newest: known.iter().find(|version| passes(&requirement, version)).map(|version| (*version).to_owned()),
        bound,
        project: requirer.project,
    })
}

/// Lower ceilings first; no ceiling is the highest.
fn tighter(a: &Limit, b: &Limit) -> Ordering {
    match (&a.bound, &b.bound) {
        (Some(a), Some(b)) => a.0.cmp(&b.0).then(a.1.cmp(&b.1)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// Those that have the lowest ceiling.
fn tightest(limits: &[Limit]) -> impl Iterator<Item = &Limit> {
    let first = limits.first().filter(|first| first.bound.is_some());
    limits
        .iter()
        .take_while(move |limit| first.is_some_and(|first| tighter(first, limit) == Ordering::Equal))
        .take(MAX_CHAINS)
}

/// The shortest way to a module from each of those above it that nothing requires.
#[must_use]
pub fn chains(model: &Model<'_>, reverse: &Reverse, project: ProjectId) -> Chains {
    let mut below: Vec<Option<ProjectId>> = vec![None; model.projects.len()];
    let mut waiting = VecDeque::from([project]);
    let mut tops = Vec::new();
    let mut is_top = false;
    while let Some(next) = waiting.pop_front() {
        let mut required = false;
        for number in reverse.rows(next) {
            let row = &model.rows[*number as usize];
            let requirer = model.requirer(row);
            if !row.counts() || !model.is_live(requirer) || requirer.project == next {
                continue;
            }
            required = true;
            if requirer.project != project && below[requirer.project as usize].is_none() {
                below[requirer.project as usize] = Some(next);
                waiting.push_back(requirer.project);
            }
        }
        match (required, next == project) {
            (false, true) => is_top = true,
            (false, false) => tops.push(next),
            (true, _) => {}
        }
    }
    let way = |top: &ProjectId| {
        let steps = std::iter::successors(Some(*top), |step| below[*step as usize]);
        steps.map(|step| model.counted(step).name.to_string()).collect()
    };
    Chains {
        name: model.counted(project).name.to_string(),
        ways: tops.iter().take(MAX_CHAINS).map(way).collect(),
        more: tops.len().saturating_sub(MAX_CHAINS),
        is_top,
    }
}
