//! The attach hook: takes a zone root that was detached, here or on another host, or one that comes in an
//! archive, a directory or a stream, into the running boot environment.

use std::path::{Path, PathBuf};

use crate::config::{DETACHED, ZoneConfig, ZoneName};
use crate::host::be::{ACTIVE_PROPERTY, PARENT_PROPERTY};
use crate::host::{self, DatasetName, zfs};
use crate::journal::{Journal, Recovered, StateDir, Undo};
use crate::populate::unpack::{Limits, Unpack};
use crate::recipe::Recipe;
use crate::root::Tree;
use crate::storage::{self, Directory, ROOT, Storage, StorageError, ZoneDatasets, parent_dataset};

use super::HookError;
use super::adopt::{Host, Updated};
pub use super::arrival::Source;
use super::arrival::{check_brand, check_detached, check_root, open_file, place_of, root_in};
use super::clone::{copy, make_zonepath_dataset};
use super::error::go_on;
use super::state::mounted_below;

/// What to do when a root was to be brought and one is there, such as one that a killed attach has brought.
const AS_IT_IS: &str = "attach it as it is, without -a, -d and -r";

/// What is to be attached.
#[derive(Clone, Debug)]
pub struct Attach {
    /// The zone.
    pub zone: ZoneName,
    /// Its zonepath.
    pub zonepath: PathBuf,
    /// Its brand.
    pub recipe: Recipe,
    /// Where its root comes from.
    pub source: Source,
    /// Bytes that an archive may have when it is unpacked.
    pub max_size: u64,
    /// Bring the zone up to the packages of this host.
    pub update: bool,
    /// The root of those packages.
    pub image: PathBuf,
    /// Where the journal is.
    pub state: StateDir,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Attached {
    /// What an update has changed.
    pub updated: Option<Updated>,
    /// What there is to say.
    pub notes: Vec<String>,
}

impl Attach {
    /// Does it.
    ///
    /// # Errors
    /// [`HookError`]; nothing of it is left, but for files of the root that an update has replaced.
    pub fn run(&self, recovered: impl FnOnce(&Recovered)) -> Result<Attached, HookError> {
        if !host::is_root() {
            return Err(HookError::NotRoot);
        }
        Ok(Journal::during(&self.state, &self.zone, ("attach", false), recovered, |journal| {
            let mut attached = Attached::default();
            self.check_manifest()?;
            let root = match &self.source {
                Source::Zonepath => self.adopt(journal)?,
                _ => self.bring(journal, &mut attached)?,
            };
            go_on()?;
            let tree = Tree::open(&root).map_err(HookError::system(&root))?;
            check_root(&tree, &self.recipe)?;
            if self.update {
                let host = Host { image: &self.image, recipe: &self.recipe };
                attached.updated = Some(host.update(&tree, &self.zone)?);
            }
            Ok(attached)
        })?)
    }

    /// What was detached has to be a zone of this brand.
    fn check_manifest(&self) -> Result<(), HookError> {
        Tree::open(&self.zonepath).map_or(Ok(()), |zonepath| check_detached(&zonepath, &self.recipe))
    }

    /// The root that is in the zonepath.
    fn adopt(&self, journal: &mut Journal) -> Result<PathBuf, HookError> {
        let Some(datasets) = ZoneDatasets::find(&self.zonepath, None)? else {
            let root = self.zonepath.join(ROOT);
            if std::fs::symlink_metadata(&root).is_ok_and(|found| found.is_dir()) {
                return Ok(root);
            }
            let zonepath = self.zonepath.display();
            let why = "there is no zone root to attach; move one there, or bring one with -a, -d or -r";
            return Err(HookError::Refused(format!("{zonepath}: {why}")));
        };
        if let Some(path) = mounted_below(&datasets.mounts, &datasets.root()) {
            let why = "something is mounted there; unmount it";
            return Err(HookError::Refused(format!("{}: {why}", path.display())));
        }
        let root = self.candidate(&datasets)?;
        self.take(&datasets, &root, journal)?;
        Ok(datasets.root())
    }

