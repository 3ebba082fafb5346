//! What a zone gets that no entry of the database names: package metadata, overlays, catalogues.
//! These are copied as they are, with live attributes and times.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;

use contents::names::OverlayName;

use crate::root::{FileKind, Handle, Timestamp, Tree};

use super::PlanError;
use super::action::{Action, Attributes, Modified, Origin, Source, Text, What};
use super::live::open_dir;

pub(crate) const PACKAGES: &[u8] = b"var/sadm/pkg";
pub(crate) const OVERLAYS: &[u8] = b"var/sadm/overlays";
const INSTALLED: &[u8] = b"var/sadm/overlays/installed";
/// A package's saved files: pristine copies, which a zone has in place, and backout data.
pub(crate) const SAVE: &[u8] = b"save";
/// Metadata is shallow; what is deeper was not made by pkgadd(8).
const DEPTH: usize = 32;

type WalkError = (Vec<u8>, io::Error);

/// All metadata of a tree. To list it takes no database, so it can be done while that is read.
#[derive(Debug, Default)]
pub struct Listing {
    /// By path within each package, the packages by name, then the overlays.
    actions: Vec<Action<'static>>,
    /// What belongs to which package; the package folder itself belongs to none.
    packages: Vec<(Vec<u8>, Range<usize>)>,
    /// Where the overlays start.
    overlays: usize,
}

impl Listing {
    /// Lists the package folders and overlays of a tree.
    ///
    /// # Errors
    /// [`PlanError::Read`].
    pub fn collect(tree: &Tree, origin: Origin) -> Result<Self, PlanError> {
        let mut walk = Walk { tree, origin, listing: Self::default() };
        walk.packages().and_then(|()| walk.overlays()).map_err(|(path, source)| PlanError::Read {
            path: tree.path().join(std::ffi::OsStr::from_bytes(&path)),
            source,
        })?;
        Ok(walk.listing)
    }

    /// What a zone gets of it: not the skipped packages; with `kept`, exactly those overlays count as
    /// installed.
    pub(super) fn select<'a>(
        &'a self,
        skip: &dyn Fn(&[u8]) -> bool,
        kept: Option<&BTreeSet<OverlayName>>,
        updated: Timestamp,
    ) -> Vec<Action<'a>> {
        let mut out: Vec<Action<'a>> = Vec::with_capacity(self.actions.len());
        let folder = self.packages.first().map_or(self.overlays, |(_, range)| range.start);
        out.extend(self.actions[..folder].iter().map(borrow));
        for (_, range) in self.packages.iter().filter(|(name, _)| !skip(name)) {
            out.extend(self.actions[range.clone()].iter().map(borrow));
        }
        let mut missing: BTreeSet<&[u8]> = kept.into_iter().flatten().map(OverlayName::as_bytes).collect();
        for action in &self.actions[self.overlays..] {
            let marker = action.path.strip_prefix(INSTALLED).and_then(|rest| rest.strip_prefix(b"/"));
            match (kept, marker) {
                (Some(_), Some(name)) if !missing.remove(name) => {}
                _ => out.push(borrow(action)),
            }
        }
        for name in missing {
            let attributes = Attributes::known(0o644, 0, 0);
            let what = What::Text { bytes: Text::default(), attributes, modified: updated };
            out.push(Action { path: Cow::Owned(join(INSTALLED, name)), what });
        }
        out
    }
}

fn borrow<'a>(action: &'a Action<'static>) -> Action<'a> {
    Action { path: Cow::Borrowed(&action.path), what: action.what.clone() }
}

/// Lists trees of metadata.
struct Walk<'w> {
    tree: &'w Tree,
    origin: Origin,
    listing: Listing,
}

fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(directory.len() + 1 + name.len());
    path.extend_from_slice(directory);
    path.push(b'/');
    path.extend_from_slice(name);
    path
}

fn sorted(handle: &Handle, path: &[u8]) -> Result<Vec<(Vec<u8>, FileKind)>, WalkError> {
    let mut names = handle.list().map_err(|error| (path.to_vec(), error))?;
    names.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(names)
}

