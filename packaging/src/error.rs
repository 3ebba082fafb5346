//! What can go wrong.

use std::io;
use std::path::{Path, PathBuf};

/// Why zonekit could not be laid out or packaged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program has not been built.
    #[error("{}: there is no such program; build it with `make`", .0.display())]
    NotBuilt(PathBuf),
    /// Something stands where a file or link has to be put.
    #[error("{}: is a directory; remove it", .0.display())]
    InTheWay(PathBuf),
    /// Something in the tree that a package cannot hold, or that does not belong in one.
    #[error("{}: cannot be packaged: {why}", path.display())]
    Strange {
        /// Where.
        path: PathBuf,
        /// Why not.
        why: &'static str,
    },
    /// A file of a brand is not as it should be.
    #[error("{}: {problem}", file.display())]
    Brand {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A recipe.
    #[error(transparent)]
    Recipe(#[from] zonelib::recipe::RecipeError),
    /// What was made does not read back, or a name is none.
    #[error(transparent)]
    Contents(#[from] contents::Error),
    /// The flags.
    #[error("{0}")]
    Usage(String),
}

impl Error {
    /// For `map_err`: an I/O error with its path.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Io { path: path.to_owned(), source }
    }
}
