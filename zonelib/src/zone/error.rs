//! Why a zone was not made, or not destroyed.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::ConfigError;
use crate::config::command::CommandError;
use crate::host::HostError;
use crate::host::zfs::ZfsError;
use crate::journal::{Failure, JournalError};
use crate::net;
use crate::root::Tree;
use crate::router::RouterError;
use crate::storage::{OpenError, StorageError};
use crate::store::StoreError;

use super::accounts::AccountError;
use super::inside::EditError;

/// Why something about a whole zone failed.
#[derive(Debug, thiserror::Error)]
pub enum ZoneError {
    /// All that is in the way, in words, with what to do.
    #[error("{}", .0.join("; "))]
    Problems(Vec<String>),
    /// Something is not as it has to be; in words, with what to do.
    #[error("{0}")]
    Refused(String),
    /// An account cannot be shared.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Something cannot be said to zonecfg.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A command of the host failed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// ZFS refused.
    #[error(transparent)]
    Zfs(#[from] ZfsError),
    /// The configuration of a zone cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The zone root.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// What is remembered.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The network cannot be as it is wanted.
    #[error(transparent)]
    Network(#[from] net::PlanError),
    /// The network could not be changed.
    #[error(transparent)]
    Apply(#[from] net::ApplyError),
    /// The files of the zone could not be set up.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The files of a network could not be set up, in the zone or its router.
    #[error(transparent)]
    Inside(#[from] net::inside::InsideError),
    /// The root of the zone could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A router has not taken a change.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// The system refused.
    #[error("{}: {source}", path.display())]
    System {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody interrupted.
    #[error("interrupted")]
    Interrupted,
    /// The journal cannot be used, or an earlier operation stands in the way.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It failed, and nothing of it is left.
    #[error("{0}; everything that was done for it was undone")]
    Undone(Box<ZoneError>),
    /// A zone is half destroyed.
    #[error("{0}; what was done until then stays done: give the command again to go on")]
    Unfinished(Box<ZoneError>),
    /// It failed, and what it had done is still there.
    #[error(transparent)]
    LeftBehind(Box<Failure<ZoneError>>),
}

impl ZoneError {
    /// What is wrong, each by itself.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        match self {
            Self::Problems(problems) => problems.clone(),
            Self::Network(net::PlanError::Several(errors)) => errors.iter().map(ToString::to_string).collect(),
            other => vec![other.to_string()],
        }
    }

    pub(super) fn system(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::System { path: path.to_owned(), source }
    }

    pub(super) fn packages(error: contents::Error) -> Self {
        Self::Refused(error.to_string())
    }

    pub(super) fn root(tree: &Tree) -> impl FnOnce(io::Error) -> Self + '_ {
        Self::system(tree.path())
    }
}

impl From<Failure<Self>> for ZoneError {
    fn from(failure: Failure<Self>) -> Self {
        match failure {
            Failure::Undone(cause) => Self::Undone(Box::new(cause)),
            Failure::Journal(error) => Self::Journal(error),
            other => Self::LeftBehind(Box::new(other)),
        }
    }
}

/// Stops between two steps when somebody has interrupted.
pub(super) fn go_on() -> Result<(), ZoneError> {
    if crate::host::interrupted() { Err(ZoneError::Interrupted) } else { Ok(()) }
}
