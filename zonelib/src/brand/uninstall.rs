//! The uninstall hook: takes away what belongs to the zone in the running boot environment, and nothing
//! else.
//!
//! Zone roots of other boot environments stay, and so do datasets that the zone administers, wherever
//! they are. First come the steps that can be taken back: clones of the zone are made independent, and
//! its root is unmounted. From then on the journal says what is to be destroyed, and whoever comes next
//! goes on with it.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::{self, ZoneName};
use crate::host::DatasetError;
use crate::host::mounts::Mount;
use crate::host::zfs::{self, Dataset, Datasets};
use crate::journal::{Doomed, Journal, JournalError, Recovered, StateDir, Undo};
use crate::root::{Tree, remove_tree};
use crate::storage::{self, ROOT, StorageError, ZoneDatasets, parent_dataset};

use super::HookError;
use super::error::go_on;
use super::state::mounted_below;

/// What zoneadm(8) and zoneadmd(8) make in a zonepath, besides the root.
const LITTER: [&str; 4] = ["SUNWattached.xml", "dev", "lu", ROOT];

/// What is to be uninstalled.
#[derive(Clone, Debug)]
pub struct Uninstall {
    /// The zone.
    pub zone: ZoneName,
    /// Its zonepath.
    pub zonepath: PathBuf,
    /// Datasets that the zone's configuration hands to it.
    pub delegated: Vec<String>,
    /// Where the journal is.
    pub state: StateDir,
}

/// What is done to uninstall a zone, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Clones that become independent.
    pub promote: Vec<Dataset>,
    /// Where a zone root is mounted.
    pub unmount: Option<(String, PathBuf)>,
    /// What is destroyed.
    pub destroy: Vec<Dataset>,
    /// Datasets in the zonepath that stay, and why.
    pub keep: Vec<(String, &'static str)>,
    /// Files and directories of the zonepath that go.
    pub remove: Vec<PathBuf>,
}

impl Plan {
    /// The plan in words, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let promote = self.promote.iter().map(|clone| format!("promote `{}`", clone.name));
        let unmount = self.unmount.iter().map(|(_, path)| format!("unmount {}", path.display()));
        let destroy = self.destroy.iter().map(|dataset| format!("destroy `{}`", dataset.name));
        let remove = self.remove.iter().map(|path| format!("remove {}", path.display()));
        let keep = self.keep.iter().map(|(name, why)| format!("keep `{name}`: {why}"));
        promote.chain(unmount).chain(destroy).chain(remove).chain(keep).collect()
    }
}

impl Uninstall {
    /// Looks, and changes nothing. What is destroyed has the names that it will have when clones have been promoted.
    ///
    /// # Errors
    /// [`HookError`]: what stands in the way.
    pub fn plan(&self) -> Result<Plan, HookError> {
        self.refuse_strangers()?;
        let Some(mut datasets) = self.datasets()? else { return self.with_files(Plan::default()) };
        let mut promoted: Vec<Dataset> = Vec::new();
        loop {
            let mut plan = self.plan_datasets(&datasets)?;
            let next = plan.promote.first().filter(|clone| !promoted.contains(clone)).cloned();
            let Some(clone) = next else {
                plan.promote = promoted;
                return self.with_files(plan);
            };
            let above = clone.origin.as_deref().and_then(|origin| datasets.all.get(origin.split('@').next()?));
            let above = above.and_then(|of| of.origin.clone());
            datasets.all.add(clone.clone());
            if let Some(snapshot) = above.as_deref().map(Datasets::only).transpose().map_err(StorageError::from)? {
                snapshot.into_iter().for_each(|snapshot| datasets.all.add(snapshot));
            }
            datasets.all.promote(&clone.name);
            promoted.push(clone);
        }
    }

    /// What is to be done next: of clones that are to be promoted, only the first is as the plan says.
    fn plan_now(&self) -> Result<Plan, HookError> {
        self.refuse_strangers()?;
        let plan = match self.datasets()? {
            Some(datasets) => self.plan_datasets(&datasets)?,
            None => Plan::default(),
        };
        self.with_files(plan)
    }

