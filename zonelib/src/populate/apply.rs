//! Carrying out a plan in a directory tree, on several threads.
//!
//! Every object is made by its leaf name in a directory that is held open and that was itself made
//! here, exclusively: whatever somebody plants below the root meanwhile, nothing is written through it.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::root::{CopyBuffer, Handle, Stat, Timestamp, Transfer, Tree, set_attributes, set_owner_and_time};

use super::action::{Action, Attributes, Modified, Origin, Packaged, Source, What};
use super::live::{is_absence, leads_nowhere, open_anywhere, open_dir, why_absent};
use super::plan::{Missing, Plan};
use super::work::Stack;

/// Objects that are worth a task of their own.
const LITTLE: usize = 64;

/// The trees that sources are below.
#[derive(Clone, Copy)]
pub struct Trees<'a> {
    /// The image.
    pub image: &'a Tree,
    /// The template, when there is one.
    pub template: Option<&'a Tree>,
}

impl<'a> Trees<'a> {
    pub(crate) fn of(&self, origin: Origin) -> &'a Tree {
        match origin {
            Origin::Image => self.image,
            Origin::Template => self.template.unwrap_or(self.image),
        }
    }
}

/// How far the work has come; read while it runs.
#[derive(Debug, Default)]
pub struct Counters {
    /// Objects made.
    pub objects: AtomicU64,
    /// Bytes copied.
    pub bytes: AtomicU64,
}

/// How a plan is applied.
pub struct Settings<'a> {
    /// Threads.
    pub jobs: usize,
    /// Compare the size and checksum of unchangeable files with the database while copying.
    pub verify: bool,
    /// Asked between files: false stops.
    pub go_on: &'a (dyn Fn() -> bool + Sync),
    /// Progress.
    pub counters: &'a Counters,
}

/// A file that is not what the database says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mismatch {
    /// Its relative path.
    pub path: Vec<u8>,
    /// What differs.
    pub difference: String,
}

/// What was noticed while a plan was applied.
#[derive(Debug, Default)]
pub struct Applied {
    /// Objects made.
    pub objects: u64,
    /// Bytes of file content.
    pub bytes: u64,
    /// Objects that turned out not to be in the source.
    pub missing: Vec<Missing>,
    /// Files that differ from the database, when asked to verify.
    pub mismatches: Vec<Mismatch>,
    /// Files that changed while they were copied.
    pub changed: Vec<Vec<u8>>,
}

/// Why a plan was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// An object could not be made.
    #[error("{}: {source}", path.display())]
    Make {
        /// Its path, relative to the root.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A source could not be read.
    #[error("reading {}: {source}", path.display())]
    Read {
        /// Its path in its tree.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody interrupted.
    #[error("interrupted")]
    Interrupted,
}

pub(crate) fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

/// Makes everything of a plan below `root`, which is empty and stands for the directory `base` of the
/// plan (`""` for all of it). The attributes of a zone root are the caller's; those of another base are
/// the plan's.
///
/// # Errors
/// [`ApplyError`], the first one; what was made until then stays for the caller to clear.
pub fn apply(
    plan: &Plan<'_>,
    base: &[u8],
    root: Handle,
    trees: Trees<'_>,
    settings: &Settings<'_>,
) -> Result<Applied, ApplyError> {
    let work = Work {
        plan,
        base,
        nodes: nodes(plan, base),
        trees,
        main: trees.of(plan.main.unwrap_or(Origin::Image)),
        settings,
        denied: root.creation_denies().map_err(|source| ApplyError::Make { path: ".".into(), source })?,
        own: crate::host::own_ids(),
        stack: Stack::new(Task::Root),
        root,
        failed: AtomicBool::new(false),
        failure: Mutex::default(),
        applied: Mutex::default(),
    };
    work.stack.run(settings.jobs.max(1), CopyBuffer::default, |buffer, task| work.perform(buffer, task));
    if let Some(failure) = work.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(failure);
    }
    work.hard_links()?;
    let mut applied = work.applied.into_inner().unwrap_or_else(PoisonError::into_inner);
    applied.objects = settings.counters.objects.load(Ordering::Relaxed);
    applied.bytes = settings.counters.bytes.load(Ordering::Relaxed);
    applied.missing.sort();
    applied.mismatches.sort();
    applied.changed.sort();
    Ok(applied)
}

