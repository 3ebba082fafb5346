//! The lab: a pretend illumos host in a directory.
//!
//! Stand-ins for commands of illumos are one program, installed under the names of the commands below
//! the host's root. Programs that are built with the feature `lab` find them there through
//! `$ZONEKIT_LAB`. The stand-ins are strict: they keep state, and refuse what the command refuses, with
//! its exit status.

pub mod zone;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The pretend host.
#[derive(Clone, Debug)]
pub struct Lab {
    root: PathBuf,
}

impl Lab {
    /// The host whose root is `root`.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The host that a command belongs to, told by the absolute path by which it was called, such as
    /// `ROOT/usr/sbin/zfs`; and the command's name.
    #[must_use]
    pub fn of_command(called: &Path) -> Option<(Self, String)> {
        let name = called.file_name()?.to_str()?.to_owned();
        let root = called.ancestors().find(|above| above.join(".lab").is_dir())?;
        Some((Self::at(root), name))
    }

    /// Its root directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where one of its own files is, such as `/etc/mnttab`.
    #[must_use]
    pub fn place(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }
}

/// Runs the stand-in for the command of this name, and gives its exit status.
#[must_use]
pub fn command(lab: &Lab, name: &str, arguments: &[OsString]) -> u8 {
    match name {
        "zoneadm" => zone::zoneadm(lab, arguments),
        "zonecfg" => zone::zonecfg(lab, arguments),
        "zlogin" => zone::zlogin(lab, arguments),
        _ => {
            eprintln!("the lab has no `{name}`");
            127
        }
    }
}
