//! What can go wrong, in words: what failed, why, and what to do.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use contents::Error;
use contents::names::Unknown;

use crate::show::harmless;

/// Why there is no answer. Prints as `what failed: why; what to do`.
#[derive(Debug)]
pub struct Failure {
    what: String,
    why: String,
    advice: Option<&'static str>,
}

impl Failure {
    /// The answer could not be written.
    #[must_use]
    pub fn output(error: &io::Error) -> Self {
        Self { what: "cannot write the answer".into(), why: error.to_string(), advice: None }
    }

    pub(crate) fn relative(path: &OsStr) -> Self {
        Self {
            what: format!("cannot look up `{}`", harmless(path.as_bytes())),
            why: "paths of the database start with `/`".into(),
            advice: Some("give the whole path, from the root of the image"),
        }
    }

    pub(crate) fn image(path: &Path, error: &io::Error) -> Self {
        Self {
            what: format!("cannot open the image `{}`", harmless(path.as_os_str().as_bytes())),
            why: error.to_string(),
            advice: Some("give the root of an image with --image"),
        }
    }

    pub(crate) fn database(error: &Error) -> Self {
        let advice = match error {
            Error::Damaged { .. } => "restore the file, or mend that line",
            Error::Read { .. } => "give the root of an image with --image, and run as a user who may read it",
        };
        Self {
            what: "cannot read the package database".into(),
            why: harmless(error.to_string().as_bytes()),
            advice: Some(advice),
        }
    }

    pub(crate) fn unknown(unknown: &Unknown) -> Self {
        Self {
            what: "cannot list the package".into(),
            why: harmless(unknown.to_string().as_bytes()),
            advice: unknown.nearest.is_empty().then_some("`pkginfo` lists all packages"),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)?;
        self.advice.map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}
