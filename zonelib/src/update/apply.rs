//! Carrying out the steps of an update. Each object is made beside its place and renamed into it, by leaf
//! names in directories that are held open; nothing is decided here. What is not as the plan saw it is
//! left alone, and then the zone's contents file stays as it was, so that the next update looks again.

use std::fs::File;
use std::io;
use std::rc::Rc;

use contents::database::CONTENTS;

use crate::host;
use crate::populate::{ApplyError, Attributes, Modified, Text, Trees, What, is_absence, open_anywhere, path_of, split};
use crate::root::{CopyBuffer, FileKind, Handle, Stat, Timestamp, Transfer, Tree, remove_tree, set_attributes};

use super::UpdateError;
use super::steps::{Act, Step, UpdatePlan};

/// What a new object is called until it is whole. No package has such a name; a leftover is removed.
const NEW: &[u8] = b".zonekit-new";

/// How an update is carried out.
pub struct Apply<'s> {
    /// The trees that files come from.
    pub trees: Trees<'s>,
    /// Asked between objects: false stops.
    pub go_on: &'s dyn Fn() -> bool,
    /// Asked before the zone's contents file is written: whether packages of the image have changed.
    pub torn: &'s dyn Fn() -> bool,
}

/// What was done.
#[derive(Debug, Default)]
pub struct UpdateReport {
    /// Steps carried out.
    pub done: usize,
    /// The zone's contents file was written: the update is complete.
    pub complete: bool,
    /// Paths that were not as the plan had seen them, and were left alone.
    pub left: Vec<(Vec<u8>, String)>,
}

/// Does what a plan says.
///
/// # Errors
/// [`UpdateError`], the first one. What was done stays, and another update goes on from there.
pub fn apply(plan: &UpdatePlan<'_>, root: &Tree, how: &Apply<'_>) -> Result<UpdateReport, UpdateError> {
    let failed = |source| UpdateError::Apply { root: root.path().to_owned(), source };
    let top = root.handle().map_err(|source| failed(make_error(b".", source)))?;
    if !top.lock().map_err(|source| failed(make_error(b".", source)))? {
        return Err(UpdateError::Busy(root.path().to_owned()));
    }
    let mut work = Work { root, how, buffer: CopyBuffer::default(), open: None, report: UpdateReport::default() };
    work.steps(plan).map_err(failed)?;
    if (how.torn)() {
        return Err(UpdateError::Torn(root.path().to_owned()));
    }
    if work.report.left.is_empty() {
        // Files first, then the record of them.
        if !plan.is_empty() {
            host::flush(&top).map_err(|source| failed(make_error(b".", source)))?;
        }
        if let Some(contents) = &plan.contents {
            write_contents(root, contents, plan.updated)
                .map_err(|source| failed(make_error(CONTENTS.as_bytes(), source)))?;
        }
        work.report.complete = true;
    }
    Ok(work.report)
}

fn make_error(path: &[u8], source: io::Error) -> ApplyError {
    match source.kind() {
        io::ErrorKind::Interrupted => ApplyError::Interrupted,
        _ => ApplyError::Make { path: path_of(path), source },
    }
}

fn write_contents(root: &Tree, bytes: &Text<'_>, updated: Timestamp) -> io::Result<()> {
    let (parent, name) = split(CONTENTS.as_bytes());
    let handle = root.open_dir(parent)?;
    let old = handle.stat(name)?.ok_or(io::ErrorKind::NotFound)?;
    remove_tree(&handle, NEW)?;
    let file = handle.create_file(NEW)?;
    bytes.write_to(&file)?;
    set_attributes(&file, Some((old.uid, old.gid)), old.mode, updated)?;
    file.sync_all()?;
    handle.rename(NEW, name)?;
    handle.sync()
}

/// Steps are carried out in this order: what is made, what goes (children first), what takes the place of
/// a directory that is empty by then, and links to what is there by then.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Making,
    Removing,
    Turning,
    Linking,
}

fn turn(step: &Step<'_>) -> Turn {
    let was_directory = step.seen.is_some_and(|stat| stat.kind == FileKind::Directory);
    match &step.act {
        Act::Remove | Act::RemoveDirectory | Act::RemoveTree => Turn::Removing,
        Act::Beside { what: Some(What::HardLink { .. }), .. } => Turn::Linking,
        act => match act.makes() {
            Some(What::HardLink { .. }) => Turn::Linking,
            Some(_) if was_directory => Turn::Turning,
            _ => Turn::Making,
        },
    }
}

struct Work<'w> {
    root: &'w Tree,
    how: &'w Apply<'w>,
    buffer: CopyBuffer,
    open: Option<(Vec<u8>, Rc<Handle>)>,
    report: UpdateReport,
}

