//! What `what-if` says is what `check` finds when the change is really made: in real environments, in environments made
//! at random, for new versions, new metadata, new modules and removals, alone and together.

#![allow(clippy::unwrap_used, reason = "all of this file is tests and what they share")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{Root, SITE, metadata, program, run, shared};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

/// A change that can be asked about, and made.
#[derive(Clone, Debug)]
enum Change {
    Version { name: String, version: String },
    Metadata { name: String, version: String, lines: Vec<String> },
    Remove { name: String },
}

/// What makes findings the same.
type Key = [String; 5];

fn keys(findings: &Value) -> Vec<Key> {
    let mut keys: Vec<Key> = findings
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            ["kind", "distribution", "requirement", "dependency", "extra"]
                .map(|field| finding[field].as_str().unwrap_or_default().to_owned())
        })
        .collect();
    keys.sort();
    keys
}

/// What the first has and the second has not, with numbers.
fn without(all: &[Key], taken: &[Key]) -> Vec<Key> {
    let mut left: BTreeMap<&Key, usize> = BTreeMap::new();
    for key in taken {
        *left.entry(key).or_default() += 1;
    }
    let mut rest = all.to_vec();
    rest.retain(|key| match left.get_mut(key) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    });
    rest
}

/// A root, its directory of modules, and where METADATA to ask about are put.
struct Place<'p> {
    root: &'p Path,
    site: PathBuf,
    scratch: &'p Path,
}

