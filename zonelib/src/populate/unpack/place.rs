//! Writing what an archive makes, below one directory, by names of which none is followed.

use std::io::{self, Write};

use crate::host;
use crate::root::{Handle, Special, Timestamp, set_attributes};

use super::member::Member;
use super::shape::{Attributes, Shape, Spot};
use super::stream::Stream;
use super::{UnpackError, printable};

const PIECE: usize = 128 * 1024;

/// Where an archive is unpacked to.
pub(super) struct Place<'p> {
    top: &'p Handle,
    /// Only root gives files away.
    owners: bool,
    /// The directory that was written to last.
    last: Option<(usize, Handle)>,
    /// How many directories of the shape are on disk; the root is.
    made: usize,
    buffer: Vec<u8>,
}

impl<'p> Place<'p> {
    /// # Errors
    /// [`UnpackError::Occupied`]: it is not empty.
    pub(super) fn new(top: &'p Handle) -> Result<Self, UnpackError> {
        let listed = top.list().map_err(|source| UnpackError::Write { path: ".".to_owned(), source })?;
        if let Some((name, _)) = listed.first() {
            return Err(UnpackError::Occupied(printable(name)));
        }
        Ok(Self { top, owners: host::is_root(), last: None, made: 1, buffer: vec![0; PIECE] })
    }

    /// Makes the directories that the shape has and the disk has not.
    pub(super) fn make_directories(&mut self, shape: &Shape) -> io::Result<()> {
        for directory in &shape.directories[self.made..] {
            self.open(shape, directory.parent)?.make_dir(&directory.name)?;
            self.made += 1;
        }
        Ok(())
    }

    fn open(&mut self, shape: &Shape, directory: usize) -> io::Result<&Handle> {
        if !matches!(&self.last, Some((last, _)) if *last == directory) {
            let mut up = Vec::new();
            let mut at = directory;
            while at != 0 {
                up.push(&*shape.directories[at].name);
                at = shape.directories[at].parent;
            }
            let mut handle = self.top.open_self()?;
            for name in up.into_iter().rev() {
                handle = handle.open_dir(name)?;
            }
            self.last = Some((directory, handle));
        }
        match &self.last {
            Some((_, handle)) => Ok(handle),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Writes a file whose content the stream has next; `replace` when one with its name is there.
    pub(super) fn file(
        &mut self,
        shape: &Shape,
        spot: &Spot,
        member: &Member,
        replace: bool,
        stream: &mut Stream<'_>,
    ) -> Result<(), UnpackError> {
        let written = |source| UnpackError::Write { path: printable(&member.path), source };
        let handle = self.open(shape, spot.directory).map_err(written)?;
        if replace {
            handle.remove_file(&spot.name).map_err(written)?;
        }
        let mut file = handle.create_file(&spot.name).map_err(written)?;
        while let read @ 1.. = stream.content(&mut self.buffer)? {
            file.write_all(&self.buffer[..read]).map_err(written)?;
        }
        let owner = self.owners.then_some((member.uid, member.gid));
        set_attributes(&file, owner, member.mode, member.modified).map_err(written)
    }

    /// Makes a file without content.
    pub(super) fn empty(&mut self, shape: &Shape, spot: &Spot, member: &Member) -> Result<(), UnpackError> {
        let owner = self.owners.then_some((member.uid, member.gid));
        let made = self.open(shape, spot.directory).and_then(|handle| {
            let file = handle.create_file(&spot.name)?;
            set_attributes(&file, owner, member.mode, member.modified)
        });
        made.map_err(|source| UnpackError::Write { path: printable(&member.path), source })
    }

    /// Gives a file a further name.
    pub(super) fn link(&mut self, shape: &Shape, spot: &Spot, to: &Spot, replace: bool) -> io::Result<()> {
        let from = self.open(shape, to.directory)?.open_self()?;
        let handle = self.open(shape, spot.directory)?;
        if replace {
            handle.remove_file(&spot.name)?;
        }
        handle.link(&spot.name, &from, &to.name)
    }

    pub(super) fn symlink(&mut self, shape: &Shape, spot: &Spot, target: &[u8], member: &Member) -> io::Result<()> {
        let owners = self.owners;
        let handle = self.open(shape, spot.directory)?;
        handle.symlink(target, &spot.name)?;
        if owners {
            handle.set_owner(&spot.name, member.uid, member.gid)?;
        }
        handle.set_modified(&spot.name, member.modified)
    }

    pub(super) fn pipe(&mut self, shape: &Shape, spot: &Spot, member: &Member) -> io::Result<()> {
        let owners = self.owners;
        let handle = self.open(shape, spot.directory)?;
        handle.create_special(&spot.name, Special::Pipe)?;
        if owners {
            handle.set_owner(&spot.name, member.uid, member.gid)?;
        }
        handle.set_mode(&spot.name, member.mode)?;
        handle.set_modified(&spot.name, member.modified)
    }

    /// Gives directories their attributes, those below before those above.
    pub(super) fn finish(&mut self, shape: &Shape, newest: Timestamp) -> Result<(), UnpackError> {
        let plain = Attributes { mode: 0o755, owner: (0, 0), modified: newest };
        for number in (1..shape.directories.len()).rev() {
            let directory = &shape.directories[number];
            let attributes = directory.attributes.unwrap_or(plain);
            let owner = self.owners.then_some(attributes.owner);
            let written = |source| UnpackError::Write { path: printable(&directory.name), source };
            let handle = self.open(shape, number).map_err(written)?;
            set_attributes(handle, owner, attributes.mode, attributes.modified).map_err(written)?;
        }
        Ok(())
    }
}
