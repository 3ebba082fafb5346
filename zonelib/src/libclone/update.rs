//! Bringing a clone up to date where it is, under running zones: each object is replaced by renaming a
//! new one over it, what is new comes before what is gone goes.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use crate::populate::{
    Action, ApplyError, Attributes, Mismatch, Missing, Modified, Packaged, Plan, Settings, Source, Trees, What,
    compare, is_absence, leads_nowhere, open_anywhere, open_dir, path_of, same_files, split, why_absent,
};
use crate::root::{CopyBuffer, FileKind, Handle, Special, Stat, Timestamp, Transfer, remove_tree, set_attributes};

use super::{Change, Synced};

/// What a new object is called until it is complete. No package has such a name; a leftover is removed
/// like anything else that belongs to nothing.
const NEW: &[u8] = b".zonekit-new";

/// What a directory gets that nothing is known of.
const DIRECTORY: Unknown = Unknown { mode: 0o755, uid: 0, gid: 0 };

/// Changes the tree at `root`, which stands for the directory `base` of the plan, into what the plan
/// says. Files are compared byte by byte: an update of a package may keep size and time.
pub(super) fn update(
    plan: &Plan<'_>,
    base: &[u8],
    root: Handle,
    trees: Trees<'_>,
    settings: &Settings<'_>,
) -> Result<Synced, ApplyError> {
    let mut update = Update {
        plan,
        base,
        root,
        trees,
        settings,
        buffer: CopyBuffer::default(),
        made: HashMap::new(),
        taken: HashSet::new(),
        open: None,
        synced: Synced::default(),
    };
    update.run()?;
    update.synced.changes.sort();
    Ok(update.synced)
}

struct Update<'u, 'a> {
    plan: &'u Plan<'a>,
    base: &'u [u8],
    root: Handle,
    trees: Trees<'u>,
    settings: &'u Settings<'u>,
    buffer: CopyBuffer,
    /// Everything but directories that is in place, with its identity.
    made: HashMap<Vec<u8>, (u64, u64)>,
    /// Identities of files that are in place: another name of one is a hard link that nobody asked for.
    taken: HashSet<(u64, u64)>,
    /// The directory that was opened last.
    open: Option<(Vec<u8>, Rc<Handle>)>,
    synced: Synced,
}

/// What is to become of an object.
enum Fate {
    Kept,
    Changed(Change),
    /// It cannot be made, and goes.
    Missing(String),
}

fn make_error(path: &[u8]) -> impl FnOnce(io::Error) -> ApplyError + '_ {
    move |source| match source.kind() {
        io::ErrorKind::Interrupted => ApplyError::Interrupted,
        _ => ApplyError::Make { path: path_of(path), source },
    }
}

impl Update<'_, '_> {
    fn run(&mut self) -> Result<(), ApplyError> {
        let plan = self.plan;
        let below: Vec<&Action<'_>> =
            plan.actions.iter().filter(|action| self.inside(&action.path).is_some()).collect();
        for action in &below {
            self.go_on()?;
            if let What::Directory { attributes, modified } = &action.what {
                self.directory(action, *attributes, *modified).map_err(make_error(&action.path))?;
            } else if !matches!(action.what, What::HardLink { .. }) {
                let fate = self.object(action)?;
                self.settle(action, fate).map_err(make_error(&action.path))?;
            }
        }
        for action in &below {
            if let What::HardLink { to } = &action.what {
                self.go_on()?;
                let fate = self.hard_link(action, to).map_err(make_error(&action.path))?;
                self.settle(action, fate).map_err(make_error(&action.path))?;
            }
        }
        self.remove_the_rest(&below)?;
        for action in below.iter().rev() {
            if let What::Directory { attributes, modified } = &action.what {
                self.go_on()?;
                self.finish_directory(action, *attributes, *modified).map_err(make_error(&action.path))?;
            }
        }
        Ok(())
    }

    fn go_on(&self) -> Result<(), ApplyError> {
        if (self.settings.go_on)() { Ok(()) } else { Err(ApplyError::Interrupted) }
    }