/// A directory of the plan: its own action, and those of what is in it.
#[derive(Default)]
struct Node {
    action: Option<u32>,
    directories: Vec<u32>,
    others: Vec<u32>,
    /// Objects in it, at any depth.
    weight: usize,
}

/// The plan below `base` as a tree, whose node 0 is `base`. A plan has every parent before its children.
fn nodes(plan: &Plan<'_>, base: &[u8]) -> Vec<Node> {
    let mut nodes = vec![Node::default()];
    let mut by_path: HashMap<&[u8], u32> = HashMap::from([(base, 0)]);
    let mut last: (&[u8], Option<u32>) = (b"", by_path.get(&b""[..]).copied());
    for (index, action) in plan.actions.iter().enumerate() {
        let index = index as u32;
        let (parent, _) = action.split();
        if action.path == base {
            nodes[0].action = Some(index);
            continue;
        }
        if parent != last.0 {
            last = (parent, by_path.get(parent).copied());
        }
        let Some(above) = last.1 else { continue };
        let above = above as usize;
        match action.what {
            What::Directory { .. } => {
                let node = nodes.len() as u32;
                by_path.insert(&action.path, node);
                nodes.push(Node { action: Some(index), ..Node::default() });
                nodes[above].directories.push(node);
            }
            What::HardLink { .. } => {}
            _ => nodes[above].others.push(index),
        }
    }
    // Children come after their parents.
    for node in (0..nodes.len()).rev() {
        let below: usize = nodes[node].directories.iter().map(|&child| nodes[child as usize].weight + 1).sum();
        nodes[node].weight = below + nodes[node].others.len();
    }
    nodes
}

enum Task {
    Root,
    /// Enter some of the directories in a directory.
    Directories(Arc<Open>, usize, usize),
    /// Make some of the objects in a directory that are no directories.
    Others(Arc<Open>, usize, usize),
}

/// A directory that is being filled. When the last task in it is done it gets its attributes.
struct Open {
    node: u32,
    made: Handle,
    live: Option<Handle>,
    above: Option<Arc<Open>>,
    pending: AtomicUsize,
}

/// Owner (`None` for the process's own), mode and time of an object.
#[derive(Clone, Copy)]
struct Settled {
    mode: u32,
    owner: Option<(u32, u32)>,
    modified: Timestamp,
}

struct Work<'w, 'a> {
    plan: &'w Plan<'a>,
    base: &'w [u8],
    nodes: Vec<Node>,
    trees: Trees<'w>,
    main: &'w Tree,
    settings: &'w Settings<'w>,
    /// Mode bits that files do not get by being created with them.
    denied: u32,
    own: (u32, u32),
    stack: Stack<Task>,
    root: Handle,
    failed: AtomicBool,
    failure: Mutex<Option<ApplyError>>,
    applied: Mutex<Applied>,
}

impl Work<'_, '_> {
    fn perform(&self, buffer: &mut CopyBuffer, task: Task) {
        let done = match task {
            Task::Root => self.enter_root(buffer),
            Task::Directories(above, from, to) => self.enter(buffer, &above, from, to).and_then(|()| self.done(above)),
            Task::Others(open, from, to) => self.make_others(buffer, &open, from, to).and_then(|()| self.done(open)),
        };
        if let Err(error) = done {
            self.fail(error);
        }
    }

    fn fail(&self, error: ApplyError) {
        // The failure first: whoever sees that there is one stops as interrupted, which is not why.
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.failed.store(true, Ordering::Release);
        self.stack.stop();
    }

    fn go_on(&self) -> bool {
        !self.failed.load(Ordering::Acquire) && (self.settings.go_on)()
    }

    fn enter_root(&self, buffer: &mut CopyBuffer) -> Result<(), ApplyError> {
        let fail = |source| ApplyError::Make { path: ".".into(), source };
        let made = self.root.open_self().map_err(fail)?;
        let live = open_dir(self.main, self.base).map_err(|source| read_error(self.base, source))?;
        self.fill(buffer, Arc::new(Open { node: 0, made, live, above: None, pending: AtomicUsize::new(1) }))
    }

