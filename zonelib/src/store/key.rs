//! What records are found by.

use std::fmt;
use std::str::FromStr;

/// The name of a file has at most 255 bytes; its ending and that of a half-written one need some.
const LIMIT: usize = 240;
/// What stands between parts: in no zone, link, address or host name.
const BETWEEN: char = '+';

/// The key of a record: parts with `+` between, such as `web+znic3+10.1.2.5`. It is the name of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// Not a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no key of a record", .0.escape_debug())]
pub struct KeyError(String);

impl Key {
    /// The key of these parts. What the name of a file cannot have is replaced, and the rest is cut off.
    #[must_use]
    pub fn of(parts: &[&str]) -> Self {
        let plain = |letter: char| if is_plain(letter) && letter != BETWEEN { letter } else { '_' };
        let text = |part: &&str| part.chars().map(plain).collect::<String>();
        let mut key = parts.iter().map(text).collect::<Vec<_>>().join("+");
        key.truncate(LIMIT);
        if key.is_empty() || key.starts_with('.') {
            key.insert(0, '_');
        }
        Self(key)
    }

    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its parts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split(BETWEEN)
    }
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | ':' | BETWEEN)
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(key: &str) -> Result<Self, KeyError> {
        if (1..=LIMIT).contains(&key.len()) && !key.starts_with('.') && key.chars().all(is_plain) {
            return Ok(Self(key.to_owned()));
        }
        Err(KeyError(key.to_owned()))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
