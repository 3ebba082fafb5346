//! Looking at a zone that is hostile: no link is followed, no FIFO opened, and a file is read no
//! further than its size.

use std::fs::File;
use std::io::{self, Read};
use std::rc::Rc;

use contents::checksum::Checksum;

use crate::populate::{is_absence, split};
use crate::root::{Handle, Stat, Tree};

/// What stands at a path.
pub(super) enum Look {
    /// Nothing, and perhaps not even its directory.
    Absent,
    /// A directory above it is something else.
    Blocked,
    There(There),
}

/// An object and the directory that it is in.
pub(super) struct There {
    pub(super) parent: Rc<Handle>,
    pub(super) stat: Stat,
}

impl There {
    /// Opens the object for reading; `None` when it is no regular file any more.
    pub(super) fn open(&self, path: &[u8]) -> io::Result<Option<File>> {
        gone_is_none(self.parent.open_file(split(path).1).map(|(file, _)| file))
    }

    /// The target of a symbolic link; `None` when it is none any more.
    pub(super) fn target(&self, path: &[u8]) -> io::Result<Option<Vec<u8>>> {
        gone_is_none(self.parent.read_link(split(path).1))
    }
}

/// Somebody who works in the zone may take away what was there a moment ago.
fn gone_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

#[derive(Clone)]
enum Place {
    Open(Rc<Handle>),
    Absent,
    Blocked,
}

/// Looks at a zone by path, holding the directory that was asked for last.
pub(super) struct Looker<'r> {
    root: &'r Tree,
    open: Option<(Vec<u8>, Place)>,
}

impl<'r> Looker<'r> {
    pub(super) fn new(root: &'r Tree) -> Self {
        Self { root, open: None }
    }

    pub(super) fn look(&mut self, path: &[u8]) -> io::Result<Look> {
        let (parent, name) = split(path);
        Ok(match self.place(parent)? {
            Place::Absent => Look::Absent,
            Place::Blocked => Look::Blocked,
            Place::Open(parent) => match parent.stat(name)? {
                Some(stat) => Look::There(There { parent, stat }),
                None => Look::Absent,
            },
        })
    }

    /// The directory at a path, when it is one.
    pub(super) fn directory(&mut self, path: &[u8]) -> io::Result<Option<Rc<Handle>>> {
        Ok(match self.place(path)? {
            Place::Open(handle) => Some(handle),
            Place::Absent | Place::Blocked => None,
        })
    }

    fn place(&mut self, path: &[u8]) -> io::Result<Place> {
        if let Some((open, place)) = &self.open
            && open == path
        {
            return Ok(place.clone());
        }
        let place = match self.root.open_dir(path) {
            Ok(handle) => Place::Open(Rc::new(handle)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Place::Absent,
            Err(error) if is_absence(&error) => Place::Blocked,
            Err(error) => return Err(error),
        };
        self.open = Some((path.to_vec(), place.clone()));
        Ok(place)
    }
}

/// The checksum of a file that has `size` bytes; `None` when it has another number of them.
pub(super) fn sum(file: &File, size: u64, memory: &mut [u8]) -> io::Result<Option<u16>> {
    let mut sum = Checksum::new();
    let mut from = file.take(size.saturating_add(1));
    let mut total = 0;
    loop {
        match from.read(memory) {
            Ok(0) => return Ok((total == size).then(|| sum.finish())),
            Ok(read) => {
                sum.update(&memory[..read]);
                total += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
