//! Everything that an image will hold, before anything is written.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use super::content::Content;
use super::delivery::Delivery;
use super::packages::{self, Package};
use super::{Options, bulk, edge, strays};

/// Something that happened to a packaged path after installation.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// The file got more text.
    Append(&'static str),
    /// The file got other content.
    Write(Content),
    /// Other permission bits.
    Mode(u32),
    /// Another owner and group.
    Owner(&'static str, &'static str),
    /// Another modification time: seconds and nanoseconds.
    Time(i64, u32),
    /// It is gone, with all below it.
    Remove,
    /// A symbolic link stands in its place.
    Symlink(&'static str),
    /// A directory stands in its place, with a file in it.
    Directory,
    /// A file stands in its place.
    File,
    /// The directory was moved, and a symbolic link to the new place left behind.
    Move { to: &'static str, link: &'static str },
}

/// What a stray thing is.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// A regular file.
    File(Content),
    /// A symbolic link.
    Symlink(&'static str),
    /// Another name of a packaged file.
    HardLink(&'static str),
}

/// Something on disk that no package owns.
#[derive(Clone, Debug)]
pub(crate) struct Stray {
    pub(crate) path: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) form: Form,
}

/// Packages, what became of their files, and what came beside them.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) packages: Vec<Package>,
    pub(crate) changes: Vec<(Vec<u8>, Change)>,
    pub(crate) strays: Vec<Stray>,
    pub(crate) edge: BTreeMap<&'static str, Vec<PathBuf>>,
}

impl Plan {
    /// Decides everything.
    pub(crate) fn new(options: &Options) -> io::Result<Self> {
        let mut plan = Self { packages: packages::base()?, ..Self::default() };
        strays::plan(&mut plan);
        for unit in 0..options.scale {
            bulk::plan(&mut plan, unit);
        }
        if options.edge_cases {
            edge::plan(&mut plan);
        }
        plan.packages.iter_mut().for_each(Package::complete);
        Ok(plan)
    }

    /// Starts a package; what is added from now on belongs to it.
    pub(crate) fn package(&mut self, name: &str, summary: &str) -> &mut Package {
        self.packages.push(Package::new(name, summary));
        let last = self.packages.len() - 1;
        &mut self.packages[last]
    }

    /// Delivers something in the package started last.
    pub(crate) fn add(&mut self, delivery: Delivery) {
        if let Some(package) = self.packages.last_mut() {
            package.deliveries.push(delivery);
        }
    }

    /// Delivers an edge case in the package started last.
    pub(crate) fn case(&mut self, category: &'static str, delivery: Delivery) {
        self.note(category, delivery.path.clone());
        self.add(delivery);
    }

    /// Delivers a file that is changed once installed.
    pub(crate) fn changed(&mut self, category: &'static str, delivery: Delivery, change: Change) {
        self.change(delivery.path.clone(), change);
        self.case(category, delivery);
    }

    /// Lists a path under a category.
    pub(crate) fn note(&mut self, category: &'static str, path: impl Into<Vec<u8>>) {
        self.edge.entry(category).or_default().push(path_of(path));
    }

    /// Changes a packaged path once everything is installed; changes happen in the order of calls.
    pub(crate) fn change(&mut self, path: impl Into<Vec<u8>>, change: Change) {
        self.changes.push((path.into(), change));
    }

    /// Puts something unpackaged on disk.
    pub(crate) fn stray(&mut self, path: impl Into<Vec<u8>>, mode: u32, form: Form) {
        self.strays.push(Stray { path: path.into(), mode, form });
    }
}

/// Bytes as a path.
pub(crate) fn path_of(bytes: impl Into<Vec<u8>>) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.into()))
}
