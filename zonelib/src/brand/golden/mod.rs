//! Golden images: what zones of one brand are made from, filled once and cloned ever after.
//!
//! An image is a file system `.golden/BRAND-FINGERPRINT` below the dataset that holds those of the
//! zonepaths. Its snapshot is made last: an image without one was never finished, and nobody uses it. The
//! fingerprint is another one whenever filling a zone root would give something else, so that nobody has
//! to say when an image is out of date. Whoever fills an image, clones it or destroys it holds its lock.

mod images;

use std::fs::File;
use std::path::Path;

use crate::host::zfs::{self, Datasets, FAILED_PROPERTY, GOLDEN_PROPERTY, Kind, MADE_PROPERTY, ZfsError};
use crate::host::{self, DatasetError, DatasetName};
use crate::journal::{ImageName, Journal, StateDir, Undo};
use crate::populate::{ApplyError, Facts, Request, Survey, open_dir};
use crate::root::{FileKind, Handle, Stat, Tree};
use crate::smf::{self, ImportError, Svccfg};
use crate::storage::{Storage, StorageError, declare_whole, mount_private};

use super::identity::{self, Identity, IdentityError};
use super::install::{Install, InstallError, Work};

pub use images::{Fate, Image, images, prune, settle};

/// The file system that holds the images.
pub const HOLDER: &str = ".golden";
/// The snapshot that says that an image is whole.
const SNAPSHOT: &str = "golden";
/// Where in the state directory images are mounted while they are filled.
const PRIVATE: &str = "golden";
/// Where in the state directory the services of an image are imported.
const SCRATCH: &str = "import";
/// Another number for images that are filled in another way.
const FORMAT: u64 = 1;
/// No longer value of a property is made; every release of ZFS takes it.
const VALUE_LIMIT: usize = 1000;
/// How often a holder is made that others destroy at the same time.
const TRIES: usize = 4;

/// What became of an installation by an image.
#[derive(Clone, Debug)]
pub struct Cloned {
    /// The image.
    pub image: String,
    /// It was filled first.
    pub filled: bool,
}

/// The image that an installation uses.
#[derive(Clone, Debug)]
pub struct Golden {
    name: ImageName,
    holder: DatasetName,
    dataset: DatasetName,
}

/// An image that is whole, and whose lock is held.
pub(super) struct Held {
    snapshot: String,
    filled: bool,
    /// The packages whose scripts failed when it was filled.
    failed: Option<String>,
    /// An operation that found an earlier one to be put right.
    recovered: Option<String>,
    _journal: Journal,
}

enum Found {
    Absent,
    /// Nobody uses it.
    Unfinished,
    /// With the packages whose scripts failed.
    Whole(Option<String>),
}

impl Golden {
    /// The image of these packages with these options.
    ///
    /// # Errors
    /// [`InstallError`]: what is on the host cannot be read, or the name would be too long for ZFS.
    pub(super) fn of(install: &Install, zones: &DatasetName, survey: &Survey) -> Result<Self, InstallError> {
        let name = ImageName::new(&install.recipe.name, &fingerprint(install, survey)?);
        let dataset = |name: String| {
            name.parse::<DatasetName>().map_err(|error: DatasetError| StorageError::Datasets {
                dataset: zones.to_string(),
                problem: format!("{error}; leave golden images out with --no-golden"),
            })
        };
        let holder = dataset(format!("{zones}/{HOLDER}"))?;
        Ok(Self { dataset: dataset(format!("{holder}/{name}"))?, holder, name })
    }

    /// Its file system.
    #[must_use]
    pub fn dataset(&self) -> &str {
        self.dataset.as_str()
    }

    /// Whether it is there and whole; nothing is waited for.
    ///
    /// # Errors
    /// [`StorageError`]: zfs(8) failed, or something else has its name.
    pub fn is_whole(&self) -> Result<bool, StorageError> {
        Ok(matches!(self.look()?, Found::Whole(_)))
    }

    fn snapshot(&self) -> String {
        format!("{}@{SNAPSHOT}", self.dataset)
    }

