//! What `check` looks for.

mod finding;
mod identity;
mod imports;
mod requirements;

use crate::model::Model;
use crate::read::TroubleKind;

pub use finding::{Finding, Kind};
pub(crate) use requirements::wanted;

/// Everything that is wrong with the modules of a Python, and what is worth a note, by the module to act on.
#[must_use]
pub fn check(model: &Model<'_>) -> Vec<Finding> {
    let mut findings = troubles(model);
    identity::look(model, &mut findings);
    requirements::look(model, &mut findings);
    imports::look(model, &mut findings);
    sort(&mut findings);
    findings
}

/// By the module to act on, then by kind and distribution.
pub fn sort(findings: &mut [Finding]) {
    fn order(finding: &Finding) -> (&str, Kind, &str, Option<&str>, Option<&str>) {
        let (requirement, path) = (finding.requirement.as_deref(), finding.path.as_deref());
        (&finding.subject, finding.kind, &finding.distribution, requirement, path)
    }
    findings.sort_by(|a, b| order(a).cmp(&order(b)));
}

fn troubles(model: &Model<'_>) -> Vec<Finding> {
    let troubles = model.collection.troubles.iter().map(|trouble| {
        let kind = match trouble.kind {
            TroubleKind::Unreadable => Kind::Unreadable,
            TroubleKind::Leftover => Kind::Leftover,
        };
        let name = trouble.path.file_name().unwrap_or(trouble.path.as_os_str()).to_string_lossy().into_owned();
        Finding::about(kind, &name, None, trouble.detail.clone()).at(&trouble.path)
    });
    troubles.collect()
}
