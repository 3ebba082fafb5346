//! What a program changes outside itself, each change with its undo, on disk before the change is made.
//!
//! One journal belongs to one zone, to the making of one, to the global zone, or to a golden image: a file below the state
//! directory, there only while an operation is under way or after one that did not end well. The operation that fails undoes its changes in reverse;
//! what a killed one left is undone by `zonekit-recover`, or by the next program that works on it.
//! What must not be undone any more, because something was destroyed for good, is carried forward
//! instead.

mod file;
mod recovery;
mod subject;
mod undo;
mod zone_file;
mod zones;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host;
use crate::host::lock::{self, LockError, Waiting};

use recovery::{Kept, destroy_doomed, recover_file, undo_all};
pub use recovery::{Recovered, pending, recover};
pub use subject::{ImageName, ImageNameError, Subject, SubjectError};
pub use undo::{Undo, UndoError};
pub use zone_file::{RootOf, SavedFile};

/// How long to wait for another program that works on the same subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// As long as that may take.
    Usual,
    /// Not at all.
    Never,
}

/// Where zonekit keeps what it has to remember.
#[derive(Clone, Debug)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// Where it is unless somebody says otherwise.
    pub const USUAL: &str = "/var/zonekit";

    /// The state directory of this host when asked for [`StateDir::USUAL`], else the one asked for.
    #[must_use]
    pub fn new(asked: &Path) -> Self {
        Self(if asked == Path::new(Self::USUAL) { host::place(Self::USUAL) } else { asked.to_owned() })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn journals(&self) -> PathBuf {
        self.0.join("journal")
    }

    fn journal(&self, subject: &Subject) -> PathBuf {
        self.journals().join(subject.to_string())
    }

    /// What has a journal, in the order of the names.
    ///
    /// # Errors
    /// [`JournalError::System`].
    pub fn subjects(&self) -> Result<Vec<Subject>, JournalError> {
        let directory = self.journals();
        let mut names = Vec::new();
        let entries = match std::fs::read_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
            entries => entries.map_err(JournalError::system(&directory))?,
        };
        for entry in entries {
            let name = entry.map_err(JournalError::system(&directory))?.file_name();
            names.extend(name.to_str().and_then(|name| name.parse::<Subject>().ok()));
        }
        names.sort_by_key(Subject::to_string);
        Ok(names)
    }

    /// Undoes what was left of golden images that nobody is filling any more. What cannot be undone now stays
    /// in its journal, for [`recover`] to tell.
    pub(crate) fn settle_images(&self) {
        for subject in self.subjects().unwrap_or_default() {
            if matches!(subject, Subject::Golden(_)) {
                let _ = Journal::begin_now(self, subject, "settle");
            }
        }
    }

    /// Makes one of its directories, for root alone.
    pub(crate) fn make(&self, name: &str) -> Result<PathBuf, JournalError> {
        use std::os::unix::fs::DirBuilderExt;
        let directory = self.0.join(name);
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory);
        made.map_err(JournalError::system(&directory))?;
        Ok(directory)
    }
}

/// What operation a journal is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// The form of this file.
    version: u32,
    /// What everything that it makes is marked with.
    pub id: String,
    /// The zone, or the golden image with `golden:` before it.
    #[serde(rename = "zone")]
    pub subject: String,
    /// What is done to it, such as `install`.
    pub name: String,
    /// Left as it is when it fails.
    pub keep: bool,
}

/// What cannot be undone and is finished instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Doomed {
    /// A dataset or snapshot to destroy.
    pub dataset: String,
    /// Its number: another one of the same name stays.
    pub guid: String,
}

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Operation(Operation),
    Step(Undo),
    /// Steps from here to the end have been undone, but for the first so many.
    Undone(usize),
    /// From here on it goes forward.
    Forward(Vec<Doomed>),
}

/// Why there is no journal, or why it could not be played.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    System {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The same, before anything was begun, and nothing is left of an earlier operation.
    #[error("{}: {source}; nothing was begun", path.display())]
    NotBegun {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another program works on it.
    #[error("{} is held by {holder}, which has not ended within {seconds} s; try again when it has", subject.called())]
    Busy {
        /// What.
        subject: Subject,
        /// Who.
        holder: String,
        /// How long was waited.
        seconds: u64,
    },
    /// Interrupted while waiting.
    #[error("interrupted while waiting for the lock of {}", .0.called())]
    Interrupted(Subject),
    /// The journal cannot be read.
    #[error("{}: line {line} is no line of a journal; see what it was for, put it right by hand, and remove it", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// An earlier operation was to be kept as it failed.
    #[error("`{operation}` of {} failed and was kept as it was; undo it with `zonekit-recover {subject}`", subject.called())]
    Kept {
        /// Of what.
        subject: Subject,
        /// What was done to it.
        operation: String,
    },
    /// An earlier operation could not be undone, or finished.
    #[error("`{operation}` of {} did not end, and {left}; put that right and run `zonekit-recover {subject}`", subject.called())]
    Stuck {
        /// Of what.
        subject: Subject,
        /// What was done to it.
        operation: String,
        /// What could not be done.
        left: Box<Left>,
    },
}

