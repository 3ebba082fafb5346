//! What is mounted: `/etc/mnttab`, which the kernel writes. Source: mnttab(5).

use std::io;
use std::path::{Path, PathBuf};

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted: a dataset, a directory.
    pub special: String,
    /// Where.
    pub path: PathBuf,
    /// The type of file system, such as `zfs` or `lofs`.
    pub kind: String,
}

/// The table, in the order of mounting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mounts(Vec<Mount>);

impl Mounts {
    /// Reads the table of this host. A system without one has no mounts of illumos.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read() -> io::Result<Self> {
        let place = super::place("/etc/mnttab");
        match std::fs::read_to_string(&place) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", place.display()))),
        }
    }

    /// `special <tab> mount point <tab> type <tab> options <tab> time`.
    fn parse(text: &str) -> Self {
        let parse = |line: &str| {
            let mut fields = line.split('\t');
            let (special, path, kind) = (fields.next()?, fields.next()?, fields.next()?);
            Some(Mount { special: special.to_owned(), path: path.into(), kind: kind.to_owned() })
        };
        Self(text.lines().filter_map(parse).collect())
    }

    /// What is mounted on a path; of several, the one that is seen.
    #[must_use]
    pub fn on(&self, path: &Path) -> Option<&Mount> {
        self.0.iter().rev().find(|mount| mount.path == path)
    }

    /// The ZFS dataset that is mounted on a path and seen there.
    #[must_use]
    pub fn dataset_on(&self, path: &Path) -> Option<&str> {
        self.on(path).filter(|mount| mount.kind == "zfs").map(|mount| mount.special.as_str())
    }

    /// Where a dataset is mounted.
    #[must_use]
    pub fn place_of(&self, dataset: &str) -> Option<&Path> {
        let is_it = |mount: &&Mount| mount.kind == "zfs" && mount.special == dataset;
        self.0.iter().rev().find(is_it).map(|mount| mount.path.as_path())
    }

    /// Everything that is mounted below a path, the path itself left out.
    pub fn below<'m>(&'m self, path: &'m Path) -> impl Iterator<Item = &'m Mount> {
        self.0.iter().filter(move |mount| mount.path != path && mount.path.starts_with(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_mount_on_a_path_is_the_one_that_is_seen() {
        let text = "rpool/ROOT/a\t/\tzfs\tdev=1\t0\n/devices\t/devices\tdevfs\tdev=2\t1\n\
                    rpool/zones/z1\t/zones/z1\tzfs\trw\t2\nrpool/zones/z1/ROOT/zbe\t/zones/z1/root\tzfs\trw\t3\n\
                    /usr\t/zones/z1/root/usr\tlofs\tro\t4\n/x\t/zones/z1\tlofs\tro\t5\nshort\n";
        let mounts = Mounts::parse(text);
        assert_eq!(mounts.on(Path::new("/zones/z1")).map(|mount| mount.kind.as_str()), Some("lofs"));
        assert_eq!(mounts.dataset_on(Path::new("/zones/z1")), None);
        assert_eq!(mounts.dataset_on(Path::new("/zones/z1/root")), Some("rpool/zones/z1/ROOT/zbe"));
        assert_eq!(mounts.place_of("rpool/zones/z1"), Some(Path::new("/zones/z1")));
        let below: Vec<_> = mounts.below(Path::new("/zones/z1/root")).map(|mount| mount.special.as_str()).collect();
        assert_eq!(below, ["/usr"]);
        assert!(mounts.on(Path::new("/zones/z")).is_none());
    }
}
