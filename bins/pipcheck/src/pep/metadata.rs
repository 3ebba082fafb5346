//! The headers of METADATA and PKG-INFO (core metadata specification): what a distribution says about itself.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};

use super::requires_txt;

/// The headers that matter, of one distribution. Keeps their values and nothing else of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    values: Box<str>,
    fields: Box<[Span]>,
    problems: Box<[Problem]>,
}

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    field: Field,
    start: u32,
    end: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Name,
    Version,
    RequiresPython,
    RequiresDist,
    ProvidesExtra,
}

/// Something in a file that is not as it should be. What could be read of the file has been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In which line, from 1.
    pub line: usize,
    /// What is wrong.
    pub kind: ProblemKind,
}

/// What is wrong in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// A mark of three bytes before the text, which Python takes for part of the first header's name.
    #[error("a byte order mark before the text")]
    ByteOrderMark,
    /// A line that is neither a header nor the continuation of one. Python takes it for the end of the headers.
    #[error("a line that is no header: it has no colon")]
    NoColon,
    /// A name of a header with blanks around it.
    #[error("a blank before the colon of a header")]
    BlankBeforeColon,
    /// A header that may be there once. The first counts.
    #[error("`{0}` is there more than once; the first counts")]
    Repeated(&'static str),
    /// A value in another encoding.
    #[error("`{0}` is not UTF-8; read as Latin-1")]
    NotUtf8(&'static str),
    /// More headers than anyone reads.
    #[error("no end of the headers within {} MiB; what follows is not read", MAX_HEADER >> 20)]
    TooLong,
    /// More problems than anyone reads.
    #[error("more lines like these, which are not listed")]
    More,
}

/// Memory for reading that is used again for the next file.
#[derive(Debug, Default)]
pub struct Scratch {
    piece: Vec<u8>,
    bytes: Vec<u8>,
    values: String,
    fields: Vec<Span>,
    problems: Vec<Problem>,
    /// Which fields were there already.
    seen: [bool; Field::ALL.len()],
}

/// The headers of nearly all files end before this.
const PIECE: usize = 8 << 10;
/// No file that is not made to do harm has more. 10,000 requirements need less than 1 MiB.
const MAX_HEADER: usize = 2 << 20;
/// A file that is no metadata has a problem in each line.
const MAX_PROBLEMS: usize = 16;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Field {
    const ALL: [Self; 5] = [Self::Name, Self::Version, Self::RequiresPython, Self::RequiresDist, Self::ProvidesExtra];

    fn as_str(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Version => "Version",
            Self::RequiresPython => "Requires-Python",
            Self::RequiresDist => "Requires-Dist",
            Self::ProvidesExtra => "Provides-Extra",
        }
    }

    fn named(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|field| name.eq_ignore_ascii_case(field.as_str().as_bytes()))
    }

    fn may_repeat(self) -> bool {
        matches!(self, Self::RequiresDist | Self::ProvidesExtra)
    }
}

impl Metadata {
    /// Reads the headers of METADATA or PKG-INFO: up to the first empty line, and no more of `file` than the piece in
    /// which that is. At most 2 MiB are read.
    ///
    /// # Errors
    /// What reading `file` fails with. A bad text is no error: see [`Metadata::problems`].
    pub fn read(file: impl Read, scratch: &mut Scratch) -> io::Result<Self> {
        scratch.clear();
        let complete = scratch.fill(file, headers_end)?;
        Ok(scratch.parse(complete))
    }

