//! The install hook: from an empty zonepath to a zone root that boots.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contents::names::OverlayName;

use crate::config::ZoneName;
use crate::host::{self, DatasetName, HostCommand, HostError};
use crate::journal::{Failure, Journal, JournalError, StateDir};
use crate::libclone::{Clone as SharedClone, CloneError, Synced};
use crate::populate::{
    self, Applied, ApplyError, ArchiveError, Counters, Image, ImageError, Plan, PlanError, Request, Settings, Trees,
    Wanted, postinstall_path, printable,
};
use crate::recipe::{Recipe, Share};
use crate::root::{Handle, Stat, Tree, remove_tree};
use crate::smf::{self, Imported, Outcome, Prepared, Svccfg};
use crate::storage::{self, Directory, Storage, StorageError, Which};

use super::Status;
use super::clock::Clock;
use super::golden::{self, Cloned, Golden};
use super::identity::IdentityError;
use super::sources::{Ingredients, PKGADM, Sources, clone_path, shares_template, sync_database};

pub use super::clock::{Phase, Watch};

/// What is to be installed, where, and how.
#[derive(Debug)]
pub struct Install {
    /// The zone; its configuration says where /lib comes from.
    pub zone: Option<ZoneName>,
    /// Its zonepath; not needed for an archive.
    pub zonepath: Option<PathBuf>,
    /// The brand.
    pub recipe: Recipe,
    /// The root whose packages are installed from.
    pub image: PathBuf,
    /// The folder of the clone of /lib, when not the one that the configuration names.
    pub zonelib: Option<PathBuf>,
    /// A template to fill the zone from.
    pub template: Option<PathBuf>,
    /// The zonepath itself is to be a template.
    pub makes_template: bool,
    /// Overlays and packages to keep, when not everything.
    pub wanted: Option<Wanted>,
    /// Overlays to add by the host's installer.
    pub add_overlays: Vec<OverlayName>,
    /// Packages to add by the host's installer.
    pub add_packages: Vec<String>,
    /// Write an archive instead of a zone root.
    pub archive: Option<PathBuf>,
    /// Give the zone a service repository that has its manifests imported, where that can be had.
    pub import: bool,
    /// Compare files with the database while copying.
    pub verify: bool,
    /// Missing and differing files, and failed scripts, are errors.
    pub strict: bool,
    /// Threads.
    pub jobs: usize,
    /// Where the zone root lives.
    pub storage: Which,
    /// Where the journal is.
    pub state: StateDir,
    /// When it fails, leave everything as it is.
    pub keep: bool,
    /// Use the golden images that the recipe asks for.
    pub golden: bool,
}

/// A package's postinstall script and how it ended.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Postinstall {
    /// The package.
    pub package: String,
    /// `None` when it succeeded; else why not.
    pub failure: Option<String>,
}