    fn with_files(&self, mut plan: Plan) -> Result<Plan, HookError> {
        self.refuse_mounts(&plan)?;
        // A mount point without a mount is a plain directory.
        plan.remove.extend(
            LITTER
                .map(|name| self.zonepath.join(name))
                .into_iter()
                .filter(|path| std::fs::symlink_metadata(path).is_ok()),
        );
        if plan.keep.is_empty() && self.zonepath.is_dir() {
            plan.remove.push(self.zonepath.clone());
        }
        Ok(plan)
    }

    /// What is destroyed is the zone's own: whatever stands in another directory is somebody else's.
    fn refuse_strangers(&self) -> Result<(), HookError> {
        let all = config::index().map_err(HookError::system(Path::new("/etc/zones/index")))?;
        let zone = &self.zone;
        match all.into_iter().find(|found| found.name == *zone) {
            Some(found) if found.zonepath == self.zonepath => Ok(()),
            Some(found) => {
                let (asked, own) = (self.zonepath.display(), found.zonepath.display());
                Err(HookError::Refused(format!("{asked}: is not the zonepath of `{zone}`, which is {own}")))
            }
            None => Err(HookError::Refused(format!("there is no zone `{zone}`; `zoneadm list -c` names them"))),
        }
    }

    /// The zone's datasets; that of the zonepath may not be mounted.
    fn datasets(&self) -> Result<Option<ZoneDatasets>, HookError> {
        let found = ZoneDatasets::find(&self.zonepath, None)?;
        let Some(parent) = parent_dataset(&self.zonepath)?.filter(|_| found.is_none()) else { return Ok(found) };
        let all = Datasets::right_below(&parent).map_err(StorageError::from)?.unwrap_or_default();
        let is_it = |dataset: &&Dataset| dataset.mountpoint.as_deref().map(Path::new) == Some(&self.zonepath);
        let Some(dataset) = all.children(parent.as_str()).find(is_it) else { return Ok(None) };
        let parsed = dataset.name.parse().map_err(|error: DatasetError| HookError::Refused(error.to_string()))?;
        Ok(Some(ZoneDatasets::of(&self.zonepath, parsed, None)?))
    }

    fn plan_datasets(&self, datasets: &ZoneDatasets) -> Result<Plan, HookError> {
        let root = datasets.root();
        if let Some(path) = mounted_below(&datasets.mounts, &root) {
            return Err(HookError::Refused(format!(
                "{}: something is mounted there; halt the zone first",
                path.display()
            )));
        }
        let mut plan = Plan::default();
        if let Some(mounted) = datasets.mounts.dataset_on(&root).filter(|name| datasets.all.get(name).is_some()) {
            plan.unmount = Some((mounted.to_owned(), root));
        }
        let own: BTreeSet<&str> = datasets.own().map(|dataset| dataset.name.as_str()).collect();
        let mut going = BTreeSet::new();
        for name in &own {
            let tree: Vec<&Dataset> = datasets.all.descendants(name).collect();
            match tree.iter().find(|dataset| self.is_delegated(&dataset.name)) {
                None if self.is_delegated(name) => {
                    let why = "is a root of the zone, which also administers it; take it out of the configuration: `zonecfg \
                               remove dataset`";
                    return Err(HookError::Refused(format!("`{name}` {why}")));
                }
                Some(inside) => {
                    let problem = format!("`{}`, which the zone administers, is below `{name}`", inside.name);
                    return Err(HookError::Refused(format!("{problem}; move it with `zfs rename`, and try again")));
                }
                None => going.extend(tree.iter().map(|dataset| dataset.name.as_str()).chain([*name])),
            }
        }
        self.add_holders(datasets, &mut going, &mut plan);
        self.add_snapshots(datasets, &going, &mut plan)?;
        plan.destroy.extend(datasets.all.iter().filter(|dataset| going.contains(dataset.name.as_str())).cloned());
        plan.destroy = in_order(std::mem::take(&mut plan.destroy));
        Ok(plan)
    }

