//! The smallest set of modules that could move to newer versions together with one that is held back.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;

use super::change::{Change, Changes, Planned};
use super::held_back::Given;
use crate::check::{Finding, check};
use crate::compare::Difference;
use crate::model::{Applies, Model, ProjectId, PythonFit, Reverse, Row, Verdict, fit, patches};
use crate::pep::{DeclaredVersion, Metadata, PreReleases, Requirement};

/// Nobody updates more at once for the sake of one.
pub const MAX_SET: usize = 8;
/// How many requirements are looked at for one module that is held back, and for all: a second or so.
const WORK_FOR_ONE: usize = 500_000;
const WORK_FOR_ALL: usize = 4_000_000;
/// What a set costs itself, as if so many requirements were looked at.
const STATE: usize = 20;

/// One module of a set that moves together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Move {
    /// The project.
    pub name: String,
    /// What is installed; none if it would be new.
    pub from: Option<String>,
    /// The version that it would go to.
    pub to: String,
}

/// What a search has come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "result")]
pub enum Moves {
    /// These could move together, and no smaller set could.
    Together {
        /// All of them.
        set: Vec<Move>,
        /// What is hoped for, because the METADATA of some new versions were not given.
        assumed: Vec<String>,
    },
    /// No set of known versions does.
    Never {
        /// Why, for each module that would have to move and cannot.
        stuck: Vec<String>,
    },
    /// The search was given up.
    GaveUp {
        /// Why.
        why: String,
    },
}

/// A version that a project could go to.
#[derive(Clone, Copy, Debug)]
struct Candidate<'g> {
    text: &'g str,
    metadata: Option<&'g Metadata>,
}

/// Projects that move, by name.
type State<'g> = BTreeMap<&'g str, Candidate<'g>>;

/// A requirement that would not hold any more.
struct Clash<'g> {
    requirer: &'g str,
    required: &'g str,
    text: &'g str,
}

/// Searches for one model.
pub(super) struct Search<'s, 'a> {
    model: &'s Model<'a>,
    reverse: &'s Reverse,
    given: &'s Given,
    found_now: Vec<Finding>,
    patched: Vec<String>,
    work_left: usize,
}

/// How one depth of a search has ended.
enum Ended<'g> {
    Found(State<'g>, Vec<String>),
    Nothing,
    /// A larger set might do.
    TooSmall,
    OutOfWork,
}

/// One search, up to a size.
struct Run<'g> {
    limit: usize,
    work_left: usize,
    stuck: BTreeSet<String>,
    seen: HashSet<Vec<(&'g str, &'g str)>>,
}

impl<'s, 'a> Search<'s, 'a> {
    pub(super) fn new(model: &'s Model<'a>, reverse: &'s Reverse, given: &'s Given) -> Self {
        let (found_now, patched) = (check(model), patches(&model.python));
        Self { model, reverse, given, found_now, patched, work_left: WORK_FOR_ALL }
    }

    /// The smallest set with which a project can go to a version.
    pub(super) fn moves(&mut self, name: &'s str, version: &'s str) -> Moves {
        let Some(first) = self.candidates(name).into_iter().find(|candidate| candidate.text == version) else {
            return Moves::Never { stuck: vec![format!("{name} {version} is not for Python {}", self.model.python)] };
        };
        let start = State::from([(name, first)]);
        let mut run =
            Run { limit: 1, work_left: WORK_FOR_ONE.min(self.work_left), stuck: BTreeSet::new(), seen: HashSet::new() };
        let allowed = run.work_left;
        let ended = loop {
            run.seen.clear();
            match self.deepen(&start, &mut run) {
                Ended::TooSmall if run.limit < MAX_SET => run.limit += 1,
                ended => break ended,
            }
        };
        let spent = if matches!(ended, Ended::OutOfWork) { allowed } else { allowed - run.work_left };
        self.work_left -= spent;
        match ended {
            Ended::Found(state, assumed) => Moves::Together { set: self.describe(&state), assumed },
            Ended::Nothing => Moves::Never { stuck: run.stuck.into_iter().collect() },
            Ended::TooSmall => Moves::GaveUp { why: format!("it takes more than {MAX_SET} modules") },
            Ended::OutOfWork if self.work_left == 0 => Moves::GaveUp {
                why: "the searches for all have taken too long; ask about it alone, by its name".to_owned(),
            },
            Ended::OutOfWork => Moves::GaveUp {
                why: format!("there are too many ways to look at; it takes {} modules or more", run.limit),
            },
        }
    }

    fn describe(&self, state: &State<'_>) -> Vec<Move> {
        let from = |name: &str| Some(self.model.counted(*self.model.by_name.get(name)?).version_text()?.to_owned());
        let moves =
            state.iter().map(|(name, to)| Move { name: (*name).to_owned(), from: from(name), to: to.text.to_owned() });
        moves.collect()
    }

