//! Filling a zone root: image + recipe -> [`plan()`] -> actions -> [`apply()`] or [`archive()`]; and back out of an archive, [`unpack`].
//!
//! Planning touches nothing. Applying decides nothing: what is missing, of another kind or wrongly
//! owned has been settled in the plan, and what can only be seen while copying is reported.

mod action;
mod apply;
mod archive;
mod describe;
mod gzip;
mod image;
mod live;
mod metadata;
mod owners;
mod plan;
mod select;
mod survey;
pub mod unpack;
mod verify;
mod work;
mod zone_contents;

use std::path::PathBuf;

pub(crate) use action::split;
pub use action::{Action, Attributes, Modified, Origin, Packaged, Source, Text, What};
pub use apply::{Applied, ApplyError, Counters, Mismatch, Settings, Trees, apply};
pub(crate) use apply::{compare, path_of};
pub use archive::{ArchiveError, archive};
pub use describe::{Summary, action_json, action_line, difference_json, printable};
pub(crate) use describe::{absolute, kind, put_name};
pub use image::{Image, ImageError};
pub(crate) use live::{is_absence, leads_nowhere, open_anywhere, open_dir, why_absent};
pub use metadata::{Listing, postinstall_path};
pub(crate) use metadata::{OVERLAYS, PACKAGES, SAVE};
pub(crate) use owners::Owners;
pub use plan::{Missing, Packages, Plan, Request, plan, plan_clone};
pub(crate) use plan::{link_target, relative};
pub use select::{Kept, Wanted, packages};
pub(crate) use survey::Facts;
pub use survey::{Survey, survey};
pub use verify::{Difference, Findings, verify};
pub(crate) use verify::{MOUNTED_FILES, called, same_files};
pub(crate) use zone_contents::{filter, replace_file};

/// Why no plan could be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Something in the image could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The package database or one of its neighbours is damaged.
    #[error(transparent)]
    Database(#[from] contents::Error),
    /// No such overlay or package.
    #[error(transparent)]
    Unknown(#[from] contents::names::Unknown),
}

impl From<(PathBuf, std::io::Error)> for PlanError {
    fn from((path, source): (PathBuf, std::io::Error)) -> Self {
        Self::Read { path, source }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
