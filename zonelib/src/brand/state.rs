//! The hooks that zoneadmd(8) runs when the state of a zone changes, and when it asks for datasets.
//!
//! The zone root has to be mounted before a zone is made ready, and again after it was halted, for the
//! zone may have chosen another boot environment of its own.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::config::ZoneName;
use crate::host::mounts::Mounts;
use crate::journal::{Journal, Recovered, StateDir};
use crate::program::{RecipeFlags, StateFlags};
use crate::storage::{ROOT, StorageError, ZoneDatasets, dataset_on};

use super::HookError;

/// `Z_READY` of zoneadmd.h: the zone is to be made ready.
const READY: u32 = 0;
/// `Z_HALT`: it has been halted, or could not be made ready or booted.
const HALT: u32 = 4;

/// What no dataset can be called; see [`datasets`].
const NO_DATASET: &str = "-";

/// Before the change or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// `prestatechange`, and `sysboot`.
    Before,
    /// `poststatechange`.
    After,
}

/// A change of state. Source: zoneadmd(8), `brand_prestatechg` and `brand_poststatechg`.
#[derive(Clone, Debug)]
pub struct Change {
    /// The zone.
    pub zone: ZoneName,
    /// Its zonepath.
    pub zonepath: PathBuf,
    /// Before or after.
    pub when: When,
    /// What is to be done, or was: only 0 (ready), 1 (boot) and 4 (halt) are ever told.
    pub command: u32,
    /// The boot environment that zoneadm(8) works in, when not the running one.
    pub alternate: Option<PathBuf>,
    /// Where the journal is.
    pub state: StateDir,
}

impl Change {
    /// Mounts the active zone root where the change needs it. True when something was mounted.
    ///
    /// # Errors
    /// [`HookError`]; the mounts are as before.
    pub fn run(&self, recovered: impl FnOnce(&Recovered)) -> Result<bool, HookError> {
        let mounts = matches!((self.when, self.command), (When::Before, READY) | (When::After, HALT));
        if !mounts {
            return Ok(false);
        }
        let operation = if self.when == When::Before { "ready" } else { "halt" };
        Ok(Journal::during(&self.state, &self.zone, (operation, false), recovered, |journal| {
            let alternate = self.alternate.as_deref();
            match ZoneDatasets::find(&self.zonepath, alternate)? {
                Some(datasets) => mount_active(&datasets, journal),
                // Halting a zone does not fail for want of what it halts.
                None if self.when == When::After => Ok(false),
                None => plain_root(&self.zonepath).map(|()| false),
            }
        })?)
    }
}

/// The flags by which zoneadmd(8) tells a hook of a change of a zone's state.
#[derive(Clone, Debug, clap::Args)]
pub struct ChangeFlags {
    /// The brand.
    #[command(flatten)]
    pub recipe: RecipeFlags,
    /// Where the journal is.
    #[command(flatten)]
    pub state: StateFlags,
    /// The zone
    pub zone: ZoneName,
    /// Its zonepath
    pub zonepath: PathBuf,
    /// The state that it was in, as a number
    #[arg(value_name = "STATE")]
    pub from_state: u32,
    /// What is done to it: 0 ready, 1 boot, 4 halt
    #[arg(value_name = "COMMAND")]
    pub command: u32,
    /// Where the boot environment is mounted that zoneadm(8) works in
    pub altroot: Option<OsString>,
}

impl ChangeFlags {
    /// The change that they tell.
    #[must_use]
    pub fn change(&self, when: When) -> Change {
        Change {
            zone: self.zone.clone(),
            zonepath: self.zonepath.clone(),
            when,
            command: self.command,
            alternate: self.altroot.as_ref().filter(|path| !path.is_empty()).map(PathBuf::from),
            state: self.state.dir(),
        }
    }
}

/// A zone root in a plain directory is always there.
pub(super) fn plain_root(zonepath: &Path) -> Result<(), HookError> {
    if std::fs::symlink_metadata(zonepath.join(ROOT)).is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    let zonepath = zonepath.display();
    let why = "and the zonepath is not the mount point of a dataset that could hold one";
    Err(HookError::Refused(format!("{zonepath}: there is no zone root, {why}; see `zfs list`, or mount it")))
}

/// Mounts the one active zone root of the boot environment.
pub(super) fn mount_active(datasets: &ZoneDatasets, journal: &mut Journal) -> Result<bool, HookError> {
    let active = datasets.active()?;
    let below = datasets.root();
    if datasets.mounts.dataset_on(&below) == Some(&active.name) {
        return Ok(false);
    }
    if let Some(mount) = datasets.mounts.below(&below).next() {
        let (special, path) = (&mount.special, mount.path.display());
        let why = format!("`{special}` is mounted on {path}, so the zone root cannot be exchanged; unmount it");
        return Err(HookError::Refused(why));
    }
    Ok(datasets.mount(journal, &active.name.clone())?)
}

/// What zoneadmd(8) adds to the datasets that the zone administers: the one with its roots, so that
/// beadm(8) works in the zone. Something has to be said in any case, for zoneadmd would use what happens
/// to be in its memory; a zone in a plain directory has what no dataset can be called.
///
/// # Errors
/// The mounts cannot be read.
pub fn datasets(zonepath: &Path) -> Result<String, StorageError> {
    let mounted = dataset_on(zonepath)?;
    Ok(mounted.map_or_else(|| NO_DATASET.to_owned(), |dataset| format!("{dataset}/ROOT")))
}

/// Whether anything is mounted below a zone root, such as the file systems of a zone that runs.
pub(super) fn mounted_below<'m>(mounts: &'m Mounts, root: &'m Path) -> Option<&'m Path> {
    mounts.below(root).map(|mount| mount.path.as_path()).next()
}
