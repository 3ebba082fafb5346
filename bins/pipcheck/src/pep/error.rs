//! Why a text cannot be read.

use std::fmt;

use super::marker::parse::MAX_NESTING;
use super::scan::MAX_LENGTH;

/// A text that cannot be read: what is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (column {column})")]
pub struct ParseError {
    /// What is wrong.
    pub reason: Reason,
    /// At which character of the text, from 1. One more than it has if something is missing at its end.
    pub column: usize,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Something else has to stand there.
    #[error("expected {expected}, found {}", Found(*.found))]
    Expected {
        /// What would do.
        expected: &'static str,
        /// What is there; nothing at the end of the text.
        found: Option<char>,
    },
    /// An opening bracket or quote without its end.
    #[error("`{0}` is not closed")]
    Unclosed(char),
    /// No marker variable has this name.
    #[error("`{0}` is no marker variable; text has to be quoted")]
    UnknownVariable(String),
    /// A quoted text that Python could not read.
    #[error("{0} in quoted text")]
    Quoted(&'static str),
    /// Parentheses within parentheses, too many.
    #[error("parentheses are nested more than {MAX_NESTING} deep")]
    Nesting,
    /// More text than a requirement has.
    #[error("it is longer than {} KiB", MAX_LENGTH >> 10)]
    TooLong,
    /// A version that PEP 440 does not know.
    #[error("`{0}` is not a version (PEP 440)")]
    Version(String),
    /// `~=` with a version of one number.
    #[error("`~=` needs a version of at least two numbers, `{0}` has one")]
    Compatible(String),
    /// `.*` where it cannot be.
    #[error("`.*` may follow only the numbers of a release, after `==` or `!=`")]
    Prefix,
    /// A local version where it cannot be.
    #[error("a local version (`+...`) may follow only `==` or `!=`")]
    Local,
}

struct Found(Option<char>);

impl fmt::Display for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => formatter.write_str("the end"),
            Some(character) if character.is_control() => write!(formatter, "`{}`", character.escape_default()),
            Some(character) => write!(formatter, "`{character}`"),
        }
    }
}
