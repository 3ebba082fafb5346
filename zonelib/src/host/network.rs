//! Changes to the network of this host. Each has an opposite, and may be made again.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::parsable::ListError;
use super::{HostCommand, HostError, LinkName, MacAddress, VlanId, dladm, flowadm, ipadm, routes};

/// One change to links, interfaces, addresses, flows or routes of the global zone, in one command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case", deny_unknown_fields)]
pub enum NetworkChange {
    /// Make an etherstub.
    CreateEtherstub {
        /// Its name.
        link: LinkName,
    },
    /// Take away an etherstub that nothing is on.
    DeleteEtherstub {
        /// Its name.
        link: LinkName,
        /// The size of its packets where that is not the usual one, for one that is made anew.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mtu: Option<u32>,
    },
    /// Set the bytes of the largest packet of a link that is new.
    SetMtu {
        /// The link.
        link: LinkName,
        /// Bytes.
        mtu: u32,
    },
    /// Make a vnic.
    CreateVnic {
        /// Its name.
        link: LinkName,
        /// The link that it is on.
        over: LinkName,
        /// Its Ethernet address.
        mac: MacAddress,
        /// The VLAN of that link that it is in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        vlan: Option<VlanId>,
    },
    /// Take away a vnic: the one with this Ethernet address and VLAN, and no other of its name.
    DeleteVnic {
        /// Its name.
        link: LinkName,
        /// The link that it is on.
        over: LinkName,
        /// Its Ethernet address.
        mac: MacAddress,
        /// The VLAN of that link that it is in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        vlan: Option<VlanId>,
    },
    /// Plumb an interface without an address.
    CreateInterface {
        /// The link.
        link: LinkName,
    },
    /// Take away an interface.
    DeleteInterface {
        /// The link.
        link: LinkName,
    },
    /// Set an address.
    CreateAddress {
        /// The interface.
        link: LinkName,
        /// What ipadm(8) calls it, after the slash.
        label: String,
        /// The address, with the length of its network.
        address: IpNet,
    },
    /// Take away an address.
    DeleteAddress {
        /// The interface.
        link: LinkName,
        /// What ipadm(8) calls it, after the slash.
        label: String,
        /// The address, with the length of its network.
        address: IpNet,
    },
    /// Have an interface give itself IPv6 addresses.
    CreateAutoconfiguration {
        /// The interface.
        link: LinkName,
        /// What ipadm(8) calls it, after the slash.
        label: String,
    },
    /// Have it give itself none.
    DeleteAutoconfiguration {
        /// The interface.
        link: LinkName,
        /// What ipadm(8) calls it, after the slash.
        label: String,
    },
    /// Limit what goes through a link.
    AddFlow {
        /// What the flow is called.
        name: String,
        /// The link.
        link: LinkName,
        /// The address whose packets are meant.
        address: IpAddr,
        /// Such as `maxbw=5M`.
        properties: Vec<String>,
    },
    /// Limit it no more.
    RemoveFlow {
        /// What the flow is called.
        name: String,
        /// The link.
        link: LinkName,
        /// The address whose packets are meant.
        address: IpAddr,
        /// Such as `maxbw=5M`.
        properties: Vec<String>,
    },
    /// Add a route, now and for every boot.
    AddRoute {
        /// Where it leads.
        destination: IpNet,
        /// Whom packets are given to.
        gateway: IpAddr,
    },
    /// Take away a route.
    DeleteRoute {
        /// Where it leads.
        destination: IpNet,
        /// Whom packets are given to.
        gateway: IpAddr,
    },
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The command could not be run, or refused.
    #[error(transparent)]
    Host(#[from] HostError),
    /// It cannot be seen whether it has been made.
    #[error(transparent)]
    List(#[from] ListError),
    /// A link of that name is another one.
    #[error("`{link}` is another link than the one that is meant: it is on `{over}`; see what it is for")]
    Other {
        /// The link.
        link: LinkName,
        /// What it is on.
        over: String,
    },
}

impl ChangeError {
    /// The host has something of that name, so that nothing was made.
    #[must_use]
    pub fn exists_already(&self) -> bool {
        match self {
            Self::Host(error) => dladm::exists_already(error) || ipadm::exists_already(error) || entry_exists(error),
            Self::Other { .. } => true,
            Self::List(_) => false,
        }
    }
}

/// Of route(8), which says it on standard output: its status is `EEXIST`.
fn entry_exists(error: &HostError) -> bool {
    error.says("entry exists") || error.status() == Some(17)
}

impl NetworkChange {
    /// The command that makes it.
    #[must_use]
    pub fn command(&self) -> HostCommand {
        match self {
            Self::CreateEtherstub { link } => dladm::create_etherstub(link),
            Self::DeleteEtherstub { link, .. } => dladm::delete_etherstub(link),
            Self::SetMtu { link, mtu } => dladm::set_mtu(link, *mtu),
            Self::CreateVnic { link, over, mac, vlan } => dladm::create_vnic(link, over, *mac, *vlan),
            Self::DeleteVnic { link, .. } => dladm::delete_vnic(link),
            Self::CreateInterface { link } => ipadm::create_interface(link),
            Self::DeleteInterface { link } => ipadm::delete_interface(link),
            Self::CreateAddress { link, label, address } => ipadm::create_address(link, label, *address),
            Self::DeleteAddress { link, label, .. } | Self::DeleteAutoconfiguration { link, label } => {
                ipadm::delete_address(link, label)
            }
            Self::CreateAutoconfiguration { link, label } => ipadm::create_autoconfiguration(link, label),
            Self::AddFlow { name, link, address, properties } => flowadm::add_flow(name, link, *address, properties),
            Self::RemoveFlow { name, .. } => flowadm::remove_flow(name),
            Self::AddRoute { destination, gateway } => routes::add(*destination, *gateway),
            Self::DeleteRoute { destination, gateway } => routes::delete(*destination, *gateway),
        }
    }

    /// What it does, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::CreateEtherstub { link } => format!("make the etherstub `{link}`"),
            Self::DeleteEtherstub { link, .. } => format!("delete the etherstub `{link}`"),
            Self::SetMtu { link, mtu } => format!("set the MTU of `{link}` to {mtu}"),
            Self::CreateVnic { link, over, mac, vlan } => {
                let vlan = vlan.map(|vlan| format!(" in VLAN {vlan}")).unwrap_or_default();
                format!("make the vnic `{link}` on `{over}`{vlan} with address {mac}")
            }
            Self::DeleteVnic { link, .. } => format!("delete the vnic `{link}`"),
            Self::CreateInterface { link } => format!("plumb `{link}` without an address"),
            Self::DeleteInterface { link } => format!("unplumb `{link}`"),
            Self::CreateAddress { link, address, .. } => format!("set the address {address} on `{link}`"),
            Self::DeleteAddress { link, address, .. } => format!("delete the address {address} on `{link}`"),
            Self::CreateAutoconfiguration { link, .. } => format!("have `{link}` configure its IPv6 addresses"),
            Self::DeleteAutoconfiguration { link, .. } => format!("delete the IPv6 configuration of `{link}`"),
            Self::AddFlow { name, link, properties, .. } => {
                format!("limit `{link}` by the flow `{name}` ({})", properties.join(", "))
            }
            Self::RemoveFlow { name, .. } => format!("remove the flow `{name}`"),
            Self::AddRoute { destination, gateway } => format!("add the route to {destination} by {gateway}"),
            Self::DeleteRoute { destination, gateway } => format!("delete the route to {destination} by {gateway}"),
        }
    }