/// What was done.
#[derive(Debug, Default)]
pub struct Report {
    /// What was copied, and what was noticed.
    pub applied: Applied,
    /// The golden image that the zone root is a clone of.
    pub golden: Option<Cloned>,
    /// Clones that were built or brought up to date.
    pub clones: Vec<(PathBuf, Synced)>,
    /// What the prepared service repository was made from, when it was made.
    pub imported: Option<Imported>,
    /// Scripts that were run.
    pub postinstall: Vec<Postinstall>,
    /// Scripts that were not run, because there is only an archive.
    pub postponed: Vec<String>,
    /// What there is to say.
    pub warnings: Vec<String>,
    /// Steps with their duration.
    pub phases: Vec<(&'static str, Duration)>,
}

/// Why nothing was installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The options contradict each other or the brand.
    #[error("{0}")]
    Usage(String),
    /// The image cannot be used.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// No plan could be made.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The zone root's place cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The clone of a shared directory could not be made.
    #[error(transparent)]
    Clone(#[from] CloneError),
    /// A host command failed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The archive could not be made.
    #[error("{}: {source}", path.display())]
    Archive {
        /// Its name.
        path: PathBuf,
        /// Why.
        source: ArchiveError,
    },
    /// The zone root could not be filled.
    #[error("{}: {source}", root.display())]
    Apply {
        /// The zone root.
        root: PathBuf,
        /// Why.
        source: ApplyError,
    },
    /// The golden image could not be used.
    #[error("golden image {image}: {source}")]
    Golden {
        /// Its dataset.
        image: String,
        /// Why.
        source: Box<InstallError>,
    },
    /// What no two zones may share could not be taken out of the image.
    #[error("{}: {source}", root.display())]
    Identity {
        /// Where it was mounted.
        root: PathBuf,
        /// Why.
        source: IdentityError,
    },
    /// Not everything is as the database says, and that was asked for.
    #[error("{0}")]
    Strict(String),
    /// Packages changed meanwhile.
    #[error("packages of image {} changed while they were copied; try again", .0.display())]
    Torn(PathBuf),
    /// What was asked for could not be printed.
    #[error("standard output: {0}")]
    Output(io::Error),
    /// Only root can do this.
    #[error("only root can give files to their owners; run it as root, or make an image with --archive FILE")]
    NotRoot,
    /// There is no zone to keep a journal for.
    #[error("no zone; give -z ZONE")]
    NoZone,
    /// The journal cannot be used, or an earlier operation stands in the way.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It failed, and what it had done is still there.
    #[error(transparent)]
    LeftBehind(Box<Failure<InstallError>>),
    /// It failed and was undone, and the zonepath holds other zone roots.
    #[error("{0}; nothing of it is left, and the other zone roots in the zonepath were not touched")]
    Among(Box<InstallError>),
}

impl From<Failure<Self>> for InstallError {
    fn from(failure: Failure<Self>) -> Self {
        match failure {
            Failure::Undone(cause) => cause,
            Failure::Journal(error) => Self::Journal(error),
            other => Self::LeftBehind(Box::new(other)),
        }
    }
}

impl InstallError {
    /// How the hook ends.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Usage(_) => Status::Usage,
            Self::Storage(error) if error.is_foreign() => Status::Fatal,
            Self::Journal(JournalError::NotBegun { .. }) => Status::NotComplete,
            Self::LeftBehind(_) | Self::Journal(_) | Self::Among(_) => Status::Fatal,
            _ => Status::NotComplete,
        }
    }
}

/// Where things go on this host.
struct Place<'i> {
    storage: Box<dyn Storage>,
    clones: Vec<(&'i Share, PathBuf)>,
}

/// What is at hand once there is a plan.
pub(super) struct Work<'k, 'w> {
    pub(super) sources: &'k Sources,
    pub(super) request: &'k Request<'k>,
    pub(super) plan: &'k Plan<'k>,
    pub(super) trees: Trees<'k>,
    pub(super) clock: &'k mut Clock<'w>,
    pub(super) report: &'k mut Report,
}

impl Install {
    /// Refuses options that make no sense together or for this brand.
    ///
    /// # Errors
    /// [`InstallError::Usage`].
    pub fn check_options(&self) -> Result<(), InstallError> {
        let usage = |problem: String| Err(InstallError::Usage(problem));
        self.ingredients().check()?;
        if self.adds() && !self.recipe.choose {
            let brand = &self.recipe.name;
            return usage(format!("brand `{brand}` has no choice of packages; leave out -o, -p, -O and -P"));
        }
        if self.archive.is_some() && self.adds() {
            return usage("-O and -P install into a zone root; they cannot be used with --archive".to_owned());
        }
        if self.archive.is_none() && self.zonepath.is_none() {
            return usage("no zonepath; give -R DIR".to_owned());
        }
        Ok(())
    }

    /// Whether the host's installer adds packages.
    pub(super) fn adds(&self) -> bool {
        !self.add_overlays.is_empty() || !self.add_packages.is_empty()
    }

