//! A small, complete illumos-like root image with its package database, made from nothing.
//!
//! [`make`] writes the image: files of plausible kinds and sizes, `/var/sadm/install/contents` in the
//! form and order in which illumos writes it, `/var/sadm/pkg` with pristine copies of editable files,
//! overlays, zap catalogues, SMF manifests, and a running system's edits and leftovers. The same
//! [`Options`] give the same bytes, modes and times, to the nanosecond. [`Sample`] says what is where.
//!
//! Without root's privileges owners and devices are left out, and [`Sample`] says so. Nothing outside
//! the image is touched, although symbolic links in it point there.

mod accounts;
mod bulk;
mod catalogues;
mod content;
mod database;
mod delivery;
mod edge;
mod live;
mod metadata;
pub mod names;
mod packages;
mod plan;
mod prototype;
mod services;
mod strays;
mod texts;
mod tree;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

pub use edge::{CATEGORIES, Category, Place};

use delivery::INSTALLED;
use plan::{Plan, path_of};
use services::Service;
use tree::Tree;

/// How much is made.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// 1 is an image of about 660 packaged paths; each further unit adds eight packages of together 200.
    pub scale: u32,
    /// Plant everything in [`CATEGORIES`], about 390 paths more.
    pub edge_cases: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { scale: 1, edge_cases: true }
    }
}

/// An overlay of the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlay {
    /// Its name.
    pub name: String,
    /// Overlays that it requires.
    pub requires: Vec<String>,
    /// Packages that it lists.
    pub packages: Vec<String>,
    /// It has an installed marker.
    pub installed: bool,
}

/// What was planted where. Paths are those of the image, with a leading slash.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The image root on this machine.
    pub root: PathBuf,
    /// Owners are as packaged; otherwise everything belongs to the caller.
    pub owned: bool,
    /// Devices were made.
    pub devices: bool,
    /// Lines of the database.
    pub entries: usize,
    /// Regular files among them, hard links not counted.
    pub files: usize,
    /// Bytes of these files, holes included.
    pub bytes: u64,
    /// Installed packages, in the order in which they were installed.
    pub packages: Vec<String>,
    /// Overlays, installed or not.
    pub overlays: Vec<Overlay>,
    /// Every editable path (`e`, `v`) that has a pristine copy, and where that copy is.
    pub pristine: BTreeMap<PathBuf, PathBuf>,
    /// Packaged paths that the running system changed or lost.
    pub changed: Vec<PathBuf>,
    /// On disk, owned by no package, and wanted in no zone.
    pub unpackaged: Vec<PathBuf>,
    /// On disk, owned by no package, and needed by zap in every zone.
    pub catalogues: Vec<PathBuf>,
    /// Manifests of services that zones keep.
    pub kept_services: Vec<PathBuf>,
    /// Manifests of services that zones must not have.
    pub pruned_services: Vec<PathBuf>,
    /// Of `kept_services`, those that require one of `pruned_services`.
    pub stranded_services: Vec<PathBuf>,
    /// The edge cases by category; empty without [`Options::edge_cases`].
    pub edge: BTreeMap<&'static str, Vec<PathBuf>>,
}

impl Sample {
    /// Where a path of the image is on this machine.
    #[must_use]
    pub fn on_disk(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The paths of a category; none if the image has no edge cases.
    #[must_use]
    pub fn edge(&self, category: &str) -> &[PathBuf] {
        self.edge.get(category).map_or(&[], Vec::as_slice)
    }

    /// An overlay by name.
    #[must_use]
    pub fn overlay(&self, name: &str) -> Option<&Overlay> {
        self.overlays.iter().find(|overlay| overlay.name == name)
    }
}

/// Makes the image in an empty directory, or in a new one.
///
/// # Errors
/// The directory is not empty ([`io::ErrorKind::DirectoryNotEmpty`]), or writing failed.
pub fn make(at: &Path, options: &Options) -> io::Result<Sample> {
    let plan = Plan::new(options)?;
    let lines = database::merge(&plan.packages);
    let overlays = catalogues::overlays(&plan.packages, options.edge_cases);

    let mut tree = Tree::new(at, INSTALLED)?;
    database::install(&mut tree, &lines)?;
    for package in &plan.packages {
        metadata::write(&mut tree, package, &lines)?;
    }
    let last = plan.packages.last().map_or("SUNWcs", |package| package.name.as_str());
    database::write(&mut tree, database::text(&lines, last))?;
    let catalogues = catalogues::write(&mut tree, &plan.packages, &overlays)?;
    live::strays(&mut tree, &plan)?;
    live::changes(&mut tree, &plan)?;
    tree.finish()?;

    let regular = || lines.values().map(|line| line.delivery).filter(|delivery| delivery.kind.has_content());
    let mut changed: Vec<PathBuf> = plan.changes.iter().map(|(path, _)| path_of(path.as_slice())).collect();
    changed.sort_unstable();
    changed.dedup();
    let stranded = |service: &&Service| services::STRANDED.contains(&service.name);
    Ok(Sample {
        root: at.to_owned(),
        owned: tree.owned,
        devices: tree.devices,
        entries: lines.len(),
        files: regular().count(),
        bytes: regular().map(|delivery| delivery.content.size() as u64).sum(),
        packages: plan.packages.iter().map(|package| package.name.clone()).collect(),
        overlays,
        pristine: database::pristine(&lines),
        changed,
        unpackaged: plan.strays.iter().map(|stray| path_of(stray.path.as_slice())).collect(),
        catalogues,
        kept_services: services::KEPT.iter().map(manifest).collect(),
        pruned_services: services::PRUNED.iter().map(manifest).collect(),
        stranded_services: services::KEPT.iter().filter(stranded).map(manifest).collect(),
        edge: plan.edge.clone(),
    })
}

fn manifest(service: &Service) -> PathBuf {
    PathBuf::from(format!("/lib/svc/manifest/{}.xml", service.manifest))
}

#[cfg(test)]
mod tests;
