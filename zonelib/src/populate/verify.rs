//! Comparing a zone root with what a plan says it should be. The root is hostile: it is walked by
//! handles, no link is followed, no FIFO opened, and a file is read only when its size is right.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};

use crate::root::{FileKind, Handle, Special, Stat, Tree};

use super::action::{Action, Attributes, Modified, Packaged, Source, What};
use super::apply::{Trees, compare};
use super::live::{is_absence, open_anywhere};
use super::plan::Plan;

/// One way in which a root is not what the plan says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Difference {
    /// Relative path.
    #[serde(skip)]
    pub path: Vec<u8>,
    /// `missing`, `extra`, `changed`, `edited`, `kind`, `mode`, `owner`, `link`.
    pub what: &'static str,
    /// What is expected and what is there.
    pub detail: String,
}

/// Compares the root with the plan, both ways; what the image itself lacks is not expected. Differences
/// come in the order of their paths.
///
/// # Errors
/// A source or the root could not be read, with the path.
pub fn verify(plan: &Plan<'_>, root: &Tree, trees: Trees<'_>) -> io::Result<Vec<Difference>> {
    let mut check = Check { plan, trees, differences: Vec::new(), absent: HashSet::new(), identities: HashMap::new() };
    for action in &plan.actions {
        let (parent, name) = action.split();
        let found = match root.open_dir(parent) {
            Ok(handle) => handle.stat(name)?.map(|stat| (handle, stat)),
            Err(error) if is_absence(&error) => None,
            Err(error) => return Err(at(&action.path, error)),
        };
        check.action(action, found).map_err(|error| at(&action.path, error))?;
    }
    check.extra(root)?;
    check.differences.sort();
    Ok(check.differences)
}

fn at(path: &[u8], error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", super::describe::printable(path)))
}

struct Check<'c, 'a> {
    plan: &'c Plan<'a>,
    trees: Trees<'c>,
    differences: Vec<Difference>,
    /// Paths that could not be made because the image lacks them.
    absent: HashSet<Vec<u8>>,
    identities: HashMap<Vec<u8>, (u64, u64)>,
}

impl Check<'_, '_> {
    fn differ(&mut self, path: &[u8], what: &'static str, detail: impl Into<String>) {
        self.differences.push(Difference { path: path.to_vec(), what, detail: detail.into() });
    }

    fn action(&mut self, action: &Action<'_>, found: Option<(Handle, Stat)>) -> io::Result<()> {
        let path = action.path.as_ref();
        let (_, name) = action.split();
        if let What::File { source, attributes, modified, packaged, editable } = &action.what {
            return self.file(path, source, (*attributes, *modified), (*packaged, *editable), found);
        }
        let Some((handle, stat)) = found else {
            let excused = matches!(&action.what, What::HardLink { to } if self.absent.contains(to.as_ref()));
            if !excused {
                self.differ(path, "missing", "is not there");
            }
            return Ok(());
        };
        match &action.what {
            What::Directory { attributes, .. } => {
                if self.kind(path, stat.kind, FileKind::Directory) {
                    self.attributes(path, &stat, *attributes);
                }
            }
            What::Text { bytes, attributes, .. } => {
                if self.kind(path, stat.kind, FileKind::Regular) {
                    self.attributes(path, &stat, *attributes);
                    let same = stat.size == bytes.len() as u64 && same_bytes(handle.open_file(name)?.0, &bytes[..])?;
                    if !same {
                        self.differ(path, "changed", "has other content");
                    }
                }
            }
            What::Symlink { target, owner, .. } => {
                if self.kind(path, stat.kind, FileKind::Symlink) {
                    self.attributes(path, &stat, Attributes { mode: None, uid: Some(owner.0), gid: Some(owner.1) });
                    let found = handle.read_link(name)?;
                    if found != target.as_ref() {
                        let detail = format!("leads to {}, not {}", shown(&found), shown(target));
                        self.differ(path, "link", detail);
                    }
                }
            }
            What::HardLink { to } => self.hard_link(path, to, &stat),
            What::Special { special, attributes, .. } => {
                let kind = match special {
                    Special::Pipe => FileKind::Pipe,
                    Special::Character(_) => FileKind::Character,
                    Special::Block(_) => FileKind::Block,
                };
                if self.kind(path, stat.kind, kind) {
                    self.attributes(path, &stat, *attributes);
                    if let Special::Character(device) | Special::Block(device) = special
                        && stat.device != *device
                    {
                        self.differ(path, "changed", "is another device");
                    }
                }
            }
            What::File { .. } => {}
        }
        Ok(())
    }

