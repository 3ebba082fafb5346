//! What can be imported from a distribution: the names that it puts at the top.

use std::collections::BTreeSet;
use std::io::{self, Read};

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
        Self::of(names.collect(), ImportSource::TopLevel)
    }

    /// Reads `RECORD`, at most `limit` bytes of it, a buffer at a time. A buffer that is not filled is the last.
    pub(super) fn record(mut file: impl Read, buffer: &mut [u8], limit: usize) -> io::Result<Self> {
        let mut names = BTreeSet::new();
        let (mut kept, mut total) = (0, 0);
        loop {
            let read = file.read(&mut buffer[kept..])?;
            let end = kept + read;
            total += read;
            let last = end < buffer.len() || total >= limit;
            let mut start = 0;
            while let Some(length) = memchr::memchr(b'\n', &buffer[start..end]) {
                add(&mut names, &buffer[start..start + length]);
                start += length + 1;
            }
            if last {
                add(&mut names, &buffer[start..end]);
                return Ok(Self::of(names.iter().map(String::as_str).collect(), ImportSource::Record));
            }
            // A line that fills the whole buffer names nothing at the top.
            let start = if start == 0 { end } else { start };
            buffer.copy_within(start..end, 0);
            kept = end - start;
        }
    }

    fn of(mut names: Vec<&str>, source: ImportSource) -> Self {
        names.sort_unstable();
        names.dedup();
        Self { names: names.join("\n").into(), source }
    }
}

fn add(names: &mut BTreeSet<String>, line: &[u8]) {
    if let Some(name) = top_of(line)
        && !names.contains(name)
    {
        names.insert(name.to_owned());
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
        for size in [64, 80, 1 << 16] {
            let imports = Imports::record(record.as_bytes(), &mut vec![0; size], 1 << 20).unwrap();
            assert_eq!(imports.names().collect::<Vec<_>>(), ["_c", "foo", "one"], "{size}");
        }
        let imports = Imports::top_level(b"foo\n\nbar\r\nspace/part\n\xff\n");
        assert_eq!(imports.names().collect::<Vec<_>>(), ["bar", "foo"]);
    }
}
