//! Which stack a zone has, and where its files are.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::Lab;
use super::model::GLOBAL;

/// A running zone.
#[derive(Debug)]
pub(super) struct Found {
    /// The zone whose stack it has: its own, or the global one.
    pub stack: String,
    pub uuid: String,
    pub root: PathBuf,
}

/// A line of /etc/zones/index. Source: `index` of libzonecfg.
#[derive(Debug)]
pub(super) struct Entry {
    pub zonepath: PathBuf,
    pub uuid: String,
}

pub(super) fn entry(lab: &Lab, zone: &str) -> Option<Entry> {
    let index = fs::read_to_string(lab.place("/etc/zones/index")).ok()?;
    let line = index.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|line| line[0] == zone)?;
    let field = |at: usize| line.get(at).copied().unwrap_or_default();
    Some(Entry { zonepath: field(2).into(), uuid: field(3).to_owned() })
}

/// Whether a zone has a stack of its own.
fn exclusive(lab: &Lab, zone: &str) -> bool {
    let text = fs::read_to_string(lab.place(&format!("/etc/zones/{zone}.xml"))).unwrap_or_default();
    text.contains("ip-type=\"exclusive\"")
}

/// A zone that runs; none otherwise.
pub(super) fn of_zone(lab: &Lab, zone: &str) -> Option<Found> {
    if zone == GLOBAL {
        return Some(Found { stack: GLOBAL.to_owned(), uuid: GLOBAL.to_owned(), root: lab.root().to_owned() });
    }
    if !lab.active_zones().iter().any(|(name, state)| name == zone && state == "running") {
        return None;
    }
    let entry = entry(lab, zone)?;
    let stack = if exclusive(lab, zone) { zone } else { GLOBAL };
    Some(Found { stack: stack.to_owned(), uuid: entry.uuid, root: entry.zonepath.join("root") })
}

/// Where an absolute path of a zone is. Symbolic links are those of the zone: what leads out of its root is refused.
pub(super) fn inside(root: &Path, path: &str) -> Option<PathBuf> {
    let place = root.join(path.trim_start_matches('/'));
    let real = place.canonicalize().ok()?;
    real.starts_with(root.canonicalize().ok()?).then_some(real)
}

/// What is in a file of a zone, where it is a regular file of it.
pub(super) fn text(root: &Path, path: &str) -> Option<String> {
    let place = inside(root, path)?;
    place.is_file().then(|| fs::read_to_string(place).ok())?
}
