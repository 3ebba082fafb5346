//! Bringing a zone up to the packages of its image: [`plan()`] compares what packages said when the zone
//! was made, what they say now, and what stands in the zone; [`apply()`] carries it out.
//!
//! What the zone's administrator changed is never lost: it stays, or it goes beside what takes its place.
//! What was untouched follows the packages. The zone's contents file says what the zone was made from and
//! is written last, so an update that was interrupted is finished by the next one.
//!
//! The zone root is mounted by the caller. Services' repository and profiles are the zone's own and are
//! not touched, and nothing below a directory that the zone mounts from the global zone is looked at.

mod apply;
mod beside;
mod compare;
mod decide;
mod describe;
mod follow;
mod gone;
mod look;
mod merge;
mod plan;
mod release;
mod steps;
mod then;

use std::io;
use std::path::PathBuf;

use crate::populate::ApplyError;

pub use apply::{Apply, UpdateReport, apply};
pub use describe::{step_json, step_line};
pub use plan::{Options, Packages, plan};
pub use release::check as check_release;
pub use steps::{Act, Step, UpdatePlan};
pub use then::Then;

/// Why a zone was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The root has no package database, so nothing is known of what it was made from.
    #[error("{}: the zone's package database cannot be read: {source}; only a zone that pkgcreatezone or the brand's own scripts made can be updated", root.join(contents::database::CONTENTS).display())]
    NoDatabase {
        /// The zone root.
        root: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The zone's package database is damaged.
    #[error("{}: {source}; correct the line, or install the zone anew", root.display())]
    Database {
        /// The zone root.
        root: PathBuf,
        /// The file and the line.
        source: contents::Error,
    },
    /// Packages were installed in the zone whose entries are not in its database yet.
    #[error("{}: packages installed in the zone are not all in its database yet; run `pkgadm sync` in the zone", root.display())]
    Pending {
        /// The zone root.
        root: PathBuf,
    },
    /// The zone is of another release.
    #[error("{}: the zone is of another release than the image: {reason}; install it anew", root.display())]
    Release {
        /// The zone root.
        root: PathBuf,
        /// What differs.
        reason: String,
    },
    /// The accounts or the database of the image cannot be read.
    #[error("image: {0}")]
    Image(#[from] contents::Error),
    /// Something could not be looked at.
    #[error("{}: {source}", path.display())]
    Look {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something could not be made or removed.
    #[error("{}: {source}; run it again to go on", root.display())]
    Apply {
        /// The zone root.
        root: PathBuf,
        /// What, and why.
        source: ApplyError,
    },
    /// Another process works in the zone root.
    #[error("{}: is being changed by another process; wait for its end", .0.display())]
    Busy(PathBuf),
    /// Packages changed meanwhile.
    #[error("{}: packages of the image changed meanwhile; run it again", .0.display())]
    Torn(PathBuf),
}
