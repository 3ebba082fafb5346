//! What follows path and class in contents(5) and in pkgmap(5) alike: device numbers, mode, owner,
//! group, size, checksum and time.

use crate::entry::Kind;
use crate::error::Problem;
use crate::fields::{Fields, PATH_LIMIT, UNKNOWN_NUMBER};

/// A mode that the file does not know.
const UNKNOWN_MODE: u16 = u16::MAX;
/// A device number or checksum that the file does not know.
const UNKNOWN_SMALL: u32 = u32::MAX;

/// Where a word stands in its line.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    /// Of a word of `length` bytes that ends at `end`.
    #[inline]
    pub(crate) fn ending_at(end: usize, length: usize) -> Result<Self, Problem> {
        match u16::try_from(end) {
            Ok(last) => Ok(Self { start: (end - length) as u16, end: last }),
            Err(_) => Err(Problem::TooLong(usize::from(u16::MAX))),
        }
    }

    /// The next word of at most 64 bytes.
    #[inline]
    pub(crate) fn short_word(fields: &mut Fields<'_>, what: &'static str) -> Result<Self, Problem> {
        let word = fields.short_word(what)?;
        Self::ending_at(fields.position(), word.len())
    }

    #[inline]
    pub(crate) fn of(self, line: &[u8]) -> &[u8] {
        &line[usize::from(self.start)..usize::from(self.end)]
    }
}

/// A kind from its one letter.
#[inline]
pub(crate) fn kind(letters: &[u8]) -> Option<Kind> {
    match letters {
        [letter] => Kind::from_letter(*letter),
        _ => None,
    }
}

/// A link has a target, and no target is longer than a path can be.
#[inline]
pub(crate) fn check_target(kind: Kind, target: Option<&[u8]>) -> Result<(), Problem> {
    match target {
        Some(target) if target.len() > PATH_LIMIT => {
            Err(Problem::WordTooLong { field: "link target", limit: PATH_LIMIT })
        }
        None | Some([]) if matches!(kind, Kind::Symlink | Kind::HardLink) => Err(Problem::NoTarget),
        _ => Ok(()),
    }
}

/// The numbers of an entry, and where its names stand in the line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attributes {
    size: u64,
    modified: u64,
    major: u32,
    minor: u32,
    checksum: u32,
    owner: Span,
    group: Span,
    mode: u16,
}

impl Attributes {
    /// Reads the fields that entries of this kind have.
    #[inline]
    pub(crate) fn parse(kind: Kind, fields: &mut Fields<'_>) -> Result<Self, Problem> {
        let mut found = Self {
            size: UNKNOWN_NUMBER,
            modified: UNKNOWN_NUMBER,
            major: UNKNOWN_SMALL,
            minor: UNKNOWN_SMALL,
            checksum: UNKNOWN_SMALL,
            owner: Span::default(),
            group: Span::default(),
            mode: UNKNOWN_MODE,
        };
        let most = u64::from(UNKNOWN_SMALL - 1);
        if kind.is_device() {
            found.major = small(fields.decimal("major number", most)?);
            found.minor = small(fields.decimal("minor number", most)?);
        }
        if kind.has_attributes() {
            found.mode = u16::try_from(fields.mode()?).unwrap_or(UNKNOWN_MODE);
            found.owner = Span::short_word(fields, "owner")?;
            found.group = Span::short_word(fields, "group")?;
        }
        if kind.has_content() {
            found.size = fields.decimal("size", i64::MAX as u64)?;
            found.checksum = small(fields.decimal("checksum", most)?);
            found.modified = fields.decimal("modification time", i64::MAX as u64)?;
        }
        Ok(found)
    }

    pub(crate) fn mode(&self) -> Option<u32> {
        (self.mode != UNKNOWN_MODE).then_some(u32::from(self.mode))
    }

    pub(crate) fn owner<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        known_name(self.owner.of(line))
    }

    pub(crate) fn group<'a>(&self, line: &'a [u8]) -> Option<&'a [u8]> {
        known_name(self.group.of(line))
    }

    pub(crate) fn major(&self) -> Option<u32> {
        known_small(self.major)
    }

    pub(crate) fn minor(&self) -> Option<u32> {
        known_small(self.minor)
    }

    pub(crate) fn size(&self) -> Option<u64> {
        (self.size != UNKNOWN_NUMBER).then_some(self.size)
    }

    pub(crate) fn checksum(&self) -> Option<u32> {
        known_small(self.checksum)
    }

    pub(crate) fn modified(&self) -> Option<i64> {
        i64::try_from(self.modified).ok()
    }

    /// Appends the fields, each after a space. Source: `putcvfpfile()` and `ppkgmap()` of libpkg.
    pub(crate) fn write(&self, kind: Kind, line: &[u8], out: &mut Vec<u8>) {
        if kind.is_device() {
            push_number(out, self.major().map(u64::from));
            push_number(out, self.minor().map(u64::from));
        }
        if kind.has_attributes() {
            match self.mode() {
                // `%04o`, without the cost of formatting.
                Some(mode) => push_word(out, &[9, 6, 3, 0].map(|shift| b'0' + (mode >> shift & 7) as u8)),
                None => push_word(out, b"?"),
            }
            push_word(out, self.owner.of(line));
            push_word(out, self.group.of(line));
        }
        if kind.has_content() {
            push_number(out, self.size());
            push_number(out, self.checksum().map(u64::from));
            push_number(out, self.modified().map(i64::cast_unsigned));
        }
    }
}

fn known_name(name: &[u8]) -> Option<&[u8]> {
    (!name.is_empty() && name != b"?").then_some(name)
}

fn known_small(value: u32) -> Option<u32> {
    (value != UNKNOWN_SMALL).then_some(value)
}

#[inline]
fn small(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(UNKNOWN_SMALL)
}

pub(crate) fn push_word(out: &mut Vec<u8>, word: &[u8]) {
    out.push(b' ');
    out.extend_from_slice(word);
}

pub(crate) fn push_number(out: &mut Vec<u8>, number: Option<u64>) {
    match number {
        Some(number) => push_word(out, number.to_string().as_bytes()),
        None => push_word(out, b"?"),
    }
}
