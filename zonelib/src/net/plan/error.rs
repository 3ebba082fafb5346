//! Why there is no plan.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::host::ListError;
use crate::net::{AddressError, AskedAddress, LinkName};
use crate::store::StoreError;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The wishes do not go together.
    #[error("{0}")]
    Wishes(String),
    /// Something has to be said, for nothing tells it.
    #[error("{0}")]
    Unsaid(String),
    /// More than one reason, none of which is this one.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<PlanError>),
    /// An address or network that cannot be.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// An address that a network keeps for something else.
    #[error("{address} {problem} on {network}; take another address of it")]
    Reserved {
        /// The address.
        address: IpAddr,
        /// What it is.
        problem: String,
        /// The network, and whose it is.
        network: String,
    },
    /// An address that somebody has.
    #[error("{address} is in use by {user}; take another address")]
    InUse {
        /// The address.
        address: IpAddr,
        /// Who has it.
        user: String,
    },
    /// An address with the length of another network.
    #[error("{asked} is on {network}; write {}/{}, or the address alone", asked.address, network.prefix_len())]
    Length {
        /// What was asked for.
        asked: AskedAddress,
        /// The network that the address lies in.
        network: IpNet,
    },
    /// An address on no network.
    #[error(
        "{0} is on no segment and on no network of this host; make a router zone for its network, or name a link for it"
    )]
    Nowhere(AskedAddress),
    /// Two networks have addresses in common.
    #[error("{network} overlaps {other}, which is that of {whose}; take another network")]
    Overlap {
        /// The network.
        network: IpNet,
        /// The other one.
        other: IpNet,
        /// Whose it is.
        whose: String,
    },
    /// A link is not as the records say.
    #[error(
        "{problem}; `zonekit-store check` tells more, and `zonekit-recover` puts right what a killed operation left"
    )]
    Link {
        /// What is wrong.
        problem: String,
    },
    /// No vnic can be made on a link.
    #[error(
        "no vnic can be made on `{link}`, which is {what}; name another link, or take an address of another network"
    )]
    Unsuitable {
        /// The link.
        link: String,
        /// What it is.
        what: &'static str,
    },
    /// A router with zones behind it.
    #[error("{router} is the router of {}; destroy or detach them first", behind.join(", "))]
    Behind {
        /// The router, as it is called in a sentence.
        router: String,
        /// The zones.
        behind: Vec<String>,
    },
    /// There is something on an etherstub that zonekit has not made.
    #[error("`{}` on the etherstub `{stub}` is not zonekit's; see what it is for, and delete it first", strangers.join("`, `"))]
    Strangers {
        /// The etherstub.
        stub: LinkName,
        /// The vnics.
        strangers: Vec<String>,
    },
    /// No name is free.
    #[error("there is no free name for another `{0}` link")]
    Exhausted(String),
    /// The zones of the host are not known.
    #[error("{0}")]
    Zones(std::io::Error),
    /// The host cannot be looked at.
    #[error(transparent)]
    List(#[from] ListError),
    /// The records cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PlanError {
    pub(super) fn link(problem: String) -> Self {
        Self::Link { problem }
    }

    /// Nothing, the only one, or all of them.
    pub(in crate::net) fn of(mut errors: Vec<Self>) -> Result<(), Self> {
        match errors.len() {
            0 => Ok(()),
            1 => Err(errors.remove(0)),
            _ => Err(Self::Several(errors)),
        }
    }

    /// Each by itself.
    #[must_use]
    pub fn each(self) -> Vec<Self> {
        match self {
            Self::Several(errors) => errors,
            error => vec![error],
        }
    }
}
