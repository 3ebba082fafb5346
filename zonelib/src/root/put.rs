//! Small files of a zone, one whole file at a time.

use std::io::{self, Write};

use super::{Handle, Stat, Timestamp, Tree, remove_tree, set_attributes};
use crate::host;

/// The name of a file until it takes its place. Programs that read all files of a folder pass over it.
const NEW: &[u8] = b".zonekit-new";
/// root:sys, as system files have it.
pub(crate) const SYSTEM_OWNER: (u32, u32) = (0, 3);
const DIRECTORY_MODE: u32 = 0o755;

/// A file as it is to be, as a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WholeFile<'f> {
    pub(crate) bytes: &'f [u8],
    pub(crate) mode: u32,
    /// User and group; left alone without the right to set them.
    pub(crate) owner: (u32, u32),
    /// When it was changed; `None`: now.
    pub(crate) modified: Option<Timestamp>,
}

/// Puts a file in its place, or with `None` removes it. It is never written through: it is made beside, and
/// renamed. Folders on the way that are not there are made.
///
/// # Errors
/// Something on the way is a symbolic link or no folder; or the system refused.
pub(crate) fn put_file(tree: &Tree, path: &[u8], whole: Option<&WholeFile<'_>>) -> io::Result<()> {
    put_file_as(tree, path, whole, NEW)
}

/// The same, under a name of the caller's choice until it takes its place: where others may put files into the same folder.
///
/// # Errors
/// As [`put_file`].
pub(crate) fn put_file_as(tree: &Tree, path: &[u8], whole: Option<&WholeFile<'_>>, beside: &[u8]) -> io::Result<()> {
    let at = path.iter().rposition(|&byte| byte == b'/');
    let (parent, name) = at.map_or((&b""[..], path), |at| (&path[..at], &path[at + 1..]));
    let Some(whole) = whole else {
        return match tree.open_dir(parent).and_then(|folder| folder.remove_file(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    };
    let folder = folder(tree, parent)?;
    remove_tree(&folder, beside)?;
    let mut file = folder.create_file(beside)?;
    let made = file.write_all(whole.bytes).and_then(|()| {
        let modified = whole.modified.map_or_else(|| Ok(Stat::of(&file)?.modified), Ok::<_, io::Error>)?;
        set_attributes(&file, host::is_root().then_some(whole.owner), whole.mode, modified)?;
        file.sync_all()?;
        folder.rename(beside, name)
    });
    if made.is_err() {
        // The error to report is why it failed; the leftover has a name that says what it is.
        let _ = folder.remove_file(beside);
    }
    made
}

/// Removes a folder that nothing is in. One that something is in stays, and so does what is no folder.
///
/// # Errors
/// Something on the way is a symbolic link; or the system refused.
pub(crate) fn remove_empty_folder(tree: &Tree, path: &[u8]) -> io::Result<()> {
    use io::ErrorKind as K;
    let at = path.iter().rposition(|&byte| byte == b'/');
    let (parent, name) = at.map_or((&b""[..], path), |at| (&path[..at], &path[at + 1..]));
    match tree.open_dir(parent).and_then(|folder| folder.remove_dir(name)) {
        Err(error) if !matches!(error.kind(), K::NotFound | K::DirectoryNotEmpty | K::NotADirectory) => Err(error),
        _ => Ok(()),
    }
}

/// The folders on the way to a file that would have to be made, from the top.
///
/// # Errors
/// Something on the way is a symbolic link or no folder; or the system refused.
pub(crate) fn missing_folders(tree: &Tree, path: &str) -> io::Result<Vec<String>> {
    let mut missing = Vec::new();
    let mut path = path;
    while let Some((folder, _)) = path.rsplit_once('/') {
        match tree.open_dir(folder.as_bytes()) {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(folder.to_owned()),
            Err(error) => return Err(error),
        }
        path = folder;
    }
    missing.reverse();
    Ok(missing)
}

/// Opens a folder; those on the way that are not there are made.
fn folder(tree: &Tree, path: &[u8]) -> io::Result<Handle> {
    let mut here = tree.handle()?;
    for name in path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
        here = match here.open_dir(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = here.create_dir(name)?;
                let modified = made.stat_self()?.modified;
                set_attributes(&made, host::is_root().then_some(SYSTEM_OWNER), DIRECTORY_MODE, modified)?;
                made
            }
            other => other?,
        };
    }
    Ok(here)
}