impl Walk<'_> {
    /// Package folders, without the saved files right inside each.
    fn packages(&mut self) -> Result<(), WalkError> {
        let Some(handle) = open_dir(self.tree, PACKAGES).map_err(|error| (PACKAGES.to_vec(), error))? else {
            return Ok(());
        };
        self.directory(PACKAGES.to_vec());
        let saved = |depth, name: &[u8], kind| depth == 0 && name == SAVE && kind == FileKind::Directory;
        for (name, kind) in sorted(&handle, PACKAGES)? {
            let path = join(PACKAGES, &name);
            let start = self.listing.actions.len();
            if kind == FileKind::Directory {
                let package = handle.open_dir(&name).map_err(|error| (path.clone(), error))?;
                self.walk(&package, path, &saved, 0)?;
            } else {
                self.leaf(&handle, &name, kind, path)?;
            }
            self.listing.packages.push((name, start..self.listing.actions.len()));
        }
        Ok(())
    }

    /// Overlay definitions and markers.
    fn overlays(&mut self) -> Result<(), WalkError> {
        self.listing.overlays = self.listing.actions.len();
        match open_dir(self.tree, OVERLAYS).map_err(|error| (OVERLAYS.to_vec(), error))? {
            Some(handle) => self.walk(&handle, OVERLAYS.to_vec(), &|_, _, _| false, 0),
            None => Ok(()),
        }
    }

    fn walk(
        &mut self,
        handle: &Handle,
        path: Vec<u8>,
        skip: &dyn Fn(usize, &[u8], FileKind) -> bool,
        depth: usize,
    ) -> Result<(), WalkError> {
        if depth > DEPTH {
            return Err((path, io::Error::new(io::ErrorKind::InvalidData, "is nested too deep for package metadata")));
        }
        self.directory(path.clone());
        for (name, kind) in sorted(handle, &path)? {
            if skip(depth, &name, kind) {
                continue;
            }
            let below = join(&path, &name);
            if kind == FileKind::Directory {
                let next = handle.open_dir(&name).map_err(|error| (below.clone(), error))?;
                self.walk(&next, below, skip, depth + 1)?;
            } else {
                self.leaf(handle, &name, kind, below)?;
            }
        }
        Ok(())
    }

    fn directory(&mut self, path: Vec<u8>) {
        let what = What::Directory { attributes: Attributes::default(), modified: Modified::Live };
        self.listing.actions.push(Action { path: Cow::Owned(path), what });
    }

    /// Files and links; pipes, devices and sockets are no metadata.
    fn leaf(&mut self, handle: &Handle, name: &[u8], kind: FileKind, path: Vec<u8>) -> Result<(), WalkError> {
        match kind {
            FileKind::Regular => self.listing.actions.push(as_it_is(path, self.origin)),
            FileKind::Symlink => {
                let link = || -> io::Result<What<'static>> {
                    let target = Cow::Owned(handle.read_link(name)?);
                    let stat = handle.stat(name)?.ok_or(io::ErrorKind::NotFound)?;
                    Ok(What::Symlink { target, owner: (stat.uid, stat.gid), modified: stat.modified })
                };
                let what = link().map_err(|error| (path.clone(), error))?;
                self.listing.actions.push(Action { path: Cow::Owned(path), what });
            }
            _ => {}
        }
        Ok(())
    }
}

fn as_it_is(path: Vec<u8>, origin: Origin) -> Action<'static> {
    let what = What::File {
        source: Source { origin, path: None },
        attributes: Attributes::default(),
        modified: Modified::Live,
        packaged: None,
        editable: false,
    };
    Action { path: Cow::Owned(path), what }
}

/// Files of a directory of the image whose names end in one of the suffixes.
pub(super) fn catalogues(
    image: &Tree,
    directory: &[u8],
    suffixes: &[String],
    out: &mut Vec<Action<'_>>,
) -> io::Result<()> {
    let Some(handle) = open_dir(image, directory)? else { return Ok(()) };
    let mut names = handle.list()?;
    names.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, kind) in names {
        let wanted = suffixes.iter().any(|suffix| name.ends_with(suffix.as_bytes()));
        if kind == FileKind::Regular && wanted {
            out.push(as_it_is(join(directory, &name), Origin::Image));
        }
    }
    Ok(())
}

/// Packages with an executable postinstall script in their spool that does not mention `add_drv`: a
/// zone has no drivers. In the order of their names.
pub(super) fn postinstalls(tree: &Tree, skip: &dyn Fn(&[u8]) -> bool) -> Result<Vec<String>, WalkError> {
    /// A script larger than this is not one.
    const LIMIT: u64 = 16 * 1024 * 1024;
    let mut packages = Vec::new();
    let Some(handle) = open_dir(tree, PACKAGES).map_err(|error| (PACKAGES.to_vec(), error))? else {
        return Ok(packages);
    };
    for (name, kind) in sorted(&handle, PACKAGES)? {
        let Ok(package) = std::str::from_utf8(&name) else { continue };
        if kind != FileKind::Directory || skip(&name) {
            continue;
        }
        let path = postinstall_path(package);
        match tree.open_file(path.as_bytes()) {
            Ok((_, stat)) if stat.mode & 0o111 == 0 => {}
            Ok(_) => {
                let text = tree.read(path.as_bytes(), LIMIT).map_err(|error| (path.into_bytes(), error))?;
                if memchr::memmem::find(&text, b"add_drv").is_none() {
                    packages.push(package.to_owned());
                }
            }
            Err(error) if super::live::is_absence(&error) => {}
            Err(error) => return Err((path.into_bytes(), error)),
        }
    }
    Ok(packages)
}

/// Where a package's postinstall script is spooled, below the image root.
#[must_use]
pub fn postinstall_path(package: &str) -> String {
    format!("{}/{package}/save/pspool/{package}/install/postinstall", std::ffi::OsStr::from_bytes(PACKAGES).display())
}