    /// What takes it back; `None` when that of an earlier change does.
    #[must_use]
    pub fn opposite(&self) -> Option<Self> {
        let opposite = match self.clone() {
            Self::SetMtu { .. } => return None,
            Self::CreateEtherstub { link } => Self::DeleteEtherstub { link, mtu: None },
            Self::DeleteEtherstub { link, .. } => Self::CreateEtherstub { link },
            Self::CreateVnic { link, over, mac, vlan } => Self::DeleteVnic { link, over, mac, vlan },
            Self::DeleteVnic { link, over, mac, vlan } => Self::CreateVnic { link, over, mac, vlan },
            Self::CreateInterface { link } => Self::DeleteInterface { link },
            Self::DeleteInterface { link } => Self::CreateInterface { link },
            Self::CreateAddress { link, label, address } => Self::DeleteAddress { link, label, address },
            Self::DeleteAddress { link, label, address } => Self::CreateAddress { link, label, address },
            Self::CreateAutoconfiguration { link, label } => Self::DeleteAutoconfiguration { link, label },
            Self::DeleteAutoconfiguration { link, label } => Self::CreateAutoconfiguration { link, label },
            Self::AddFlow { name, link, address, properties } => Self::RemoveFlow { name, link, address, properties },
            Self::RemoveFlow { name, link, address, properties } => Self::AddFlow { name, link, address, properties },
            Self::AddRoute { destination, gateway } => Self::DeleteRoute { destination, gateway },
            Self::DeleteRoute { destination, gateway } => Self::AddRoute { destination, gateway },
        };
        Some(opposite)
    }

