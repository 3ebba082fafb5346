//! Zones against an oracle that shares no code with zonekit (`tests/oracle`). Left out, with a line that says so,
//! where python3 is absent; the images of `../shared` likewise.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::run::{Image, Scratch, archive, install, is_root, run, skip, skip_without_root};
use tests::sample::Options;
use tests::sample::names;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn python() -> Option<Command> {
    let works = Command::new("python3").arg("--version").output().is_ok_and(|done| done.status.success());
    if !works {
        skip("needs python3");
    }
    works.then(|| Command::new("python3"))
}

/// Files that post-install scripts write, which the oracle does not run.
const BY_SCRIPTS: [&str; 3] = ["/etc/openssl/cacert.pem", "/var/fix/postinstall-ran", names::POSTINSTALL_MARK];

/// What the oracle says of a root; nothing is good.
fn oracle(image: &Path, brand: &str, root: &Path, more: &[OsString]) -> String {
    let mut command = python().unwrap();
    command
        .arg(here("oracle/oracle.py"))
        .args(["check", "--brand", brand, "--prune-dir"])
        .arg(here("../brands/common"));
    command.arg("--image").arg(image).arg("--root").arg(root).args(more);
    for path in BY_SCRIPTS {
        command.args(["--ignore", path]);
    }
    let done = command.output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    let count = text.lines().last().unwrap_or_default().to_owned();
    assert!(count.contains(" paths expected"), "the oracle cannot tell: {text}");
    let expected: usize = count.rsplit("; ").next().unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(expected > 60, "the oracle expects next to nothing: {count}");
    if done.status.success() { String::new() } else { text.into_owned() }
}

/// What is compared: a name for failures, the brand, the options of the program, those of the oracle.
const CASES: &[(&str, &str, &[&str], &[&str])] = &[
    ("sparse", "sparse-root", &[], &[]),
    ("whole", "whole-root", &[], &[]),
    ("whole-verified-one-thread", "whole-root", &["--verify", "--jobs", "1"], &[]),
    ("whole-base", "whole-root", &["-o", "base"], &["-o", "base"]),
    ("whole-template", "whole-root", &["-T"], &["--template-mode"]),
    ("whole-template-base", "whole-root", &["-T", "-o", "base"], &["--template-mode", "-o", "base"]),
];

fn options(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn compare_all(image: &Path, more: &[(&str, &str, &[&str], &[&str])]) {
    let mut failures = Vec::new();
    for (name, brand, ours, theirs) in CASES.iter().chain(more) {
        let scratch = Scratch::new();
        let zonepath = scratch.zonepath("zone");
        run(install(brand, image, &zonepath).args(*ours)).succeeded();
        let root = if ours.contains(&"-T") { zonepath } else { zonepath.join("root") };
        failures.push((*name, oracle(image, brand, &root, &options(theirs))));
        if *brand == "sparse-root" {
            failures.push(("zonelib", oracle(image, "zonelib", &scratch.join("zonelib/lib"), &[])));
        }
    }
    failures.push(("template", from_template(image)));
    failures.push(("archive of sparse-root", unpacked(image, "sparse-root")));
    failures.push(("archive of whole-root", unpacked(image, "whole-root")));
    failures.retain(|(_, differences)| !differences.is_empty());
    for (name, differences) in &failures {
        println!("== {name}\n{differences}");
    }
    assert!(failures.is_empty(), "{} of the zones are not as the oracle says", failures.len());
}

/// A sparse zone out of a template that was made before.
fn from_template(image: &Path) -> String {
    let scratch = Scratch::new();
    let (template, zonepath) = (scratch.zonepath("template"), scratch.zonepath("zone"));
    run(install("whole-root", image, &template).args(["-T", "-o", "base"])).succeeded();
    run(install("sparse-root", image, &zonepath).arg("-T").arg(&template)).succeeded();
    let more = [OsString::from("--template"), template.into_os_string()];
    oracle(image, "sparse-root", &zonepath.join("root"), &more)
}

fn unpacked(image: &Path, brand: &str) -> String {
    let scratch = Scratch::new();
    let (file, root) = (scratch.join("zone.tar.gz"), scratch.zonepath("root"));
    let _ = archive(brand, image, &file, &[]);
    let done = Command::new("tar").args(["--numeric-owner", "-xpzf"]).arg(&file).arg("-C").arg(&root).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    oracle(image, brand, &root, &[])
}

#[test]
fn the_sample_image_gives_what_the_oracle_says() {
    if python().is_none() || skip_without_root() {
        return;
    }
    let image = Image::make(&Options::default());
    let more: &[(&str, &str, &[&str], &[&str])] = &[
        ("whole-edge", "whole-root", &["-o", "edge"], &["-o", "edge"]),
        ("whole-ring", "whole-root", &["-o", "ring-a", "-o", "ghost"], &["-o", "ring-a", "-o", "ghost"]),
        ("whole-package", "whole-root", &["-o", "base", "-p", "atlas"], &["-o", "base", "-p", "SAMPatlas"]),
        ("whole-plus", "whole-root", &["-o", "base", "-p", "SAMPedge-c++"], &["-o", "base", "-p", "SAMPedge-c++"]),
        ("whole-save", "whole-root", &["-o", "save"], &["-o", "save"]),
    ];
    compare_all(&image.path(), more);
}

/// Real paths, modes and manifests of illumos.
#[test]
fn an_illumos_image_gives_what_the_oracle_says() {
    let make = here("../../shared/data/image/mkroot.py");
    if !make.is_file() {
        skip("needs ../shared");
        return;
    }
    let Some(mut python) = python() else { return };
    if skip_without_root() {
        return;
    }
    let scratch = Scratch::new();
    let image = scratch.join("image");
    let made = python.arg(make).arg("--out").arg(&image).args(["--scale", "small"]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let alias = an_alias(&image);
    let named = [alias.0.as_str(), alias.1.as_str()];
    let more: &[(&str, &str, &[&str], &[&str])] = &[
        ("whole-fixture", "whole-root", &["-o", "fixture"], &["-o", "fixture"]),
        ("whole-alias", "whole-root", &["-o", "base", "-p", named[0]], &["-o", "base", "-p", named[1]]),
    ];
    compare_all(&image, more);
}

/// The first alias of an installed package: the alias, the package.
fn an_alias(image: &Path) -> (String, String) {
    let folder = image.join("etc/zap/repositories");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts = files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "aliases"));
    let lines: Vec<String> = texts
        .flat_map(|file| fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let pairs = lines.iter().filter_map(|line| line.split_once('|'));
    let (alias, package) =
        pairs.into_iter().find(|(_, package)| image.join("var/sadm/pkg").join(package).is_dir()).unwrap();
    (alias.to_owned(), package.to_owned())
}

/// The oracle itself, or all of the above proves nothing.
#[test]
fn the_oracle_passes_its_own_tests() {
    let Some(mut python) = python() else { return };
    if !is_root() {
        skip("needs root");
        return;
    }
    let done = python.arg("test_oracle.py").current_dir(here("oracle")).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