impl Work<'_> {
    fn steps(&mut self, plan: &UpdatePlan<'_>) -> Result<(), ApplyError> {
        for now in [Turn::Making, Turn::Removing, Turn::Turning, Turn::Linking] {
            let mut steps: Vec<&Step<'_>> = plan.steps.iter().filter(|step| turn(step) == now).collect();
            if now == Turn::Removing {
                steps.reverse();
            }
            for step in steps {
                if !(self.how.go_on)() {
                    return Err(ApplyError::Interrupted);
                }
                self.step(step)?;
            }
        }
        Ok(())
    }

    fn step(&mut self, step: &Step<'_>) -> Result<(), ApplyError> {
        if matches!(step.act, Act::Keep | Act::Beside { what: None, .. }) {
            return Ok(());
        }
        let done = match self.parent(&step.path) {
            Ok(parent) => self.in_place(&parent, step),
            Err(error) if is_absence(&error) => Err(Trouble::Left("its directory is not there any more".to_owned())),
            Err(error) => Err(error.into()),
        };
        match done {
            Ok(()) => self.report.done += 1,
            Err(Trouble::Left(why)) => self.report.left.push((step.path.clone(), why)),
            Err(Trouble::Failed(source)) => return Err(make_error(&step.path, source)),
            Err(Trouble::Read(source)) => return Err(source),
        }
        Ok(())
    }

    fn parent(&mut self, path: &[u8]) -> io::Result<Rc<Handle>> {
        let (parent, _) = split(path);
        if let Some((open, handle)) = &self.open
            && open == parent
        {
            return Ok(Rc::clone(handle));
        }
        let handle = Rc::new(self.root.open_dir(parent)?);
        self.open = Some((parent.to_vec(), Rc::clone(&handle)));
        Ok(handle)
    }

    fn in_place(&mut self, parent: &Handle, step: &Step<'_>) -> Result<(), Trouble> {
        let (_, name) = split(&step.path);
        let there = parent.stat(name)?;
        if !same(step.seen.as_ref(), there.as_ref()) {
            return Err(Trouble::Left("was changed in the zone while it was updated".to_owned()));
        }
        match &step.act {
            Act::Add(what) | Act::Replace(what) => self.make(parent, name, &step.path, what, there.as_ref())?,
            Act::Attributes { mode, owner, modified } => {
                set(parent, name, step.seen.as_ref(), (*owner, *mode, *modified))?
            }
            Act::Remove => parent.remove_file(name)?,
            Act::RemoveDirectory => remove_dir(parent, name)?,
            Act::RemoveTree => remove_tree(parent, name)?,
            Act::Beside { name: beside, what: Some(what) } => {
                let there = parent.stat(beside)?;
                if there.is_some_and(|stat| stat.kind != FileKind::Regular) {
                    return Err(Trouble::Left(format!("`{}` was made meanwhile", path_of(beside).display())));
                }
                self.make(parent, beside, &step.path, what, there.as_ref())?;
            }
            Act::Aside { name: aside, what } => {
                match parent.link(aside, parent, name) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        let identity = parent.stat(aside)?.map(|stat| stat.identity);
                        if identity != there.map(|stat| stat.identity) {
                            return Err(Trouble::Left(format!("`{}` was made meanwhile", path_of(aside).display())));
                        }
                    }
                    linked => linked?,
                }
                self.make(parent, name, &step.path, what, there.as_ref())?;
            }
            Act::Keep | Act::Beside { what: None, .. } => {}
        }
        Ok(())
    }

    /// Makes something under another name and puts it in its place. A file is never without its name; what
    /// takes the place of a directory comes after it.
    fn make(
        &mut self,
        parent: &Handle,
        name: &[u8],
        path: &[u8],
        what: &What<'_>,
        there: Option<&Stat>,
    ) -> Result<(), Trouble> {
        if let What::Directory { attributes, modified } = what {
            if there.is_some() {
                parent.remove_file(name)?;
            }
            return self.directory(parent, name, path, (*attributes, *modified));
        }
        remove_tree(parent, NEW)?;
        if let Err(trouble) = self.new_object(parent, path, what) {
            // What failed is worth more than what could not be cleared: the next run clears it.
            let _ = remove_tree(parent, NEW);
            return Err(trouble);
        }
        if there.is_some_and(|there| there.kind == FileKind::Directory) {
            remove_dir(parent, name)?;
        }
        Ok(parent.rename(NEW, name)?)
    }

    fn directory(
        &self,
        parent: &Handle,
        name: &[u8],
        path: &[u8],
        (attributes, modified): (Attributes, Modified),
    ) -> Result<(), Trouble> {
        let live = crate::populate::open_dir(self.how.trees.image, path)
            .and_then(|live| live.map(|live| live.stat_self()).transpose())
            .map_err(|source| ApplyError::Read { path: path_of(path), source })?;
        let made = parent.create_dir(name)?;
        let (mode, uid, gid) = live.map_or((0o755, 0, 0), |stat| (stat.mode, stat.uid, stat.gid));
        let owner = (attributes.uid.unwrap_or(uid), attributes.gid.unwrap_or(gid));
        let time = match modified {
            Modified::At(time) => Some(time),
            Modified::Live => live.map(|stat| stat.modified),
        };
        let time = time.map_or_else(|| made.stat_self().map(|stat| stat.modified), Ok)?;
        Ok(set_attributes(&made, Some(owner), attributes.mode.unwrap_or(mode), time)?)
    }

    fn new_object(&mut self, parent: &Handle, path: &[u8], what: &What<'_>) -> Result<(), Trouble> {
        match what {
            What::File { source, attributes, modified, .. } => {
                let from = source.path.as_deref().unwrap_or(path);
                match open_anywhere(self.how.trees.of(source.origin), from) {
                    Ok((file, live)) => self.file(parent, (file, live), *attributes, *modified),
                    Err(error) if is_absence(&error) => Err(Trouble::Left("is not in the image any more".to_owned())),
                    Err(source) => Err(ApplyError::Read { path: path_of(from), source }.into()),
                }
            }
            What::Text { bytes, attributes, modified } => {
                let made = parent.create_file(NEW)?;
                bytes.write_to(&made)?;
                let owner = (attributes.uid.unwrap_or(0), attributes.gid.unwrap_or(0));
                Ok(set_attributes(&made, Some(owner), attributes.mode.unwrap_or(0o644), *modified)?)
            }
            What::Symlink { target, owner, modified } => {
                parent.symlink(target, NEW)?;
                parent.set_owner(NEW, owner.0, owner.1)?;
                Ok(parent.set_modified(NEW, *modified)?)
            }
            What::Special { special, attributes, modified } => {
                parent.create_special(NEW, *special)?;
                parent.set_owner(NEW, attributes.uid.unwrap_or(0), attributes.gid.unwrap_or(0))?;
                parent.set_mode(NEW, attributes.mode.unwrap_or(0o600))?;
                Ok(parent.set_modified(NEW, *modified)?)
            }
            What::HardLink { to } => {
                let (directory, target) = split(to);
                match self.root.open_dir(directory).and_then(|from| parent.link(NEW, &from, target)) {
                    Err(error) if is_absence(&error) => Err(Trouble::Left(crate::populate::leads_nowhere(to))),
                    linked => Ok(linked?),
                }
            }
            What::Directory { .. } => Ok(()),
        }
    }

    fn file(
        &mut self,
        parent: &Handle,
        (from, live): (File, Stat),
        attributes: Attributes,
        modified: Modified,
    ) -> Result<(), Trouble> {
        let made = parent.create_file(NEW)?;
        let copied = self.buffer.copy(&from, &live, &made, Transfer::Plain, &|| (self.how.go_on)())?;
        if copied.bytes != live.size {
            return Err(Trouble::Left("changed in the image while it was copied".to_owned()));
        }
        let owner = (attributes.uid.unwrap_or(live.uid), attributes.gid.unwrap_or(live.gid));
        let time = match modified {
            Modified::At(time) => time,
            Modified::Live => live.modified,
        };
        Ok(set_attributes(&made, Some(owner), attributes.mode.unwrap_or(live.mode), time)?)
    }
}

