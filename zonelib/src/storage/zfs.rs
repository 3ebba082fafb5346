//! A zone root in ZFS datasets, as every ipkg-style brand of illumos has it: below the dataset of the
//! zonepath one `ROOT`, and below that one `zbe[-N]` for each boot environment that the zone has been in.

use std::path::{Path, PathBuf};

use crate::host::be;
use crate::host::mounts::Mounts;
use crate::host::zfs::{self, Dataset, Datasets, Kind, MADE_PROPERTY, Property};
use crate::journal::{Journal, StateDir, Undo};
use crate::root::{Handle, Tree, set_attributes};

use super::directory::{make_closed, make_whole};
use super::{CLOSED, DatasetName, ROOT, ROOTS, Storage, StorageError, dataset_on, mounts};

/// How a zone root's dataset is called; the second one is `zbe-1`.
const ENVIRONMENT: &str = "zbe";
/// More than this nobody has.
const ENVIRONMENTS: u32 = 100;

/// The datasets of a zone as they are now.
#[derive(Clone, Debug)]
pub struct ZoneDatasets {
    /// The zonepath.
    pub zonepath: PathBuf,
    /// The dataset that is mounted on it.
    pub dataset: DatasetName,
    /// What the zone roots of the boot environment at hand are marked with.
    pub owner: String,
    /// The dataset and everything below it.
    pub all: Datasets,
    /// What is mounted.
    pub mounts: Mounts,
}

