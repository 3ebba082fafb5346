//! Putting files in the place of others.

use std::io::{self, Write};

use super::{Handle, Stat, Tree, remove_tree, set_attributes};
use crate::host;

/// The name of a file until it takes its place. Programs that read all files of a folder pass over it.
const NEW: &[u8] = b".zonekit-new";
/// The mode of a folder that is made.
const FOLDER_MODE: u32 = 0o755;

/// Gives a path below a tree this content, or removes what is there: a file that is made beside takes its place, with
/// this mode, and this owner where the caller may give files away. Folders on the way that are not there are made.
/// Nothing is written through.
///
/// # Errors
/// As `openat(2)`, `write(2)`, `renameat(2)`; `EISDIR` where a directory is in the place.
pub fn put_file(tree: &Tree, path: &[u8], bytes: Option<&[u8]>, mode: u32, owner: (u32, u32)) -> io::Result<()> {
    let (parent, name) = crate::populate::split(path);
    let Some(bytes) = bytes else {
        return match tree.open_dir(parent).and_then(|folder| folder.remove_file(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    };
    let folder = folder(tree, parent, owner)?;
    remove_tree(&folder, NEW)?;
    let mut file = folder.create_file(NEW)?;
    let made = file.write_all(bytes).and_then(|()| {
        let modified = Stat::of(&file)?.modified;
        set_attributes(&file, host::is_root().then_some(owner), mode, modified)?;
        file.sync_all()?;
        folder.rename(NEW, name)
    });
    if made.is_err() {
        // The error to report is why it failed; the leftover has a name that says what it is.
        let _ = folder.remove_file(NEW);
    }
    made
}

/// Opens a folder; those on the way that are not there are made.
fn folder(tree: &Tree, path: &[u8], owner: (u32, u32)) -> io::Result<Handle> {
    let mut here = tree.handle()?;
    for name in path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
        here = match here.open_dir(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = here.create_dir(name)?;
                let modified = made.stat_self()?.modified;
                set_attributes(&made, host::is_root().then_some(owner), FOLDER_MODE, modified)?;
                made
            }
            other => other?,
        };
    }
    Ok(here)
}
