//! What we say of names, versions, specifiers, markers, requirements and metadata is what the reference implementation
//! says, `packaging`, apart from rows that are listed with the reason why.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod conformance;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use conformance::{Environments, difference};
use serde_json::Value;

/// Rows of our own, each with its `suite`.
const OWN: &str = include_str!("conformance/own.jsonl");
/// Rows that differ: suite, row, and why it stays so, with tabs between.
const DIFFERENCES: &str = include_str!("conformance/differences.tsv");

const SUITES: [&str; 13] = [
    "canonver",
    "compare",
    "contains",
    "evaluate",
    "evaluate-ext",
    "isnormal",
    "marker",
    "metadata",
    "name",
    "real-requirements",
    "requirement",
    "specifier",
    "specifierset",
];

#[test]
fn our_own_rows_are_as_the_reference_says() {
    let mut suites = BTreeMap::new();
    for line in OWN.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let suite = row["suite"].as_str().unwrap();
        *suites.entry(suite.to_owned()).or_insert(0) += 1;
        assert_eq!(difference(suite, &row, &Environments::new()), None, "{line}");
    }
    assert!(suites.len() >= 9 && suites.values().sum::<i32>() >= 100, "{suites:?}");
}

/// All rows beside the project, where it has them.
#[test]
fn all_rows_are_as_the_reference_says() {
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/python/vectors.tar.xz");
    if !archive.exists() {
        eprintln!("skipped: there is no {}", archive.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let unpacked = Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(folder.path()).status();
    if !unpacked.is_ok_and(|status| status.success()) {
        eprintln!("skipped: tar cannot unpack {}", archive.display());
        return;
    }
    let folder = folder.path().join("vectors");
    let environments: Environments = serde_json::from_str(&read(folder.join("ENVS.json"))).unwrap();
    let mut known = known();
    let mut unknown = Vec::new();
    let mut stable = 0;
    for suite in SUITES.into_iter().chain(["version"]) {
        let rows = read(folder.join(format!("{suite}.jsonl")));
        let mut different = 0;
        for line in rows.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            let Some(difference) = difference(suite, &row, &environments) else {
                continue;
            };
            different += 1;
            stable += i32::from(row["stable"] == true);
            if known.remove(&(suite.to_owned(), key(&row))).is_none() {
                unknown.push(format!("{suite}\t{}\t{difference}", key(&row)));
            }
        }
        eprintln!("{suite}: {different} of {} differ", rows.lines().count());
    }
    assert_eq!(unknown, Vec::<String>::new(), "rows that differ and are not listed");
    assert!(known.is_empty(), "rows that are listed and do not differ: {known:#?}");
    assert_eq!(stable, 0, "rows differ on which all versions of the reference agree");
}

fn read(path: PathBuf) -> String {
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn known() -> BTreeMap<(String, String), String> {
    let rows = DIFFERENCES.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let [suite, key, reason] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        ((suite.to_owned(), key.to_owned()), reason.to_owned())
    })
    .collect()
}

/// What a row is called in the list.
fn key(row: &Value) -> String {
    let parts = ["input", "marker", "envname", "spec", "version", "prereleases", "spec_prereleases", "a", "op", "b"];
    let named = if row.get("input").is_some() { &parts[..1] } else { &parts[1..] };
    let parts = named.iter().filter_map(|part| row.get(part)).filter(|value| !value.is_null());
    parts.map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
