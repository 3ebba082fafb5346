//! New segments.

use std::net::IpAddr;

use ipnet::IpNet;

use super::address::{first_host, overlap};
use super::model::SLAAC_LENGTH;
use super::view::{MacOwner, SHARED, STUBS, VNICS};
use super::{Domain, Ipv6Addresses, LinkName, Outside, PlanError, Router, Segment, SegmentName, Step, View};
use crate::host::NetworkChange;

/// The bytes of the largest packet of a new etherstub. Source: dladm(8).
pub(super) const STUB_MTU: u32 = 9000;

/// Segments that are to be: one for each network, but an IPv4 and an IPv6 network are one.
pub(super) struct NewSegments<'n> {
    pub(super) networks: &'n [IpNet],
    pub(super) router: Router,
    pub(super) outside: Option<Outside>,
    pub(super) domain: Option<&'n Domain>,
    pub(super) routable_ipv6: bool,
    pub(super) filter_aaaa: bool,
    /// Unless somebody says, zones may give themselves addresses where they can.
    pub(super) ipv6_addresses: Option<Ipv6Addresses>,
}

impl NewSegments<'_> {
    pub(super) fn plan(&self, view: &mut View, steps: &mut Vec<Step>) -> Result<Vec<Segment>, PlanError> {
        self.refuse_overlaps(view)?;
        self.check_ipv6_addresses()?;
        let ipv4 = self.networks.iter().filter(|net| matches!(net, IpNet::V4(_)));
        let mut ipv6 = self.networks.iter().filter(|net| matches!(net, IpNet::V6(_)));
        let mut pairs: Vec<Vec<IpNet>> =
            ipv4.map(|net| std::iter::once(*net).chain(ipv6.next().copied()).collect()).collect();
        pairs.extend(ipv6.map(|net| vec![*net]));
        pairs.iter().map(|networks| self.one(networks, view, steps)).collect()
    }

    fn refuse_overlaps(&self, view: &View) -> Result<(), PlanError> {
        let mut errors = Vec::new();
        for (index, network) in self.networks.iter().enumerate() {
            let earlier = self.networks[..index].iter().find(|other| overlap(**other, *network));
            let earlier = earlier.map(|other| (*other, "this router too".to_owned()));
            let others = || view.overlapping(*network).or_else(|| view.overlapping_beside(*network));
            if let Some((other, whose)) = earlier.or_else(others) {
                errors.push(PlanError::Overlap { network: *network, other, whose });
            }
            errors.extend(first_host(*network).err().map(PlanError::from));
        }
        PlanError::of(errors)
    }

    fn check_ipv6_addresses(&self) -> Result<(), PlanError> {
        let Some(wanted) = self.ipv6_addresses else { return Ok(()) };
        let mut networks = self.networks.iter().filter(|net| matches!(net, IpNet::V6(_))).peekable();
        if networks.peek().is_none() {
            let text = "how zones have IPv6 addresses is about an IPv6 network, and none is given";
            return Err(PlanError::Wishes(text.to_owned()));
        }
        match networks.find(|net| net.prefix_len() != SLAAC_LENGTH) {
            Some(network) if wanted == Ipv6Addresses::Slaac => Err(PlanError::Wishes(format!(
                "zones give themselves addresses in networks of /{SLAAC_LENGTH} alone; {network} can only have static ones"
            ))),
            _ => Ok(()),
        }
    }

    /// The link that zones share is made with the segment, so that no two zones have to agree on who makes it.
    fn one(&self, networks: &[IpNet], view: &mut View, steps: &mut Vec<Step>) -> Result<Segment, PlanError> {
        let [etherstub, shared, inside] = [view.allocate(STUBS)?, view.allocate(SHARED)?, view.allocate(VNICS)?];
        let name = networks.first().copied().map(SegmentName::of);
        let name = name.ok_or_else(|| PlanError::Wishes("a segment needs a network".to_owned()))?;
        let shared_mac = view.allocate_mac(&etherstub, &MacOwner::Shared(&name));
        let inside_mac = view.allocate_mac(&etherstub, &MacOwner::Router(&name));
        let outer = self.outside.as_ref().and_then(|outside| view.survey.link(outside.over.as_str())?.mtu);
        let mut change = |change| steps.push(Step::Host { change });
        change(NetworkChange::CreateEtherstub { link: etherstub.clone() });
        // Vnics have the MTU that the etherstub has when they are made.
        if let Some(mtu) = outer.filter(|&mtu| mtu != STUB_MTU) {
            change(NetworkChange::SetMtu { link: etherstub.clone(), mtu });
        }
        let vnic = |link: &LinkName, mac| NetworkChange::CreateVnic {
            link: link.clone(),
            over: etherstub.clone(),
            mac,
            vlan: None,
        };
        change(vnic(&shared, shared_mac));
        change(NetworkChange::CreateInterface { link: shared.clone() });
        change(vnic(&inside, inside_mac));
        let has_ipv6 = networks.iter().any(|net| matches!(net, IpNet::V6(_)));
        let mut segment = Segment {
            name,
            ipv4: None,
            ipv6: None,
            gateway4: None,
            gateway6: None,
            etherstub,
            shared_vnic: Some(shared),
            shared_mac: Some(shared_mac),
            router: self.router.clone(),
            inside: Some(inside),
            inside_mac: Some(inside_mac),
            outside: self.outside.clone(),
            domain: self.domain.cloned(),
            routable_ipv6: self.routable_ipv6 && has_ipv6,
            ipv6_addresses: self.ipv6_addresses.unwrap_or_default(),
            filter_aaaa: self.filter_aaaa,
            mtu: outer,
        };
        for network in networks {
            match (network, first_host(*network)?) {
                (IpNet::V4(net), IpAddr::V4(gateway)) => {
                    (segment.ipv4, segment.gateway4) = (Some(*net), Some(gateway));
                }
                (IpNet::V6(net), IpAddr::V6(gateway)) => {
                    (segment.ipv6, segment.gateway6) = (Some(*net), Some(gateway));
                }
                _ => {}
            }
        }
        Ok(segment)
    }
}
