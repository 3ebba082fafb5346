//! Whether an object of the zone is what packages deliver now, or what they delivered then.

use std::fs::File;
use std::io;

use contents::{Contents, Entry, Kind};

use crate::populate::{Attributes, Modified, Owners, Trees, What, is_absence, link_target, open_anywhere, same_files};
use crate::root::{FileKind, Special, Stat, Timestamp};

use super::look::{Look, Looker, There, sum};

/// Longer chains of hard links to hard links are a loop.
const LINK_CHAIN: usize = 20;

/// What is read at a time.
const PIECE: usize = 128 * 1024;

/// Compares objects of one zone.
pub(super) struct Comparer<'c> {
    pub(super) zone: Looker<'c>,
    pub(super) trees: Trees<'c>,
    owners: Owners,
    memory: Vec<u8>,
    /// Editable files were made with the time of their entry, so that a file with the size and checksum
    /// of its entry and another time may be an edited one: the checksum of a swap of two words is that of
    /// the original.
    times: bool,
}

/// Whether two entries deliver the same.
pub(super) fn same_entry(then: &Entry<'_>, now: &Entry<'_>) -> bool {
    then.kind() == now.kind()
        && match then.kind() {
            Kind::Symlink | Kind::HardLink => then.target() == now.target(),
            Kind::File | Kind::Editable | Kind::Volatile => same_content(then, now),
            _ => (then.major(), then.minor()) == (now.major(), now.minor()),
        }
}

/// Whether two entries have the same content, as far as they tell.
pub(super) fn same_content(then: &Entry<'_>, now: &Entry<'_>) -> bool {
    let told = then.size().is_some() && then.checksum().is_some() && then.modified().is_some();
    let content = |entry: &Entry<'_>| (entry.size(), entry.checksum(), entry.modified());
    (told && content(then) == content(now)) || then.line_before_packages() == now.line_before_packages()
}

/// The entry that has the content of an entry: its own, or that of the file it is a hard link to.
pub(super) fn content_entry<'e, 'a>(contents: &'e Contents<'a>, entry: &'e Entry<'a>) -> Option<&'e Entry<'a>> {
    let mut found = entry;
    for _ in 0..LINK_CHAIN {
        match found.kind() {
            Kind::HardLink => found = contents.get(&link_target(found.path_bytes(), found.target()?))?,
            kind if kind.has_content() => return Some(found),
            _ => return None,
        }
    }
    None
}

impl<'c> Comparer<'c> {
    pub(super) fn new(zone: Looker<'c>, trees: Trees<'c>, owners: Owners, times: bool) -> Self {
        Self { zone, trees, owners, memory: vec![0; PIECE], times }
    }

