//! The fields that contents(5) and pkgmap(5) have in common.

use crate::error::{Problem, quote};
use crate::lines::trim_blanks;

/// `PKGSIZ`, `CLSSIZ` and `ATRSIZ` of pkgstrct.h: package names, classes, owners and groups.
pub(crate) const WORD_LIMIT: usize = 64;
/// `PATH_MAX` of illumos: paths and link targets.
pub(crate) const PATH_LIMIT: usize = 1024;

/// Stands for `?`, an attribute that the database does not know.
pub(crate) const UNKNOWN_NUMBER: u64 = u64::MAX;

pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Eight times the same byte.
const fn eight(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The high bit of each zero byte, and perhaps of bytes above one: the lowest bit is always right.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(eight(0x01)) & !word & eight(0x80)
}

#[inline]
fn word_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// Where the first blank at or after `at` is, or the end. Words are too short for a call to `memchr`.
#[inline]
pub(crate) fn blank_from(line: &[u8], mut at: usize) -> usize {
    while let Some(word) = word_at(line, at) {
        let found = zero_bytes(word ^ eight(b' ')) | zero_bytes(word ^ eight(b'\t'));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while at < line.len() && !is_blank(line[at]) {
        at += 1;
    }
    at
}

/// Walks a line field by field; a run of blanks separates, as in `srchcfile()` of libpkg.
pub(crate) struct Fields<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }

    /// Where the next unread byte is.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// Everything that has not been read, without surrounding blanks.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = &self.line[self.at..];
        self.at = self.line.len();
        trim_blanks(rest)
    }

    #[inline]
    fn skip_blanks(&mut self) {
        while self.at < self.line.len() && is_blank(self.line[self.at]) {
            self.at += 1;
        }
    }

    /// The next word; `what` names it in the error when there is none.
    #[inline]
    pub(crate) fn word(&mut self, what: &'static str) -> Result<&'a [u8], Problem> {
        self.skip_blanks();
        let start = self.at;
        self.at = blank_from(self.line, start);
        if start == self.at { Err(Problem::Missing(what)) } else { Ok(&self.line[start..self.at]) }
    }

    /// A word of at most [`WORD_LIMIT`] bytes.
    #[inline]
    pub(crate) fn short_word(&mut self, what: &'static str) -> Result<&'a [u8], Problem> {
        let word = self.word(what)?;
        if word.len() > WORD_LIMIT {
            return Err(Problem::WordTooLong { field: what, limit: WORD_LIMIT });
        }
        Ok(word)
    }

    /// A decimal number, or `?`, which gives [`UNKNOWN_NUMBER`].
    #[inline]
    pub(crate) fn decimal(&mut self, what: &'static str, most: u64) -> Result<u64, Problem> {
        self.digits::<10>(what, most)
    }

    /// An octal mode of at most four digits' worth, or `?`, which gives [`UNKNOWN_NUMBER`].
    #[inline]
    pub(crate) fn mode(&mut self) -> Result<u64, Problem> {
        self.digits::<8>("mode", 0o7777)
    }

    /// Reads the digits in the same pass that finds their end; anything but a number that cannot
    /// overflow and ends in a blank goes the slow way, which tells what is wrong.
    #[inline]
    fn digits<const BASE: u64>(&mut self, what: &'static str, most: u64) -> Result<u64, Problem> {
        self.skip_blanks();
        let rest = &self.line[self.at..];
        let mut value: u64 = 0;
        let mut count = 0;
        let ends = loop {
            let Some(&byte) = rest.get(count) else { break true };
            let digit = u64::from(byte.wrapping_sub(b'0'));
            if digit >= BASE {
                break is_blank(byte);
            }
            value = value.wrapping_mul(BASE).wrapping_add(digit);
            count += 1;
        };
        if ends && matches!(count, 1..=19) && value <= most {
            self.at += count;
            return Ok(value);
        }
        self.odd_number::<BASE>(what, most)
    }

    #[cold]
    fn odd_number<const BASE: u64>(&mut self, what: &'static str, most: u64) -> Result<u64, Problem> {
        let word = self.word(what)?;
        if word == b"?" {
            return Ok(UNKNOWN_NUMBER);
        }
        number(word, BASE, most).ok_or_else(|| bad_number(what, word))
    }
}

pub(crate) fn bad_number(field: &'static str, word: &[u8]) -> Problem {
    Problem::BadNumber { field, value: quote(word) }
}

/// Digits only: no sign, no blanks, no overflow.
pub(crate) fn number(word: &[u8], base: u64, most: u64) -> Option<u64> {
    if word.is_empty() || word.len() > 20 {
        return None;
    }
    let mut value: u64 = 0;
    for &byte in word {
        let digit = u64::from(byte.wrapping_sub(b'0'));
        if digit >= base {
            return None;
        }
        value = value.checked_mul(base)?.checked_add(digit)?;
    }
    (value <= most).then_some(value)
}

/// Splits `path[=local]` at the first `=`, as every reader of illumos does.
pub(crate) fn split_target(word: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'=', word) {
        Some(at) => (&word[..at], Some(&word[at + 1..])),
        None => (word, None),
    }
}