impl JournalError {
    fn system(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::System { path: path.to_owned(), source }
    }
}

/// What could not be undone or finished, and why; it and all before it is still in the journal.
#[derive(Debug, thiserror::Error)]
#[error("what it left could not be put right: {what}: {why}{}", rest(*more))]
pub struct Left {
    what: String,
    why: String,
    more: usize,
}

fn rest(more: usize) -> String {
    match more {
        0 => String::new(),
        1 => " (and one more change)".to_owned(),
        more => format!(" (and {more} more changes)"),
    }
}

/// The journal of an operation on a subject, whose lock it holds.
#[derive(Debug)]
pub struct Journal {
    subject: Subject,
    path: PathBuf,
    operation: Operation,
    file: Option<File>,
    steps: Vec<Undo>,
    doomed: Vec<Doomed>,
    _lock: File,
}

impl Journal {
    /// Begins an operation: waits for the lock, and puts right what a killed operation left. Nothing is
    /// written before the first step.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn begin(
        state: &StateDir,
        subject: impl Into<Subject>,
        name: &str,
        keep: bool,
    ) -> Result<(Self, Option<Recovered>), JournalError> {
        Self::begin_after(Wait::Usual, state, subject.into(), (name, keep))
    }

    /// The same for an operation that does not wait for others.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn begin_now(
        state: &StateDir,
        subject: impl Into<Subject>,
        name: &str,
    ) -> Result<(Self, Option<Recovered>), JournalError> {
        Self::begin_after(Wait::Never, state, subject.into(), (name, false))
    }

    fn begin_after(
        wait: Wait,
        state: &StateDir,
        subject: Subject,
        (name, keep): (&str, bool),
    ) -> Result<(Self, Option<Recovered>), JournalError> {
        let path = state.journal(&subject);
        let lock = lock(state, &subject, wait).and_then(|lock| state.make("journal").map(|_| lock));
        let lock = lock.map_err(|error| match error {
            JournalError::System { path: at, source } if std::fs::symlink_metadata(&path).is_err() => {
                JournalError::NotBegun { path: at, source }
            }
            error => error,
        })?;
        let recovered = recover_file(&path, &subject, Kept::Refuse)?;
        let id: String = host::random_bytes()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let operation = Operation { version: 1, id, subject: subject.to_string(), name: name.to_owned(), keep };
        let (steps, doomed) = (Vec::new(), Vec::new());
        Ok((Self { subject, path, operation, file: None, steps, doomed, _lock: lock }, recovered))
    }

    /// The value of [`crate::host::zfs::MADE_PROPERTY`] on everything that the operation makes.
    #[must_use]
    pub fn mark(&self) -> &str {
        &self.operation.id
    }

    /// What it belongs to.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Whether anything has been written down, and so may have been changed.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.file.is_some()
    }

    /// Where it is, for people.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down how the change that comes next is undone.
    ///
    /// # Errors
    /// [`JournalError::System`]: it could not be written; the change must not be made.
    pub fn step(&mut self, undo: Undo) -> Result<(), JournalError> {
        self.write(&Line::Step(undo.clone()))?;
        self.steps.push(undo);
        Ok(())
    }

    /// The change whose undo was written last has been refused, so that nothing is to be undone.
    ///
    /// # Errors
    /// [`JournalError::System`]: it could not be written, and would be undone nonetheless.
    pub fn retract(&mut self) -> Result<(), JournalError> {
        if self.steps.pop().is_some() {
            self.write(&Line::Undone(self.steps.len()))?;
        }
        Ok(())
    }

    /// From here on nothing is undone: these are to be destroyed, in this order.
    ///
    /// # Errors
    /// [`JournalError::System`]: it could not be written; nothing must be destroyed.
    pub fn forward(&mut self, doomed: Vec<Doomed>) -> Result<(), JournalError> {
        self.write(&Line::Forward(doomed.clone()))?;
        self.steps.clear();
        self.doomed = doomed;
        Ok(())
    }

    fn write(&mut self, line: &Line) -> Result<(), JournalError> {
        let fail = JournalError::system(&self.path);
        let written = match &mut self.file {
            Some(file) => file::append(file, line),
            None => file::create(&self.path, &[Line::Operation(self.operation.clone()), line.clone()])
                .map(|file| self.file = Some(file)),
        };
        written.map_err(fail)
    }

    /// The operation has succeeded: its changes stay.
    ///
    /// # Errors
    /// [`JournalError::System`]: the journal could not be removed, and the next program would undo it all.
    pub fn finish(mut self) -> Result<(), JournalError> {
        self.settle()
    }

    /// The same, and the lock is held on until the journal is dropped.
    ///
    /// # Errors
    /// As [`Journal::finish`].
    pub fn settle(&mut self) -> Result<(), JournalError> {
        if self.file.take().is_some() {
            file::remove(&self.path).map_err(JournalError::system(&self.path))?;
        }
        self.steps.clear();
        self.doomed.clear();
        Ok(())
    }

    /// Destroys what [`Journal::forward`] named.
    ///
    /// # Errors
    /// [`Left`]: the journal stays.
    pub fn destroy_doomed(&mut self) -> Result<Vec<String>, Left> {
        destroy_doomed(&self.doomed)
    }

    /// The operation has failed: undoes its changes, the last one first. With `keep` they stay, and are
    /// told.
    ///
    /// # Errors
    /// [`Left`]: what could not be undone. The journal stays.
    pub fn roll_back(mut self) -> Result<(), Left> {
        if self.operation.keep || self.file.is_none() || !self.doomed.is_empty() {
            return Ok(());
        }
        undo_all(&self.steps, &self.operation.id, self.file.as_mut())?;
        file::remove(&self.path).map_err(|error| Left {
            what: format!("remove {}", self.path.display()),
            why: error.to_string(),
            more: 0,
        })
    }

    /// Whether a failed operation stays as it is, for inspection.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.operation.keep && self.file.is_some()
    }

    /// A whole operation: begins it, works, and ends it, so that what `work` changed stays when it succeeds
    /// and is undone when it fails. `recovered` is told what a killed operation had left.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn during<R, E>(
        state: &StateDir,
        subject: impl Into<Subject>,
        (name, keep): (&str, bool),
        recovered: impl FnOnce(&Recovered),
        work: impl FnOnce(&mut Self) -> Result<R, E>,
    ) -> Result<R, Failure<E>> {
        let (mut journal, before) = Self::begin(state, subject, name, keep)?;
        if let Some(before) = &before {
            recovered(before);
        }
        let done = work(&mut journal);
        journal.end(done).map(|(result, _)| result)
    }

    /// Ends an operation as its work has ended. The journal that is returned holds the lock.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn end<R, E>(mut self, done: Result<R, E>) -> Result<(R, Self), Failure<E>> {
        let subject = self.subject.clone();
        match done {
            Ok(result) => Ok(self.settle().map(|()| (result, self))?),
            Err(cause) if self.keeps() => Err(Failure::Kept { cause, subject }),
            Err(cause) => match self.roll_back() {
                Ok(()) => Err(Failure::Undone(cause)),
                Err(left) => Err(Failure::Left { cause, left, subject }),
            },
        }
    }
}

