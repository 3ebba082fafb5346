//! Networks of zones: what they are, who is on them, and which steps on the host wire a zone to an address.
//!
//! A [`Segment`] is a private network on one host: an etherstub, the vnics of zones on it, and a router. An
//! [`Attachment`] is a zone's place on a segment, or on a link of the host that is on the network of its address. Planning
//! looks at a [`Survey`] and at the records of the store, and makes steps; it changes nothing. What stands in
//! files inside zones is made by [`files`].

pub mod address;
mod apply;
pub mod check;
pub mod credentials;
mod detach;
pub mod files;
mod flow;
mod global;
pub mod inside;
mod model;
mod name;
mod overview;
mod plan;
mod same_name;
mod segments;
mod step;
mod survey;
mod view;
pub mod zap;

pub use crate::host::{LinkName, LinkNameError, MacAddress, MacAddressError, VlanId, VlanIdError};
pub use address::{AddressError, AskedAddress};
pub use apply::{ApplyError, apply};
pub use detach::{Removed, detach, detach_address};
pub use flow::{Flow, FlowError, FlowLimits, FlowPriority};
pub use global::{WantedGlobal, forget_global, plan_global};
pub use model::{
    Attachment, Autoconfiguration, Ingress, IngressKind, Ipv6Addresses, Ipv6AddressesError, Mode, Opening,
    OpeningError, OpeningProtocol, Outside, Peer, Peering, Place, Router, Segment, SegmentName, SegmentNameError,
};
pub use name::{Domain, HostName, IngressName, NameError};
pub use overview::Overview;
pub use plan::{Plan, PlanError, Wanted, plan, resources};
pub use step::{Remembered, Step};
pub use survey::{Neighbourhood, Survey};
pub use view::{Names, SHARED, STUBS, VNICS, View};

use detach::Removal;
use global::gateway_addresses;
use plan::inside;
use segments::STUB_MTU;

#[cfg(test)]
mod tests;
