//! Files inside zones: which ones a zone of a network and a router get, and writing them.
//!
//! A zone's root user may have put anything in the place of any of them, so all go through the root that is held by
//! capability, and none is written through: it is made beside and renamed. What is to be done is known before anything
//! is, and what was done is taken back when a later file fails.

mod change;
mod router;
mod zone;

use serde::Serialize;

use super::files::RoutingError;
use super::files::block::BlockError;

pub use change::{Change, Kind, plan, undo, write};
pub use router::{
    RouterTraits, fragments, fragments_gone, ingress_files, maps, router_files, router_gone, rules_files, services,
    stale_leases,
};
pub use zone::{Brand, Settings, Tenant, lx_attributes, name_servers, zone_files};

/// A file that a zone is to have, or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ZoneFile {
    /// Where, below the zone's root, without `/` before it.
    pub path: String,
    /// Its permissions when it is made.
    pub mode: u32,
    /// What it says.
    pub content: Content,
}

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// This, and nothing else.
    Whole(String),
    /// This as a block of its own; what others have written stays. No lines: no block, and no file for its sake.
    Block(String),
    /// What it says, and that hosts are looked up in DNS.
    Dns,
    /// The file is not there.
    Gone,
    /// The file is not there when this is what it says, for then nobody else has written it.
    GoneIf(String),
}

impl ZoneFile {
    pub(crate) fn new(path: impl Into<String>, content: Content) -> Self {
        Self { path: path.into(), mode: 0o644, content }
    }

    pub(crate) fn whole(path: impl Into<String>, text: String) -> Self {
        Self::new(path, Content::Whole(text))
    }

    fn block(path: impl Into<String>, lines: String) -> Self {
        Self::new(path, Content::Block(lines))
    }

    pub(crate) fn gone(path: impl Into<String>) -> Self {
        Self::new(path, Content::Gone)
    }
}

/// Why a file inside a zone is not as it should be. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum InsideError {
    /// The system refused, or something else is in the file's place.
    #[error("/{path} of the zone: {source}{}", advice(source))]
    System {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Our part of the file cannot be told from the rest.
    #[error("/{path} of the zone {source}")]
    Block {
        /// The file.
        path: String,
        /// What is wrong.
        source: BlockError,
    },
    /// It failed, and so did taking back what had been done.
    #[error("{error}; and these could not be put back as they were: {}", .left.join(", "))]
    Left {
        /// Why it failed.
        error: Box<InsideError>,
        /// The files that are changed now.
        left: Vec<String>,
    },
    /// There is nothing to write.
    #[error(transparent)]
    Routing(#[from] RoutingError),
}

/// What to do about something in the way.
fn advice(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind as K;
    let linked = rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::LOOP);
    match error.kind() {
        _ if linked => "; zonekit follows no link in a zone: see who made it, and put a folder in its place",
        K::NotADirectory | K::IsADirectory | K::InvalidInput => "; see what it is, and remove it",
        K::FileTooLarge => "; see what it is, and make it smaller",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