    fn look(&self) -> Result<Found, StorageError> {
        let Some(all) = Datasets::below(&self.dataset)? else { return Ok(Found::Absent) };
        let image = all.get(self.dataset.as_str());
        let ours = |found: &&zfs::Dataset| {
            found.kind == Kind::FileSystem && found.golden.as_deref() == Some(self.name.fingerprint())
        };
        if image.filter(ours).is_none() {
            let problem = "has the name of a golden image and is none; rename it, or use --no-golden".to_owned();
            return Err(StorageError::Datasets { dataset: self.dataset.to_string(), problem });
        }
        Ok(match all.get(&self.snapshot()) {
            Some(snapshot) => Found::Whole(snapshot.failed.clone()),
            None => Found::Unfinished,
        })
    }

    /// Takes the image's lock and makes sure that it is whole: fills it where that has to be. `fill` gets
    /// its root and the path of that, and returns the packages whose scripts failed.
    ///
    /// # Errors
    /// [`InstallError::Golden`]; of an image that was not finished nothing is left.
    pub(super) fn hold(
        &self,
        state: &StateDir,
        keep: bool,
        fill: impl FnOnce(Handle, &Path) -> Result<Vec<String>, InstallError>,
    ) -> Result<Held, InstallError> {
        let failed =
            |error: InstallError| InstallError::Golden { image: self.dataset.to_string(), source: Box::new(error) };
        let (mut journal, recovered) =
            Journal::begin(state, &self.name, "fill", keep).map_err(|error| failed(error.into()))?;
        let done = match self.look() {
            Ok(Found::Whole(failed)) => Ok((false, failed)),
            Ok(found) => self.fill(&found, &mut journal, state, fill).map(|failed| (true, failed)),
            Err(error) => Err(error.into()),
        };
        let ((filled, unable), journal) = journal.end(done).map_err(|error| failed(error.into()))?;
        let recovered = recovered.map(|found| found.operation);
        Ok(Held { snapshot: self.snapshot(), filled, failed: unable, recovered, _journal: journal })
    }

    fn fill(
        &self,
        found: &Found,
        journal: &mut Journal,
        state: &StateDir,
        fill: impl FnOnce(Handle, &Path) -> Result<Vec<String>, InstallError>,
    ) -> Result<Option<String>, InstallError> {
        if matches!(found, Found::Unfinished) {
            self.clear()?;
        }
        self.create(journal)?;
        let place = mount_private(state, (PRIVATE, self.name.as_str()), self.dataset(), journal)?;
        let root = Tree::open(&place).and_then(|tree| tree.handle()).map_err(StorageError::system(&place))?;
        journal.step(Undo::RemoveScratch { path: state.path().join(SCRATCH).join(self.name.as_str()) })?;
        let failed = names(fill(root, &place)?);
        declare_whole(&place)?;
        zfs::unmount(&place)?;
        std::fs::remove_dir(&place).map_err(StorageError::system(&place))?;
        let (snapshot, mark) = (self.snapshot(), journal.mark().to_owned());
        journal.step(Undo::Destroy { dataset: snapshot.clone() })?;
        let failed_property = failed.as_deref().map(|failed| (FAILED_PROPERTY, failed));
        let properties: Vec<_> = [(MADE_PROPERTY, mark.as_str())].into_iter().chain(failed_property).collect();
        zfs::snapshot(&snapshot, &properties)?;
        Ok(failed)
    }

    /// Takes away what somebody left whose journal is gone.
    fn clear(&self) -> Result<(), InstallError> {
        let mounts = crate::storage::mounts()?;
        if let Some(path) = mounts.place_of(self.dataset.as_str()) {
            zfs::unmount(path)?;
        }
        Ok(zfs::destroy(self.dataset.as_str())?)
    }

    fn create(&self, journal: &mut Journal) -> Result<(), InstallError> {
        let (dataset, mark) = (self.dataset.to_string(), journal.mark().to_owned());
        let properties = [
            ("mountpoint", "legacy"),
            ("canmount", "noauto"),
            (MADE_PROPERTY, mark.as_str()),
            (GOLDEN_PROPERTY, self.name.fingerprint()),
        ];
        for _ in 0..TRIES {
            self.create_holder(journal)?;
            journal.step(Undo::Destroy { dataset: dataset.clone() })?;
            match zfs::create(&self.dataset, &properties) {
                Ok(()) => return Ok(()),
                // Whoever destroyed the last image in it destroyed it too.
                Err(_) if self.holder_is_gone()? => {}
                Err(error) => return Err(error.into()),
            }
        }
        let problem = "is destroyed by others as often as it is made; try again".to_owned();
        Err(StorageError::Datasets { dataset: self.holder.to_string(), problem }.into())
    }