/// Splits `KEY=value`; a key is a name such as the shell's variables have.
pub(crate) fn split_assignment(line: &[u8]) -> Result<(&[u8], &[u8]), Problem> {
    match split_target(line) {
        (key @ [b'A'..=b'Z' | b'a'..=b'z' | b'_', ..], Some(value))
            if key.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_') =>
        {
            Ok((key, value))
        }
        _ => Err(Problem::Other("is not `KEY=value`".into())),
    }
}

/// An absolute path without empty, `.` and `..` components. `/` itself is one.
#[inline]
pub(crate) fn check_absolute(path: &[u8]) -> Result<(), Problem> {
    if path.first() != Some(&b'/') {
        return Err(Problem::NotAbsolute);
    }
    if path.len() == 1 || looks_canonical(path) { Ok(()) } else { check_components(&path[1..]) }
}

/// Quickly: a path of ordinary length in which no slash is the last byte or stands before a slash or
/// a dot. `false` means only that [`check_components`] has to look.
#[inline]
fn looks_canonical(path: &[u8]) -> bool {
    // Eight bytes and the eight after the first of them are compared at once.
    const STEP: usize = 9;
    if path.len() < STEP || path.len() > PATH_LIMIT || path.ends_with(b"/") {
        return false;
    }
    let suspect = |at: usize| match (word_at(path, at), word_at(path, at + 1)) {
        (Some(here), Some(next)) => {
            let slash = zero_bytes(here ^ eight(b'/'));
            slash & (zero_bytes(next ^ eight(b'/')) | zero_bytes(next ^ eight(b'.'))) != 0
        }
        _ => true,
    };
    let last = path.len() - STEP;
    !(0..last).step_by(8).any(suspect) && !suspect(last)
}

/// Components that are none of empty, `.` and `..`, and a length that illumos can hold.
pub(crate) fn check_components(path: &[u8]) -> Result<(), Problem> {
    if path.len() > PATH_LIMIT {
        return Err(Problem::WordTooLong { field: "path", limit: PATH_LIMIT });
    }
    let mut start = 0;
    loop {
        let end = memchr::memchr(b'/', &path[start..]).map_or(path.len(), |at| start + at);
        if matches!(&path[start..end], b"" | b"." | b"..") {
            return Err(Problem::NotCanonical);
        }
        if end == path.len() {
            return Ok(());
        }
        start = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_quick_look_agrees_with_the_full_one(path in "[/.a\\x01]{0,30}") {
            let path = path.as_bytes();
            if looks_canonical(path) && path.starts_with(b"/") {
                proptest::prop_assert!(check_components(&path[1..]).is_ok());
            }
        }

        #[test]
        fn words_end_at_the_first_blank(line in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40)) {
            for start in 0..=line.len() {
                let blank = line[start..].iter().position(|&byte| is_blank(byte));
                let end = blank.map_or(line.len(), |at| start + at);
                proptest::prop_assert_eq!(blank_from(&line, start), end);
            }
        }

        #[test]
        fn numbers_are_digits_only(text in "[0-9]{0,21}[ x?-]?") {
            let expected = match text.trim_end() {
                "" => Err(Problem::Missing("size")),
                word => number(word.as_bytes(), 10, u64::MAX - 1).ok_or_else(|| bad_number("size", word.as_bytes())),
            };
            let found = Fields::new(text.as_bytes()).decimal("size", u64::MAX - 1);
            if text.trim_end() == "?" {
                proptest::prop_assert_eq!(found, Ok(UNKNOWN_NUMBER));
            } else {
                proptest::prop_assert_eq!(found, expected);
            }
        }
    }
}
