//! The record beside a clone.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What a clone was made from, and whether it is whole.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Somebody is changing the clone, or was when they stopped.
    pub changing: bool,
    /// See [`super::Clone::fingerprint`].
    pub fingerprint: String,
}

/// A record is two lines.
const LIMIT: u64 = 4096;

impl Record {
    /// The record in a file; `None` when there is none. One that cannot be understood says nothing about
    /// the clone, which then counts as unfinished.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let stat = match std::fs::symlink_metadata(path) {
            Ok(stat) => stat,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let unknown = Self { changing: true, fingerprint: String::new() };
        if !stat.is_file() || stat.len() > LIMIT {
            return Ok(Some(unknown));
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(LIMIT).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(Some(toml::from_str(&text).unwrap_or(unknown)))
    }

    /// Replaces the file as a whole. What comes after in this process happens to a disk that has it.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        write_whole(path, &toml::to_string(self).map_err(io::Error::other)?)
    }
}

/// Replaces a small file as a whole; when this returns it is on disk.
pub(crate) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("zonekit-new");
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = File::create_new(&new).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    });
    if let Err(error) = written {
        // Why it failed is worth more than a leftover, which the next one removes.
        let _ = std::fs::remove_file(&new);
        return Err(error);
    }
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
