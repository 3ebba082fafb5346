//! Changes to the networks in the configuration of a zone that exists. Each has an opposite, and may be
//! made again.

use serde::{Deserialize, Serialize};

use crate::host::{HostCommand, HostError};

use super::{ConfigError, IpType, Network, ZoneConfig, ZoneName, file};

/// One change by zonecfg(8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case", deny_unknown_fields)]
pub enum NetResourceChange {
    /// Say whether the zone has a network stack of its own.
    SetIpType {
        /// The zone.
        zone: ZoneName,
        /// What it has from now on.
        ip_type: IpType,
        /// What it had.
        before: IpType,
    },
    /// Add a network.
    AddNet {
        /// The zone.
        zone: ZoneName,
        /// The network.
        network: Network,
    },
    /// Take a network away.
    RemoveNet {
        /// The zone.
        zone: ZoneName,
        /// The network.
        network: Network,
    },
}

/// Why a configuration was not changed.
#[derive(Debug, thiserror::Error)]
pub enum NetResourceError {
    /// zonecfg(8) could not be run, or refused.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The configuration cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl NetResourceChange {
    /// The zone.
    #[must_use]
    pub fn zone(&self) -> &ZoneName {
        match self {
            Self::SetIpType { zone, .. } | Self::AddNet { zone, .. } | Self::RemoveNet { zone, .. } => zone,
        }
    }

    /// What zonecfg(8) is told.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::SetIpType { ip_type, .. } => format!("set ip-type={}", word(*ip_type)),
            Self::AddNet { network, .. } => {
                let set = properties(network).map(|(name, value)| format!("set {name}={value}; "));
                format!("add net; {}end", set.collect::<String>())
            }
            Self::RemoveNet { network, .. } => {
                let named = properties(network).filter(|(name, _)| *name != "defrouter");
                let named: Vec<String> = named.map(|(name, value)| format!("{name}={value}")).collect();
                format!("remove -F net {}", named.join(" "))
            }
        }
    }

    /// The command that makes it.
    #[must_use]
    pub fn command(&self) -> HostCommand {
        HostCommand::new("/usr/sbin/zonecfg").args(["-z", self.zone().as_str()]).arg(self.text())
    }

    /// What it does, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::SetIpType { zone, ip_type, .. } => format!("set ip-type of zone `{zone}` to {}", word(*ip_type)),
            Self::AddNet { zone, network } => format!("add `{}` to zone `{zone}`", network.physical),
            Self::RemoveNet { zone, network } => format!("take `{}` from zone `{zone}`", network.physical),
        }
    }

    /// What takes it back.
    #[must_use]
    pub fn opposite(&self) -> Self {
        match self.clone() {
            Self::SetIpType { zone, ip_type, before } => Self::SetIpType { zone, ip_type: before, before: ip_type },
            Self::AddNet { zone, network } => Self::RemoveNet { zone, network },
            Self::RemoveNet { zone, network } => Self::AddNet { zone, network },
        }
    }

    /// Makes it.
    ///
    /// # Errors
    /// zonecfg(8) refused.
    pub fn run(&self) -> Result<(), HostError> {
        self.command().run().map(drop)
    }

    /// Makes it unless it has been made, or there is no such zone any more.
    ///
    /// # Errors
    /// [`NetResourceError`].
    pub fn ensure(&self) -> Result<(), NetResourceError> {
        let config = match ZoneConfig::read(&file(self.zone())) {
            Err(ConfigError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            config => config?,
        };
        if self.is_made(&config) {
            return Ok(());
        }
        Ok(self.run()?)
    }

    fn is_made(&self, config: &ZoneConfig) -> bool {
        match self {
            Self::SetIpType { ip_type, .. } => config.ip_type == *ip_type,
            Self::AddNet { network, .. } => config.networks.contains(network),
            Self::RemoveNet { network, .. } => !config.networks.contains(network),
        }
    }
}

fn word(ip_type: IpType) -> &'static str {
    match ip_type {
        IpType::Shared => "shared",
        IpType::Exclusive => "exclusive",
    }
}

/// In the order that zonecfg(8) checks them best.
fn properties(network: &Network) -> impl Iterator<Item = (&'static str, &str)> {
    let named = [
        ("physical", Some(network.physical.as_str())),
        ("address", network.address.as_deref()),
        ("allowed-address", network.allowed_address.as_deref()),
        ("defrouter", network.defrouter.as_deref()),
    ];
    named.into_iter().filter_map(|(name, value)| Some((name, value?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zonecfg_is_told_in_its_words() {
        let zone: ZoneName = "web".parse().unwrap();
        let network = Network {
            physical: "znic0".to_owned(),
            address: None,
            allowed_address: Some("10.1.2.5/24".to_owned()),
            defrouter: Some("10.1.2.1".to_owned()),
        };
        let add = NetResourceChange::AddNet { zone: zone.clone(), network };
        assert_eq!(
            add.text(),
            "add net; set physical=znic0; set allowed-address=10.1.2.5/24; set defrouter=10.1.2.1; end"
        );
        assert_eq!(add.opposite().text(), "remove -F net physical=znic0 allowed-address=10.1.2.5/24");
        assert_eq!(add.opposite().opposite(), add);
        let set = NetResourceChange::SetIpType { zone, ip_type: IpType::Exclusive, before: IpType::Shared };
        assert_eq!(
            (set.text().as_str(), set.opposite().text().as_str()),
            ("set ip-type=exclusive", "set ip-type=shared")
        );
        assert!(set.command().line().ends_with("/usr/sbin/zonecfg -z web set ip-type=exclusive"));
    }
}