    /// Opens what a file of the plan is made from; `None` when the image does not have it.
    pub(super) fn source(&self, path: &[u8], what: &What<'_>) -> io::Result<Option<(File, Stat)>> {
        let What::File { source, .. } = what else { return Ok(None) };
        match open_anywhere(self.trees.of(source.origin), source.path.as_deref().unwrap_or(path)) {
            Ok(opened) => Ok(Some(opened)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the object is what is made now, but for its attributes.
    pub(super) fn is_now(&mut self, path: &[u8], what: &What<'_>, there: &There) -> io::Result<bool> {
        let stat = &there.stat;
        Ok(match what {
            What::Directory { .. } => stat.kind == FileKind::Directory,
            What::Symlink { target, .. } => {
                stat.kind == FileKind::Symlink && there.target(path)?.as_deref() == Some(target.as_ref())
            }
            What::Special { special, .. } => match special {
                Special::Pipe => stat.kind == FileKind::Pipe,
                Special::Character(device) => stat.kind == FileKind::Character && stat.device == *device,
                Special::Block(device) => stat.kind == FileKind::Block && stat.device == *device,
            },
            What::HardLink { to } => {
                stat.kind == FileKind::Regular && self.identity(to)?.is_some_and(|identity| identity == stat.identity)
            }
            What::Text { bytes, .. } => {
                stat.kind == FileKind::Regular
                    && stat.size == bytes.len()
                    && match there.open(path)? {
                        Some(file) => same_files(file, bytes.reader())?,
                        None => false,
                    }
            }
            What::File { .. } if stat.kind != FileKind::Regular => false,
            What::File { .. } => match self.source(path, what)? {
                Some((source, live)) if live.size == stat.size => match there.open(path)? {
                    Some(file) => same_files(file, source)?,
                    None => false,
                },
                _ => false,
            },
        })
    }

    /// Which file stands at a path of the zone.
    pub(super) fn identity(&mut self, path: &[u8]) -> io::Result<Option<(u64, u64)>> {
        Ok(match self.zone.look(path)? {
            Look::There(there) if there.stat.kind == FileKind::Regular => Some(there.stat.identity),
            _ => None,
        })
    }

    /// Whether the object is what packages delivered then, but for its attributes.
    pub(super) fn is_then(
        &mut self,
        path: &[u8],
        zone: &Contents<'_>,
        entry: &Entry<'_>,
        there: &There,
    ) -> io::Result<bool> {
        let stat = &there.stat;
        Ok(match entry.kind() {
            Kind::Directory | Kind::Exclusive => stat.kind == FileKind::Directory,
            Kind::Symlink => stat.kind == FileKind::Symlink && there.target(path)?.as_deref() == entry.target(),
            Kind::Pipe => stat.kind == FileKind::Pipe,
            Kind::Character => stat.kind == FileKind::Character,
            Kind::Block => stat.kind == FileKind::Block,
            Kind::Information => false,
            Kind::File | Kind::Editable | Kind::Volatile | Kind::HardLink => match content_entry(zone, entry) {
                Some(content) => self.has_content_of(path, content, there)?,
                None => false,
            },
        })
    }

    fn has_content_of(&mut self, path: &[u8], entry: &Entry<'_>, there: &There) -> io::Result<bool> {
        let stat = &there.stat;
        let (Some(size), Some(checksum)) = (entry.size(), entry.checksum()) else { return Ok(false) };
        if stat.kind != FileKind::Regular || stat.size != size {
            return Ok(false);
        }
        if self.times && entry.kind().is_editable() && size > 0 && !has_time_of(entry, stat) {
            return Ok(false);
        }
        let Some(file) = there.open(path)? else { return Ok(false) };
        Ok(sum(&file, size, &mut self.memory)?.is_some_and(|found| u32::from(found) == checksum))
    }

    /// Whether a file looks as its entry says, without reading it.
    pub(super) fn looks_like(entry: &Entry<'_>, stat: &Stat) -> bool {
        stat.kind == FileKind::Regular && entry.size() == Some(stat.size) && has_time_of(entry, stat)
    }

    /// The attributes that an object is to have: those of now where it has those of then, its own where
    /// the zone changed them. `None` when it has them all.
    pub(super) fn attributes(&mut self, then: &Entry<'_>, now: Attributes, stat: &Stat) -> Option<Attributes> {
        let wanted = self.follow(then, now, stat);
        (wanted != Attributes::known(stat.mode, stat.uid, stat.gid)).then_some(wanted)
    }

    /// The same, all told.
    pub(super) fn follow(&mut self, then: &Entry<'_>, now: Attributes, stat: &Stat) -> Attributes {
        let one = |then: Option<u32>, now: Option<u32>, there: u32| {
            if then == Some(there) { now.unwrap_or(there) } else { there }
        };
        let uid = then.owner().and_then(|name| self.owners.user(name));
        let gid = then.group().and_then(|name| self.owners.group(name));
        Attributes::known(
            one(then.mode(), now.mode, stat.mode),
            one(uid, now.uid, stat.uid),
            one(gid, now.gid, stat.gid),
        )
    }
}

fn has_time_of(entry: &Entry<'_>, stat: &Stat) -> bool {
    entry.modified().is_none_or(|modified| modified == stat.modified.seconds)
}

/// The time that a file of the plan is to have, when that can be told.
pub(super) fn time_of(what: &What<'_>, source: Option<&Stat>) -> Option<Timestamp> {
    match what {
        What::File { modified: Modified::At(time), .. } => Some(*time),
        What::File { modified: Modified::Live, .. } => source.map(|stat| stat.modified),
        What::Text { modified, .. } => Some(*modified),
        _ => None,
    }
}
