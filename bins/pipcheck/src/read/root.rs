//! A root that is audited: what is below it is opened there, and links in it are followed as a process would follow
//! them that has it for `/`. Nothing outside of it is ever looked at.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

/// As many links as illumos and Linux follow in one path.
const LINKS: usize = 40;

/// A directory tree that is audited.
#[derive(Debug)]
pub struct Root {
    dir: Dir,
    shown: PathBuf,
}

/// A directory below a [`Root`].
#[derive(Debug)]
pub struct Folder {
    /// The directory.
    pub dir: Dir,
    /// Its path below the root, without links and without a leading slash.
    pub path: PathBuf,
}

impl Root {
    /// Opens a root by its path on this machine.
    ///
    /// # Errors
    /// It is not there, is no directory, or may not be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let dir = Dir::open_ambient_dir(path, ambient_authority())?;
        // Opening alone does not say so.
        dir.entries()?;
        Ok(Self { dir, shown: path.to_owned() })
    }

    /// The root, by capability.
    #[must_use]
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// The path on this machine that the root was opened by.
    #[must_use]
    pub fn shown(&self) -> &Path {
        &self.shown
    }

    /// The path of something below the root, as people on this machine call it.
    #[must_use]
    pub fn show(&self, below: &Path) -> PathBuf {
        if below.as_os_str().is_empty() { self.shown.clone() } else { self.shown.join(below) }
    }

    /// A path without links, relative to the root. `path` may be absolute, which means the same.
    ///
    /// # Errors
    /// Something on the way is not there, or there are more than 40 links.
    pub fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let mut waiting: VecDeque<OsString> = parts(path);
        let mut resolved = PathBuf::new();
        let mut links = 0;
        while let Some(part) = waiting.pop_front() {
            if part == OsStr::new("..") {
                resolved.pop();
                continue;
            }
            let next = resolved.join(&part);
            if !self.dir.symlink_metadata(&next)?.is_symlink() {
                resolved = next;
                continue;
            }
            links += 1;
            if links > LINKS {
                return Err(rustix::io::Errno::LOOP.into());
            }
            let target = self.dir.read_link_contents(&next)?;
            if target.is_absolute() {
                resolved = PathBuf::new();
            }
            for part in parts(&target).into_iter().rev() {
                waiting.push_front(part);
            }
        }
        Ok(resolved)
    }

    /// Opens a directory.
    ///
    /// # Errors
    /// As [`Root::resolve`], and when it cannot be read.
    pub fn folder(&self, path: &Path) -> io::Result<Folder> {
        let path = self.resolve(path)?;
        let dir = self.dir.open_dir(if path.as_os_str().is_empty() { Path::new(".") } else { &path })?;
        Ok(Folder { dir, path })
    }

    /// Opens a file for reading, without waiting for a writer if it is a pipe.
    ///
    /// # Errors
    /// As [`Root::resolve`], and when it cannot be read.
    pub fn file(&self, path: &Path) -> io::Result<File> {
        self.dir.open_with(self.resolve(path)?, &reading())
    }

    /// Reads a small regular file.
    ///
    /// # Errors
    /// It cannot be read, is not regular, or has more than `limit` bytes.
    pub fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        read_regular(self.file(path)?, limit)
    }

    /// The names in a directory, sorted; none when there is no such directory.
    #[must_use]
    pub fn names(&self, path: &Path) -> Vec<OsString> {
        let Ok(folder) = self.folder(path) else { return Vec::new() };
        let Ok(entries) = folder.dir.entries() else { return Vec::new() };
        let mut names: Vec<OsString> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        names
    }

    /// Whether there is a directory.
    #[must_use]
    pub fn has_folder(&self, path: &Path) -> bool {
        self.resolve(path).and_then(|path| self.dir.symlink_metadata(path)).is_ok_and(|found| found.is_dir())
    }

    /// Whether there is a regular file.
    #[must_use]
    pub fn has_file(&self, path: &Path) -> bool {
        self.resolve(path).and_then(|path| self.dir.symlink_metadata(path)).is_ok_and(|found| found.is_file())
    }
}

/// The way files are opened that may be anything.
#[must_use]
pub fn reading() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
    options
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// It cannot be read, is not regular, or is larger.
pub fn read_regular(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let found = file.metadata()?;
    if found.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory"));
    }
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is not a regular file"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found.len().min(limit)).unwrap_or(0) + 1);
    let read = file.into_std().take(limit + 1).read_to_end(&mut bytes)?;
    if read as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("is larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// The components that lead somewhere.
fn parts(path: &Path) -> VecDeque<OsString> {
    let lead = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(lead).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_lead_nowhere_but_below_the_root() {
        let scratch = tempfile::tempdir().unwrap();
        let top = scratch.path().join("root");
        fs::create_dir_all(top.join("usr/lib/deep")).unwrap();
        fs::write(scratch.path().join("secret"), "secret").unwrap();
        fs::write(top.join("secret"), "inside").unwrap();
        symlink("/usr/lib", top.join("absolute")).unwrap();
        symlink("usr/lib/../../absolute/deep", top.join("winding")).unwrap();
        symlink("../../../../../../secret", top.join("usr/lib/out")).unwrap();
        symlink("round", top.join("round")).unwrap();
        symlink("nothing", top.join("broken")).unwrap();
        let root = Root::open(&top).unwrap();
        assert_eq!(root.resolve(Path::new("/absolute/deep")).unwrap(), Path::new("usr/lib/deep"));
        assert_eq!(root.resolve(Path::new("winding")).unwrap(), Path::new("usr/lib/deep"));
        assert_eq!(root.read(Path::new("usr/lib/out"), 10).unwrap(), b"inside");
        assert_eq!(
            root.resolve(Path::new("round")).unwrap_err().raw_os_error(),
            Some(rustix::io::Errno::LOOP.raw_os_error())
        );
        assert_eq!(root.folder(Path::new("broken")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(root.read(Path::new("secret"), 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(root.read(Path::new("usr"), 3).unwrap_err().kind(), io::ErrorKind::IsADirectory);
    }
}
