//! A look at everything that a plan copies, without reading it: what is missing, and a digest that is
//! another one when applying the plan would make something else.
//!
//! What the plan says counts as it stands. Of a file that is copied, size, times, number and attributes
//! stand for the content: whoever changes it changes the time of its last change, which cannot be set.
//! Two things do not count, for they change all the time and make no other zone: when the directories and
//! the named pipes of the image were modified, and what is in its volatile files (`v`), such as logs, of
//! which the package tools have no pristine copy.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use contents::{Contents, Kind};
use sha1::{Digest, Sha1};

use crate::root::{FileKind, Special, Stat, Timestamp, Tree};

use super::action::{Action, Attributes, Modified, Origin, Source, What};
use super::apply::{Trees, path_of};
use super::live::{Live, NO_FILE, NOT_THERE, leads_nowhere, open_dir};
use super::metadata::postinstall_path;
use super::plan::{Missing, Plan};

/// Actions that one thread looks at in one go.
const CHUNK: usize = 2048;

type Failed = (PathBuf, io::Error);

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Objects of the plan that the source trees do not have, as applying it would find.
    pub missing: Vec<Missing>,
    /// Another one when applying the plan would make something else.
    pub digest: [u8; 20],
}

/// Looks. `contents` is the database that the plan was made from.
///
/// # Errors
/// A directory of a source cannot be read, with the path.
pub fn survey(plan: &Plan<'_>, contents: &Contents<'_>, trees: Trees<'_>, jobs: usize) -> Result<Survey, Failed> {
    let chunks: Vec<&[Action<'_>]> = plan.actions.chunks(CHUNK).collect();
    let next = AtomicUsize::new(0);
    let seen = Mutex::new(Vec::with_capacity(chunks.len()));
    let failure = Mutex::new(None);
    let work = || {
        let mut look = Look::new(plan, contents, trees);
        while let Some((index, chunk)) = take(&next, &chunks) {
            match look.chunk(chunk) {
                Ok(found) => seen.lock().unwrap_or_else(PoisonError::into_inner).push((index, found)),
                Err(error) => {
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    next.store(chunks.len(), Ordering::Relaxed);
                }
            }
        }
    };
    std::thread::scope(|scope| (0..jobs.clamp(1, chunks.len().max(1))).for_each(|_| drop(scope.spawn(work))));
    if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let mut seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    seen.sort_by_key(|(index, _)| *index);
    let mut facts = Facts::default();
    facts.plan(plan, trees)?;
    let mut missing = Vec::new();
    for (_, (digest, gone)) in seen {
        facts.bytes(&digest);
        missing.extend(gone);
    }
    add_unlinked(plan, &mut missing);
    Ok(Survey { missing, digest: facts.digest() })
}

fn take<'c, 'a>(next: &AtomicUsize, chunks: &'c [&'c [Action<'a>]]) -> Option<(usize, &'c [Action<'a>])> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    chunks.get(index).map(|chunk| (index, *chunk))
}

/// Hard links to what is missing are missing too.
fn add_unlinked(plan: &Plan<'_>, missing: &mut Vec<Missing>) {
    let mut unlinked = Vec::new();
    for action in &plan.actions {
        if let What::HardLink { to } = &action.what
            && missing.binary_search_by(|missing| missing.path.as_slice().cmp(to)).is_ok()
        {
            unlinked.push(Missing { path: action.path.to_vec(), reason: leads_nowhere(to) });
        }
    }
    missing.extend(unlinked);
}

/// A digest of facts, each with its length, so that no two lists of facts look the same.
#[derive(Default)]
pub(crate) struct Facts(Sha1);

impl Facts {
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    pub(crate) fn digest(self) -> [u8; 20] {
        self.0.finalize().into()
    }

    fn optional(&mut self, number: Option<u32>) {
        self.number(number.map_or(u64::MAX, u64::from));
    }

    fn attributes(&mut self, attributes: &Attributes) {
        [attributes.mode, attributes.uid, attributes.gid].into_iter().for_each(|one| self.optional(one));
    }

    fn time(&mut self, time: Timestamp) {
        self.number(time.seconds.cast_unsigned());
        self.number(u64::from(time.nanoseconds));
    }

    fn modified(&mut self, modified: &Modified) {
        match modified {
            Modified::Live => self.number(0),
            Modified::At(time) => {
                self.number(1);
                self.time(*time);
            }
        }
    }

    /// Mode, owner and group of what is there.
    fn owned(&mut self, stat: &Stat) {
        self.number(1);
        [stat.mode, stat.uid, stat.gid].into_iter().for_each(|one| self.number(u64::from(one)));
    }

    /// Everything about a file that is copied.
    pub(crate) fn file(&mut self, stat: &Stat) {
        self.owned(stat);
        self.number(stat.size);
        self.number(stat.identity.1);
        self.time(stat.modified);
        self.time(stat.changed);
    }

    /// What is no action.
    fn plan(&mut self, plan: &Plan<'_>, trees: Trees<'_>) -> Result<(), Failed> {
        self.number(u64::from(plan.main == Some(Origin::Template)));
        self.time(plan.updated);
        self.number(plan.missing.len() as u64);
        for missing in &plan.missing {
            self.bytes(&missing.path);
            self.bytes(missing.reason.as_bytes());
        }
        self.number(plan.postinstall.len() as u64);
        let mut image = Live::new(trees.image);
        for package in &plan.postinstall {
            let path = postinstall_path(package).into_bytes();
            self.bytes(&path);
            match image.stat(&path).map_err(|error| (path_of(&path), error))? {
                Some(stat) => self.file(&stat),
                None => self.number(0),
            }
        }
        Ok(())
    }
}

/// One thread's looking.
struct Look<'l> {
    contents: &'l Contents<'l>,
    main: &'l Tree,
    directories: Live<'l>,
    image: Live<'l>,
    template: Live<'l>,
}

impl<'l> Look<'l> {
    fn new(plan: &Plan<'_>, contents: &'l Contents<'l>, trees: Trees<'l>) -> Self {
        let main = trees.of(plan.main.unwrap_or(Origin::Image));
        Self {
            contents,
            main,
            directories: Live::new(main),
            image: Live::new(trees.of(Origin::Image)),
            template: Live::new(trees.of(Origin::Template)),
        }
    }

    fn chunk(&mut self, actions: &[Action<'_>]) -> Result<([u8; 20], Vec<Missing>), Failed> {
        let mut facts = Facts::default();
        let mut missing = Vec::new();
        for action in actions {
            facts.bytes(&action.path);
            self.action(action, &mut facts, &mut missing)?;
        }
        Ok((facts.digest(), missing))
    }

    fn action(&mut self, action: &Action<'_>, facts: &mut Facts, missing: &mut Vec<Missing>) -> Result<(), Failed> {
        match &action.what {
            What::Directory { attributes, modified } => {
                facts.number(1);
                facts.attributes(attributes);
                facts.modified(modified);
                if !attributes.complete() {
                    self.directory(action, facts)?;
                }
            }
            What::File { source, attributes, modified, packaged, editable } => {
                facts.number(2);
                facts.attributes(attributes);
                facts.modified(modified);
                facts.number(packaged.and_then(|packaged| packaged.size).unwrap_or(u64::MAX));
                facts.optional(packaged.and_then(|packaged| packaged.checksum));
                let reason = self.source(action, source, *editable, facts)?;
                missing.extend(reason.map(|reason| Missing { path: action.path.to_vec(), reason: reason.to_owned() }));
            }
            What::Text { bytes, attributes, modified } => {
                facts.number(3);
                facts.attributes(attributes);
                facts.time(*modified);
                facts.number(bytes.len());
                bytes.write_to(&mut Sink(&mut facts.0)).map_err(|error| (path_of(&action.path), error))?;
            }
            What::Symlink { target, owner, modified } => {
                facts.number(4);
                facts.bytes(target);
                facts.number(u64::from(owner.0));
                facts.number(u64::from(owner.1));
                facts.time(*modified);
            }
            What::HardLink { to } => {
                facts.number(5);
                facts.bytes(to);
            }
            What::Special { special, attributes, .. } => {
                let (kind, device) = match special {
                    Special::Pipe => (6, 0),
                    Special::Character(device) => (7, *device),
                    Special::Block(device) => (8, *device),
                };
                facts.number(kind);
                facts.number(device);
                facts.attributes(attributes);
            }
        }
        Ok(())
    }

    /// The attributes of a directory that has those of its counterpart in the image.
    fn directory(&mut self, action: &Action<'_>, facts: &mut Facts) -> Result<(), Failed> {
        let fail = |error| (path_of(&action.path), error);
        let mut found = self.directories.stat(&action.path).map_err(fail)?;
        if found.is_some_and(|stat| stat.kind != FileKind::Directory) {
            let linked = open_dir(self.main, &action.path).map_err(fail)?;
            found = linked.map(|handle| handle.stat_self()).transpose().map_err(fail)?;
        }
        match found {
            Some(stat) => facts.owned(&stat),
            None => facts.number(0),
        }
        Ok(())
    }

    /// Why the source of a file is not there, if it is not.
    fn source(
        &mut self,
        action: &Action<'_>,
        source: &Source<'_>,
        editable: bool,
        facts: &mut Facts,
    ) -> Result<Option<&'static str>, Failed> {
        let from = source.path.as_deref().unwrap_or(&action.path);
        facts.number(u64::from(source.origin == Origin::Template));
        facts.bytes(from);
        let live = if source.origin == Origin::Image { &mut self.image } else { &mut self.template };
        match live.stat(from).map_err(|error| (path_of(from), error))? {
            Some(stat) if stat.kind == FileKind::Regular => {
                if editable && self.is_volatile(from) {
                    facts.owned(&stat);
                } else {
                    facts.file(&stat);
                }
                Ok(None)
            }
            other => {
                let reason = if other.is_some() { NO_FILE } else { NOT_THERE };
                facts.number(0);
                facts.bytes(reason.as_bytes());
                Ok(Some(reason))
            }
        }
    }

    fn is_volatile(&self, path: &[u8]) -> bool {
        let absolute = [b"/", path].concat();
        self.contents.get(&absolute).is_some_and(|entry| entry.kind() == Kind::Volatile)
    }
}

/// Feeds a digest.
struct Sink<'s>(&'s mut Sha1);

impl io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;
