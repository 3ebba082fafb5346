//! The clone of a shared directory that zones mount: `/zonelib/lib`, which is /lib without the service
//! manifests and libraries that make no sense in a zone.
//!
//! Running zones have the clone mounted, so it is never replaced: it is brought up to date in place,
//! file by file. A record beside it says what it was made from; while it changes, the record says that
//! instead, so that a clone which was left half done is never taken for a whole one.

mod dependencies;
mod place;
mod record;
mod update;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contents::Kind;
use sha1::{Digest, Sha1};

use crate::host;
use crate::host::lock::{self, LockError, Waiting};
use crate::populate::{
    Applied, ApplyError, Packages, Plan, PlanError, Settings, Trees, apply, link_target, plan_clone,
};
use crate::recipe::{PruneSet, Share};
use crate::root::{Handle, Tree};

pub(crate) use dependencies::MANIFEST_LIMIT;
pub use dependencies::{Broken, Dependencies};
use place::Found;
use record::Record;
pub(crate) use record::write_whole;

/// How long to wait for somebody else who is changing the clone.
const PATIENCE: Duration = Duration::from_secs(600);

/// Longer chains of hard links to hard links are a loop.
const LINK_CHAIN: usize = 20;

/// What a clone was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Made from the same packages, lists and recipe.
    Current,
    /// Made from others.
    Stale,
    /// Never made, or by somebody who left no record.
    Absent,
    /// Being changed, or left so by somebody who did not finish.
    Unfinished,
}

impl State {
    /// One word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Stale => "stale",
            Self::Absent => "absent",
            Self::Unfinished => "unfinished",
        }
    }
}

/// What became of an object of a clone that was there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It was not there.
    Added,
    /// It was another.
    Replaced,
    /// It belongs there no more, or never did.
    Removed,
}

/// What [`Clone::sync`] did.
#[derive(Debug, Default)]
pub struct Synced {
    /// The clone was current already.
    pub current: bool,
    /// Objects made or replaced.
    pub changed: u64,
    /// Objects removed, a tree that went as a whole counted once.
    pub removed: u64,
    /// Objects that are the same as before.
    pub kept: u64,
    /// Which ones; empty for a clone that was made from nothing.
    pub changes: Vec<(Vec<u8>, Change)>,
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
    /// A clone cannot be there, and what is there stays as it is.
    #[error("{}: {problem}", path.display())]
    Place {
        /// Where.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// Somebody else holds the lock for too long.
    #[error("{}: held by {holder} for longer than {seconds} s; end it, or try again", path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
        /// Who.
        holder: String,
        /// How long.
        seconds: u64,
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
    /// Where the recipe says that its clone is, below the image.
    usual: &'a str,
    prune: &'a PruneSet,
    /// Where the clone is, such as `/zonelib/lib`.
    at: PathBuf,
    patience: Duration,
    waiting: &'a dyn Fn(&str),
}

/// Where the clone of a share is when no zone says otherwise: in `zonelib`, or where the recipe has it.
///
/// # Errors
/// As [`place_in`].
pub fn place(image: &Path, share: &Share, zonelib: Option<&Path>) -> Result<PathBuf, CloneError> {
    match zonelib {
        Some(zonelib) => Ok(zonelib.join(Path::new(&share.path).file_name().unwrap_or_default())),
        None => place_in(image, Path::new(&share.from)),
    }
}

/// Where a path of an image is on this host: a link of the image that leads out of it does not.
///
/// # Errors
/// [`CloneError::System`]: the path cannot be walked.
pub fn place_in(image: &Path, path: &Path) -> Result<PathBuf, CloneError> {
    let locate = || Tree::open(image)?.locate(path.as_os_str().as_bytes());
    locate().map_err(CloneError::system(&image.join(path.strip_prefix("/").unwrap_or(path))))
}

impl<'a> Clone<'a> {
    /// The clone of a share, at `at` on this host; `None` when the share is no clone.
    #[must_use]
    pub fn of(image: Packages<'a>, share: &'a Share, at: PathBuf) -> Option<Self> {
        let prune = share.clone.as_ref()?;
        Some(Self {
            image,
            directory: [share.path.clone()],
            usual: &share.from,
            prune,
            at,
            patience: PATIENCE,
            waiting: &|_| {},
        })
    }

    /// Whom to tell who is waited for, when somebody else is changing the clone.
    #[must_use]
    pub fn when_waiting(self, tell: &'a dyn Fn(&str)) -> Self {
        Self { waiting: tell, ..self }
    }

    /// Where the clone is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.at
    }

    /// The directory that is cloned, such as `/lib`.
    pub(crate) fn directory(&self) -> &str {
        &self.directory[0]
    }

