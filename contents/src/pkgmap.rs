//! pkgmap(5): what one package delivers, as `pkgmk` wrote it down.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::attributes::{Attributes, Span, check_target, kind, push_number, push_word};
use crate::entry::Kind;
use crate::error::{Error, Problem, quote};
use crate::fields::{Fields, bad_number, check_absolute, check_components, number, split_target};
use crate::lines::{Lines, unique_order};

/// A parsed pkgmap that borrows from its text.
#[derive(Clone, Debug)]
pub struct Pkgmap<'a> {
    parts: u32,
    blocks: u64,
    compressed: Option<u64>,
    entries: Vec<MapEntry<'a>>,
    /// Indices of `entries`: objects by path, then information files by name.
    by_path: Vec<u32>,
}

/// One line of a pkgmap: an object, or a file of the package itself ([`Kind::Information`]).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MapEntry<'a> {
    line: &'a [u8],
    attributes: Attributes,
    part: u32,
    kind: Kind,
    class: Span,
    path: Span,
    target: Option<Span>,
}

/// What entries are sorted and found by: `pkginfo` the information file is not a delivered `pkginfo`.
type Key<'a> = (bool, &'a [u8]);

impl<'a> Pkgmap<'a> {
    /// Reads the whole text: a line `: parts blocks`, where blocks are of 512 bytes, then the entries.
    /// `file` is what errors call it. Comments and blank lines are allowed and not kept.
    ///
    /// # Errors
    /// [`Error::Damaged`] with the first line that is not as pkgmap(5) says, or that names a path
    /// again.
    pub fn parse(file: &Path, text: &'a [u8]) -> Result<Self, Error> {
        let mut lines = Lines::new(file, text)?;
        let head = lines.next_statement()?.ok_or_else(|| lines.damaged(Problem::Missing("line `: parts blocks`")))?;
        let (parts, blocks, compressed) = header(head).map_err(|problem| lines.damaged(problem))?;
        let mut entries = Vec::with_capacity(text.len() / 64);
        while let Some(line) = lines.next_statement()? {
            entries.push(MapEntry::parse(line).map_err(|problem| lines.damaged(problem))?);
        }
        let key = |index: usize| entries[index].key();
        let by_path = unique_order(file, text, entries.len(), key, |index| entries[index].line())?;
        Ok(Self { parts, blocks, compressed, entries, by_path })
    }

    /// How many parts, that is volumes, the package has.
    #[must_use]
    pub fn parts(&self) -> u32 {
        self.parts
    }

    /// The size of the largest part, in blocks of 512 bytes.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// All entries in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[MapEntry<'a>] {
        &self.entries
    }

    /// The object of a path, which is as the file has it: relative to the package's base directory, or
    /// absolute.
    #[must_use]
    pub fn get(&self, path: &[u8]) -> Option<&MapEntry<'a>> {
        self.find((false, path))
    }

    /// A file of the package itself, such as `pkginfo` or `postinstall`.
    #[must_use]
    pub fn information(&self, name: &[u8]) -> Option<&MapEntry<'a>> {
        self.find((true, name))
    }

    fn find(&self, key: Key<'_>) -> Option<&MapEntry<'a>> {
        let rank = self.by_path.binary_search_by(|&index| self.entries[index as usize].key().cmp(&key));
        rank.ok().map(|rank| &self.entries[self.by_path[rank] as usize])
    }

    /// Writes the whole file in the byte form of `pkgmk`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 * (self.entries.len() + 1));
        out.push(b':');
        push_number(&mut out, Some(u64::from(self.parts)));
        push_number(&mut out, Some(self.blocks));
        if self.compressed.is_some() {
            push_number(&mut out, self.compressed);
        }
        out.push(b'\n');
        for entry in &self.entries {
            entry.write(&mut out);
        }
        out
    }
}

/// `: parts blocks`, and the size of the largest part compressed where the package was. Source:
/// `rd_map_size()` of libpkg.
fn header(line: &[u8]) -> Result<(u32, u64, Option<u64>), Problem> {
    const MOST: u64 = i64::MAX as u64;
    let mut fields = Fields::new(line);
    if fields.word("colon")? != b":" {
        return Err(Problem::Other("the first line is not `: parts blocks`".into()));
    }
    let parts = part(fields.word("number of parts")?)?;
    let blocks = count("size in blocks", fields.word("size in blocks")?, MOST)?;
    let compressed = match fields.word("compressed size") {
        Ok(word) => Some(count("compressed size", word, MOST)?),
        Err(_) => None,
    };
    if fields.rest().is_empty() { Ok((parts, blocks, compressed)) } else { Err(Problem::Extra) }
}

/// Parts are counted from 1.
fn part(word: &[u8]) -> Result<u32, Problem> {
    match count("part number", word, u64::from(u32::MAX))? {
        0 => Err(bad_number("part number", word)),
        part => u32::try_from(part).map_err(|_| bad_number("part number", word)),
    }
}

