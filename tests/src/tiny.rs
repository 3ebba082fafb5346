//! Images of a handful of paths, for tests of one thing.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "for tests, which end by panics")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use contents::checksum::Checksum;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

/// When packages were installed.
pub const PACKAGED: i64 = 1_700_000_000;
/// When somebody edited the system.
pub const EDITED: i64 = 1_750_000_000;

/// An image that is being made. Objects are on disk at once, the database with [`Tiny::write`].
#[derive(Debug)]
pub struct Tiny {
    root: PathBuf,
    lines: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Tiny {
    /// What every image has: accounts, and the seed of the service repository.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        let mut tiny = Self { root: root.to_owned(), lines: BTreeMap::new() };
        fs::create_dir_all(root.join("var/sadm/install")).unwrap();
        fs::create_dir_all(root.join("etc/zap/repositories")).unwrap();
        tiny.file("/lib/svc/seed/nonglobal.db", "seed\n");
        tiny.file("/etc/passwd", "root:x:0:0::/root:/sbin/sh\nbin:x:2:2::/:\nlp:x:71:8::/:\n");
        tiny.file("/etc/group", "root::0:\nbin::2:\nsys::3:\nlp::8:\n");
        tiny
    }

    /// One that was made before, to be changed.
    ///
    /// # Panics
    /// Its database cannot be read.
    #[must_use]
    pub fn reopen(root: &Path) -> Self {
        let mut tiny = Self { root: root.to_owned(), lines: BTreeMap::new() };
        let text = fs::read(root.join("var/sadm/install/contents")).unwrap();
        for line in text.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"/")) {
            tiny.line(line);
        }
        tiny
    }

    /// Its root.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Where a path is on disk.
    #[must_use]
    pub fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Adds a line to the database as it stands; its path is what comes before the first blank or `=`.
    pub fn line(&mut self, line: impl AsRef<[u8]>) -> &mut Self {
        let line = line.as_ref();
        let end = line.iter().position(|byte| matches!(byte, b' ' | b'=')).unwrap_or(line.len());
        self.lines.insert(line[..end].to_vec(), line.to_vec());
        self
    }

    /// Makes every account one that the caller can give files to: its own, unless it is root.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn accounts_of_caller(&mut self) -> &mut Self {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        if uid == 0 {
            return self;
        }
        self.put("/etc/passwd", format!("root:x:{uid}:{gid}::/:\nbin:x:{uid}:{gid}::/:\nlp:x:{uid}:{gid}::/:\n"));
        self.put("/etc/group", format!("root::{gid}:\nbin::{gid}:\nsys::{gid}:\nlp::{gid}:\n"))
    }

    /// Takes a path out of the database, and off the disk with all that is below.
    ///
    /// # Panics
    /// It cannot be removed.
    pub fn remove(&mut self, path: &str) -> &mut Self {
        self.lines.retain(|line, _| !contents::database::is_below(line, path.as_bytes()));
        let place = self.at(path);
        match fs::symlink_metadata(&place) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(place).unwrap(),
            Ok(_) => fs::remove_file(place).unwrap(),
            Err(_) => {}
        }
        self
    }

    /// Puts a file on disk that no package owns.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn put(&mut self, path: &str, text: impl AsRef<[u8]>) -> &mut Self {
        let place = self.at(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, text).unwrap();
        fs::set_permissions(&place, Permissions::from_mode(0o644)).unwrap();
        set_time(&place, EDITED);
        self
    }

    /// A packaged file of mode 0644, root:bin.
    pub fn file(&mut self, path: &str, text: &str) -> &mut Self {
        self.put(path, text);
        set_time(&self.at(path), PACKAGED);
        self.line(format!("{path} f none 0644 root bin {} SUNWcs", measures(text)))
    }

    /// A packaged editable file of mode 0640, root:lp, edited since.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn editable(&mut self, path: &str, pristine: &str, live: &str) -> &mut Self {
        self.put(path, live);
        self.put(&format!("/var/sadm/pkg/SUNWcs/save/pspool/SUNWcs/reloc{path}"), pristine);
        self.line(format!("{path} e none 0640 root lp {} SUNWcs", measures(pristine)))
    }

    /// A packaged directory of mode 0755, root:bin.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn directory(&mut self, path: &str) -> &mut Self {
        fs::create_dir_all(self.at(path)).unwrap();
        self.line(format!("{path} d none 0755 root bin SUNWcs"))
    }

    /// A packaged symbolic link.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn link(&mut self, path: &str, target: &str) -> &mut Self {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        symlink(target, self.at(path)).unwrap();
        self.line(format!("{path}={target} s none SUNWcs"))
    }

    /// A package with a script that is run in whole zones.
    ///
    /// # Panics
    /// It cannot be made.
    pub fn postinstall(&mut self, package: &str, script: &str) -> &mut Self {
        let path = format!("/var/sadm/pkg/{package}/save/pspool/{package}/install/postinstall");
        self.put(&path, script);
        fs::set_permissions(self.at(&path), Permissions::from_mode(0o755)).unwrap();
        self.line(format!("/usr/share/{package} f none 0644 root bin {} {package}", measures("")));
        self.put(&format!("/usr/share/{package}"), "")
    }

    /// Writes the database.
    ///
    /// # Panics
    /// It cannot be written.
    pub fn write(&self) -> &Self {
        let mut text: Vec<u8> = self.lines.values().flat_map(|line| line.iter().copied().chain([b'\n'])).collect();
        text.extend_from_slice(b"# Last modified by pkgadd for SUNWcs package\n# Tue Nov 14 22:13:20 2023\n");
        let place = self.at("/var/sadm/install/contents");
        fs::write(&place, text).unwrap();
        set_time(&place, PACKAGED);
        self
    }
}

/// Size, checksum and time, as they stand in the database.
#[must_use]
pub fn measures(text: &str) -> String {
    let mut sum = Checksum::new();
    sum.update(text.as_bytes());
    format!("{} {} {PACKAGED}", text.len(), sum.finish())
}

/// Sets the modification time of an object, not of what it points to.
///
/// # Panics
/// It cannot be set.
pub fn set_time(place: &Path, seconds: i64) {
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    utimensat(CWD, place, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// A path from bytes.
#[must_use]
pub fn path_of(bytes: &[u8]) -> PathBuf {
    OsStr::from_bytes(bytes).into()
}
