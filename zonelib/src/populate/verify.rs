//! Comparing a zone root with what a plan says it should be. The root is hostile: it is walked by
//! handles, no link is followed, no FIFO opened, and a file is read only when its size is right.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::rc::Rc;

use crate::root::{FileKind, Handle, Special, Stat, Tree};

use super::action::{Action, Attributes, Origin, Packaged, Source, What, split};
use super::apply::{Trees, compare};
use super::describe::printable;
use super::live::{is_absence, open_anywhere, open_dir};
use super::plan::Plan;

/// The mode of a finished zone root; one that is being filled is closed.
const ROOT_MODE: u32 = 0o755;

/// Directories that zoneadmd(8) makes in every zone root to mount something on.
const MOUNT_POINTS: [&[u8]; 3] = [b"dev", b"proc", b"system"];

/// Files that a running zone has another file system on.
pub(crate) const MOUNTED_FILES: [&[u8]; 2] = [b"etc/mnttab", b"etc/dfs/sharetab"];

/// Names of one directory that belong to nothing and are listed one by one; the rest is counted.
const EXTRA_LIMIT: usize = 1000;

/// One way in which a root is not what the plan says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Relative path; empty for the root itself.
    pub path: Vec<u8>,
    /// `missing`, `extra`, `changed`, `edited`, `kind`, `mode`, `owner`, `link`.
    pub what: &'static str,
    /// What is expected and what is there.
    pub detail: String,
}

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Differences in the order of their paths.
    pub differences: Vec<Difference>,
    /// Paths that were not looked at, because something is mounted there: the zone is running.
    pub mounted: Vec<Vec<u8>>,
    /// Objects that the plan names.
    pub compared: usize,
    /// Objects that are not expected, because the image itself lacks them.
    pub lacking: usize,
}

/// Compares the root with the plan, both ways; what the image itself lacks is not expected. `shared` are
/// the identities of directories that a running zone has mounted from elsewhere.
///
/// # Errors
/// A source or the root could not be read, with the path.
pub fn verify(plan: &Plan<'_>, root: &Tree, trees: Trees<'_>, shared: &[(u64, u64)]) -> io::Result<Findings> {
    let mut check = Check {
        plan,
        root,
        trees,
        shared,
        holding: plan.actions.iter().map(|action| action.split().0).collect(),
        open: None,
        absent: HashSet::new(),
        files: HashMap::new(),
        names: HashMap::new(),
        findings: Findings { compared: plan.actions.len(), ..Findings::default() },
    };
    check.root().map_err(|error| at(b"", error))?;
    // Links last, when it is known what they lead to.
    let (links, others): (Vec<_>, Vec<_>) =
        plan.actions.iter().partition(|action| matches!(action.what, What::HardLink { .. }));
    for action in others.into_iter().chain(links) {
        check.action(action).map_err(|error| at(&action.path, error))?;
    }
    check.extra()?;
    let lacking = plan.missing.len() + check.absent.len();
    let mut findings = Findings { lacking, ..check.findings };
    findings.differences.sort();
    findings.mounted.sort();
    findings.mounted.dedup();
    Ok(findings)
}

fn at(path: &[u8], error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("/{}: {error}", printable(path)))
}

/// An open directory of the root and its device.
type Place = Rc<(Handle, u64)>;

struct Check<'c, 'a> {
    plan: &'c Plan<'a>,
    root: &'c Tree,
    trees: Trees<'c>,
    shared: &'c [(u64, u64)],
    /// Directories that the plan has something in.
    holding: HashSet<&'c [u8]>,
    /// The directory that was opened last.
    open: Option<(Vec<u8>, Option<Place>)>,
    /// Paths that could not be made because the image lacks them.
    absent: HashSet<&'c [u8]>,
    /// Files that are there, with their identity.
    files: HashMap<&'c [u8], (u64, u64)>,
    /// The first file of each identity.
    names: HashMap<(u64, u64), &'c [u8]>,
    findings: Findings,
}

