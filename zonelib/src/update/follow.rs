//! What no entry of the database names: package metadata, overlays and catalogues follow the image,
//! whatever stands in their place; directories and links that every zone has are made where they lack.

use std::io;

use crate::populate::{Action, Attributes, OVERLAYS, PACKAGES, What, called, open_dir, packages, relative};
use crate::root::{FileKind, Stat};

use super::UpdateError;
use super::compare::time_of;
use super::look::{Look, There};
use super::plan::Planner;
use super::steps::{Act, Step};
use super::then::names;

/// What a package folder has besides its pkginfo, and a new version may have less of.
const SCRIPTS: &[u8] = b"/install";

impl<'p, 'a> Planner<'p, 'a> {
    pub(super) fn follow(&mut self, action: &'p Action<'a>) -> io::Result<()> {
        let path = action.path.as_ref();
        if self.is_of_own_package(path) {
            return Ok(());
        }
        let look = self.look(path)?;
        let there = match look {
            Look::Absent => return self.make(action, None, action.what.clone()),
            Look::Blocked => {
                self.keep(path, None, "cannot be made: it lies below something that is no directory in the zone");
                return Ok(());
            }
            Look::There(there) => there,
        };
        let directory = there.stat.kind == FileKind::Directory;
        let right = match &action.what {
            What::Directory { .. } => directory || !self.follows(path),
            What::Symlink { .. } if !self.follows(path) => true,
            What::Symlink { .. } => self.compare.is_now(path, &action.what, &there)?,
            _ => return self.follow_file(action, &there),
        };
        if right {
            self.out.unchanged += 1;
        } else if directory || action.is_directory() {
            let why = format!("follows the packages of the image, but is {} in the zone", called(there.stat.kind));
            self.keep(path, Some(there.stat), &why);
        } else {
            self.make(action, Some(there.stat), action.what.clone())?;
        }
        Ok(())
    }

    /// Whether an object is one of the image's that the zone has a copy of.
    fn follows(&self, path: &[u8]) -> bool {
        let below = |directory: &[u8]| path.strip_prefix(directory).is_some_and(|rest| rest.starts_with(b"/"));
        let catalogues = self.packages.request.recipe.catalogues.as_ref();
        below(PACKAGES)
            || below(OVERLAYS)
            || catalogues.is_some_and(|catalogues| below(relative(catalogues.directory.as_bytes())))
    }

    fn is_of_own_package(&self, path: &[u8]) -> bool {
        let Some(rest) = path.strip_prefix(PACKAGES).and_then(|rest| rest.strip_prefix(b"/")) else { return false };
        let package = rest.split(|&byte| byte == b'/').next().unwrap_or_default();
        self.then.own().contains(package)
    }

    fn follow_file(&mut self, action: &'p Action<'a>, there: &There) -> io::Result<()> {
        let (path, stat) = (action.path.as_ref(), &there.stat);
        if stat.kind == FileKind::Directory {
            self.keep(path, Some(*stat), "follows the packages of the image, but is a directory in the zone");
            return Ok(());
        }
        let source = self.compare.source(path, &action.what)?.map(|(_, stat)| stat);
        if matches!(action.what, What::File { .. }) && source.is_none() {
            return Ok(());
        }
        let wanted = wanted(&action.what, source.as_ref());
        let modified = time_of(&action.what, source.as_ref()).unwrap_or(stat.modified);
        let attributes = Attributes::known(stat.mode, stat.uid, stat.gid) == wanted;
        let same_time = modified.seconds == stat.modified.seconds;
        if !self.compare.is_now(path, &action.what, there)? {
            return self.make(action, Some(*stat), action.what.clone());
        }
        if attributes && same_time {
            self.out.unchanged += 1;
            return Ok(());
        }
        let act = Act::Attributes {
            mode: wanted.mode.unwrap_or(stat.mode),
            owner: (wanted.uid.unwrap_or(stat.uid), wanted.gid.unwrap_or(stat.gid)),
            modified,
        };
        self.push(Step { path: path.to_vec(), act, conflict: None, seen: Some(*stat) });
        Ok(())
    }

    /// Folders of packages that are gone, and scripts that a package has no more.
    pub(super) fn gone_packages(&mut self) -> Result<(), UpdateError> {
        let kept = self.packages.request.kept;
        let known = packages(self.zone);
        for name in self.then.folders().iter().filter(|name| !self.then.own().contains(*name)) {
            let folder = [PACKAGES, b"/", name].concat();
            if self.planned.contains_key(folder.as_slice()) {
                let path = [folder.as_slice(), SCRIPTS].concat();
                self.gone_scripts(&path).map_err(|error| self.unseen(&path, error))?;
                continue;
            }
            let in_image = open_dir(self.packages.trees.image, &folder).map_err(|error| self.unseen(&folder, error))?;
            // A package that the image has and that zones of this brand leave out stays out of it.
            let dropped = kept.is_some_and(|kept| !kept.packages.contains(name)) && known.contains(name.as_slice());
            if in_image.is_none() || dropped {
                self.gone_folder(&folder).map_err(|error| self.unseen(&folder, error))?;
            }
        }
        Ok(())
    }

    fn gone_folder(&mut self, path: &[u8]) -> io::Result<()> {
        if let Look::There(there) = self.look(path)? {
            self.push(Step { path: path.to_vec(), act: Act::RemoveTree, conflict: None, seen: Some(there.stat) });
        }
        Ok(())
    }

    fn gone_scripts(&mut self, path: &[u8]) -> io::Result<()> {
        for name in names(self.root, path, FileKind::Regular)? {
            let script = [path, b"/", &name].concat();
            if self.planned.contains_key(script.as_slice()) {
                continue;
            }
            if let Look::There(there) = self.look(&script)? {
                self.push(Step { path: script, act: Act::Remove, conflict: None, seen: Some(there.stat) });
            }
        }
        Ok(())
    }
}

/// What a file is to have: what the plan says, else what the source has.
fn wanted(what: &What<'_>, source: Option<&Stat>) -> Attributes {
    let (What::File { attributes, .. } | What::Text { attributes, .. }) = what else { return Attributes::default() };
    Attributes {
        mode: attributes.mode.or(source.map(|stat| stat.mode)),
        uid: attributes.uid.or(source.map(|stat| stat.uid)),
        gid: attributes.gid.or(source.map(|stat| stat.gid)),
    }
}
