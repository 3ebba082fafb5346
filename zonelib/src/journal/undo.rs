//! The undo of each kind of change. Every undo may be done twice, and may be done although its change
//! never was: it is written before the change is made.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::config::{self, ConfigError, NetResourceChange, NetResourceError, ZoneName, ZonesError};
use crate::host::mounts::Mounts;
use crate::host::zfs::{self, Datasets, ZfsError};
use crate::host::{ChangeError, HostError, NetworkChange, Reread, Setting};
use crate::root::{Timestamp, Tree, clear, remove_tree, set_attributes};

use super::zone_file::{self, RootOf, SavedFile};
use super::zones;

/// How a change is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Undo {
    /// Destroy a file system or snapshot, if this operation made it.
    Destroy {
        /// Its name.
        dataset: String,
    },
    /// The same for a file system that others may have put theirs into meanwhile: it stays then.
    DestroyEmpty {
        /// Its name.
        dataset: String,
    },
    /// Destroy a file system that was being received, whatever properties came with it. Its name was free.
    DestroyReceived {
        /// Its name.
        dataset: String,
    },
    /// Give a property the value that it had on the dataset itself; `None`: have it inherited.
    Property {
        /// The dataset.
        dataset: String,
        /// The property.
        property: String,
        /// The value.
        value: Option<String>,
    },
    /// Unmount a dataset, if it is the one that is seen there.
    Unmount {
        /// The dataset.
        dataset: String,
        /// Where.
        path: PathBuf,
    },
    /// Mount a dataset again.
    Mount {
        /// The dataset.
        dataset: String,
        /// Where.
        path: PathBuf,
    },
    /// Make a dataset depend again on what it was a clone of.
    Promote {
        /// The dataset that was the origin.
        dataset: String,
        /// The snapshot that the two have in common, while the dataset has it not.
        snapshot: String,
    },
    /// Remove a directory, if nothing is in it.
    RemoveDirectory {
        /// Where.
        path: PathBuf,
    },
    /// Remove a directory of zonekit's own, below the state directory, with everything in it.
    RemoveScratch {
        /// Where.
        path: PathBuf,
    },
    /// Uninstall a zone, halted first, if this operation made it.
    UninstallZone {
        /// Its name.
        zone: ZoneName,
    },
    /// Delete the configuration of a zone, if this operation made it.
    DeleteZone {
        /// Its name.
        zone: ZoneName,
    },
    /// Empty a directory that was empty.
    Empty {
        /// Where.
        path: PathBuf,
        /// Its file system and number: another one is left alone.
        identity: (u64, u64),
        /// The mode that it had.
        mode: u32,
    },
    /// Remove a file that was not there.
    RemoveFile {
        /// Where.
        path: PathBuf,
    },
    /// Take back a change to links, interfaces, addresses, flows or routes.
    Network {
        /// The change that takes it back.
        change: NetworkChange,
    },
    /// Take back a change to the networks in a zone's configuration.
    Zonecfg {
        /// The change that takes it back.
        change: NetResourceChange,
    },
    /// Put back a small file in a zone as it was.
    ZoneFile {
        /// The root that it is in.
        root: RootOf,
        /// The state directory, for the lock of the zone.
        state: PathBuf,
        /// Where in the root, without `/` before it.
        path: String,
        /// How it was; `None` when it was not there.
        before: Option<SavedFile>,
    },
    /// Remove a folder in a zone that was not there, if nothing is in it.
    ZoneFolder {
        /// The root that it is in.
        root: RootOf,
        /// The state directory, for the lock of the zone.
        state: PathBuf,
        /// Where in the root, without `/` before it.
        path: String,
    },
    /// Have a router read something again, if it runs.
    Reread {
        /// The zone; `None`: the global one.
        zone: Option<String>,
        /// What.
        what: Reread,
    },
    /// Give a setting of the host the value that it had.
    Setting {
        /// The setting.
        setting: Setting,
    },
    /// Bring back a small file of the host as it was.
    RestoreFile {
        /// Where.
        path: PathBuf,
        /// What was in it.
        text: String,
        /// Its permissions.
        mode: u32,
        /// When it was changed.
        modified: Timestamp,
    },
}

