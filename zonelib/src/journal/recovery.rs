//! Putting right what an operation left that did not end.

use std::fs::File;
use std::path::Path;

use crate::host::zfs::{self, Datasets};

use super::{Doomed, JournalError, Left, Line, Operation, StateDir, Subject, Undo, UndoError, Wait, file, lock};

/// What was found and put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The operation that had not ended.
    pub operation: String,
    /// Its changes were undone; else they were finished.
    pub undone: bool,
    /// What was done for it, in words.
    pub steps: Vec<String>,
}

/// What to do with an operation that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Refuse,
    Recover,
}

/// Puts right what the last operation on a zone or an image left, if it did not end, one that was kept
/// included.
///
/// # Errors
/// [`JournalError`].
pub fn recover(state: &StateDir, subject: impl Into<Subject>) -> Result<Option<Recovered>, JournalError> {
    let subject = subject.into();
    let _lock = lock(state, &subject, Wait::Usual)?;
    recover_file(&state.journal(&subject), &subject, Kept::Recover)
}

/// What would be put right, in words; nothing is changed, and nothing waited for.
///
/// # Errors
/// [`JournalError`].
pub fn pending(state: &StateDir, subject: impl Into<Subject>) -> Result<Option<Recovered>, JournalError> {
    Ok(Found::read(&state.journal(&subject.into()))?.map(|found| found.report()))
}

/// A journal that was left.
struct Found {
    operation: Operation,
    steps: Vec<Undo>,
    doomed: Option<Vec<Doomed>>,
}

impl Found {
    fn read(path: &Path) -> Result<Option<Self>, JournalError> {
        let Some(lines) = file::read(path)? else { return Ok(None) };
        let damaged = |line| JournalError::Damaged { path: path.to_owned(), line };
        let mut lines = lines.into_iter();
        let operation = match lines.next() {
            // Killed before the first line was whole, and so before anything was done.
            None => return Ok(None),
            Some(Line::Operation(operation)) if operation.version == 1 => operation,
            Some(_) => return Err(damaged(1)),
        };
        let mut found = Self { operation, steps: Vec::new(), doomed: None };
        for (index, line) in lines.enumerate() {
            match line {
                Line::Step(undo) => found.steps.push(undo),
                Line::Undone(left) => found.steps.truncate(left),
                Line::Forward(doomed) => found.doomed = Some(doomed),
                Line::Operation(_) => return Err(damaged(index + 2)),
            }
        }
        Ok(Some(found))
    }

    fn report(&self) -> Recovered {
        let steps = match &self.doomed {
            Some(doomed) => doomed.iter().map(|one| format!("destroy `{}`", one.dataset)).collect(),
            None => self.steps.iter().rev().map(Undo::describe).collect(),
        };
        Recovered { operation: self.operation.name.clone(), undone: self.doomed.is_none(), steps }
    }
}

pub(super) fn recover_file(path: &Path, subject: &Subject, kept: Kept) -> Result<Option<Recovered>, JournalError> {
    let Some(found) = Found::read(path)? else {
        return file::remove(path).map(|()| None).map_err(JournalError::system(path));
    };
    let Operation { name: operation, keep, id, .. } = found.operation.clone();
    let subject = subject.clone();
    if keep && kept == Kept::Refuse {
        return Err(JournalError::Kept { subject, operation });
    }
    let done = match &found.doomed {
        Some(doomed) => destroy_doomed(doomed).map(drop),
        None => {
            let mut file = file::reopen(path).map_err(JournalError::system(path))?;
            undo_all(&found.steps, &id, Some(&mut file))
        }
    };
    done.map_err(|left| JournalError::Stuck { subject, operation, left: Box::new(left) })?;
    file::remove(path).map_err(JournalError::system(path))?;
    Ok(Some(found.report()))
}

pub(super) fn undo_all(steps: &[Undo], id: &str, mut file: Option<&mut File>) -> Result<(), Left> {
    for (index, step) in steps.iter().enumerate().rev() {
        let left = |why: String| Left { what: step.describe(), why, more: index };
        step.run(id).map_err(|error| left(error.to_string()))?;
        // On a full disk it goes on without: what is undone once more stays as it is.
        file = file.and_then(|file| file::append(file, &Line::Undone(index)).is_ok().then_some(file));
    }
    Ok(())
}

pub(super) fn destroy_doomed(doomed: &[Doomed]) -> Result<Vec<String>, Left> {
    let mut destroyed = Vec::new();
    for (index, one) in doomed.iter().enumerate() {
        let left = |error: UndoError| Left {
            what: format!("destroy `{}`", one.dataset),
            why: error.to_string(),
            more: doomed.len() - index - 1,
        };
        let found = Datasets::only(&one.dataset).map_err(|error| left(error.into()))?;
        if found.is_some_and(|found| found.guid == one.guid) {
            zfs::destroy(&one.dataset).map_err(|error| left(error.into()))?;
            destroyed.push(one.dataset.clone());
        }
    }
    Ok(destroyed)
}
