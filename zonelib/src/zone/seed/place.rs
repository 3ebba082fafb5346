//! Where a seed is written to. What lies in the root of a zone is reached through the root that is held by capability; what
//! lies elsewhere, through the folder that an administrator has named.

use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use crate::config::{self, ZoneName};
use crate::journal::{RootOf, StateDir};
use crate::root::{FileKind, Tree};
use crate::storage::ROOT;

use super::image;
use crate::zone::ZoneError;

/// A place for a file or a directory: the folder that it is in, and its name there.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    /// As a whole.
    pub(super) path: PathBuf,
    /// Its name.
    pub(super) name: String,
    pub(super) folder: Folder,
}

/// A folder.
#[derive(Clone, Debug)]
pub(super) enum Folder {
    /// On the host.
    Host(PathBuf),
    /// In the root of a zone.
    Zone {
        /// The zone.
        zone: ZoneName,
        /// Its root.
        root: RootOf,
        /// Where in the root, without `/` before it.
        path: String,
    },
}

/// What is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum There {
    Nothing,
    /// A file, of which this is the beginning.
    File(Vec<u8>),
    /// A directory with these names in it.
    Directory(Vec<String>),
}

impl Spot {
    /// Where a path leads. Nothing is followed that the root user of a zone may have made.
    pub(super) fn of(path: &Path) -> Result<Self, ZoneError> {
        let refuse = |why: &str| Err(ZoneError::Refused(format!("{}: {why}", path.display())));
        let absolute = std::path::absolute(path).map_err(ZoneError::system(path))?;
        let plain: PathBuf = absolute.components().collect();
        if !image::is_plain(&plain) {
            return refuse("has letters in its name that cannot be said; choose another");
        }
        if plain.components().any(|part| part == Component::ParentDir) {
            return refuse("has a `..` in it; say where it is without");
        }
        let (Some(parent), Some(name)) = (plain.parent(), plain.file_name().and_then(|name| name.to_str())) else {
            return refuse("is no place for it");
        };
        let name = name.to_owned();
        let zones = config::index().map_err(ZoneError::system(Path::new("/etc/zones/index")))?;
        let within = |zone: &config::Indexed, folder: &Path| {
            folder.strip_prefix(zone.zonepath.join(ROOT)).ok().and_then(Path::to_str).map(str::to_owned)
        };
        for zone in &zones {
            if let Some(path) = within(zone, parent) {
                let root = RootOf::Zone { zone: zone.name.clone(), zonepath: zone.zonepath.clone() };
                let folder = Folder::Zone { zone: zone.name.clone(), root, path };
                return Ok(Self { path: plain, name, folder });
            }
        }
        // Under another name of the zonepath, or by a link, which may be one of the zone's own.
        let real = parent.canonicalize().map_err(ZoneError::system(parent))?;
        if let Some(zone) = zones.iter().find(|zone| within(zone, &real).is_some()) {
            let (zone, zonepath) = (&zone.name, zone.zonepath.display());
            return refuse(&format!("a link leads into the root of zone `{zone}`; say where it is below {zonepath}"));
        }
        let folder = Folder::Host(parent.to_owned());
        Ok(Self { path: plain, name, folder })
    }

    /// Works in the folder.
    pub(super) fn within<R>(
        &self,
        state: &StateDir,
        work: impl FnOnce(&Tree) -> Result<R, ZoneError>,
    ) -> Result<R, ZoneError> {
        match &self.folder {
            Folder::Host(folder) => work(&Tree::open(folder).map_err(ZoneError::system(folder))?),
            Folder::Zone { root, path, .. } => {
                let done = root.within(state, |root| -> Result<R, Failed> {
                    let folder = if path.is_empty() { None } else { Some(root.enter(path.as_bytes())?) };
                    work(folder.as_ref().unwrap_or(root)).map_err(Failed::Work)
                });
                done.map_err(|failed| match failed {
                    Failed::Root(error) => ZoneError::system(self.path.parent().unwrap_or(&self.path))(error),
                    Failed::Work(error) => error,
                })
            }
        }
    }

    /// What is there.
    pub(super) fn look(&self, state: &StateDir) -> Result<There, ZoneError> {
        self.within(state, |tree| {
            let fail = || ZoneError::system(&self.path);
            let handle = tree.handle().map_err(fail())?;
            let name = self.name.as_bytes();
            match handle.stat(name).map_err(fail())?.map(|stat| stat.kind) {
                None => Ok(There::Nothing),
                Some(FileKind::Regular) => {
                    let (file, _) = handle.open_file(name).map_err(fail())?;
                    let mut head = Vec::new();
                    file.take(image::HEAD).read_to_end(&mut head).map_err(fail())?;
                    Ok(There::File(head))
                }
                Some(FileKind::Directory) => {
                    let names = handle.open_dir(name).and_then(|folder| folder.list()).map_err(fail())?;
                    let text = |(name, _): (Vec<u8>, FileKind)| String::from_utf8_lossy(&name).into_owned();
                    Ok(There::Directory(names.into_iter().map(text).collect()))
                }
                Some(_) => Err(ZoneError::Refused(format!(
                    "{}: is a link or a device; name what it leads to, or remove it",
                    self.path.display()
                ))),
            }
        })
    }

    /// The zone's root, and where in it something is that is in the folder.
    pub(super) fn in_zone(&self, name: &str) -> Option<(RootOf, String)> {
        let Folder::Zone { root, path, .. } = &self.folder else { return None };
        Some((root.clone(), if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }))
    }
}

/// Why nothing was done in a folder.
enum Failed {
    /// It cannot be opened.
    Root(io::Error),
    Work(ZoneError),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Root(error)
    }
}
