//! The program, run on zones that the library has just installed.

#![allow(clippy::unwrap_used, reason = "all of this file is tests and what they share")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tests::run::{Ran, Scratch, run, skip_without_root};
use tests::sample::{self, Options, Sample};
use zonelib::brand::install::{Install, Watch};
use zonelib::journal::StateDir;
use zonelib::populate::{Counters, Wanted};
use zonelib::recipe::Site;
use zonelib::storage::Which;

struct Place {
    scratch: Scratch,
    sample: Sample,
}

impl Place {
    fn new(options: &Options) -> Self {
        let scratch = Scratch::new();
        let sample = sample::make(&scratch.join("image"), options).unwrap();
        Self { scratch, sample }
    }

    fn plain() -> Self {
        Self::new(&Options { edge_cases: false, ..Options::default() })
    }

    /// What makes a zone of a brand, to be changed before it is run.
    fn install(&self, brand: &str, zonepath: &str) -> Install {
        let site = Site { config: "/nonexistent".into(), brands: "/nonexistent".into() };
        Install {
            zone: Some("z1".parse().unwrap()),
            zonepath: Some(self.scratch.zonepath(zonepath)),
            recipe: site.recipe(&brand.parse().unwrap()).unwrap(),
            image: self.sample.root.clone(),
            zonelib: Some(self.scratch.join("zonelib")),
            template: None,
            makes_template: false,
            wanted: None,
            add_overlays: Vec::new(),
            add_packages: Vec::new(),
            archive: None,
            verify: false,
            strict: false,
            jobs: 2,
            storage: Which::Directory,
            state: StateDir::new(&self.scratch.join("state")),
            import: true,
            keep: false,
            golden: false,
        }
    }

    fn zone(&self, brand: &str, zonepath: &str) -> PathBuf {
        made(&self.install(brand, zonepath))
    }

    fn ask(&self, brand: &str, zonepath: &Path, words: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_verify-zone"));
        command.args(["--config", "/nonexistent", "-b", brand, "--image"]).arg(&self.sample.root);
        run(command.arg("-R").arg(zonepath).args(words).stdin(Stdio::null()))
    }

    /// The lines of a comparison but the last one, which counts them.
    fn differences(&self, brand: &str, zonepath: &Path, words: &[&str]) -> Vec<String> {
        let done = self.ask(brand, zonepath, words);
        assert_eq!(done.err, "");
        let mut lines: Vec<String> = done.out.lines().map(str::to_owned).collect();
        let last = lines.pop().unwrap();
        let count = match lines.len() {
            0 => ": no differences in ".to_owned(),
            1 => ": 1 difference in ".to_owned(),
            count => format!(": {count} differences in "),
        };
        assert!(last.contains(&count), "{last}");
        assert_eq!(done.code(), i32::from(!lines.is_empty()), "{done:?}");
        lines
    }
}

/// Installs, and returns the zonepath.
fn made(install: &Install) -> PathBuf {
    install.run(&Watch { phase: &|_| {}, counters: &Counters::default() }).unwrap();
    install.zonepath.clone().unwrap()
}

const NONE: [&str; 0] = [];

#[test]
fn a_new_zone_is_what_it_should_be() {
    if skip_without_root() {
        return;
    }
    let place = Place::new(&Options::default());
    let sparse = place.zone("sparse-root", "sparse");
    assert_eq!(place.differences("sparse-root", &sparse, &[]), NONE);
    let whole = place.zone("whole-root", "whole");
    let extra = place.differences("whole-root", &whole, &[]);
    assert!(extra.iter().all(|line| line.starts_with("extra: /")), "{extra:#?}");
    // The other brand would have made another zone.
    assert!(place.differences("whole-root", &sparse, &[]).len() > 100);
}

#[test]
fn the_options_of_the_installation_count() {
    if skip_without_root() {
        return;
    }
    let place = Place::plain();
    let overlay = place.sample.overlays.iter().find(|overlay| overlay.installed && overlay.name != "base").unwrap();
    let mut install = place.install("whole-root", "some");
    install.wanted = Some(Wanted { overlays: vec![overlay.name.parse().unwrap()], packages: Vec::new() });
    let some = made(&install);
    let all_but_scripts =
        |lines: Vec<String>| lines.into_iter().filter(|line| !line.starts_with("extra")).collect::<Vec<_>>();
    assert_eq!(all_but_scripts(place.differences("whole-root", &some, &["-o", &overlay.name])), NONE);
    assert_ne!(all_but_scripts(place.differences("whole-root", &some, &[])), NONE);

    let mut install = place.install("whole-root", "template");
    install.makes_template = true;
    let template = made(&install);
    assert_eq!(place.differences("whole-root", &template, &["-T"]), NONE);
    let mut install = place.install("sparse-root", "from-template");
    install.template = Some(template.clone());
    let filled = made(&install);
    assert_eq!(place.differences("sparse-root", &filled, &["-T", template.to_str().unwrap()]), NONE);
}

