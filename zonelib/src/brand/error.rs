//! Why a hook of a zone that exists failed.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::ConfigError;
use crate::host::HostError;
use crate::journal::{Failure, JournalError};
use crate::populate::unpack::UnpackError;
use crate::root::CopyError;
use crate::storage::StorageError;

use super::Status;
use super::follow::FollowError;
use super::identity::IdentityError;
use super::install::InstallError;

/// Why a hook failed.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The arguments make no sense.
    #[error("{0}")]
    Usage(String),
    /// Something is not as it has to be; in words, with what to do.
    #[error("{0}")]
    Refused(String),
    /// The zone root or its datasets.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The configuration of the zone.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A host command failed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A tree could not be copied.
    #[error("{}: {source}", root.display())]
    Copy {
        /// The zone root.
        root: PathBuf,
        /// Why.
        source: CopyError,
    },
    /// The identity of a clone could not be reset.
    #[error("{}: {source}", root.display())]
    Identity {
        /// The zone root.
        root: PathBuf,
        /// Why.
        source: IdentityError,
    },
    /// An archive could not be unpacked.
    #[error("{}: {source}", archive.display())]
    Unpack {
        /// The archive.
        archive: PathBuf,
        /// Why.
        source: UnpackError,
    },
    /// The brand, or what its zones are made from.
    #[error(transparent)]
    Brand(Box<InstallError>),
    /// The zone cannot be brought up to date.
    #[error(transparent)]
    Follow(Box<FollowError>),
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
    /// Only root can do this.
    #[error("only root can work on zones; run it as root")]
    NotRoot,
    /// The journal cannot be used, or an earlier operation stands in the way.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It failed, and what it had done is still there.
    #[error(transparent)]
    LeftBehind(Box<Failure<HookError>>),
}

impl HookError {
    pub(crate) fn system(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::System { path: path.to_owned(), source }
    }

    /// How the hook ends. What is not the caller's mistake leaves the zone in the state that it had.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Usage(_) => Status::Usage,
            _ => Status::Fatal,
        }
    }
}

impl From<InstallError> for HookError {
    fn from(error: InstallError) -> Self {
        Self::Brand(Box::new(error))
    }
}

impl From<FollowError> for HookError {
    fn from(error: FollowError) -> Self {
        Self::Follow(Box::new(error))
    }
}

impl From<Failure<Self>> for HookError {
    fn from(failure: Failure<Self>) -> Self {
        match failure {
            Failure::Undone(cause) => cause,
            Failure::Journal(error) => Self::Journal(error),
            other => Self::LeftBehind(Box::new(other)),
        }
    }
}

/// Stops between two steps when somebody has interrupted.
pub(crate) fn go_on() -> Result<(), HookError> {
    if crate::host::interrupted() { Err(HookError::Interrupted) } else { Ok(()) }
}
