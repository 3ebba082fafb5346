//! The store of one host: a folder a kind, a file a record.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Expect, Held, Key, Space, Store, StoreError};
use crate::host;
use crate::host::lock::{self, LockError, Waiting};
use crate::journal::{StateDir, Undo};
use crate::root::Timestamp;

/// What the name of a record's file ends in.
const ENDING: &str = ".json";
/// Bytes of the longest record.
const LIMIT: u64 = 1 << 20;
/// How long to wait for another program that hands out names.
const PATIENCE: Duration = Duration::from_secs(60);

/// Records in files below the state directory.
#[derive(Clone, Debug)]
pub struct Directory {
    state: StateDir,
    folder: PathBuf,
    patience: Duration,
}

impl Directory {
    /// The store in a state directory. Nothing is made before the first record is written.
    #[must_use]
    pub fn new(state: &StateDir) -> Self {
        Self { state: state.clone(), folder: state.path().join("store"), patience: PATIENCE }
    }

    /// The same, waiting for others no longer than this.
    #[must_use]
    pub fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    fn path(&self, kind: &str, key: &Key) -> PathBuf {
        self.folder.join(kind).join(format!("{key}{ENDING}"))
    }

    /// Files that writers have left that were killed, and files that are no records.
    ///
    /// # Errors
    /// As `readdir(3C)`.
    pub fn strangers(&self, kind: &str) -> Result<Vec<PathBuf>, StoreError> {
        let folder = self.folder.join(kind);
        let names = names(&folder)?;
        Ok(names.into_iter().filter(|name| key_of(name).is_none()).map(|name| folder.join(name)).collect())
    }
}

impl Store for Directory {
    fn read(&self, kind: &str, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(kind, key);
        match host::read_small(&path, LIMIT) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::System { path, source }),
        }
    }

    fn keys(&self, kind: &str) -> Result<Vec<Key>, StoreError> {
        let mut keys: Vec<Key> = names(&self.folder.join(kind))?.iter().filter_map(|name| key_of(name)).collect();
        keys.sort();
        Ok(keys)
    }

    fn write(&self, kind: &str, key: &Key, bytes: &[u8], expect: Expect) -> Result<(), StoreError> {
        let path = self.path(kind, key);
        let folder = self.folder.join(kind);
        let written = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).and_then(|()| {
            // One of this name is left from a writer that was killed.
            let beside = folder.join(format!(".{key}.{}.new", std::process::id()));
            let done = write_beside(&beside, bytes).and_then(|()| put(&beside, &path, expect));
            if done.is_err() || expect == Expect::Nothing {
                // It has its name by now, or is not needed.
                let _ = std::fs::remove_file(&beside);
            }
            done.and_then(|()| File::open(&folder)?.sync_all())
        });
        written.map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists if expect == Expect::Nothing => {
                StoreError::Exists { place: self.place(kind, key) }
            }
            _ => StoreError::System { path, source },
        })
    }

    fn remove(&self, kind: &str, key: &Key) -> Result<bool, StoreError> {
        let path = self.path(kind, key);
        let folder = self.folder.join(kind);
        match std::fs::remove_file(&path).and_then(|()| File::open(folder)?.sync_all()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(StoreError::System { path, source }),
        }
    }

    fn undo(&self, kind: &str, key: &Key) -> Result<Undo, StoreError> {
        let path = self.path(kind, key);
        let Some(bytes) = self.read(kind, key)? else { return Ok(Undo::RemoveFile { path }) };
        match String::from_utf8(bytes) {
            Ok(text) => {
                let modified = modified(&path).map_err(|source| StoreError::System { path: path.clone(), source })?;
                Ok(Undo::RestoreFile { path, text, mode: 0o600, modified })
            }
            Err(_) => {
                let problem = "is not UTF-8".to_owned();
                Err(StoreError::Damaged { place: self.place(kind, key), problem })
            }
        }
    }

    fn hold(&self, space: Space) -> Result<Held, StoreError> {
        // No zone has a colon in its name, and so in that of its lock.
        let name = match space {
            Space::Links => "host:links",
            Space::Addresses => "host:addresses",
        };
        let folder = self.state.path().join("lock");
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|source| StoreError::System { path: folder.clone(), source })?;
        let path = folder.join(name);
        let waiting = Waiting { patience: self.patience, go_on: &|| !host::interrupted(), tell: &|_| {} };
        match lock::hold(&path, &waiting) {
            Ok(lock) => Ok(Held { _lock: lock }),
            Err(LockError::System(source)) => Err(StoreError::System { path, source }),
            Err(LockError::Busy(holder)) => Err(StoreError::Busy { space, holder, seconds: self.patience.as_secs() }),
            Err(LockError::Interrupted) => Err(StoreError::Interrupted(space)),
        }
    }

    fn place(&self, kind: &str, key: &Key) -> String {
        self.path(kind, key).display().to_string()
    }
}

fn modified(path: &Path) -> io::Result<Timestamp> {
    let stat = std::fs::symlink_metadata(path)?;
    Ok(Timestamp { seconds: stat.mtime(), nanoseconds: u32::try_from(stat.mtime_nsec()).unwrap_or(0) })
}

fn key_of(name: &str) -> Option<Key> {
    name.strip_suffix(ENDING)?.parse().ok()
}

fn names(folder: &Path) -> Result<Vec<String>, StoreError> {
    let system = |source| StoreError::System { path: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(system)?,
    };
    entries.map(|entry| Ok(entry.map_err(system)?.file_name().to_string_lossy().into_owned())).collect()
}

fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn put(from: &Path, path: &Path, expect: Expect) -> io::Result<()> {
    match expect {
        Expect::Nothing => std::fs::hard_link(from, path),
        Expect::Anything => std::fs::rename(from, path),
    }
}
