//! What an archive makes, name by name: the rules that hold before anything is written.

use std::collections::HashMap;

use crate::root::Timestamp;

use super::Refusal;

/// Bytes of the longest path, with the NUL, and of the longest name: `PATH_MAX` and `NAME_MAX` of illumos.
const PATH_LIMIT: usize = 1024;
const NAME_LIMIT: usize = 255;

/// What a directory gets when everything is in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes {
    pub(super) mode: u32,
    pub(super) owner: (u32, u32),
    pub(super) modified: Timestamp,
}

/// Something that has been made, or would have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    Directory(usize),
    /// A file; its names have one number.
    File(u64),
    /// A name of a file whose content comes later.
    Waiting,
    /// A symbolic link or a pipe.
    Other,
}

/// A directory; the first is the root.
pub(super) struct Directory {
    pub(super) parent: usize,
    pub(super) name: Box<[u8]>,
    /// `None` when no member has told them.
    pub(super) attributes: Option<Attributes>,
    content: HashMap<Box<[u8]>, Made>,
}

/// Where something goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Spot {
    pub(super) directory: usize,
    pub(super) name: Box<[u8]>,
}

/// The tree so far.
pub(super) struct Shape {
    pub(super) directories: Vec<Directory>,
}

impl Shape {
    pub(super) fn new() -> Self {
        Self { directories: vec![Directory::new(0, b"")] }
    }

    /// What stands at a spot.
    pub(super) fn at(&self, spot: &Spot) -> Option<Made> {
        self.directories[spot.directory].content.get(&spot.name).copied()
    }

    pub(super) fn set(&mut self, spot: &Spot, made: Made) {
        self.directories[spot.directory].content.insert(spot.name.clone(), made);
    }

    /// The spot of a path that is not the root. Directories on the way that no member has told are made.
    pub(super) fn spot(&mut self, names: &[&[u8]]) -> Result<Spot, &'static str> {
        let Some((leaf, parents)) = names.split_last() else { return Err("is the root") };
        let mut here = 0;
        for name in parents {
            here = self.directory(here, name).ok_or("lies below something that is no directory")?;
        }
        Ok(Spot { directory: here, name: (*leaf).into() })
    }

    /// The spot of a path, when all its directories are there.
    pub(super) fn find(&self, names: &[&[u8]]) -> Option<Spot> {
        let (leaf, parents) = names.split_last()?;
        let mut here = 0;
        for name in parents {
            match self.directories[here].content.get(*name) {
                Some(Made::Directory(next)) => here = *next,
                _ => return None,
            }
        }
        Some(Spot { directory: here, name: (*leaf).into() })
    }

    /// A directory in a directory, made when nothing has its name; `None` when something else has.
    pub(super) fn directory(&mut self, parent: usize, name: &[u8]) -> Option<usize> {
        match self.directories[parent].content.get(name) {
            Some(Made::Directory(known)) => Some(*known),
            Some(_) => None,
            None => {
                let new = self.directories.len();
                self.directories.push(Directory::new(parent, name));
                self.directories[parent].content.insert(name.into(), Made::Directory(new));
                Some(new)
            }
        }
    }
}

impl Directory {
    fn new(parent: usize, name: &[u8]) -> Self {
        Self { parent, name: name.into(), attributes: None, content: HashMap::new() }
    }
}

/// The names of a member's path from the top of the archive; none for the top itself.
pub(super) fn names(path: &[u8]) -> Result<Vec<&[u8]>, Refusal> {
    let refused = |problem| Err(Refusal::new(path, problem));
    if path.is_empty() {
        return refused("has no name");
    }
    if path[0] == b'/' {
        return refused("has an absolute name; make the archive with relative ones");
    }
    if path.contains(&0) {
        return refused("has a NUL in its name");
    }
    if path.len() >= PATH_LIMIT {
        return refused("has a path of more than 1023 bytes");
    }
    let names: Vec<&[u8]> = path.split(|&byte| byte == b'/').filter(|name| !matches!(*name, b"" | b".")).collect();
    if names.contains(&&b".."[..]) {
        return refused("has a `..` in its name");
    }
    if names.iter().any(|name| name.len() > NAME_LIMIT) {
        return refused("has a name of more than 255 bytes");
    }
    Ok(names)
}

/// Whether a symbolic link can have a target.
pub(super) fn target_problem(target: &[u8]) -> Option<&'static str> {
    if target.is_empty() {
        Some("is a symbolic link to nothing")
    } else if target.contains(&0) {
        Some("is a symbolic link with a NUL in its target")
    } else if target.len() >= PATH_LIMIT {
        Some("is a symbolic link with a target of more than 1023 bytes")
    } else {
        None
    }
}