fn count(what: &'static str, word: &[u8], most: u64) -> Result<u64, Problem> {
    number(word, 10, most).ok_or_else(|| bad_number(what, word))
}

impl<'a> MapEntry<'a> {
    /// Reads one line of a pkgmap, without its newline. A missing part number is 1.
    ///
    /// # Errors
    /// The first rule that the line breaks. Source: pkgmap(5), `gpkgmap()` of libpkg.
    pub fn parse(line: &'a [u8]) -> Result<Self, Problem> {
        let mut fields = Fields::new(line);
        let mut letters = fields.word("kind")?;
        let mut volume = 1;
        if letters[0].is_ascii_digit() {
            volume = part(letters)?;
            letters = fields.word("kind")?;
        }
        let kind = kind(letters).ok_or_else(|| Problem::UnknownKind(quote(letters)))?;
        let class = match kind {
            Kind::Information => Span::default(),
            _ => Span::short_word(&mut fields, "class")?,
        };
        let word = fields.word("path")?;
        let (path, target) = split_target(word);
        match (kind, path.first()) {
            (Kind::Information, Some(b'/')) => return Err(Problem::NotRelative),
            (_, Some(b'/')) => check_absolute(path)?,
            _ => check_components(path)?,
        }
        check_target(kind, target)?;
        let end = fields.position();
        let target = target.map(|target| Span::ending_at(end, target.len())).transpose()?;
        let path = Span::ending_at(end - (word.len() - path.len()), path.len())?;
        let attributes = Attributes::parse(kind, &mut fields)?;
        if !fields.rest().is_empty() {
            return Err(Problem::Extra);
        }
        Ok(Self { line, attributes, part: volume, kind, class, path, target })
    }

    fn key(&self) -> Key<'a> {
        (self.kind == Kind::Information, self.path_bytes())
    }

    /// The part, that is the volume, that the object is on, from 1.
    #[must_use]
    pub fn part(&self) -> u32 {
        self.part
    }

    /// What the object is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The class, which names the script that installs the object. Files of the package itself have
    /// none.
    #[must_use]
    pub fn class(&self) -> Option<&'a [u8]> {
        (self.kind != Kind::Information).then(|| self.class.of(self.line))
    }

    /// The path's bytes: canonical, absolute or relative to the package's base directory. A file of
    /// the package itself is relative to its `install` folder, or to the package.
    #[must_use]
    pub fn path_bytes(&self) -> &'a [u8] {
        self.path.of(self.line)
    }

    /// As [`Self::path_bytes`].
    #[must_use]
    pub fn path(&self) -> &'a Path {
        Path::new(OsStr::from_bytes(self.path_bytes()))
    }

    /// What stands behind the first `=`: the target of a link, or where `pkgmk` took a file from.
    #[must_use]
    pub fn target(&self) -> Option<&'a [u8]> {
        self.target.map(|span| span.of(self.line))
    }

    /// Permission bits with set-id and sticky bits, at most 0o7777.
    #[must_use]
    pub fn mode(&self) -> Option<u32> {
        self.attributes.mode()
    }

    /// The owner's name.
    #[must_use]
    pub fn owner(&self) -> Option<&'a [u8]> {
        self.attributes.owner(self.line)
    }

    /// The group's name.
    #[must_use]
    pub fn group(&self) -> Option<&'a [u8]> {
        self.attributes.group(self.line)
    }

    /// Major number of a device.
    #[must_use]
    pub fn major(&self) -> Option<u32> {
        self.attributes.major()
    }

    /// Minor number of a device.
    #[must_use]
    pub fn minor(&self) -> Option<u32> {
        self.attributes.minor()
    }

    /// Size in bytes.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.attributes.size()
    }

    /// Checksum, see [`crate::checksum`].
    #[must_use]
    pub fn checksum(&self) -> Option<u32> {
        self.attributes.checksum()
    }

    /// Modification time in seconds since 1970.
    #[must_use]
    pub fn modified(&self) -> Option<i64> {
        self.attributes.modified()
    }

    /// The line that this entry was read from, without its newline.
    #[must_use]
    pub fn line(&self) -> &'a [u8] {
        self.line
    }

    /// Appends the line in the byte form of `pkgmk`, newline included. Source: `ppkgmap()` of libpkg.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.part.to_string().as_bytes());
        push_word(out, &[self.kind as u8]);
        if let Some(class) = self.class() {
            push_word(out, class);
        }
        push_word(out, self.path_bytes());
        if let Some(target) = self.target() {
            out.push(b'=');
            out.extend_from_slice(target);
        }
        self.attributes.write(self.kind, self.line, out);
        out.push(b'\n');
    }
}

impl std::fmt::Debug for MapEntry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MapEntry({})", quote(self.line))
    }
}

#[cfg(test)]
#[path = "pkgmap_tests.rs"]
mod tests;
