//! What packages delivered to a zone and deliver no more.

use std::collections::HashSet;
use std::io;

use contents::Entry;
use contents::database::is_below;

use crate::populate::relative;
use crate::root::FileKind;

use super::UpdateError;
use super::decide::{Case, Hint, Verdict};
use super::look::Look;
use super::plan::Planner;
use super::steps::{Act, Step};

impl Planner<'_, '_> {
    /// What packages delivered then and deliver no more, children first.
    pub(super) fn gone(&mut self) -> Result<(), UpdateError> {
        let lacking: HashSet<&[u8]> =
            self.packages.plan.missing.iter().map(|missing| missing.path.as_slice()).collect();
        let entries: Vec<&Entry<'_>> = self.zone.sorted().collect();
        for entry in entries.into_iter().rev() {
            if self.then.has_part_in(entry) {
                self.out.own += 1;
                continue;
            }
            let path = relative(entry.path_bytes());
            let copied = &self.packages.request.recipe.copied;
            // A copied directory itself stays, whoever delivers it.
            let inside = copied.iter().any(|copied| {
                is_below(entry.path_bytes(), copied.as_bytes()) && entry.path_bytes() != copied.as_bytes()
            });
            if !inside || self.planned.contains_key(path) || self.protected.contains(path) || lacking.contains(path) {
                continue;
            }
            self.check_interrupt()?;
            self.gone_one(path, entry).map_err(|error| self.unseen(path, error))?;
        }
        Ok(())
    }

    fn gone_one(&mut self, path: &[u8], entry: &Entry<'_>) -> io::Result<()> {
        let Look::There(there) = self.look(path)? else { return Ok(()) };
        let standing = self.standing(path, None, Some(entry), &there)?;
        let case = Case { then: true, now: false, changed: true, editable: false, hint: Hint::RenameNew, standing };
        if case.verdict() == Verdict::Orphaned {
            self.keep(path, Some(there.stat), "is in no package any more, but was changed in the zone");
            return Ok(());
        }
        let act = if there.stat.kind == FileKind::Directory {
            let Some(handle) = self.compare.zone.directory(path)? else { return Ok(()) };
            let stays = |name: &[u8]| !self.removed.contains(&[path, b"/", name].concat());
            if handle.list()?.iter().any(|(name, _)| stays(name)) {
                return Ok(());
            }
            Act::RemoveDirectory
        } else {
            Act::Remove
        };
        self.removed.insert(path.to_vec());
        self.push(Step { path: path.to_vec(), act, conflict: None, seen: Some(there.stat) });
        Ok(())
    }
}
