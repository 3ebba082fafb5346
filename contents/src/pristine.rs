//! The package's own copies of editable and volatile files.
//!
//! When a package is installed, its `e` and `v` files are also copied, as they came, below
//! `var/sadm/pkg/PKG/save/pspool/PKG`: into `reloc` under their relative path, or into `root` under
//! their absolute one. Source: `cppath()` of pkginstall.
//!
//! Folders are entered one by one and never through a symbolic link, whatever an image holds, so a
//! name of any shape leads to a copy below its own package or to none.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use crate::error::Error;
use crate::fields::check_absolute;
use crate::image::{present, read_named};
use crate::names::PackageName;
use crate::pkginfo::PackageInfo;
use crate::pkgmap::Pkgmap;

/// Where the packages are, below an image root.
pub const PACKAGES: &str = "var/sadm/pkg";

/// How many packages are kept open. Processes of illumos may have only 256 open files.
const KEPT_OPEN: usize = 32;

/// What a package says of a file that it delivers. Attributes that it leaves open (`?`) are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackagedAttributes {
    /// Permission bits with set-id and sticky bits, which the copy itself has lost.
    pub mode: Option<u32>,
    /// The owner's name.
    pub owner: Option<Vec<u8>>,
    /// The group's name.
    pub group: Option<Vec<u8>>,
    /// Modification time in seconds since 1970.
    pub modified: Option<i64>,
}

/// Finds pristine copies in one image. Keep it for a whole run: packages stay open between questions,
/// so that one costs a few system calls.
#[derive(Debug)]
pub struct Pristine {
    packages: Option<Dir>,
    open: BTreeMap<PackageName, Option<Spool>>,
}

/// The folders of one package that are looked into.
#[derive(Debug)]
struct Spool {
    /// `var/sadm/pkg/PKG`
    package: Dir,
    /// `var/sadm/pkg/PKG/save/pspool/PKG`
    spool: Dir,
    /// `BASEDIR`, once it has been asked for.
    basedir: Option<Vec<u8>>,
}

/// The path, relative to the image root, of the pristine copy of one file. For more than one,
/// [`Pristine`] is cheaper.
///
/// # Errors
/// As [`Pristine::find`].
pub fn find(image: &Dir, package: &[u8], path: &[u8]) -> Result<Option<PathBuf>, Error> {
    Pristine::new(image)?.find(package, path)
}

impl Pristine {
    /// Opens the image's package folder. Without one, no file has a copy.
    ///
    /// # Errors
    /// The folder is there and cannot be opened.
    pub fn new(image: &Dir) -> Result<Self, Error> {
        let packages = enter_all(image, Path::new(PACKAGES)).map_err(|source| Error::read(PACKAGES, source))?;
        Ok(Self { packages, open: BTreeMap::new() })
    }

    /// The path, relative to the image root, of the package's copy of a file: a regular file, reached
    /// through no symbolic link. `path` is the file's path as contents(5) has it, absolute.
    ///
    /// Looked for in `reloc`, in `root`, and, when the package's base directory is another than `/`,
    /// in `reloc` by the path relative to that.
    ///
    /// # Errors
    /// [`Error::Read`]: the package's name or the path breaks the rules for such names, or a folder or
    /// the package's `pkginfo` cannot be read. [`Error::Damaged`]: its `pkginfo` is.
    pub fn find(&mut self, package: &[u8], path: &[u8]) -> Result<Option<PathBuf>, Error> {
        let (name, relative) = (package_name(package)?, below_root(path)?);
        let Some(spool) = self.spool(&name)? else {
            return Ok(None);
        };
        for tree in ["reloc", "root"] {
            if let Some(found) = spool.copy(&name, tree, relative)? {
                return Ok(Some(found));
            }
        }
        match relative_to(path, spool.basedir(&name)?) {
            Some(relative) => spool.copy(&name, "reloc", relative),
            None => Ok(None),
        }
    }

    /// What the package's own pkgmap says of a file; `None` when there is no such pkgmap, or nothing in
    /// it of this path. Reads the whole pkgmap each time.
    ///
    /// # Errors
    /// As [`Self::find`], and what is wrong with the pkgmap.
    pub fn packaged_attributes(&mut self, package: &[u8], path: &[u8]) -> Result<Option<PackagedAttributes>, Error> {
        let (name, relative) = (package_name(package)?, below_root(path)?);
        let Some(spool) = self.spool(&name)? else {
            return Ok(None);
        };
        let shown = spool_path(&name).join("pkgmap");
        let Some(text) = present(read_named(&spool.spool, Path::new("pkgmap"), &shown))? else {
            return Ok(None);
        };
        let map = Pkgmap::parse(&shown, &text)?;
        let entry = match map.get(relative).or_else(|| map.get(path)) {
            Some(entry) => Some(entry),
            None => relative_to(path, spool.basedir(&name)?).and_then(|relative| map.get(relative)),
        };
        Ok(entry.map(|entry| PackagedAttributes {
            mode: entry.mode(),
            owner: entry.owner().map(<[u8]>::to_vec),
            group: entry.group().map(<[u8]>::to_vec),
            modified: entry.modified(),
        }))
    }