/// Why a change could not be taken back.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// A command failed.
    #[error(transparent)]
    Zfs(#[from] ZfsError),
    /// The configuration of a zone cannot be read, so that nobody knows whose it is.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The system refused.
    #[error("{}: {source}", path.display())]
    System {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The network refused.
    #[error(transparent)]
    Network(#[from] ChangeError),
    /// zonecfg(8) refused.
    #[error(transparent)]
    Zonecfg(#[from] NetResourceError),
    /// It is not known whether the zone runs.
    #[error(transparent)]
    Zones(Box<ZonesError>),
}

impl From<HostError> for UndoError {
    fn from(error: HostError) -> Self {
        Self::Zfs(error.into())
    }
}

impl Undo {
    /// What it does, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Destroy { dataset } | Self::DestroyReceived { dataset } => format!("destroy `{dataset}`"),
            Self::DestroyEmpty { dataset } => format!("destroy `{dataset}` if nothing is in it"),
            Self::Property { dataset, property, value: Some(value) } => {
                format!("set {property} of `{dataset}` to `{value}`")
            }
            Self::Property { dataset, property, value: None } => format!("have {property} of `{dataset}` inherited"),
            Self::Unmount { path, .. } => format!("unmount {}", path.display()),
            Self::Mount { dataset, path } => format!("mount `{dataset}` on {}", path.display()),
            Self::Promote { dataset, .. } => format!("promote `{dataset}`"),
            Self::RemoveDirectory { path } => format!("remove the directory {}", path.display()),
            Self::RemoveScratch { path } => format!("remove {} with everything in it", path.display()),
            Self::UninstallZone { zone } => format!("halt and uninstall zone `{zone}`"),
            Self::DeleteZone { zone } => format!("delete the configuration of zone `{zone}`"),
            Self::Empty { path, .. } => format!("empty {}", path.display()),
            Self::RemoveFile { path } => format!("remove {}", path.display()),
            Self::Network { change } => change.describe(),
            Self::Zonecfg { change } => change.describe(),
            Self::ZoneFile { root, path, before: Some(_), .. } => {
                format!("bring back /{path} of {} as it was", root.called())
            }
            Self::ZoneFile { root, path, before: None, .. } => format!("remove /{path} of {}", root.called()),
            Self::ZoneFolder { root, path, .. } => format!("remove the folder /{path} of {}", root.called()),
            Self::Reread { zone, what } => {
                format!("have router {} read {} again", zone.as_deref().unwrap_or("global"), what.describe())
            }
            Self::Setting { setting } => setting.describe(),
            Self::RestoreFile { path, .. } => format!("bring back {} as it was", path.display()),
        }
    }

    /// Does it. `operation` is the one whose change it takes back.
    pub(super) fn run(&self, operation: &str) -> Result<(), UndoError> {
        match self {
            Self::Destroy { dataset } => destroy(dataset, operation),
            Self::DestroyEmpty { dataset } => destroy_empty(dataset, operation),
            Self::DestroyReceived { dataset } => destroy_received(dataset),
            Self::Property { dataset, property, value } => restore(dataset, property, value.as_deref()),
            Self::Unmount { dataset, path } => {
                if mounts()?.dataset_on(path) == Some(dataset) {
                    zfs::unmount(path)?;
                }
                Ok(())
            }
            Self::Mount { dataset, path } => mount(dataset, path),
            Self::Promote { dataset, snapshot } => {
                let has = |of: &str| Datasets::only(&format!("{of}@{snapshot}")).map(|found| found.is_some());
                if !has(dataset)? && Datasets::only(dataset)?.is_some_and(|found| found.origin.is_some()) {
                    zfs::promote(dataset)?;
                }
                Ok(())
            }
            Self::RemoveScratch { path } => remove_scratch(path).map_err(system(path)),
            Self::RemoveDirectory { path } => match std::fs::remove_dir(path) {
                // One that is not empty holds what is somebody else's.
                Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => {
                    Err(system(path)(error))
                }
                _ => Ok(()),
            },
            Self::UninstallZone { zone } => zones::uninstall(zone, operation),
            Self::DeleteZone { zone } => zones::delete(zone, operation),
            Self::Empty { path, identity, mode } => empty(path, *identity, *mode).map_err(system(path)),
            Self::RemoveFile { path } => match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(system(path)(error)),
                _ => Ok(()),
            },
            Self::Network { change } => Ok(change.ensure()?),
            Self::Zonecfg { change } => Ok(change.ensure()?),
            Self::ZoneFile { root, state, path, before } => zone_file::restore(root, state, path, before.as_ref()),
            Self::ZoneFolder { root, state, path } => zone_file::remove_folder(root, state, path),
            Self::Reread { zone, what } => reread(zone.as_deref(), what),
            Self::Setting { setting } => Ok(setting.ensure()?),
            Self::RestoreFile { path, text, mode, modified } => {
                restore_file(path, text, *mode, *modified).map_err(system(path))
            }
        }
    }

    /// Does it outside a journal.
    #[cfg(test)]
    pub(crate) fn run_for_test(&self) {
        self.run("test").unwrap();
    }
}

