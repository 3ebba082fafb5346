//! What is remembered of a zone that was made: enough to take away all that was made for it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::ZoneName;
use crate::net::Router;
use crate::store::{Key, Record};

use super::Kind;

/// A zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneRecord {
    /// Its name.
    pub zone: ZoneName,
    /// Its type.
    pub kind: Kind,
    /// Its zonepath.
    pub zonepath: PathBuf,
    /// The operation that made it, which its datasets are marked with.
    pub operation: String,
    /// What was made for it besides links and addresses, in order.
    pub made: Vec<Made>,
    /// Directories that it shares.
    pub shares: Vec<Share>,
    /// Datasets that it administers.
    pub datasets: Vec<String>,
    /// Accounts that it shares.
    pub users: Vec<String>,
    /// The template that it shares, instead of the global zone.
    pub template: Option<String>,
    /// What it was installed from.
    pub image: Option<PathBuf>,
    /// While it is destroyed: routers that have to be brought up to date when its records have gone.
    #[serde(default)]
    pub routers: Vec<Router>,
}

/// Something that was made for a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "made", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Made {
    /// A directory.
    Directory {
        /// Where.
        path: PathBuf,
    },
    /// A file system with directories of the zone.
    FileSystem {
        /// The dataset.
        dataset: String,
        /// Where it is mounted.
        path: PathBuf,
    },
    /// A dataset that the zone administers.
    Delegated {
        /// Its name.
        dataset: String,
    },
    /// A dataset above one that the zone administers.
    Parent {
        /// Its name.
        dataset: String,
    },
    /// A disk of the machine.
    Volume {
        /// Its name.
        dataset: String,
    },
}

impl Made {
    /// What it is, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Directory { path } => format!("the directory {}", path.display()),
            Self::FileSystem { dataset, path } => format!("the file system `{dataset}` on {}", path.display()),
            Self::Delegated { dataset } => format!("the dataset `{dataset}`, which it administers"),
            Self::Parent { dataset } => format!("the dataset `{dataset}`, if nothing is in it"),
            Self::Volume { dataset } => format!("the volume `{dataset}`"),
        }
    }
}

/// A directory that a zone shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Where the zone sees it.
    pub directory: PathBuf,
    /// Where it is.
    pub special: PathBuf,
    /// The zone cannot change it.
    pub read_only: bool,
}

impl ZoneRecord {
    /// Whether the zone sees a directory that is here.
    #[must_use]
    pub fn is_share(&self, path: &Path) -> bool {
        self.shares.iter().any(|share| share.special == path)
    }
}

impl Record for ZoneRecord {
    const KIND: &'static str = "zones";
    const VERSION: u32 = 1;

    fn key(&self) -> Key {
        key(&self.zone)
    }
}

/// What the record of a zone is found by.
#[must_use]
pub fn key(zone: &ZoneName) -> Key {
    Key::of(&[zone.as_str()])
}
