//! The lab: a pretend illumos host in a directory.
//!
//! Stand-ins for commands of illumos are one program, installed under the names of the commands below
//! the host's root. Programs that are built with the feature `lab` find them there through
//! `$ZONEKIT_LAB`. The stand-ins are strict: they keep state, and refuse what the command refuses, with
//! its exit status.
//!
//! Each call is written down and may be made to go wrong ([`Lab::fault`]), but for those by the second
//! set of names in `.lab/bin`, which the lab and its tests use.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "for tests, which end by panics")]

mod faults;
mod host;
mod machine;
mod mounting;
mod net;
mod options;
mod packages;
mod services;
mod state;
mod tree;
mod view;
mod zfs;

pub mod zone;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::process::Signal;

use self::faults::Course;
pub use self::faults::{Call, Fault};
pub use self::net::packets::{Packets, Server};
pub(crate) use self::tree::copy_all as copy_tree;
pub use self::view::{DatasetView, Snapshotted};

/// The pretend host.
#[derive(Clone, Debug)]
pub struct Lab {
    root: PathBuf,
    /// Called by a name that is not accounted for.
    quiet: bool,
}

impl Lab {
    /// The host whose root is `root`.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), quiet: false }
    }

    /// The host that a command belongs to, told by the absolute path by which it was called, such as
    /// `ROOT/usr/sbin/zfs`; and the command's name.
    #[must_use]
    pub fn of_command(called: &Path) -> Option<(Self, String)> {
        let name = called.file_name()?.to_str()?.to_owned();
        let root = called.ancestors().find(|above| above.join(".lab").is_dir())?;
        let quiet = called.parent() == Some(&root.join(".lab/bin"));
        Some((Self { root: root.to_owned(), quiet }, name))
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
    let start = Instant::now();
    let status = accounted(lab, name, arguments);
    if !lab.quiet {
        lab.spend(start.elapsed());
    }
    status
}

fn accounted(lab: &Lab, name: &str, arguments: &[OsString]) -> u8 {
    let course = if lab.quiet { Course::Go } else { lab.account(name, arguments) };
    match course {
        Course::Go => perform(lab, name, arguments),
        Course::GoAndKill => {
            let status = perform(lab, name, arguments);
            faults::signal_caller(Signal::KILL);
            status
        }
        Course::Fail => {
            eprintln!("{name}: the lab was told to let this call fail");
            1
        }
        Course::End => 137,
    }
}

fn perform(lab: &Lab, name: &str, arguments: &[OsString]) -> u8 {
    if let Some(status) = net::command(lab, None, name, arguments) {
        return status;
    }
    match name {
        "zfs" => zfs::zfs(lab, arguments),
        "mount" => mounting::mount(lab, arguments),
        "umount" => mounting::umount(lab, arguments),
        "beadm" => host::beadm(lab, arguments),
        "svccfg" => {
            let properties = net::properties_of_services(lab, None, arguments);
            properties.unwrap_or_else(|| services::svccfg(lab, arguments))
        }
        "pkgadm" => packages::pkgadm(lab, arguments),
        "zap" => packages::zap(lab, arguments),
        "zonename" => {
            println!("global");
            0
        }
        "zoneadm" => zone::zoneadm(lab, arguments),
        "zonecfg" => zone::zonecfg(lab, arguments),
        "zlogin" => zone::zlogin(lab, arguments),
        "prtconf" => machine::prtconf(arguments),
        "psrinfo" => machine::psrinfo(arguments),
        _ => {
            eprintln!("the lab has no `{name}`");
            127
        }
    }
}
