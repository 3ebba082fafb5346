//! Directories that have to be there: a file system each where what is above is one, else plain ones.

use std::path::{Path, PathBuf};

use crate::host::mounts::Mounts;

use super::record::Made;
use super::{Step, ZoneError};

/// The dataset of a pool that holds its boot environments.
const ROOTS: &str = "ROOT";

/// Who may do what with a directory that zones are in: zoneadm(8) insists that only root writes there.
const MODE: u32 = 0o755;

/// Looks for directories and plans to make those that are missing.
#[derive(Debug)]
pub(super) struct Places {
    mounts: Mounts,
    /// Planned already, and the dataset where it is one.
    planned: Vec<(PathBuf, Option<String>)>,
}

impl Places {
    pub(super) fn look() -> Result<Self, ZoneError> {
        let mounts = Mounts::read().map_err(ZoneError::system(Path::new("/etc/mnttab")))?;
        Ok(Self { mounts, planned: Vec::new() })
    }

    /// Steps that make a directory with all above it, and what is made; nothing when it is there.
    pub(super) fn ensure(&mut self, path: &Path) -> Result<Vec<(Step, Made)>, ZoneError> {
        let mut missing = Vec::new();
        let mut above = path;
        let dataset = loop {
            if let Some((_, dataset)) = self.planned.iter().find(|(planned, _)| planned == above) {
                break dataset.clone();
            }
            match std::fs::symlink_metadata(above) {
                Ok(found) if found.is_dir() => break self.dataset_on(above),
                Ok(_) => return Err(ZoneError::Refused(format!("{}: is no directory", above.display()))),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => missing.push(above),
                Err(error) => return Err(ZoneError::system(above)(error)),
            }
            match above.parent() {
                Some(parent) => above = parent,
                None => return Err(ZoneError::Refused(format!("{}: is no directory", path.display()))),
            }
        };
        let mut steps = Vec::new();
        let mut within = dataset;
        for path in missing.into_iter().rev() {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // Not every name of a directory is one of a dataset.
            within = within.map(|above| format!("{above}/{name}")).filter(|name| is_dataset(name));
            self.planned.push((path.to_owned(), within.clone()));
            steps.push(match &within {
                Some(dataset) => (
                    Step::MakeFileSystem { dataset: dataset.clone(), path: path.to_owned() },
                    Made::FileSystem { dataset: dataset.clone(), path: path.to_owned() },
                ),
                None => (
                    Step::MakeDirectory { path: path.to_owned(), mode: MODE },
                    Made::Directory { path: path.to_owned() },
                ),
            });
        }
        Ok(steps)
    }

    /// From now on only plain directories are made in a directory that was asked for.
    pub(super) fn plain_below(&mut self, path: &Path) {
        self.planned.retain(|(planned, _)| planned != path);
        self.planned.push((path.to_owned(), None));
    }

    /// The file system that is mounted on a directory, unless it is copied with a boot environment.
    fn dataset_on(&self, path: &Path) -> Option<String> {
        let dataset = self.mounts.dataset_on(path)?;
        (dataset.split('/').nth(1) != Some(ROOTS)).then(|| dataset.to_owned())
    }
}

fn is_dataset(name: &str) -> bool {
    name.parse::<crate::host::DatasetName>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_planned_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut places = Places { mounts: Mounts::default(), planned: Vec::new() };
        let count = |places: &mut Places, path: &str| places.ensure(&dir.path().join(path)).unwrap().len();
        assert_eq!(count(&mut places, ""), 0);
        assert_eq!(count(&mut places, "a/b"), 2);
        assert_eq!(count(&mut places, "a/c"), 1);
        assert_eq!(count(&mut places, "a/b"), 0);
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert!(places.ensure(&dir.path().join("file/x")).unwrap_err().to_string().contains("file"));
    }
}
