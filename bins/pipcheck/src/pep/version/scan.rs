//! Reading versions in all spellings of PEP 440.

use super::PreRelease;
use super::form::{Form, LocalPart, Release, Suffix};
use crate::pep::number::Number;
use crate::pep::scan::Cursor;

/// Reads the longest version that is next.
pub(super) fn version(cursor: &mut Cursor<'_>) -> Option<Form> {
    let release = Release::scan(cursor)?;
    // Most versions end here.
    if cursor.peek().is_some_and(|byte| byte.is_ascii_alphabetic() || b"-_.+".contains(&byte)) {
        let suffix = Suffix::scan(cursor);
        Some(release.with(suffix, scan_local(cursor)))
    } else {
        Some(release.with(Suffix::default(), Vec::new()))
    }
}

impl Release {
    /// Reads the epoch and the release that are next.
    fn scan(cursor: &mut Cursor<'_>) -> Option<Self> {
        if !cursor.eat(b'v') {
            cursor.eat(b'V');
        }
        let mut release = Self::default();
        let mut number = scan_number(cursor)?;
        if cursor.eat(b'!') {
            release.epoch = number;
            number = scan_number(cursor)?;
        }
        release.push(number);
        loop {
            let before = cursor.position();
            match cursor.eat(b'.').then(|| scan_number(cursor)).flatten() {
                Some(number) => release.push(number),
                None => {
                    cursor.rewind(before);
                    return Some(release);
                }
            }
        }
    }
}

fn scan_number(cursor: &mut Cursor<'_>) -> Option<Number> {
    let digits = cursor.take_while(|byte| byte.is_ascii_digit());
    (!digits.is_empty()).then(|| Number::from_digits(digits.as_bytes()))
}

fn scan_separator(cursor: &mut Cursor<'_>) {
    if matches!(cursor.peek(), Some(b'.' | b'_' | b'-')) {
        cursor.skip(1);
    }
}

/// A word and its number, with a separator before and between; 0 if it has no number.
fn scan_labelled<T: Copy>(cursor: &mut Cursor<'_>, words: &[(&str, T)]) -> Option<(T, Number)> {
    let before = cursor.position();
    scan_separator(cursor);
    let Some((_, label)) = words.iter().find(|(word, _)| cursor.eat_any_case(word)) else {
        cursor.rewind(before);
        return None;
    };
    scan_separator(cursor);
    Some((*label, scan_number(cursor).unwrap_or(Number::ZERO)))
}

fn scan_local(cursor: &mut Cursor<'_>) -> Vec<LocalPart> {
    let mut parts = Vec::new();
    let mut before = cursor.position();
    let mut more = cursor.eat(b'+');
    while more {
        let part = cursor.take_while(|byte| byte.is_ascii_alphanumeric());
        if part.is_empty() {
            cursor.rewind(before);
            break;
        }
        parts.push(if part.bytes().all(|byte| byte.is_ascii_digit()) {
            LocalPart::Number(Number::from_digits(part.as_bytes()))
        } else {
            LocalPart::Text(part.to_ascii_lowercase().into())
        });
        before = cursor.position();
        more = matches!(cursor.peek(), Some(b'.' | b'_' | b'-'));
        cursor.skip(usize::from(more));
    }
    parts
}

impl Suffix {
    fn scan(cursor: &mut Cursor<'_>) -> Self {
        const PRE: &[(&str, PreRelease)] = &[
            ("alpha", PreRelease::Alpha),
            ("a", PreRelease::Alpha),
            ("beta", PreRelease::Beta),
            ("b", PreRelease::Beta),
            ("preview", PreRelease::Candidate),
            ("pre", PreRelease::Candidate),
            ("c", PreRelease::Candidate),
            ("rc", PreRelease::Candidate),
        ];
        let pre = scan_labelled(cursor, PRE);
        let before = cursor.position();
        let post = match cursor.eat(b'-').then(|| scan_number(cursor)).flatten() {
            Some(number) => Some(number),
            None => {
                cursor.rewind(before);
                scan_labelled(cursor, &[("post", ()), ("rev", ()), ("r", ())]).map(|(_, number)| number)
            }
        };
        let dev = scan_labelled(cursor, &[("dev", ())]).map(|(_, number)| number);
        Self { pre, post, dev }
    }
}