#[test]
fn differences_are_named_and_edited_files_can_be_left_out() {
    if skip_without_root() {
        return;
    }
    let place = Place::plain();
    let zonepath = place.zone("sparse-root", "zone");
    let root = zonepath.join("root");
    fs::write(root.join("etc/passwd"), "root:x:0:0::/:\n").unwrap();
    fs::write(root.join("etc/by-hand\u{1b}[31m"), "").unwrap();
    fs::remove_file(root.join("bin")).unwrap();
    let found = place.differences("sparse-root", &zonepath, &[]);
    let starts: Vec<&str> = found.iter().map(|line| line.rsplit_once(": ").unwrap().0).collect();
    assert_eq!(starts, ["missing: /bin", "extra: /etc/by-hand\\u{1b}[31m", "edited: /etc/passwd"]);

    let left = place.ask("sparse-root", &zonepath, &["--ignore-edited", "--json", "-z", "z1"]);
    assert_eq!((left.code(), &*left.err), (1, ""));
    let data: Value = serde_json::from_str(&left.out).unwrap();
    assert_eq!((&data["version"], &data["zone"], &data["edited_left_out"]), (&1.into(), &"z1".into(), &1.into()));
    assert_eq!(data["differences"].as_array().unwrap().len(), 2);
    assert_eq!((&data["differences"][0]["what"], &data["differences"][0]["path"]), (&"missing".into(), &"/bin".into()));
    fs::remove_file(root.join("etc/by-hand\u{1b}[31m")).unwrap();
    symlink("./usr/bin", root.join("bin")).unwrap();
    let fine = place.ask("sparse-root", &zonepath, &["--ignore-edited"]);
    assert_eq!(fine.code(), 0);
    assert!(fine.out.contains("; edited files left out: 1"), "{}", fine.out);
}

/// Links to everywhere, FIFOs for files: it ends, and says so.
#[test]
fn a_hostile_zone_is_looked_at_and_not_followed() {
    if skip_without_root() {
        return;
    }
    let place = Place::plain();
    let zonepath = place.zone("sparse-root", "zone");
    let root = zonepath.join("root");
    let outside = place.scratch.join("outside");
    fs::rename(root.join("etc"), &outside).unwrap();
    symlink(&outside, root.join("etc")).unwrap();
    fs::remove_file(root.join("var/sadm/install/contents")).unwrap();
    let made = Command::new("mkfifo").arg(root.join("var/sadm/install/contents")).status().unwrap();
    assert!(made.success());
    let found = place.differences("sparse-root", &zonepath, &[]);
    assert!(found.contains(&"kind: /etc: is a symbolic link, not a directory".to_owned()), "{found:#?}");
    assert!(found.contains(&"missing: /etc/passwd: is not there".to_owned()), "{found:#?}");
    let fifo = "kind: /var/sadm/install/contents: is a named pipe, not a file".to_owned();
    assert!(found.contains(&fifo), "{found:#?}");
    // The zone root itself must not lead elsewhere either.
    fs::rename(&root, zonepath.join("real")).unwrap();
    symlink("real", &root).unwrap();
    let done = place.ask("sparse-root", &zonepath, &[]);
    assert_eq!((done.code(), &*done.out), (2, ""));
    assert!(done.err.contains("/root: "), "{}", done.err);
}

#[test]
fn what_cannot_be_compared_is_said_in_one_line() {
    let scratch = Scratch::new();
    let nowhere = scratch.join("nowhere");
    let ask = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_verify-zone"));
        let done = run(command.args(["--config", "/nonexistent"]).args(words).stdin(Stdio::null()));
        assert_eq!((done.code(), &*done.out), (2, ""), "{words:?}");
        assert!(done.err.starts_with("verify-zone: ") && done.err.lines().count() == 1, "{words:?}: {}", done.err);
        done.err
    };
    let nowhere = nowhere.to_str().unwrap();
    assert!(ask(&[]).contains("no arguments") || ask(&[]).contains("--zonepath"));
    assert!(ask(&["-R", nowhere]).contains("give -b BRAND"));
    assert!(ask(&["-R", nowhere, "-b", "none"]).contains("unknown brand `none`"));
    assert!(ask(&["-R", nowhere, "-b", "sparse-root"]).contains("nowhere: No such file"));
    assert!(ask(&["-R", nowhere, "-b", "sparse-root", "-o", "base"]).contains("has no choice of packages"));
    assert!(ask(&["-R", nowhere, "-b", "sparse-root", "-T"]).contains("makes no templates"));
    assert!(ask(&["-R", nowhere, "-b", "whole-root", "-p", "x"]).contains("--overlay"));
    assert!(ask(&["-R", nowhere, "-b", "sparse-root", "-z", "global"]).contains("that is the global zone"));
    fs::create_dir_all(scratch.join("zone/root")).unwrap();
    let zone = scratch.join("zone");
    let zone = zone.to_str().unwrap();
    assert!(ask(&["-R", zone, "-b", "sparse-root", "--image", nowhere]).contains("image "));
}