impl ZoneDatasets {
    /// Those of the zone whose zonepath is here, seen from the running boot environment or from the one that
    /// is mounted on `alternate`; `None` when the zonepath is no dataset.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn find(zonepath: &Path, alternate: Option<&Path>) -> Result<Option<Self>, StorageError> {
        let inside = alternate.and_then(|root| zonepath.strip_prefix(root).ok()).map(|rest| Path::new("/").join(rest));
        for path in [Some(zonepath.to_owned()), inside].into_iter().flatten() {
            if let Some(dataset) = dataset_on(&path)? {
                return Self::of(zonepath, dataset, alternate).map(Some);
            }
        }
        Ok(None)
    }

    /// Those below a dataset.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn of(zonepath: &Path, dataset: DatasetName, alternate: Option<&Path>) -> Result<Self, StorageError> {
        if dataset.as_str().split('/').nth(1) == Some(ROOTS) {
            let problem = "is in a boot environment, which is copied and destroyed as a whole; zones live elsewhere";
            return Err(StorageError::Datasets { dataset: dataset.to_string(), problem: problem.to_owned() });
        }
        let all = Datasets::below(&dataset)?.unwrap_or_default();
        Ok(Self { zonepath: zonepath.to_owned(), owner: be::owner(alternate)?, dataset, all, mounts: mounts()? })
    }

    /// The name of the dataset that holds the zone roots.
    #[must_use]
    pub fn roots(&self) -> String {
        format!("{}/{ROOTS}", self.dataset)
    }

    /// Where the zone root is mounted.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.zonepath.join(ROOT)
    }

    /// Every zone root.
    #[must_use]
    pub fn environments(&self) -> Vec<&Dataset> {
        let roots = self.roots();
        self.all.children(&roots).filter(|dataset| dataset.kind == Kind::FileSystem).collect()
    }

    /// Zone roots of the boot environment at hand.
    pub fn own(&self) -> impl Iterator<Item = &Dataset> {
        self.environments().into_iter().filter(|dataset| dataset.parent.as_deref() == Some(self.owner.as_str()))
    }

    /// The one zone root that is used in the boot environment at hand.
    ///
    /// # Errors
    /// [`StorageError::Datasets`]: none, or several.
    pub fn active(&self) -> Result<&Dataset, StorageError> {
        let active: Vec<&Dataset> = self.own().filter(|dataset| dataset.active).collect();
        match active[..] {
            [one] => Ok(one),
            [] => {
                let owner = &self.owner;
                let others = self.environments().len();
                let problem = format!(
                    "no zone root here is active and belongs to the boot environment {owner} ({others} belong to others \
                     or are not active); see `zfs get -r {},{} {}`",
                    be::PARENT_PROPERTY,
                    be::ACTIVE_PROPERTY,
                    self.roots()
                );
                Err(StorageError::Datasets { dataset: self.roots(), problem })
            }
            [first, second, ..] => {
                let problem = format!(
                    "`{}` and `{}` are both active; leave one so: `zfs set {}=off DATASET`",
                    first.leaf(),
                    second.leaf(),
                    be::ACTIVE_PROPERTY
                );
                Err(StorageError::Datasets { dataset: self.roots(), problem })
            }
        }
    }

    /// The first free name for a zone root.
    ///
    /// # Errors
    /// [`StorageError::Datasets`]: all are taken.
    pub fn free_name(&self) -> Result<DatasetName, StorageError> {
        let roots = self.roots();
        let name = |number| match number {
            0 => format!("{roots}/{ENVIRONMENT}"),
            number => format!("{roots}/{ENVIRONMENT}-{number}"),
        };
        let free = (0..ENVIRONMENTS).map(name).find(|name| self.all.get(name).is_none());
        let Some(free) = free else {
            let problem = format!("has {ENVIRONMENTS} zone roots already; destroy some that are not used");
            return Err(StorageError::Datasets { dataset: roots, problem });
        };
        free.parse()
            .map_err(|error: super::DatasetError| StorageError::Datasets { dataset: roots, problem: error.to_string() })
    }

    /// Makes the dataset that holds the zone roots, where there is none. Returns whether it was made.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn ensure_roots(&self, journal: &mut Journal) -> Result<bool, StorageError> {
        let roots = self.roots();
        if self.all.get(&roots).is_some() {
            return Ok(false);
        }
        let name = roots.parse().map_err(|error: super::DatasetError| StorageError::Datasets {
            dataset: roots.clone(),
            problem: error.to_string(),
        })?;
        journal.step(Undo::Destroy { dataset: roots })?;
        let mark = journal.mark().to_owned();
        zfs::create(&name, &[("mountpoint", "legacy"), ("zoned", "on"), (MADE_PROPERTY, &mark)])?;
        Ok(true)
    }

    /// Makes a zone root for the boot environment at hand, empty or out of a snapshot.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn make_environment(&self, journal: &mut Journal, from: Option<&str>) -> Result<DatasetName, StorageError> {
        self.ensure_roots(journal)?;
        let name = self.free_name()?;
        journal.step(Undo::Destroy { dataset: name.to_string() })?;
        let mark = journal.mark().to_owned();
        let properties: [Property<'_>; 4] = [
            (be::ACTIVE_PROPERTY, "on"),
            (be::PARENT_PROPERTY, &self.owner),
            ("canmount", "noauto"),
            (MADE_PROPERTY, &mark),
        ];
        match from {
            None => zfs::create(&name, &properties)?,
            Some(snapshot) => zfs::clone(snapshot, &name, &properties)?,
        }
        Ok(name)
    }

    /// Mounts a zone root where it belongs, making the mount point. Does nothing when it is there already;
    /// what else is there is unmounted.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn mount(&self, journal: &mut Journal, dataset: &str) -> Result<bool, StorageError> {
        let root = self.root();
        match self.mounts.on(&root) {
            Some(mount) if mount.kind == "zfs" && mount.special == dataset => return Ok(false),
            Some(mount) if mount.kind == "zfs" => {
                journal.step(Undo::Mount { dataset: mount.special.clone(), path: root.clone() })?;
                zfs::unmount(&root)?;
            }
            Some(mount) => {
                let problem = format!("`{}` is mounted there, which is no zone root; unmount it", mount.special);
                return Err(StorageError::Occupied { path: root, problem });
            }
            None => make_mount_point(&self.zonepath, &root, journal)?,
        }
        journal.step(Undo::Unmount { dataset: dataset.to_owned(), path: root.clone() })?;
        zfs::mount(dataset, &root)?;
        Ok(true)
    }
}

/// The directory that a zone root is mounted on. What is in it would be hidden.
fn make_mount_point(zonepath: &Path, root: &Path, journal: &mut Journal) -> Result<(), StorageError> {
    let path = Tree::open(zonepath).and_then(|tree| tree.handle()).map_err(StorageError::system(zonepath))?;
    if check_mount_point(&path, root)? {
        return Ok(());
    }
    journal.step(Undo::RemoveDirectory { path: root.to_owned() })?;
    let made = path.create_dir(ROOT.as_bytes()).map_err(StorageError::system(root))?;
    make_whole(&made).map_err(StorageError::system(root))
}