    /// A path of the plan below the clone's root, which is empty for the root itself.
    fn inside<'p>(&self, path: &'p [u8]) -> Option<&'p [u8]> {
        let rest = path.strip_prefix(self.base)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix(b"/") }
    }

    /// The directory that an object is in.
    fn parent(&mut self, path: &[u8]) -> io::Result<Rc<Handle>> {
        let (parent, _) = split(self.inside(path).unwrap_or_default());
        match &self.open {
            Some((open, handle)) if open == parent => Ok(Rc::clone(handle)),
            _ => {
                let handle = Rc::new(self.open(parent)?);
                self.open = Some((parent.to_vec(), Rc::clone(&handle)));
                Ok(handle)
            }
        }
    }

    fn open(&self, inside: &[u8]) -> io::Result<Handle> {
        let mut here = self.root.open_self()?;
        for part in inside.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
            here = here.open_dir(part)?;
        }
        Ok(here)
    }

    /// A new directory is open to others before anything is in it; exact modes, and times, come last.
    fn directory(&mut self, action: &Action<'_>, attributes: Attributes, modified: Modified) -> io::Result<()> {
        if action.path == self.base {
            return Ok(());
        }
        let (_, name) = action.split();
        let parent = self.parent(&action.path)?;
        let wanted = self.wanted_directory(action, attributes, modified)?;
        let change = match parent.stat(name)? {
            Some(stat) if stat.kind == FileKind::Directory => {
                self.count(action, (!wanted.same_attributes(&stat)).then_some(Change::Replaced));
                return Ok(());
            }
            Some(_) => {
                parent.remove_file(name)?;
                Change::Replaced
            }
            None => Change::Added,
        };
        let made = parent.create_dir(name)?;
        set_attributes(&made, Some((wanted.uid, wanted.gid)), wanted.mode | 0o700, wanted.modified)?;
        self.count(action, Some(change));
        Ok(())
    }

    fn object(&mut self, action: &Action<'_>) -> Result<Fate, ApplyError> {
        let (_, name) = action.split();
        let fail = || make_error(&action.path);
        let parent = self.parent(&action.path).map_err(fail())?;
        let there = parent.stat(name).map_err(fail())?;
        match &action.what {
            What::File { source, attributes, modified, packaged, .. } => {
                let from = source.path.as_deref().unwrap_or(&action.path);
                match self.open_source(source, from) {
                    Ok((file, live)) => {
                        let wanted = Wanted::of(*attributes, *modified, &live);
                        let copy = Copy { path: &action.path, file, live, wanted, packaged: *packaged };
                        self.file(&parent, name, there, copy).map_err(fail())
                    }
                    Err(error) if is_absence(&error) => Ok(Fate::Missing(why_absent(&error).to_owned())),
                    Err(source) => Err(ApplyError::Read { path: path_of(from), source }),
                }
            }
            What::Symlink { target, owner, modified } => {
                self.symlink(&parent, name, there, (target, *owner, *modified)).map_err(fail())
            }
            What::Special { special, attributes, modified } => {
                self.special(&parent, name, there, (*special, *attributes, *modified)).map_err(fail())
            }
            What::Text { .. } | What::Directory { .. } | What::HardLink { .. } => {
                Err(fail()(io::Error::other("is nothing that a clone has")))
            }
        }
    }

    fn open_source(&self, source: &Source<'_>, from: &[u8]) -> io::Result<(File, Stat)> {
        open_anywhere(self.trees.of(source.origin), from)
    }

    fn file(&mut self, parent: &Handle, name: &[u8], there: Option<Stat>, copy: Copy<'_>) -> io::Result<Fate> {
        if let Some(stat) = there
            && copy.wanted.same_file(&stat, &copy.live)
            && stat.identity != copy.live.identity
            && !self.taken.contains(&stat.identity)
            && same_files(parent.open_file(name)?.0, &copy.file)?
        {
            return Ok(Fate::Kept);
        }
        self.replace(parent, name, there, |update| update.new_file(parent, &copy))
    }

    fn new_file(&mut self, parent: &Handle, copy: &Copy<'_>) -> io::Result<()> {
        let made = parent.create_file(NEW)?;
        let go_on = self.settings.go_on;
        let verified = copy.packaged.filter(|_| self.settings.verify);
        let transfer = if verified.is_some() { Transfer::Summed } else { Transfer::Plain };
        // It may have been compared.
        io::Seek::rewind(&mut &copy.file)?;
        let copied = self.buffer.copy(&copy.file, &copy.live, &made, transfer, &|| go_on())?;
        self.settings.counters.bytes.fetch_add(copied.bytes, Ordering::Relaxed);
        let applied = &mut self.synced.applied;
        applied.bytes += copied.bytes;
        if copied.bytes != copy.live.size {
            applied.changed.push(copy.path.to_vec());
        }
        if let Some(difference) = verified.and_then(|packaged| compare(packaged, copied.bytes, copied.checksum)) {
            applied.mismatches.push(Mismatch { path: copy.path.to_vec(), difference });
        }
        let wanted = copy.wanted;
        set_attributes(&made, Some((wanted.uid, wanted.gid)), wanted.mode, wanted.modified)
    }

    fn symlink(
        &mut self,
        parent: &Handle,
        name: &[u8],
        there: Option<Stat>,
        (target, owner, modified): (&[u8], (u32, u32), Timestamp),
    ) -> io::Result<Fate> {
        if let Some(stat) = there.filter(|stat| stat.kind == FileKind::Symlink && (stat.uid, stat.gid) == owner)
            && parent.read_link(name)? == target
        {
            return keep(parent, name, &stat, modified);
        }
        self.replace(parent, name, there, |_| {
            parent.symlink(target, NEW)?;
            parent.set_owner(NEW, owner.0, owner.1)?;
            parent.set_modified(NEW, modified)
        })
    }

    fn special(
        &mut self,
        parent: &Handle,
        name: &[u8],
        there: Option<Stat>,
        (special, attributes, modified): (Special, Attributes, Timestamp),
    ) -> io::Result<Fate> {
        if let Some(stat) = there.filter(|stat| same_special(special, attributes, stat)) {
            return keep(parent, name, &stat, modified);
        }
        self.replace(parent, name, there, |_| {
            parent.create_special(NEW, special)?;
            parent.set_owner(NEW, attributes.uid.unwrap_or(0), attributes.gid.unwrap_or(0))?;
            parent.set_mode(NEW, attributes.mode.unwrap_or(0o600))?;
            parent.set_modified(NEW, modified)
        })
    }

    /// Makes something under the new name and puts it in its place.
    fn replace(
        &mut self,
        parent: &Handle,
        name: &[u8],
        there: Option<Stat>,
        make: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<Fate> {
        remove_tree(parent, NEW)?;
        if let Err(error) = make(self) {
            // What failed is worth more than what could not be cleared: the next run clears it.
            let _ = remove_tree(parent, NEW);
            return Err(error);
        }
        if there.is_some_and(|there| there.kind == FileKind::Directory) {
            remove_tree(parent, name)?;
        }
        parent.rename(NEW, name)?;
        Ok(Fate::Changed(if there.is_some() { Change::Replaced } else { Change::Added }))
    }

    fn hard_link(&mut self, action: &Action<'_>, to: &[u8]) -> io::Result<Fate> {
        let Some(&identity) = self.made.get(to) else {
            return Ok(Fate::Missing(leads_nowhere(to)));
        };
        let (_, name) = action.split();
        let (_, target) = split(to);
        let target_parent = self.parent(to)?;
        let parent = self.parent(&action.path)?;
        let there = parent.stat(name)?;
        if there.is_some_and(|there| there.identity == identity) {
            return Ok(Fate::Kept);
        }
        self.replace(&parent, name, there, |_| parent.link(NEW, &target_parent, target))
    }

    /// Remembers what stands at a path now.
    fn settle(&mut self, action: &Action<'_>, fate: Fate) -> io::Result<()> {
        let change = match fate {
            Fate::Missing(reason) => {
                self.synced.applied.missing.push(Missing { path: action.path.to_vec(), reason });
                return Ok(());
            }
            Fate::Kept => None,
            Fate::Changed(change) => Some(change),
        };
        let (_, name) = action.split();
        let stat = self.parent(&action.path)?.stat(name)?.ok_or(io::ErrorKind::NotFound)?;
        self.taken.insert(stat.identity);
        self.made.insert(action.path.to_vec(), stat.identity);
        self.count(action, change);
        Ok(())
    }

    fn count(&mut self, action: &Action<'_>, change: Option<Change>) {
        self.settings.counters.objects.fetch_add(1, Ordering::Relaxed);
        match change {
            Some(change) => {
                self.synced.changed += 1;
                self.synced.changes.push((action.path.to_vec(), change));
            }
            None => self.synced.kept += 1,
        }
    }

    fn remove_the_rest(&mut self, below: &[&Action<'_>]) -> Result<(), ApplyError> {
        let directories: HashSet<&[u8]> =
            below.iter().filter(|action| action.is_directory()).map(|action| action.path.as_ref()).collect();
        for directory in below.iter().filter(|action| action.is_directory()) {
            let fail = || make_error(&directory.path);
            let handle = self.open(self.inside(&directory.path).unwrap_or_default()).map_err(fail())?;
            for (name, _) in handle.list().map_err(fail())? {
                let path = [directory.path.as_ref(), b"/", &name].concat();
                if directories.contains(path.as_slice()) || self.made.contains_key(&path) {
                    continue;
                }
                self.go_on()?;
                remove_tree(&handle, &name).map_err(make_error(&path))?;
                if name != NEW {
                    self.synced.removed += 1;
                    self.synced.changes.push((path, Change::Removed));
                }
            }
        }
        Ok(())
    }

    fn wanted_directory(&self, action: &Action<'_>, attributes: Attributes, modified: Modified) -> io::Result<Wanted> {
        let live = open_dir(self.trees.image, &action.path)?.map(|live| live.stat_self()).transpose()?;
        Ok(match live {
            Some(live) => Wanted::of(attributes, modified, &live),
            None => Wanted::without(attributes, modified, DIRECTORY, self.plan.updated),
        })
    }

    fn finish_directory(&self, action: &Action<'_>, attributes: Attributes, modified: Modified) -> io::Result<()> {
        let handle = self.open(self.inside(&action.path).unwrap_or_default())?;
        let wanted = self.wanted_directory(action, attributes, modified)?;
        let stat = handle.stat_self()?;
        if wanted.same_attributes(&stat) && stat.modified == wanted.modified {
            return Ok(());
        }
        set_attributes(&handle, Some((wanted.uid, wanted.gid)), wanted.mode, wanted.modified)
    }
}

/// A file that is to be copied.
struct Copy<'c> {
    path: &'c [u8],
    file: File,
    live: Stat,
    wanted: Wanted,
    packaged: Option<Packaged>,
}

