//! From files to changes, and back.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;

use crate::journal::{SavedFile, Undo};
use crate::net::files::{block, dnsmasq, haproxy, resolver};
use crate::populate::{printable, split};
use crate::root::{FileKind, SYSTEM_OWNER, Timestamp, Tree, WholeFile, missing_folders, put_file, remove_empty_folder};

use super::{Content, InsideError, ZoneFile};

/// Folders that only zonekit puts files in; each goes with its last one.
const OWN_FOLDERS: [&str; 3] = [dnsmasq::HOSTS, dnsmasq::NAMES, haproxy::FOLDER];
/// A longer file is none that is edited here.
const LIMIT: u64 = 1024 * 1024;

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It is made.
    Make,
    /// It gets another content.
    Replace,
    /// Our part of it changes.
    Edit,
    /// It is removed.
    Remove,
}

/// A change of one file, with what it takes to undo it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where, below the zone's root.
    pub path: String,
    /// What happens.
    pub kind: Kind,
    /// Its permissions.
    pub mode: u32,
    /// What it says afterwards; `None` when it is gone.
    #[serde(serialize_with = "as_text")]
    pub after: Option<Vec<u8>>,
    #[serde(skip)]
    before: Option<Before>,
}

impl Change {
    /// For people who check a plan: what happens to the file, and below it, indented, what it will say.
    #[must_use]
    pub fn text(&self, place: &str) -> String {
        let verb = if self.after.is_some() { "write" } else { "remove" };
        let mut text = format!("{verb} /{} in {place}\n", self.path);
        let lines = self.after.iter().flat_map(|after| after.split_inclusive(|&byte| byte == b'\n'));
        for line in lines.map(<[u8]>::trim_ascii_end) {
            text.push_str(format!("    {}", printable(line)).trim_end());
            text.push('\n');
        }
        text
    }
}

/// A file as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Before {
    bytes: Vec<u8>,
    mode: u32,
    owner: (u32, u32),
    modified: Option<Timestamp>,
}

impl Before {
    fn whole(&self) -> WholeFile<'_> {
        WholeFile { bytes: &self.bytes, mode: self.mode, owner: self.owner, modified: self.modified }
    }
}

fn as_text<S: serde::Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    bytes.as_deref().map(String::from_utf8_lossy).serialize(serializer)
}

fn fail(path: &str) -> impl Fn(io::Error) -> InsideError + '_ {
    move |source| InsideError::System { path: path.to_owned(), source }
}

/// What has to be done so that the files are as they should be: nothing, where they are already.
///
/// # Errors
/// [`InsideError`]: something else is in a file's place, or it cannot be read.
pub fn plan(tree: &Tree, files: &[ZoneFile]) -> Result<Vec<Change>, InsideError> {
    let mut changes = Vec::new();
    for file in files {
        changes.extend(one(tree, file)?);
    }
    Ok(changes)
}

fn one(tree: &Tree, file: &ZoneFile) -> Result<Option<Change>, InsideError> {
    let fail = fail(&file.path);
    let (before, foreign) = match look(tree, file.path.as_bytes()).map_err(&fail)? {
        Found::Nothing => (None, false),
        Found::File(before) => (Some(before), false),
        // What is replaced or removed as a whole is not looked into.
        Found::Foreign(_) if matches!(file.content, Content::Whole(_) | Content::Gone) => (None, true),
        Found::Foreign(why) => return Err(fail(why)),
    };
    let old = before.as_ref().map(|before| before.bytes.as_slice());
    let after = match &file.content {
        Content::Whole(text) => Some(text.clone().into_bytes()),
        Content::Block(lines) => {
            let edited = block::set(old.unwrap_or_default(), lines);
            let edited = edited.map_err(|source| InsideError::Block { path: file.path.clone(), source })?;
            // A file that has nothing else in it was made for us. One of blank lines is none that IPFilter reads.
            let is_blank = |bytes: &[u8]| bytes.trim_ascii().is_empty();
            Some(edited).filter(|bytes| !is_blank(bytes) || old.is_some_and(is_blank))
        }
        Content::Dns => old.map(|old| resolver::with_dns(old).unwrap_or_else(|| old.to_vec())),
        Content::Gone => None,
        Content::GoneIf(text) => old.filter(|old| *old != text.as_bytes()).map(<[u8]>::to_vec),
    };
    if !foreign && after.as_deref() == old {
        return Ok(None);
    }
    let kind = match (&file.content, &after) {
        (_, None) => Kind::Remove,
        _ if old.is_none() && !foreign => Kind::Make,
        (Content::Whole(_), _) => Kind::Replace,
        _ => Kind::Edit,
    };
    let mode = before.as_ref().map_or(file.mode, |before| before.mode);
    Ok(Some(Change { path: file.path.clone(), kind, mode, after, before }))
}

/// What is in a file's place.
enum Found {
    Nothing,
    File(Before),
    /// Something that is not looked into: no file, or one that is too large.
    Foreign(io::Error),
}

