//! What a zone says of itself: its package database, and which packages it installed itself.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use contents::database::CONTENTS;
use contents::image::PENDING;
use contents::overlay::Overlays;
use contents::{Contents, Entry, OverlayName};

use crate::populate::{PACKAGES, SAVE, Wanted, is_absence, packages};
use crate::root::{FileKind, Tree};

use super::UpdateError;

/// No database of packages comes near to this.
const SIZE_LIMIT: u64 = 256 * 1024 * 1024;

/// What packages had delivered when the zone was made, or last updated.
#[derive(Debug)]
pub struct Then {
    root: PathBuf,
    text: Vec<u8>,
    /// Packages that the zone installed itself: theirs is a folder of saved files, which no zone gets
    /// from the global zone.
    own: BTreeSet<Vec<u8>>,
    /// Packages that have a folder.
    folders: Vec<Vec<u8>>,
    /// Overlays that count as installed in the zone.
    overlays: Vec<Vec<u8>>,
}

impl Then {
    /// Reads the zone's database and looks at its package folders.
    ///
    /// # Errors
    /// [`UpdateError`]: the zone has no database, one that is too large, or one that lags behind.
    pub fn read(root: &Tree) -> Result<Self, UpdateError> {
        let unreadable = |source| UpdateError::NoDatabase { root: root.path().to_owned(), source };
        if pending(root).map_err(unreadable)? {
            return Err(UpdateError::Pending { root: root.path().to_owned() });
        }
        let text = root.read(CONTENTS.as_bytes(), SIZE_LIMIT).map_err(unreadable)?;
        let look = |path: &'static str| {
            let root = root.path().to_owned();
            move |source| UpdateError::Look { path: root.join(path), source }
        };
        let folders = names(root, PACKAGES, FileKind::Directory).map_err(look("var/sadm/pkg"))?;
        Ok(Self {
            root: root.path().to_owned(),
            text,
            own: own_packages(root, &folders).map_err(look("var/sadm/pkg"))?,
            folders,
            overlays: names(root, b"var/sadm/overlays/installed", FileKind::Regular)
                .map_err(look("var/sadm/overlays/installed"))?,
        })
    }

    /// A zone with this database and these packages of its own.
    #[cfg(test)]
    pub(super) fn of(text: &[u8], own: &[&str]) -> Self {
        let own = own.iter().map(|name| name.as_bytes().to_vec()).collect();
        Self { root: PathBuf::new(), text: text.to_vec(), own, folders: Vec::new(), overlays: Vec::new() }
    }

    /// The zone's database.
    ///
    /// # Errors
    /// [`UpdateError::Database`]: a line that is not as contents(5) says.
    pub fn contents(&self) -> Result<Contents<'_>, UpdateError> {
        Contents::parse_halves(Path::new(CONTENTS), &self.text)
            .map_err(|source| UpdateError::Database { root: self.root.clone(), source })
    }

    /// Packages that the zone installed itself.
    #[must_use]
    pub fn own(&self) -> &BTreeSet<Vec<u8>> {
        &self.own
    }

    /// The choice that a zone made of the packages of an image, for brands whose zones have one: what
    /// it has now, as far as the image knows it. Overlays of the zone bring what they list now.
    #[must_use]
    pub fn wanted(&self, zone: &Contents<'_>, image: &Contents<'_>, overlays: &Overlays) -> Wanted {
        let installed = packages(image);
        let name = |name: &[u8]| std::str::from_utf8(name).map(str::to_owned).ok();
        let known = |name: &OverlayName| overlays.get(name).is_some();
        let mut had: BTreeSet<&[u8]> = packages(zone);
        had.extend(self.folders.iter().map(Vec::as_slice));
        Wanted {
            overlays: self
                .overlays
                .iter()
                .filter_map(|name| OverlayName::from_bytes(name).ok())
                .filter(known)
                .collect(),
            packages: had.intersection(&installed).filter_map(|package| name(package)).collect(),
        }
    }

    /// Packages that have a folder in the zone.
    pub(super) fn folders(&self) -> &[Vec<u8>] {
        &self.folders
    }

    /// Whether the zone alone has brought an object.
    pub(super) fn is_own(&self, entry: &Entry<'_>) -> bool {
        !self.own.is_empty() && entry.packages().all(|package| self.own.contains(package.name))
    }

    /// Whether the zone has its part in an object.
    pub(super) fn has_part_in(&self, entry: &Entry<'_>) -> bool {
        !self.own.is_empty() && entry.packages().any(|package| self.own.contains(package.name))
    }
}

/// Whether changes wait that the database does not have, as [`contents::image::has_pending_changes`]
/// finds in an image; here no link is followed.
fn pending(root: &Tree) -> io::Result<bool> {
    let (directory, name) = crate::populate::split(PENDING.as_bytes());
    let found = root.open_dir(directory)?.stat(name)?;
    Ok(found.is_some_and(|stat| stat.kind != FileKind::Regular || stat.size > 0))
}

/// The names of one kind in a directory of the zone; none when it is not there.
pub(super) fn names(root: &Tree, path: &[u8], kind: FileKind) -> io::Result<Vec<Vec<u8>>> {
    let handle = match root.open_dir(path) {
        Ok(handle) => handle,
        Err(error) if is_absence(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names: Vec<Vec<u8>> =
        handle.list()?.into_iter().filter(|(_, found)| *found == kind).map(|(name, _)| name).collect();
    names.sort();
    Ok(names)
}

fn own_packages(root: &Tree, folders: &[Vec<u8>]) -> io::Result<BTreeSet<Vec<u8>>> {
    let mut own = BTreeSet::new();
    for name in folders {
        let saved = match root.open_dir(&[PACKAGES, b"/", name].concat()) {
            Ok(package) => package.stat(SAVE)?.is_some_and(|stat| stat.kind == FileKind::Directory),
            Err(error) if is_absence(&error) => false,
            Err(error) => return Err(error),
        };
        if saved {
            own.insert(name.clone());
        }
    }
    Ok(own)
}
