//! What a test sees of the host: one dataset, or all at once as a value to compare.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use super::Lab;
use super::state::{Host, Kind};
use super::zfs::{Target, value};

/// A dataset as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetView {
    /// The properties set on it, user properties among them.
    pub local: BTreeMap<String, String>,
    /// Where it is mounted.
    pub mounted: Option<PathBuf>,
    /// The names of its snapshots, the oldest first.
    pub snapshots: Vec<String>,
    /// The snapshot that it is a clone of.
    pub origin: Option<String>,
    /// The properties that were asked for, wherever they come from: value and source.
    values: BTreeMap<String, (String, String)>,
}

impl DatasetView {
    /// The value of a property that the dataset, or one above it, has.
    #[must_use]
    pub fn value(&self, property: &str) -> Option<&str> {
        self.values.get(property).map(|(text, _)| text.as_str())
    }

    /// Where the value of a property comes from, as `zfs get` says it.
    #[must_use]
    pub fn source(&self, property: &str) -> Option<&str> {
        self.values.get(property).map(|(_, source)| source.as_str())
    }
}

/// All pools, mounts and the network of a host, without what differs from run to run: numbers and times. It can be
/// printed, compared, and its lines be told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshotted {
    lines: BTreeSet<String>,
}

impl Snapshotted {
    /// Its lines.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// What is in one of the two alone: `-` what is in this one, `+` what is in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> String {
        let mut text = String::new();
        for line in self.lines.difference(&other.lines) {
            let _ = writeln!(text, "- {line}");
        }
        for line in other.lines.difference(&self.lines) {
            let _ = writeln!(text, "+ {line}");
        }
        text
    }
}

impl std::fmt::Display for Snapshotted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

const SHOWN: [&str; 7] = ["mountpoint", "canmount", "zoned", "readonly", "sharenfs", "sharesmb", "type"];

impl Lab {
    /// A dataset, or none where there is none of this name.
    #[must_use]
    pub fn dataset(&self, name: &str) -> Option<DatasetView> {
        self.transact(|host| {
            let dataset = host.state.datasets.get(name)?;
            let mut names: BTreeSet<&str> = SHOWN.into_iter().collect();
            for each in host.state.datasets.iter().filter(|(above, _)| super::state::is_in(name, above)) {
                names.extend(each.1.local.keys().chain(each.1.received.keys()).map(String::as_str));
            }
            let target = Target::Dataset(name.to_owned());
            let found = |property: &str| value(host, &target, property, false);
            let values = names.into_iter().filter_map(|property| {
                let (text, source) = found(property)?;
                Some((property.to_owned(), (text, source.text())))
            });
            Some(DatasetView {
                local: dataset.local.clone(),
                mounted: host.state.mount_of(name).map(|index| host.state.mounts[index].path.clone()),
                snapshots: dataset.snapshots.iter().map(|snapshot| snapshot.name.clone()).collect(),
                origin: dataset.origin.clone(),
                values: values.collect(),
            })
        })
        .0
    }

    /// The names of all datasets and snapshots.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let state = self.state();
        let all = state.datasets.iter().flat_map(|(name, dataset)| {
            let snapshots = dataset.snapshots.iter().map(move |snapshot| format!("{name}@{}", snapshot.name));
            [name.clone()].into_iter().chain(snapshots)
        });
        all.collect()
    }

    /// What is stored where no path of the host leads: the content of datasets that are not mounted, and
    /// what stands below mounts. Each with a name for people.
    #[must_use]
    pub fn hidden(&self) -> Vec<(String, PathBuf)> {
        let root = self.root().display().to_string();
        let see = |host: &mut Host| {
            let state = &host.state;
            let unmounted = state.datasets.iter().filter(|(name, _)| state.mount_of(name).is_none());
            let stored = unmounted.map(|(name, dataset)| (format!("in {name}"), host.store(dataset.id)));
            let covered = state.mounts.iter().filter(|mount| mount.content.is_some()).map(|mount| {
                let path = mount.path.display().to_string().replace(&root, "");
                (format!("below {path}"), self.own("under").join(mount.serial.to_string()))
            });
            stored.chain(covered).filter(|(_, place)| place.exists()).collect()
        };
        self.transact(see).0
    }

    /// All that the host knows of its pools, its mounts and its network, but for the properties of these names.
    #[must_use]
    pub fn snapshot_of_state(&self, ignored: &[&str]) -> Snapshotted {
        let root = self.root().display().to_string();
        let lines = self.transact(|host| lines(host, ignored)).0;
        Snapshotted { lines: lines.into_iter().map(|line| line.replace(&root, "ROOT")).collect() }
    }
}

fn lines(host: &Host, ignored: &[&str]) -> Vec<String> {
    let state = &host.state;
    let mut all = Vec::new();
    for (name, dataset) in &state.datasets {
        let kind = if dataset.kind == Kind::Volume { "volume" } else { "filesystem" };
        all.push(format!("{kind} {name} origin={}", dataset.origin.as_deref().unwrap_or("-")));
        for (source, values) in [("local", &dataset.local), ("received", &dataset.received)] {
            for (property, text) in values.iter().filter(|(property, _)| !ignored.contains(&property.as_str())) {
                all.push(format!("property {name} {property}={text} ({source})"));
            }
        }
        for snapshot in &dataset.snapshots {
            all.push(format!("snapshot {name}@{} holds={:?}", snapshot.name, snapshot.holds));
            for (property, text) in snapshot.local.iter().filter(|(property, _)| !ignored.contains(&property.as_str()))
            {
                all.push(format!("property {name}@{} {property}={text} (local)", snapshot.name));
            }
        }
    }
    let mounts = state.mounts.iter();
    all.extend(mounts.map(|mount| format!("mount {} on {} type {}", mount.special, mount.path.display(), mount.kind)));
    all.extend(super::net::lines(state));
    all
}
