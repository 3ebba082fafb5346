//! Names of projects and extras.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name is ASCII letters, digits, `.`, `_` and `-`, and begins and ends with a letter or digit")]
pub struct NameError;

/// A name as written, and its normalised form where that differs.
#[derive(Clone, Debug)]
struct Name<'a> {
    raw: &'a str,
    normal: Option<Box<str>>,
}

impl<'a> Name<'a> {
    fn lenient(raw: &'a str) -> Self {
        Self { raw, normal: (!is_normal(raw)).then(|| normalise(raw)) }
    }

    fn as_str(&self) -> &str {
        self.normal.as_deref().unwrap_or(self.raw)
    }
}

/// Whether `text` is a name by the core metadata specification: ASCII letters, digits, `.`, `_` and `-`, with a letter
/// or digit at both ends.
pub(super) fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric)) && bytes.iter().copied().all(is_name_byte)
}

pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

fn is_normal(text: &str) -> bool {
    let mut after_dash = false;
    text.bytes().all(|byte| {
        let dash = byte == b'-';
        let fine = if dash { !after_dash } else { byte.is_ascii_lowercase() || byte.is_ascii_digit() };
        after_dash = dash;
        fine
    })
}

/// Lower case, and each run of `-`, `_` and `.` one `-`.
fn normalise(text: &str) -> Box<str> {
    let mut normal = String::with_capacity(text.len());
    for character in text.chars().flat_map(char::to_lowercase) {
        match character {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            other => normal.push(other),
        }
    }
    normal.into()
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        ///
        /// Two are equal, and ordered, by their normalised form (PEP 503, PEP 685): lower case, with every run of `-`,
        /// `_` and `.` one `-`.
        #[derive(Clone, Debug)]
        pub struct $type<'a>(Name<'a>);

        impl<'a> $type<'a> {
            /// Reads a name.
            ///
            /// # Errors
            /// [`NameError`] if it has other characters than names may have.
            pub fn parse(text: &'a str) -> Result<Self, NameError> {
                if is_name(text) { Ok(Self(Name::lenient(text))) } else { Err(NameError) }
            }

            /// Takes any text for a name: markers and headers compare what they hold without asking whether it could
            /// be one.
            #[must_use]
            pub fn lenient(text: &'a str) -> Self {
                Self(Name::lenient(text))
            }

            /// As it was written.
            #[must_use]
            pub fn raw(&self) -> &'a str {
                self.0.raw
            }

            /// The normalised form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

        }

        impl fmt::Display for $type<'_> {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl PartialEq for $type<'_> {
            fn eq(&self, other: &Self) -> bool {
                self.as_str() == other.as_str()
            }
        }

        impl Eq for $type<'_> {}

        impl PartialOrd for $type<'_> {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $type<'_> {
            fn cmp(&self, other: &Self) -> Ordering {
                self.as_str().cmp(other.as_str())
            }
        }

        impl Hash for $type<'_> {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }
    };
}

name! {
    /// The name of a project.
    ProjectName
}

name! {
    /// The name of an extra: a set of optional requirements of a project.
    ExtraName
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_equal_by_their_normalised_form() {
        let name = |text| ProjectName::parse(text).unwrap();
        assert_eq!(name("Zope.Interface"), name("zope_-interface"));
        assert_eq!(name("Zope.Interface").as_str(), "zope-interface");
        assert_eq!(name("Zope.Interface").raw(), "Zope.Interface");
        assert_ne!(name("zope"), name("zope2"));
        assert!(name("a-b") < name("A.C"));
    }

    #[test]
    fn what_no_name_can_be_is_refused() {
        for text in ["", "-a", "a-", "a b", "_", "caf\u{e9}", "a/b", "a\n", "a."] {
            assert_eq!(ProjectName::parse(text).err(), Some(NameError), "{text:?}");
        }
    }

    #[test]
    fn any_text_can_be_compared_as_an_extra() {
        assert_eq!(ExtraName::lenient("All Of__It"), ExtraName::lenient("all of-it"));
    }
}
