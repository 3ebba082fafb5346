//! What planning makes: one change each, as data.

use serde::{Deserialize, Serialize};

use super::{ApplyError, Attachment, Ingress, Peering, Segment};
use crate::config::NetResourceChange;
use crate::host::NetworkChange;
use crate::journal::Undo;
use crate::store::{Expect, Key, Record, Records, Store};

/// A record of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remembered {
    /// A segment.
    Segment(Segment),
    /// An attachment.
    Attachment(Attachment),
    /// An ingress.
    Ingress(Ingress),
    /// A peering.
    Peering(Peering),
}

impl From<Segment> for Remembered {
    fn from(record: Segment) -> Self {
        Self::Segment(record)
    }
}

impl From<Attachment> for Remembered {
    fn from(record: Attachment) -> Self {
        Self::Attachment(record)
    }
}

impl From<Ingress> for Remembered {
    fn from(record: Ingress) -> Self {
        Self::Ingress(record)
    }
}

impl From<Peering> for Remembered {
    fn from(record: Peering) -> Self {
        Self::Peering(record)
    }
}

impl Remembered {
    fn kind_and_key(&self) -> (&'static str, Key) {
        match self {
            Self::Segment(record) => (Segment::KIND, record.key()),
            Self::Attachment(record) => (Attachment::KIND, record.key()),
            Self::Ingress(record) => (Ingress::KIND, record.key()),
            Self::Peering(record) => (Peering::KIND, record.key()),
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// On the host's network.
    Host {
        /// The change.
        change: NetworkChange,
    },
    /// The same, unless it has been made already.
    HostOnce {
        /// The change.
        change: NetworkChange,
    },
    /// In the configuration of a zone.
    Zonecfg {
        /// The change.
        change: NetResourceChange,
    },
    /// Write a record.
    Remember {
        /// The record.
        record: Box<Remembered>,
        /// It takes the place of an older one.
        replace: bool,
    },
    /// Remove a record.
    Forget {
        /// Its kind.
        kind: String,
        /// Its key.
        key: String,
    },
}

impl Step {
    /// Write a new record.
    #[must_use]
    pub fn remember(record: Remembered) -> Self {
        Self::Remember { record: Box::new(record), replace: false }
    }

    /// Write a record in the place of an older one.
    #[must_use]
    pub fn replace(record: Remembered) -> Self {
        Self::Remember { record: Box::new(record), replace: true }
    }

    /// Remove a record.
    #[must_use]
    pub fn forget<R: Record>(key: &Key) -> Self {
        Self::Forget { kind: R::KIND.to_owned(), key: key.to_string() }
    }

    /// What it does, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Host { change } | Self::HostOnce { change } => change.describe(),
            Self::Zonecfg { change } => change.describe(),
            Self::Remember { record, .. } => {
                let (kind, key) = record.kind_and_key();
                format!("write down {kind}/{key}")
            }
            Self::Forget { kind, key } => format!("forget {kind}/{key}"),
        }
    }

    /// The command that does it; `None` when no command does.
    #[must_use]
    pub fn command_line(&self) -> Option<String> {
        match self {
            Self::Host { change } | Self::HostOnce { change } => Some(change.command().line()),
            Self::Zonecfg { change } => {
                let command = change.command();
                Some(format!("{} -z {} '{}'", command.program().display(), change.zone(), change.text()))
            }
            Self::Remember { .. } | Self::Forget { .. } => None,
        }
    }

    /// How it is taken back, in the order in which that is done: for a journal, before [`Step::run`]. Nothing when that of
    /// an earlier step does.
    ///
    /// # Errors
    /// [`ApplyError`]: the record that it changes cannot be read.
    pub fn undo(&self, store: &dyn Store) -> Result<Vec<Undo>, ApplyError> {
        Ok(match self {
            Self::Host { change } | Self::HostOnce { change } => {
                change.undo().into_iter().map(|change| Undo::Network { change }).collect()
            }
            Self::Zonecfg { change } => vec![Undo::Zonecfg { change: change.opposite() }],
            Self::Remember { record, .. } => {
                let (kind, key) = record.kind_and_key();
                vec![store.undo(kind, &key)?]
            }
            Self::Forget { kind, key } => match key.parse() {
                Ok(key) => vec![store.undo(kind, &key)?],
                Err(_) => Vec::new(),
            },
        })
    }

    /// Does it.
    ///
    /// # Errors
    /// [`ApplyError`].
    pub fn run(&self, store: &dyn Store) -> Result<(), ApplyError> {
        match self {
            Self::Host { change } => Ok(change.run()?),
            Self::HostOnce { change } => Ok(change.ensure()?),
            Self::Zonecfg { change } => Ok(change.run()?),
            Self::Remember { record, replace } => {
                let expect = if *replace { Expect::Anything } else { Expect::Nothing };
                Ok(match &**record {
                    Remembered::Segment(record) => store.put(record, expect),
                    Remembered::Attachment(record) => store.put(record, expect),
                    Remembered::Ingress(record) => store.put(record, expect),
                    Remembered::Peering(record) => store.put(record, expect),
                }?)
            }
            Self::Forget { kind, key } => match key.parse() {
                Ok(key) => Ok(store.remove(kind, &key).map(drop)?),
                Err(_) => Ok(()),
            },
        }
    }
}
