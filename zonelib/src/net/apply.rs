//! From steps to a network.

use super::Step;
use crate::host::{self, ChangeError, HostError};
use crate::journal::{Journal, JournalError};
use crate::store::{Store, StoreError};

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The host's network refused.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// zonecfg(8) refused.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A record could not be written or removed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It could not be written how to take it back, and so it was not done.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Somebody interrupted.
    #[error("interrupted")]
    Interrupted,
}

impl ApplyError {
    /// What was to be made belongs to somebody else: taking it back would take away theirs.
    #[must_use]
    pub fn is_of_another(&self) -> bool {
        match self {
            Self::Change(error) => error.exists_already(),
            Self::Store(error) => matches!(error, StoreError::Exists { .. }),
            _ => false,
        }
    }
}

/// Does steps in order, each with its undo in the journal before. `tell` hears of each before it is done.
///
/// # Errors
/// [`ApplyError`]: the caller ends the operation of the journal, which undoes what was done.
pub fn apply(
    steps: &[Step],
    journal: &mut Journal,
    store: &dyn Store,
    tell: &mut dyn FnMut(&Step),
) -> Result<(), ApplyError> {
    for step in steps {
        if host::interrupted() {
            return Err(ApplyError::Interrupted);
        }
        tell(step);
        let undo = step.undo(store)?;
        let count = undo.len();
        // A journal is undone from its end.
        undo.into_iter().rev().try_for_each(|undo| journal.step(undo))?;
        if let Err(error) = step.run(store) {
            if error.is_of_another() {
                (0..count).try_for_each(|_| journal.retract())?;
            }
            return Err(error);
        }
    }
    Ok(())
}
