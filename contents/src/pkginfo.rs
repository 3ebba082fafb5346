//! pkginfo(5): what a package says of itself.

use std::borrow::Cow;
use std::path::Path;

use crate::error::{Error, Problem};
use crate::fields::{check_absolute, split_assignment};
use crate::lines::{Lines, trim_end, trim_start};

/// The parameters of one package: `KEY=value` lines. A value may stand in quotes, may go on after a
/// backslash at the end of its line, and may hold any bytes. Of a key that stands twice the first
/// value counts. Source: `fpkgparam()` of libpkg.
#[derive(Clone, Debug)]
pub struct PackageInfo<'a> {
    parameters: Vec<(&'a [u8], Cow<'a, [u8]>)>,
}

impl<'a> PackageInfo<'a> {
    /// Reads the whole text. `file` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the first line that is neither a parameter nor a comment, whose quote
    /// is not closed, or whose `BASEDIR` is not an absolute path.
    pub fn parse(file: &Path, text: &'a [u8]) -> Result<Self, Error> {
        let mut parameters = Vec::new();
        let mut lines = Lines::new(file, text)?;
        while let Some(line) = lines.next_statement()? {
            let (key, first) = split_assignment(line).map_err(|problem| lines.damaged(problem))?;
            let value = value(first, &mut lines)?;
            if key == b"BASEDIR" && !value.is_empty() {
                check_absolute(without_slashes(&value)).map_err(|problem| lines.damaged(problem))?;
            }
            parameters.push((key, value));
        }
        Ok(Self { parameters })
    }

    /// The value of a parameter, without its quotes and the blanks around it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.iter().find(|(name, _)| *name == key.as_bytes()).map(|(_, value)| value)
    }

    /// The folder below which the package's relative paths are: absolute, canonical, `/` by default.
    #[must_use]
    pub fn basedir(&self) -> &[u8] {
        match self.get("BASEDIR") {
            None | Some([]) => b"/",
            Some(path) => without_slashes(path),
        }
    }

    /// All parameters in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.parameters.iter().map(|(key, value)| (*key, value.as_ref()))
    }
}

fn without_slashes(mut path: &[u8]) -> &[u8] {
    while let [rest @ .., b'/'] = path
        && !rest.is_empty()
    {
        path = rest;
    }
    path
}

/// One line of a value.
struct Piece<'a> {
    text: &'a [u8],
    opened: bool,
    closed: bool,
    goes_on: bool,
}

/// The value that starts with the rest of a line.
fn value<'a>(first: &'a [u8], lines: &mut Lines<'a, '_>) -> Result<Cow<'a, [u8]>, Error> {
    let mut piece = Piece::of(first, false);
    let mut quoted = piece.opened;
    let mut value = Cow::Borrowed(piece.text);
    while piece.goes_on {
        let Some(line) = lines.next_line()? else {
            return Err(lines.damaged(Problem::Missing("rest of the value")));
        };
        piece = Piece::of(line, quoted);
        quoted |= piece.opened;
        value.to_mut().extend_from_slice(piece.text);
    }
    if quoted && !piece.closed {
        return Err(lines.damaged(Problem::Other("the quote of the value is not closed".into())));
    }
    Ok(match value {
        Cow::Borrowed(text) => Cow::Borrowed(trim_end(text)),
        Cow::Owned(text) => Cow::Owned(trim_end(&text).to_vec()),
    })
}

impl<'a> Piece<'a> {
    /// Takes quotes and continuation off a line. A closing quote is one with nothing but blanks behind
    /// it; every other is part of the value.
    fn of(line: &'a [u8], quoted: bool) -> Self {
        let text = trim_start(line);
        let opened = matches!(text, [b'"' | b'\'', ..]);
        let text = if opened { &text[1..] } else { text };
        let goes_on = text.ends_with(b"\\");
        let text = text.strip_suffix(b"\\").unwrap_or(text);
        let closing = match trim_end(text) {
            [inner @ .., b'"' | b'\''] if (opened || quoted) && !inner.ends_with(b"\\") => Some(inner),
            _ => None,
        };
        Self { text: closing.unwrap_or(text), opened, closed: closing.is_some(), goes_on }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Result<PackageInfo<'_>, Error> {
        PackageInfo::parse(Path::new("pkginfo"), text)
    }

