//! Undoing what was done to zones by zoneadm(8) and zonecfg(8). A zone that does not say that the operation
//! has made it is somebody else's, whatever its name.

use std::io;
use std::path::Path;

use crate::config::command::{self, was_made_by};
use crate::config::{self, ZoneName};
use crate::host::{HostCommand, HostError};
use crate::root::Tree;

use super::UndoError;

/// Where zoneadm(8) is.
const ZONEADM: &str = "/usr/sbin/zoneadm";

/// Halts a zone and uninstalls it, where it has got that far.
pub(super) fn uninstall(zone: &ZoneName, operation: &str) -> Result<(), UndoError> {
    match state(zone)? {
        Some(state) if state != "configured" && was_made_by(zone, operation)? => take_down(zone, &state),
        _ => Ok(()),
    }
}

/// Deletes the configuration of a zone.
pub(super) fn delete(zone: &ZoneName, operation: &str) -> Result<(), UndoError> {
    match state(zone)? {
        // zonecfg would delete that of an installed zone too, which would be lost then.
        Some(state) if state == "configured" && was_made_by(zone, operation)? => Ok(command::delete(zone)?),
        _ => Ok(()),
    }
}

fn take_down(zone: &ZoneName, state: &str) -> Result<(), UndoError> {
    let zoneadm = || HostCommand::new(ZONEADM).args(["-z", zone.as_str()]);
    // One that is not whole does not run. One that is may have been halted already, which is no error.
    if state == "installed" {
        zoneadm().arg("halt").run()?;
    }
    Ok(zoneadm().args(["uninstall", "-F"]).run().map(drop)?)
}

fn state(zone: &ZoneName) -> Result<Option<String>, UndoError> {
    let path = "/etc/zones/index".into();
    let index = config::index().map_err(|source| UndoError::System { path, source })?;
    Ok(index.into_iter().find(|found| found.name == *zone).map(|found| found.state))
}

/// A root or a directory that has gone, or that is a link now, has no such file.
pub(super) fn remove_beneath(root: &Path, path: &str) -> io::Result<()> {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let removed = Tree::open(root).and_then(|tree| tree.open_dir(parent.as_bytes()));
    match removed.and_then(|folder| folder.remove_file(name.as_bytes())) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => Ok(()),
        removed => removed,
    }
}

/// dnsmasq(8) reads hosts and leases again when it is hung up. One that does not run has nothing to read.
pub(crate) fn reread_names(zone: &str) -> Result<(), HostError> {
    let pkill = HostCommand::new("/usr/bin/pkill").args(["-HUP", "-x", "-z", zone, "dnsmasq"]);
    match pkill.run() {
        // 1: there is no such process; 2: there is no such zone now.
        Err(HostError::Failed { .. }) => Ok(()),
        done => done.map(drop),
    }
}
