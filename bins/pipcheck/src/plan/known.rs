//! Lists of versions that there are.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::pep::{ProjectName, Version};
use crate::read::open_ambient;

/// The newest versions of all projects of the largest index are smaller.
const MAX_BYTES: u64 = 64 << 20;
/// So many lines that make no sense are told.
const MAX_TOLD: usize = 10;

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KnownError {
    /// It cannot be read.
    #[error("`{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is too large.
    #[error("`{}`: a list of versions has at most {} MiB", .0.display(), MAX_BYTES >> 20)]
    TooLarge(PathBuf),
    /// It is no text.
    #[error("`{}` is no text; it should have lines such as `urllib3 2.2.1`", .0.display())]
    Binary(PathBuf),
    /// It says nothing.
    #[error("`{}` has no versions; it should have lines such as `urllib3 2.2.1`", .0.display())]
    Empty(PathBuf),
}

/// Versions that there are, by project.
#[derive(Clone, Debug, Default)]
pub struct KnownVersions {
    /// Each with its text.
    versions: BTreeMap<String, BTreeMap<Version, String>>,
    /// What could not be used of the list, line by line.
    pub problems: Vec<String>,
}

impl KnownVersions {
    /// Reads a list: a project and one or more of its versions a line, with blanks, `==`, `=`, `@`, `:` or commas
    /// between them; also what `pip list --outdated` prints. `#` begins a comment. A line that makes no sense is a
    /// problem, and the others count.
    ///
    /// # Errors
    /// [`KnownError`]: nothing of it can be used.
    pub fn read(path: &Path) -> Result<Self, KnownError> {
        let unread = |source| KnownError::Read { path: path.to_owned(), source };
        let file = open_ambient(path).map_err(unread)?;
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unread)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(KnownError::TooLarge(path.to_owned()));
        }
        let text = std::str::from_utf8(&bytes).ok().filter(|text| !text.contains('\0'));
        let known = Self::parse(text.ok_or_else(|| KnownError::Binary(path.to_owned()))?, &path.to_string_lossy());
        if known.versions.is_empty() && known.problems.is_empty() {
            return Err(KnownError::Empty(path.to_owned()));
        }
        Ok(known)
    }

    /// Reads the text of a list; problems name it by `shown`.
    #[must_use]
    pub fn parse(text: &str, shown: &str) -> Self {
        let mut known = Self::default();
        let mut bad = 0;
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() || is_of_pip_table(line) {
                continue;
            }
            if let Err(why) = known.add_line(line) {
                bad += 1;
                if bad <= MAX_TOLD {
                    let line: String = line.chars().take(60).collect();
                    known.problems.push(format!("`{shown}`, line {}: `{line}` {why}", number + 1));
                }
            }
        }
        if bad > MAX_TOLD {
            known.problems.push(format!("`{shown}`: {} more lines that make no sense", bad - MAX_TOLD));
        }
        known
    }

    fn add_line(&mut self, line: &str) -> Result<(), String> {
        let is_between =
            |character: char| character.is_whitespace() || matches!(character, '=' | '@' | ':' | ',' | ';');
        let mut words = line.split(is_between).filter(|word| !word.is_empty());
        let name = words.next().and_then(|name| ProjectName::parse(name).ok());
        let name = name.ok_or("does not begin with the name of a module")?;
        let mut versions = Vec::new();
        for word in words.filter(|word| !matches!(*word, "wheel" | "sdist")) {
            let version = Version::parse(word).map_err(|_| format!("has `{word}`, which is no version by PEP 440"))?;
            versions.push((version, word.to_owned()));
        }
        if versions.is_empty() {
            return Err("has no version".to_owned());
        }
        let known = self.versions.entry(name.to_string()).or_default();
        for (version, text) in versions {
            known.entry(version).or_insert(text);
        }
        Ok(())
    }

    /// Adds a version of which there is METADATA.
    pub(super) fn add(&mut self, name: &str, version: &str) {
        let Ok(parsed) = Version::parse(version) else { return };
        self.versions.entry(name.to_owned()).or_default().entry(parsed).or_insert_with(|| version.to_owned());
    }

    /// The versions of a project, from the newest.
    pub fn of<'k>(&'k self, name: &str) -> impl Iterator<Item = (&'k Version, &'k str)> + use<'k> {
        self.versions.get(name).into_iter().flatten().rev().map(|(version, text)| (version, text.as_str()))
    }

    /// A name as it is kept here.
    pub(super) fn name(&self, name: &str) -> Option<&str> {
        self.versions.get_key_value(name).map(|(name, _)| name.as_str())
    }

    /// The projects.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.versions.keys().map(String::as_str)
    }
}

/// The head of the table that `pip list` prints, and the line below it.
fn is_of_pip_table(line: &str) -> bool {
    let mut words = line.split_whitespace();
    (words.next(), words.next()) == (Some("Package"), Some("Version")) || line.bytes().all(|byte| b"- ".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_in_many_forms() {
        let text = "\u{feff}# a comment\nUrllib3 2.2.1\nurllib3==1.26.20 # another\n\nfoo = 1.0\r\nfoo,0.9,1.1\nbar@1!2.0\n\
                    baz\t3.0rc1\nzope.interface: 7\nurllib3 2.2.1.0\n\
                    Package Version Latest Type\n------- ------- ------ -----\npip     26.0    26.2   wheel\n";
        let known = KnownVersions::parse(text, "list");
        let of = |name: &str| known.of(name).map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(known.problems, [""; 0]);
        assert_eq!(of("urllib3"), ["2.2.1", "1.26.20"]);
        assert_eq!(of("foo"), ["1.1", "1.0", "0.9"]);
        assert_eq!(of("bar"), ["1!2.0"]);
        assert_eq!(of("baz"), ["3.0rc1"]);
        assert_eq!(of("zope-interface"), ["7"]);
        assert_eq!(of("pip"), ["26.2", "26.0"]);
        assert_eq!(of("nothing"), [""; 0]);
    }

    #[test]
    fn lines_that_make_no_sense_are_told_up_to_a_number() {
        let known = KnownVersions::parse("foo\n-bar 1\nfoo latest\nfoo 1\n", "list");
        assert_eq!(known.problems.len(), 3);
        assert_eq!(known.problems[0], "`list`, line 1: `foo` has no version");
        assert_eq!(known.problems[1], "`list`, line 2: `-bar 1` does not begin with the name of a module");
        assert_eq!(known.problems[2], "`list`, line 3: `foo latest` has `latest`, which is no version by PEP 440");
        assert_eq!(known.of("foo").count(), 1);
        let known = KnownVersions::parse(&"bad\n".repeat(1000), "list");
        assert_eq!(known.problems.len(), MAX_TOLD + 1);
        assert_eq!(known.problems[MAX_TOLD], "`list`: 990 more lines that make no sense");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[a-z0-9.=@:, #!\\n\\t-]{0,200}|\\PC{0,100}") {
            let known = KnownVersions::parse(&text, "list");
            for name in known.names() {
                let versions: Vec<&Version> = known.of(name).map(|(version, _)| version).collect();
                proptest::prop_assert!(versions.is_sorted_by(|a, b| a > b), "{versions:?}");
            }
            proptest::prop_assert!(known.problems.len() <= MAX_TOLD + 1);
        }
    }
}
