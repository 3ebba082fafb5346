//! The SVR4 package database of illumos and its neighbours: parsing and writing, and nothing else.
//!
//! [`database::Contents`] reads contents(5), the list of every packaged path; the other modules read
//! what stands beside it below `/var/sadm`. Names are bytes: nothing here assumes UTF-8. Files are
//! only ever opened below an image root that the caller holds as a [`cap_std::fs::Dir`].
//!
//! Everything refuses what it does not understand, with the file and the line: a database that is
//! damaged must stop an installation, never shape it.

pub mod alias;
mod attributes;
pub mod checksum;
pub mod database;
pub mod depend;
pub mod entry;
pub mod error;
mod fields;
pub mod image;
mod lines;
pub mod names;
pub mod overlay;
pub mod pkginfo;
pub mod pkgmap;
pub mod pristine;
#[cfg(test)]
mod testing;

pub use database::Contents;
pub use entry::{Entry, Kind, PackageRef};
pub use error::{Error, Problem};
pub use names::{OverlayName, PackageName};
