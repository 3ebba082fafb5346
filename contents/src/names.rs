//! Names of packages and overlays, and what to say of a name that nobody knows.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use crate::error::quote;
use crate::fields::WORD_LIMIT;

/// How similar a name has to be, from 0 to 1, to be worth mentioning.
const SIMILAR: f64 = 0.6;
/// How many similar names are mentioned.
const MENTIONED: usize = 3;

/// A text that breaks a rule for names of its sort.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {sort} name: {rule}")]
pub struct NameError {
    /// What the name should name: `package` or `overlay`.
    pub sort: &'static str,
    /// What was given, made printable and shortened.
    pub text: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

/// A name that is well formed, but names nothing that there is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {sort} `{name}`{}", hint(nearest))]
pub struct Unknown {
    /// What the name should name: `package` or `overlay`.
    pub sort: &'static str,
    /// The name.
    pub name: String,
    /// Similar names that there are, best first.
    pub nearest: Vec<String>,
}

fn hint(nearest: &[String]) -> String {
    if nearest.is_empty() { String::new() } else { format!("; nearest: {}", nearest.join(", ")) }
}

impl Unknown {
    /// A package that is not in the database.
    pub fn package<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        Self::new("package", name, known)
    }

    /// An overlay that has neither a description nor a package list.
    pub fn overlay<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        Self::new("overlay", name, known)
    }

    fn new<'a>(sort: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let nearest = nearest(name, known).into_iter().map(str::to_owned).collect();
        Self { sort, name: quote(name.as_bytes()), nearest }
    }
}

macro_rules! name_type {
    ($(#[$documentation:meta])* $name:ident, $sort:literal) => {
        $(#[$documentation])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// A name as it stands in a file.
            ///
            /// # Errors
            /// The rule that the bytes break.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, NameError> {
                check($sort, bytes).map(|text| Self(text.into()))
            }

            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The name's bytes, all of them ASCII.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::from_bytes(text.as_bytes())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        /// Order and hash are those of the text.
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type! {
    /// The name of an installed package instance, such as `SUNWcs` or `TRIBlibsigc++`: 1 to 64 of
    /// `A-Z a-z 0-9 + _ . -`, the first a letter or digit. Source: pkginfo(5), `PKGSIZ` of pkgstrct.h.
    PackageName, "package"
}

name_type! {
    /// The name of a Tribblix overlay, such as `base` or `node-v22`. The rules are those of package
    /// names, because both become file names in the same way.
    OverlayName, "overlay"
}

fn check<'a>(sort: &'static str, bytes: &'a [u8]) -> Result<&'a str, NameError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'_' | b'.' | b'-');
    let rule = match bytes.first() {
        None => "it is empty",
        Some(_) if bytes.len() > WORD_LIMIT => "it is longer than 64 bytes",
        Some(first) if !first.is_ascii_alphanumeric() => "it does not start with a letter or a digit",
        Some(_) => "it holds something else than letters, digits and `+ _ . -`",
    };
    match std::str::from_utf8(bytes) {
        Ok(text)
            if matches!(bytes.len(), 1..=WORD_LIMIT)
                && bytes[0].is_ascii_alphanumeric()
                && bytes.iter().all(|&byte| allowed(byte)) =>
        {
            Ok(text)
        }
        _ => Err(NameError { sort, text: quote(bytes), rule }),
    }
}

/// Up to three of the candidates that look like what was asked for, best first.
///
/// ```
/// let known = ["TRIBblix-zones", "TRIBzap", "SUNWcs"];
/// assert_eq!(contents::names::nearest("TRIBblix-zone", known.into_iter()), ["TRIBblix-zones"]);
/// ```
pub fn nearest<'a>(wanted: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    // Comparing takes the product of the lengths, and no name is near to one much longer than any.
    if wanted.len() > 2 * WORD_LIMIT {
        return Vec::new();
    }
    let wanted = wanted.to_lowercase();
    let mut found: Vec<(f64, &str)> =
        candidates.map(|name| (likeness(&wanted, name), name)).filter(|(likeness, _)| *likeness >= SIMILAR).collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    found.dedup_by_key(|(_, name)| *name);
    found.into_iter().take(MENTIONED).map(|(_, name)| name).collect()
}