    /// Enters directories that have been made.
    fn enter(&self, buffer: &mut CopyBuffer, above: &Arc<Open>, from: usize, to: usize) -> Result<(), ApplyError> {
        for &node in &self.nodes[above.node as usize].directories[from..to] {
            if !self.go_on() {
                return Err(ApplyError::Interrupted);
            }
            let Some(action) = self.action_of(node) else { continue };
            let (_, name) = action.split();
            let made = above.made.open_dir(name).map_err(|source| make_error(action, source))?;
            let live = match above.live.as_ref().map(|live| live.open_dir(name)) {
                Some(Ok(live)) => Some(live),
                // A directory that is a symbolic link in the image, or that is not there.
                Some(Err(error)) if is_absence(&error) => {
                    open_dir(self.main, &action.path).map_err(|source| read_error(&action.path, source))?
                }
                Some(Err(source)) => return Err(read_error(&action.path, source)),
                None => None,
            };
            let above = Some(Arc::clone(above));
            self.fill(buffer, Arc::new(Open { node, made, live, above, pending: AtomicUsize::new(1) }))?;
        }
        Ok(())
    }

    /// Makes the directories in a directory, then what is in it: at once when that is little, else in
    /// tasks. One thread makes all directories, for several would wait for each other; the one that
    /// opened the directory counts as a task until it is through.
    fn fill(&self, buffer: &mut CopyBuffer, open: Arc<Open>) -> Result<(), ApplyError> {
        let node = &self.nodes[open.node as usize];
        for &child in &node.directories {
            let Some(action) = self.action_of(child) else { continue };
            open.made.make_dir(action.split().1).map_err(|source| make_error(action, source))?;
        }
        self.settings.counters.objects.fetch_add(node.directories.len() as u64, Ordering::Relaxed);
        if let Some(above) = &open.above {
            above.pending.fetch_add(1, Ordering::Relaxed);
        }
        if node.weight <= LITTLE {
            self.make_others(buffer, &open, 0, node.others.len())?;
            self.enter(buffer, &open, 0, node.directories.len())?;
        } else {
            let tasks = self.tasks(&open, node);
            open.pending.fetch_add(tasks.len(), Ordering::Relaxed);
            self.stack.push(tasks);
        }
        self.done(open)
    }

    /// What is in a directory, in tasks of about the same size.
    fn tasks(&self, open: &Arc<Open>, node: &Node) -> Vec<Task> {
        let mut tasks = Vec::new();
        let (mut from, mut weight) = (0, 0);
        for (index, &child) in node.directories.iter().enumerate() {
            weight += self.nodes[child as usize].weight;
            if weight > LITTLE || index + 1 == node.directories.len() {
                tasks.push(Task::Directories(Arc::clone(open), from, index + 1));
                (from, weight) = (index + 1, 0);
            }
        }
        for from in (0..node.others.len()).step_by(LITTLE) {
            tasks.push(Task::Others(Arc::clone(open), from, node.others.len().min(from + LITTLE)));
        }
        tasks
    }

    /// One task of a directory is through; the last one finishes it, and perhaps those above it.
    fn done(&self, open: Arc<Open>) -> Result<(), ApplyError> {
        let mut open = open;
        while open.pending.fetch_sub(1, Ordering::AcqRel) == 1 {
            if let Some(action) = self.action_of(open.node)
                && let What::Directory { attributes, modified } = &action.what
            {
                let live = open.live.as_ref().and_then(|live| live.stat_self().ok());
                let settled = self.settle(*attributes, *modified, live.as_ref(), 0o755);
                set_attributes(&open.made, settled.owner, settled.mode, settled.modified)
                    .map_err(|source| make_error(action, source))?;
            }
            let Some(above) = &open.above else { break };
            open = Arc::clone(above);
        }
        Ok(())
    }