    fn holder_is_gone(&self) -> Result<bool, StorageError> {
        Ok(Datasets::only(self.holder.as_str())?.is_none())
    }

    fn create_holder(&self, journal: &mut Journal) -> Result<(), InstallError> {
        if !self.holder_is_gone()? {
            return Ok(());
        }
        journal.step(Undo::DestroyEmpty { dataset: self.holder.to_string() })?;
        let mark = journal.mark().to_owned();
        match zfs::create(&self.holder, &[("mountpoint", "none"), ("canmount", "off"), (MADE_PROPERTY, &mark)]) {
            // Somebody else was faster.
            Err(_) if !self.holder_is_gone()? => Ok(()),
            made => Ok(made?),
        }
    }
}

/// Names as the value of a property; as many as fit.
fn names(names: Vec<String>) -> Option<String> {
    let mut value = String::new();
    for name in names {
        if value.len() + 1 + name.len() > VALUE_LIMIT {
            break;
        }
        if !value.is_empty() {
            value.push(',');
        }
        value.push_str(&name);
    }
    (!value.is_empty()).then_some(value)
}

/// What a zone root would be filled with. `--jobs` makes no other one, and `--strict` only refuses some.
fn fingerprint(install: &Install, survey: &Survey) -> Result<[u8; 20], InstallError> {
    let mut facts = Facts::default();
    facts.number(FORMAT);
    facts.bytes(env!("CARGO_PKG_VERSION").as_bytes());
    facts.bytes(install.recipe.name.as_bytes());
    facts.bytes(&survey.digest);
    facts.number(u64::from(install.import));
    // What the installer of the host adds is not in the plan, nor is what is pruned from it.
    facts.number(install.add_overlays.len() as u64);
    install.add_overlays.iter().for_each(|name| facts.bytes(name.as_bytes()));
    facts.number(install.add_packages.len() as u64);
    install.add_packages.iter().for_each(|name| facts.bytes(name.as_bytes()));
    if install.adds() {
        for prune in [&install.recipe.prune, &install.recipe.prune_contents] {
            facts.number(prune.paths().count() as u64);
            prune.paths().for_each(|path| facts.bytes(&path));
        }
        installer(&mut facts)?;
    }
    Ok(facts.digest())
}

/// What the installer of the host knows of packages.
fn installer(facts: &mut Facts) -> Result<(), InstallError> {
    let root = host::place("/");
    let tree = Tree::open(&root).map_err(StorageError::system(&root))?;
    for folder in ["etc/zap", "etc/zap/repositories"] {
        let fail = |source| StorageError::System { path: root.join(folder), source };
        let Some(handle) = open_dir(&tree, folder.as_bytes()).map_err(fail)? else { continue };
        let mut files = handle.list().map_err(fail)?;
        files.retain(|(_, kind)| *kind == FileKind::Regular);
        files.sort_by(|one, other| one.0.cmp(&other.0));
        facts.number(files.len() as u64);
        for (name, _) in files {
            facts.bytes(&name);
            if let Some(stat) = handle.stat(&name).map_err(fail)? {
                facts.file(&stat);
            }
        }
    }
    Ok(())
}

impl Install {
    /// The dataset below which this installation has its golden image: the one above that of the
    /// zonepath, which is in the same pool. `None` when each zone root is to be filled. `--verify` asks for
    /// every file to be read.
    pub(super) fn golden_below(&self, zonepath: &DatasetName) -> Option<DatasetName> {
        let asked = self.golden && self.recipe.golden && !self.verify && !self.makes_template;
        let above = zonepath.as_str().rsplit_once('/').filter(|_| asked)?.0;
        above.parse().ok()
    }

