//! An image: a root with a package database.

use std::io;
use std::path::{Path, PathBuf};

use contents::Contents;
use contents::database::CONTENTS;

use crate::root::{Stat, Timestamp, Tree};

use super::plan::Packages;

/// Why an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The root cannot be opened.
    #[error("image {}: {source}", path.display())]
    Open {
        /// The root.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database is missing or damaged.
    #[error("image {}: {source}", path.display())]
    Database {
        /// The root.
        path: PathBuf,
        /// What is wrong.
        source: contents::Error,
    },
    /// The database lags behind what is installed.
    #[error("image {}: installed packages are not all in the database yet; run `pkgadm sync -R {}`", path.display(), path.display())]
    Pending {
        /// The root.
        path: PathBuf,
    },
}

/// A root whose packages zones are made from, with the text of its database.
#[derive(Debug)]
pub struct Image {
    tree: Tree,
    text: Vec<u8>,
    updated: Timestamp,
}

impl Image {
    /// Opens a root and reads its database.
    ///
    /// # Errors
    /// [`ImageError`]: no such root, no database, or one that has changes pending.
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        let tree = Tree::open(path).map_err(|source| ImageError::Open { path: path.to_owned(), source })?;
        let database = |source| ImageError::Database { path: path.to_owned(), source };
        if contents::image::has_pending_changes(tree.dir()).map_err(database)? {
            return Err(ImageError::Pending { path: path.to_owned() });
        }
        let updated = stamp(&tree).map_err(|source| ImageError::Open { path: path.join(CONTENTS), source })?;
        let text = contents::image::read_contents(tree.dir()).map_err(database)?;
        Ok(Self { tree, text, updated })
    }

    /// The root.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The database.
    ///
    /// # Errors
    /// [`ImageError::Database`]: a line that is not as contents(5) says.
    pub fn contents(&self) -> Result<Contents<'_>, ImageError> {
        Contents::parse_halves(Path::new(CONTENTS), &self.text)
            .map_err(|source| ImageError::Database { path: self.tree.path().to_owned(), source })
    }

    /// The root with its parsed database, to plan with.
    #[must_use]
    pub fn packages<'a>(&'a self, contents: &'a Contents<'a>) -> Packages<'a> {
        Packages { tree: &self.tree, contents, updated: self.updated }
    }

    /// Whether packages have been installed or removed since the database was read.
    #[must_use]
    pub fn changed(&self) -> bool {
        let pending = contents::image::has_pending_changes(self.tree.dir()).unwrap_or(true);
        pending || stamp(&self.tree).ok() != Some(self.updated)
    }
}

fn stamp(tree: &Tree) -> io::Result<Timestamp> {
    let (file, _) = super::live::open_anywhere(tree, CONTENTS.as_bytes())?;
    Ok(Stat::of(&file)?.modified)
}
