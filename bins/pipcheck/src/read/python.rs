//! The Pythons below a root: which there are, and where each looks for modules.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::root::Root;

/// Where distributions of illumos, Linux and the BSDs put interpreters, and what `*` stands for is looked up. A link
/// to a place that was looked at before adds nothing.
const PREFIXES: [&str; 8] = ["usr", "usr/versions/*", "usr/local", "opt/local", "opt/*", "usr/pkg", "usr/sfw", ""];

/// What a directory of modules is called. Debian has `dist-packages`, and OpenIndiana and OmniOS `vendor-packages`
/// behind `site-packages`.
const SITES: [&str; 3] = ["site-packages", "dist-packages", "vendor-packages"];

/// Small files of an interpreter are not larger.
const SMALL: u64 = 64 * 1024;

/// A version of Python, such as 3.13 or 3.13.5.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PythonVersion {
    /// 3 in 3.13.5.
    pub major: u16,
    /// 13 in 3.13.5.
    pub minor: u16,
    /// What follows it, such as `.5` or `.0rc1`; empty when it is not known.
    pub patch: String,
}

/// A text that is no version of Python.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no version of Python; write it as 3.13 or 3.13.5")]
pub struct BadPythonVersion(String);

impl PythonVersion {
    /// Whether this is the other, as far as both are known.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let patches = (self.patch.as_str(), other.patch.as_str());
        (self.major, self.minor) == (other.major, other.minor)
            && (patches.0.is_empty() || patches.1.is_empty() || patches.0 == patches.1)
    }

    /// `3.13`: the marker variable `python_version`.
    #[must_use]
    pub fn short(&self) -> String {
        format!("{}.{}", self.major, self.minor)
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for PythonVersion {
    type Err = BadPythonVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_version(text).ok_or_else(|| BadPythonVersion(text.to_owned()))
    }
}

fn parse_version(text: &str) -> Option<PythonVersion> {
    let (major, rest) = text.split_once('.')?;
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    let (minor, patch) = rest.split_at(end);
    let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?;
    let well_formed = patch.is_empty()
        || (patch.len() > 1
            && patch.starts_with(['.', 'a', 'b', 'r'])
            && patch.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+')));
    well_formed.then_some(PythonVersion { major: number(major)?, minor: number(minor)?, patch: patch.to_owned() })
}

/// One Python below a root, with the directories where it looks for modules, as it looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// Its version, as far as it is known.
    pub version: PythonVersion,
    /// The folder that its `bin` and `lib` are in, below the root.
    pub prefix: PathBuf,
    /// The directories of modules, without links.
    pub sites: Vec<PathBuf>,
}

/// All Pythons below a root that have a directory of modules, by version and prefix.
#[must_use]
pub fn interpreters(root: &Root) -> Vec<Interpreter> {
    let mut found = Found::default();
    for prefix in PREFIXES {
        match prefix.strip_suffix("/*") {
            Some(parent) => {
                for name in root.names(Path::new(parent)) {
                    found.look(root, &Path::new(parent).join(name));
                }
            }
            None => found.look(root, Path::new(prefix)),
        }
    }
    let mut interpreters = found.interpreters;
    // A root whose lib is a link to usr/lib has each Python twice.
    let all = interpreters.clone();
    interpreters.retain(|python| {
        let has_all = |other: &Interpreter| python.sites.iter().all(|site| other.sites.contains(site));
        !all.iter().any(|other| {
            other.sites.len() > python.sites.len() && python.version.is_same_as(&other.version) && has_all(other)
        })
    });
    interpreters.retain(|interpreter| !interpreter.sites.is_empty());
    interpreters.sort_by(|a, b| (&a.version, &a.prefix).cmp(&(&b.version, &b.prefix)));
    interpreters
}

/// The version that a directory of modules is for, by the nearest folder of its path that says so.
#[must_use]
pub fn version_of_path(path: &Path) -> Option<PythonVersion> {
    path.components().rev().find_map(|part| version_of_folder(part.as_os_str()))
}