/// From 0 to 1. People know packages without their vendor prefix, so a part of a name counts.
fn likeness(wanted: &str, name: &str) -> f64 {
    let name = name.to_lowercase();
    let likeness = strsim::normalized_damerau_levenshtein(wanted, &name);
    if wanted.len() >= 3 && name.contains(wanted) {
        let share = wanted.len() as f64 / name.len() as f64;
        likeness.max(SIMILAR + (1.0 - SIMILAR) * share)
    } else {
        likeness
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules() {
        let longest = "x".repeat(64);
        for good in ["SUNWcs", "TRIBlibsigc++", "a", "0ad", "TRIBfix.dot", "SUNWcsr.2", "a_b-c", longest.as_str()] {
            assert_eq!(good.parse::<PackageName>().unwrap().as_str(), good);
            assert_eq!(OverlayName::from_bytes(good.as_bytes()).unwrap().to_string(), good);
        }
        let long = "x".repeat(65);
        let cases: &[(&[u8], &str)] = &[
            (b"", "`` is no package name: it is empty"),
            (b"-x", "`-x` is no package name: it does not start with a letter or a digit"),
            (b"..", "`..` is no package name: it does not start with a letter or a digit"),
            (b"*SUNWcs", "`*SUNWcs` is no package name: it does not start with a letter or a digit"),
            (b"a/b", "`a/b` is no package name: it holds something else than letters, digits and `+ _ . -`"),
            (b"a b\n", "`a b\\n` is no package name: it holds something else than letters, digits and `+ _ . -`"),
            (b"a\xff", "`a\u{fffd}` is no package name: it holds something else than letters, digits and `+ _ . -`"),
            (b"\xc3\xa4", "`\u{e4}` is no package name: it does not start with a letter or a digit"),
        ];
        for (bytes, message) in cases {
            assert_eq!(PackageName::from_bytes(bytes).unwrap_err().to_string(), *message);
        }
        assert_eq!(long.parse::<OverlayName>().unwrap_err().rule, "it is longer than 64 bytes");
        assert_eq!("".parse::<OverlayName>().unwrap_err().sort, "overlay");
    }

    #[test]
    fn names_can_be_looked_up_by_text() {
        let set: std::collections::BTreeSet<PackageName> = ["b", "a"].map(|name| name.parse().unwrap()).into();
        assert!(set.contains("a") && !set.contains("c"));
        assert_eq!(format!("{:>3}", "a".parse::<PackageName>().unwrap()), "  a");
    }

    #[test]
    fn similar_names_come_best_first() {
        let known = ["TRIBlib-png", "TRIBlib-pnm", "TRIBlibpng", "SUNWcs", "SUNWcsd", "TRIBblix-zones", "TRIBzones"];
        let cases: &[(&str, &[&str])] = &[
            ("TRIBlib-pgn", &["TRIBlib-png", "TRIBlib-pnm", "TRIBlibpng"]),
            ("sunwcs", &["SUNWcs", "SUNWcsd"]),
            ("zones", &["TRIBzones", "TRIBblix-zones"]),
            ("completely-different", &[]),
            ("", &[]),
        ];
        for (wanted, expected) in cases {
            assert_eq!(nearest(wanted, known.into_iter()), *expected, "{wanted}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), known.into_iter()).len(), 0);
        assert_eq!(nearest("SUNWcs", ["SUNWcs", "SUNWcs"].into_iter()), ["SUNWcs"]);
    }

    #[test]
    fn an_unknown_name_says_what_is_near() {
        let error = Unknown::package("SUNWc", ["SUNWcs", "SUNWcsd"].into_iter());
        assert_eq!(error.to_string(), "unknown package `SUNWc`; nearest: SUNWcs, SUNWcsd");
        assert_eq!(Unknown::overlay("q\u{1b}", std::iter::empty()).to_string(), "unknown overlay `q\\u{1b}`");
    }
}
