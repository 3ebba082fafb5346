//! Whether one requirement holds.

use super::Verdict;
use crate::pep::{DeclaredVersion, PreReleases, Requirement};

/// Judges a requirement by the versions of the project that are installed: none, one, or several in one directory. A
/// distribution without a version satisfies only requirements that want none.
pub fn judge<'v, 'a: 'v>(
    requirement: &Requirement<'_>,
    copies: impl Iterator<Item = Option<&'v DeclaredVersion<'a>>>,
) -> Verdict {
    let specifiers = &requirement.specifiers;
    let mut met = 0;
    let mut all = 0;
    for version in copies {
        all += 1;
        let fine = match version {
            // An installed pre-release is there, whatever an installer would choose.
            Some(version) => specifiers.is_empty() || specifiers.contains(version, PreReleases::Admit),
            None => specifiers.is_empty(),
        };
        met += usize::from(fine);
    }
    match (all, met) {
        (0, _) => Verdict::Missing,
        (_, 0) => Verdict::Wrong,
        (all, met) if all == met => Verdict::Met,
        _ => Verdict::Ambiguous,
    }
}