    /// What brings back how it was, in this order; nothing when what an earlier change is taken back by does that.
    #[must_use]
    pub fn undo(&self) -> Vec<Self> {
        let size = match self {
            Self::DeleteEtherstub { link, mtu: Some(mtu) } => Some(Self::SetMtu { link: link.clone(), mtu: *mtu }),
            _ => None,
        };
        self.opposite().into_iter().chain(size).collect()
    }

    /// Makes it. A vnic is taken away by [`Self::ensure`] alone: its name says too little about it to destroy it.
    ///
    /// # Errors
    /// [`ChangeError`]: also when it has been made already.
    pub fn run(&self) -> Result<(), ChangeError> {
        match self {
            Self::DeleteVnic { .. } => self.ensure(),
            _ => Ok(self.command().run().map(drop)?),
        }
    }

    /// Makes it unless it has been made.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn ensure(&self) -> Result<(), ChangeError> {
        match self {
            Self::CreateVnic { link, mac, vlan, .. } => match dladm::vnic_called(link)? {
                Some(found) if found.is(*mac, *vlan) => Ok(()),
                Some(found) => Err(ChangeError::Other { link: link.clone(), over: found.over }),
                None => Ok(self.command().run().map(drop)?),
            },
            Self::DeleteVnic { link, mac, vlan, .. } => match dladm::vnic_called(link)? {
                Some(found) if found.is(*mac, *vlan) => Ok(self.command().run().map(drop)?),
                // Gone, never made, or somebody else's.
                _ => Ok(()),
            },
            _ => match self.command().run() {
                Err(error) if !self.is_made(&error) => Err(error.into()),
                _ => Ok(()),
            },
        }
    }

    /// Whether a refusal means that it has been made.
    fn is_made(&self, error: &HostError) -> bool {
        match self {
            Self::CreateEtherstub { .. } | Self::CreateVnic { .. } => dladm::exists_already(error),
            Self::DeleteEtherstub { .. } | Self::DeleteVnic { .. } => dladm::is_missing(error),
            Self::SetMtu { .. } => dladm::is_missing(error),
            Self::CreateInterface { .. } | Self::CreateAddress { .. } | Self::CreateAutoconfiguration { .. } => {
                ipadm::exists_already(error)
            }
            Self::DeleteInterface { .. } | Self::DeleteAddress { .. } | Self::DeleteAutoconfiguration { .. } => {
                ipadm::is_missing(error)
            }
            Self::AddFlow { .. } => flowadm::exists_already(error),
            Self::RemoveFlow { .. } => flowadm::is_missing(error),
            Self::AddRoute { .. } => entry_exists(error),
            // `ESRCH`, or the line is not in the file.
            Self::DeleteRoute { .. } => error.says("not in") || error.status() == Some(3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_opposite_of_the_opposite_is_the_change() {
        let link = || "znic0".parse().unwrap();
        let (over, mac) = ("zrstub0".parse().unwrap(), "2:8:20:0:0:1".parse().unwrap());
        for change in [
            NetworkChange::CreateEtherstub { link: link() },
            NetworkChange::CreateVnic { link: link(), over, mac, vlan: "7".parse().ok() },
            NetworkChange::CreateInterface { link: link() },
            NetworkChange::CreateAddress {
                link: link(),
                label: "v4".to_owned(),
                address: "10.0.0.1/8".parse().unwrap(),
            },
            NetworkChange::CreateAutoconfiguration { link: link(), label: "v6".to_owned() },
            NetworkChange::AddFlow {
                name: "zflow0".to_owned(),
                link: link(),
                address: "10.0.0.1".parse().unwrap(),
                properties: vec!["maxbw=5M".to_owned()],
            },
            NetworkChange::AddRoute {
                destination: "10.0.0.0/8".parse().unwrap(),
                gateway: "10.0.0.1".parse().unwrap(),
            },
        ] {
            let opposite = change.opposite().unwrap();
            assert_ne!(opposite, change);
            assert_eq!(opposite.opposite().as_ref(), Some(&change));
            let text = serde_json::to_string(&change).unwrap();
            assert_eq!(serde_json::from_str::<NetworkChange>(&text).unwrap(), change);
        }
    }
}
