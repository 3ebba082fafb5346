//! Networks of zones: what they are, who is on them, and which steps on the host wire a zone to an address.
//!
//! A [`Segment`] is a private network on one host: an etherstub, the vnics of zones on it, and a router. An
//! [`Attachment`] is a zone's place on a segment, or on a link of the host that is on the network of its address. Planning
//! looks at a [`Survey`] and at the records of the store, and makes steps; it changes nothing. What stands in
//! files inside zones is made elsewhere.

pub mod address;
mod model;

pub use crate::host::{LinkName, LinkNameError, MacAddress, MacAddressError};
pub use address::{AddressError, AskedAddress};
pub use model::{
    Attachment, Autoconfiguration, Flow, FlowPriority, Ingress, IngressKind, Mode, Opening, OpeningProtocol, Outside,
    Peer, Peering, Place, Router, Segment, SegmentName, SegmentNameError,
};
