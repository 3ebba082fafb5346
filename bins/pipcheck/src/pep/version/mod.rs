//! Versions by PEP 440.

mod form;
mod scan;

use std::fmt;
use std::str::FromStr;

use super::number::Number;
use super::scan::{Cursor, trim};
use form::{Form, Release, Suffix};

/// The text is not a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a version (PEP 440)")]
pub struct VersionError;

/// Which kind of pre-release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PreRelease {
    /// `a`, `alpha`.
    Alpha,
    /// `b`, `beta`.
    Beta,
    /// `rc`, `c`, `pre`, `preview`.
    Candidate,
}

/// A version. The order is that of PEP 440, in which `1.0` and `1.0.0` are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(Form);

impl Version {
    /// Reads a version in any spelling that PEP 440 allows, white space around it included.
    ///
    /// # Errors
    /// [`VersionError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        let mut cursor = Cursor::new(trim(text));
        match Self::scan(&mut cursor) {
            Some(version) if cursor.at_end() => Ok(version),
            _ => Err(VersionError),
        }
    }

    /// Reads the longest version that is next.
    pub(super) fn scan(cursor: &mut Cursor<'_>) -> Option<Self> {
        scan::version(cursor).map(Self)
    }

    /// The epoch, 0 if none is written.
    #[must_use]
    pub fn epoch(&self) -> Number {
        match &self.0 {
            Form::Packed(_) => Number::ZERO,
            Form::Full(full) => full.epoch.clone(),
        }
    }

    /// The numbers of the release as written, `[3, 13, 0]` for 3.13.0.
    #[must_use]
    pub fn release(&self) -> Vec<Number> {
        self.0.full().into_owned().release
    }

    /// The pre-release and its number.
    #[must_use]
    pub fn pre(&self) -> Option<(PreRelease, Number)> {
        self.0.suffix().pre.clone()
    }

    /// The number of the post-release.
    #[must_use]
    pub fn post(&self) -> Option<Number> {
        self.0.suffix().post.clone()
    }

    /// The number of the development release.
    #[must_use]
    pub fn dev(&self) -> Option<Number> {
        self.0.suffix().dev.clone()
    }

    /// The local version in its normal form, `cpu.1` for 1.0+CPU-1.
    #[must_use]
    pub fn local(&self) -> Option<String> {
        match &self.0 {
            Form::Full(full) if !full.local.is_empty() => Some(full.local_text()),
            _ => None,
        }
    }

    /// Whether it is a pre-release or a development release.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        self.0.is_prerelease()
    }

    /// Whether it is a post-release.
    #[must_use]
    pub fn is_postrelease(&self) -> bool {
        self.0.suffix().post.is_some()
    }

    /// Whether it has a local version.
    #[must_use]
    pub fn is_local(&self) -> bool {
        !self.0.local().is_empty()
    }

    /// Without the local version.
    #[must_use]
    pub fn public(&self) -> Self {
        if !self.is_local() {
            return self.clone();
        }
        let full = self.0.full().into_owned();
        Self(Release::of(&full).with(full.suffix, Vec::new()))
    }

    /// Epoch and release alone.
    #[must_use]
    pub fn base(&self) -> Self {
        Self(Release::of(&self.0.full()).with(Suffix::default(), Vec::new()))
    }

    /// Whether it is an epoch and a release and nothing else.
    #[must_use]
    pub fn is_release(&self) -> bool {
        !self.is_local() && *self.0.suffix() == Suffix::default()
    }

    /// How many numbers its release was written with.
    pub(super) fn release_length(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.length(),
            Form::Full(full) => full.release.len(),
        }
    }

    /// Whether epoch and the first `length` numbers of the release are those of `other`. Numbers that are not written
    /// are 0.
    pub(super) fn starts_like(&self, other: &Self, length: usize) -> bool {
        self.0.starts_like(&other.0, length)
    }

    /// Whether epoch and release are those of `other`.
    pub(super) fn same_release(&self, other: &Self) -> bool {
        self.starts_like(other, self.release_length().max(other.release_length()))
    }

    /// The first release after all versions whose release begins with `length` numbers of this one.
    pub(super) fn after_series(&self, length: usize) -> Self {
        let mut full = self.0.full().into_owned();
        full.release.truncate(length.max(1));
        if let Some(last) = full.release.last_mut() {
            *last = last.successor();
        }
        Self(Release::of(&full).with(Suffix::default(), Vec::new()))
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        Self::parse(text)
    }
}

/// The normal form of PEP 440.
impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let full = self.0.full();
        if full.epoch != Number::ZERO {
            write!(formatter, "{}!", full.epoch)?;
        }
        for (index, number) in full.release.iter().enumerate() {
            write!(formatter, "{}{number}", if index == 0 { "" } else { "." })?;
        }
        if let Some((kind, number)) = &full.suffix.pre {
            write!(formatter, "{kind}{number}")?;
        }
        if let Some(number) = &full.suffix.post {
            write!(formatter, ".post{number}")?;
        }
        if let Some(number) = &full.suffix.dev {
            write!(formatter, ".dev{number}")?;
        }
        if !full.local.is_empty() {
            write!(formatter, "+{}", full.local_text())?;
        }
        Ok(())
    }
}

impl fmt::Display for PreRelease {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Alpha => "a",
            Self::Beta => "b",
            Self::Candidate => "rc",
        })
    }
}

/// The version that a distribution says it has: its text, and the version that it is unless PEP 440 does not know it.
#[derive(Clone, Debug)]
pub struct DeclaredVersion<'a> {
    text: &'a str,
    version: Option<Version>,
}

impl<'a> DeclaredVersion<'a> {
    /// Takes any text.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let text = trim(text);
        Self::known(text, Version::parse(text).ok())
    }

    /// A text of which it is known which version it is.
    pub(super) fn known(text: &'a str, version: Option<Version>) -> Self {
        Self { text, version }
    }

    /// As written, without white space around it.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The version; none if PEP 440 does not know it.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }
}