/// Whether the mount point is there; refuses anything but an empty directory.
fn check_mount_point(zonepath: &Handle, root: &Path) -> Result<bool, StorageError> {
    let occupied = |problem: &str| StorageError::Occupied { path: root.to_owned(), problem: problem.to_owned() };
    if zonepath.stat(ROOT.as_bytes()).map_err(StorageError::system(root))?.is_none() {
        return Ok(false);
    }
    let handle = zonepath.open_dir(ROOT.as_bytes()).map_err(|_| occupied("is no directory; remove it"))?;
    if handle.list().map_err(StorageError::system(root))?.is_empty() {
        return Ok(true);
    }
    Err(occupied("is not empty, and a zone root is to be mounted on it; see what it is, and move it away"))
}

/// Mounts a file system where nobody but root comes: in a folder of the state directory.
///
/// # Errors
/// [`StorageError`].
pub(crate) fn mount_private(
    state: &StateDir,
    (folder, name): (&str, &str),
    dataset: &str,
    journal: &mut Journal,
) -> Result<PathBuf, StorageError> {
    let folder = state.make(folder)?;
    // The table of mounts has real names.
    let place = folder.canonicalize().map_err(StorageError::system(&folder))?.join(name);
    journal.step(Undo::RemoveDirectory { path: place.clone() })?;
    match make_closed(&place) {
        Err(_) if place.is_dir() => {}
        made => made?,
    }
    journal.step(Undo::Unmount { dataset: dataset.to_owned(), path: place.clone() })?;
    zfs::mount(dataset, &place)?;
    Ok(place)
}

/// The dataset below which that of a zonepath is made: the one that is mounted on its parent directory.
///
/// # Errors
/// [`StorageError`].
pub fn parent_dataset(zonepath: &Path) -> Result<Option<DatasetName>, StorageError> {
    dataset_on(zonepath.parent().unwrap_or(Path::new("/")))
}

/// A zone root that is to be made in a dataset of its own.
#[derive(Debug)]
pub struct Zfs {
    datasets: ZoneDatasets,
    root: PathBuf,
    /// The snapshot to make it from.
    from: Option<String>,
    handle: Option<Handle>,
}

impl Zfs {
    /// The root of the zone whose zonepath is this dataset's mount point.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn of_zone(zonepath: &Path, dataset: DatasetName) -> Result<Self, StorageError> {
        let datasets = ZoneDatasets::of(zonepath, dataset, None)?;
        Ok(Self { root: datasets.root(), datasets, from: None, handle: None })
    }

    /// From now on it is made from a snapshot instead of empty.
    pub fn make_from(&mut self, snapshot: String) {
        self.from = Some(snapshot);
    }

    /// The datasets as they were found.
    #[must_use]
    pub fn datasets(&self) -> &ZoneDatasets {
        &self.datasets
    }
}

impl Storage for Zfs {
    fn check(&self) -> Result<(), StorageError> {
        let datasets = &self.datasets;
        super::place::check_resolved(&datasets.zonepath, &datasets.zonepath)?;
        if let Some(own) = datasets.own().find(|dataset| dataset.active) {
            let problem = "is a zone root of this boot environment already; uninstall the zone first".to_owned();
            return Err(StorageError::Datasets { dataset: own.name.clone(), problem });
        }
        datasets.free_name()?;
        if let Some(mount) = datasets.mounts.on(&self.root) {
            let problem = format!("`{}` is mounted there; unmount it", mount.special);
            return Err(StorageError::Occupied { path: self.root.clone(), problem });
        }
        let path = Tree::open(&datasets.zonepath).and_then(|tree| tree.handle());
        check_mount_point(&path.map_err(StorageError::system(&datasets.zonepath))?, &self.root).map(drop)
    }

    fn prepare(&mut self, journal: &mut Journal) -> Result<Handle, StorageError> {
        self.check()?;
        let dataset = self.datasets.make_environment(journal, self.from.as_deref())?;
        self.datasets.mount(journal, dataset.as_str())?;
        let fail = |source| StorageError::System { path: self.root.clone(), source };
        let handle = Tree::open(&self.root).and_then(|tree| tree.handle()).map_err(fail)?;
        if self.from.is_none() {
            let stat = handle.stat_self().map_err(fail)?;
            set_attributes(&handle, None, CLOSED, stat.modified).map_err(fail)?;
        }
        let copy = handle.open_self().map_err(fail)?;
        self.handle = Some(handle);
        Ok(copy)
    }

    fn handle(&self) -> Option<&Handle> {
        self.handle.as_ref()
    }

    fn root(&self) -> &Path {
        &self.root
    }

    fn as_zfs(&mut self) -> Option<&mut Zfs> {
        Some(self)
    }

    fn has_others(&self) -> bool {
        !self.datasets.environments().is_empty()
    }
}
