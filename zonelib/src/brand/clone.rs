//! The clone hook: a second zone out of the root of one that is not running. The source stays as it is, but
//! for a snapshot.

use std::path::{Path, PathBuf};

use crate::config::ZoneName;
use crate::host::zfs::{self, MADE_PROPERTY};
use crate::host::{self, DatasetError, DatasetName};
use crate::journal::{Journal, Recovered, StateDir, Undo};
use crate::populate::printable;
use crate::recipe::Recipe;
use crate::root::{CopiedTree, Tree, copy_tree};
use crate::storage::{Directory, ROOT, Storage, StorageError, ZoneDatasets, parent_dataset};

use super::HookError;
use super::error::go_on;
use super::identity::{self, Identity, Repository};
use super::state::mounted_below;

/// Snapshots for clones of one name that are looked through for a free one, as the brand scripts have it.
const SNAPSHOTS: u32 = 100;

/// How the root is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// A ZFS clone where that can be had, else a copy.
    Usual,
    /// A copy, file by file.
    Copy,
    /// A ZFS clone of this snapshot of the source's root.
    Snapshot(String),
}

/// What is to be cloned.
#[derive(Clone, Debug)]
pub struct Clone {
    /// The new zone.
    pub zone: ZoneName,
    /// Its zonepath.
    pub zonepath: PathBuf,
    /// The zone to clone.
    pub source: ZoneName,
    /// Its zonepath.
    pub source_zonepath: PathBuf,
    /// How.
    pub method: Method,
    /// Its brand.
    pub recipe: Recipe,
    /// The root whose packages zones are made from: the seed of the service repository is there, for zones
    /// that have none of their own.
    pub image: PathBuf,
    /// Where the journal is.
    pub state: StateDir,
}

/// What was done.
#[derive(Debug)]
pub struct Cloned {
    /// The snapshot that was cloned; `None`: it was copied.
    pub snapshot: Option<String>,
    /// What was copied.
    pub copied: Option<CopiedTree>,
    /// What of the source's identity was taken away.
    pub reset: Vec<String>,
    /// What there is to say.
    pub warnings: Vec<String>,
}

impl Clone {
    /// Does it.
    ///
    /// # Errors
    /// [`HookError`]; nothing of it is left.
    pub fn run(&self, recovered: impl FnOnce(&Recovered)) -> Result<Cloned, HookError> {
        if !host::is_root() {
            return Err(HookError::NotRoot);
        }
        if self.source == self.zone {
            return Err(HookError::Usage(format!("`{}` cannot be a clone of itself", self.zone)));
        }
        Ok(Journal::during(&self.state, &self.zone, ("clone", false), recovered, |journal| {
            let source = ZoneDatasets::find(&self.source_zonepath, None)?;
            let (root, mut cloned) = match (&source, parent_dataset(&self.zonepath)?) {
                (Some(source), Some(parent)) => self.in_datasets(source, &parent, journal)?,
                _ => self.in_directory(source.as_ref(), journal)?,
            };
            go_on()?;
            let tree = Tree::open(&root).map_err(HookError::system(&root))?;
            self.reset(&tree, &mut cloned)?;
            Ok(cloned)
        })?)
    }

    fn in_datasets(
        &self,
        source: &ZoneDatasets,
        parent: &DatasetName,
        journal: &mut Journal,
    ) -> Result<(PathBuf, Cloned), HookError> {
        let active = source.active()?.name.clone();
        if let Some(path) = mounted_below(&source.mounts, &source.root()) {
            let why = format!("something is mounted there; halt zone `{}` first", self.source);
            return Err(HookError::Refused(format!("{}: {why}", path.display())));
        }
        let target = make_zonepath_dataset(&self.zonepath, parent, "uninstall the zone first", journal)?;
        let mut cloned = Cloned { snapshot: None, copied: None, reset: Vec::new(), warnings: Vec::new() };
        if self.method == Method::Copy {
            let dataset = target.make_environment(journal, None)?;
            target.mount(journal, dataset.as_str())?;
            let from = self.source_root(Some(source))?;
            cloned.copied = Some(copy(&from, &target.root())?);
        } else {
            go_on()?;
            let snapshot = self.snapshot(source, &active, journal)?;
            let dataset = target.make_environment(journal, Some(&snapshot))?;
            target.mount(journal, dataset.as_str())?;
            cloned.snapshot = Some(snapshot);
        }
        Ok((target.root(), cloned))
    }

    /// The snapshot that was asked for, or a new one.
    fn snapshot(&self, source: &ZoneDatasets, active: &str, journal: &mut Journal) -> Result<String, HookError> {
        if let Method::Snapshot(asked) = &self.method {
            let name = if asked.contains('@') { asked.clone() } else { format!("{active}@{asked}") };
            if !name.starts_with(&format!("{active}@")) || source.all.get(&name).is_none() {
                let why =
                    format!("is no snapshot of the root of `{}`; see `zfs list -t snapshot {active}`", self.source);
                return Err(HookError::Refused(format!("`{name}` {why}")));
            }
            return Ok(name);
        }
        let name = |number| match number {
            0 => format!("{active}@{}_snap", self.zone),
            number => format!("{active}@{}_snap{number}", self.zone),
        };
        let free = (0..SNAPSHOTS).map(name).find(|name| source.all.get(name).is_none());
        let Some(free) = free else {
            let why =
                format!("has {SNAPSHOTS} snapshots for clones called `{}`; destroy those that are not used", self.zone);
            return Err(HookError::Refused(format!("`{active}` {why}")));
        };
        journal.step(Undo::Destroy { dataset: free.clone() })?;
        let mark = journal.mark().to_owned();
        zfs::snapshot(&free, &[(MADE_PROPERTY, &mark)])?;
        Ok(free)
    }