    /// The dataset with the roots, and that of the zonepath, when nothing else is left in them.
    fn add_holders<'d>(&self, datasets: &'d ZoneDatasets, going: &mut BTreeSet<&'d str>, plan: &mut Plan) {
        let roots = datasets.roots();
        for holder in [roots.as_str(), datasets.dataset.as_str()] {
            let Some(holder) = datasets.all.get(holder) else { continue };
            let staying: Vec<_> =
                datasets.all.children(&holder.name).filter(|child| !going.contains(child.name.as_str())).collect();
            if staying.is_empty() && !self.is_delegated(&holder.name) {
                going.insert(&holder.name);
            }
            for child in staying.into_iter().filter(|child| child.name != roots) {
                let why = if self.is_delegated(&child.name) {
                    "the zone administers it"
                } else if child.parent.as_deref().is_some_and(|owner| owner != datasets.owner) {
                    "it belongs to another boot environment"
                } else {
                    "it is no root of the zone"
                };
                plan.keep.push((child.name.clone(), why));
            }
        }
    }

    /// Nothing is removed through a mount of somebody else's, nor a dataset destroyed that one stands on.
    fn refuse_mounts(&self, plan: &Plan) -> Result<(), HookError> {
        let mounts = storage::mounts()?;
        let goes = |name: &str| plan.destroy.iter().any(|dataset| dataset.name == name);
        let all_goes = mounts.dataset_on(&self.zonepath).is_some_and(goes);
        let foreign = |mount: &&Mount| {
            let unmounted =
                plan.unmount.as_ref().is_some_and(|(name, path)| mount.special == *name && mount.path == *path);
            let removed = LITTER.iter().any(|name| mount.path.starts_with(self.zonepath.join(name)));
            let destroyed = mount.kind == "zfs" && goes(&mount.special);
            (removed || all_goes) && !unmounted && !destroyed
        };
        match mounts.below(&self.zonepath).find(foreign) {
            None => Ok(()),
            Some(mount) => {
                let (path, special) = (mount.path.display(), &mount.special);
                Err(HookError::Refused(format!("{path}: `{special}` is mounted there; unmount it")))
            }
        }
    }

    fn is_delegated(&self, dataset: &str) -> bool {
        let same_or_below = |holder: &String| {
            dataset.strip_prefix(holder.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.delegated.iter().any(same_or_below)
    }

    /// Snapshots that were made for clones go; clones of them are promoted, which takes the snapshots along.
    /// Somebody else's are not ours to destroy.
    fn add_snapshots(&self, datasets: &ZoneDatasets, going: &BTreeSet<&str>, plan: &mut Plan) -> Result<(), HookError> {
        let mut foreign = Vec::new();
        for name in going {
            let mut inherited = false;
            for snapshot in datasets.all.snapshots(name) {
                let clones: Vec<&String> =
                    snapshot.clones.iter().filter(|clone| !going.contains(clone.as_str())).collect();
                match clones[..] {
                    [clone, ..] => {
                        promote(plan, datasets, clone)?;
                        inherited = true;
                    }
                    [] if is_ours(snapshot) => plan.destroy.push(snapshot.clone()),
                    [] => foreign.push(snapshot.name.as_str()),
                }
            }
            // A clone that is promoted comes to depend on what this one depended on.
            if let Some(origin) = datasets.all.get(name).and_then(|dataset| dataset.origin.as_deref())
                && !inherited
            {
                add_origin(plan, datasets, origin, going)?;
            }
        }
        // A snapshot that goes along with a clone to a later one is no obstacle.
        foreign.retain(|name| !travels(plan, datasets, name));
        if let Some(first) = foreign.first() {
            let count = foreign.len();
            return Err(HookError::Refused(format!(
                "`{first}` is not a snapshot that zonekit made ({count} such stand in the way); destroy or rename what it \
                 is of, and try again: `zfs list -rt snapshot {}`",
                datasets.dataset
            )));
        }
        Ok(())
    }
}

/// What depends on something goes before it: what is below it, its snapshots, and clones of them.
fn in_order(mut left: Vec<Dataset>) -> Vec<Dataset> {
    let depends = |one: &Dataset, on: &Dataset| {
        one.origin.as_ref() == Some(&on.name)
            || one.name.strip_prefix(&on.name).is_some_and(|rest| rest.starts_with(['/', '@']))
    };
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let free = |on: &Dataset| !left.iter().any(|one| depends(one, on));
        // ZFS has no circles; if it had, the rest would be refused by zfs(8).
        let next = left.iter().position(free).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}

/// Promotion of a clone takes its origin along and every earlier snapshot.
fn travels(plan: &Plan, datasets: &ZoneDatasets, snapshot: &str) -> bool {
    let Some((of, _)) = snapshot.split_once('@') else { return false };
    let all: Vec<&str> = datasets.all.snapshots(of).map(|found| found.name.as_str()).collect();
    let at = |name: &str| all.iter().position(|found| *found == name);
    let origins = plan.promote.iter().filter_map(|clone| clone.origin.as_deref());
    origins.filter_map(at).max().is_some_and(|last| at(snapshot).is_some_and(|own| own <= last))
}

fn promote(plan: &mut Plan, datasets: &ZoneDatasets, clone: &str) -> Result<(), HookError> {
    let known = plan.promote.iter().any(|found| found.name == clone);
    let found = match datasets.all.get(clone) {
        Some(found) => Some(found.clone()),
        None => Datasets::only(clone).map_err(StorageError::from)?,
    };
    if let Some(found) = found.filter(|_| !known) {
        plan.promote.push(found);
    }
    Ok(())
}

/// The snapshot that a root was cloned from goes with it, if it was made for that and serves nobody else.
fn add_origin(plan: &mut Plan, datasets: &ZoneDatasets, origin: &str, going: &BTreeSet<&str>) -> Result<(), HookError> {
    let found = match datasets.all.get(origin) {
        Some(found) => Some(found.clone()),
        None => Datasets::only(origin).map_err(StorageError::from)?,
    };
    let Some(snapshot) = found else { return Ok(()) };
    let alone = snapshot.clones.iter().all(|clone| going.contains(clone.as_str()));
    let of = origin.split('@').next().unwrap_or_default();
    // That of a golden image serves zones that are still to come.
    let golden = snapshot.golden.is_some();
    if alone && !golden && is_ours(&snapshot) && !going.contains(of) {
        plan.destroy.push(snapshot);
    }
    Ok(())
}

/// Whether a snapshot was made by zonekit, by the brand scripts of illumos (`zone_snap`, `zone_snap2`), by
/// beadm(8) (`zbe-1`, or the time), or by zoneadm(8) (`SUNWzone1`).
fn is_ours(snapshot: &Dataset) -> bool {
    let name = snapshot.name.rsplit('@').next().unwrap_or_default();
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    name.rsplit_once("_snap").is_some_and(|(zone, rest)| !zone.is_empty() && number(rest))
        || name.strip_prefix("zbe-").is_some_and(|rest| !rest.is_empty() && number(rest))
        || name.strip_prefix("SUNWzone").is_some_and(|rest| !rest.is_empty() && number(rest))
        || is_time(name)
}

/// How beadm(8) calls the snapshots of zone roots that it clones for a new boot environment:
/// `2026-01-31-23:59:59`, and earlier with its policy before that, as in `static:-:2026-01-31-23:59:59`.
/// Source: be_auto_snap_name() in be_utils.c.
fn is_time(name: &str) -> bool {
    let time = name.rsplit_once(":-:").map_or(name, |(_, time)| time);
    let form = "dddd-dd-dd-dd:dd:dd";
    let fits = |(byte, form)| if form == b'd' { u8::is_ascii_digit(&byte) } else { byte == form };
    time.len() == form.len() && time.bytes().zip(form.bytes()).all(fits)
}

impl Uninstall {
    /// Does it. Returns what was done.
    ///
    /// # Errors
    /// [`HookError`].
    pub fn run(&self, recovered: impl FnOnce(&Recovered)) -> Result<Plan, HookError> {
        if !crate::host::is_root() {
            return Err(HookError::NotRoot);
        }
        Ok(Journal::during(&self.state, &self.zone, ("uninstall", false), recovered, |journal| {
            let plan = self.promote_all(journal)?;
            if let Some((dataset, path)) = &plan.unmount {
                go_on()?;
                journal.step(Undo::Mount { dataset: dataset.clone(), path: path.clone() })?;
                zfs::unmount(path)?;
            }
            go_on()?;
            self.destroy(&plan, journal)?;
            self.remove(&plan)?;
            // An installation that was killed may have left an image half filled.
            self.state.settle_images();
            Ok(plan)
        })?)
    }

    /// Makes clones independent, one by one, and plans anew after each: a clone that is promoted comes to depend
    /// on what its origin depended on, which may be another root that goes. Returns the last plan.
    fn promote_all(&self, journal: &mut Journal) -> Result<Plan, HookError> {
        let mut promoted: Vec<Dataset> = Vec::new();
        loop {
            let mut plan = self.plan_now()?;
            let Some(clone) = plan.promote.first().cloned() else {
                plan.promote = promoted;
                return Ok(plan);
            };
            if promoted.contains(&clone) {
                let why = "was promoted, and is as it was; see `zfs get origin`";
                return Err(HookError::Refused(format!("`{}` {why}", clone.name)));
            }
            go_on()?;
            let (of, snapshot) = clone.origin.as_deref().and_then(|origin| origin.split_once('@')).unwrap_or_default();
            journal.step(Undo::Promote { dataset: of.to_owned(), snapshot: snapshot.to_owned() })?;
            zfs::promote(&clone.name)?;
            promoted.push(clone);
        }
    }

    /// From here on there is no way back.
    fn destroy(&self, plan: &Plan, journal: &mut Journal) -> Result<(), HookError> {
        let doom = |dataset: &Dataset| Doomed { dataset: dataset.name.clone(), guid: dataset.guid.clone() };
        let doomed: Vec<Doomed> = plan.destroy.iter().map(doom).collect();
        if doomed.is_empty() {
            return Ok(());
        }
        journal.forward(doomed)?;
        journal.destroy_doomed().map_err(|left| {
            let (subject, operation) = ((&self.zone).into(), "uninstall".to_owned());
            HookError::Journal(JournalError::Stuck { subject, operation, left: Box::new(left) })
        })?;
        Ok(())
    }

    fn remove(&self, plan: &Plan) -> Result<(), HookError> {
        let fail = |source| HookError::System { path: self.zonepath.clone(), source };
        let Some(zonepath) = open(&self.zonepath).map_err(fail)? else { return Ok(()) };
        for name in LITTER {
            remove_tree(&zonepath.handle().map_err(fail)?, name.as_bytes()).map_err(fail)?;
        }
        drop(zonepath);
        if plan.keep.is_empty() {
            remove_directory(&self.zonepath).map_err(fail)?;
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<Option<Tree>> {
    match Tree::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// Removes the zonepath when nothing of the user's is in it.
fn remove_directory(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir(path) {
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::ResourceBusy
            ) =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::is_time;

    #[test]
    fn snapshots_of_beadm_are_told_by_their_name() {
        for name in ["2026-01-31-23:59:59", "static:-:2010-01-01-00:00:00"] {
            assert!(is_time(name), "{name}");
        }
        for name in ["", "2026-01-31", "2026-01-31-23:59:59-mine", "x2026-01-31-23:59:59", "backup:2026-01-31-23:59:59"]
        {
            assert!(!is_time(name), "{name}");
        }
    }
}
