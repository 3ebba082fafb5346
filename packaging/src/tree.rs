//! A tree that `make install` laid out, as the packages see it: with owners, and with times that do not depend on when it
//! was made.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// Directories whose group is `sys` in the packages of illumos. That of every other one, and of every file, is `bin`;
/// everything belongs to root. Directories that packages share must be the same in all of them.
const OF_SYS: [&str; 4] = ["etc", "etc/zones", "usr", "usr/share"];

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A file, with its content.
    File(Vec<u8>),
    /// A symbolic link, with its target.
    Link(String),
}

/// One object of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Relative to the top.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    /// The group's name; the owner is root.
    pub group: &'static str,
    /// When it was changed, in seconds since 1970.
    pub modified: i64,
}

/// The whole tree, sorted by path.
#[derive(Clone, Debug)]
pub struct Tree {
    /// Its objects.
    pub entries: Vec<Entry>,
    /// The time of what is made for the package: that given, or else of the newest file.
    pub modified: i64,
}

impl Tree {
    /// Reads a tree. `time`, in seconds since 1970, takes the place of the times of all files.
    ///
    /// # Errors
    /// It cannot be read, or there is something in it that a package cannot hold.
    pub fn read(top: &Path, time: Option<i64>) -> Result<Self, Error> {
        let mut entries = Vec::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let path = top.join(&folder);
            for found in fs::read_dir(&path).map_err(Error::at(&path))? {
                let relative = folder.join(found.map_err(Error::at(&path))?.file_name());
                let entry = Entry::read(top, &relative, time)?;
                if entry.kind == Kind::Directory {
                    folders.push(relative);
                }
                entries.push(entry);
            }
        }
        if entries.is_empty() {
            return Err(Error::Strange { path: top.to_owned(), why: "it is empty" });
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let files = entries.iter().filter(|entry| matches!(entry.kind, Kind::File(_)));
        let modified = time.unwrap_or_else(|| files.map(|entry| entry.modified).max().unwrap_or_default());
        Ok(Self { entries, modified })
    }
}

impl Entry {
    fn read(top: &Path, relative: &Path, time: Option<i64>) -> Result<Self, Error> {
        let full = top.join(relative);
        let strange = |why| Error::Strange { path: full.clone(), why };
        let path = plain(relative).ok_or_else(|| strange("a name may hold only ASCII letters, digits and -_.,+"))?;
        let metadata = fs::symlink_metadata(&full).map_err(Error::at(&full))?;
        let kind = if metadata.is_dir() {
            Kind::Directory
        } else if metadata.is_file() {
            Kind::File(fs::read(&full).map_err(Error::at(&full))?)
        } else if metadata.is_symlink() {
            let target = fs::read_link(&full).map_err(Error::at(&full))?;
            Kind::Link(plain(&target).ok_or_else(|| strange("the target of the link is not a plain path"))?)
        } else {
            return Err(strange("it is no file, directory or link"));
        };
        let group = if OF_SYS.contains(&path.as_str()) { "sys" } else { "bin" };
        let mode = metadata.permissions().mode() & 0o7777;
        Ok(Self { path, kind, mode, group, modified: time.unwrap_or_else(|| metadata.mtime()) })
    }

    /// The content of a file.
    #[must_use]
    pub fn content(&self) -> Option<&[u8]> {
        match &self.kind {
            Kind::File(content) => Some(content),
            _ => None,
        }
    }
}

/// A path of characters that mean nothing to pkgmap(5), to IPS or to a shell.
fn plain(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.,+/".contains(&byte);
    (!text.is_empty() && text.bytes().all(fine)).then(|| text.to_owned())
}