/// Why an operation failed, and what became of its changes.
#[derive(Debug, thiserror::Error)]
pub enum Failure<E> {
    /// The journal itself.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// They were undone.
    #[error("{0}")]
    Undone(E),
    /// They were kept, as was asked for.
    #[error("{cause}; everything was kept as it is: `zonekit-recover -n {subject}` tells what would be undone")]
    Kept {
        /// Why it failed.
        cause: E,
        /// What was worked on.
        subject: Subject,
    },
    /// They could not be undone.
    #[error("{cause}; {left}; put that right and run `zonekit-recover {subject}`")]
    Left {
        /// Why it failed.
        cause: E,
        /// What was not undone.
        left: Left,
        /// What was worked on.
        subject: Subject,
    },
}

fn lock(state: &StateDir, subject: &Subject, wait: Wait) -> Result<File, JournalError> {
    let path = state.make("lock")?.join(subject.to_string());
    let patience = if wait == Wait::Usual { subject.patience() } else { std::time::Duration::ZERO };
    let waiting = Waiting { patience, go_on: &|| !host::interrupted(), tell: &|_| {} };
    lock::hold(&path, &waiting).map_err(|error| match error {
        LockError::System(source) => JournalError::System { path, source },
        LockError::Busy(holder) => JournalError::Busy { subject: subject.clone(), holder, seconds: patience.as_secs() },
        LockError::Interrupted => JournalError::Interrupted(subject.clone()),
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
