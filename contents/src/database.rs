//! The contents file: every packaged path of a system, in one text.

use std::ops::Range;
use std::path::Path;

use crate::entry::Entry;
use crate::error::Error;
use crate::fields::is_blank;
use crate::lines::{Lines, unique_order};

/// Where the database is, below an image root.
pub const CONTENTS: &str = "var/sadm/install/contents";

/// A text that is shorter is read before a second thread has started.
const WORTH_HALVING: usize = 256 * 1024;

/// A parsed contents file that borrows from its text.
#[derive(Debug)]
pub struct Contents<'a> {
    text: &'a [u8],
    entries: Vec<Entry<'a>>,
    /// Indices of `entries` by path, when the file's own order is another.
    by_path: Option<Vec<u32>>,
}

/// A line of the file: an entry, or a comment (or blank line), without its newline.
#[derive(Clone, Copy, Debug)]
pub enum Line<'a> {
    /// A packaged path; the number is the entry's index in [`Contents::entries`].
    Entry(usize, Entry<'a>),
    /// `#` and what follows, or nothing but blanks.
    Comment(&'a [u8]),
}

impl<'a> Contents<'a> {
    /// Reads the whole text in one pass. `file` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the first line that is not as contents(5) says. Nothing is skipped.
    pub fn parse(file: &Path, text: &'a [u8]) -> Result<Self, Error> {
        Self::assemble(file, text, Part::parse(file, text, 0..text.len()), None)
    }

    /// As [`Contents::parse`], with the two halves of a large text read at the same time.
    ///
    /// # Errors
    /// As [`Contents::parse`].
    pub fn parse_halves(file: &Path, text: &'a [u8]) -> Result<Self, Error> {
        let middle = text.len() / 2;
        let split = memchr::memchr(b'\n', &text[middle..]).map_or(text.len(), |at| middle + at + 1);
        if text.len() < WORTH_HALVING || split == text.len() {
            return Self::parse(file, text);
        }
        std::thread::scope(|scope| {
            let second = scope.spawn(|| Part::parse(file, text, split..text.len()));
            let first = Part::parse(file, text, 0..split);
            // A thread that panicked has broken an invariant of this crate.
            let second = second.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Self::assemble(file, text, first, Some(second))
        })
    }

    fn assemble(
        file: &Path,
        text: &'a [u8],
        first: Result<Part<'a>, Error>,
        second: Option<Result<Part<'a>, Error>>,
    ) -> Result<Self, Error> {
        let Part { mut entries, mut sorted } = first?;
        if let Some(second) = second {
            let second = second?;
            let meet = entries.last().zip(second.entries.first());
            sorted &= second.sorted && meet.is_none_or(|(last, first)| last.path_bytes() < first.path_bytes());
            entries.extend(second.entries);
        }
        let by_path = if sorted {
            None
        } else {
            let path = |index: usize| entries[index].path_bytes();
            Some(unique_order(file, text, entries.len(), path, |index| entries[index].line())?)
        };
        Ok(Self { text, entries, by_path })
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// Where an entry's line stands in the text, newline included.
    #[must_use]
    pub fn span(&self, entry: &Entry<'a>) -> Range<usize> {
        let start = entry.line().as_ptr() as usize - self.text.as_ptr() as usize;
        start..start + entry.line().len() + 1
    }

    /// Whether the file is in the order of its paths, as illumos keeps it.
    #[must_use]
    pub fn is_sorted(&self) -> bool {
        self.by_path.is_none()
    }

    /// All entries in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// All entries by path, in the order of their bytes, so that a directory comes before what is in
    /// it.
    pub fn sorted(&self) -> impl Iterator<Item = &Entry<'a>> {
        (0..self.entries.len()).map(|rank| &self.entries[self.at_rank(rank)])
    }

    /// The file's lines, comments included, in its own order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'a>> + '_ {
        let mut next = 0;
        lines(self.text).map(move |line| match self.entries.get(next) {
            Some(entry) if std::ptr::eq(entry.line(), line) => {
                next += 1;
                Line::Entry(next - 1, *entry)
            }
            _ => Line::Comment(line),
        })
    }

    /// The entry of a path.
    #[must_use]
    pub fn get(&self, path: &[u8]) -> Option<&Entry<'a>> {
        self.rank(path).ok().map(|rank| &self.entries[self.at_rank(rank)])
    }

    /// The entries below a directory, itself included, by path. `path` is absolute; `/` is the whole.
    pub fn below<'s>(&'s self, path: &'s [u8]) -> impl Iterator<Item = &'s Entry<'a>> {
        let start = self.rank(path).unwrap_or_else(|rank| rank);
        // `/etc-x` stands between `/etc` and `/etc/x`, so the walk goes on to the end of the prefix.
        (start..self.entries.len())
            .map(|rank| &self.entries[self.at_rank(rank)])
            .take_while(move |entry| entry.path_bytes().starts_with(path))
            .filter(move |entry| is_below(entry.path_bytes(), path))
    }

    fn at_rank(&self, rank: usize) -> usize {
        self.by_path.as_ref().map_or(rank, |order| order[rank] as usize)
    }

    fn rank(&self, path: &[u8]) -> Result<usize, usize> {
        match &self.by_path {
            None => self.entries.binary_search_by(|entry| entry.path_bytes().cmp(path)),
            Some(order) => order.binary_search_by(|&index| self.entries[index as usize].path_bytes().cmp(path)),
        }
    }

    /// Writes the whole file as illumos would: entries in canonical form, comments as they were.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.text.len());
        for line in self.lines() {
            match line {
                Line::Entry(_, entry) => entry.write(&mut out),
                Line::Comment(comment) => {
                    out.extend_from_slice(comment);
                    out.push(b'\n');
                }
            }
        }
        out
    }
}

/// Some of the lines of a text.
struct Part<'a> {
    entries: Vec<Entry<'a>>,
    sorted: bool,
}

impl<'a> Part<'a> {
    fn parse(file: &Path, text: &'a [u8], part: Range<usize>) -> Result<Self, Error> {
        // The shortest line a real database has is over 20 bytes; 80 is about the average. The first of
        // two halves has room for the second.
        let mut entries: Vec<Entry<'a>> = Vec::with_capacity((text.len() - part.start) / 80);
        let mut lines = Lines::of_part(file, text, part)?;
        let mut sorted = true;
        let mut previous: &[u8] = b"";
        while let Some(line) = lines.next_line()? {
            if !is_comment(line) {
                let entry = Entry::parse(line).map_err(|problem| lines.damaged(problem))?;
                sorted &= previous < entry.path_bytes();
                previous = entry.path_bytes();
                entries.push(entry);
            }
        }
        Ok(Self { entries, sorted })
    }
}

/// Whether `path` is `directory` or stands below it, by whole components.
#[must_use]
pub fn is_below(path: &[u8], directory: &[u8]) -> bool {
    match path.strip_prefix(directory) {
        Some(rest) => rest.is_empty() || rest[0] == b'/' || directory.ends_with(b"/"),
        None => false,
    }
}

fn is_comment(line: &[u8]) -> bool {
    matches!(line.first(), None | Some(b'#')) || line.iter().all(|&byte| is_blank(byte))
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let empty = text.is_empty();
    body.split(|&byte| byte == b'\n').filter(move |_| !empty)
}

#[cfg(test)]
#[path = "database_tests.rs"]
mod tests;
