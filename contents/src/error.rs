//! What can be wrong with a file of the package database.

use std::path::PathBuf;

/// A file that could not be read, or was read and is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file's text breaks the rules of its format.
    #[error("{}: line {line}: {problem}", file.display())]
    Damaged {
        /// The file, as the caller named it.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// Which rule it breaks.
        problem: Problem,
    },
    /// The file could not be opened or read.
    #[error("{}: {source}", file.display())]
    Read {
        /// The file, as the caller named it.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Error {
    /// A damaged line of `file`.
    pub(crate) fn damaged(file: impl Into<PathBuf>, line: usize, problem: Problem) -> Self {
        Self::Damaged { file: file.into(), line, problem }
    }

    /// A file that could not be read.
    pub(crate) fn read(file: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Read { file: file.into(), source }
    }
}

/// The rule that a line breaks. Facts: contents(5), pkgmap(5), and what `pkgserv` and `libpkg` accept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The last line has no newline: the file was cut short.
    #[error("the last line has no newline: the file is truncated")]
    Truncated,
    /// A NUL byte, which no field can hold.
    #[error("holds a NUL byte: this is not a text file")]
    Nul,
    /// Longer than any line that illumos writes.
    #[error("is longer than {0} bytes")]
    TooLong(usize),
    /// The line ends where a field should follow.
    #[error("ends before the {0}")]
    Missing(&'static str),
    /// Something follows where the line should end.
    #[error("has more fields than its kind allows")]
    Extra,
    /// The path does not start with a slash.
    #[error("the path does not start with `/`")]
    NotAbsolute,
    /// The path starts with a slash where it should not.
    #[error("the path is not relative to the package's base directory")]
    NotRelative,
    /// The path has empty, `.` or `..` components.
    #[error("the path has an empty, `.` or `..` component, or ends in `/`")]
    NotCanonical,
    /// A kind that the format does not know.
    #[error("unknown kind `{0}`")]
    UnknownKind(String),
    /// A link without `=target`.
    #[error("a link without `=target`")]
    NoTarget,
    /// A number that is none, or is out of range.
    #[error("the {field} `{value}` is not a number of the right form and range")]
    BadNumber {
        /// Which field.
        field: &'static str,
        /// What stands there.
        value: String,
    },
    /// A word that is longer than the format allows.
    #[error("the {field} is longer than {limit} bytes")]
    WordTooLong {
        /// Which field.
        field: &'static str,
        /// How long it may be.
        limit: usize,
    },
    /// No package name in a package token.
    #[error("`{0}` names no package")]
    BadPackage(String),
    /// The path stands on an earlier line too.
    #[error("the path stands on line {0} too")]
    Duplicate(usize),
    /// Something else, said in words.
    #[error("{0}")]
    Other(String),
}

/// Bytes of the file for a message: never a control character, never very long.
pub(crate) fn quote(bytes: &[u8]) -> String {
    const LIMIT: usize = 60;
    let text: String = String::from_utf8_lossy(bytes).chars().flat_map(char::escape_debug).take(LIMIT).collect();
    if bytes.len() > LIMIT { format!("{text}...") } else { text }
}
