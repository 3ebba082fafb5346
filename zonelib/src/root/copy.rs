//! Copying trees: a zone root to another, file by file.
//!
//! The source is hostile, and may be deeper than a process may have files open: the walk holds the
//! directory it is in and no other, and goes up by `..` after a look that it arrives where it came from.

use std::collections::HashMap;
use std::io;

use super::{CopyBuffer, FileKind, Handle, Special, Stat, Transfer, set_attributes};

/// Paths that are told; of more there is only the number.
const TOLD: usize = 100;
/// ZFS's way to snapshots, at the top of a file system only.
const SNAPSHOTS: &[u8] = b".zfs";

/// Why a tree was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// An object could not be copied.
    #[error("{path}: {source}")]
    Object {
        /// Its path below the tree; control characters are escaped.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The place for the copy is not empty.
    #[error("the place for the copy is not empty: it has `{0}`")]
    Occupied(String),
    /// Somebody interrupted.
    #[error("interrupted")]
    Interrupted,
}

/// Something that was not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its path below the tree.
    pub path: Vec<u8>,
    /// Why not.
    pub reason: &'static str,
}

/// What was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopiedTree {
    /// Regular files, each once however many names it has.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Directories.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Further names of files.
    pub hard_links: u64,
    /// Named pipes and devices.
    pub special: u64,
    /// Sockets and doors, and what is mounted in the tree; the first hundred.
    pub skipped: Vec<Skipped>,
    /// How many those are.
    pub skipped_count: u64,
}

/// Copies everything below `from` to `to`, which is empty: files with their holes, directories, symbolic
/// links as they are, hard links, named pipes and devices, with mode, owner and time of modification.
/// `to` itself keeps its own. Sockets and doors are skipped; of another file system that is mounted in
/// the tree there is only the empty directory. ACLs and extended attributes are not copied. `go_on` is
/// asked before each object.
///
/// # Errors
/// [`CopyError`]: the first object that could not be copied, or changed while it was; what was made
/// until then is left.
pub fn copy_tree(from: &Handle, to: &Handle, go_on: &dyn Fn() -> bool) -> Result<CopiedTree, CopyError> {
    let top = |source| CopyError::Object { path: ".".to_owned(), source };
    if let Some((name, _)) = to.list().map_err(top)?.first() {
        return Err(CopyError::Occupied(escaped(name)));
    }
    let (source, made) = (from.stat_self().map_err(top)?, to.stat_self().map_err(top)?);
    let mut walk = Walk {
        from: from.open_self().map_err(top)?,
        to: to.open_self().map_err(top)?,
        top: to,
        file_system: source.identity.0,
        own: made.identity,
        pending: Vec::new(),
        levels: Vec::new(),
        here: 0,
        directories: vec![(0, Box::default())],
        linked: HashMap::new(),
        buffer: CopyBuffer::default(),
        copied: CopiedTree::default(),
        go_on,
    };
    if source.identity == made.identity {
        return Err(top(inside()));
    }
    walk.enter_content()?;
    walk.run()?;
    Ok(walk.copied)
}

/// A directory that is being copied, while the walk is in one below it.
struct Level {
    /// The directory it stands in: in the source, in the copy, in [`Walk::directories`].
    parents: ((u64, u64), (u64, u64), usize),
    /// Names in that directory that are still to be copied.
    beside: Vec<Vec<u8>>,
    /// The attributes that its copy gets when everything is in it.
    stat: Stat,
}

/// Where the first name of a file with several was copied to.
struct Linked {
    directory: usize,
    name: Box<[u8]>,
    /// Names that have not been seen yet.
    left: u64,
}