    /// Which of the roots in the zonepath it is: the one that is mounted, or else the one that can be meant.
    fn candidate(&self, datasets: &ZoneDatasets) -> Result<String, HookError> {
        let roots = datasets.environments();
        if let Some(mounted) = datasets.mounts.dataset_on(&datasets.root())
            && roots.iter().any(|root| root.name == mounted)
        {
            return Ok(mounted.to_owned());
        }
        let own: Vec<_> = datasets.own().filter(|root| root.active).collect();
        let active: Vec<_> = roots.iter().copied().filter(|root| root.active).collect();
        let choices = [own, active, roots];
        if let Some([one]) = choices.iter().map(Vec::as_slice).find(|choice| !choice.is_empty()) {
            return Ok(one.name.clone());
        }
        let names: Vec<&str> = choices[2].iter().map(|root| root.leaf()).collect();
        let problem = match names[..] {
            [] => "has no zone root to attach; bring one with -a, -d or -r".to_owned(),
            _ => format!(
                "has several zone roots, and none of them is mounted on {}: {}; mount the right one",
                datasets.root().display(),
                names.join(", ")
            ),
        };
        Err(StorageError::Datasets { dataset: datasets.roots(), problem }.into())
    }

    /// Makes a root one of this boot environment, mounted as a zone's.
    fn take(&self, datasets: &ZoneDatasets, root: &str, journal: &mut Journal) -> Result<(), HookError> {
        if let Some(other) = datasets.own().find(|other| other.active && other.name != root) {
            let problem = format!("is active too; turn it off: `zfs set {ACTIVE_PROPERTY}=off {}`", other.name);
            return Err(StorageError::Datasets { dataset: other.name.clone(), problem }.into());
        }
        self.take_roots(datasets, journal)?;
        let mounted = datasets.mounts.place_of(root).map(Path::to_owned);
        if mounted.is_some() {
            journal.step(Undo::Mount { dataset: root.to_owned(), path: datasets.root() })?;
        }
        let wanted = [
            ("zoned", Some("off")),
            ("canmount", Some("noauto")),
            ("mountpoint", None),
            (PARENT_PROPERTY, Some(datasets.owner.as_str())),
            (ACTIVE_PROPERTY, Some("on")),
            ("zoned", None),
        ];
        self.set_properties(root, &wanted, journal)?;
        go_on()?;
        let now = ZoneDatasets::of(&self.zonepath, datasets.dataset.clone(), None)?;
        now.mount(journal, root)?;
        Ok(())
    }

    /// The dataset with the roots, as the zone is to find it.
    fn take_roots(&self, datasets: &ZoneDatasets, journal: &mut Journal) -> Result<(), HookError> {
        let roots = datasets.roots();
        let right =
            datasets.all.get(&roots).is_some_and(|found| found.zoned && found.mountpoint.as_deref() == Some("legacy"));
        if right {
            return Ok(());
        }
        let wanted = [("zoned", Some("off")), ("mountpoint", Some("legacy")), ("zoned", Some("on"))];
        self.set_properties(&roots, &wanted, journal)
    }

    /// Sets properties of a dataset in order; `None` has one inherited. What is right already is left.
    fn set_properties(
        &self,
        dataset: &str,
        wanted: &[(&str, Option<&str>)],
        journal: &mut Journal,
    ) -> Result<(), HookError> {
        let mut names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
        names.dedup();
        let mut now = zfs::own_values(dataset, &names).map_err(StorageError::from)?;
        for (property, value) in wanted {
            let at = names.iter().position(|name| name == property).unwrap_or_default();
            if now[at].as_deref() == *value {
                continue;
            }
            go_on()?;
            journal.step(Undo::Property {
                dataset: dataset.to_owned(),
                property: (*property).to_owned(),
                value: now[at].clone(),
            })?;
            match value {
                Some(value) => zfs::set(dataset, (property, value))?,
                None => zfs::inherit(dataset, property)?,
            }
            now[at] = value.map(str::to_owned);
        }
        Ok(())
    }

