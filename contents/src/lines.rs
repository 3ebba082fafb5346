//! A text file line by line: what every file of the package database is refused for.

use std::ops::Range;
use std::path::Path;

use crate::error::{Error, Problem};
use crate::fields::is_blank;

/// The longest line that is still believed. The longest on a full system, that of `/usr` in
/// contents(5), has 14 kB.
const LINE_LIMIT: usize = 512 * 1024;

/// Walks the lines of a text that has no NUL and ends in a newline.
pub(crate) struct Lines<'a, 'f> {
    file: &'f Path,
    text: &'a [u8],
    start: usize,
    next: usize,
    end: usize,
}

impl<'a, 'f> Lines<'a, 'f> {
    /// `file` is what errors call the text.
    pub(crate) fn new(file: &'f Path, text: &'a [u8]) -> Result<Self, Error> {
        Self::of_part(file, text, 0..text.len())
    }

    /// The lines of a part that starts at the start of a line and ends at an end of one.
    pub(crate) fn of_part(file: &'f Path, text: &'a [u8], part: Range<usize>) -> Result<Self, Error> {
        let lines = Self { file, text, start: part.start, next: part.start, end: part.end };
        match memchr::memchr(0, &text[part.clone()]) {
            Some(at) => Err(lines.damaged_at(part.start + at, Problem::Nul)),
            None => Ok(lines),
        }
    }

    /// The next line, without its newline.
    pub(crate) fn next_line(&mut self) -> Result<Option<&'a [u8]>, Error> {
        self.start = self.next;
        let rest = &self.text[self.start..self.end];
        if rest.is_empty() {
            return Ok(None);
        }
        let Some(length) = memchr::memchr(b'\n', rest) else {
            return Err(self.damaged(Problem::Truncated));
        };
        if length > LINE_LIMIT {
            return Err(self.damaged(Problem::TooLong(LINE_LIMIT)));
        }
        self.next = self.start + length + 1;
        Ok(Some(&rest[..length]))
    }

    /// The next line that says something: neither blank nor a comment.
    pub(crate) fn next_statement(&mut self) -> Result<Option<&'a [u8]>, Error> {
        while let Some(line) = self.next_line()? {
            if !matches!(trim_blanks(line).first(), None | Some(b'#')) {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    /// What is wrong with the line that was returned last, or with the end of the file.
    pub(crate) fn damaged(&self, problem: Problem) -> Error {
        self.damaged_at(self.start, problem)
    }

    fn damaged_at(&self, at: usize, problem: Problem) -> Error {
        Error::damaged(self.file, line_number(self.text, at), problem)
    }
}

/// Without the blanks around it.
pub(crate) fn trim_blanks(text: &[u8]) -> &[u8] {
    trim_end(trim_start(text))
}

/// Without the blanks before it.
pub(crate) fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_blank(*first)
    {
        text = rest;
    }
    text
}

/// Without the blanks behind it.
pub(crate) fn trim_end(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., last] = text
        && is_blank(*last)
    {
        text = rest;
    }
    text
}

fn line_number(text: &[u8], at: usize) -> usize {
    memchr::memchr_iter(b'\n', &text[..at]).count() + 1
}

/// The indices `0..count` in the order of their keys. `line` gives the place of an index in `text`.
///
/// # Errors
/// Two equal keys, with both lines.
pub(crate) fn unique_order<'t, K: Ord>(
    file: &Path,
    text: &'t [u8],
    count: usize,
    key: impl Fn(usize) -> K,
    line: impl Fn(usize) -> &'t [u8],
) -> Result<Vec<u32>, Error> {
    let most = u32::try_from(count)
        .map_err(|_| Error::damaged(file, count, Problem::Other("the file has more lines than 2^32".into())))?;
    let mut order: Vec<u32> = (0..most).collect();
    order.sort_by_key(|&index| key(index as usize));
    for pair in order.windows(2) {
        let (first, second) = (pair[0] as usize, pair[1] as usize);
        if key(first) == key(second) {
            let number = |index| line_number(text, line(index).as_ptr() as usize - text.as_ptr() as usize);
            return Err(Error::damaged(file, number(second), Problem::Duplicate(number(first))));
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(text: &[u8]) -> Result<Vec<&[u8]>, Error> {
        let mut lines = Lines::new(Path::new("x"), text)?;
        let mut found = Vec::new();
        while let Some(line) = lines.next_statement()? {
            found.push(line);
        }
        Ok(found)
    }

    #[test]
    fn statements_are_neither_blank_nor_comments() {
        assert_eq!(statements(b"\n # c\n#\n a # b \n \t\nc\n").unwrap(), [&b" a # b "[..], b"c"]);
        assert_eq!(statements(b"").unwrap().len(), 0);
    }

    #[test]
    fn damage_is_found_with_its_line() {
        let long = [b"a\n".to_vec(), vec![b'x'; LINE_LIMIT + 1], b"\n".to_vec()].concat();
        let cases: &[(&[u8], usize, Problem)] = &[
            (b"a\nb", 2, Problem::Truncated),
            (b"a\nb\0\n", 2, Problem::Nul),
            (&long, 2, Problem::TooLong(LINE_LIMIT)),
        ];
        for (text, at, expected) in cases {
            match statements(text) {
                Err(Error::Damaged { line, problem, .. }) => assert_eq!((line, problem), (*at, expected.clone())),
                other => panic!("{other:?}"),
            }
        }
    }
}
