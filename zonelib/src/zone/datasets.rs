//! Which datasets other zones have, and which the host itself needs.

use std::path::{Path, PathBuf};

use crate::brand::golden::HOLDER;
use crate::config::{self, ZoneConfig, ZoneName};
use crate::host::mounts::Mounts;
use crate::host::zfs::{Datasets, Kind};
use crate::host::{self, DatasetName};
use crate::journal::StateDir;

use super::ZoneError;
use super::plan::DATA;

/// The dataset of a pool that holds its boot environments. Source: beadm(8).
const ROOTS: &str = "ROOT";
/// Where volumes are devices. Source: zfs(8).
const VOLUMES: [&str; 3] = ["/dev/zvol/rdsk/", "/dev/zvol/dsk/", "/dev/zvol/*dsk/"];

/// Whether one of two datasets is the other, or holds it.
fn overlap(one: &str, other: &str) -> bool {
    is_within(one, other) || is_within(other, one)
}

/// Whether a dataset, or a snapshot, is another one or lies in it.
pub(super) fn is_within(dataset: &str, above: &str) -> bool {
    dataset.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '@']))
}

/// What zones administer, mount or have as disks, by their configurations.
#[derive(Debug, Default)]
pub(super) struct Claims {
    known: Vec<(ZoneName, String)>,
    /// Zones whose configuration cannot be read.
    pub(super) unread: Vec<ZoneName>,
}

impl Claims {
    /// Those of all zones of the host but these.
    ///
    /// # Errors
    /// [`ZoneError`]: it is not known what zones there are.
    pub(super) fn look(but: &[&ZoneName]) -> Result<Self, ZoneError> {
        let index = config::index().map_err(ZoneError::system(Path::new("/etc/zones/index")))?;
        let mut claims = Self::default();
        for zone in index.into_iter().map(|zone| zone.name).filter(|name| !but.contains(&name)) {
            match ZoneConfig::read(&config::file(&zone)) {
                Ok(config) => claims.known.extend(claimed(&config).into_iter().map(|name| (zone.clone(), name))),
                Err(_) => claims.unread.push(zone),
            }
        }
        Ok(claims)
    }

    /// A zone that has a dataset, one above it or one below it, and which one.
    pub(super) fn of(&self, dataset: &str) -> Option<(&ZoneName, &str)> {
        let found = self.known.iter().find(|(_, claimed)| overlap(claimed, dataset));
        found.map(|(zone, claimed)| (zone, claimed.as_str()))
    }
}

fn claimed(config: &ZoneConfig) -> Vec<String> {
    let mut names: Vec<String> = config.datasets.iter().map(ToString::to_string).collect();
    for device in &config.devices {
        let Some(volume) = VOLUMES.iter().find_map(|above| device.strip_prefix(above)) else { continue };
        // A pattern may be about everything in the dataset that it begins with.
        let name = match volume.split_once(['*', '?', '[']) {
            Some((plain, _)) => plain.rsplit_once('/').map_or("", |(above, _)| above),
            None => volume,
        };
        names.push(name.to_owned());
    }
    let mounted = config.filesystems.iter().map(|one| &one.special).filter(|special| !special.starts_with('/'));
    names.extend(mounted.cloned());
    names.retain(|name| !name.is_empty());
    names
}

/// What the host keeps for itself.
#[derive(Debug)]
pub(super) struct Reserved {
    mounts: Mounts,
    /// Directories, with what each is for people, and whether all that is in their file system is of that.
    places: Vec<(PathBuf, String, bool)>,
    /// Datasets, with what each is.
    datasets: Vec<(String, String)>,
}

