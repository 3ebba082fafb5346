//! A cursor over text, which all parsers here share.

use super::error::{ParseError, Reason};

/// Whether Python takes `character` for white space.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{1c}'..='\u{1f}')
}

/// Text without white space at both ends.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// No requirement is longer that is not made to do harm; real ones have up to some 300 bytes.
pub(super) const MAX_LENGTH: usize = 8 << 10;

/// A position in text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Of text that is short enough for work on all pairs of its parts.
    pub(super) fn bounded(text: &'a str) -> Result<Self, ParseError> {
        let start = Self::new(text);
        if text.len() > MAX_LENGTH { Err(start.error(Reason::TooLong)) } else { Ok(start) }
    }

    /// How many bytes are behind it.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Goes back to a position it had before.
    pub(super) fn rewind(&mut self, position: usize) {
        self.at = position;
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// What has been passed since `start`.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Passes `byte`, which is ASCII, if it is next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    /// Passes `word` if it is next.
    pub(super) fn eat_str(&mut self, word: &str) -> bool {
        let next = self.rest().starts_with(word);
        if next {
            self.at += word.len();
        }
        next
    }

    /// Passes lower case `word` if it is next in any case.
    pub(super) fn eat_any_case(&mut self, word: &str) -> bool {
        let next = self.rest().as_bytes().get(..word.len());
        let next = next.is_some_and(|text| text.eq_ignore_ascii_case(word.as_bytes()));
        if next {
            self.at += word.len();
        }
        next
    }

    /// Passes the ASCII bytes that `wanted` wants, and returns them.
    pub(super) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        self.at += rest.iter().position(|&byte| !(byte.is_ascii() && wanted(byte))).unwrap_or(rest.len());
        self.since(start)
    }

    /// Passes the characters that `wanted` wants, and returns them.
    pub(super) fn take_chars(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let start = self.at;
        let rest = self.rest();
        self.at += rest.find(|character| !wanted(character)).unwrap_or(rest.len());
        self.since(start)
    }

    /// Passes blanks and tabs.
    pub(super) fn blanks(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t'));
    }

    /// Passes `count` bytes, which end at a character's boundary.
    pub(super) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    pub(super) fn next_char(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// `reason`, at this position.
    pub(super) fn error(&self, reason: Reason) -> ParseError {
        let before = self.text.char_indices().take_while(|(start, _)| *start < self.at);
        ParseError { reason, column: before.count() + 1 }
    }

    /// Something else than what is next.
    pub(super) fn expected(&self, expected: &'static str) -> ParseError {
        self.error(Reason::Expected { expected, found: self.next_char() })
    }
}
