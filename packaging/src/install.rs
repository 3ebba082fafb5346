//! Puts files and links in place, each at once and whole.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::layout::{Object, What};

/// Puts an object below `destination`, and says what it did in one line.
///
/// It is made beside its place and renamed into it, so that a program that runs can be replaced, and so that no one
/// sees half a file.
///
/// # Errors
/// It is not there to be put, or cannot be put.
pub fn put(destination: &Path, object: &Object) -> Result<String, Error> {
    let path = below(destination, &object.path);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Error::InTheWay(path));
    };
    if object.what == What::Directory {
        make_folder(&path)?;
        return Ok(path.display().to_string());
    }
    make_folder(folder)?;
    if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
        return Err(Error::InTheWay(path));
    }
    let beside = folder.join(format!(".{}.new", name.to_string_lossy()));
    remove(&beside)?;
    let made = make(&beside, &object.what);
    let done = made.and_then(|()| fs::rename(&beside, &path).map_err(Error::at(&path)));
    if let Err(error) = done {
        // What went wrong is told; that the remains cannot be removed either adds nothing.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    Ok(match &object.what {
        What::Link(target) => format!("{} -> {target}", path.display()),
        _ => path.display().to_string(),
    })
}

/// An absolute path below a directory, which is empty for the root.
fn below(destination: &Path, path: &Path) -> PathBuf {
    match path.strip_prefix("/") {
        Ok(relative) if !destination.as_os_str().is_empty() => destination.join(relative),
        _ => path.to_owned(),
    }
}

fn make(path: &Path, what: &What) -> Result<(), Error> {
    let mode = match what {
        What::Directory => return make_folder(path),
        What::Link(target) => return symlink(target, path).map_err(Error::at(path)),
        What::Program(from) => {
            copy(from, path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => Error::NotBuilt(from.clone()),
                _ => Error::at(from)(error),
            })?;
            0o755
        }
        What::File(from) => {
            copy(from, path).map_err(Error::at(from))?;
            0o644
        }
        What::Text(text) => {
            fs::write(path, text).map_err(Error::at(path))?;
            0o644
        }
    };
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(Error::at(path))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to).map(|_| ())
}

/// A directory and those above it, whatever the umask is.
fn make_folder(folder: &Path) -> Result<(), Error> {
    let mut missing = Vec::new();
    let mut next = Some(folder);
    while let Some(path) = next.filter(|path| !path.as_os_str().is_empty() && !path.exists()) {
        missing.push(path);
        next = path.parent();
    }
    for path in missing.into_iter().rev() {
        fs::create_dir(path).map_err(Error::at(path))?;
        fs::set_permissions(path, Permissions::from_mode(0o755)).map_err(Error::at(path))?;
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::at(path)(error)),
        _ => Ok(()),
    }
}
