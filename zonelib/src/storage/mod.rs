//! Where a zone root lives: in ZFS datasets that are tagged with the boot environment, or in a plain
//! directory.

mod directory;
mod open;
mod place;
mod zfs;

use std::path::{Path, PathBuf};

use crate::host::be::BeError;
use crate::host::zfs::ZfsError;
use crate::host::{HostError, mounts::Mounts};
use crate::journal::{Journal, JournalError};
use crate::root::Handle;

pub use crate::host::{DatasetError, DatasetName};
pub use directory::Directory;
use directory::make_whole;
pub(crate) use directory::{declare_whole, make_closed};
pub use open::{OpenError, OpenRoot};
pub use place::{keep_apart_from, keep_out_of};
pub(crate) use zfs::mount_private;
pub use zfs::{Zfs, ZoneDatasets, parent_dataset};

/// The dataset of a pool that holds its boot environments, and of a zonepath that holds its roots.
const ROOTS: &str = "ROOT";
/// The zone root's name in its zonepath.
pub const ROOT: &str = "root";
/// The mode of a finished zone root, which zoneadm(8) insists on.
pub const ROOT_MODE: u32 = 0o755;
/// The mode of a root that is being filled, and of a zonepath.
const CLOSED: u32 = 0o700;

/// Why a zone root cannot be used, or could not be made or cleared.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// What stands there is somebody's, and stays.
    #[error("{}: {problem}", path.display())]
    Occupied {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The path itself cannot be used.
    #[error("{}: {problem}", path.display())]
    BadPath {
        /// The path.
        path: PathBuf,
        /// Which rule it breaks.
        problem: String,
    },
    /// Zones do not live in boot environments.
    #[error("{}: lies in the boot environment `{dataset}`, which is copied and destroyed as a whole; make a dataset for it elsewhere, or use --storage directory", path.display())]
    InEnvironment {
        /// The zonepath.
        path: PathBuf,
        /// The boot environment's file system.
        dataset: String,
    },
    /// The datasets are not as a zone's are.
    #[error("{dataset}: {problem}")]
    Datasets {
        /// Which one.
        dataset: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    System {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// ZFS refused.
    #[error(transparent)]
    Zfs(#[from] ZfsError),
    /// The boot environment is not known.
    #[error(transparent)]
    Be(#[from] BeError),
    /// The change could not be written down, and was not made.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl From<HostError> for StorageError {
    fn from(error: HostError) -> Self {
        Self::Zfs(error.into())
    }
}

impl StorageError {
    pub(crate) fn system(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::System { path: path.to_owned(), source }
    }

    /// Whether something may stand there that is not zonekit's.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        matches!(self, Self::Occupied { .. } | Self::BadPath { .. } | Self::Datasets { .. } | Self::System { .. })
    }
}

/// Which storage to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// ZFS where the zonepath is a dataset's mount point, else a directory.
    #[default]
    Auto,
    /// A plain directory.
    Directory,
    /// ZFS datasets.
    Zfs,
}

/// The place of one zone root, from before it exists until it is whole. Whatever is changed on the way
/// is in the journal, which undoes it when the root does not become whole.
pub trait Storage {
    /// Looks whether the root could be made, and changes nothing.
    ///
    /// # Errors
    /// [`StorageError`]: what stands in the way.
    fn check(&self) -> Result<(), StorageError>;

    /// Makes the root, empty and closed to everybody but root, and opens it. The mode of a whole root
    /// is set by [`Storage::commit`] alone: one that is closed was never finished.
    ///
    /// # Errors
    /// [`StorageError`]; what was done is in the journal.
    fn prepare(&mut self, journal: &mut Journal) -> Result<Handle, StorageError>;

    /// The root's path.
    fn root(&self) -> &Path;

    /// The root, once it has been made.
    fn handle(&self) -> Option<&Handle>;

    /// Declares the root whole.
    ///
    /// # Errors
    /// [`StorageError`].
    fn commit(&mut self) -> Result<(), StorageError> {
        self.handle().map_or(Ok(()), |handle| make_whole(handle).map_err(StorageError::system(self.root())))
    }

    /// The datasets, where the root is in ZFS.
    fn as_zfs(&mut self) -> Option<&mut Zfs> {
        None
    }

    /// Whether the zonepath holds other zone roots, which zoneadm(8) would not know to keep when it
    /// clears the zonepath.
    fn has_others(&self) -> bool {
        false
    }
}

/// Where the root of a zone is or goes.
///
/// # Errors
/// [`StorageError`].
pub fn of_zone(zonepath: &Path, which: Which) -> Result<Box<dyn Storage>, StorageError> {
    place::check_form(zonepath)?;
    if which != Which::Directory
        && let Some(dataset) = dataset_on(zonepath)?
    {
        return Ok(Box::new(Zfs::of_zone(zonepath, dataset)?));
    }
    if which == Which::Zfs {
        let problem = "is not the mount point of a ZFS dataset; make one, or use --storage directory".to_owned();
        return Err(StorageError::BadPath { path: zonepath.to_owned(), problem });
    }
    let directory = Directory::of_zone(zonepath)?;
    Ok(Box::new(if which == Which::Auto { directory.outside_environments() } else { directory }))
}

/// A boot environment is copied and destroyed as a whole, with every directory in its file system: zones
/// do not live there, unless somebody says so.
fn keep_out_of_environments(zonepath: &Path) -> Result<(), StorageError> {
    match environment_of(zonepath)? {
        Some(dataset) => Err(StorageError::InEnvironment { path: zonepath.to_owned(), dataset }),
        None => Ok(()),
    }
}

/// The file system of the boot environment that a path lies in; `None`: it lies in none.
///
/// # Errors
/// [`StorageError`]: the path is not canonical, or the mounts cannot be read.
pub fn environment_of(path: &Path) -> Result<Option<String>, StorageError> {
    place::check_form(path)?;
    if !crate::host::zfs::present() {
        return Ok(None);
    }
    let mounts = mounts()?;
    let holder = path.ancestors().find_map(|above| mounts.dataset_on(above).map(str::to_owned));
    Ok(holder.filter(|dataset| dataset.split('/').nth(1) == Some(ROOTS)))
}

/// The dataset that is mounted on a path.
///
/// # Errors
/// [`StorageError`]: the mounts cannot be read.
pub fn dataset_on(path: &Path) -> Result<Option<DatasetName>, StorageError> {
    let mounts = mounts()?;
    let Some(name) = mounts.dataset_on(path) else { return Ok(None) };
    let name = name
        .parse()
        .map_err(|error: DatasetError| StorageError::BadPath { path: path.to_owned(), problem: error.to_string() })?;
    Ok(Some(name))
}

pub(crate) fn mounts() -> Result<Mounts, StorageError> {
    Mounts::read().map_err(|source| StorageError::System { path: "/etc/mnttab".into(), source })
}