struct Walk<'w> {
    from: Handle,
    to: Handle,
    top: &'w Handle,
    file_system: u64,
    /// The copy itself, which must not be copied.
    own: (u64, u64),
    pending: Vec<Vec<u8>>,
    levels: Vec<Level>,
    /// The directory the walk is in.
    here: usize,
    /// All directories, each with the number of its parent; the top is 0.
    directories: Vec<(usize, Box<[u8]>)>,
    linked: HashMap<(u64, u64), Linked>,
    buffer: CopyBuffer,
    copied: CopiedTree,
    go_on: &'w dyn Fn() -> bool,
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), CopyError> {
        loop {
            if let Some(name) = self.pending.pop() {
                if !(self.go_on)() {
                    return Err(CopyError::Interrupted);
                }
                self.object(&name).map_err(|source| self.failed(Some(&name), source))?;
            } else if let Some(level) = self.levels.pop() {
                self.leave(level).map_err(|source| self.failed(None, source))?;
            } else {
                return Ok(());
            }
        }
    }

    fn failed(&self, name: Option<&[u8]>, source: io::Error) -> CopyError {
        if !(self.go_on)() && source.kind() == io::ErrorKind::Interrupted {
            return CopyError::Interrupted;
        }
        CopyError::Object { path: escaped(&self.path(name)), source }
    }

    /// The path of a name in the directory that the walk is in.
    fn path(&self, name: Option<&[u8]>) -> Vec<u8> {
        let mut names: Vec<&[u8]> = name.into_iter().collect();
        names.extend(self.names_up(self.here));
        names.reverse();
        names.join(&b'/')
    }

    fn names_up(&self, mut directory: usize) -> impl Iterator<Item = &[u8]> {
        std::iter::from_fn(move || {
            let (parent, name) = self.directories.get(directory).filter(|_| directory != 0)?;
            directory = *parent;
            Some(&**name)
        })
    }

    fn skip(&mut self, name: &[u8], reason: &'static str) {
        self.copied.skipped_count += 1;
        if self.copied.skipped.len() < TOLD {
            let path = self.path(Some(name));
            self.copied.skipped.push(Skipped { path, reason });
        }
    }

    /// Lists the directory that the walk has come to.
    fn enter_content(&mut self) -> Result<(), CopyError> {
        let listed = self.from.list().map_err(|source| self.failed(None, source))?;
        self.pending = listed.into_iter().map(|(name, _)| name).collect();
        if self.levels.is_empty() {
            self.pending.retain(|name| name != SNAPSHOTS);
        }
        // From the end, so that names come in order and two copies of one tree are made alike.
        self.pending.sort_unstable_by(|one, other| other.cmp(one));
        Ok(())
    }

    fn object(&mut self, name: &[u8]) -> io::Result<()> {
        let stat = self.from.stat(name)?.ok_or_else(|| io::Error::other("went away while it was copied"))?;
        let elsewhere = stat.identity.0 != self.file_system;
        match stat.kind {
            FileKind::Directory => return self.directory(name),
            _ if elsewhere => self.skip(name, "belongs to another file system"),
            FileKind::Other => self.skip(name, "is a socket or a door"),
            FileKind::Regular => self.file(name)?,
            FileKind::Symlink => {
                let target = self.from.read_link(name)?;
                self.to.symlink(&target, name)?;
                self.to.set_owner(name, stat.uid, stat.gid)?;
                self.to.set_modified(name, stat.modified)?;
                self.copied.symlinks += 1;
            }
            FileKind::Pipe | FileKind::Character | FileKind::Block => self.special(name, &stat)?,
        }
        Ok(())
    }

    fn special(&mut self, name: &[u8], stat: &Stat) -> io::Result<()> {
        let special = match stat.kind {
            FileKind::Character => Special::Character(stat.device),
            FileKind::Block => Special::Block(stat.device),
            _ => Special::Pipe,
        };
        self.to.create_special(name, special)?;
        self.to.set_owner(name, stat.uid, stat.gid)?;
        self.to.set_mode(name, stat.mode)?;
        self.to.set_modified(name, stat.modified)?;
        self.copied.special += 1;
        Ok(())
    }

    fn file(&mut self, name: &[u8]) -> io::Result<()> {
        let (file, stat) = self.from.open_file(name)?;
        if stat.identity.0 != self.file_system {
            self.skip(name, "belongs to another file system");
            return Ok(());
        }
        if stat.links > 1 && self.further_name(name, stat.identity)? {
            return Ok(());
        }
        let made = self.to.create_file(name)?;
        let bytes = self.buffer.copy(&file, &stat, &made, Transfer::Plain, self.go_on)?.bytes;
        if bytes < stat.size {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "became shorter while it was copied"));
        }
        set_attributes(&made, Some((stat.uid, stat.gid)), stat.mode, stat.modified)?;
        self.copied.files += 1;
        self.copied.bytes += bytes;
        if stat.links > 1 {
            let linked = Linked { directory: self.here, name: name.into(), left: stat.links - 1 };
            self.linked.insert(stat.identity, linked);
        }
        Ok(())
    }

    /// Links a file whose first name has been copied; false when this is the first.
    fn further_name(&mut self, name: &[u8], identity: (u64, u64)) -> io::Result<bool> {
        let Some(mut linked) = self.linked.remove(&identity) else { return Ok(false) };
        if linked.directory == self.here {
            self.to.link(name, &self.to, &linked.name)?;
        } else {
            let mut directory = self.top.open_self()?;
            let mut down: Vec<&[u8]> = self.names_up(linked.directory).collect();
            while let Some(name) = down.pop() {
                directory = directory.open_dir(name)?;
            }
            self.to.link(name, &directory, &linked.name)?;
        }
        self.copied.hard_links += 1;
        linked.left -= 1;
        if linked.left > 0 {
            self.linked.insert(identity, linked);
        }
        Ok(true)
    }

    fn directory(&mut self, name: &[u8]) -> io::Result<()> {
        let from = self.from.open_dir(name)?;
        let stat = from.stat_self()?;
        if stat.identity == self.own {
            return Err(inside());
        }
        let to = self.to.create_dir(name)?;
        self.copied.directories += 1;
        if stat.identity.0 != self.file_system {
            set_attributes(&to, Some((stat.uid, stat.gid)), stat.mode, stat.modified)?;
            self.skip(name, "is the root of another file system");
            return Ok(());
        }
        let parents = (self.from.stat_self()?.identity, self.to.stat_self()?.identity, self.here);
        self.levels.push(Level { parents, beside: std::mem::take(&mut self.pending), stat });
        self.directories.push((self.here, name.into()));
        self.here = self.directories.len() - 1;
        (self.from, self.to) = (from, to);
        self.enter_content().map_err(|error| match error {
            CopyError::Object { source, .. } => source,
            other => io::Error::other(other.to_string()),
        })
    }

    /// Goes up again. The way is opened first: the attributes may forbid it.
    fn leave(&mut self, level: Level) -> io::Result<()> {
        let from = self.from.parent(level.parents.0)?;
        let to = self.to.parent(level.parents.1)?;
        let stat = level.stat;
        set_attributes(&self.to, Some((stat.uid, stat.gid)), stat.mode, stat.modified)?;
        (self.from, self.to) = (from, to);
        self.here = level.parents.2;
        self.pending = level.beside;
        Ok(())
    }
}

fn inside() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the copy lies in the tree that is copied")
}

fn escaped(path: &[u8]) -> String {
    if path.is_empty() { ".".to_owned() } else { String::from_utf8_lossy(path).escape_debug().to_string() }
}

#[cfg(test)]
#[path = "copy_tests.rs"]
mod tests;
