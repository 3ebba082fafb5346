//! Names beside an object, for what is not to be lost.

use std::io;

use crate::populate::{self, Action, What, split};
use crate::root::{FileKind, Stat};

use super::look::{Look, There};
use super::plan::Planner;
use super::steps::{Act, Step};

/// Names that are tried beside an object.
const BESIDE: usize = 100;
/// No file system has longer names.
const NAME_LIMIT: usize = 255;

impl<'a> Planner<'_, 'a> {
    pub(super) fn beside(&mut self, action: &Action<'a>, seen: Option<Stat>, why: &str) -> io::Result<()> {
        let path = action.path.as_ref();
        if matches!(action.what, What::Directory { .. }) {
            self.keep(path, seen, why);
            return Ok(());
        }
        if !self.can_make(path, &action.what)? {
            return Ok(());
        }
        let act = match self.free_name(path, "new", Some(&action.what), None)? {
            Some((name, there)) => Act::Beside { name, what: (!there).then(|| action.what.clone()) },
            None => Act::Keep,
        };
        self.push(Step { path: path.to_vec(), act, conflict: Some(why.to_owned()), seen });
        Ok(())
    }

    pub(super) fn aside(&mut self, action: &Action<'a>, there: &There) -> io::Result<()> {
        let path = action.path.as_ref();
        let why = "was changed in the zone, and in the packages";
        let free = match (there.stat.kind, &action.what) {
            (FileKind::Regular, What::File { .. }) => self.free_name(path, "old", None, Some(&there.stat))?,
            _ => None,
        };
        let Some((name, _)) = free else { return self.beside(action, Some(there.stat), why) };
        if self.can_make(path, &action.what)? {
            self.renewed.insert(path.to_vec());
            let act = Act::Aside { name, what: action.what.clone() };
            self.push(Step { path: path.to_vec(), act, conflict: Some(why.to_owned()), seen: Some(there.stat) });
        }
        Ok(())
    }

    /// A name beside an object, and whether what goes there is there already. An earlier new one may be
    /// replaced, an edited one never; nothing takes the name of something packaged.
    fn free_name(
        &mut self,
        path: &[u8],
        suffix: &str,
        what: Option<&What<'a>>,
        same: Option<&Stat>,
    ) -> io::Result<Option<(Vec<u8>, bool)>> {
        for number in 0..BESIDE {
            let suffix = if number == 0 { format!(".{suffix}") } else { format!(".{suffix}.{number}") };
            let beside = [path, suffix.as_bytes()].concat();
            let name = split(&beside).1.to_vec();
            if name.len() > NAME_LIMIT {
                return Ok(None);
            }
            let packaged = self.zone.get(&[b"/", beside.as_slice()].concat()).is_some();
            if packaged || self.planned.contains_key(beside.as_slice()) {
                continue;
            }
            let there = match self.look(&beside)? {
                Look::There(there) => there,
                Look::Absent => return Ok(Some((name, false))),
                Look::Blocked => return Ok(None),
            };
            match (what, same) {
                (_, Some(same)) if there.stat.identity == same.identity => return Ok(Some((name, true))),
                (Some(what), _) if self.is_beside(path, &beside, what, &there)? => return Ok(Some((name, true))),
                (Some(What::File { .. }), _) if there.stat.kind == FileKind::Regular => return Ok(Some((name, false))),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Whether the new one is beside an object already.
    fn is_beside(&mut self, path: &[u8], beside: &[u8], what: &What<'a>, there: &There) -> io::Result<bool> {
        let What::File { .. } = what else { return self.compare.is_now(beside, what, there) };
        Ok(there.stat.kind == FileKind::Regular
            && match (self.compare.source(path, what)?, there.open(beside)?) {
                (Some((source, live)), Some(file)) => {
                    live.size == there.stat.size && populate::same_files(file, source)?
                }
                _ => false,
            })
    }
}