    /// Brings a root from elsewhere.
    fn bring(&self, journal: &mut Journal, attached: &mut Attached) -> Result<PathBuf, HookError> {
        let Some(parent) = parent_dataset(&self.zonepath)? else {
            return self.bring_to_directory(journal, attached);
        };
        let target = make_zonepath_dataset(&self.zonepath, &parent, AS_IT_IS, journal)?;
        if let Source::Stream(stream) = &self.source {
            self.receive(&target, stream, journal)?;
            return Ok(target.root());
        }
        let dataset: DatasetName = target.make_environment(journal, None)?;
        target.mount(journal, dataset.as_str())?;
        self.fill(&target.root(), attached)?;
        let root = target.root();
        storage::declare_whole(&root)?;
        Ok(root)
    }

    fn bring_to_directory(&self, journal: &mut Journal, attached: &mut Attached) -> Result<PathBuf, HookError> {
        if let Source::Stream(_) = self.source {
            let why = "is in no ZFS dataset, where a stream could be received";
            return Err(HookError::Refused(format!("{}: {why}", self.zonepath.display())));
        }
        let root = self.zonepath.join(ROOT);
        if Tree::open(&root).is_ok_and(|there| check_root(&there, &self.recipe).is_ok()) {
            return Err(HookError::Refused(format!("{}: is a zone root already; {AS_IT_IS}", root.display())));
        }
        let mut storage = Directory::of_zone(&self.zonepath)?;
        drop(storage.prepare(journal)?);
        self.fill(storage.root(), attached)?;
        storage.commit()?;
        Ok(storage.root().to_owned())
    }

    fn receive(&self, target: &ZoneDatasets, stream: &Path, journal: &mut Journal) -> Result<(), HookError> {
        target.ensure_roots(journal)?;
        let name = target.free_name()?;
        let file = open_file(stream)?;
        journal.step(Undo::DestroyReceived { dataset: name.to_string() })?;
        zfs::receive(file, &name)?;
        let now = ZoneDatasets::of(&self.zonepath, target.dataset.clone(), None)?;
        self.take(&now, name.as_str(), journal)
    }

    /// Fills an empty root.
    fn fill(&self, root: &Path, attached: &mut Attached) -> Result<(), HookError> {
        match &self.source {
            Source::Directory(directory) => self.copy(directory, root, attached),
            Source::Dataset(dataset) => self.copy(&place_of(dataset)?, root, attached),
            Source::Archive(archive) => self.unpack(archive, root, attached),
            Source::Stream(_) | Source::Zonepath => Ok(()),
        }
    }

    /// Copies a zone root, or that of a zonepath.
    fn copy(&self, directory: &Path, root: &Path, attached: &mut Attached) -> Result<(), HookError> {
        let from = root_in(directory, &self.recipe)?;
        let copied = copy(&from, root)?;
        attached.notes.extend(copied.skipped.iter().map(|skipped| {
            format!("/{} was not copied: {}", crate::populate::printable(&skipped.path), skipped.reason)
        }));
        Ok(())
    }

    fn unpack(&self, archive: &Path, root: &Path, attached: &mut Attached) -> Result<(), HookError> {
        let file = open_file(archive)?;
        let handle = Tree::open(root).and_then(|tree| tree.handle()).map_err(HookError::system(root))?;
        let limits = Limits { max_size: self.max_size, ..Limits::default() };
        let unpack = Unpack { limits, go_on: &|| !host::interrupted() };
        let fail = |source| HookError::Unpack { archive: archive.to_owned(), source };
        let contained = unpack.run(&file, &handle).map_err(fail)?;
        if let Some(manifest) = &contained.manifest {
            let called = archive.join(DETACHED);
            check_brand(&ZoneConfig::parse(&called, manifest)?, &called, &self.recipe)?;
        }
        if contained.skipped > 0 {
            attached.notes.push(format!("{} members of {} were left out", contained.skipped, archive.display()));
        }
        Ok(())
    }
}