#[derive(Default)]
struct Found {
    interpreters: Vec<Interpreter>,
    /// What was looked at, to look at nothing twice.
    seen: BTreeSet<PathBuf>,
}

impl Found {
    fn look(&mut self, root: &Root, prefix: &Path) {
        for lib in ["lib", "lib64"] {
            let lib = prefix.join(lib);
            let names = root.names(&lib);
            let mut here = Vec::new();
            for name in &names {
                if let Some(version) = version_of_folder(name) {
                    here.push(version.clone());
                    let index = self.interpreter(root, prefix, version);
                    self.sites(root, index, &lib.join(name));
                }
            }
            // Debian's /usr/lib/python3 is for every Python 3 of the prefix.
            if names.iter().any(|name| name == "python3") {
                for version in here.into_iter().filter(|version| version.major == 3) {
                    let index = self.interpreter(root, prefix, version);
                    self.shared_site(root, index, &lib.join("python3/dist-packages"));
                }
            }
        }
    }

    /// The interpreter of a prefix. What is in /usr/local and in `dist-packages` belongs to that in /usr.
    fn interpreter(&mut self, root: &Root, prefix: &Path, version: PythonVersion) -> usize {
        let lends = |other: &Interpreter| {
            prefix == Path::new("usr/local") && other.prefix == Path::new("usr") && !has_program(root, prefix, &version)
        };
        let known = self
            .interpreters
            .iter()
            .position(|other| other.version.is_same_as(&version) && (other.prefix == prefix || lends(other)));
        known.unwrap_or_else(|| {
            let patch = patch_level(root, prefix, &version);
            let version = PythonVersion { patch, ..version };
            self.interpreters.push(Interpreter { version, prefix: prefix.to_owned(), sites: Vec::new() });
            self.interpreters.len() - 1
        })
    }

    fn sites(&mut self, root: &Root, index: usize, folder: &Path) {
        for site in SITES {
            let Ok(path) = root.resolve(&folder.join(site)) else { continue };
            if root.has_folder(&path) && self.seen.insert(path.clone()) {
                let interpreter = &mut self.interpreters[index];
                // A local directory comes before that of the system.
                let local = folder.starts_with("usr/local") && interpreter.prefix == Path::new("usr");
                let at = if local { 0 } else { interpreter.sites.len() };
                interpreter.sites.insert(at, path);
            }
        }
    }

    fn shared_site(&mut self, root: &Root, index: usize, site: &Path) {
        let Ok(path) = root.resolve(site) else { return };
        let sites = &mut self.interpreters[index].sites;
        if root.has_folder(&path) && !sites.contains(&path) {
            sites.push(path);
        }
    }
}

/// `python3.13`, `python3.13t` or `pypy3.10`.
fn version_of_folder(name: &OsStr) -> Option<PythonVersion> {
    let name = name.to_str()?;
    let digits = name.strip_prefix("python").or_else(|| name.strip_prefix("pypy"))?;
    let digits = digits.strip_prefix('-').unwrap_or(digits);
    parse_version(digits.strip_suffix('t').unwrap_or(digits)).filter(|version| version.patch.is_empty())
}

fn has_program(root: &Root, prefix: &Path, version: &PythonVersion) -> bool {
    root.has_file(&prefix.join(format!("bin/python{}", version.short())))
}

/// Adds the patch level to the version of a directory of modules, `PREFIX/lib/python3.13/site-packages`.
#[must_use]
pub fn with_patch_level(root: &Root, site: &Path, version: PythonVersion) -> PythonVersion {
    let patch = site.ancestors().nth(3).map(|prefix| patch_level(root, prefix, &version)).unwrap_or_default();
    PythonVersion { patch, ..version }
}