impl Reserved {
    /// What is kept beside zones that are to be made in a directory.
    ///
    /// # Errors
    /// [`ZoneError`]: it is not known what is mounted, or what zones there are.
    pub(super) fn look(state: &StateDir, zones: &Path, made: &[&ZoneName]) -> Result<Self, ZoneError> {
        let mounts = Mounts::read().map_err(ZoneError::system(Path::new("/etc/mnttab")))?;
        let index = config::index().map_err(ZoneError::system(Path::new("/etc/zones/index")))?;
        let mut places: Vec<(PathBuf, String, bool)> = vec![
            (host::place("/"), "the root of the host".to_owned(), false),
            (state.path().to_owned(), "the records of zonekit".to_owned(), true),
            (host::place(DATA), "the directories of zones".to_owned(), true),
        ];
        let mut datasets = Vec::new();
        let zonepath = |zone: &ZoneName| format!("the zonepath of zone `{zone}`");
        places.extend(index.iter().map(|zone| (zone.zonepath.clone(), zonepath(&zone.name), true)));
        let above = index.iter().filter_map(|zone| zone.zonepath.parent()).chain([zones]);
        for above in above {
            if let Some(dataset) = mounts.dataset_on(above) {
                datasets.push((format!("{dataset}/{HOLDER}"), "the golden images of zones".to_owned()));
            }
        }
        if let Some(dataset) = mounts.dataset_on(zones) {
            datasets.extend(made.iter().map(|zone| (format!("{dataset}/{zone}"), zonepath(zone))));
            // A whole pool may be mounted there, with more than zones in it.
            let whole = dataset.contains('/');
            places.push((zones.to_owned(), "the directory of zonepaths".to_owned(), whole));
        } else {
            places.push((zones.to_owned(), "the directory of zonepaths".to_owned(), false));
        }
        Ok(Self { mounts, places, datasets })
    }

    /// Why a dataset cannot be given away, with what to do.
    ///
    /// # Errors
    /// [`ZoneError`]: ZFS does not say what is in it.
    pub(super) fn refuses(&self, name: &DatasetName) -> Result<Option<String>, ZoneError> {
        let dataset = name.as_str();
        let refuse =
            |what: &str| Some(format!("`{dataset}` cannot be handed to a zone: {what}; choose another dataset"));
        if dataset.split('/').nth(1) == Some(ROOTS) {
            return Ok(refuse("boot environments of the host are there"));
        }
        if let Some((held, what)) =
            self.datasets.iter().find(|(held, _)| overlap(held, dataset) && dataset.contains('/'))
        {
            // One that is not there yet is only in the way of itself and of what is in it.
            if is_within(dataset, held) || Datasets::only(held)?.is_some() {
                return Ok(refuse(&format!("`{held}` is for {what}")));
            }
        }
        for (path, what, whole) in &self.places {
            let holder = path.ancestors().find_map(|above| Some((above, self.mounts.dataset_on(above)?)));
            let Some((above, holder)) = holder else { continue };
            let in_it = *whole && above == path && is_within(dataset, holder);
            if in_it || is_within(holder, dataset) {
                return Ok(refuse(&format!("`{holder}` holds {what} ({})", path.display())));
            }
        }
        let below = Datasets::below(name)?.unwrap_or_default();
        for found in below.descendants(dataset).filter(|found| found.kind == Kind::FileSystem) {
            if found.name.split('/').nth(1) == Some(ROOTS) {
                return Ok(refuse("boot environments of the host are in it"));
            }
            if let Some(path) = self.mounts.place_of(&found.name) {
                let (inner, path) = (&found.name, path.display());
                return Ok(Some(format!(
                    "`{dataset}` cannot be handed to a zone: `{inner}` in it is mounted on {path}; `zfs unmount {inner}` \
                     first, or choose another dataset"
                )));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datasets_overlap_by_whole_components() {
        for (one, other, expected) in [
            ("rpool/a", "rpool/a", true),
            ("rpool/a", "rpool/a/b", true),
            ("rpool/a/b", "rpool", true),
            ("rpool/a", "rpool/ab", false),
            ("rpool/a/b", "rpool/a/c", false),
        ] {
            assert_eq!(overlap(one, other), expected, "{one} {other}");
        }
        assert!(is_within("rpool/a@s", "rpool/a") && !is_within("rpool/a", "rpool/a@s"));
    }
}