    /// Fills the image of this installation if need be, and makes the zone root a clone of it.
    pub(super) fn clone_golden(
        &self,
        zones: &DatasetName,
        journal: &mut Journal,
        storage: &mut dyn Storage,
        repository: Option<&(File, Stat)>,
        work: &mut Work<'_, '_>,
    ) -> Result<(), InstallError> {
        work.clock.phase("golden image", None);
        let survey = work.survey(self.jobs)?;
        self.refuse_missing(&survey.missing)?;
        let golden = Golden::of(self, zones, &survey)?;
        let held = golden.hold(&self.state, self.keep, |root, path| self.fill_golden(root, path, &survey, work))?;
        if let Some(operation) = &held.recovered {
            work.report
                .warnings
                .push(format!("`{operation}` of golden image `{}`, which did not end, was undone first", golden.name));
        }
        if let (Some(failed), false) = (&held.failed, held.filled) {
            let problem = format!("postinstall of {failed} failed when golden image `{}` was filled", golden.dataset);
            if self.strict {
                return Err(InstallError::Strict(format!("{problem}; --no-golden fills the zone root itself")));
            }
            work.report.warnings.push(problem);
        }
        work.clock.phase("cloning", None);
        if let Some(zfs) = storage.as_zfs() {
            zfs.make_from(held.snapshot.clone());
        }
        storage.prepare(journal)?;
        self.install_repository(storage.root(), repository)?;
        storage.commit()?;
        work.report.golden = Some(Cloned { image: golden.dataset.to_string(), filled: held.filled });
        work.report.applied.missing = survey.missing;
        Ok(())
    }

    fn fill_golden(
        &self,
        root: Handle,
        path: &Path,
        survey: &Survey,
        work: &mut Work<'_, '_>,
    ) -> Result<Vec<String>, InstallError> {
        // An image that is not what its name says would be used for a long time.
        self.fill_root(root, path, work, |work| match work.survey(self.jobs)? {
            now if now == *survey => Ok(()),
            _ => Err(InstallError::Torn(self.image.clone())),
        })?;
        self.forget_unique(path, work)?;
        self.import_services(path, work)?;
        let failed = work.report.postinstall.iter().filter(|script| script.failure.is_some());
        Ok(failed.map(|script| script.package.clone()).collect())
    }

    /// Imports the manifests of the image, so that no zone made from it has to at its first boot. Where that
    /// cannot be had, the zones have the seed and take longer.
    fn import_services(&self, path: &Path, work: &mut Work<'_, '_>) -> Result<(), InstallError> {
        let (Some(services), true) = (&self.recipe.smf, self.import) else { return Ok(()) };
        let tree = Tree::open(path).map_err(StorageError::system(path))?;
        let scratch = self.state.make(SCRATCH)?.join(path.file_name().unwrap_or_default());
        let go_on = || !host::interrupted();
        match smf::prepare_root(&Svccfg::of_host(), &tree, services, &scratch, &go_on) {
            Ok(imported) => {
                work.report.warnings.extend(imported.warning());
                work.report.imported = Some(imported);
            }
            Err(ImportError::Interrupted) => {
                return Err(InstallError::Apply { root: path.to_owned(), source: ApplyError::Interrupted });
            }
            Err(error) => work.report.warnings.push(smf::warning(&error)),
        }
        Ok(())
    }

    /// Takes away what the scripts of packages made that no two zones may share, such as host keys.
    fn forget_unique(&self, path: &Path, work: &Work<'_, '_>) -> Result<(), InstallError> {
        let Some(zone) = &self.zone else { return Ok(()) };
        let fail = |error: IdentityError| InstallError::Identity { root: path.to_owned(), source: error };
        let tree = Tree::open(path).map_err(StorageError::system(path))?;
        let identity = Identity { new: zone, old: None, repository: None };
        let mut resets = identity::plan(&tree, &identity).map_err(fail)?.resets;
        let planned = |path: &[u8]| work.plan.actions.binary_search_by(|action| action.path.as_ref().cmp(path)).is_ok();
        resets.retain(|reset| reset.is_unique() && !planned(&reset.path));
        identity::apply(&tree, &identity, &resets).map_err(fail)
    }
}

impl Work<'_, '_> {
    /// Looks at what the plan copies.
    pub(super) fn survey(&self, jobs: usize) -> Result<Survey, InstallError> {
        survey(self.request, self.plan, self.trees, jobs)
    }
}

/// Looks at what a plan copies.
pub(super) fn survey(
    request: &Request<'_>,
    plan: &crate::populate::Plan<'_>,
    trees: crate::populate::Trees<'_>,
    jobs: usize,
) -> Result<Survey, InstallError> {
    let (_, main) = request.main();
    let seen = crate::populate::survey(plan, main.contents, trees, jobs);
    Ok(seen.map_err(crate::populate::PlanError::from)?)
}

impl From<ZfsError> for InstallError {
    fn from(error: ZfsError) -> Self {
        Self::Storage(error.into())
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