impl<'c> Check<'c, '_> {
    fn differ(&mut self, path: &[u8], what: &'static str, detail: impl Into<String>) {
        self.findings.differences.push(Difference { path: path.to_vec(), what, detail: detail.into() });
    }

    fn root(&mut self) -> io::Result<()> {
        let stat = self.root.handle()?.stat_self()?;
        if stat.mode != ROOT_MODE {
            let closed = if stat.mode == 0o700 { ": it was left by an installation that did not finish" } else { "" };
            self.differ(b"", "mode", format!("is {:04o}, not {ROOT_MODE:04o}{closed}", stat.mode));
        }
        // Only root gives away what it makes.
        if crate::host::is_root() {
            self.attributes(b"", &stat, Attributes { mode: None, uid: Some(0), gid: Some(0) });
        }
        Ok(())
    }

    /// A directory of the root, when it is one.
    fn place(&mut self, path: &[u8]) -> io::Result<Option<Place>> {
        if let Some((open, place)) = &self.open
            && open == path
        {
            return Ok(place.clone());
        }
        let place = match self.root.open_dir(path) {
            Ok(handle) => {
                let device = handle.stat_self()?.identity.0;
                Some(Rc::new((handle, device)))
            }
            Err(error) if is_absence(&error) => None,
            Err(error) => return Err(error),
        };
        self.open = Some((path.to_vec(), place.clone()));
        Ok(place)
    }

    fn action(&mut self, action: &'c Action<'_>) -> io::Result<()> {
        let path = action.path.as_ref();
        let (parent, name) = action.split();
        let found = match self.place(parent)? {
            Some(place) => place.0.stat(name)?.map(|stat| (place, stat)),
            None => None,
        };
        if let Some((place, stat)) = &found
            && self.is_mounted(path, stat, place.1)
        {
            self.findings.mounted.push(path.to_vec());
            return Ok(());
        }
        match (&action.what, found) {
            (What::File { source, attributes, packaged, editable, .. }, found) => {
                let what = if *editable { "edited" } else { "changed" };
                let expected = Expected { source, attributes: *attributes, packaged: *packaged, what };
                self.file(path, &expected, found)
            }
            (What::HardLink { to }, None) if self.absent.contains(to.as_ref()) => {
                self.absent.insert(path);
                Ok(())
            }
            (_, None) => {
                self.differ(path, "missing", "is not there");
                Ok(())
            }
            (_, Some((place, stat))) => {
                let looked = self.object(action, &place.0, &stat);
                self.unless_gone(path, looked)
            }
        }
    }

    /// Whether something else is mounted at a path: another file system, or a directory of the global
    /// zone. A file system that the plan has something in is the zone's own.
    fn is_mounted(&self, path: &[u8], stat: &Stat, device: u64) -> bool {
        match stat.kind {
            FileKind::Directory if self.holding.contains(path) => false,
            FileKind::Directory => stat.identity.0 != device || self.shared.contains(&stat.identity),
            // Other devices of files tell nothing on an overlay.
            _ => stat.identity.0 != device && MOUNTED_FILES.contains(&path),
        }
    }

    /// Somebody who works in the zone may take away what was there a moment ago.
    fn unless_gone(&mut self, path: &[u8], looked: io::Result<()>) -> io::Result<()> {
        match looked {
            Err(error) if is_absence(&error) => {
                self.differ(path, "changed", "was replaced while it was looked at");
                Ok(())
            }
            other => other,
        }
    }

    fn object(&mut self, action: &'c Action<'_>, handle: &Handle, stat: &Stat) -> io::Result<()> {
        let path = action.path.as_ref();
        let (_, name) = action.split();
        match &action.what {
            What::Directory { attributes, .. } => {
                if self.kind(path, stat.kind, FileKind::Directory) {
                    let expected = self.directory(path, *attributes)?;
                    self.attributes(path, stat, expected);
                }
            }
            What::Text { bytes, attributes, .. } => {
                if self.kind(path, stat.kind, FileKind::Regular) {
                    self.attributes(path, stat, *attributes);
                    if stat.size != bytes.len() || !same_files(handle.open_file(name)?.0, bytes.reader())? {
                        self.differ(path, "changed", "has other content");
                    }
                }
            }
            What::Symlink { target, owner, .. } => {
                if self.kind(path, stat.kind, FileKind::Symlink) {
                    self.attributes(path, stat, Attributes { mode: None, uid: Some(owner.0), gid: Some(owner.1) });
                    let found = handle.read_link(name)?;
                    if found != target.as_ref() {
                        let detail = format!("leads to `{}`, not to `{}`", printable(&found), printable(target));
                        self.differ(path, "link", detail);
                    }
                }
            }
            What::HardLink { to } => {
                if self.kind(path, stat.kind, FileKind::Regular)
                    && self.files.get(to.as_ref()).is_some_and(|identity| *identity != stat.identity)
                {
                    self.differ(path, "link", format!("is not linked to /{}", printable(to)));
                }
            }
            What::Special { special, attributes, .. } => {
                let (kind, device) = match special {
                    Special::Pipe => (FileKind::Pipe, stat.device),
                    Special::Character(device) => (FileKind::Character, *device),
                    Special::Block(device) => (FileKind::Block, *device),
                };
                if self.kind(path, stat.kind, kind) {
                    self.attributes(path, stat, *attributes);
                    if stat.device != device {
                        self.differ(path, "changed", "is another device");
                    }
                }
            }
            What::File { .. } => {}
        }
        Ok(())
    }

    /// What a directory has: as the plan says, else as in the source, else what every directory has.
    fn directory(&self, path: &[u8], known: Attributes) -> io::Result<Attributes> {
        if known.complete() {
            return Ok(known);
        }
        let main = self.trees.of(self.plan.main.unwrap_or(Origin::Image));
        let live = open_dir(main, path)?.map(|live| live.stat_self()).transpose()?;
        let (mode, uid, gid) = live.map_or((0o755, 0, 0), |live| (live.mode, live.uid, live.gid));
        Ok(completed(known, mode, uid, gid))
    }

    fn kind(&mut self, path: &[u8], found: FileKind, expected: FileKind) -> bool {
        if found != expected {
            self.differ(path, "kind", format!("is {}, not {}", called(found), called(expected)));
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

    fn file(&mut self, path: &'c [u8], expected: &Expected<'_>, found: Option<(Place, Stat)>) -> io::Result<()> {
        let from = expected.source.path.as_deref().unwrap_or(path);
        let (source, live) = match open_anywhere(self.trees.of(expected.source.origin), from) {
            Ok(opened) => opened,
            Err(error) if is_absence(&error) => {
                self.absent.insert(path);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let Some((place, stat)) = found else {
            self.differ(path, "missing", "is not there");
            return Ok(());
        };
        if !self.kind(path, stat.kind, FileKind::Regular) {
            return Ok(());
        }
        self.files.insert(path, stat.identity);
        let first = *self.names.entry(stat.identity).or_insert(path);
        if first != path {
            self.differ(path, "link", format!("is linked to /{}", printable(first)));
        }
        self.attributes(path, &stat, completed(expected.attributes, live.mode, live.uid, live.gid));
        if stat.size != live.size {
            self.differ(path, expected.what, format!("has {} bytes, not {}", stat.size, live.size));
            return Ok(());
        }
        let (_, name) = split(path);
        let looked = place.0.open_file(name).and_then(|(file, _)| same_files(file, source)).map(|same| {
            if !same {
                self.differ(path, expected.what, format!("has other content{}", expected.doubt(live.size)));
            }
        });
        self.unless_gone(path, looked)
    }

    /// Everything in the directories of the plan that the plan does not name.
    fn extra(&mut self) -> io::Result<()> {
        let plan = self.plan;
        let planned: HashSet<&[u8]> = plan.actions.iter().map(|action| action.path.as_ref()).collect();
        let directories = plan.actions.iter().filter(|action| action.is_directory()).map(|action| action.path.as_ref());
        let mounted: HashSet<Vec<u8>> = self.findings.mounted.iter().cloned().collect();
        for directory in std::iter::once(&b""[..]).chain(directories) {
            if !mounted.contains(directory) {
                self.extra_in(directory, &planned).map_err(|error| at(directory, error))?;
            }
        }
        Ok(())
    }

    fn extra_in(&mut self, directory: &[u8], planned: &HashSet<&[u8]>) -> io::Result<()> {
        let Some(place) = self.place(directory)? else { return Ok(()) };
        let mut names = place.0.list()?;
        names.retain_mut(|(name, _)| {
            if !directory.is_empty() {
                *name = [directory, b"/", name].concat();
            }
            !planned.contains(name.as_slice()) || self.absent.contains(name.as_slice())
        });
        names.sort_by(|a, b| a.0.cmp(&b.0));
        let mut listed = 0;
        for (path, kind) in &names {
            if *kind == FileKind::Directory {
                if MOUNT_POINTS.contains(&path.as_slice()) {
                    continue;
                }
                let (_, name) = split(path);
                if place.0.stat(name)?.is_some_and(|stat| self.is_mounted(path, &stat, place.1)) {
                    self.findings.mounted.push(path.clone());
                    continue;
                }
            }
            listed += 1;
            if listed <= EXTRA_LIMIT {
                self.differ(path, "extra", format!("{} that belongs to nothing", called(*kind)));
            }
        }
        if listed > EXTRA_LIMIT {
            let more = listed - EXTRA_LIMIT;
            self.differ(directory, "extra", format!("holds {more} more objects that belong to nothing"));
        }
        Ok(())
    }
}

/// What a file is to be.
struct Expected<'e> {
    source: &'e Source<'e>,
    attributes: Attributes,
    packaged: Option<Packaged>,
    /// What a difference of its content is called.
    what: &'static str,
}

impl Expected<'_> {
    /// Says when the source itself is not as packaged.
    fn doubt(&self, size: u64) -> String {
        let against = self.packaged.and_then(|packaged| compare(packaged, size, None));
        against.map(|difference| format!(" (and the image's own is not as packaged: {difference})")).unwrap_or_default()
    }
}

fn completed(known: Attributes, mode: u32, uid: u32, gid: u32) -> Attributes {
    Attributes::known(known.mode.unwrap_or(mode), known.uid.unwrap_or(uid), known.gid.unwrap_or(gid))
}

pub(crate) fn called(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Regular => "a file",
        FileKind::Directory => "a directory",
        FileKind::Symlink => "a symbolic link",
        FileKind::Pipe => "a named pipe",
        FileKind::Character => "a character device",
        FileKind::Block => "a block device",
        FileKind::Other => "a socket or a door",
    }
}

/// Whether two readers give the same bytes. Reads little more than the shorter one has.
pub(crate) fn same_files(mut a: impl Read, mut b: impl Read) -> io::Result<bool> {
    const PIECE: usize = 64 * 1024;
    let (mut left, mut right) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let read = read_full(&mut a, &mut left)?;
        if read_full(&mut b, &mut right)? != read || left[..read] != right[..read] {
            return Ok(false);
        }
        if read < PIECE {
            return Ok(true);
        }
    }
}

/// Fills the buffer, as far as there is something to fill it with.
fn read_full(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