impl Place<'_> {
    fn ask(&self, words: &[String]) -> Value {
        let ran = run(program().arg(&words[0]).args(["--json", "--root"]).arg(self.root).args(&words[1..]));
        assert!(ran.code < 2, "{words:?}: {ran:#?}");
        let answer: Value = serde_json::from_str(&ran.out).unwrap();
        let environments = answer["environments"].as_array().unwrap();
        assert_eq!(environments.len(), 1, "{words:?}");
        let broken = environments[0].get("breaks").or_else(|| environments[0].get("findings")).unwrap();
        let serious = broken.as_array().unwrap().iter().any(|finding| {
            !["cycle", "shadowed", "legacy-specifier", "unsure"].contains(&finding["kind"].as_str().unwrap())
        });
        assert_eq!(ran.code, i32::from(serious), "{words:?}: {ran:#?}");
        environments[0].clone()
    }

    fn check(&self) -> Vec<Key> {
        keys(&self.ask(&["check".to_owned()])["findings"])
    }

    /// The folder of a distribution, by its normalised name.
    fn folder(&self, name: &str) -> Option<PathBuf> {
        let entries = fs::read_dir(&self.site).unwrap().map(|entry| entry.unwrap().path());
        entries.into_iter().find(|path| {
            let entry = path.file_name().unwrap().to_string_lossy().into_owned();
            let stem = entry.strip_suffix(".dist-info").and_then(|stem| stem.rsplit_once('-'));
            stem.is_some_and(|(project, _)| project.to_lowercase().replace(['_', '.'], "-") == name)
        })
    }

    /// Makes a change, and gives what undoes it.
    fn make(&self, change: &Change) -> Undo {
        match change {
            Change::Remove { name } => {
                let folder = self.folder(name).unwrap();
                let aside = self.scratch.join(folder.file_name().unwrap());
                fs::rename(&folder, &aside).unwrap();
                Undo { made: None, before: Some((aside, folder)) }
            }
            Change::Version { name, version } => {
                let text = fs::read(self.folder(name).unwrap().join("METADATA")).unwrap();
                self.replace(name, version, &with_version(&text, version))
            }
            Change::Metadata { name, version, lines } => {
                let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                self.replace(name, version, metadata(&format!("{name} {version}"), &lines).as_bytes())
            }
        }
    }

    fn replace(&self, name: &str, version: &str, text: &[u8]) -> Undo {
        let before = self.folder(name).map(|folder| {
            let aside = self.scratch.join(folder.file_name().unwrap());
            fs::rename(&folder, &aside).unwrap();
            (aside, folder)
        });
        let stem = before.as_ref().map_or_else(
            || name.replace('-', "_"),
            |(_, folder)| {
                let entry = folder.file_stem().unwrap().to_string_lossy();
                entry.rsplit_once('-').unwrap().0.to_owned()
            },
        );
        let made = self.site.join(format!("{stem}-{version}.dist-info"));
        fs::create_dir(&made).unwrap();
        if let Some((aside, _)) = &before {
            for entry in fs::read_dir(aside).unwrap() {
                let entry = entry.unwrap().path();
                fs::copy(&entry, made.join(entry.file_name().unwrap())).unwrap();
            }
        }
        fs::write(made.join("METADATA"), text).unwrap();
        Undo { made: Some(made), before }
    }

    /// Asks about changes, makes them, and compares.
    fn compare(&self, changes: &[Change]) {
        let mut words = vec!["what-if".to_owned()];
        for (number, change) in changes.iter().enumerate() {
            match change {
                Change::Remove { name } => words.extend(["--remove".to_owned(), name.clone()]),
                Change::Version { name, version } => words.push(format!("{name}=={version}")),
                Change::Metadata { name, version, lines } => {
                    let file = self.scratch.join(format!("{number}.METADATA"));
                    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
                    fs::write(&file, metadata(&format!("{name} {version}"), &lines)).unwrap();
                    words.extend(["--metadata".to_owned(), file.to_string_lossy().into_owned()]);
                }
            }
        }
        let said = self.ask(&words);
        let before = self.check();
        let undo: Vec<Undo> = changes.iter().map(|change| self.make(change)).collect();
        let after = self.check();
        undo.into_iter().rev().for_each(Undo::undo);
        let new = without(&after, &before);
        assert_eq!(keys(&said["breaks"]), new, "{words:?} breaks");
        let wrong_anew =
            |gone: &Key| !gone[2].is_empty() && new.iter().any(|new| (&new[1], &new[2]) == (&gone[1], &gone[2]));
        let mut repaired = without(&before, &after);
        repaired.retain(|gone| !wrong_anew(gone));
        assert_eq!(keys(&said["repairs"]), repaired, "{words:?} repairs");
        // What can be imported changes only by what goes, and is not looked at otherwise.
        let removes = changes.iter().any(|change| matches!(change, Change::Remove { .. }));
        let is_looked_at = |key: &&Key| removes || !key[2].starts_with("import ");
        let stays = said["unchanged"].as_u64().unwrap() as usize + said["remains"].as_array().unwrap().len();
        assert_eq!(stays, after.iter().filter(is_looked_at).count() - new.len(), "{words:?} stays");
    }
}

struct Undo {
    made: Option<PathBuf>,
    before: Option<(PathBuf, PathBuf)>,
}

impl Undo {
    fn undo(self) {
        if let Some(made) = self.made {
            fs::remove_dir_all(made).unwrap();
        }
        if let Some((aside, folder)) = self.before {
            fs::rename(aside, folder).unwrap();
        }
    }
}

/// METADATA with another version.
fn with_version(text: &[u8], version: &str) -> Vec<u8> {
    let mut done = false;
    let lines = text.split(|byte| *byte == b'\n').map(|line| {
        if !done && line.to_ascii_lowercase().starts_with(b"version:") {
            done = true;
            return format!("Version: {version}").into_bytes();
        }
        line.to_vec()
    });
    lines.collect::<Vec<_>>().join(&b'\n')
}

