//! One line of contents(5): a packaged path, what it is, and who delivers it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::attributes::{Attributes, Span, check_target, kind, push_word};
use crate::error::{Problem, quote};
use crate::fields::{Fields, WORD_LIMIT, check_absolute, is_blank, split_target};

/// What a packaged object is. The letters are those of contents(5) and pkgmap(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// `f`: a file that nobody is expected to change.
    File = b'f',
    /// `e`: a file that the administrator may edit; its pristine copy is kept.
    Editable = b'e',
    /// `v`: a file that the system changes, such as a log; its pristine copy is kept.
    Volatile = b'v',
    /// `d`: a directory.
    Directory = b'd',
    /// `x`: a directory that only this package may put files in.
    Exclusive = b'x',
    /// `s`: a symbolic link.
    Symlink = b's',
    /// `l`: a hard link.
    HardLink = b'l',
    /// `p`: a named pipe.
    Pipe = b'p',
    /// `c`: a character device.
    Character = b'c',
    /// `b`: a block device.
    Block = b'b',
    /// `i`: a file of the package itself (pkginfo, scripts). In pkgmap(5) only, never in contents(5).
    Information = b'i',
}

impl Kind {
    /// The kind that a letter stands for.
    #[must_use]
    pub fn from_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b'f' => Self::File,
            b'e' => Self::Editable,
            b'v' => Self::Volatile,
            b'd' => Self::Directory,
            b'x' => Self::Exclusive,
            b's' => Self::Symlink,
            b'l' => Self::HardLink,
            b'p' => Self::Pipe,
            b'c' => Self::Character,
            b'b' => Self::Block,
            b'i' => Self::Information,
            _ => return None,
        })
    }

    /// The letter of this kind.
    #[must_use]
    pub fn letter(self) -> char {
        char::from(self as u8)
    }

    /// Has mode, owner and group.
    #[must_use]
    pub fn has_attributes(self) -> bool {
        !matches!(self, Self::Symlink | Self::HardLink | Self::Information)
    }

    /// Has size, checksum and modification time.
    #[must_use]
    pub fn has_content(self) -> bool {
        matches!(self, Self::File | Self::Editable | Self::Volatile | Self::Information)
    }

    /// Has major and minor numbers.
    #[must_use]
    pub fn is_device(self) -> bool {
        matches!(self, Self::Character | Self::Block)
    }

    /// `d` or `x`.
    #[must_use]
    pub fn is_directory(self) -> bool {
        matches!(self, Self::Directory | Self::Exclusive)
    }

    /// `e` or `v`: a file of which the package's own copy is kept.
    #[must_use]
    pub fn is_editable(self) -> bool {
        matches!(self, Self::Editable | Self::Volatile)
    }
}

/// One entry, borrowed from the text of the database. Numbers that the database does not know (`?`)
/// are `None`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    line: &'a [u8],
    attributes: Attributes,
    path: u16,
    target: Option<Span>,
    class: Span,
    packages: u16,
    kind: Kind,
}

impl<'a> Entry<'a> {
    /// Reads one line of contents(5), without its newline.
    ///
    /// # Errors
    /// The first rule that the line breaks. Source: `putcvfpfile()` and `srchcfile()` of libpkg.
    pub fn parse(line: &'a [u8]) -> Result<Self, Problem> {
        let mut fields = Fields::new(line);
        let word = fields.word("path")?;
        if fields.position() != word.len() {
            return Err(Problem::NotAbsolute);
        }
        let (path, target) = split_target(word);
        check_absolute(path)?;
        let letters = fields.word("kind")?;
        let kind = kind(letters)
            .filter(|&kind| kind != Kind::Information)
            .ok_or_else(|| Problem::UnknownKind(quote(letters)))?;
        check_target(kind, target)?;
        let target = target.map(|target| Span::ending_at(word.len(), target.len())).transpose()?;
        let class = Span::short_word(&mut fields, "class")?;
        let attributes = Attributes::parse(kind, &mut fields)?;
        let packages = u16::try_from(fields.position()).map_err(|_| Problem::TooLong(usize::from(u16::MAX)))?;
        check_packages(&line[fields.position()..])?;
        Ok(Self { line, attributes, path: path.len() as u16, target, class, packages, kind })
    }

