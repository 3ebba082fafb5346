//! The clone of a shared directory that zones mount: `/zonelib/lib`, which is /lib without the service
//! manifests and libraries that make no sense in a zone.
//!
//! Running zones have the clone mounted, so it is never replaced: it is brought up to date in place,
//! file by file. A record beside it says what it was made from; while it changes, the record says that
//! instead, so that a clone which was left half done is never taken for a whole one.

mod dependencies;
mod lock;
mod record;
mod update;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha1::{Digest, Sha1};

use crate::populate::{Applied, ApplyError, Packages, PlanError, Settings, Trees, apply, plan_clone};
use crate::recipe::{PruneSet, Share};
use crate::root::{Handle, Tree};

pub use dependencies::Broken;
use record::Record;

/// How long to wait for somebody else who is changing the clone.
const PATIENCE: Duration = Duration::from_secs(600);

/// What a clone was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Made from the same packages, lists and recipe.
    Current,
    /// Made from others.
    Stale,
    /// Never made.
    Absent,
    /// Being changed, or left so by somebody who did not finish.
    Unfinished,
}

/// What [`sync`] did.
#[derive(Debug, Default)]
pub struct Synced {
    /// The clone was current already.
    pub current: bool,
    /// Objects made or replaced.
    pub changed: u64,
    /// Objects removed.
    pub removed: u64,
    /// Objects that are the same as before.
    pub kept: u64,
    /// What the image lacks, as for a zone.
    pub applied: Applied,
    /// What there is to say.
    pub warnings: Vec<String>,
    /// Services that stay and need one that is pruned.
    pub broken: Vec<Broken>,
}

/// Why a clone is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum CloneError {
    /// No plan could be made of it.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// An object could not be made.
    #[error("{}: {source}", clone.display())]
    Apply {
        /// The clone.
        clone: PathBuf,
        /// What failed.
        source: ApplyError,
    },
    /// The clone, its record or its lock could not be used.
    #[error("{}: {source}", path.display())]
    System {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Somebody else holds the lock for too long.
    #[error("{}: held by process {holder} for longer than {} s; end it, or try again", path.display(), PATIENCE.as_secs())]
    Busy {
        /// The lock.
        path: PathBuf,
        /// Who.
        holder: String,
    },
}

impl CloneError {
    fn system(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::System { path: path.to_owned(), source }
    }
}

/// A clone of one shared directory of an image.
pub struct Clone<'a> {
    image: Packages<'a>,
    /// The directory that is cloned, such as `/lib`.
    directory: [String; 1],
    prune: &'a PruneSet,
    /// Where the clone is, such as `/zonelib/lib`.
    at: PathBuf,
}

impl<'a> Clone<'a> {
    /// The clone of a share, at `at` on this host; `None` when the share is no clone.
    #[must_use]
    pub fn of(image: Packages<'a>, share: &'a Share, at: PathBuf) -> Option<Self> {
        share.clone.as_ref().map(|prune| Self { image, directory: [share.path.clone()], prune, at })
    }

    /// Where the clone is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.at
    }

    /// What the clone is made from, as 40 hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha1::new();
        hash.update(b"zonekit clone 1\n");
        for path in self.prune.paths() {
            hash.update(&path);
            hash.update(b"\n");
        }
        hash.update(b"\n");
        for entry in self.image.contents.below(self.directory[0].as_bytes()) {
            hash.update(entry.line());
            hash.update(b"\n");
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A file beside the clone: hidden, and named after it.
    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(self.at.file_name().unwrap_or_default());
        name.push(suffix);
        self.at.with_file_name(name)
    }

    /// Looks whether the clone is up to date.
    ///
    /// # Errors
    /// [`CloneError::System`]: the record cannot be read.
    pub fn state(&self) -> Result<State, CloneError> {
        let path = self.beside(".zonekit");
        let record = Record::read(&path).map_err(CloneError::system(&path))?;
        Ok(match record {
            None => State::Absent,
            Some(record) if record.changing => State::Unfinished,
            Some(record) if record.fingerprint != self.fingerprint() || !self.at.is_dir() => State::Stale,
            Some(_) => State::Current,
        })
    }

    /// Brings the clone up to date. Two at once wait for each other.
    ///
    /// # Errors
    /// [`CloneError`]; the clone is then known to be unfinished, and the next run goes on.
    pub fn sync(&self, settings: &Settings<'_>) -> Result<Synced, CloneError> {
        if self.state()? == State::Current {
            return Ok(Synced { current: true, ..Synced::default() });
        }
        let parent = self.at.parent().unwrap_or(Path::new("/"));
        std::fs::create_dir_all(parent).map_err(CloneError::system(parent))?;
        let lock_path = self.beside(".lock");
        let _lock = lock::hold(&lock_path, PATIENCE, settings.go_on).map_err(|error| match error {
            lock::LockError::System(source) => CloneError::System { path: lock_path.clone(), source },
            lock::LockError::Busy(holder) => CloneError::Busy { path: lock_path.clone(), holder },
        })?;
        // Whoever held the lock may have done it.
        if self.state()? == State::Current {
            return Ok(Synced { current: true, ..Synced::default() });
        }
        let record_path = self.beside(".zonekit");
        let record = |changing| Record { changing, fingerprint: self.fingerprint() };
        record(true).write(&record_path).map_err(CloneError::system(&record_path))?;
        let synced = self.fill(settings)?;
        record(false).write(&record_path).map_err(CloneError::system(&record_path))?;
        Ok(synced)
    }

    fn fill(&self, settings: &Settings<'_>) -> Result<Synced, CloneError> {
        let plan = plan_clone(self.image, &self.directory, self.prune)?;
        let base = self.directory[0].as_bytes().strip_prefix(b"/").unwrap_or_default();
        let trees = Trees { image: self.image.tree, template: None };
        let root = self.open()?;
        let failed = |source| CloneError::Apply { clone: self.at.clone(), source };
        let empty = root.list().map_err(CloneError::system(&self.at))?.is_empty();
        let mut synced = if empty {
            let applied = apply(&plan, base, root, trees, settings).map_err(failed)?;
            Synced { changed: applied.objects, applied, ..Synced::default() }
        } else {
            update::update(&plan, base, root, trees, settings).map_err(failed)?
        };
        synced.applied.missing.extend(plan.missing.iter().cloned());
        synced.warnings.extend(plan.warnings.iter().cloned());
        let (broken, unreadable) = dependencies::check(&self.image, self.directory[0].as_bytes(), self.prune);
        synced.broken = broken;
        if unreadable > 0 {
            synced.warnings.push(format!("{unreadable} service manifests are no well-formed XML and were not checked"));
        }
        Ok(synced)
    }

    fn open(&self) -> Result<Handle, CloneError> {
        let parent = self.at.parent().unwrap_or(Path::new("/"));
        let name = self.at.file_name().unwrap_or_default().as_bytes();
        let open = || {
            let above = Tree::open(parent)?.handle()?;
            if above.stat(name)?.is_none() { above.create_dir(name) } else { above.open_dir(name) }
        };
        open().map_err(CloneError::system(&self.at))
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