    /// The image that it is cloned from.
    pub(crate) fn image(&self) -> &Packages<'a> {
        &self.image
    }

    /// What the clone is made from, as 40 hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha1::new();
        let mut put = |bytes: &[u8]| {
            hash.update(bytes);
            hash.update(b"\n");
        };
        put(b"zonekit clone 1");
        put(self.directory[0].as_bytes());
        self.prune.paths().for_each(|path| put(&path));
        put(b"");
        let contents = self.image.contents;
        for entry in contents.below(self.directory[0].as_bytes()) {
            put(entry.line());
            // A link out of the directory becomes a copy of what is there.
            let mut link = *entry;
            for _ in 0..LINK_CHAIN {
                if link.kind() != Kind::HardLink {
                    break;
                }
                let target = link_target(link.path_bytes(), link.target().unwrap_or_default());
                let Some(found) = contents.get(&target) else { break };
                put(found.line());
                link = *found;
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether there is anything to put into the clone.
    fn has_content(&self) -> bool {
        let directory = self.directory[0].as_bytes();
        let mut entries = self.image.contents.below(directory);
        entries.any(|entry| entry.path_bytes() != directory && !self.prune.contains(entry.path_bytes()))
    }

    /// A file beside the clone: hidden, and named after it.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(self.at.file_name().unwrap_or_default());
        name.push(suffix);
        self.at.with_file_name(name)
    }

    /// Looks whether the clone is up to date. What stands in it is not looked at.
    ///
    /// # Errors
    /// [`CloneError`]: the record cannot be read, or what stands there is no directory.
    pub fn state(&self) -> Result<State, CloneError> {
        Ok(self.inspect()?.0)
    }

    /// The record is read last: it is written before there is anything to be found.
    fn inspect(&self) -> Result<(State, Found), CloneError> {
        let found = place::look(&self.at)?;
        let path = self.beside(".zonekit");
        let record = Record::read(&path).map_err(CloneError::system(&path))?;
        let state = match record {
            None => State::Absent,
            Some(record) if record.changing => State::Unfinished,
            Some(_) if found == Found::Nothing || (found == Found::EmptyDirectory && self.has_content()) => {
                State::Absent
            }
            Some(record) if record.fingerprint != self.fingerprint() => State::Stale,
            Some(_) => State::Current,
        };
        Ok((state, found))
    }

    /// Brings the clone up to date. Two at once wait for each other.
    ///
    /// # Errors
    /// [`CloneError`]; a clone that was begun is then known to be unfinished, and the next run goes on.
    pub fn sync(&self, settings: &Settings<'_>) -> Result<Synced, CloneError> {
        let (state, found) = self.inspect()?;
        if state == State::Current {
            return Ok(Synced { current: true, ..Synced::default() });
        }
        place::check(self)?;
        place::check_owner(self, state, found)?;
        let parent = self.at.parent().unwrap_or(Path::new("/"));
        std::fs::create_dir_all(parent).map_err(CloneError::system(parent))?;
        let _lock = self.lock(settings)?;
        // Whoever held the lock may have done it.
        let (state, found) = self.inspect()?;
        if state == State::Current {
            return Ok(Synced { current: true, ..Synced::default() });
        }
        let plan = plan_clone(self.image, &self.directory, self.prune)?;
        if plan.actions.is_empty() && found == Found::Directory {
            let (image, directory) = (self.image.tree.path().display(), &self.directory[0]);
            let problem = format!("is left as it is, for no package of image {image} delivers anything in {directory}");
            return Err(CloneError::Place { path: self.at.clone(), problem });
        }
        let record_path = self.beside(".zonekit");
        let record = |changing| {
            let record = Record { changing, fingerprint: self.fingerprint() };
            record.write(&record_path).map_err(CloneError::system(&record_path))
        };
        // One that says so already may be all that a full disk has room for.
        if state != State::Unfinished {
            record(true)?;
        }
        let synced = self.fill(&plan, settings)?;
        record(false)?;
        Ok(synced)
    }

    pub(crate) fn lock(&self, settings: &Settings<'_>) -> Result<std::fs::File, CloneError> {
        let path = self.beside(".lock");
        let waiting = Waiting { patience: self.patience, go_on: settings.go_on, tell: self.waiting };
        lock::hold(&path, &waiting).map_err(|error| match error {
            LockError::System(source) => CloneError::System { path, source },
            LockError::Busy(holder) => CloneError::Busy { path, holder, seconds: self.patience.as_secs() },
            LockError::Interrupted => CloneError::Apply { clone: self.at.clone(), source: ApplyError::Interrupted },
        })
    }

    fn fill(&self, plan: &Plan<'_>, settings: &Settings<'_>) -> Result<Synced, CloneError> {
        let base = self.directory[0].as_bytes().strip_prefix(b"/").unwrap_or_default();
        let trees = Trees { image: self.image.tree, template: None };
        let root = self.open().map_err(CloneError::system(&self.at))?;
        let again = root.open_self().map_err(CloneError::system(&self.at))?;
        let failed = |source| CloneError::Apply { clone: self.at.clone(), source };
        let mut synced = if root.list().map_err(CloneError::system(&self.at))?.is_empty() {
            let applied = apply(plan, base, root, trees, settings).map_err(failed)?;
            Synced { changed: applied.objects, applied, ..Synced::default() }
        } else {
            update::update(plan, base, root, trees, settings).map_err(failed)?
        };
        if let Some(path) = synced.applied.changed.first() {
            let problem = format!("`/{}` changed while it was copied; run it again", crate::populate::printable(path));
            return Err(CloneError::Place { path: self.at.clone(), problem });
        }
        host::flush(&again).map_err(CloneError::system(&self.at))?;
        synced.applied.missing.extend(plan.missing.iter().cloned());
        synced.applied.missing.sort();
        synced.warnings.extend(plan.warnings.iter().cloned());
        let Dependencies { broken, unread } = self.dependencies();
        synced.broken = broken;
        if unread > 0 {
            synced.warnings.push(format!("{unread} service manifests are no well-formed XML and were not checked"));
        }
        Ok(synced)
    }

    /// Looks for services that stay and require one whose manifest is pruned.
    #[must_use]
    pub fn dependencies(&self) -> Dependencies {
        dependencies::check(&self.image, self.directory[0].as_bytes(), self.prune)
    }

    fn open(&self) -> std::io::Result<Handle> {
        let parent = self.at.parent().unwrap_or(Path::new("/"));
        let name = self.at.file_name().unwrap_or_default().as_bytes();
        let above = Tree::open(parent)?.handle()?;
        if above.stat(name)?.is_none() { above.create_dir(name) } else { above.open_dir(name) }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
