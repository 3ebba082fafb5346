//! The way back from [`archive()`](super::archive()): a zone root out of an archive, as `attach -a` takes it.
//!
//! Archives are tar (ustar, pax, GNU) or cpio (`odc`, `newc`, `crc`), plain or compressed with gzip; their
//! content tells, not their name. An archive holds a zone root at its top, or a whole zonepath with the
//! zone root in `root/` and, maybe, `dev/` and `SUNWdetached.xml` beside it. What holds `etc` at its top
//! is a zone root, else what holds `root/etc` is a zonepath; to see that, an archive is read twice.
//!
//! An archive comes from anywhere. Nothing is made but below the directory that is given, nothing that is
//! there is followed, and a member that would need it is refused.

mod cpio;
mod member;
mod place;
mod shape;
mod stream;
mod tar;
mod work;

use std::fmt;
use std::fs::File;
use std::io;

use crate::root::Handle;

use super::printable;
use member::Member;
use place::Place;
use stream::Stream;
use work::Work;

/// The configuration of a detached zone, in its zonepath.
pub const MANIFEST: &str = "SUNWdetached.xml";
/// Bytes of the longest configuration of a zone that is read.
pub const MANIFEST_LIMIT: u64 = 1024 * 1024;
/// Refusals that are told; of more there is only the number.
const TOLD: usize = 100;

/// What an archive may not exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the archive without compression.
    pub max_size: u64,
    /// Members.
    pub max_members: u64,
}

impl Default for Limits {
    /// 256 GiB, and four million members.
    fn default() -> Self {
        Self { max_size: 256 << 30, max_members: 4 << 20 }
    }
}

/// The format of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// tar.
    Tar,
    /// cpio.
    Cpio,
}

/// What an archive was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A zone root.
    Root,
    /// A zonepath, with the zone root in `root/`.
    Zonepath,
}

/// A member that is not unpacked, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The path in the archive; control characters are escaped.
    pub path: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Refusal {
    fn new(path: &[u8], problem: &'static str) -> Self {
        // A name may be as long as a header.
        Self { path: printable(&path[..path.len().min(2048)]), problem }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.path, self.problem)
    }
}

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The archive could not be read.
    #[error("{0}")]
    Read(io::Error),
    /// It is no archive, or none that is read here.
    #[error("{0}")]
    NotArchive(&'static str),
    /// It is damaged.
    #[error("is damaged: {problem}, at byte {at} of what is in it")]
    Damaged {
        /// Where, in bytes without compression.
        at: u64,
        /// What is wrong.
        problem: String,
    },
    /// There is more in it than was allowed.
    #[error("has more than {0} bytes in it")]
    TooBig(u64),
    /// There are more members in it than were allowed.
    #[error("has more than {0} members")]
    TooMany(u64),
    /// A member is not what a zone root may have.
    #[error("{0}")]
    Refused(Refusal),
    /// The place is not empty.
    #[error("there is something already where it is unpacked: `{0}`")]
    Occupied(String),
    /// A member could not be written.
    #[error("unpacking {path}: {source}")]
    Write {
        /// Its path in the archive; control characters are escaped.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// Somebody interrupted.
    #[error("interrupted")]
    Interrupted,
}

/// What is in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contained {
    /// Its format.
    pub format: Format,
    /// Whether it is compressed.
    pub gzip: bool,
    /// What it was made of.
    pub layout: Layout,
    /// Members, whatever they are.
    pub members: u64,
    /// Regular files, each once however many names it has, but again for every time it is replaced.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Directories.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Further names of files.
    pub hard_links: u64,
    /// Named pipes.
    pub pipes: u64,
    /// Members that are left out: what is below `dev`, and what stands beside `root/` in a zonepath.
    pub skipped: u64,
    /// The configuration of a detached zone, [`MANIFEST`], as it stands.
    pub manifest: Option<Vec<u8>>,
    /// Members that cannot be unpacked; the first hundred.
    pub refusals: Vec<Refusal>,
    /// How many those are.
    pub refused: u64,
}

/// How archives are read.
#[derive(Clone, Copy)]
pub struct Unpack<'u> {
    /// What they may not exceed.
    pub limits: Limits,
    /// Asked between pieces of content.
    pub go_on: &'u dyn Fn() -> bool,
}

impl Unpack<'_> {
    /// Reads a whole archive and tells what is in it, [`Contained::refusals`] included; writes nothing.
    ///
    /// # Errors
    /// [`UnpackError`]: it is no archive, damaged, or exceeds the limits.
    pub fn examine(&self, archive: &File) -> Result<Contained, UnpackError> {
        self.read(archive, None)
    }

    /// Unpacks an archive into an empty directory, whose own attributes stay. Mode, numeric owner (for
    /// root) and time of modification are those of the archive; ACLs and extended attributes are not
    /// unpacked.
    ///
    /// # Errors
    /// [`UnpackError`], at the first member that is refused; what was made until then is left.
    pub fn run(&self, archive: &File, into: &Handle) -> Result<Contained, UnpackError> {
        self.read(archive, Some(Place::new(into)?))
    }

    fn read(&self, archive: &File, place: Option<Place<'_>>) -> Result<Contained, UnpackError> {
        let only_looks = place.is_none();
        let layout = self.layout(archive)?;
        let (mut stream, format, gzip) = Stream::open(archive, self.limits, self.go_on)?;
        let contained = Contained {
            format,
            gzip,
            layout,
            members: 0,
            files: 0,
            bytes: 0,
            directories: 0,
            symlinks: 0,
            hard_links: 0,
            pipes: 0,
            skipped: 0,
            manifest: None,
            refusals: Vec::new(),
            refused: 0,
        };
        let mut work = Work::new(contained, place);
        let mut reader = Reader::new(format);
        while let Some(member) = reader.next(&mut stream)? {
            match work.member(&member, &mut stream) {
                Err(UnpackError::Refused(refusal)) if only_looks => work.refuse(refusal),
                other => other?,
            }
        }
        stream.finish()?;
        work.finish(stream.members())
    }

    /// Reads an archive to its end, to see what it was made of, and that it is whole.
    fn layout(&self, archive: &File) -> Result<Layout, UnpackError> {
        let (mut stream, format, _) = Stream::open(archive, self.limits, self.go_on)?;
        let mut reader = Reader::new(format);
        let (mut root, mut zonepath) = (false, false);
        while let Some(member) = reader.next(&mut stream)? {
            let Ok(names) = shape::names(&member.path) else { continue };
            root |= names.first().is_some_and(|name| *name == b"etc");
            zonepath |= names.starts_with(&[b"root", b"etc"]);
        }
        stream.finish()?;
        match (root, zonepath) {
            (true, _) => Ok(Layout::Root),
            (false, true) => Ok(Layout::Zonepath),
            _ => Err(UnpackError::NotArchive("holds no zone root: there is neither `etc` nor `root/etc` in it")),
        }
    }
}

/// Reads members of either format.
enum Reader {
    Tar(tar::Tar),
    Cpio,
}

impl Reader {
    fn new(format: Format) -> Self {
        match format {
            Format::Tar => Self::Tar(tar::Tar::default()),
            Format::Cpio => Self::Cpio,
        }
    }

    fn next(&mut self, stream: &mut Stream<'_>) -> Result<Option<Member>, UnpackError> {
        match self {
            Self::Tar(tar) => tar.next(stream),
            Self::Cpio => cpio::next(stream),
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
