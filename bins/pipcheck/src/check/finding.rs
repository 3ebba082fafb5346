//! What can be found, as data.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is wrong, or worth a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A requirement is not installed.
    Missing,
    /// A requirement is installed in a version that is not wanted.
    Incompatible,
    /// A requirement is installed twice, and only one of the two would do.
    Ambiguous,
    /// The module is not for this Python.
    RequiresPython,
    /// As missing, for an extra that another module asks for.
    ExtraMissing,
    /// As incompatible, for an extra that another module asks for.
    ExtraIncompatible,
    /// An extra is asked for that the module does not have.
    ExtraUnknown,
    /// A requirement names an address, and the module is from another.
    DirectUrl,
    /// One directory has a module twice.
    Duplicate,
    /// Two modules install the same name.
    ImportName,
    /// A requirement that cannot be understood.
    BadRequirement,
    /// Metadata that are missing, garbled, or contradict the name of their directory.
    BadMetadata,
    /// A version that is none by PEP 440.
    BadVersion,
    /// Something that cannot be read.
    Unreadable,
    /// What an interrupted installation has left.
    Leftover,
    /// Modules that require one another.
    Cycle,
    /// A module that another directory has too, which comes first.
    Shadowed,
    /// A specifier that is not by PEP 440, and how it was read.
    LegacySpecifier,
    /// What cannot be told from what is here.
    Unsure,
    /// A module needs a package that its own does not depend on.
    Undeclared,
    /// A package depends on one that no metadata of its modules mention.
    NotNeeded,
    /// Metadata need a module that is not installed, and nothing says what package has it.
    NotHere,
    /// Package and module have different versions.
    VersionDrift,
    /// A module that no package owns.
    Unowned,
    /// A module that a package owns and that is not there.
    Gone,
    /// Metadata of other size or checksum than packaged.
    Changed,
    /// Files of a package that cannot be read or understood.
    BadPackage,
    /// A package depends on one that only an extra of its modules needs.
    Extra,
    /// The same, for an extra of what its modules require.
    ExtraOf,
    /// Metadata mention it, under a condition that does not hold.
    Conditional,
}

impl Kind {
    /// Whether it is only worth a note, and does not count for the exit status.
    #[must_use]
    pub fn is_note(self) -> bool {
        matches!(
            self,
            Self::Cycle
                | Self::Shadowed
                | Self::LegacySpecifier
                | Self::Unsure
                | Self::Extra
                | Self::ExtraOf
                | Self::Conditional
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// One finding. Texts come from metadata as they are there, and have to be made harmless before they are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What is wrong.
    pub kind: Kind,
    /// The module or package to act on.
    pub subject: String,
    /// What of it is installed, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_version: Option<String>,
    /// The distribution, or the package, that it was found with.
    pub distribution: String,
    /// The version of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The requirement as metadata have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// The project that is required, or the package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependency: Option<String>,
    /// The extra by which the requirement counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<String>,
    /// How it comes that the requirement counts, outermost first: `httpie`, `requests[socks]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<String>,
    /// The path of the distribution, on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The whole, in words.
    pub message: String,
}

impl Finding {
    /// A finding about a distribution itself.
    #[must_use]
    pub fn about(kind: Kind, distribution: &str, version: Option<&str>, message: String) -> Self {
        Self {
            kind,
            subject: distribution.to_owned(),
            subject_version: version.map(str::to_owned),
            distribution: distribution.to_owned(),
            version: version.map(str::to_owned),
            requirement: None,
            dependency: None,
            extra: None,
            via: Vec::new(),
            path: None,
            message,
        }
    }

    /// The same, with a path.
    #[must_use]
    pub fn at(mut self, path: &std::path::Path) -> Self {
        self.path = Some(path.to_string_lossy().into_owned());
        self
    }

    /// What makes it the same finding in another run: everything but versions, paths and words.
    #[must_use]
    pub fn key(&self) -> (Kind, &str, &str, &str, &str) {
        fn text(text: Option<&String>) -> &str {
            text.map_or("", String::as_str)
        }
        let about = if self.distribution.is_empty() { text(self.path.as_ref()) } else { &self.distribution };
        (self.kind, about, text(self.requirement.as_ref()), text(self.dependency.as_ref()), text(self.extra.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_names_of_the_help() {
        assert_eq!(Kind::RequiresPython.to_string(), "requires-python");
        assert_eq!(serde_json::to_string(&Kind::ExtraOf).unwrap(), "\"extra-of\"");
    }
}
