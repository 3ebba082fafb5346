//! What is to be made in a zone root: plain data, made by the plan and carried out by apply.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use crate::root::{Special, Timestamp};

/// The tree that a source path is below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The image whose packages are installed.
    Image,
    /// A template directory.
    Template,
}

/// Where a file's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// The tree.
    pub origin: Origin,
    /// Relative path in it; `None` for the path that is made.
    pub path: Option<Cow<'a, [u8]>>,
}

/// Mode, owner and group; `None` is what the source has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Permission, set-id and sticky bits.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
}

impl Attributes {
    /// All three known.
    #[must_use]
    pub fn known(mode: u32, uid: u32, gid: u32) -> Self {
        Self { mode: Some(mode), uid: Some(uid), gid: Some(gid) }
    }

    /// Whether the source is needed to know them.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.mode.is_some() && self.uid.is_some() && self.gid.is_some()
    }
}

/// A modification time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modified {
    /// That of the source.
    Live,
    /// A known one.
    At(Timestamp),
}

/// Bytes in pieces: most of a zone's contents file is that of the image, which is not copied for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<'a>(Vec<Cow<'a, [u8]>>);

impl<'a> Text<'a> {
    /// Adds bytes at the end.
    pub fn push(&mut self, piece: impl Into<Cow<'a, [u8]>>) {
        let piece = piece.into();
        if !piece.is_empty() {
            self.0.push(piece);
        }
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.iter().map(|piece| piece.len() as u64).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes all of them.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_to(&self, out: impl Write) -> io::Result<()> {
        // Small pieces are gathered, large ones go straight through.
        let mut out = io::BufWriter::with_capacity(64 * 1024, out);
        self.0.iter().try_for_each(|piece| out.write_all(piece))?;
        out.flush()
    }

    /// Reads them from the start.
    pub fn reader(&self) -> impl Read + '_ {
        Reader { rest: &self.0, at: 0 }
    }
}

impl<'a> From<&'a [u8]> for Text<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        let mut text = Self::default();
        text.push(bytes);
        text
    }
}

struct Reader<'t> {
    rest: &'t [Cow<'t, [u8]>],
    at: usize,
}

impl Read for Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let [first, rest @ ..] = self.rest {
            let take = out.len().min(first.len() - self.at);
            if take > 0 || out.is_empty() {
                out[..take].copy_from_slice(&first[self.at..self.at + take]);
                self.at += take;
                return Ok(take);
            }
            (self.rest, self.at) = (rest, 0);
        }
        Ok(0)
    }
}

/// What the database says of a file that nobody may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packaged {
    /// Size in bytes.
    pub size: Option<u64>,
    /// Checksum, see [`contents::checksum`].
    pub checksum: Option<u32>,
}

/// One object of the zone root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// A directory. Its live counterpart, if any, is the directory of the same path in the main source.
    Directory {
        /// Mode, owner, group.
        attributes: Attributes,
        /// Modification time.
        modified: Modified,
    },
    /// A file copied from a source tree.
    File {
        /// Where from.
        source: Source<'a>,
        /// Mode, owner, group.
        attributes: Attributes,
        /// Modification time.
        modified: Modified,
        /// What to verify it against.
        packaged: Option<Packaged>,
        /// The administrator or the system may change it (`e`, `v`).
        editable: bool,
    },
    /// A file whose bytes the plan holds.
    Text {
        /// The bytes.
        bytes: Text<'a>,
        /// Mode, owner, group, all known.
        attributes: Attributes,
        /// Modification time.
        modified: Timestamp,
    },
    /// A symbolic link.
    Symlink {
        /// What it points to.
        target: Cow<'a, [u8]>,
        /// Owner and group.
        owner: (u32, u32),
        /// Modification time.
        modified: Timestamp,
    },
    /// A hard link to a file of the same plan.
    HardLink {
        /// Relative path of that file.
        to: Cow<'a, [u8]>,
    },
    /// A named pipe or a device.
    Special {
        /// Which.
        special: Special,
        /// Mode, owner, group, all known.
        attributes: Attributes,
        /// Modification time.
        modified: Timestamp,
    },
}

/// One object and its path, relative to the zone root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action<'a> {
    /// Relative path, canonical, never empty.
    pub path: Cow<'a, [u8]>,
    /// What is made there.
    pub what: What<'a>,
}

impl Action<'_> {
    /// The path of the directory that the object is in, and its name there.
    #[must_use]
    pub fn split(&self) -> (&[u8], &[u8]) {
        split(&self.path)
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        matches!(self.what, What::Directory { .. })
    }
}

/// Directory and name of a relative path; the directory of a name in the root is empty.
#[must_use]
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memrchr(b'/', path) {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}
