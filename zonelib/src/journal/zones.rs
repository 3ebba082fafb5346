//! Undoing what was done to zones by zoneadm(8) and zonecfg(8). A zone that does not say that the operation
//! has made it is somebody else's, whatever its name.

use crate::config::command::{self, was_made_by};
use crate::config::{self, ZoneName};
use crate::host::HostCommand;

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