    /// The path's bytes: absolute, canonical.
    #[must_use]
    pub fn path_bytes(&self) -> &'a [u8] {
        &self.line[..usize::from(self.path)]
    }

    /// The path: absolute, canonical.
    #[must_use]
    pub fn path(&self) -> &'a Path {
        Path::new(OsStr::from_bytes(self.path_bytes()))
    }

    /// What stands behind the first `=`: the target of a link, or the name that a file has in its
    /// package.
    #[must_use]
    pub fn target(&self) -> Option<&'a [u8]> {
        self.target.map(|span| span.of(self.line))
    }

    /// What the object is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The class, which names the script that installs the object; `none` for most.
    #[must_use]
    pub fn class(&self) -> &'a [u8] {
        self.class.of(self.line)
    }

    /// Permission bits with set-id and sticky bits, at most 0o7777.
    #[must_use]
    pub fn mode(&self) -> Option<u32> {
        self.attributes.mode()
    }

    /// The owner's name.
    #[must_use]
    pub fn owner(&self) -> Option<&'a [u8]> {
        self.attributes.owner(self.line)
    }

    /// The group's name.
    #[must_use]
    pub fn group(&self) -> Option<&'a [u8]> {
        self.attributes.group(self.line)
    }

    /// Major number of a device.
    #[must_use]
    pub fn major(&self) -> Option<u32> {
        self.attributes.major()
    }

    /// Minor number of a device.
    #[must_use]
    pub fn minor(&self) -> Option<u32> {
        self.attributes.minor()
    }

    /// Size in bytes, as packaged.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.attributes.size()
    }

    /// Checksum as packaged, see [`crate::checksum`].
    #[must_use]
    pub fn checksum(&self) -> Option<u32> {
        self.attributes.checksum()
    }

    /// Modification time as packaged, in seconds since 1970.
    #[must_use]
    pub fn modified(&self) -> Option<i64> {
        self.attributes.modified()
    }

    /// The line that this entry was read from, without its newline.
    #[must_use]
    pub fn line(&self) -> &'a [u8] {
        self.line
    }

    /// The line up to its package list, without trailing blanks.
    #[must_use]
    pub fn line_before_packages(&self) -> &'a [u8] {
        &self.line[..usize::from(self.packages)]
    }

    /// The packages that deliver this path, in the order in which they were installed, latest last.
    pub fn packages(&self) -> impl DoubleEndedIterator<Item = PackageRef<'a>> + use<'a> {
        self.package_tokens().filter_map(|token| PackageRef::parse(token).ok())
    }

    /// The package list as it is written, a word a package.
    pub fn package_tokens(&self) -> impl DoubleEndedIterator<Item = &'a [u8]> + use<'a> {
        self.line[usize::from(self.packages)..].split(|&byte| is_blank(byte)).filter(|token| !token.is_empty())
    }

    /// Appends the line in the byte form in which illumos writes it, newline included.
    /// Source: `putcvfpfile()` of libpkg.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.path_bytes());
        if let Some(target) = self.target() {
            out.push(b'=');
            out.extend_from_slice(target);
        }
        out.push(b' ');
        out.push(self.kind as u8);
        push_word(out, self.class());
        self.attributes.write(self.kind, self.line, out);
        for token in self.package_tokens() {
            push_word(out, token);
        }
        out.push(b'\n');
    }
}

impl std::fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({})", quote(self.line))
    }
}

/// Every token of a package list names a package, and there is one.
fn check_packages(list: &[u8]) -> Result<(), Problem> {
    // Few lists have suffixes, and without one a token is right by its length. No name has a slash.
    let plain = memchr::memchr3(b'\\', b':', b'/', list).is_none();
    let mut fields = Fields::new(list);
    let mut token = fields.word("package")?;
    loop {
        if !(plain && matches!(token.len(), 4..=WORD_LIMIT)) {
            PackageRef::parse(token)?;
        }
        match fields.word("package") {
            Ok(next) => token = next,
            Err(_) => return Ok(()),
        }
    }
}

/// One package of an entry's list: `[status]name[\][:class]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackageRef<'a> {
    /// One of `+ - ! % * ~` while an installation is under way.
    pub status: Option<u8>,
    /// The package's instance name.
    pub name: &'a [u8],
    /// The package delivers the path with another kind than the entry's.
    pub alternate_kind: bool,
    /// The package delivers the path with another class than the entry's.
    pub class: Option<&'a [u8]>,
}

impl<'a> PackageRef<'a> {
    /// Reads one token of a package list.
    ///
    /// # Errors
    /// The token names no package, or a name that is too long. Source: `srchcfile()` of libpkg.
    pub fn parse(token: &'a [u8]) -> Result<Self, Problem> {
        let (status, rest) = match token {
            [status @ (b'+' | b'-' | b'!' | b'%' | b'*' | b'~'), rest @ ..] => (Some(*status), rest),
            rest => (None, rest),
        };
        let end = memchr::memchr2(b'\\', b':', rest).unwrap_or(rest.len());
        let (name, suffix) = rest.split_at(end);
        let (alternate_kind, suffix) = match suffix {
            [b'\\', suffix @ ..] => (true, suffix),
            suffix => (false, suffix),
        };
        let class = match suffix {
            [] => None,
            [b':', class @ ..] if !class.is_empty() => Some(class),
            _ => return Err(Problem::BadPackage(quote(token))),
        };
        // A package is a folder of its name.
        if matches!(name, b"" | b"." | b"..") || name.contains(&b'/') {
            return Err(Problem::BadPackage(quote(token)));
        }
        if name.len() > WORD_LIMIT || class.is_some_and(|class| class.len() > WORD_LIMIT) {
            return Err(Problem::WordTooLong { field: "package name", limit: WORD_LIMIT });
        }
        Ok(Self { status, name, alternate_kind, class })
    }
}

#[cfg(test)]
#[path = "entry_tests.rs"]
mod tests;
