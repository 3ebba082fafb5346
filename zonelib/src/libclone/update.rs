//! Bringing a clone up to date where it is, under running zones: each object is replaced by renaming a
//! new one over it, what is new comes before what is gone goes.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;

use crate::populate::{
    Action, ApplyError, Attributes, Missing, Modified, Origin, Plan, Settings, Source, Trees, What, is_absence,
    open_anywhere, open_dir, split,
};
use crate::root::{
    CopyBuffer, FileKind, Handle, Special, Stat, Timestamp, Transfer, Tree, remove_tree, set_attributes,
};

use super::Synced;

/// What a new object is called until it is complete. No package has such a name; a leftover is removed
/// like anything else that belongs to nothing.
const NEW: &[u8] = b".zonekit-new";

/// Changes the tree at `root`, which stands for the directory `base` of the plan, into what the plan
/// says.
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
        synced: Synced::default(),
    };
    update.run()?;
    Ok(update.synced)
}

struct Update<'u, 'a> {
    plan: &'u Plan<'a>,
    base: &'u [u8],
    root: Handle,
    trees: Trees<'u>,
    settings: &'u Settings<'u>,
    buffer: CopyBuffer,
    /// Files and links that are in place, with their identity.
    made: HashMap<Vec<u8>, (u64, u64)>,
    synced: Synced,
}

fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

fn make_error(path: &[u8]) -> impl FnOnce(io::Error) -> ApplyError + '_ {
    move |source| match source.kind() {
        io::ErrorKind::Interrupted => ApplyError::Interrupted,
        _ => ApplyError::Make { path: path_of(path), source },
    }
}

