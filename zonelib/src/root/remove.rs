//! Taking trees away.

use std::io;

use super::{FileKind, Handle};

/// A directory on the way down: what is left to remove in it is non-empty subdirectories.
struct Level {
    name: Vec<u8>,
    handle: Handle,
    pending: Vec<Vec<u8>>,
}

/// Removes everything in a directory, but not the directory. Follows no symbolic link, and holds one
/// file descriptor a level instead of stack.
///
/// # Errors
/// The first object that could not be removed, named by its path below the directory.
pub fn clear(dir: &Handle) -> io::Result<()> {
    let mut top = remove_leaves(dir).map_err(|(name, error)| named(&[], &name, error))?;
    let mut levels: Vec<Level> = Vec::new();
    loop {
        let (here, pending) = match levels.last_mut() {
            Some(level) => (&level.handle, &mut level.pending),
            None => (dir, &mut top),
        };
        if let Some(name) = pending.pop() {
            let handle = here.open_dir(&name).map_err(|error| named(&levels, &name, error))?;
            let pending = remove_leaves(&handle).map_err(|(leaf, error)| {
                let error = named(&[], &leaf, error);
                named(&levels, &name, error)
            })?;
            levels.push(Level { name, handle, pending });
            continue;
        }
        let Some(level) = levels.pop() else { return Ok(()) };
        let parent = levels.last().map_or(dir, |level| &level.handle);
        parent.remove_dir(&level.name).map_err(|error| named(&levels, &level.name, error))?;
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
