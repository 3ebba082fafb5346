//! What would come of changes.

use std::collections::BTreeSet;

use super::change::{Planned, Step};
use crate::check::{Finding, Kind, check};
use crate::compare::Difference;
use crate::model::Model;

/// What would come of changes, in one model.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// What happens.
    pub steps: Vec<Step>,
    /// What would be found and is not now.
    pub breaks: Vec<Finding>,
    /// What is found now and would not be.
    pub repairs: Vec<Finding>,
    /// What is found about the changed modules, now and then.
    pub remains: Vec<Finding>,
    /// How many other findings stay. Import names are among them only if modules were read with what can be imported.
    pub unchanged: usize,
    /// How many of all that stay are no notes.
    pub serious: usize,
    /// The modules that do not stand what is changed: by name, with what they require.
    pub blockers: Vec<Blocker>,
}

/// A module that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Blocker {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// What it requires, as its metadata have it.
    pub requirement: String,
    /// The changed module that it does not stand.
    pub blocks: String,
}

/// Compares what is found now with what would be found.
#[must_use]
pub fn what_if(model: &Model<'_>, planned: &Planned) -> Outlook {
    let (before, after) = std::thread::scope(|scope| {
        let before = scope.spawn(|| check(model));
        let after = check(&model.with(&planned.distributions(model)));
        // A thread that panicked has broken an invariant of this program.
        (before.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), after)
    });
    let difference = Difference::between(before, after);
    let changed: BTreeSet<&str> = planned.steps.iter().map(|step| step.name.as_str()).collect();
    let repairs = difference.repaired().cloned().collect();
    let concerns = |finding: &Finding| {
        changed.contains(finding.subject.as_str()) || changed.contains(finding.distribution.as_str())
    };
    let serious = difference.unchanged.iter().filter(|finding| !finding.kind.is_note()).count();
    let (remains, others): (Vec<_>, Vec<_>) = difference.unchanged.into_iter().partition(concerns);
    let blockers: BTreeSet<Blocker> = difference.new.iter().filter_map(|finding| blocker(finding, &changed)).collect();
    Outlook {
        steps: planned.steps.clone(),
        breaks: difference.new,
        repairs,
        remains,
        unchanged: others.len(),
        serious,
        blockers: blockers.into_iter().collect(),
    }
}

/// Who does not stand a changed module; the changed module itself blocks nobody.
fn blocker(finding: &Finding, changed: &BTreeSet<&str>) -> Option<Blocker> {
    let is_about_versions = matches!(
        finding.kind,
        Kind::Missing
            | Kind::Incompatible
            | Kind::Ambiguous
            | Kind::ExtraMissing
            | Kind::ExtraIncompatible
            | Kind::ExtraUnknown
    );
    let blocks = finding.dependency.as_deref().filter(|dependency| changed.contains(dependency))?;
    (is_about_versions && finding.distribution != blocks).then(|| Blocker {
        name: finding.distribution.clone(),
        version: finding.version.clone(),
        requirement: finding.requirement.clone().unwrap_or_default(),
        blocks: blocks.to_owned(),
    })
}