    fn in_directory(
        &self,
        source: Option<&ZoneDatasets>,
        journal: &mut Journal,
    ) -> Result<(PathBuf, Cloned), HookError> {
        if let Method::Snapshot(asked) = &self.method {
            let why = "cannot be cloned, for the two zonepaths are not both in ZFS; leave out -s, and files are copied";
            return Err(HookError::Refused(format!("snapshot `{asked}` {why}")));
        }
        let from = self.source_root(source)?;
        let mut storage = Directory::of_zone(&self.zonepath)?;
        let to = storage.prepare(journal)?;
        let copied = copy_into(&from, &to, storage.root())?;
        storage.commit()?;
        let cloned = Cloned { snapshot: None, copied: Some(copied), reset: Vec::new(), warnings: Vec::new() };
        Ok((storage.root().to_owned(), cloned))
    }

    /// The source's root, which has to be the active one.
    fn source_root(&self, source: Option<&ZoneDatasets>) -> Result<Tree, HookError> {
        let root = self.source_zonepath.join(ROOT);
        if let Some(source) = source {
            let active = &source.active()?.name;
            if source.mounts.dataset_on(&root) != Some(active) {
                let why = format!("`{active}` is not mounted there; ready and halt zone `{}` once", self.source);
                return Err(HookError::Refused(format!("{}: {why}", root.display())));
            }
        }
        Tree::open(&root).map_err(HookError::system(&root))
    }

    fn reset(&self, tree: &Tree, cloned: &mut Cloned) -> Result<(), HookError> {
        let fail = |source| HookError::Identity { root: tree.path().to_owned(), source };
        let image = Tree::open(&self.image).map_err(HookError::system(&self.image))?;
        let repository = self.recipe.smf.as_ref().map(|smf| {
            // A zone with a /lib of its own has its own seed.
            let own = tree.open_file(smf.seed.trim_start_matches('/').as_bytes()).is_ok();
            let from = if own { tree } else { &image };
            Repository { tree: from, seed: &smf.seed, repository: &smf.repository }
        });
        let identity = Identity { new: &self.zone, old: Some(self.source.as_str()), repository };
        let planned = identity::plan(tree, &identity).map_err(fail)?;
        identity::apply(tree, &identity, &planned.resets).map_err(fail)?;
        cloned.reset = planned.resets.iter().map(identity::Reset::line).collect();
        cloned.warnings.extend(
            planned.unreachable.iter().map(|path| {
                format!("/{} is no directory of the zone: what is kept there was not reset", printable(path))
            }),
        );
        Ok(())
    }
}

/// Makes the dataset of a zonepath as zoneadm(8) makes it for an installation, below the one that is mounted
/// on the parent directory. One that is there already is used; `instead` says what to do when a root is in it.
pub(super) fn make_zonepath_dataset(
    zonepath: &Path,
    parent: &DatasetName,
    instead: &str,
    journal: &mut Journal,
) -> Result<ZoneDatasets, HookError> {
    if let Some(found) = ZoneDatasets::find(zonepath, None)? {
        if let Some(own) = found.own().find(|dataset| dataset.active) {
            let problem = format!("is a zone root of this boot environment already; {instead}");
            return Err(StorageError::Datasets { dataset: own.name.clone(), problem }.into());
        }
        return Ok(found);
    }
    let leaf = zonepath.file_name().unwrap_or_default().to_string_lossy();
    let name: DatasetName = format!("{parent}/{leaf}").parse().map_err(|error: DatasetError| {
        StorageError::BadPath { path: zonepath.to_owned(), problem: error.to_string() }
    })?;
    if std::fs::read_dir(zonepath).is_ok_and(|mut entries| entries.next().is_some()) {
        let problem = "is not empty, and a dataset is to be mounted on it; empty it".to_owned();
        return Err(StorageError::Occupied { path: zonepath.to_owned(), problem }.into());
    }
    if std::fs::symlink_metadata(zonepath).is_err() {
        journal.step(Undo::RemoveDirectory { path: zonepath.to_owned() })?;
        crate::storage::make_closed(zonepath)?;
    }
    journal.step(Undo::Destroy { dataset: name.to_string() })?;
    let mark = journal.mark().to_owned();
    zfs::create(&name, &[("sharenfs", "off"), ("sharesmb", "off"), (MADE_PROPERTY, &mark)])?;
    close(zonepath)?;
    let made = ZoneDatasets::find(zonepath, None)?;
    made.ok_or_else(|| {
        let problem = format!("was made and is not mounted on {}; see its mountpoint", zonepath.display());
        StorageError::Datasets { dataset: name.to_string(), problem }.into()
    })
}

fn close(zonepath: &Path) -> Result<(), HookError> {
    use std::os::unix::fs::PermissionsExt;
    let closed = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(zonepath, closed).map_err(HookError::system(zonepath))
}

pub(super) fn copy(from: &Tree, to: &Path) -> Result<CopiedTree, HookError> {
    let handle = Tree::open(to).and_then(|tree| tree.handle()).map_err(HookError::system(to))?;
    copy_into(from, &handle, to)
}

fn copy_into(from: &Tree, to: &crate::root::Handle, called: &Path) -> Result<CopiedTree, HookError> {
    let handle = from.handle().map_err(HookError::system(from.path()))?;
    copy_tree(&handle, to, &|| !host::interrupted())
        .map_err(|source| HookError::Copy { root: called.to_owned(), source })
}
