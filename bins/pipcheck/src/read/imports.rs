//! What can be imported from a distribution: the names that it puts at the top.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read};

/// Where the names come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportSource {
    /// Nothing says it.
    Unknown,
    /// `top_level.txt`, which does not tell packages from namespaces that several distributions share.
    TopLevel,
    /// `RECORD`, the list of installed files: packages and modules only.
    Record,
}

/// The top-level names of a distribution.
#[derive(Clone, Debug)]
pub struct Imports {
    names: Box<str>,
    /// Where they come from.
    pub source: ImportSource,
}

impl Imports {
    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.lines()
    }

    /// Those of a distribution that does not say.
    #[must_use]
    pub fn unknown() -> Self {
        Self { names: Box::default(), source: ImportSource::Unknown }
    }

    /// Reads `top_level.txt`: a name a line.
    pub(super) fn top_level(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        // A name may have dots or slashes: then it is within a namespace.
        let names = text.lines().map(str::trim).filter(|name| is_name(name));
        Self::of(names.map(str::to_owned).collect(), ImportSource::TopLevel)
    }

    /// Reads `RECORD`, at most `limit` bytes of it.
    pub(super) fn record(file: impl Read, limit: u64) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(16 * 1024, file.take(limit));
        let mut names = BTreeSet::new();
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            if let Some(name) = top_of(&line)
                && !names.contains(name)
            {
                names.insert(name.to_owned());
            }
            line.clear();
        }
        Ok(Self::of(names, ImportSource::Record))
    }

    fn of(names: BTreeSet<String>, source: ImportSource) -> Self {
        let names: Vec<String> = names.into_iter().collect();
        Self { names: names.join("\n").into(), source }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|character| character.is_alphanumeric() || character == '_')
}

/// The package or module that a line of RECORD is the top of: `foo/__init__.py,...`, `foo.py,...`,
/// `foo.cpython-313.so,...`.
fn top_of(line: &[u8]) -> Option<&str> {
    let path = line.split(|&byte| byte == b',').next()?;
    let name = match path.iter().position(|&byte| byte == b'/') {
        Some(slash) if &path[slash + 1..] == b"__init__.py" => &path[..slash],
        Some(_) => return None,
        None if path.ends_with(b".py") || path.ends_with(b".so") => path.split(|&byte| byte == b'.').next()?,
        None => return None,
    };
    std::str::from_utf8(name).ok().filter(|name| is_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_tell_packages_from_namespaces() {
        let record = "\"../../bin/x,y\",,\nfoo/__init__.py,sha256=x,1\nfoo/a.py,,\nspace/part/__init__.py,,\none.py,,\n\
                      _c.cpython-313-x86_64.so,,\nfoo-1.0.dist-info/METADATA,,\n__pycache__/one.cpython-313.pyc,,\n";
        let imports = Imports::record(record.as_bytes(), 1 << 20).unwrap();
        assert_eq!(imports.names().collect::<Vec<_>>(), ["_c", "foo", "one"]);
        let imports = Imports::top_level(b"foo\n\nbar\r\nspace/part\n\xff\n");
        assert_eq!(imports.names().collect::<Vec<_>>(), ["bar", "foo"]);
    }
}
