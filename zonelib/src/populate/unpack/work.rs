//! One member after the other: whether it may be made, and making it.

use std::collections::HashMap;
use std::io;

use crate::root::Timestamp;

use super::member::{Group, Kind, Member};
use super::place::Place;
use super::shape::{self, Attributes, Made, Shape, Spot};
use super::stream::Stream;
use super::{Contained, Layout, MANIFEST, MANIFEST_LIMIT, Refusal, TOLD, UnpackError, printable};

/// Seconds before and after 1970 that a file can have been changed at: some 30,000 years.
const TIME_LIMIT: u64 = 1 << 40;

/// The names of one file in a cpio archive: its content may come with any of them.
#[derive(Default)]
struct Names {
    /// The one that came with the content, what that is, and its size.
    made: Option<(Spot, Made, u64)>,
    /// Those that came before, and the first's description.
    waiting: Vec<Spot>,
    first: Option<Member>,
}

/// An archive while it is unpacked, or looked at.
pub(super) struct Work<'w> {
    contained: Contained,
    shape: Shape,
    place: Option<Place<'w>>,
    groups: HashMap<Group, Names>,
    /// The latest time in the archive, for directories that have none.
    newest: Timestamp,
}

impl<'w> Work<'w> {
    pub(super) fn new(contained: Contained, place: Option<Place<'w>>) -> Self {
        Self { contained, shape: Shape::new(), place, groups: HashMap::new(), newest: Timestamp::default() }
    }

