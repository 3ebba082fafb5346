//! One object of an archive, whatever the archive's format.

use crate::root::Timestamp;

/// What a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink(Vec<u8>),
    HardLink(Vec<u8>),
    Pipe,
    /// Something a zone root has none of, and what it is.
    Refused(&'static str),
}

/// What the names of one file in a cpio archive have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Group {
    pub(super) file_system: u64,
    pub(super) number: u64,
    /// Numbers can be cut short in old headers; two files that share one differ in these.
    pub(super) modified: i64,
    pub(super) mode: u32,
}

/// The description of a member; its content is what the stream has next.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) path: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) modified: Timestamp,
    /// Bytes of content.
    pub(super) size: u64,
    pub(super) group: Option<Group>,
}