/// Why a step was not carried out.
enum Trouble {
    /// What is there is not what the plan saw.
    Left(String),
    /// The zone could not be changed.
    Failed(io::Error),
    /// The image could not be read.
    Read(ApplyError),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<ApplyError> for Trouble {
    fn from(error: ApplyError) -> Self {
        Self::Read(error)
    }
}

/// Whether an object is the one that the plan saw. A directory changes with what is in it.
fn same(seen: Option<&Stat>, there: Option<&Stat>) -> bool {
    match (seen, there) {
        (None, None) => true,
        (Some(seen), Some(there)) => {
            let one = |stat: &Stat| (stat.identity, stat.kind, stat.mode, stat.uid, stat.gid);
            let content = |stat: &Stat| (stat.size, stat.modified);
            one(seen) == one(there) && (seen.kind == FileKind::Directory || content(seen) == content(there))
        }
        _ => false,
    }
}

/// Sets the attributes of a file or directory through a descriptor, of anything else by its name.
fn set(
    parent: &Handle,
    name: &[u8],
    seen: Option<&Stat>,
    (owner, mode, modified): ((u32, u32), u32, Timestamp),
) -> Result<(), Trouble> {
    let still = |stat: &Stat| match seen {
        Some(seen) if seen.identity == stat.identity => Ok(()),
        _ => Err(Trouble::Left("was replaced in the zone while it was updated".to_owned())),
    };
    match seen.map(|stat| stat.kind) {
        Some(FileKind::Directory) => {
            let handle = parent.open_dir(name)?;
            let own = handle.stat_self()?;
            still(&own)?;
            Ok(set_attributes(&handle, Some(owner), mode, own.modified)?)
        }
        Some(FileKind::Regular) => {
            let (file, stat) = parent.open_file(name)?;
            still(&stat)?;
            Ok(set_attributes(&file, Some(owner), mode, modified)?)
        }
        // The mode of these cannot be set without following a link that takes their place meanwhile.
        _ => Ok(parent.set_owner(name, owner.0, owner.1)?),
    }
}

fn remove_dir(parent: &Handle, name: &[u8]) -> Result<(), Trouble> {
    match parent.remove_dir(name) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
            Err(Trouble::Left("is a directory that something was put into meanwhile".to_owned()))
        }
        removed => Ok(removed?),
    }
}