/// What follows 3.13 in the full version: a virtual environment and the headers of the interpreter say it.
fn patch_level(root: &Root, prefix: &Path, version: &PythonVersion) -> String {
    let text = |path: PathBuf| {
        let bytes = root.read(&path, SMALL).ok()?;
        String::from_utf8(bytes).ok()
    };
    let environment = || {
        let text = text(prefix.join("pyvenv.cfg"))?;
        let mut settings = text.lines().filter_map(|line| line.split_once('='));
        let (_, value) = settings.find(|(key, _)| matches!(key.trim(), "version" | "version_info"))?;
        // virtualenv writes 3.13.5.final.0.
        let words: Vec<&str> = value.trim().split('.').take(3).collect();
        Some(words.join("."))
    };
    let headers = || {
        let name = format!("include/python{}/patchlevel.h", version.short());
        let text = text(prefix.join(name))?;
        let line = text.lines().find_map(|line| line.trim().strip_prefix("#define PY_VERSION "))?;
        Some(line.trim().trim_matches('"').to_owned())
    };
    let known = [environment(), headers()].into_iter().flatten().filter_map(|text| parse_version(&text));
    known.into_iter().find(|found| found.is_same_as(version)).map(|found| found.patch).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn folders(top: &Path, names: &[&str]) {
        names.iter().for_each(|name| fs::create_dir_all(top.join(name)).unwrap());
    }

    #[test]
    fn versions() {
        for good in ["3.13", "3.13.5", "3.14.0rc1", "3.13.0+", "2.7"] {
            assert_eq!(good.parse::<PythonVersion>().unwrap().to_string(), good);
        }
        for bad in ["3", "", "3.", "3.x", "3.13-1", "3.13.", "+3.1", "3.13 "] {
            assert!(bad.parse::<PythonVersion>().is_err(), "{bad}");
        }
    }

    #[test]
    fn pythons_are_told_apart() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path();
        folders(
            top,
            &[
                "usr/versions/python-3.13/lib/python3.13/site-packages",
                "usr/versions/python-3.13/include/python3.13",
                "usr/versions/python-3.12/lib/python3.12/site-packages",
                "usr/lib/python3.11",
                "usr/lib/python3/dist-packages",
                "usr/local/lib/python3.11/dist-packages",
                "usr/lib/python3.9/site-packages",
                "usr/lib/python3.9/vendor-packages",
            ],
        );
        symlink("usr/lib", top.join("lib")).unwrap();
        let header = top.join("usr/versions/python-3.13/include/python3.13/patchlevel.h");
        fs::write(header, "#define PY_VERSION      \t\"3.13.15\"\n#define PY_VERSION \"3.13.15\"\n").unwrap();
        let found = interpreters(&Root::open(top).unwrap());
        let shown: Vec<_> = found
            .iter()
            .map(|python| {
                let sites: Vec<_> = python.sites.iter().map(|site| site.to_str().unwrap()).collect();
                format!("{} {} {}", python.version, python.prefix.display(), sites.join(" "))
            })
            .collect();
        assert_eq!(
            shown,
            [
                "3.9 usr usr/lib/python3.9/site-packages usr/lib/python3.9/vendor-packages usr/lib/python3/dist-packages",
                "3.11 usr usr/local/lib/python3.11/dist-packages usr/lib/python3/dist-packages",
                "3.12 usr/versions/python-3.12 usr/versions/python-3.12/lib/python3.12/site-packages",
                "3.13.15 usr/versions/python-3.13 usr/versions/python-3.13/lib/python3.13/site-packages",
            ]
        );
    }

    #[test]
    fn a_virtual_environment_tells_its_version() {
        let scratch = tempfile::tempdir().unwrap();
        folders(scratch.path(), &["lib/python3.11/site-packages"]);
        symlink("lib", scratch.path().join("lib64")).unwrap();
        fs::write(scratch.path().join("pyvenv.cfg"), "home = /usr/bin\nversion = 3.11.7\n").unwrap();
        let found = interpreters(&Root::open(scratch.path()).unwrap());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].version.to_string(), "3.11.7");
        assert_eq!(version_of_path(Path::new("/x/lib/python3.12/site-packages")).unwrap().to_string(), "3.12");
    }
}
