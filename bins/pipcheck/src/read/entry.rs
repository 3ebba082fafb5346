//! Names of directory entries: which are distributions, and what they say of name and version.

use crate::pep::Version;

/// Name and version as a directory entry gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'e> {
    /// The project, not normalised.
    pub name: &'e str,
    /// Its version; development installations have none here.
    pub version: Option<&'e str>,
}

impl<'e> Identity<'e> {
    /// Takes `name-version.dist-info`, `name-version-py3.13.egg-info` and the like apart.
    #[must_use]
    pub fn of_entry(entry: &'e str) -> Self {
        let entry = entry.rsplit('/').next().unwrap_or(entry);
        let stem = match entry.rsplit_once('.') {
            Some((stem, "dist-info" | "egg-info" | "egg-link" | "egg")) => stem,
            _ => entry,
        };
        Self::of_stem(without_python(stem))
    }

    fn of_stem(stem: &'e str) -> Self {
        let dashes = || stem.match_indices('-').map(|(at, _)| (&stem[..at], &stem[at + 1..]));
        let versioned = dashes().find(|(_, rest)| Version::parse(rest).is_ok());
        let numbered = || dashes().find(|(_, rest)| rest.starts_with(|first: char| first.is_ascii_digit()));
        match versioned.or_else(numbered).or_else(|| stem.split_once('-')) {
            Some((name, version)) => Self { name, version: Some(version) },
            None => Self { name: stem, version: None },
        }
    }
}

/// Eggs end with the Python that they are for: `-py3.13` or `-py3.13-solaris`.
fn without_python(stem: &str) -> &str {
    let mut dashes = stem.match_indices("-py").map(|(at, _)| at);
    dashes.find(|at| stem[at + 3..].starts_with(|next: char| next.is_ascii_digit())).map_or(stem, |at| &stem[..at])
}

/// What an entry of a directory of modules is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    DistInfo,
    EggInfo,
    EggLink,
    Pth,
    /// What pip has renamed and then not removed.
    Leftover,
}

pub(super) fn sort_of(name: &[u8]) -> Option<Sort> {
    let metadata = |name: &[u8]| name.ends_with(b".dist-info") || name.ends_with(b".egg-info");
    match name {
        [b'~', ..] => Some(Sort::Leftover),
        [b'-', ..] if metadata(name) => Some(Sort::Leftover),
        [b'.', ..] => None,
        name if name.ends_with(b".dist-info") => Some(Sort::DistInfo),
        name if name.ends_with(b".egg-info") => Some(Sort::EggInfo),
        name if name.ends_with(b".egg-link") => Some(Sort::EggLink),
        name if name.ends_with(b".pth") => Some(Sort::Pth),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions() {
        for (entry, name, version) in [
            ("PySocks-1.7.1.dist-info", "PySocks", Some("1.7.1")),
            ("foo-bar-1.0.post1.dist-info", "foo-bar", Some("1.0.post1")),
            ("py-2-foo-1.0.dist-info", "py-2-foo", Some("1.0")),
            ("foo-1.0_1.dist-info", "foo", Some("1.0_1")),
            ("foo-2004d.dist-info", "foo", Some("2004d")),
            ("foo-x.dist-info", "foo", Some("x")),
            ("gmpy2-2.2.1-py3.13.egg-info", "gmpy2", Some("2.2.1")),
            ("lxml-5.0-py3.13-solaris-2.11.egg", "lxml", Some("5.0")),
            ("develop.egg-info", "develop", None),
            ("a/b/foo.egg-link", "foo", None),
        ] {
            assert_eq!(Identity::of_entry(entry), Identity { name, version }, "{entry}");
        }
    }

    #[test]
    fn leftovers_are_no_distributions() {
        for (name, sort) in [
            ("~ip-23.0.dist-info", Some(Sort::Leftover)),
            ("~ip", Some(Sort::Leftover)),
            ("-ip-23.0.dist-info", Some(Sort::Leftover)),
            ("-ip", None),
            ("pip-23.0.dist-info", Some(Sort::DistInfo)),
            ("pip-23.0.DIST-INFO", None),
            ("pip", None),
            (".hidden.pth", None),
        ] {
            assert_eq!(sort_of(name.as_bytes()), sort, "{name}");
        }
    }
}
