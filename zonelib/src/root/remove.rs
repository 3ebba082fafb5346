//! Taking trees away.

use std::io;

use super::{FileKind, Handle};

/// A directory on the way down.
struct Level {
    name: Vec<u8>,
    /// The directory that it stands in.
    parent: (u64, u64),
    /// What is left to remove in that: non-empty subdirectories.
    beside: Vec<Vec<u8>>,
}

/// Removes everything in a directory, but not the directory. Follows no symbolic link, and needs neither
/// stack nor file descriptors for each level: a tree may be deeper than a process may have files open.
///
/// # Errors
/// The first object that could not be removed, named by its path below the directory.
pub fn clear(dir: &Handle) -> io::Result<()> {
    let mut here = dir.open_self()?;
    let mut pending = remove_leaves(&here).map_err(|(name, error)| named(&[], &name, error))?;
    let mut levels: Vec<Level> = Vec::new();
    loop {
        if let Some(name) = pending.pop() {
            let entered = here.stat_self().and_then(|stat| Ok((stat.identity, here.open_dir(&name)?)));
            let (parent, below) = entered.map_err(|error| named(&levels, &name, error))?;
            levels.push(Level { name, parent, beside: std::mem::take(&mut pending) });
            here = below;
            pending = remove_leaves(&here).map_err(|(leaf, error)| named(&levels, &leaf, error))?;
            continue;
        }
        let Some(level) = levels.pop() else { return Ok(()) };
        here = here.parent(level.parent).map_err(|error| named(&levels, &level.name, error))?;
        here.remove_dir(&level.name).map_err(|error| named(&levels, &level.name, error))?;
        pending = level.beside;
    }
}

/// Removes all files and empty directories, and returns the directories that are not empty.
fn remove_leaves(dir: &Handle) -> Result<Vec<Vec<u8>>, (Vec<u8>, io::Error)> {
    let mut full = Vec::new();
    for (name, kind) in dir.list().map_err(|error| (b".".to_vec(), error))? {
        let removed = if kind == FileKind::Directory { dir.remove_dir(&name) } else { dir.remove_file(&name) };
        match removed {
            Ok(()) => {}
            Err(_) if kind == FileKind::Directory => full.push(name),
            Err(error) => return Err((name, error)),
        }
    }
    Ok(full)
}

/// Removes a name and, when it is a directory, everything below it. Nothing there is fine.
///
/// # Errors
/// As [`clear`].
pub fn remove_tree(parent: &Handle, name: &[u8]) -> io::Result<()> {
    match parent.stat(name)? {
        None => Ok(()),
        Some(stat) if stat.kind == FileKind::Directory => {
            clear(&parent.open_dir(name)?)?;
            parent.remove_dir(name)
        }
        Some(_) => parent.remove_file(name),
    }
}

fn named(levels: &[Level], name: &[u8], error: io::Error) -> io::Error {
    let mut path = String::new();
    for level in levels {
        path.push_str(&String::from_utf8_lossy(&level.name));
        path.push('/');
    }
    path.push_str(&String::from_utf8_lossy(name));
    io::Error::new(error.kind(), format!("{path}: {error}"))
}