fn look(tree: &Tree, path: &[u8]) -> io::Result<Found> {
    let (parent, name) = split(path);
    let folder = match tree.open_dir(parent) {
        Ok(folder) => folder,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    match folder.stat(name)?.map(|stat| stat.kind) {
        None => return Ok(Found::Nothing),
        Some(FileKind::Regular) => {}
        Some(FileKind::Directory) => return Err(io::ErrorKind::IsADirectory.into()),
        Some(_) => {
            return Ok(Found::Foreign(io::Error::new(io::ErrorKind::InvalidInput, "is not a regular file")));
        }
    }
    let (file, stat) = folder.open_file(name)?;
    if stat.size > LIMIT {
        return Ok(Found::Foreign(io::Error::new(io::ErrorKind::FileTooLarge, "is larger than 1 MiB")));
    }
    let mut bytes = Vec::new();
    file.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(Found::File(Before { bytes, mode: stat.mode, owner: (stat.uid, stat.gid), modified: Some(stat.modified) }))
}

/// Makes the files as they should be; what was changed, for [`undo`].
///
/// # Errors
/// [`InsideError`]: nothing is changed then, unless it says so.
pub fn write(tree: &Tree, files: &[ZoneFile]) -> Result<Vec<Change>, InsideError> {
    let changes = plan(tree, files)?;
    for (number, change) in changes.iter().enumerate() {
        if let Err(source) = put_file(tree, change.path.as_bytes(), change.whole().as_ref()) {
            let error = fail(&change.path)(source);
            return Err(match undo(tree, &changes[..number]) {
                Ok(()) => error,
                Err(left) => InsideError::Left { error: Box::new(error), left },
            });
        }
    }
    tidy(tree, changes.iter().filter(|change| change.after.is_none()))?;
    Ok(changes)
}

/// Removes folders of zonekit's own that nothing is in any more.
fn tidy<'c>(tree: &Tree, removed: impl Iterator<Item = &'c Change>) -> Result<(), InsideError> {
    let folders: BTreeSet<&str> =
        removed.filter_map(|change| change.path.rsplit_once('/')).map(|(folder, _)| folder).collect();
    for folder in folders.into_iter().filter(|folder| OWN_FOLDERS.contains(folder)) {
        remove_empty_folder(tree, folder.as_bytes()).map_err(fail(folder))?;
    }
    Ok(())
}

/// Takes changes back, the last one first. Folders that were made stay, for the caller to remove.
///
/// # Errors
/// The files that could not be put back.
pub fn undo(tree: &Tree, changes: &[Change]) -> Result<(), Vec<String>> {
    let mut left = Vec::new();
    for change in changes.iter().rev() {
        let before = change.before.as_ref().map(Before::whole);
        if put_file(tree, change.path.as_bytes(), before.as_ref()).is_err() {
            left.push(format!("/{}", change.path));
        }
    }
    if left.is_empty() { Ok(()) } else { Err(left) }
}

impl Change {
    fn whole(&self) -> Option<WholeFile<'_>> {
        let (mode, owner) = (self.mode, self.owner());
        self.after.as_deref().map(|bytes| WholeFile { bytes, mode, owner, modified: None })
    }

    /// What the file said before; `None` when there was none.
    pub(crate) fn before(&self) -> Option<&[u8]> {
        self.before.as_ref().map(|before| before.bytes.as_slice())
    }

    /// The change that takes this one back.
    pub(crate) fn reversed(&self) -> Self {
        let (mode, owner) = (self.mode, self.owner());
        Self {
            path: self.path.clone(),
            kind: if self.before.is_none() { Kind::Remove } else { Kind::Replace },
            mode,
            after: self.before.as_ref().map(|before| before.bytes.clone()),
            before: self.after.clone().map(|bytes| Before { bytes, mode, owner, modified: None }),
        }
    }

    /// The file as it is before; `None` when it is not there.
    #[must_use]
    pub fn saved(&self) -> Option<SavedFile> {
        self.before.as_ref().map(|before| SavedFile::new(&before.whole()))
    }

    /// The folders that are made for it, from the top.
    ///
    /// # Errors
    /// [`InsideError`].
    pub(crate) fn new_folders(&self, tree: &Tree) -> Result<Vec<String>, InsideError> {
        if self.after.is_none() {
            return Ok(Vec::new());
        }
        missing_folders(tree, &self.path).map_err(fail(&self.path))
    }

    /// How it is taken back where the file is one of the host; `None` when it was something else than text.
    pub(crate) fn undo_on_host(&self, path: &Path) -> Option<Undo> {
        let path = path.to_owned();
        let Some(before) = &self.before else { return Some(Undo::RemoveFile { path }) };
        let text = String::from_utf8(before.bytes.clone()).ok()?;
        Some(Undo::RestoreFile { path, text, mode: before.mode, modified: before.modified? })
    }

    fn owner(&self) -> (u32, u32) {
        self.before.as_ref().map_or(SYSTEM_OWNER, |before| before.owner)
    }
}
