//! Depend files as they should be.

use std::collections::BTreeSet;
use std::path::Path;

use contents::depend::{Dependencies, DependencyKind};

use super::compare::Compared;
use super::database::Package;

/// The depend file of a package with what is lacking added, and without what no metadata mention. Everything else
/// stays: packages without modules, extras, conditions, incompatibilities. Lines that were sorted stay so.
///
/// # Errors
/// The depend file is not as depend(5) says.
pub fn fixed(package: &Package, compared: &Compared) -> Result<Vec<u8>, contents::Error> {
    let text = package.depend.as_deref().unwrap_or_default();
    let path = Path::new("depend");
    let kept = Dependencies::parse(path, text)?;
    let superfluous = |name: &str| compared.superfluous.contains(name);
    let lines: Vec<Vec<u8>> = kept
        .entries()
        .iter()
        .filter(|entry| entry.kind != DependencyKind::Prerequisite || !superfluous(entry.package.as_str()))
        .map(|entry| Dependencies::from_iter([entry.clone()]).to_bytes())
        .collect();
    let was_sorted = lines.is_sorted();
    let added: BTreeSet<Vec<u8>> = compared.lacking.iter().map(|name| format!("P {name}\n").into_bytes()).collect();
    let mut all: Vec<Vec<u8>> = lines.into_iter().chain(added).collect();
    if was_sorted {
        all.sort();
    }
    all.dedup();
    Ok(all.concat())
}