    /// The versions that a project could go to, from the newest. Of those without METADATA only the newest counts: one
    /// is as unknown as the other.
    fn candidates(&self, name: &str) -> Vec<Candidate<'s>> {
        let installed = self.model.by_name.get(name).map(|project| self.model.counted(*project));
        let installed = installed.and_then(|module| module.version.as_ref()?.version());
        let mut unknown = false;
        self.given
            .eligible(name, installed)
            .map(|(version, text)| Candidate { text, metadata: self.given.metadata(name, version) })
            .filter(|candidate| match candidate.metadata {
                None => !std::mem::replace(&mut unknown, true),
                Some(metadata) => {
                    metadata.requires_python().is_none_or(|python| fit(python, &self.patched) != PythonFit::Wrong)
                }
            })
            .collect()
    }

    fn deepen(&self, state: &State<'s>, run: &mut Run<'s>) -> Ended<'s> {
        if !run.seen.insert(state.iter().map(|(name, to)| (*name, to.text)).collect()) {
            return Ended::Nothing;
        }
        let mut assumed = Vec::new();
        let Some(clashes) = self.clashes(state, run, &mut assumed) else { return Ended::OutOfWork };
        if clashes.is_empty() {
            return self.confirm(state, run, assumed);
        }
        let mut must_move = BTreeSet::new();
        for clash in &clashes {
            let who = if state.contains_key(clash.requirer) { clash.required } else { clash.requirer };
            if state.contains_key(who) {
                return Ended::Nothing;
            }
            must_move.insert(who);
        }
        let options: Vec<(&'s str, Vec<Candidate<'s>>)> =
            must_move.into_iter().map(|name| (name, self.options(name, &clashes))).collect();
        let stuck: Vec<&str> =
            options.iter().filter(|(_, options)| options.is_empty()).map(|(name, _)| *name).collect();
        if !stuck.is_empty() {
            run.stuck.extend(clashes.iter().filter_map(|clash| why_stuck(clash, &stuck)));
            return Ended::Nothing;
        }
        if state.len() + options.len() > run.limit {
            return Ended::TooSmall;
        }
        // Whoever has the fewest ways to go decides first.
        let Some((name, options)) = options.into_iter().min_by_key(|(_, options)| options.len()) else {
            return Ended::Nothing;
        };
        let mut ended = Ended::Nothing;
        for option in options {
            let mut next = state.clone();
            next.insert(name, option);
            match self.deepen(&next, run) {
                Ended::Nothing => {}
                Ended::TooSmall => ended = Ended::TooSmall,
                decided => return decided,
            }
        }
        ended
    }

    /// Where a module could go that has to move: as a requirer to any other version, as one that is required to those
    /// that are wanted.
    fn options(&self, name: &str, clashes: &[Clash<'s>]) -> Vec<Candidate<'s>> {
        let mut options = self.candidates(name);
        for clash in clashes.iter().filter(|clash| clash.required == name) {
            if let Ok(requirement) = Requirement::parse(clash.text) {
                options.retain(|option| admits(&requirement, option));
            }
        }
        options
    }

    /// What would not hold any more if these moved; `None` when too much has been looked at.
    fn clashes(&self, state: &State<'s>, run: &mut Run<'s>, assumed: &mut Vec<String>) -> Option<Vec<Clash<'s>>> {
        run.work_left = run.work_left.checked_sub(STATE)?;
        let mut clashes = Vec::new();
        for (name, to) in state {
            let project = self.model.by_name.get(*name).copied();
            if let Some(project) = project {
                for row in self.requiring(project) {
                    run.work_left = run.work_left.checked_sub(1)?;
                    self.against_requirer(row, name, to, state, &mut clashes, assumed);
                }
            }
            if let Some(metadata) = to.metadata {
                run.work_left = run.work_left.checked_sub(metadata.requires_dist().count())?;
                self.against_new_needs(name, project, metadata, state, &mut clashes);
            }
        }
        Some(clashes)
    }

    /// The requirements of a project that count.
    fn requiring(&self, project: ProjectId) -> impl Iterator<Item = &'s Row<'a>> {
        let model = self.model;
        let rows = self.reverse.rows(project).iter().map(move |number| &model.rows[*number as usize]);
        rows.filter(|row| row.counts() && model.is_live(model.requirer(row)))
    }

    /// A requirement of something that is installed, against the version that what it requires would have.
    fn against_requirer(
        &self,
        row: &'s Row<'a>,
        name: &'s str,
        to: &Candidate<'s>,
        state: &State<'s>,
        clashes: &mut Vec<Clash<'s>>,
        assumed: &mut Vec<String>,
    ) {
        let requirer = self.model.requirer(row).name.as_str();
        if row.verdict != Verdict::Met {
            return;
        }
        let Ok(requirement) = Requirement::parse(row.text) else { return };
        if admits(&requirement, to) {
            return;
        }
        match state.get(requirer) {
            // Its new METADATA decide.
            Some(Candidate { metadata: Some(_), .. }) => {}
            Some(moved) => assumed.push(format!("{requirer} {} would have to accept {name} {}", moved.text, to.text)),
            None => clashes.push(Clash { requirer, required: name, text: row.text }),
        }
    }

    /// What a new version requires by its METADATA.
    fn against_new_needs(
        &self,
        name: &'s str,
        project: Option<ProjectId>,
        metadata: &'s Metadata,
        state: &State<'s>,
        clashes: &mut Vec<Clash<'s>>,
    ) {
        let extras: BTreeSet<String> = project.map(|project| self.asked_extras(project)).unwrap_or_default();
        for text in metadata.requires_dist() {
            let Ok(requirement) = Requirement::parse(text) else { continue };
            if !self.counts(&requirement, &extras) {
                continue;
            }
            let holds = match state.get_key_value(requirement.name.as_str()) {
                Some((_, to)) => admits(&requirement, to),
                None => self.model.verdict_on(&requirement) == Verdict::Met,
            };
            // What is as wrong today is not worse tomorrow.
            let is_old = project.is_some_and(|project| {
                let mut old = self.model.rows_of(self.model.counted(project));
                old.any(|(_, row)| row.counts() && row.text == text && row.verdict != Verdict::Met)
            });
            if !holds && !is_old {
                let required = self.given_name(requirement.name.as_str());
                clashes.push(Clash { requirer: name, required, text });
            }
        }
    }

    /// A name in the form that lives as long as what was given; a name that nothing knows has no versions either.
    fn given_name(&self, name: &str) -> &'s str {
        let installed = self.model.by_name.get_key_value(name).map(|(name, _)| name.as_ref());
        installed.or_else(|| self.given.name(name)).unwrap_or(NOWHERE)
    }

    fn asked_extras(&self, project: ProjectId) -> BTreeSet<String> {
        let asking = self.requiring(project).filter(|row| row.asks_extras);
        let extras = asking.filter_map(|row| Requirement::parse(row.text).ok()).flat_map(|requirement| {
            requirement.extras.iter().map(|extra| extra.as_str().to_owned()).collect::<Vec<_>>()
        });
        extras.collect()
    }

    fn counts(&self, requirement: &Requirement<'_>, extras: &BTreeSet<String>) -> bool {
        match crate::model::applies(requirement, &self.model.environment) {
            Ok(Applies::Yes) => true,
            Ok(Applies::OnlyWithExtra) => requirement.marker.as_ref().is_some_and(|marker| {
                marker.extras().iter().any(|extra| {
                    extras.contains(extra.as_str())
                        && marker.evaluate(&self.model.environment, Some(extra)).unwrap_or(false)
                })
            }),
            Ok(Applies::ByExtra | Applies::No) | Err(_) => false,
        }
    }

    /// Asks the whole model about a set that seems to do: extras may need more than was looked at. What is found of
    /// modules whose METADATA were not given does not speak against it.
    fn confirm(&self, state: &State<'s>, run: &mut Run<'s>, mut assumed: Vec<String>) -> Ended<'s> {
        assumed.sort();
        assumed.dedup();
        // Where nothing but versions changes, all of it was looked at.
        if state.values().all(|to| to.metadata.is_none()) {
            return Ended::Found(state.clone(), assumed);
        }
        match run.work_left.checked_sub(self.model.rows.len()) {
            Some(left) => run.work_left = left,
            None => return Ended::OutOfWork,
        }
        let changes = state.iter().map(|(name, to)| {
            let change = match to.metadata {
                Some(metadata) => Change::Metadata { path: (*name).into(), metadata: metadata.clone() },
                None => Change::Version(to.text.to_owned()),
            };
            ((*name).to_owned(), change)
        });
        let planned = Planned::of(&Changes::of(changes.collect()), self.model);
        let after = self.model.with(&planned.distributions(self.model));
        let difference = Difference::between(self.found_now.clone(), check(&after));
        let unknown = |name: &str| state.get(name).is_some_and(|to| to.metadata.is_none());
        if difference.new.iter().any(|finding| !finding.kind.is_note() && !unknown(&finding.distribution)) {
            return Ended::Nothing;
        }
        Ended::Found(state.clone(), assumed)
    }
}

/// The name of what nothing knows.
const NOWHERE: &str = "";

fn admits(requirement: &Requirement<'_>, to: &Candidate<'_>) -> bool {
    requirement.specifiers.is_empty()
        || requirement.specifiers.contains(&DeclaredVersion::parse(to.text), PreReleases::Admit)
}

fn why_stuck(clash: &Clash<'_>, stuck: &[&str]) -> Option<String> {
    let wanted = crate::check::wanted(clash.text);
    if clash.required == NOWHERE || stuck.contains(&clash.required) {
        return Some(format!("{} needs {wanted}, of which no version is known that would do", clash.requirer));
    }
    stuck
        .contains(&clash.requirer)
        .then(|| format!("{} needs {wanted}, and no newer version of it is known", clash.requirer))
}
