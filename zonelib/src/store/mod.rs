//! What zonekit remembers: typed records, each whole, each with the version of its form.
//!
//! A [`Store`] keeps bytes under a kind and a key; [`Records`] makes records of them. [`Directory`] is the
//! store of one host; a store for the hosts of a network is another implementation of the same trait.

mod directory;
mod key;

use std::fs::File;
use std::io;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::journal::Undo;

pub use directory::Directory;
pub use key::{Key, KeyError};

/// Something that is remembered.
pub trait Record: Serialize + DeserializeOwned {
    /// What records of this kind are called, in the plural; the name of a folder.
    const KIND: &'static str;
    /// The version of the form in which they are written now.
    const VERSION: u32;

    /// What it is found by: no two records of a kind have the same.
    fn key(&self) -> Key;

    /// A record that an older zonekit has written, in today's form.
    ///
    /// # Errors
    /// It is none.
    fn upgrade(_version: u32, fields: serde_json::Value) -> Result<Self, serde_json::Error> {
        serde_json::from_value(fields)
    }
}

/// Names that exist once on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Names and Ethernet addresses of links, names of flows.
    Links,
    /// Addresses and networks.
    Addresses,
}

impl Space {
    /// What it is called in a sentence.
    #[must_use]
    pub fn called(self) -> &'static str {
        match self {
            Self::Links => "the names of links",
            Self::Addresses => "the addresses of zones",
        }
    }
}

/// A name space of the host, held until this is dropped.
#[derive(Debug)]
pub struct Held {
    _lock: File,
}

/// What is expected to be there when a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing; what is there stays.
    Nothing,
    /// Anything, which is replaced.
    Anything,
}

/// Why something is not remembered.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    System {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The record is not whole.
    #[error("{place}: {problem}; bring it back from a backup, or remove it and run `zonekit-store check --repair`")]
    Damaged {
        /// Where it is.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The record is of a zonekit that is newer.
    #[error(
        "{place}: has form {found}, and this zonekit knows forms up to {known}; use the zonekit that wrote it, or a newer one"
    )]
    Newer {
        /// Where it is.
        place: String,
        /// The version of its form.
        found: u64,
        /// The newest that is known.
        known: u32,
    },
    /// There is one already.
    #[error("{place}: is there already")]
    Exists {
        /// Where it is.
        place: String,
    },
    /// Another program holds a name space.
    #[error("{} are held by {holder}, which has not ended within {seconds} s; try again when it has", space.called())]
    Busy {
        /// Which.
        space: Space,
        /// Who.
        holder: String,
        /// How long was waited.
        seconds: u64,
    },
    /// Interrupted while waiting.
    #[error("interrupted while waiting for {}", .0.called())]
    Interrupted(Space),
}

/// Where records are.
pub trait Store {
    /// The bytes of a record; `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read(&self, kind: &str, key: &Key) -> Result<Option<Vec<u8>>, StoreError>;

    /// The keys of all records of a kind, in order. Reads no record.
    ///
    /// # Errors
    /// [`StoreError`].
    fn keys(&self, kind: &str) -> Result<Vec<Key>, StoreError>;

    /// Writes a record, whole or not at all.
    ///
    /// # Errors
    /// [`StoreError`]; with [`Expect::Nothing`] also [`StoreError::Exists`].
    fn write(&self, kind: &str, key: &Key, bytes: &[u8], expect: Expect) -> Result<(), StoreError>;

    /// Removes a record; whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    fn remove(&self, kind: &str, key: &Key) -> Result<bool, StoreError>;

    /// What brings back the record as it is now, or its absence: for a journal, before it is changed.
    ///
    /// # Errors
    /// [`StoreError`].
    fn undo(&self, kind: &str, key: &Key) -> Result<Undo, StoreError>;