pub(super) fn system(path: &Path) -> impl FnOnce(io::Error) -> UndoError + '_ {
    move |source| UndoError::System { path: path.to_owned(), source }
}

fn mounts() -> Result<Mounts, UndoError> {
    Mounts::read().map_err(|source| UndoError::System { path: "/etc/mnttab".into(), source })
}

fn destroy(dataset: &str, operation: &str) -> Result<(), UndoError> {
    match Datasets::only(dataset)? {
        Some(found) if found.made.as_deref() == Some(operation) => Ok(zfs::destroy(dataset)?),
        // Gone already, never made, or somebody else's.
        _ => Ok(()),
    }
}

fn destroy_empty(dataset: &str, operation: &str) -> Result<(), UndoError> {
    let in_use = || -> Result<bool, UndoError> {
        let Ok(name) = dataset.parse() else { return Ok(true) };
        Ok(Datasets::below(&name)?.is_some_and(|all| all.iter().count() > 1))
    };
    if in_use()? {
        return Ok(());
    }
    match destroy(dataset, operation) {
        Err(_) if in_use()? => Ok(()),
        done => done,
    }
}

fn destroy_received(dataset: &str) -> Result<(), UndoError> {
    let Some(name) = dataset.parse().ok() else { return Ok(()) };
    let Some(all) = Datasets::below(&name)? else { return Ok(()) };
    // The snapshots that the stream had, then the file system.
    let snapshots = all.snapshots(dataset).map(|found| found.name.as_str());
    snapshots.chain([dataset]).try_for_each(|name| Ok(zfs::destroy(name)?))
}

fn restore(dataset: &str, property: &str, value: Option<&str>) -> Result<(), UndoError> {
    if Datasets::only(dataset)?.is_none() {
        return Ok(());
    }
    let now = zfs::own_values(dataset, &[property])?;
    match value {
        _ if now.first().map(Option::as_deref) == Some(value) => Ok(()),
        Some(value) if zfs::received_value(dataset, property)? == value => {
            Ok(zfs::inherit_received(dataset, property)?)
        }
        Some(value) => Ok(zfs::set(dataset, (property, value))?),
        None => Ok(zfs::inherit(dataset, property)?),
    }
}

fn mount(dataset: &str, path: &Path) -> Result<(), UndoError> {
    if mounts()?.place_of(dataset).is_some() {
        return Ok(());
    }
    let Some(found) = Datasets::only(dataset)? else { return Ok(()) };
    match found.mountpoint.as_deref() {
        Some("legacy") => Ok(zfs::mount(dataset, path)?),
        _ => Ok(zfs::mount_in_place(dataset)?),
    }
}

fn remove_scratch(path: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    match Tree::open(parent).and_then(|tree| tree.handle()) {
        Ok(parent) => remove_tree(&parent, name.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn restore_file(path: &Path, text: &str, mode: u32, modified: Timestamp) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(".restored");
    let beside = folder.join(beside);
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| set_attributes(&file, None, mode, modified));
    let written = written.and_then(|()| file.sync_all());
    written.and_then(|()| std::fs::rename(&beside, path)).inspect_err(|_| {
        // It is worth nothing without its name.
        let _ = std::fs::remove_file(&beside);
    })
}

fn reread(zone: Option<&str>, what: &Reread) -> Result<(), UndoError> {
    if let Some(zone) = zone {
        let running = |found: &config::Zone| found.name == zone && found.state == "running";
        let zones = config::zones(Path::new("/")).map_err(|error| UndoError::Zones(Box::new(error)))?;
        if !zones.iter().any(running) {
            return Ok(());
        }
    }
    match what.check(zone) {
        // What it does not take now was not read before either.
        Err(error) if Reread::is_refusal(&error) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(()) => match what.run(zone) {
            Err(HostError::Partly { .. }) => Ok(()),
            ran => Ok(ran?),
        },
    }
}

fn empty(path: &Path, identity: (u64, u64), mode: u32) -> io::Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    let Some(name) = path.file_name() else { return Ok(()) };
    let opened = Tree::open(parent).and_then(|tree| tree.open_dir(name.as_bytes()));
    let handle = match opened {
        Ok(handle) => handle,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let stat = handle.stat_self()?;
    if stat.identity != identity {
        return Ok(());
    }
    clear(&handle)?;
    set_attributes(&handle, None, mode, stat.modified)
}