    /// A member that is not unpacked.
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.contained.refused += 1;
        if self.contained.refusals.len() < TOLD {
            self.contained.refusals.push(refusal);
        }
    }

    /// Makes a member, whose content the stream has next.
    pub(super) fn member(&mut self, member: &Member, stream: &mut Stream<'_>) -> Result<(), UnpackError> {
        let refused = |problem| UnpackError::Refused(Refusal::new(&member.path, problem));
        let names = shape::names(&member.path).map_err(UnpackError::Refused)?;
        if self.contained.layout == Layout::Zonepath && names == [MANIFEST.as_bytes()] {
            return self.manifest(member, stream);
        }
        let Some(names) = self.below_root(&names) else {
            self.contained.skipped += 1;
            return Ok(());
        };
        match names {
            [] if member.kind == Kind::Directory => return Ok(()),
            [] => return Err(refused("is the zone root, and no directory")),
            [b"dev"] if member.kind != Kind::Directory => return Err(refused("is no directory")),
            [b"dev", _, ..] => {
                self.contained.skipped += 1;
                return Ok(());
            }
            _ => {}
        }
        if let Kind::Refused(problem) = member.kind {
            return Err(refused(problem));
        }
        if member.modified.seconds.unsigned_abs() > TIME_LIMIT {
            return Err(refused("was changed at an impossible time"));
        }
        self.newest = self.newest.max(member.modified);
        let spot = self.shape.spot(names).map_err(refused)?;
        let made = match &member.kind {
            Kind::Directory => self.directory(&spot, member).map_err(refused)?,
            Kind::File => return self.file(&spot, member, stream),
            Kind::HardLink(target) => self.hard_link(&spot, target, member)?,
            Kind::Symlink(_) | Kind::Pipe => self.other(&spot, member)?,
            Kind::Refused(_) => Ok(()),
        };
        made.map_err(|source| write_error(member, source))
    }

    /// A member's names below the zone root; `None` for what stands beside it.
    fn below_root<'n, 'm>(&self, names: &'n [&'m [u8]]) -> Option<&'n [&'m [u8]]> {
        match (self.contained.layout, names) {
            (Layout::Root, _) | (Layout::Zonepath, []) => Some(names),
            (Layout::Zonepath, [b"root", below @ ..]) => Some(below),
            (Layout::Zonepath, _) => None,
        }
    }

    fn manifest(&mut self, member: &Member, stream: &mut Stream<'_>) -> Result<(), UnpackError> {
        let refused = |problem| Err(UnpackError::Refused(Refusal::new(&member.path, problem)));
        if member.kind != Kind::File {
            return refused("is not a regular file");
        }
        if member.size > MANIFEST_LIMIT {
            return refused("is longer than 1 MiB, which no zone's configuration is");
        }
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 * 1024];
        while let read @ 1.. = stream.content(&mut buffer)? {
            bytes.extend_from_slice(&buffer[..read]);
        }
        self.contained.manifest = Some(bytes);
        Ok(())
    }

    fn directory(&mut self, spot: &Spot, member: &Member) -> Result<io::Result<()>, &'static str> {
        let number = self.shape.directory(spot.directory, &spot.name);
        let number = number.ok_or("is a directory, and something else before in the archive")?;
        let attributes = Attributes { mode: member.mode, owner: (member.uid, member.gid), modified: member.modified };
        self.shape.directories[number].attributes = Some(attributes);
        Ok(self.make_directories())
    }

    fn make_directories(&mut self) -> io::Result<()> {
        self.place.as_mut().map_or(Ok(()), |place| place.make_directories(&self.shape))
    }

    /// Whether a file is to take the place of another; everything else keeps its own.
    fn replaces(&self, spot: &Spot, member: &Member) -> Result<bool, UnpackError> {
        let refused = |problem| Err(UnpackError::Refused(Refusal::new(&member.path, problem)));
        match self.shape.at(spot) {
            None => Ok(false),
            Some(Made::File(_)) => Ok(true),
            Some(Made::Waiting) => refused("is twice in the archive, and its content not yet"),
            Some(Made::Directory(_)) => refused("is a directory before in the archive"),
            Some(Made::Other) => refused("is no file before in the archive"),
        }
    }

    fn file(&mut self, spot: &Spot, member: &Member, stream: &mut Stream<'_>) -> Result<(), UnpackError> {
        let replace = self.replaces(spot, member)?;
        self.make_directories().map_err(|source| write_error(member, source))?;
        let Some(group) = member.group else { return self.write(spot, member, replace, stream) };
        let names = self.groups.entry(group).or_default();
        match &names.made {
            Some((made, content, size)) if member.size == 0 || member.size == *size => {
                let made = made.clone();
                if &made == spot || self.shape.at(&made) != Some(*content) {
                    let refusal = Refusal::new(&member.path, "is twice in the archive, and a hard link");
                    return Err(UnpackError::Refused(refusal));
                }
                self.link(spot, &made, replace).map_err(|source| write_error(member, source))
            }
            None if member.size == 0 && replace => {
                Err(UnpackError::Refused(Refusal::new(&member.path, "is twice in the archive, and a hard link")))
            }
            None if member.size == 0 => {
                names.waiting.push(spot.clone());
                names.first.get_or_insert_with(|| member.clone());
                self.shape.set(spot, Made::Waiting);
                Ok(())
            }
            // Another file whose number was cut short to the same.
            Some(_) => self.write(spot, member, replace, stream),
            None => self.first_with_content(group, spot, member, replace, stream),
        }
    }

    /// A file of which other names may have come before, and may follow.
    fn first_with_content(
        &mut self,
        group: Group,
        spot: &Spot,
        member: &Member,
        replace: bool,
        stream: &mut Stream<'_>,
    ) -> Result<(), UnpackError> {
        self.write(spot, member, replace, stream)?;
        let made = self.shape.at(spot).map(|content| (spot.clone(), content, member.size));
        let names = self.groups.entry(group).or_default();
        names.made = made;
        for name in std::mem::take(&mut names.waiting) {
            self.link(&name, spot, false).map_err(|source| write_error(member, source))?;
        }
        Ok(())
    }

    fn write(
        &mut self,
        spot: &Spot,
        member: &Member,
        replace: bool,
        stream: &mut Stream<'_>,
    ) -> Result<(), UnpackError> {
        if let Some(place) = &mut self.place {
            place.file(&self.shape, spot, member, replace, stream)?;
        }
        self.contained.files += 1;
        self.shape.set(spot, Made::File(self.contained.files));
        self.contained.bytes += member.size;
        Ok(())
    }

    fn link(&mut self, spot: &Spot, to: &Spot, replace: bool) -> io::Result<()> {
        if let Some(place) = &mut self.place {
            place.link(&self.shape, spot, to, replace)?;
        }
        if let Some(content) = self.shape.at(to) {
            self.shape.set(spot, content);
        }
        self.contained.hard_links += 1;
        Ok(())
    }

    fn hard_link(&mut self, spot: &Spot, target: &[u8], member: &Member) -> Result<io::Result<()>, UnpackError> {
        let refused = |problem| UnpackError::Refused(Refusal::new(&member.path, problem));
        let replace = self.replaces(spot, member)?;
        let names = shape::names(target).map_err(|_| refused("is a hard link to something outside"))?;
        let to = self.below_root(&names).and_then(|names| self.shape.find(names));
        let to = to.filter(|to| to != spot && matches!(self.shape.at(to), Some(Made::File(_))));
        let to = to.ok_or_else(|| refused("is a hard link to no file that comes before it in the archive"))?;
        if let Err(error) = self.make_directories() {
            return Ok(Err(error));
        }
        Ok(self.link(spot, &to, replace))
    }

    fn other(&mut self, spot: &Spot, member: &Member) -> Result<io::Result<()>, UnpackError> {
        let refused = |problem| Err(UnpackError::Refused(Refusal::new(&member.path, problem)));
        if self.shape.at(spot).is_some() {
            return refused("is twice in the archive");
        }
        if let Kind::Symlink(target) = &member.kind {
            if let Some(problem) = shape::target_problem(target) {
                return refused(problem);
            }
            self.contained.symlinks += 1;
        } else {
            self.contained.pipes += 1;
        }
        self.shape.set(spot, Made::Other);
        if let Err(error) = self.make_directories() {
            return Ok(Err(error));
        }
        let Some(place) = &mut self.place else { return Ok(Ok(())) };
        Ok(match &member.kind {
            Kind::Symlink(target) => place.symlink(&self.shape, spot, target, member),
            _ => place.pipe(&self.shape, spot, member),
        })
    }

    /// What can only be made when everything has been seen: files whose names all came without content,
    /// and the attributes of directories.
    pub(super) fn finish(mut self, members: u64) -> Result<Contained, UnpackError> {
        let mut groups: Vec<Names> = std::mem::take(&mut self.groups).into_values().collect();
        groups.retain(|names| names.made.is_none());
        for names in groups {
            let (Some(first), Some((spot, others))) = (&names.first, names.waiting.split_first()) else { continue };
            if let Some(place) = &mut self.place {
                place.empty(&self.shape, spot, first)?;
            }
            self.contained.files += 1;
            self.shape.set(spot, Made::File(self.contained.files));
            for name in others {
                self.link(name, spot, false).map_err(|source| write_error(first, source))?;
            }
        }
        if let Some(mut place) = self.place.take() {
            place.finish(&self.shape, self.newest)?;
        }
        self.contained.members = members;
        self.contained.directories = self.shape.directories.len() as u64 - 1;
        Ok(self.contained)
    }
}

fn write_error(member: &Member, source: io::Error) -> UnpackError {
    UnpackError::Write { path: printable(&member.path), source }
}
