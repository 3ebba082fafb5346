//! The root of a zone, opened wherever it is.

use std::path::{Path, PathBuf};

use crate::config::ZoneName;
use crate::journal::{Failure, Journal, JournalError, StateDir};
use crate::root::Tree;

use super::{ROOT, StorageError, ZoneDatasets, mount_private};

/// The root of an installed zone that does not run, opened wherever it is. One that is not mounted, such
/// as that of another boot environment, is mounted in a private place for as long as it is open.
#[derive(Debug)]
pub struct OpenRoot {
    tree: Tree,
    journal: Option<Journal>,
}

/// Why a root cannot be opened, or not be closed again.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct OpenError(Box<Failure<StorageError>>);

impl From<Failure<StorageError>> for OpenError {
    fn from(failure: Failure<StorageError>) -> Self {
        Self(Box::new(failure))
    }
}

impl From<StorageError> for OpenError {
    fn from(error: StorageError) -> Self {
        Failure::Undone(error).into()
    }
}

impl From<JournalError> for OpenError {
    fn from(error: JournalError) -> Self {
        Failure::Journal(error).into()
    }
}

/// Where roots are mounted that nobody else has mounted.
const PRIVATE: &str = "mnt";
/// What a mount that was left is said to be of.
const OPERATION: &str = "update";

impl OpenRoot {
    /// Opens the root of a zone, as it is in the running boot environment or in the one that is mounted on
    /// `alternate`. With `locks` no other program works on the zone until it is closed.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        state: &StateDir,
        zone: &ZoneName,
        zonepath: &Path,
        alternate: Option<&Path>,
        locks: bool,
    ) -> Result<Self, OpenError> {
        let begin = || Journal::begin(state, zone, OPERATION, false).map(|(journal, _)| journal);
        let mut journal = if locks { Some(begin()?) } else { None };
        let Some(datasets) = ZoneDatasets::find(zonepath, alternate)? else {
            let tree = Tree::open(zonepath).and_then(|zonepath| zonepath.enter(ROOT.as_bytes()));
            let tree = tree.map_err(StorageError::system(&zonepath.join(ROOT)))?;
            return Ok(Self { tree, journal });
        };
        let root = datasets.active()?.name.clone();
        if let Some(place) = datasets.mounts.place_of(&root) {
            let tree = Tree::open(place).map_err(StorageError::system(place))?;
            return Ok(Self { tree, journal });
        }
        let open = |place: PathBuf| Tree::open(&place).map_err(StorageError::system(&place));
        let mut journal = match journal.take() {
            Some(journal) => journal,
            None => begin()?,
        };
        match mount_private(state, (PRIVATE, zone.as_str()), &root, &mut journal).and_then(open) {
            Ok(tree) => Ok(Self { tree, journal: Some(journal) }),
            Err(cause) => Err(match journal.roll_back() {
                Ok(()) => cause.into(),
                Err(left) => Failure::Left { cause, left, subject: zone.into() }.into(),
            }),
        }
    }

    /// The root.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Unmounts what was mounted for it.
    ///
    /// # Errors
    /// [`OpenError`]: it is busy; `zonekit-recover` unmounts it later.
    pub fn close(self) -> Result<(), OpenError> {
        let Self { tree, journal } = self;
        drop(tree);
        let Some(journal) = journal else { return Ok(()) };
        let subject = journal.subject().clone();
        journal.roll_back().map_err(|left| {
            JournalError::Stuck { subject, operation: OPERATION.to_owned(), left: Box::new(left) }.into()
        })
    }
}