/// Asks about every n-th module of a real environment: a version that is too new for anybody, one that is too old, and
/// its removal.
fn real(environment: &str, site: &str, every: usize) {
    let Some(data) = shared(&format!("{environment}.tar.xz")) else { return };
    let root = data.path().join(environment);
    let place = Place { root: &root, site: root.join(site), scratch: data.path() };
    let report = place.ask(&["check".to_owned()]);
    let modules = report["modules"].as_array().unwrap();
    assert!(modules.len() > 100, "{environment}");
    let names: Vec<String> = modules.iter().map(|module| module["name"].as_str().unwrap().to_owned()).collect();
    let version = |name: &String, version: &str| Change::Version { name: name.clone(), version: version.to_owned() };
    for (number, name) in names.iter().enumerate().filter(|(number, _)| number % every == 0) {
        place.compare(&[version(name, "9999")]);
        place.compare(&[Change::Remove { name: name.clone() }]);
        let next = &names[(number + 1) % names.len()];
        place.compare(&[version(name, "0.0.1"), Change::Remove { name: next.clone() }]);
    }
}

#[test]
fn agrees_with_a_real_swap_among_conflicts() {
    real("conflicts", SITE, 7);
}

#[test]
fn agrees_with_a_real_swap_on_a_consistent_system() {
    real("consistent", SITE, 60);
}

#[test]
fn agrees_with_a_real_swap_on_a_distribution() {
    real("tribblix", "usr/versions/python-3.13/lib/python3.13/site-packages", 7);
}

const NAMES: [&str; 6] = ["alpha", "beta-x", "gamma", "delta", "new-one", "new-two"];
/// So many of the names are installed.
const INSTALLED: usize = 4;

fn version() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["1.0", "1.5", "2.0", "2.0rc1", "3.1", "1!1.0", "2.0+local"]).prop_map(str::to_owned)
}

fn line() -> impl Strategy<Value = String> {
    let extras = prop::sample::select(vec!["", "[more]", "[odd]"]);
    let specifier =
        prop::sample::select(vec!["", "<2", ">=2", "==1.*", "~=1.0", "!=1.5", "===1.0", ">=1.5,<3", "bad=="]);
    let marker =
        prop::sample::select(vec!["", "; extra == 'more'", "; sys_platform == 'linux'", "; python_version > '3'"]);
    let requirement = (prop::sample::select(NAMES.to_vec()), extras, specifier, marker)
        .prop_map(|(name, extras, specifier, marker)| format!("Requires-Dist: {name}{extras}{specifier}{marker}"));
    prop_oneof![
        8 => requirement,
        1 => Just("Provides-Extra: more".to_owned()),
        1 => prop::sample::select(vec![">=3.8", "<3.10", "nonsense"]).prop_map(|it| format!("Requires-Python: {it}")),
    ]
}

fn change(name: usize) -> impl Strategy<Value = Option<Change>> {
    let name = NAMES[name].to_owned();
    let lines = prop::collection::vec(line(), 0..4);
    (0..4usize, version(), lines).prop_map(move |(kind, version, lines)| {
        let (name, is_installed) = (name.clone(), NAMES[..INSTALLED].contains(&name.as_str()));
        match kind {
            0 if is_installed => Some(Change::Version { name, version }),
            1 if is_installed => Some(Change::Remove { name }),
            2 => Some(Change::Metadata { name, version, lines }),
            _ => None,
        }
    })
}

#[test]
fn agrees_with_a_swap_in_environments_made_at_random() {
    let environment = prop::collection::vec((version(), prop::collection::vec(line(), 0..5)), INSTALLED);
    let changes = (change(0), change(1), change(2), change(3), change(4), change(5));
    let mut runner = TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() });
    runner
        .run(&(environment, changes), |(environment, changes)| {
            let (a, b, c, d, e, f) = changes;
            let changes: Vec<Change> = [a, b, c, d, e, f].into_iter().flatten().collect();
            if changes.is_empty() {
                return Ok(());
            }
            let root = Root::new();
            for (name, (version, lines)) in NAMES.iter().zip(&environment) {
                root.add(&format!("{name} {version}"), &lines.iter().map(String::as_str).collect::<Vec<_>>());
            }
            let scratch = tempfile::tempdir().unwrap();
            Place { root: root.path(), site: root.path().join(SITE), scratch: scratch.path() }.compare(&changes);
            Ok(())
        })
        .unwrap();
}