    fn spool(&mut self, name: &PackageName) -> Result<Option<&mut Spool>, Error> {
        let Some(packages) = &self.packages else {
            return Ok(None);
        };
        if !self.open.contains_key(name) {
            if self.open.len() >= KEPT_OPEN {
                self.open.clear();
            }
            let spool = Spool::open(packages, name).map_err(|source| Error::read(spool_path(name), source))?;
            self.open.insert(name.clone(), spool);
        }
        Ok(self.open.get_mut(name).and_then(Option::as_mut))
    }
}

impl Spool {
    fn open(packages: &Dir, name: &PackageName) -> io::Result<Option<Self>> {
        let Some(package) = enter(packages, name.as_bytes())? else {
            return Ok(None);
        };
        let spool = enter_all(&package, &Path::new("save/pspool").join(name.as_str()))?;
        Ok(spool.map(|spool| Self { package, spool, basedir: None }))
    }

    /// The base directory that the package was installed with.
    fn basedir(&mut self, name: &PackageName) -> Result<&[u8], Error> {
        let known = match self.basedir.take() {
            Some(known) => known,
            None => {
                let shown = Path::new(PACKAGES).join(name.as_str()).join("pkginfo");
                match present(read_named(&self.package, Path::new("pkginfo"), &shown))? {
                    Some(text) => PackageInfo::parse(&shown, &text)?.basedir().to_vec(),
                    None => b"/".to_vec(),
                }
            }
        };
        Ok(self.basedir.insert(known))
    }

    /// The copy at `tree/path`, if it is a regular file.
    fn copy(&self, name: &PackageName, tree: &str, path: &[u8]) -> Result<Option<PathBuf>, Error> {
        let relative = Path::new(tree).join(OsStr::from_bytes(path));
        match is_regular(&self.spool, &relative) {
            Ok(false) => Ok(None),
            Ok(true) => Ok(Some(spool_path(name).join(relative))),
            Err(source) => Err(Error::read(spool_path(name).join(relative), source)),
        }
    }
}

fn spool_path(name: &PackageName) -> PathBuf {
    [PACKAGES, name.as_str(), "save/pspool", name.as_str()].iter().collect()
}

fn package_name(bytes: &[u8]) -> Result<PackageName, Error> {
    PackageName::from_bytes(bytes)
        .map_err(|error| Error::read(PACKAGES, io::Error::new(io::ErrorKind::InvalidInput, error)))
}

/// An absolute path without its slash.
fn below_root(path: &[u8]) -> Result<&[u8], Error> {
    check_absolute(path).map_err(|problem| {
        Error::read(OsStr::from_bytes(path), io::Error::new(io::ErrorKind::InvalidInput, problem.to_string()))
    })?;
    Ok(&path[1..])
}

/// The path below a base directory that is not the root.
fn relative_to<'a>(path: &'a [u8], basedir: &[u8]) -> Option<&'a [u8]> {
    if basedir == b"/" { None } else { path.strip_prefix(basedir)?.strip_prefix(b"/") }
}

fn is_regular(dir: &Dir, path: &Path) -> io::Result<bool> {
    let (Some(parent), Some(leaf)) = (path.parent(), path.file_name()) else {
        return Ok(false);
    };
    let Some(folder) = enter_all(dir, parent)? else {
        return Ok(false);
    };
    match statat(&folder, leaf, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile),
        Err(error) => absent(error).map(|()| false),
    }
}

/// Enters one folder after another. `path` has ordinary components only.
fn enter_all(dir: &Dir, path: &Path) -> io::Result<Option<Dir>> {
    let mut components = path.iter();
    let Some(first) = components.next() else {
        return Ok(None);
    };
    let mut at = enter(dir, first.as_bytes())?;
    for component in components {
        let Some(folder) = at else {
            return Ok(None);
        };
        at = enter(&folder, component.as_bytes())?;
    }
    Ok(at)
}

/// Opens a folder that is really one.
fn enter(dir: &Dir, name: &[u8]) -> io::Result<Option<Dir>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(dir, name, flags, Mode::empty()) {
        Ok(folder) => Ok(Some(Dir::from_std_file(folder.into()))),
        Err(error) => absent(error).map(|()| None),
    }
}

/// Whether the error says that there is no such folder or file: nothing of the name, something else, a
/// symbolic link, or a name that no file can have.
fn absent(error: Errno) -> io::Result<()> {
    match error {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG => Ok(()),
        other => Err(other.into()),
    }
}

#[cfg(test)]
#[path = "pristine_tests.rs"]
mod tests;