    fn kind(&mut self, path: &[u8], found: FileKind, expected: FileKind) -> bool {
        if found != expected {
            self.differ(path, "kind", format!("is a {found:?}, not a {expected:?}").to_lowercase());
        }
        found == expected
    }

    fn attributes(&mut self, path: &[u8], stat: &Stat, expected: Attributes) {
        if let Some(mode) = expected.mode.filter(|&mode| mode != stat.mode) {
            self.differ(path, "mode", format!("is {:04o}, not {mode:04o}", stat.mode));
        }
        let uid = expected.uid.unwrap_or(stat.uid);
        let gid = expected.gid.unwrap_or(stat.gid);
        if (uid, gid) != (stat.uid, stat.gid) {
            self.differ(path, "owner", format!("is {}:{}, not {uid}:{gid}", stat.uid, stat.gid));
        }
    }

    fn hard_link(&mut self, path: &[u8], to: &[u8], stat: &Stat) {
        if self.identities.get(to).is_some_and(|identity| *identity != stat.identity) {
            self.differ(path, "link", format!("is not linked to /{}", super::describe::printable(to)));
        }
    }

    fn file(
        &mut self,
        path: &[u8],
        source: &Source<'_>,
        (attributes, _): (Attributes, Modified),
        (packaged, editable): (Option<Packaged>, bool),
        found: Option<(Handle, Stat)>,
    ) -> io::Result<()> {
        let from = source.path.as_deref().unwrap_or(path);
        let opened = match open_anywhere(self.trees.of(source.origin), from) {
            Ok(opened) => Some(opened),
            Err(error) if is_absence(&error) => None,
            Err(error) => return Err(error),
        };
        let Some((source, live)) = opened else {
            self.absent.insert(path.to_vec());
            return Ok(());
        };
        let Some((handle, stat)) = found else {
            self.differ(path, "missing", "is not there");
            return Ok(());
        };
        if !self.kind(path, stat.kind, FileKind::Regular) {
            return Ok(());
        }
        self.identities.insert(path.to_vec(), stat.identity);
        self.attributes(
            path,
            &stat,
            Attributes {
                mode: attributes.mode.or(Some(live.mode)),
                uid: attributes.uid.or(Some(live.uid)),
                gid: attributes.gid.or(Some(live.gid)),
            },
        );
        let (_, name) = super::action::split(path);
        let what = if editable { "edited" } else { "changed" };
        if stat.size != live.size {
            self.differ(path, what, format!("has {} bytes, not {}", stat.size, live.size));
        } else if !same_files(handle.open_file(name)?.0, source)? {
            let against = packaged.and_then(|packaged| compare(packaged, live.size, None));
            let note = against.map(|difference| format!(" (the image's own file: {difference})")).unwrap_or_default();
            self.differ(path, what, format!("has other content{note}"));
        }
        Ok(())
    }

    /// Everything below the directories of the plan that the plan does not name.
    fn extra(&mut self, root: &Tree) -> io::Result<()> {
        let planned: HashSet<&[u8]> = self.plan.actions.iter().map(|action| action.path.as_ref()).collect();
        let directories =
            self.plan.actions.iter().filter(|action| action.is_directory()).map(|action| action.path.as_ref());
        for directory in std::iter::once(&b""[..]).chain(directories) {
            let handle = match root.open_dir(directory) {
                Ok(handle) => handle,
                Err(error) if is_absence(&error) => continue,
                Err(error) => return Err(at(directory, error)),
            };
            for (name, kind) in handle.list().map_err(|error| at(directory, error))? {
                let path = if directory.is_empty() { name } else { [directory, b"/", &name].concat() };
                let expected = planned.contains(path.as_slice()) && !self.absent.contains(&path);
                if !expected {
                    self.differ(&path, "extra", format!("a {kind:?} that belongs to nothing").to_lowercase());
                }
            }
        }
        Ok(())
    }
}

fn shown(name: &[u8]) -> String {
    format!("`{}`", super::describe::printable(name))
}

fn same_bytes(mut file: File, expected: &[u8]) -> io::Result<bool> {
    let mut buffer = vec![0; 64 * 1024];
    let mut rest = expected;
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(rest.is_empty());
        }
        match rest.strip_prefix(&buffer[..read]) {
            Some(after) => rest = after,
            None => return Ok(false),
        }
    }
}

fn same_files(mut a: File, mut b: File) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let read = a.read(&mut left)?;
        if read == 0 {
            return Ok(b.read(&mut right)? == 0);
        }
        match b.read_exact(&mut right[..read]) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
        if left[..read] != right[..read] {
            return Ok(false);
        }
    }
}
