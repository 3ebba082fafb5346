//! Roots with distributions of modules in them, and the program run on them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    dead_code,
    reason = "for tests, which end by panics and differ in what they need"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Where the modules of a root are unless a test says otherwise.
pub const SITE: &str = "usr/lib/python3.13/site-packages";

/// A root.
pub struct Root {
    dir: TempDir,
}

/// The program, ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Root {
    pub fn new() -> Self {
        let root = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir_all(root.path().join(SITE)).unwrap();
        root
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes an entry of the directory of modules.
    pub fn site(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        self.write(&format!("{SITE}/{name}"), text)
    }

    /// Installs a distribution: `name version`, and lines of metadata.
    pub fn add(&self, label: &str, lines: &[&str]) -> &Self {
        let (name, version) = label.split_once(' ').unwrap();
        let text = metadata(label, lines);
        self.site(&format!("{}-{version}.dist-info/METADATA", name.replace('-', "_")), text);
        self
    }

    /// Installs a package of the SVR4 database that owns these paths below the directory of modules.
    pub fn package(&self, name: &str, version: &str, depends: &[&str], owned: &[&str]) -> &Self {
        self.write(&format!("var/sadm/pkg/{name}/pkginfo"), format!("PKG={name}\nVERSION={version}\n"));
        if !depends.is_empty() {
            let lines: String = depends.iter().map(|depend| format!("P {depend}\n")).collect();
            self.write(&format!("var/sadm/pkg/{name}/install/depend"), lines);
        }
        let database = self.path().join("var/sadm/install/contents");
        let mut lines: Vec<String> =
            fs::read_to_string(&database).unwrap_or_default().lines().map(str::to_owned).collect();
        for path in owned {
            let bytes = fs::read(self.path().join(SITE).join(path)).unwrap_or_default();
            let (size, sum) = (bytes.len(), contents::checksum::checksum(&bytes));
            lines.push(format!("/{SITE}/{path} f none 0644 root bin {size} {sum} 1700000000 {name}"));
        }
        lines.sort();
        self.write("var/sadm/install/contents", lines.join("\n") + "\n");
        self
    }

    pub fn run(&self, words: &[&str]) -> Ran {
        let mut command = program();
        command.arg(words[0]).arg("--root").arg(self.path()).args(&words[1..]);
        run(&mut command)
    }

    /// The kinds and messages of what `check` finds.
    pub fn check(&self, more: &[&str]) -> Vec<String> {
        let words: Vec<&str> = ["check", "--json"].iter().chain(more).copied().collect();
        findings(&self.run(&words))
    }
}

/// The text of METADATA.
pub fn metadata(label: &str, lines: &[&str]) -> String {
    let (name, version) = label.split_once(' ').unwrap();
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{lines}\nA description.\nName: not this\n")
}

pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipcheck"));
    command.stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

pub fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Ran { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

/// The environments, or roots, of a report in JSON.
pub fn parts(ran: &Ran) -> Vec<serde_json::Value> {
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
    assert_eq!(report["version"], 1);
    report.get("environments").or_else(|| report.get("roots")).unwrap().as_array().unwrap().clone()
}

/// `kind: message` of all findings of a report in JSON.
pub fn findings(ran: &Ran) -> Vec<String> {
    let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let all = parts(ran).into_iter().flat_map(|part| part["findings"].as_array().unwrap().clone());
    all.map(|finding| format!("{}: {}", text(&finding, "kind"), text(&finding, "message"))).collect()
}

/// The directory of data that is shared between projects, if it is there. Says so if not.
pub fn shared(name: &str) -> Option<TempDir> {
    let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/python").join(name);
    if !archive.is_file() {
        eprintln!("skipped: ../shared/data/python/{name} is not there");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let status = Command::new("tar").arg("-xJf").arg(&archive).arg("-C").arg(dir.path()).status();
    if !status.is_ok_and(|status| status.success()) {
        eprintln!("skipped: tar cannot unpack {}", archive.display());
        return None;
    }
    Some(dir)
}
