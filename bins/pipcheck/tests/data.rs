//! Real environments, which are not part of the source: what is found in each is known, line by line.
//!
//! `UPDATE_GOLDEN=1` writes the lines anew; whoever does that reads the difference.

#![allow(clippy::unwrap_used, reason = "for tests, which end by panics")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::{parts, program, run, shared};

/// What a command finds in an environment, against what it is known to find; the kinds with their numbers.
fn compare(environment: &str, golden: &str, words: &[&str]) {
    let Some(data) = shared(&format!("{environment}.tar.xz")) else { return };
    let root = data.path().join(environment);
    let ran = run(program().arg(words[0]).arg("--json").arg("--root").arg(&root).args(&words[1..]));
    let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let all = parts(&ran).into_iter().flat_map(|part| part["findings"].as_array().unwrap().clone());
    let found: String = all
        .map(|it| format!("{} {}: {}\n", text(&it, "kind"), text(&it, "distribution"), text(&it, "message")))
        .collect();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(golden);
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        fs::write(&file, &found).unwrap();
    }
    let known = fs::read_to_string(&file).unwrap();
    let (found, known): (BTreeSet<&str>, BTreeSet<&str>) = (found.lines().collect(), known.lines().collect());
    let differs: Vec<String> = found
        .difference(&known)
        .map(|line| format!("+ {line}"))
        .chain(known.difference(&found).map(|line| format!("- {line}")))
        .collect();
    assert!(differs.is_empty(), "{environment}:\n{}", differs.join("\n"));
    let notes = ["unsure ", "extra ", "extra-of ", "conditional ", "cycle "];
    let bad = found.iter().any(|line| !notes.iter().any(|note| line.starts_with(note)));
    assert_eq!(ran.code, i32::from(bad), "{environment}");
}

#[test]
fn an_environment_where_all_is_well() {
    compare("consistent", "consistent.txt", &["check", "--platform", "linux"]);
}

/// 163 of these are what pip 26.3 and uv 0.13 find; two more are by extras.
#[test]
fn an_environment_of_conflicts() {
    compare("conflicts", "conflicts.txt", &["check", "--platform", "linux"]);
}

/// 94 of these are what pip 26.3 and uv 0.13 find; four more are by extras.
#[test]
fn the_modules_of_a_distribution() {
    compare("tribblix-recipes", "tribblix-recipes.txt", &["check", "--platform", "linux"]);
}

#[test]
fn an_installed_system() {
    compare("tribblix", "tribblix.txt", &["check"]);
}

/// Of the dependencies that 113 real packages declare, those that no metadata mention are findings; extras are notes.
#[test]
fn real_packages() {
    compare("tribblix", "tribblix-packages.txt", &["packages"]);
}
