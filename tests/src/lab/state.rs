//! What the host knows: pools, datasets, mounts. Kept in one file, read and written whole under a lock.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::Lab;
use super::net::model::Network;
use super::net::packets;

/// The state of the host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The last number given to a dataset or snapshot.
    pub serial: u64,
    pub pools: BTreeMap<String, Pool>,
    pub datasets: BTreeMap<String, Dataset>,
    /// In the order of mounting.
    pub mounts: Vec<Mount>,
    /// The root dataset that the host boots from next.
    pub next_boot: String,
    /// Whether svccfg(8) can be used.
    pub services_broken: bool,
    pub net: Network,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pool {
    pub guid: u64,
    /// Bytes that fit; none for as many as are wanted.
    pub limit: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Filesystem,
    Volume,
    Snapshot,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Filesystem => "filesystem",
            Self::Volume => "volume",
            Self::Snapshot => "snapshot",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dataset {
    /// Names its content below `.lab/data`.
    pub id: u64,
    pub kind: Kind,
    pub guid: u64,
    pub creation: u64,
    pub origin: Option<String>,
    pub local: BTreeMap<String, String>,
    pub received: BTreeMap<String, String>,
    /// Properties whose received value is hidden by `zfs inherit`.
    pub hidden: BTreeSet<String>,
    /// Oldest first.
    pub snapshots: Vec<Snapshot>,
    /// Somebody uses it, says a test.
    pub busy: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub name: String,
    /// Names its content below `.lab/snap`.
    pub id: u64,
    pub guid: u64,
    pub creation: u64,
    pub local: BTreeMap<String, String>,
    pub holds: BTreeSet<String>,
    /// Goes when its last clone or hold goes.
    pub deferred: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mount {
    pub special: String,
    pub path: PathBuf,
    pub kind: String,
    pub options: String,
    pub time: u64,
    /// What was moved onto the mount point: the dataset's id. None where nothing was moved.
    pub content: Option<u64>,
    /// Names what stands below the mount point, under `.lab/under`.
    pub serial: u64,
}

/// Seconds since the epoch.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl State {
    pub fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// A number in which the serial cannot be seen; the same serial gives the same one.
    pub fn guid(serial: u64) -> u64 {
        serial.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 << 63
    }

    pub fn new_dataset(&mut self, kind: Kind) -> Dataset {
        let id = self.next();
        Dataset {
            id,
            kind,
            guid: Self::guid(id),
            creation: now(),
            origin: None,
            local: BTreeMap::new(),
            received: BTreeMap::new(),
            hidden: BTreeSet::new(),
            snapshots: Vec::new(),
            busy: false,
        }
    }

    /// The dataset and what is below it, by name.
    pub fn below(&self, name: &str) -> Vec<String> {
        self.datasets.keys().filter(|key| is_in(key, name)).cloned().collect()
    }

    /// Its direct children.
    pub fn children(&self, name: &str) -> Vec<String> {
        self.datasets.keys().filter(|key| parent(key) == Some(name)).cloned().collect()
    }

    pub fn snapshot(&self, full: &str) -> Option<&Snapshot> {
        let (dataset, snapshot) = full.split_once('@')?;
        self.datasets.get(dataset)?.snapshots.iter().find(|found| found.name == snapshot)
    }

    pub fn snapshot_mut(&mut self, full: &str) -> Option<&mut Snapshot> {
        let (dataset, snapshot) = full.split_once('@')?;
        self.datasets.get_mut(dataset)?.snapshots.iter_mut().find(|found| found.name == snapshot)
    }

    /// Whether there is a dataset or snapshot of this name.
    pub fn exists(&self, name: &str) -> bool {
        self.datasets.contains_key(name) || self.snapshot(name).is_some()
    }

    /// The clones of a snapshot.
    pub fn clones(&self, full: &str) -> Vec<String> {
        self.datasets
            .iter()
            .filter(|(_, found)| found.origin.as_deref() == Some(full))
            .map(|(n, _)| n.clone())
            .collect()
    }

    /// Where the dataset is mounted: the index of its mount.
    pub fn mount_of(&self, name: &str) -> Option<usize> {
        self.mounts.iter().rposition(|mount| mount.kind == "zfs" && mount.special == name)
    }

    /// The mount that a path is in. A path that leads through a later mount is in that one.
    pub fn mount_at(&self, path: &Path) -> Option<&Mount> {
        let inside = self.mounts.iter().filter(|mount| path.starts_with(&mount.path));
        inside.max_by_key(|mount| mount.path.components().count())
    }
}

/// Whether a dataset is this one or below it.
pub(crate) fn is_in(name: &str, top: &str) -> bool {
    name.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(crate) fn parent(name: &str) -> Option<&str> {
    name.rsplit_once('/').map(|(parent, _)| parent)
}

/// The host during one call of a command: its state, and what the command says.
#[derive(Debug)]
pub(crate) struct Host {
    pub lab: Lab,
    pub state: State,
    pub out: Vec<u8>,
    pub err: String,
}

impl Host {
    pub fn say(&mut self, line: &str) {
        self.out.extend_from_slice(line.as_bytes());
        self.out.push(b'\n');
    }

    pub fn complain(&mut self, line: &str) {
        self.err.push_str(line);
        self.err.push('\n');
    }

    /// Where the content of a dataset is while it is not mounted.
    pub fn store(&self, id: u64) -> PathBuf {
        self.lab.own("data").join(id.to_string())
    }

    /// Makes the root directory of a new file system. ZFS gives it this mode whatever the umask is.
    pub fn empty_store(&self, id: u64) -> std::io::Result<()> {
        fs::create_dir(self.store(id))?;
        fs::set_permissions(self.store(id), fs::Permissions::from_mode(0o755))
    }

    /// Where the content of a snapshot is.
    pub fn frozen(&self, id: u64) -> PathBuf {
        self.lab.own("snap").join(id.to_string())
    }
}

impl Lab {
    /// One of the lab's own files.
    pub(crate) fn own(&self, name: &str) -> PathBuf {
        self.root().join(".lab").join(name)
    }

    pub(crate) fn lock(&self, name: &str) -> File {
        let file = File::options().create(true).append(true).open(self.own(name)).unwrap();
        file.lock().unwrap();
        file
    }

    /// Does something to the state while nobody else does. What it said comes out after the lock is
    /// gone, for the reader may be a stand-in itself.
    pub(crate) fn transact<T>(&self, act: impl FnOnce(&mut Host) -> T) -> (T, Host) {
        let lock = self.lock("lock");
        let state = read(fs::read(self.own("state.json")).unwrap_or_default());
        let mut host = Host { lab: self.clone(), state: state.clone(), out: Vec::new(), err: String::new() };
        let done = act(&mut host);
        if host.state != state {
            if host.state.mounts != state.mounts {
                write_whole(&self.place("/etc/mnttab"), table(&host.state.mounts).as_bytes());
            }
            write(&self.own("state.json"), &host.state);
            packets::follow(self, &state.net, &host.state.net);
        }
        drop(lock);
        (done, host)
    }

    /// The state as it is.
    pub(crate) fn state(&self) -> State {
        self.transact(|host| host.state.clone()).0
    }
}

/// What was read or written last, and the text of it: reading the same again is most of what a stand-in would do.
static LAST: Mutex<Option<(Vec<u8>, State)>> = Mutex::new(None);

fn read(text: Vec<u8>) -> State {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    match last.as_ref() {
        Some((known, state)) if *known == text => state.clone(),
        _ if text.is_empty() => State::default(),
        _ => last.insert((text.clone(), serde_json::from_slice(&text).unwrap())).1.clone(),
    }
}

fn write(path: &Path, state: &State) {
    let text = serde_json::to_vec(state).unwrap();
    write_whole(path, &text);
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some((text, state.clone()));
}

/// Source: mnttab(5): special, mount point, type, options, time, with tabs between.
pub(crate) fn table(mounts: &[Mount]) -> String {
    let line = |mount: &Mount| {
        let path = mount.path.display();
        format!(
            "{}\t{path}\t{}\t{},dev={:x}\t{}\n",
            mount.special,
            mount.kind,
            mount.options,
            0x441_0000 + mount.serial,
            mount.time
        )
    };
    mounts.iter().map(line).collect()
}

pub(crate) fn write_whole(path: &Path, text: &[u8]) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).unwrap();
    fs::rename(&beside, path).unwrap();
}
