//! What became of packaged files after installation.

use std::io;
use std::os::unix::fs::MetadataExt;

use super::accounts;
use super::content::Content;
use super::delivery::INSTALLED;
use super::plan::{Change, Form, Plan};
use super::tree::{Attributes, Tree};

/// When the running system was edited. Its clock has nanoseconds, pkgadd's has not.
const EDITED: i64 = INSTALLED + 4_000_000;
const EDITED_NANOSECONDS: u32 = 123_456_789;

/// Writes what no package owns.
pub(crate) fn strays(tree: &mut Tree, plan: &Plan) -> io::Result<()> {
    for stray in &plan.strays {
        let attributes = Attributes { nanoseconds: 987_654_321, ..Attributes::root(stray.mode, EDITED) };
        match &stray.form {
            Form::File(content) => tree.file(&stray.path, content, attributes)?,
            Form::Symlink(target) => tree.symlink(&stray.path, target.as_bytes(), EDITED)?,
            Form::HardLink(of) => tree.hard_link(&stray.path, of.as_bytes())?,
        }
    }
    Ok(())
}

/// Changes what packages own.
pub(crate) fn changes(tree: &mut Tree, plan: &Plan) -> io::Result<()> {
    for (path, change) in &plan.changes {
        apply(tree, path, change).map_err(|error| {
            let path = String::from_utf8_lossy(path);
            io::Error::new(error.kind(), format!("{path}: {change:?}: {error}"))
        })?;
    }
    Ok(())
}

fn apply(tree: &mut Tree, path: &[u8], change: &Change) -> io::Result<()> {
    let place = tree.on_disk(path);
    let metadata = std::fs::symlink_metadata(&place)?;
    let now = Attributes {
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        seconds: metadata.mtime(),
        nanoseconds: u32::try_from(metadata.mtime_nsec()).unwrap_or_default(),
    };
    let edited = Attributes { seconds: EDITED, nanoseconds: EDITED_NANOSECONDS, ..now };
    match change {
        Change::Append(text) => {
            let mut bytes = read(tree, path, now)?;
            bytes.extend_from_slice(text.as_bytes());
            tree.rewrite(path, &Content::Bytes(bytes))?;
            tree.dress(&place, edited)
        }
        Change::Write(content) => {
            tree.rewrite(path, content)?;
            tree.dress(&place, edited)
        }
        Change::Mode(mode) => tree.dress(&place, Attributes { mode: *mode, ..now }),
        Change::Owner(owner, group) => {
            tree.dress(&place, Attributes { uid: accounts::uid(owner)?, gid: accounts::gid(group)?, ..now })
        }
        Change::Time(seconds, nanoseconds) => {
            tree.dress(&place, Attributes { seconds: *seconds, nanoseconds: *nanoseconds, ..now })
        }
        Change::Remove => tree.remove(path),
        Change::Symlink(target) => {
            tree.remove(path)?;
            tree.symlink(path, target.as_bytes(), EDITED)
        }
        Change::Directory => {
            tree.remove(path)?;
            tree.directory(path, Attributes { mode: 0o755, ..edited })?;
            tree.file(&[path, b"/inside"].concat(), &"put here by hand\n".into(), Attributes::root(0o644, EDITED))
        }
        Change::File => {
            tree.remove(path)?;
            tree.file(path, &"put here by hand\n".into(), Attributes::root(0o644, EDITED))
        }
        Change::Move { to, link } => {
            tree.rename(path, to.as_bytes())?;
            tree.symlink(path, link.as_bytes(), EDITED)
        }
    }
}

/// Reads a file that its mode may forbid to read.
fn read(tree: &Tree, path: &[u8], now: Attributes) -> io::Result<Vec<u8>> {
    let place = tree.on_disk(path);
    tree.dress(&place, Attributes { mode: 0o600, ..now })?;
    let bytes = std::fs::read(&place)?;
    tree.dress(&place, now)?;
    Ok(bytes)
}
