//! Reading files below an image root.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use crate::database::CONTENTS;
use crate::error::Error;

/// Changes that the package tools have not yet written into the database, below an image root.
pub const PENDING: &str = "var/sadm/install/pkglog";

/// No file of the package database comes near to this: the largest has some tens of megabytes.
const SIZE_LIMIT: u64 = 256 * 1024 * 1024;

/// Reads a regular file. `path` is relative to the image root, and so is the name in errors.
/// Symbolic links are followed below the root and never out of it.
///
/// # Errors
/// [`Error::Read`]: there is no such file, it cannot be opened, it is not a regular file (a pipe is
/// refused, not waited for), or it is larger than 256 MiB.
pub fn read(image: &Dir, path: impl AsRef<Path>) -> Result<Vec<u8>, Error> {
    let path = path.as_ref();
    read_named(image, path, path)
}

/// As [`read`]; `None` when there is no such file.
///
/// # Errors
/// As [`read`].
pub fn read_if_present(image: &Dir, path: impl AsRef<Path>) -> Result<Option<Vec<u8>>, Error> {
    present(read(image, path))
}

/// The text of the package database, `var/sadm/install/contents`.
///
/// # Errors
/// As [`read`].
pub fn read_contents(image: &Dir) -> Result<Vec<u8>, Error> {
    read(image, CONTENTS)
}

/// Whether changes wait in [`PENDING`] that the database does not have, so that `pkgadm sync` has to
/// run before it is believed. The file is absent or empty otherwise. Source: `pkgdump()` of pkgserv.
///
/// # Errors
/// [`Error::Read`]: it cannot be looked at, or is not a regular file.
pub fn has_pending_changes(image: &Dir) -> Result<bool, Error> {
    let found = image.metadata(PENDING).and_then(|metadata| {
        if metadata.is_file() { Ok(metadata.len() > 0) } else { Err(not_regular(metadata.is_dir())) }
    });
    Ok(present(found.map_err(|source| Error::read(PENDING, source)))?.unwrap_or(false))
}

/// The folder `path` below `dir`, if there is one; errors call it `shown`.
pub(crate) fn open_folder(dir: &Dir, path: &Path, shown: &Path) -> Result<Option<Dir>, Error> {
    present(dir.open_dir(path).map_err(|source| Error::read(shown, source)))
}

/// The names in a folder, sorted, so that what is wrong first is always the same.
pub(crate) fn file_names(dir: &Dir, shown: &Path) -> Result<BTreeSet<OsString>, Error> {
    let names = dir.entries().and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
    names.map_err(|source| Error::read(shown, source))
}

/// Reads `path` below `dir`; errors call it `shown`.
pub(crate) fn read_named(dir: &Dir, path: &Path, shown: &Path) -> Result<Vec<u8>, Error> {
    read_regular(dir, path).map_err(|source| Error::read(shown, source))
}

/// Takes "no such file" for an answer.
pub(crate) fn present<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Error::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_regular(dir: &Dir, path: &Path) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    // Without it the opening of a pipe waits for a writer.
    options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = dir.open_with(path, &options)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(not_regular(metadata.is_dir()));
    }
    if metadata.len() > SIZE_LIMIT {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    let read = file.into_std().take(SIZE_LIMIT + 1).read_to_end(&mut bytes)?;
    if read as u64 > SIZE_LIMIT { Err(too_large()) } else { Ok(bytes) }
}

pub(crate) fn not_regular(directory: bool) -> io::Error {
    if directory {
        io::Error::new(io::ErrorKind::IsADirectory, "is a directory, not a regular file")
    } else {
        io::Error::new(io::ErrorKind::InvalidInput, "is not a regular file")
    }
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "is larger than 256 MiB, which no file of its sort is")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::testing::Image;

    #[test]
    fn reads_regular_files_only() {
        let image = Image::new(&[("var/full", "text\n"), ("var/empty", ""), ("outside", "secret")]);
        let root = image.path().join("var");
        fs::create_dir(root.join("folder")).unwrap();
        symlink("full", root.join("inner")).unwrap();
        symlink("../outside", root.join("outer")).unwrap();
        symlink("/etc/passwd", root.join("absolute")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        fs::File::create(root.join("huge")).unwrap().set_len(SIZE_LIMIT + 1).unwrap();

        let dir = image.dir().open_dir("var").unwrap();
        assert_eq!(read(&dir, "full").unwrap(), b"text\n");
        assert_eq!(read(&dir, "inner").unwrap(), b"text\n");
        assert_eq!(read(&dir, "empty").unwrap(), b"");
        assert_eq!(read_if_present(&dir, "missing").unwrap(), None);
        for (path, message) in [
            ("missing", "missing: No such file"),
            ("folder", "folder: is a directory, not a regular file"),
            ("pipe", "pipe: is not a regular file"),
            ("huge", "huge: is larger than 256 MiB"),
            ("outer", "outer: "),
            ("absolute", "absolute: "),
            ("../outside", "../outside: "),
        ] {
            let error = read(&dir, path).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn pending_changes_are_a_log_that_is_not_empty() {
        let image = Image::new(&[("var/sadm/install/contents", "")]);
        assert_eq!(read_contents(&image.dir()).unwrap(), b"");
        assert!(!has_pending_changes(&image.dir()).unwrap());
        image.write(PENDING, "");
        assert!(!has_pending_changes(&image.dir()).unwrap());
        image.write(PENDING, "-/etc/x\n###Marker\n");
        assert!(has_pending_changes(&image.dir()).unwrap());
        fs::remove_file(image.path().join(PENDING)).unwrap();
        fs::create_dir(image.path().join(PENDING)).unwrap();
        let error = has_pending_changes(&image.dir()).unwrap_err();
        assert_eq!(error.to_string(), "var/sadm/install/pkglog: is a directory, not a regular file");
        assert!(!has_pending_changes(&Image::new(&[]).dir()).unwrap());
    }
}