/// What an object has that neither the database nor the image describes.
struct Unknown {
    mode: u32,
    uid: u32,
    gid: u32,
}

/// What an object is to have.
#[derive(Clone, Copy)]
struct Wanted {
    mode: u32,
    uid: u32,
    gid: u32,
    modified: Timestamp,
}

impl Wanted {
    fn of(attributes: Attributes, modified: Modified, live: &Stat) -> Self {
        let unknown = Unknown { mode: live.mode, uid: live.uid, gid: live.gid };
        Self::without(attributes, modified, unknown, live.modified)
    }

    fn without(attributes: Attributes, modified: Modified, unknown: Unknown, now: Timestamp) -> Self {
        Self {
            mode: attributes.mode.unwrap_or(unknown.mode),
            uid: attributes.uid.unwrap_or(unknown.uid),
            gid: attributes.gid.unwrap_or(unknown.gid),
            modified: match modified {
                Modified::At(time) => time,
                Modified::Live => now,
            },
        }
    }

    fn same_attributes(&self, there: &Stat) -> bool {
        (there.mode, there.uid, there.gid) == (self.mode, self.uid, self.gid)
    }

    /// All but the bytes.
    fn same_file(&self, there: &Stat, live: &Stat) -> bool {
        there.kind == FileKind::Regular
            && there.size == live.size
            && there.modified == self.modified
            && self.same_attributes(there)
    }
}

/// Keeps an object that has all but its time.
fn keep(parent: &Handle, name: &[u8], there: &Stat, modified: Timestamp) -> io::Result<Fate> {
    if there.modified == modified {
        return Ok(Fate::Kept);
    }
    parent.set_modified(name, modified)?;
    Ok(Fate::Changed(Change::Replaced))
}

fn same_special(special: Special, attributes: Attributes, there: &Stat) -> bool {
    let same_device = match (special, there.kind) {
        (Special::Pipe, FileKind::Pipe) => true,
        (Special::Character(device), FileKind::Character) | (Special::Block(device), FileKind::Block) => {
            there.device == device
        }
        _ => false,
    };
    same_device && attributes == Attributes::known(there.mode, there.uid, there.gid)
}
