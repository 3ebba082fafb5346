//! Names of ZFS datasets.

use std::fmt;
use std::str::FromStr;

/// `ZFS_MAX_DATASET_NAME_LEN` of sys/fs/zfs.h, with its NUL.
const NAME_LIMIT: usize = 256;

/// The name of a file system or volume, such as `rpool/ROOT/tribblix`; snapshots and bookmarks have
/// others. Source: `dataset_namecheck()` of `zfs_namecheck.c`, zfs(8).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatasetName(String);

/// Not a name that ZFS takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no name of a ZFS dataset: {rule}", name.escape_debug())]
pub struct DatasetError {
    name: String,
    rule: &'static str,
}

impl DatasetName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DatasetName {
    type Err = DatasetError;

    fn from_str(name: &str) -> Result<Self, DatasetError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b' ' | b'/');
        let rule = if !name.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            "it has to start with a letter"
        } else if name.contains(['@', '#']) {
            "that is a snapshot or a bookmark"
        } else if !name.bytes().all(plain) {
            "only letters, digits, `-`, `_`, `.`, `:`, blanks and `/` are allowed"
        } else if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
            "it has an empty, `.` or `..` component, or ends in `/`"
        } else if name.len() >= NAME_LIMIT {
            "it has more than 255 characters"
        } else {
            return Ok(Self(name.to_owned()));
        };
        Err(DatasetError { name: name.to_owned(), rule })
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dataset_names_follow_the_rules_of_zfs() {
        for name in
            ["rpool", "rpool/ROOT/tribblix", "a/1", "a/-x", "a/b c", "a/b:c_d.e", &format!("a{}", "b".repeat(254))]
        {
            assert!(name.parse::<DatasetName>().is_ok(), "{name}");
        }
        let long = "a".repeat(256);
        for name in [
            "", "-f", "-r/x", "/rpool", "rpool/", "a//b", "a/./b", "a/..", "1a", "a@b", "a#b", "a%b", "ä", "a\n", &long,
        ] {
            assert!(name.parse::<DatasetName>().is_err(), "{name}");
        }
    }
}
