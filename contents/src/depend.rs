//! depend(5): which other packages a package needs, cannot stand, or is needed by.

use std::path::Path;

use crate::error::{Error, Problem, quote};
use crate::fields::{Fields, is_blank};
use crate::lines::{Lines, trim_blanks, trim_start};
use crate::names::PackageName;

/// How a package depends on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DependencyKind {
    /// `P`: the other has to be installed before this one.
    Prerequisite = b'P',
    /// `I`: the two cannot both be installed.
    Incompatible = b'I',
    /// `R`: the other needs this one, and its own depend file does not say so.
    Reverse = b'R',
}

/// One version of the other package, of which any of those listed will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance<'a> {
    /// The architecture, such as `i386`.
    pub architecture: Option<&'a [u8]>,
    /// The version; any if there is none.
    pub version: Option<&'a [u8]>,
}

/// One dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency<'a> {
    /// How the package depends on the other.
    pub kind: DependencyKind,
    /// The other package.
    pub package: PackageName,
    /// Its title, for people; often left out.
    pub title: &'a [u8],
    /// Versions of it; any if there are none.
    pub instances: Vec<Instance<'a>>,
}

/// A parsed depend file that borrows from its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependencies<'a> {
    entries: Vec<Dependency<'a>>,
}

impl<'a> Dependencies<'a> {
    /// Reads the whole text: lines `kind package title`, each followed by indented lines
    /// `(architecture)version`. `file` is what errors call it. Comments and blank lines are allowed
    /// and not kept.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the first line that is not as depend(5) says.
    pub fn parse(file: &Path, text: &'a [u8]) -> Result<Self, Error> {
        let mut entries: Vec<Dependency<'a>> = Vec::new();
        let mut lines = Lines::new(file, text)?;
        while let Some(line) = lines.next_statement()? {
            let added = if is_blank(line[0]) {
                match entries.last_mut() {
                    Some(dependency) => instance(trim_blanks(line)).map(|instance| dependency.instances.push(instance)),
                    None => Err(Problem::Other("a version without a package before it".into())),
                }
            } else {
                dependency(line).map(|dependency| entries.push(dependency))
            };
            added.map_err(|problem| lines.damaged(problem))?;
        }
        Ok(Self { entries })
    }

    /// All dependencies in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[Dependency<'a>] {
        &self.entries
    }

    /// The packages that have to be installed before this one.
    pub fn prerequisites(&self) -> impl Iterator<Item = &PackageName> {
        self.entries.iter().filter(|entry| entry.kind == DependencyKind::Prerequisite).map(|entry| &entry.package)
    }

    /// Writes the whole file, without comments, versions indented by a tab.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for entry in &self.entries {
            out.push(entry.kind as u8);
            out.push(b' ');
            out.extend_from_slice(entry.package.as_bytes());
            if !entry.title.is_empty() {
                out.push(b' ');
                out.extend_from_slice(entry.title);
            }
            out.push(b'\n');
            for instance in &entry.instances {
                out.push(b'\t');
                if let Some(architecture) = instance.architecture {
                    out.push(b'(');
                    out.extend_from_slice(architecture);
                    out.push(b')');
                }
                out.extend_from_slice(instance.version.unwrap_or_default());
                out.push(b'\n');
            }
        }
        out
    }
}

impl<'a> FromIterator<Dependency<'a>> for Dependencies<'a> {
    fn from_iter<T: IntoIterator<Item = Dependency<'a>>>(entries: T) -> Self {
        Self { entries: entries.into_iter().collect() }
    }
}

fn dependency(line: &[u8]) -> Result<Dependency<'_>, Problem> {
    let mut fields = Fields::new(line);
    let kind = match fields.word("kind")? {
        b"P" => DependencyKind::Prerequisite,
        b"I" => DependencyKind::Incompatible,
        b"R" => DependencyKind::Reverse,
        other => return Err(Problem::UnknownKind(quote(other))),
    };
    let package = fields.word("package")?;
    let package = PackageName::from_bytes(package).map_err(|error| Problem::Other(error.to_string()))?;
    Ok(Dependency { kind, package, title: fields.rest(), instances: Vec::new() })
}

/// `(architecture)version`, either of which may be absent; a version starts with no parenthesis.
fn instance(text: &[u8]) -> Result<Instance<'_>, Problem> {
    let bad = || Problem::Other(format!("`{}` is not `(architecture)version`", quote(text)));
    let (architecture, version) = match text {
        [b'(', rest @ ..] => {
            let end = memchr::memchr(b')', rest).ok_or_else(bad)?;
            (Some(&rest[..end]), trim_start(&rest[end + 1..]))
        }
        version => (None, version),
    };
    if architecture.is_some_and(<[u8]>::is_empty) || version.starts_with(b"(") {
        return Err(bad());
    }
    Ok(Instance { architecture, version: (!version.is_empty()).then_some(version) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Result<Dependencies<'_>, Error> {
        Dependencies::parse(Path::new("depend"), text)
    }

    #[test]
    fn all_kinds_and_versions_are_read_and_written_back() {
        let text = b"P SUNWcs\nP TRIBx A title, of \xff bytes\n\t(i386)1.0,REV=2\n\t2.0 beta\n\t(sparc)\nI TRIBlibsigc++\nR old Old one\n";
        let dependencies = parse(text).unwrap();
        assert_eq!(dependencies.to_bytes(), text);
        let names: Vec<_> = dependencies.prerequisites().map(PackageName::as_str).collect();
        assert_eq!(names, ["SUNWcs", "TRIBx"]);
        let second = &dependencies.entries()[1];
        assert_eq!(second.title, b"A title, of \xff bytes");
        assert_eq!(
            second.instances,
            [
                Instance { architecture: Some(b"i386"), version: Some(b"1.0,REV=2") },
                Instance { architecture: None, version: Some(b"2.0 beta") },
                Instance { architecture: Some(b"sparc"), version: None },
            ]
        );
        assert_eq!(dependencies.entries()[2].kind, DependencyKind::Incompatible);
        assert_eq!(dependencies.entries()[3].kind, DependencyKind::Reverse);
    }

    #[test]
    fn other_forms_become_canonical() {
        let text = b"# generated\n\nP\tTRIBx   a  b \n  # no version\n   (i386) 1 \nP TRIBx\n";
        assert_eq!(parse(text).unwrap().to_bytes(), b"P TRIBx a  b\n\t(i386)1\nP TRIBx\n");
        assert_eq!(parse(b"").unwrap(), Dependencies::default());
    }

    #[test]
    fn damage_is_refused_with_its_line() {
        let cases: &[(&[u8], &str)] = &[
            (b"X TRIBx\n", "line 1: unknown kind `X`"),
            (b"PP TRIBx\n", "line 1: unknown kind `PP`"),
            (b"TRIBx\n", "line 1: unknown kind `TRIBx`"),
            (b"P\n", "line 1: ends before the package"),
            (b"P TRIB/x\n", "line 1: `TRIB/x` is no package name: it holds something else"),
            (b"# c\n 1.0\n", "line 2: a version without a package before it"),
            (b"P a\n (i386\n", "line 2: `(i386` is not `(architecture)version`"),
            (b"P a\n ()1\n", "line 2: `()1` is not `(architecture)version`"),
            (b"P a\n (b)(c)\n", "line 2: `(b)(c)` is not `(architecture)version`"),
            (b"P a", "line 1: the last line has no newline"),
            (b"P a\n\0\n", "line 2: holds a NUL byte"),
        ];
        for (text, message) in cases {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("depend: {message}")), "{error}");
        }
    }
}