    /// Reads headers from memory.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let mut scratch = Scratch::default();
        scratch.bytes.extend_from_slice(&text[..text.len().min(MAX_HEADER)]);
        scratch.parse(text.len() <= MAX_HEADER)
    }

    /// Adds what the requires.txt of an `.egg-info` says, as Requires-Dist and Provides-Extra. Does nothing if there is
    /// a Requires-Dist: then requires.txt says the same.
    ///
    /// # Errors
    /// What reading `file` fails with.
    pub fn add_requires_txt(&mut self, file: impl Read, scratch: &mut Scratch) -> io::Result<()> {
        if self.requires_dist().next().is_some() {
            return Ok(());
        }
        scratch.clear();
        let complete = scratch.fill(file, |_, _| None)?;
        scratch.values.push_str(&self.values);
        scratch.fields.extend_from_slice(&self.fields);
        scratch.problems.extend_from_slice(&self.problems);
        scratch.parse_requires_txt(complete);
        *self = scratch.take();
        Ok(())
    }

    /// The same with another version: what a version is taken to say of which nothing is known but that it follows.
    #[must_use]
    pub fn with_version(&self, version: &str) -> Self {
        let start = self.values.len();
        let values = format!("{}{version}", self.values);
        let end = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let span = Span { field: Field::Version, start: end(start), end: end(values.len()) };
        let others = self.fields.iter().filter(|span| span.field != Field::Version).copied();
        let fields = others.chain([span]).collect();
        Self { values: values.into(), fields, problems: self.problems.clone() }
    }

    fn all(&self, field: Field) -> impl Iterator<Item = &str> {
        let spans = self.fields.iter().filter(move |span| span.field == field);
        spans.map(|span| self.values.get(span.start as usize..span.end as usize).unwrap_or_default())
    }

    fn first(&self, field: Field) -> Option<&str> {
        self.all(field).next().filter(|value| !value.is_empty())
    }

    /// The name of the project.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.first(Field::Name)
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.first(Field::Version)
    }

    /// The versions of Python that will do.
    #[must_use]
    pub fn requires_python(&self) -> Option<&str> {
        self.first(Field::RequiresPython)
    }

    /// The requirements, in the order of the file.
    pub fn requires_dist(&self) -> impl Iterator<Item = &str> {
        self.all(Field::RequiresDist)
    }

    /// The extras, in the order of the file.
    pub fn provides_extra(&self) -> impl Iterator<Item = &str> {
        self.all(Field::ProvidesExtra)
    }

    /// What is not as it should be.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// Where the headers in `bytes` end, if the end is after `from`.
fn headers_end(bytes: &[u8], from: usize) -> Option<usize> {
    let start = from.saturating_sub(3);
    if start == 0 && (bytes.starts_with(b"\n") || bytes.starts_with(b"\r\n")) {
        return Some(0);
    }
    memchr::memchr_iter(b'\n', &bytes[start..])
        .map(|at| start + at + 1)
        .find(|&line| matches!(bytes.get(line..), Some([b'\n', ..] | [b'\r', b'\n', ..])))
}

impl Scratch {
    fn clear(&mut self) {
        self.bytes.clear();
        // One monster is not to cost memory for as long as all others are read.
        self.bytes.shrink_to(64 << 10);
        self.values.clear();
        self.fields.clear();
        self.problems.clear();
        self.seen = Default::default();
    }