    /// What the zone root is made from.
    #[must_use]
    pub fn ingredients(&self) -> Ingredients<'_> {
        Ingredients {
            image: &self.image,
            recipe: &self.recipe,
            template: self.template.as_deref(),
            makes_template: self.makes_template,
            wanted: self.wanted.as_ref(),
        }
    }

    /// Where the zone root goes, and where the clones are that it mounts; both are looked up once.
    fn place(&self) -> Result<Place<'_>, InstallError> {
        let zonepath = self.zonepath.as_deref().unwrap_or(Path::new(""));
        // The form of the path is the caller's mistake; everything else is found on the host.
        let form = Directory::of_template(zonepath).map_err(|error| InstallError::Usage(error.to_string()))?;
        let storage = if self.makes_template { Box::new(form) } else { storage::of_zone(zonepath, self.storage)? };
        let shared: Vec<PathBuf> = self
            .recipe
            .shares
            .iter()
            .flat_map(|share| [self.below_image(&share.path), self.below_image(&share.from)])
            .collect();
        storage::keep_out_of(zonepath, storage.root(), &self.image, &shared)?;
        let mut clones = Vec::new();
        let of_template = shares_template(&self.recipe, self.zone.as_ref());
        for share in self.recipe.shares.iter().filter(|share| share.clone.is_some() && !of_template) {
            let path = clone_path(&self.image, share, self.zonelib.as_deref(), self.zone.as_ref())?;
            storage::keep_apart_from(zonepath, &path)?;
            clones.push((share, path));
        }
        Ok(Place { storage, clones })
    }

    fn below_image(&self, path: &str) -> PathBuf {
        self.image.join(path.trim_start_matches('/'))
    }

    /// Checks everything and makes the plan; touches nothing.
    ///
    /// # Errors
    /// What [`Install::run`] would refuse.
    pub fn plan_only<R>(&self, then: impl FnOnce(&Plan<'_>, Option<&Golden>) -> R) -> Result<R, InstallError> {
        self.check_options()?;
        let mut zones = None;
        if self.archive.is_none() {
            let mut storage = self.place()?.storage;
            storage.check()?;
            zones = self.golden_zones(&mut *storage);
        }
        Sources::open(&self.ingredients())?.with_plan(&self.ingredients(), |request, plan, trees| {
            let survey = golden::survey(request, plan, trees, self.jobs)?;
            let golden = zones.map(|zones| Golden::of(self, &zones, &survey)).transpose()?;
            plan.missing.extend(survey.missing);
            plan.missing.sort();
            self.refuse_missing(&plan.missing)?;
            Ok(then(plan, golden.as_ref()))
        })
    }

    /// Does it. On failure everything is as before.
    ///
    /// # Errors
    /// [`InstallError`].
    pub fn run(&self, watch: &Watch<'_>) -> Result<Report, InstallError> {
        self.check_options()?;
        if self.archive.is_some() {
            return self.make(watch, |work| self.write_archive(work));
        }
        let zone = self.zone.as_ref().ok_or(InstallError::NoZone)?;
        if !host::is_root() {
            self.place()?.storage.check()?;
            return Err(InstallError::NotRoot);
        }
        let mut left = None;
        let mut others = false;
        let operation = ("install", self.keep);
        let done = Journal::during(
            &self.state,
            zone,
            operation,
            |found| left = Some(found.clone()),
            |journal| {
                let Place { mut storage, clones } = self.place()?;
                storage.check()?;
                others = storage.has_others();
                self.installer_present()?;
                sync_database(&self.image)?;
                let zones = self.golden_zones(&mut *storage);
                self.make(watch, |work| {
                    let repository = self.sync_clones(clones, work)?;
                    match zones {
                        Some(zones) => self.clone_golden(&zones, journal, &mut *storage, repository.as_ref(), work),
                        None => self.fill(journal, &mut *storage, repository.as_ref(), work),
                    }
                })
            },
        );
        let mut report = match done.map_err(InstallError::from) {
            Err(error) if others && error.status() == Status::NotComplete => {
                return Err(InstallError::Among(Box::new(error)));
            }
            done => done?,
        };
        if let Some(left) = left {
            let (operation, count) = (left.operation, left.steps.len());
            report.warnings.push(format!("`{operation}`, which did not end, was undone first ({count} changes)"));
        }
        Ok(report)
    }

    /// Below which dataset the golden image is, if one is to be used.
    fn golden_zones(&self, storage: &mut dyn Storage) -> Option<DatasetName> {
        storage.as_zfs().and_then(|zfs| self.golden_below(&zfs.datasets().dataset))
    }

    /// Reads and plans, and hands that on.
    fn make(
        &self,
        watch: &Watch<'_>,
        then: impl FnOnce(&mut Work<'_, '_>) -> Result<(), InstallError>,
    ) -> Result<Report, InstallError> {
        let mut clock = Clock::new(watch);
        clock.phase("reading", None);
        let sources = Sources::open(&self.ingredients())?;
        sources.with_plan(&self.ingredients(), |request, plan, trees| {
            self.refuse_missing(&plan.missing)?;
            let mut report = Report { warnings: plan.warnings.clone(), ..Report::default() };
            let (clock, report_ref) = (&mut clock, &mut report);
            then(&mut Work { sources: &sources, request, plan, trees, clock, report: report_ref })?;
            report.applied.missing.extend(plan.missing.iter().cloned());
            report.applied.missing.sort();
            report.phases = clock.finish();
            Ok(report)
        })
    }

    pub(super) fn settings<'s>(&self, watch: &'s Watch<'_>) -> Settings<'s> {
        Settings { jobs: self.jobs, verify: self.verify, go_on: &|| !host::interrupted(), counters: watch.counters }
    }

    pub(super) fn refuse_missing(&self, missing: &[populate::Missing]) -> Result<(), InstallError> {
        match missing {
            [first, ..] if self.strict => Err(InstallError::Strict(format!(
                "{} packaged objects are missing, the first is `/{}`, which {}",
                missing.len(),
                printable(&first.path),
                first.reason
            ))),
            _ => Ok(()),
        }
    }

    pub(super) fn refuse_differences(&self, applied: &Applied) -> Result<(), InstallError> {
        self.refuse_missing(&applied.missing)?;
        match &applied.mismatches[..] {
            [first, ..] if self.strict => Err(InstallError::Strict(format!(
                "{} files are not as packaged, the first is `/{}`: {}",
                applied.mismatches.len(),
                printable(&first.path),
                first.difference
            ))),
            _ => Ok(()),
        }
    }

    fn sync_clones(
        &self,
        clones: Vec<(&Share, PathBuf)>,
        work: &mut Work<'_, '_>,
    ) -> Result<Option<(File, Stat)>, InstallError> {
        let Work { request, clock, report, .. } = work;
        let mut repository = None;
        for (share, path) in clones {
            let Some(clone) = SharedClone::of(request.image, share, path) else { continue };
            clock.phase("shared libraries", None);
            let counters = Counters::default();
            let settings = Settings { counters: &counters, ..self.settings(clock.watch) };
            let synced = clone.sync(&settings)?;
            if !synced.current {
                self.refuse_differences(&synced.applied)?;
                if let [first, ..] = &synced.applied.missing[..] {
                    let (place, count) = (clone.path().display(), synced.applied.missing.len());
                    let first = printable(&first.path);
                    report.warnings.push(format!("{place} lacks {count} packaged objects; the first is `/{first}`"));
                }
                report.warnings.extend(synced.warnings.iter().cloned());
                report.warnings.extend(synced.broken.iter().map(ToString::to_string));
                report.clones.push((clone.path().to_owned(), synced));
            }
            if let Some(prepared) = Prepared::of(&clone, &self.recipe, Svccfg::of_host())
                && self.imports()
            {
                clock.phase("services", None);
                repository = prepare(&prepared, &settings, report);
            }
        }
        Ok(repository)
    }

    /// A repository is prepared for what all zones of a brand have: not for a template, nor for some
    /// packages.
    fn imports(&self) -> bool {
        self.import && self.template.is_none() && !self.makes_template && self.wanted.is_none()
    }

    fn fill(
        &self,
        journal: &mut Journal,
        storage: &mut dyn Storage,
        repository: Option<&(File, Stat)>,
        work: &mut Work<'_, '_>,
    ) -> Result<(), InstallError> {
        let root = storage.prepare(journal)?;
        self.fill_root(root, storage.root(), work, |_| self.install_repository(storage.root(), repository))?;
        Ok(storage.commit()?)
    }

    /// The service repository that was prepared, if one was, instead of the seed.
    pub(super) fn install_repository(
        &self,
        root: &Path,
        repository: Option<&(File, Stat)>,
    ) -> Result<(), InstallError> {
        let (Some((file, stat)), Some(services)) = (repository, &self.recipe.smf) else { return Ok(()) };
        let path = services.repository.trim_start_matches('/');
        let installed = Tree::open(root).and_then(|tree| smf::install(file, stat, &tree, path.as_bytes()));
        Ok(installed.map_err(|source| StorageError::System { path: root.join(path), source })?)
    }

    /// Fills a root that is at `path`. `then` is called when everything is copied, before packages
    /// are added and scripts run.
    pub(super) fn fill_root(
        &self,
        root: Handle,
        path: &Path,
        work: &mut Work<'_, '_>,
        then: impl FnOnce(&Work<'_, '_>) -> Result<(), InstallError>,
    ) -> Result<(), InstallError> {
        let plan = work.plan;
        work.clock.phase("copying", Some(plan.actions.len()));
        work.report.applied = populate::apply(plan, b"", root, work.trees, &self.settings(work.clock.watch))
            .map_err(|source| InstallError::Apply { root: path.to_owned(), source })?;
        self.refuse_differences(&work.report.applied)?;
        if work.sources.image().changed() {
            return Err(InstallError::Torn(self.image.clone()));
        }
        then(work)?;
        self.add_packages(path, work.clock)?;
        self.run_scripts(path, plan, work.clock, work.report)
    }

    fn installer_present(&self) -> Result<(), InstallError> {
        let zap = HostCommand::new(ZAP);
        if (self.add_overlays.is_empty() && self.add_packages.is_empty()) || zap.present() {
            return Ok(());
        }
        Err(HostError::Absent { program: zap.program().to_owned() }.into())
    }

    /// `-O` and `-P`: the host's own installer adds them, and what the recipe prunes goes again.
    fn add_packages(&self, root: &Path, clock: &mut Clock<'_>) -> Result<(), InstallError> {
        let overlays = self.add_overlays.iter().map(|name| ("install-overlay", name.as_str()));
        let packages = self.add_packages.iter().map(|name| ("install-pkg", name.as_str()));
        let mut any = false;
        for (verb, name) in overlays.chain(packages) {
            clock.phase("adding packages", None);
            HostCommand::new(ZAP).args([verb, "-R"]).arg(root).arg(name).run()?;
            any = true;
        }
        if !any {
            return Ok(());
        }
        HostCommand::new(PKGADM).args(["sync", "-R"]).arg(root).arg("-q").run()?;
        self.prune_again(root)
    }

    fn prune_again(&self, root: &Path) -> Result<(), InstallError> {
        let image = Image::open(root)?;
        let contents = image.contents()?;
        let fail = |source| StorageError::System { path: root.to_owned(), source };
        for entry in contents.entries().iter().filter(|entry| self.recipe.prune.contains(entry.path_bytes())) {
            let path = entry.path_bytes().strip_prefix(b"/").unwrap_or_default();
            let (parent, name) = populate::split(path);
            if let Ok(handle) = image.tree().open_dir(parent) {
                remove_tree(&handle, name).map_err(fail)?;
            }
        }
        let kept = populate::filter(&contents, &[], &self.recipe.prune_contents, None);
        populate::replace_file(image.tree(), contents::database::CONTENTS.as_bytes(), &kept).map_err(fail)?;
        Ok(())
    }

    /// Package scripts, as global-zone root with `BASEDIR` set: the zone has never run.
    fn run_scripts(
        &self,
        root: &Path,
        plan: &Plan<'_>,
        clock: &mut Clock<'_>,
        report: &mut Report,
    ) -> Result<(), InstallError> {
        if plan.postinstall.is_empty() {
            return Ok(());
        }
        clock.phase("postinstall scripts", Some(plan.postinstall.len()));
        for package in plan.postinstall.iter().take_while(|_| !host::interrupted()) {
            let path = self.image.join(postinstall_path(package));
            let run =
                host::script(&path).map_err(|source| HostError::Start { line: path.display().to_string(), source });
            let directory = root.join("var/sadm/pkg");
            let done =
                run.and_then(|script| script.env("BASEDIR", root).env("PKGINST", package).directory(&directory).run());
            let failure = done.err().map(|error| error.to_string());
            if let Some(failure) = &failure
                && self.strict
            {
                return Err(InstallError::Strict(format!("postinstall of `{package}`: {failure}")));
            }
            report.postinstall.push(Postinstall { package: package.clone(), failure });
        }
        if host::interrupted() {
            return Err(InstallError::Apply { root: root.to_owned(), source: ApplyError::Interrupted });
        }
        Ok(())
    }
}

/// The prepared repository, when it could be had. Without it a zone only takes longer to boot.
fn prepare(prepared: &Prepared<'_, '_>, settings: &Settings<'_>, report: &mut Report) -> Option<(File, Stat)> {
    let synced = prepared.sync(settings).and_then(|outcome| Ok((outcome, prepared.open()?)));
    match synced {
        Ok((outcome, repository)) => {
            if let Outcome::Made(imported) = outcome {
                report.warnings.extend(imported.warning());
                report.imported = Some(imported);
            }
            repository
        }
        Err(error) => {
            report.warnings.push(smf::warning(&error));
            None
        }
    }
}

/// The host's installer of packages and overlays.
const ZAP: &str = "/usr/bin/zap";