    fn action_of(&self, node: u32) -> Option<&Action<'_>> {
        self.nodes[node as usize].action.map(|index| &self.plan.actions[index as usize])
    }

    /// What an object is to have, all told: what the plan leaves open is live, or else a default.
    fn settle(&self, attributes: Attributes, modified: Modified, live: Option<&Stat>, mode: u32) -> Settled {
        let uid = attributes.uid.or(live.map(|stat| stat.uid)).unwrap_or(0);
        let gid = attributes.gid.or(live.map(|stat| stat.gid)).unwrap_or(0);
        Settled {
            mode: attributes.mode.or(live.map(|stat| stat.mode)).unwrap_or(mode),
            owner: self.owner(uid, gid),
            modified: match modified {
                Modified::At(time) => time,
                Modified::Live => live.map_or(self.plan.updated, |stat| stat.modified),
            },
        }
    }

    /// Owner, mode and time of a file that was created with as much of its mode as creation gives.
    fn finish_file(&self, file: &File, settled: Settled) -> io::Result<()> {
        if settled.mode & self.denied == 0 {
            set_owner_and_time(file, settled.owner, settled.modified)
        } else {
            set_attributes(file, settled.owner, settled.mode, settled.modified)
        }
    }

    fn owner(&self, uid: u32, gid: u32) -> Option<(u32, u32)> {
        ((uid, gid) != self.own).then_some((uid, gid))
    }

    fn make_others(&self, buffer: &mut CopyBuffer, open: &Open, from: usize, to: usize) -> Result<(), ApplyError> {
        for &index in &self.nodes[open.node as usize].others[from..to] {
            if !self.go_on() {
                return Err(ApplyError::Interrupted);
            }
            let action = &self.plan.actions[index as usize];
            let made = match &action.what {
                What::File { source, attributes, modified, packaged, .. } => {
                    self.make_file(buffer, open, action, source, (*attributes, *modified), *packaged)?
                }
                _ => self.make_small(open, action).map(|()| true).map_err(|source| make_error(action, source))?,
            };
            self.settings.counters.objects.fetch_add(u64::from(made), Ordering::Relaxed);
        }
        Ok(())
    }

    fn make_small(&self, open: &Open, action: &Action<'_>) -> io::Result<()> {
        let (_, name) = action.split();
        match &action.what {
            What::Text { bytes, attributes, modified } => {
                let settled = self.settle(*attributes, Modified::At(*modified), None, 0o644);
                let file = open.made.create_file_with(name, settled.mode)?;
                bytes.write_to(&file)?;
                self.settings.counters.bytes.fetch_add(bytes.len(), Ordering::Relaxed);
                self.finish_file(&file, settled)
            }
            What::Symlink { target, owner, modified } => {
                open.made.symlink(target, name)?;
                if let Some((uid, gid)) = self.owner(owner.0, owner.1) {
                    open.made.set_owner(name, uid, gid)?;
                }
                open.made.set_modified(name, *modified)
            }
            What::Special { special, attributes, modified } => {
                open.made.create_special(name, *special)?;
                if let Some((uid, gid)) = self.owner(attributes.uid.unwrap_or(0), attributes.gid.unwrap_or(0)) {
                    open.made.set_owner(name, uid, gid)?;
                }
                open.made.set_mode(name, attributes.mode.unwrap_or(0o600))?;
                open.made.set_modified(name, *modified)
            }
            What::File { .. } | What::Directory { .. } | What::HardLink { .. } => Ok(()),
        }
    }

    /// False when the source is not there.
    fn make_file(
        &self,
        buffer: &mut CopyBuffer,
        open: &Open,
        action: &Action<'_>,
        source: &Source<'_>,
        (attributes, modified): (Attributes, Modified),
        packaged: Option<Packaged>,
    ) -> Result<bool, ApplyError> {
        let (_, name) = action.split();
        let tree = self.trees.of(source.origin);
        let from = source.path.as_deref().unwrap_or(&action.path);
        let opened = match &open.live {
            Some(live) if source.path.is_none() && std::ptr::eq(tree, self.main) => live.open_file(name),
            _ => open_anywhere(tree, from),
        };
        let (file, stat) = match opened {
            Ok(opened) => opened,
            Err(error) if is_absence(&error) => {
                let reason = why_absent(&error).to_owned();
                self.note(|applied| applied.missing.push(Missing { path: action.path.to_vec(), reason }));
                return Ok(false);
            }
            Err(source) => return Err(read_error(from, source)),
        };
        let settled = self.settle(attributes, modified, Some(&stat), 0o644);
        let made = open.made.create_file_with(name, settled.mode).map_err(|source| make_error(action, source))?;
        let verify = packaged.filter(|_| self.settings.verify);
        let transfer = if verify.is_some() { Transfer::Summed } else { Transfer::Plain };
        let copied = buffer.copy(&file, &stat, &made, transfer, &|| self.go_on()).map_err(|source| {
            if source.kind() == io::ErrorKind::Interrupted {
                ApplyError::Interrupted
            } else {
                make_error(action, source)
            }
        })?;
        self.finish_file(&made, settled).map_err(|source| make_error(action, source))?;
        self.settings.counters.bytes.fetch_add(copied.bytes, Ordering::Relaxed);
        if copied.bytes != stat.size {
            self.note(|applied| applied.changed.push(action.path.to_vec()));
        }
        if let Some(difference) = verify.and_then(|packaged| compare(packaged, copied.bytes, copied.checksum)) {
            self.note(|applied| applied.mismatches.push(Mismatch { path: action.path.to_vec(), difference }));
        }
        Ok(true)
    }

    fn note(&self, what: impl FnOnce(&mut Applied)) {
        what(&mut self.applied.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A path of the plan below the root that was given.
    fn inside<'p>(&self, path: &'p [u8]) -> &'p [u8] {
        let rest = path.strip_prefix(self.base).unwrap_or(path);
        rest.strip_prefix(b"/").unwrap_or(rest)
    }

    /// Links last, when what they lead to is there. Their directories keep their times.
    fn hard_links(&self) -> Result<(), ApplyError> {
        let made = Tree::from_handle(&self.root).map_err(|source| ApplyError::Make { path: ".".into(), source })?;
        let mut open: Option<(Vec<u8>, Handle, Timestamp)> = None;
        for action in &self.plan.actions {
            let What::HardLink { to } = &action.what else { continue };
            if !self.go_on() {
                return Err(ApplyError::Interrupted);
            }
            let fail = |source| make_error(action, source);
            let (parent, name) = action.split();
            if open.as_ref().is_none_or(|(path, ..)| path != parent) {
                restore(open.take()).map_err(fail)?;
                let handle = made.open_dir(self.inside(parent)).map_err(fail)?;
                let modified = handle.stat_self().map_err(fail)?.modified;
                open = Some((parent.to_vec(), handle, modified));
            }
            let Some((_, here, _)) = &open else { continue };
            let (target_parent, target) = super::action::split(to);
            let linked = if target_parent == parent {
                here.link(name, here, target)
            } else {
                made.open_dir(self.inside(target_parent)).and_then(|there| here.link(name, &there, target))
            };
            match linked {
                Ok(()) => {
                    self.settings.counters.objects.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let reason = leads_nowhere(to);
                    self.note(|applied| applied.missing.push(Missing { path: action.path.to_vec(), reason }));
                }
                Err(source) => return Err(make_error(action, source)),
            }
        }
        restore(open).map_err(|source| ApplyError::Make { path: ".".into(), source })
    }
}

fn restore(open: Option<(Vec<u8>, Handle, Timestamp)>) -> io::Result<()> {
    match open {
        Some((_, handle, modified)) => handle.set_own_modified(modified),
        None => Ok(()),
    }
}

/// What differs between a file and what the database says of it.
pub(crate) fn compare(packaged: Packaged, bytes: u64, checksum: Option<u16>) -> Option<String> {
    if let Some(size) = packaged.size.filter(|&size| size != bytes) {
        return Some(format!("size {bytes}, packaged {size}"));
    }
    let (checksum, expected) = (u32::from(checksum?), packaged.checksum?);
    (checksum != expected).then(|| format!("checksum {checksum}, packaged {expected}"))
}

fn make_error(action: &Action<'_>, source: io::Error) -> ApplyError {
    ApplyError::Make { path: path_of(&action.path), source }
}

pub(super) fn read_error(path: &[u8], source: io::Error) -> ApplyError {
    ApplyError::Read { path: path_of(path), source }
}
