//! The network as network namespaces of Linux, which carry packets.
//!
//! Each zone with a stack has a namespace, and so has each zone that shares one; links meet in a namespace of their
//! own, the switch, where an etherstub or a NIC is a bridge and each link over it a port; and what NICs lead to is the
//! outside. Namespaces are called `zklab.PID.NUMBER.PART` by the process that made them. Nothing is touched but these.
//!
//! What there is to be is told by the state alone ([`wanted`]). After each command that has changed the state, what is
//! no longer wanted goes, and what is newly wanted comes.

mod daemons;
mod filter;
mod inside;
mod items;
mod nat;
mod sweep;
mod tools;
mod view;
mod wanted;

use super::super::Lab;
use super::model::Network;

pub(super) use daemons::run_in_zone;
pub use view::{Packets, Server};

/// Makes the namespaces what the new state says.
///
/// # Panics
/// Linux refuses.
pub(crate) fn follow(lab: &Lab, old: &Network, new: &Network) {
    if old.packets.is_none() && new.packets.is_none() {
        return;
    }
    let (before, after) = (wanted::of(lab, old), wanted::of(lab, new));
    let mut gone: Vec<_> = before.difference(&after).cloned().collect();
    gone.reverse();
    let come: Vec<_> = after.difference(&before).cloned().collect();
    items::remove(lab, &gone);
    items::add(lab, &come);
    for signal in new.signals.iter().skip(old.signals.len()) {
        daemons::signal(lab, signal);
    }
}
