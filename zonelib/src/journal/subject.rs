//! What a journal and its lock belong to.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::config::{ZoneName, ZoneNameError};

/// The zone that every host has.
const GLOBAL: &str = "global";
/// What precedes the name of a golden image. No zone has a colon in its name.
const GOLDEN: &str = "golden:";
/// What precedes the name of a zone that is made or destroyed as a whole. What its hooks do meanwhile is in
/// a journal of its own, under the name alone.
const WHOLE: &str = "whole:";
/// Characters of a fingerprint, all hexadecimal.
const DIGITS: usize = 16;
/// The name of a file has at most 255 bytes, [`GOLDEN`] among them.
const NAME_LIMIT: usize = 240;

/// The name of a golden image: a brand, `-`, and the fingerprint of what it was filled with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageName(String);

/// Not the name of a golden image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no name of a golden image, such as `whole-root-0123456789abcdef`", .0.escape_debug())]
pub struct ImageNameError(String);

impl ImageName {
    /// The image of a brand with this fingerprint. What a dataset cannot be called is replaced.
    #[must_use]
    pub fn new(brand: &str, digest: &[u8; 20]) -> Self {
        let letter = |letter: char| if is_plain(letter) { letter } else { '_' };
        let brand: String = brand.chars().map(letter).take(64).collect();
        let digits: String = digest.iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{brand}-{digits}"))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The brand.
    #[must_use]
    pub fn brand(&self) -> &str {
        &self.0[..self.0.len() - DIGITS - 1]
    }

    /// The fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.0[self.0.len() - DIGITS..]
    }
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

impl FromStr for ImageName {
    type Err = ImageNameError;

    fn from_str(name: &str) -> Result<Self, ImageNameError> {
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match name.rsplit_once('-') {
            Some((brand, digits))
                if name.len() <= NAME_LIMIT
                    && brand.chars().all(is_plain)
                    && digits.len() == DIGITS
                    && digits.bytes().all(digit) =>
            {
                Ok(Self(name.to_owned()))
            }
            _ => Err(ImageNameError(name.to_owned())),
        }
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is worked on, one operation at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A zone.
    Zone(ZoneName),
    /// A golden image.
    Golden(ImageName),
    /// A zone with all that is made for it.
    Whole(ZoneName),
    /// The global zone as a router.
    Global,
}

impl Subject {
    /// What it is called in a sentence.
    #[must_use]
    pub fn called(&self) -> String {
        match self {
            Self::Zone(name) => format!("zone `{name}`"),
            Self::Golden(name) => format!("golden image `{name}`"),
            Self::Whole(name) => format!("zone `{name}` as a whole"),
            Self::Global => "the global zone".to_owned(),
        }
    }

    /// How long to wait for another program that works on it: an image takes as long as it takes to fill.
    pub(super) fn patience(&self) -> Duration {
        match self {
            Self::Zone(_) | Self::Whole(_) | Self::Global => Duration::from_secs(60),
            Self::Golden(_) => Duration::from_secs(30 * 60),
        }
    }
}

impl From<&ZoneName> for Subject {
    fn from(name: &ZoneName) -> Self {
        Self::Zone(name.clone())
    }
}

impl From<&ImageName> for Subject {
    fn from(name: &ImageName) -> Self {
        Self::Golden(name.clone())
    }
}

impl From<&Subject> for Subject {
    fn from(subject: &Subject) -> Self {
        subject.clone()
    }
}

/// Neither the name of a zone nor that of a golden image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// No zone.
    #[error(transparent)]
    Zone(#[from] ZoneNameError),
    /// No golden image.
    #[error(transparent)]
    Golden(#[from] ImageNameError),
}

/// What programs are told: the name of a zone, or `golden:` and that of an image, or `whole:` and that of a
/// zone; `global`.
impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(name: &str) -> Result<Self, SubjectError> {
        if let Some(image) = name.strip_prefix(GOLDEN) {
            return Ok(Self::Golden(image.parse()?));
        }
        if name == GLOBAL {
            return Ok(Self::Global);
        }
        match name.strip_prefix(WHOLE) {
            Some(zone) => Ok(Self::Whole(zone.parse()?)),
            None => Ok(Self::Zone(name.parse()?)),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone(name) => name.fmt(f),
            Self::Golden(name) => write!(f, "{GOLDEN}{name}"),
            Self::Whole(name) => write!(f, "{WHOLE}{name}"),
            Self::Global => f.write_str(GLOBAL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images_are_told_from_those_of_zones() {
        let name = ImageName::new("whole-root", &[0xab; 20]);
        assert_eq!(name.as_str(), "whole-root-abababababababab");
        assert_eq!((name.brand(), name.fingerprint()), ("whole-root", "abababababababab"));
        assert_eq!(name.as_str().parse::<ImageName>().unwrap(), name);
        let subject = Subject::from(&name);
        assert_eq!(subject.to_string().parse::<Subject>().unwrap(), subject);
        assert!(subject.to_string().parse::<ZoneName>().is_err());
        assert_eq!("z1".parse::<Subject>().unwrap().called(), "zone `z1`");
        assert_eq!(ImageName::new("a b/ü", &[0; 20]).as_str(), "a_b__-0000000000000000");
        for name in ["", "a-b", "a-0123456789ABCDEF", "../x-0123456789abcdef", "a@b-0123456789abcdef", "golden:z1"] {
            assert!(name.parse::<ImageName>().is_err(), "{name}");
        }
        assert!("golden:z1".parse::<Subject>().is_err());
        let whole = Subject::Whole("z1".parse().unwrap());
        assert_eq!((whole.to_string().as_str(), whole.called().as_str()), ("whole:z1", "zone `z1` as a whole"));
        assert_eq!("whole:z1".parse::<Subject>().unwrap(), whole);
        assert!("whole:".parse::<Subject>().is_err());
        assert_eq!("global".parse::<Subject>().unwrap(), Subject::Global);
        assert_eq!(Subject::Global.to_string(), "global");
    }
}
