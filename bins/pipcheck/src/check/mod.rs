//! What `check` looks for.

mod finding;
mod identity;
mod imports;
mod requirements;

use crate::model::Model;
use crate::read::TroubleKind;

pub use finding::{Finding, Kind};
pub(crate) use requirements::wanted;

/// A thread costs more than it saves below so many modules.
const WORTH_A_THREAD: usize = 1000;

/// Everything that is wrong with the modules of a Python, and what is worth a note, by the module to act on.
#[must_use]
pub fn check(model: &Model<'_>) -> Vec<Finding> {
    let about_modules = || {
        let mut findings = troubles(model);
        identity::look(model, &mut findings);
        imports::look(model, &mut findings);
        findings
    };
    let about_requirements = || {
        let mut findings = Vec::new();
        requirements::look(model, &mut findings);
        findings
    };
    let (mut findings, more) = if model.modules.len() < WORTH_A_THREAD {
        (about_modules(), about_requirements())
    } else {
        std::thread::scope(|scope| {
            let other = scope.spawn(about_requirements);
            let findings = about_modules();
            // A thread that panicked has broken an invariant of this program.
            (findings, other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    };
    findings.extend(more);
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
