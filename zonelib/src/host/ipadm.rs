//! Interfaces and addresses of the global zone, as ipadm(8) lets one have them.

use std::net::IpAddr;

use ipnet::IpNet;

use super::parsable::{self, ListError};
use super::{HostCommand, HostError, LinkName};

const IPADM: &str = "/usr/sbin/ipadm";

/// An interface of the global zone, with or without addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name, that of its link as a rule.
    pub name: String,
    /// `ok`, `down`, `disabled`, ...
    pub state: String,
}

/// How an address came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressKind {
    /// Somebody set it.
    Static,
    /// DHCP.
    Dhcp,
    /// IPv6 autoconfiguration.
    Autoconfigured,
    /// The global zone gave it to a zone.
    FromGlobal,
    /// Something newer.
    Other,
}

/// An address of this host; those of running zones with a shared stack are among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `INTERFACE/NAME`; the name is `?` when ipadm(8) has not made it.
    pub object: String,
    /// How it came to be.
    pub kind: AddressKind,
    /// The address, and the length of its network's prefix.
    pub address: IpAddr,
    /// In bits.
    pub length: Option<u8>,
}

impl Address {
    /// The interface that it is on.
    #[must_use]
    pub fn interface(&self) -> &str {
        self.object.split_once('/').map_or(&self.object, |(interface, _)| interface)
    }

    /// The network that it is in, when that is known.
    #[must_use]
    pub fn network(&self) -> Option<IpNet> {
        IpNet::new(self.address, self.length?).ok().map(|net| net.trunc())
    }
}

/// All interfaces of the global zone.
///
/// # Errors
/// [`ListError`].
pub fn interfaces() -> Result<Vec<Interface>, ListError> {
    parsable::list(&HostCommand::new(IPADM).args(["show-if", "-p", "-o", "ifname,state"]), |line| {
        let [name, state] = parsable::fields(line)?;
        (!name.is_empty()).then_some(Interface { name, state })
    })
}

/// All addresses of the global zone that are set now.
///
/// # Errors
/// [`ListError`].
pub fn addresses() -> Result<Vec<Address>, ListError> {
    let ipadm = HostCommand::new(IPADM).args(["show-addr", "-p", "-o", "addrobj,type,state,addr"]);
    Ok(parsable::list(&ipadm, address)?.into_iter().flatten().collect())
}

/// `Some(None)` is an address object that has no address yet.
fn address(line: &str) -> Option<Option<Address>> {
    let [object, kind, state, text] = parsable::fields(line)?;
    let kind = match kind.as_str() {
        "static" => AddressKind::Static,
        "dhcp" => AddressKind::Dhcp,
        "addrconf" => AddressKind::Autoconfigured,
        "from-gz" => AddressKind::FromGlobal,
        _ => AddressKind::Other,
    };
    if state == "disabled" || matches!(text.as_str(), "" | "?") {
        return Some(None);
    }
    // A point-to-point address is `HERE->THERE`.
    let here = text.split("->").next()?;
    let (address, length) = match here.split_once('/') {
        Some((address, length)) => (address, Some(length.parse().ok()?)),
        None => (here, None),
    };
    let address = address.split('%').next()?;
    Some(Some(Address { object, kind, address: address.parse().ok()?, length }))
}

/// The command that plumbs an interface without an address.
#[must_use]
pub fn create_interface(name: &LinkName) -> HostCommand {
    HostCommand::new(IPADM).arg("create-if").arg(name.as_str())
}

/// The command that takes away an interface, and its addresses.
#[must_use]
pub fn delete_interface(name: &LinkName) -> HostCommand {
    HostCommand::new(IPADM).arg("delete-if").arg(name.as_str())
}

/// The command that sets an address, and plumbs the interface if need be.
#[must_use]
pub fn create_address(interface: &LinkName, label: &str, address: IpNet) -> HostCommand {
    let ipadm = HostCommand::new(IPADM).args(["create-addr", "-T", "static", "-a"]);
    ipadm.arg(format!("local={address}")).arg(format!("{interface}/{label}"))
}

/// The command that has an interface give itself IPv6 addresses: a static one wants a link-local one first.
#[must_use]
pub fn create_autoconfiguration(interface: &LinkName, label: &str) -> HostCommand {
    HostCommand::new(IPADM).args(["create-addr", "-T", "addrconf"]).arg(format!("{interface}/{label}"))
}

/// The command that takes away an address.
#[must_use]
pub fn delete_address(interface: &LinkName, label: &str) -> HostCommand {
    HostCommand::new(IPADM).arg("delete-addr").arg(format!("{interface}/{label}"))
}

/// Whether ipadm(8) refused because there is something of that name.
#[must_use]
pub fn exists_already(error: &HostError) -> bool {
    error.says("already exists")
}

/// Whether ipadm(8) refused because there is nothing of that name.
#[must_use]
pub fn is_missing(error: &HostError) -> bool {
    error.says("does not exist") || error.says("not found")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_addresses() {
        let found = address("net0/v4:static:ok:192.0.2.10/24").unwrap().unwrap();
        assert_eq!((found.interface(), found.kind, found.length), ("net0", AddressKind::Static, Some(24)));
        assert_eq!(found.network(), Some("192.0.2.0/24".parse().unwrap()));
        let found = address(r"net0/v6:addrconf:ok:fe80\:\:8\:20ff\:fe04\:50f/10").unwrap().unwrap();
        assert_eq!((found.address, found.length), ("fe80::8:20ff:fe04:50f".parse().unwrap(), Some(10)));
        let found = address("ip.tun0/?:static:ok:10.0.0.1->10.0.0.2").unwrap().unwrap();
        assert_eq!((found.address, found.length), ("10.0.0.1".parse().unwrap(), None));
        assert_eq!(address("net1/d:dhcp:down:?").unwrap(), None);
        assert_eq!(address("net1/d:dhcp:disabled:").unwrap(), None);
        assert!(address("net0/v4:static:ok").is_none());
        assert!(address("net0/v4:static:ok:nonsense/24").is_none());
    }
}
