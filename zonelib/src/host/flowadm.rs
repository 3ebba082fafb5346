//! Limits on what goes through a link, as flowadm(8) keeps them.

use std::net::IpAddr;

use super::{HostCommand, HostError, LinkName};

const FLOWADM: &str = "/usr/sbin/flowadm";

/// The command that adds a flow of what is from and to an address, with properties such as `maxbw=5M`.
#[must_use]
pub fn add_flow(name: &str, link: &LinkName, address: IpAddr, properties: &[String]) -> HostCommand {
    let flowadm = HostCommand::new(FLOWADM).args(["add-flow", "-l", link.as_str(), "-a"]);
    flowadm.arg(format!("local_ip={address}")).arg("-p").arg(properties.join(",")).arg(name)
}

/// The command that takes a flow away.
#[must_use]
pub fn remove_flow(name: &str) -> HostCommand {
    HostCommand::new(FLOWADM).arg("remove-flow").arg(name)
}

/// Whether flowadm(8) refused because there is something of that name.
#[must_use]
pub fn exists_already(error: &HostError) -> bool {
    error.says("already exists")
}

/// Whether flowadm(8) refused because there is nothing of that name.
#[must_use]
pub fn is_missing(error: &HostError) -> bool {
    error.says("not found")
}