impl Update<'_, '_> {
    fn run(&mut self) -> Result<(), ApplyError> {
        let below: Vec<&Action<'_>> =
            self.plan.actions.iter().filter(|action| self.inside(&action.path).is_some()).collect();
        for action in &below {
            self.go_on()?;
            if action.is_directory() {
                self.directory(action).map_err(make_error(&action.path))?;
            } else if !matches!(action.what, What::HardLink { .. }) {
                self.object(action)?;
            }
        }
        for action in &below {
            if let What::HardLink { to } = &action.what {
                self.hard_link(action, to).map_err(make_error(&action.path))?;
            }
        }
        self.remove_the_rest(&below)?;
        for action in below.iter().rev() {
            if let What::Directory { attributes, modified } = &action.what {
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
    fn parent(&self, path: &[u8]) -> io::Result<Handle> {
        let inside = self.inside(path).unwrap_or_default();
        let parent = memchr::memrchr(b'/', inside).map_or(&b""[..], |at| &inside[..at]);
        self.open(parent)
    }

    fn open(&self, inside: &[u8]) -> io::Result<Handle> {
        let mut here = self.root.open_self()?;
        for part in inside.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
            here = here.open_dir(part)?;
        }
        Ok(here)
    }

    fn directory(&mut self, action: &Action<'_>) -> io::Result<()> {
        if action.path == self.base {
            return Ok(());
        }
        let (_, name) = action.split();
        let parent = self.parent(&action.path)?;
        match parent.stat(name)? {
            Some(stat) if stat.kind == FileKind::Directory => self.synced.kept += 1,
            Some(_) => {
                parent.remove_file(name)?;
                parent.create_dir(name)?;
                self.synced.changed += 1;
            }
            None => {
                parent.create_dir(name)?;
                self.synced.changed += 1;
            }
        }
        Ok(())
    }

    fn object(&mut self, action: &Action<'_>) -> Result<(), ApplyError> {
        let (_, name) = action.split();
        let fail = || make_error(&action.path);
        let parent = self.parent(&action.path).map_err(fail())?;
        let there = parent.stat(name).map_err(fail())?;
        let changed = match &action.what {
            What::File { source, attributes, modified, .. } => {
                let from = source.path.as_deref().unwrap_or(&action.path);
                match open_anywhere(self.tree(source), from) {
                    Ok((file, live)) => {
                        let wanted = Wanted::of(*attributes, *modified, &live);
                        let same =
                            there.filter(|there| there.kind == FileKind::Regular && wanted.same_file(there, &live));
                        if same.is_none() {
                            self.replace(&parent, name, there, |update| update.new_file(&parent, &file, &live, wanted))
                                .map_err(fail())?;
                        }
                        same.is_none()
                    }
                    Err(error) if is_absence(&error) => {
                        let reason = "is not in the image".to_owned();
                        self.synced.applied.missing.push(Missing { path: action.path.to_vec(), reason });
                        return Ok(());
                    }
                    Err(source) => return Err(ApplyError::Read { path: path_of(from), source }),
                }
            }
            What::Symlink { target, owner, modified } => {
                let same = there.is_some_and(|there| {
                    there.kind == FileKind::Symlink
                        && (there.uid, there.gid) == *owner
                        && parent.read_link(name).is_ok_and(|found| found == target.as_ref())
                });
                if !same {
                    let make = |_: &mut Self| {
                        parent.symlink(target, NEW)?;
                        parent.set_owner(NEW, owner.0, owner.1)?;
                        parent.set_modified(NEW, *modified)
                    };
                    self.replace(&parent, name, there, make).map_err(fail())?;
                }
                !same
            }
            What::Special { special, attributes, modified } => {
                let same = there.is_some_and(|there| same_special(*special, *attributes, &there));
                if !same {
                    let make = |_: &mut Self| {
                        parent.create_special(NEW, *special)?;
                        parent.set_owner(NEW, attributes.uid.unwrap_or(0), attributes.gid.unwrap_or(0))?;
                        parent.set_mode(NEW, attributes.mode.unwrap_or(0o600))?;
                        parent.set_modified(NEW, *modified)
                    };
                    self.replace(&parent, name, there, make).map_err(fail())?;
                }
                !same
            }
            What::Text { .. } | What::Directory { .. } | What::HardLink { .. } => false,
        };
        let stat = parent.stat(name).map_err(fail())?;
        self.made.insert(action.path.to_vec(), stat.map_or((0, 0), |stat| stat.identity));
        self.count(changed);
        Ok(())
    }

    fn count(&mut self, changed: bool) {
        if changed {
            self.synced.changed += 1;
        } else {
            self.synced.kept += 1;
        }
    }

    fn tree(&self, source: &Source<'_>) -> &Tree {
        match source.origin {
            Origin::Image => self.trees.image,
            Origin::Template => self.trees.template.unwrap_or(self.trees.image),
        }
    }

    /// Makes something under the new name and puts it in its place.
    fn replace(
        &mut self,
        parent: &Handle,
        name: &[u8],
        there: Option<Stat>,
        make: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        remove_tree(parent, NEW)?;
        make(self)?;
        if there.is_some_and(|there| there.kind == FileKind::Directory) {
            remove_tree(parent, name)?;
        }
        parent.rename(NEW, name)
    }

    fn new_file(&mut self, parent: &Handle, file: &std::fs::File, live: &Stat, wanted: Wanted) -> io::Result<()> {
        let made = parent.create_file(NEW)?;
        let go_on = self.settings.go_on;
        self.buffer.copy(file, live, &made, Transfer::Plain, &|| go_on())?;
        set_attributes(&made, Some((wanted.uid, wanted.gid)), wanted.mode, wanted.modified)
    }

    fn hard_link(&mut self, action: &Action<'_>, to: &[u8]) -> io::Result<()> {
        let Some(&identity) = self.made.get(to) else {
            let reason = format!("is a hard link to `/{}`, which is not there", path_of(to).display());
            self.synced.applied.missing.push(Missing { path: action.path.to_vec(), reason });
            return Ok(());
        };
        let (_, name) = action.split();
        let parent = self.parent(&action.path)?;
        let there = parent.stat(name)?;
        let same = there.is_some_and(|there| there.identity == identity);
        if !same {
            let target_parent = self.parent(to)?;
            let (_, target) = split(to);
            self.replace(&parent, name, there, |_| parent.link(NEW, &target_parent, target))?;
        }
        self.made.insert(action.path.to_vec(), identity);
        self.count(!same);
        Ok(())
    }

    fn remove_the_rest(&mut self, below: &[&Action<'_>]) -> Result<(), ApplyError> {
        let directories: HashSet<&[u8]> =
            below.iter().filter(|action| action.is_directory()).map(|action| action.path.as_ref()).collect();
        for action in below.iter().filter(|action| action.is_directory()) {
            let fail = || make_error(&action.path);
            let handle = self.open(self.inside(&action.path).unwrap_or_default()).map_err(fail())?;
            for (name, _) in handle.list().map_err(fail())? {
                self.go_on()?;
                let path = [action.path.as_ref(), b"/", &name].concat();
                if !directories.contains(path.as_slice()) && !self.made.contains_key(&path) {
                    remove_tree(&handle, &name).map_err(make_error(&path))?;
                    self.synced.removed += 1;
                }
            }
        }
        Ok(())
    }

    fn finish_directory(&self, action: &Action<'_>, attributes: Attributes, modified: Modified) -> io::Result<()> {
        let handle = self.open(self.inside(&action.path).unwrap_or_default())?;
        let live = open_dir(self.trees.image, &action.path)?.map(|live| live.stat_self()).transpose()?;
        let fallback = handle.stat_self()?;
        let wanted = Wanted::of(attributes, modified, live.as_ref().unwrap_or(&fallback));
        set_attributes(&handle, Some((wanted.uid, wanted.gid)), wanted.mode, wanted.modified)
    }
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
        Self {
            mode: attributes.mode.unwrap_or(live.mode),
            uid: attributes.uid.unwrap_or(live.uid),
            gid: attributes.gid.unwrap_or(live.gid),
            modified: match modified {
                Modified::At(time) => time,
                Modified::Live => live.modified,
            },
        }
    }

    /// Size and time stand for the content, as they do for make(1) and rsync(1).
    fn same_file(&self, there: &Stat, live: &Stat) -> bool {
        there.size == live.size
            && there.modified == self.modified
            && (there.mode, there.uid, there.gid) == (self.mode, self.uid, self.gid)
    }
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