    #[test]
    fn values_lose_their_quotes() {
        let cases: &[(&[u8], &[u8])] = &[
            (b"K=value\n", b"value"),
            (b"K=\n", b""),
            (b"K= two  words \t\n", b"two  words"),
            (b"K=\"quoted value\"\n", b"quoted value"),
            (b"K='single' \n", b"single"),
            (b"K=\"\"\n", b""),
            (b"K=\"zonename=\"test-zone\"\"\n", b"zonename=\"test-zone\""),
            (b"K=it's 5\" wide\n", b"it's 5\" wide"),
            (b"K=a=b=c\n", b"a=b=c"),
            (b"K=Caf\xe9 \xff\n", b"Caf\xe9 \xff"),
            (b"K=a#b\n", b"a#b"),
            (b"K=one \\\n   two\n", b"one two"),
            (b"K=\"one\"\\\n \"two\"\n", b"onetwo"),
            (b"K=\"one \\\n two\"\n", b"one two"),
            (b"K=\\\n\\\n\n", b""),
            (b"K=back\\slash\n", b"back\\slash"),
            (b"K=first\nK=second\n", b"first"),
        ];
        for (text, value) in cases {
            assert_eq!(parse(text).unwrap().get("K"), Some(*value), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn the_installed_copy_is_read() {
        let text = b"# made by pkgmk\n\nPKG=TRIBx\nNAME=\"A package\"\nBASEDIR=/\nCLASSES=none\n\
            PKGINST=TRIBx\nINSTDATE=Jan 09 2023 14:35\n";
        let info = parse(text).unwrap();
        assert_eq!(info.get("INSTDATE"), Some(&b"Jan 09 2023 14:35"[..]));
        assert_eq!(info.get("PKGMAP"), None);
        assert_eq!(info.iter().map(|(key, _)| key).next(), Some(&b"PKG"[..]));
        assert_eq!(info.iter().count(), 6);
    }

    #[test]
    fn the_base_directory_is_canonical() {
        for (text, basedir) in [
            (&b""[..], &b"/"[..]),
            (b"BASEDIR=\n", b"/"),
            (b"BASEDIR=/\n", b"/"),
            (b"BASEDIR=//\n", b"/"),
            (b"BASEDIR=\"/opt/x/\"\n", b"/opt/x"),
            (b"BASEDIR=/opt/my folder\n", b"/opt/my folder"),
        ] {
            assert_eq!(parse(text).unwrap().basedir(), basedir);
        }
    }

    #[test]
    fn damage_is_refused_with_its_line() {
        let cases: &[(&[u8], &str)] = &[
            (b"A=1\nnothing\n", "pkginfo: line 2: is not `KEY=value`"),
            (b"=1\n", "pkginfo: line 1: is not `KEY=value`"),
            (b"A B=1\n", "pkginfo: line 1: is not `KEY=value`"),
            (b" A=1\n", "pkginfo: line 1: is not `KEY=value`"),
            (b"A=1\nB=\"2\n", "pkginfo: line 2: the quote of the value is not closed"),
            (b"A=\"\n", "pkginfo: line 1: the quote of the value is not closed"),
            (b"A=\"1\\\"\n", "pkginfo: line 1: the quote of the value is not closed"),
            (b"A=1\\\n", "pkginfo: line 2: ends before the rest of the value"),
            (b"A=1", "pkginfo: line 1: the last line has no newline: the file is truncated"),
            (b"A=\0\n", "pkginfo: line 1: holds a NUL byte: this is not a text file"),
            (b"BASEDIR=opt\n", "pkginfo: line 1: the path does not start with `/`"),
            (b"BASEDIR=/a/../b\n", "pkginfo: line 1: the path has an empty, `.` or `..` component, or ends in `/`"),
        ];
        for (text, message) in cases {
            assert_eq!(parse(text).unwrap_err().to_string(), *message);
        }
    }
}