    /// Holds a name space of the host. Whoever holds both took [`Space::Links`] first. The lock of a zone is
    /// that of its journal.
    ///
    /// # Errors
    /// [`StoreError::Busy`] names who holds it.
    fn hold(&self, space: Space) -> Result<Held, StoreError>;

    /// Where a record is, for messages.
    fn place(&self, kind: &str, key: &Key) -> String;
}

/// A record as it is written.
#[derive(Serialize, Deserialize)]
struct Written<R> {
    version: u32,
    #[serde(flatten)]
    record: R,
}

/// Records of any kind in a [`Store`].
pub trait Records: Store {
    /// The record of a key; `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn get<R: Record>(&self, key: &Key) -> Result<Option<R>, StoreError> {
        let Some(bytes) = self.read(R::KIND, key)? else { return Ok(None) };
        parse(&bytes, key, || self.place(R::KIND, key)).map(Some)
    }

    /// All records of a kind, in the order of their keys.
    ///
    /// # Errors
    /// [`StoreError`]: also of one that is damaged; the others are not given either.
    fn list<R: Record>(&self) -> Result<Vec<R>, StoreError> {
        let mut records = Vec::new();
        for key in self.keys(R::KIND)? {
            // One that has gone since was removed by somebody.
            records.extend(self.get::<R>(&key)?);
        }
        Ok(records)
    }

    /// Those records of a kind that can be read; why others cannot goes to `damaged`. For what changes nothing: who takes
    /// one that cannot be read for one that is not there gives its names away.
    ///
    /// # Errors
    /// [`StoreError`]: it is not known which there are.
    fn list_readable<R: Record>(&self, damaged: &mut Vec<StoreError>) -> Result<Vec<R>, StoreError> {
        let mut records = Vec::new();
        for key in self.keys(R::KIND)? {
            match self.get::<R>(&key) {
                Ok(found) => records.extend(found),
                Err(error) => damaged.push(error),
            }
        }
        Ok(records)
    }

    /// Writes a record.
    ///
    /// # Errors
    /// As [`Store::write`].
    fn put<R: Record>(&self, record: &R, expect: Expect) -> Result<(), StoreError> {
        let key = record.key();
        self.write(R::KIND, &key, &bytes(record, || self.place(R::KIND, &key))?, expect)
    }
}

impl<S: Store + ?Sized> Records for S {}

/// A record as text: JSON, for people too.
///
/// # Errors
/// [`StoreError::Damaged`]: a text or number in it cannot be written.
pub fn bytes<R: Record>(record: &R, place: impl FnOnce() -> String) -> Result<Vec<u8>, StoreError> {
    match serde_json::to_vec_pretty(&Written { version: R::VERSION, record }) {
        Ok(mut bytes) => {
            bytes.push(b'\n');
            Ok(bytes)
        }
        Err(error) => Err(StoreError::Damaged { place: place(), problem: error.to_string() }),
    }
}

fn parse<R: Record>(bytes: &[u8], key: &Key, place: impl Fn() -> String) -> Result<R, StoreError> {
    let damaged = |problem: String| StoreError::Damaged { place: place(), problem };
    let mut fields: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| {
        let cut = if error.is_eof() { "was cut off" } else { "is no record" };
        damaged(format!("{cut}: {error}"))
    })?;
    let version = fields.as_object_mut().and_then(|fields| fields.remove("version"));
    let version = version.and_then(|version| version.as_u64()).filter(|&version| version > 0);
    let version = version.ok_or_else(|| damaged("is no record: it has no `version`".to_owned()))?;
    let known = R::VERSION;
    let Some(version) = u32::try_from(version).ok().filter(|&version| version <= known) else {
        return Err(StoreError::Newer { place: place(), found: version, known });
    };
    let record = if version == known { serde_json::from_value(fields) } else { R::upgrade(version, fields) };
    let record: R = record.map_err(|error| damaged(format!("is no record: {error}")))?;
    if record.key() != *key {
        return Err(damaged(format!("is that of `{}`", record.key())));
    }
    Ok(record)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