    /// Reads until `end` finds one. Says whether that, or the end of the file, came before the limit.
    fn fill(&mut self, mut file: impl Read, end: impl Fn(&[u8], usize) -> Option<usize>) -> io::Result<bool> {
        let mut searched = 0;
        self.piece.resize(PIECE, 0);
        loop {
            let read = match file.read(&mut self.piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 {
                return Ok(true);
            }
            let read = read.min(MAX_HEADER - self.bytes.len());
            self.bytes.extend_from_slice(&self.piece[..read]);
            if let Some(end) = end(&self.bytes, searched) {
                self.bytes.truncate(end);
                return Ok(true);
            }
            if self.bytes.len() == MAX_HEADER {
                return Ok(false);
            }
            searched = self.bytes.len();
        }
    }

    fn take(&mut self) -> Metadata {
        Metadata {
            values: self.values.as_str().into(),
            fields: self.fields.as_slice().into(),
            problems: self.problems.as_slice().into(),
        }
    }

    fn problem(&mut self, line: usize, kind: ProblemKind) {
        match self.problems.len() {
            0..MAX_PROBLEMS => self.problems.push(Problem { line, kind }),
            MAX_PROBLEMS => self.problems.push(Problem { line, kind: ProblemKind::More }),
            _ => {}
        }
    }

    fn parse(&mut self, complete: bool) -> Metadata {
        let bytes = std::mem::take(&mut self.bytes);
        let mut text = bytes.as_slice();
        if let Some(rest) = text.strip_prefix(BYTE_ORDER_MARK) {
            text = rest;
            self.problem(1, ProblemKind::ByteOrderMark);
        }
        self.headers(text, complete);
        self.bytes = bytes;
        self.take()
    }

    fn headers(&mut self, text: &[u8], complete: bool) {
        let mut continued = None;
        let mut number = 0;
        for line in lines(text) {
            number += 1;
            match line {
                [] => return,
                [b' ' | b'\t', ..] => self.continuation(number, continued, line),
                _ => continued = self.header(number, line),
            }
        }
        if !complete {
            self.problem(number, ProblemKind::TooLong);
        }
    }

    /// A header. Returns which, if it matters.
    fn header(&mut self, number: usize, line: &[u8]) -> Option<Field> {
        let Some(colon) = memchr::memchr(b':', line) else {
            self.problem(number, ProblemKind::NoColon);
            return None;
        };
        let name = &line[..colon];
        let trimmed = name.trim_ascii_end();
        let field = Field::named(trimmed)?;
        if trimmed.len() < name.len() {
            self.problem(number, ProblemKind::BlankBeforeColon);
        }
        if std::mem::replace(&mut self.seen[field as usize], true) && !field.may_repeat() {
            self.problem(number, ProblemKind::Repeated(field.as_str()));
            return None;
        }
        let value = self.decode(number, field, &line[colon + 1..]);
        self.add(field, value.trim());
        Some(field)
    }

    fn add(&mut self, field: Field, value: &str) {
        let start = self.position();
        self.values.push_str(value);
        self.fields.push(Span { field, start, end: self.position() });
    }

    /// A value of more than one line is as if it were in one (RFC 822).
    fn continuation(&mut self, number: usize, continued: Option<Field>, line: &[u8]) {
        let Some(field) = continued else {
            return;
        };
        let more = self.decode(number, field, line);
        let (more, before) = (more.trim(), self.position());
        let Some(span) = self.fields.last_mut().filter(|_| !more.is_empty()) else {
            return;
        };
        self.values.push_str(if span.start < before { " " } else { "" });
        self.values.push_str(more);
        span.end = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
    }

    /// Files are a few MiB at most, and values not longer than twice the file.
    fn position(&self) -> u32 {
        u32::try_from(self.values.len()).unwrap_or(u32::MAX)
    }

    fn decode<'t>(&mut self, number: usize, field: Field, text: &'t [u8]) -> Cow<'t, str> {
        std::str::from_utf8(text).map_or_else(
            |_| {
                self.problem(number, ProblemKind::NotUtf8(field.as_str()));
                text.iter().map(|&byte| char::from(byte)).collect()
            },
            Cow::Borrowed,
        )
    }

    fn parse_requires_txt(&mut self, complete: bool) {
        let bytes = std::mem::take(&mut self.bytes);
        let mut section = requires_txt::Section::default();
        let mut number = 0;
        for line in lines(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes)) {
            number += 1;
            let line = self.decode(number, Field::RequiresDist, line);
            match line.trim() {
                "" => {}
                comment if comment.starts_with('#') => {}
                line => match requires_txt::Section::parse(line) {
                    Some(next) => {
                        section = next;
                        if let Some(extra) = section.extra() {
                            self.add(Field::ProvidesExtra, extra);
                        }
                    }
                    None => self.add(Field::RequiresDist, &section.requirement(line)),
                },
            }
        }
        if !complete {
            self.problem(number, ProblemKind::TooLong);
        }
        self.bytes = bytes;
    }
}

/// The lines of a text without their ends. The last has an end or is not yielded if it is empty.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (line, after) = match memchr::memchr(b'\n', rest) {
            Some(end) => (&rest[..end], &rest[end + 1..]),
            None => (rest, &rest[rest.len()..]),
        };
        rest = after;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    })
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.kind)
    }
}
