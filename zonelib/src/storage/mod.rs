//! Where a zone root lives. A plain directory today; ZFS datasets stand behind the same trait.

mod directory;

use std::path::{Path, PathBuf};

use crate::root::Handle;

pub use crate::host::{DatasetError, DatasetName};
pub use directory::Directory;

/// Why a zone root cannot be used, or could not be made or cleared.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// What stands there is somebody's, and stays.
    #[error("{}: {problem}", path.display())]
    Occupied {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The path itself cannot be used.
    #[error("{}: {problem}", path.display())]
    BadPath {
        /// The path.
        path: PathBuf,
        /// Which rule it breaks.
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
}

impl StorageError {
    pub(crate) fn system(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::System { path: path.to_owned(), source }
    }
}

/// The place of one zone root, from before it exists until it is whole or gone again.
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
    /// [`StorageError`]; nothing is left behind.
    fn prepare(&mut self) -> Result<Handle, StorageError>;

    /// Declares the root whole.
    ///
    /// # Errors
    /// [`StorageError`].
    fn commit(&mut self) -> Result<(), StorageError>;

    /// Empties the root again.
    ///
    /// # Errors
    /// [`StorageError`]: what could not be removed, and is left.
    fn abandon(&mut self) -> Result<(), StorageError>;

    /// The root's path.
    fn root(&self) -> &Path;
}
