//! What zones and the host have of zonekit's, and no record tells of.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Checker, Difference};
use crate::config::{IpType, Network, ZoneConfig, ZoneName};
use crate::host::dladm::LinkClass;
use crate::net::{
    Attachment, Autoconfiguration, Flow, LinkName, Mode, Place, Remembered, SHARED, STUBS, Segment, Step, VNICS,
};

impl Checker<'_> {
    /// Attachments of which the zones' configurations tell: their records were lost. The links that this is about.
    pub(super) fn lost(&mut self) -> HashSet<String> {
        let mut links = HashSet::new();
        let mut found = Vec::new();
        for (zone, config) in self.configured() {
            let mut by_link: BTreeMap<&str, Vec<&Network>> = BTreeMap::new();
            config.networks.iter().for_each(|net| by_link.entry(&net.physical).or_default().push(net));
            for (name, networks) in by_link {
                let Ok(link) = name.parse::<LinkName>() else { continue };
                let difference = match config.ip_type {
                    IpType::Exclusive => self.lost_vnic(&zone, &link, &networks),
                    IpType::Shared => self.lost_shares(&zone, &link, &networks),
                };
                if let Some(difference) = difference {
                    links.insert(link.to_string());
                    found.push(difference);
                }
            }
        }
        self.found.extend(found);
        links
    }

    /// Zones that no operation is under way on, with their configurations.
    fn configured(&self) -> Vec<(ZoneName, ZoneConfig)> {
        let configs =
            self.configs.iter().filter_map(|(zone, config)| Some((zone.clone(), config.as_ref().ok()?.clone())));
        configs.filter(|(zone, _)| !self.under_way.contains(zone.as_str())).collect()
    }

    fn lost_vnic(&self, zone: &ZoneName, link: &LinkName, networks: &[&Network]) -> Option<Difference> {
        let known = self.view.attachments_of(zone).any(|key| key.parts().nth(1) == Some(link.as_str()));
        let vnic = self.view.survey.vnic(link.as_str())?;
        if known || link.family() != VNICS {
            return None;
        }
        let problem = format!("zone `{zone}` has the vnic `{link}`, and no record says so");
        let place = self.place_over(&vnic.over);
        Some(match place.and_then(|place| self.adopted(zone, link, place, networks)) {
            Some(attachment) => Difference::mended(problem, vec![remembered(attachment)]),
            None => Difference::told(
                problem,
                format!(
                    "import the records that it belongs to; or take it from the zone by zonecfg(8), delete it by \
                     dladm(8), and attach the zone again: `net-attach -z {zone}`"
                ),
            ),
        })
    }

    /// Where a vnic on a link is; `None` when that is an etherstub of which nothing is known.
    fn place_over(&self, over: &str) -> Option<Place> {
        if let Some(segment) = self.view.segments.iter().find(|segment| segment.etherstub.as_str() == over) {
            return Some(Place::Segment(segment.name.clone()));
        }
        let class = self.view.survey.link(over)?.class;
        let place = matches!(class, LinkClass::Physical | LinkClass::Aggregation).then(|| over.parse().ok());
        place.flatten().map(Place::Link)
    }

    /// What the record of a vnic said, as far as addresses that the zone is bound to tell it. What a router lets in to the
    /// zone is not known any more.
    fn adopted(&self, zone: &ZoneName, link: &LinkName, place: Place, networks: &[&Network]) -> Option<Attachment> {
        let vnic = self.view.survey.vnic(link.as_str())?;
        let mut attachment = Attachment {
            zone: zone.clone(),
            place,
            mode: Mode::Exclusive,
            link: link.clone(),
            vlan: vnic.vlan,
            ipv4: None,
            ipv6: None,
            autoconfiguration: Autoconfiguration::Off,
            mac: vnic.mac,
            flow: None,
            gateways: Vec::new(),
            forwards: false,
            openings: Vec::new(),
        };
        for network in networks {
            match network.allowed_address.as_ref()?.parse().ok()? {
                IpNet::V4(net) if attachment.ipv4.is_none() => attachment.ipv4 = Some(net),
                IpNet::V6(net) if attachment.ipv6.is_none() => attachment.ipv6 = Some(net),
                _ => return None,
            }
            attachment.gateways.extend(network.defrouter.as_ref().and_then(|router| router.parse::<IpAddr>().ok()));
        }
        attachment.flow = self.limits_of(link);
        Some(attachment)
    }

    fn limits_of(&self, link: &LinkName) -> Option<Flow> {
        let name = Flow::of(link, Default::default()).name;
        let found = self.flows.get(&name).filter(|flow| flow.link == link.as_str())?;
        Some(Flow { name, limits: found.properties.join(",").parse().ok()? })
    }

    /// Addresses on the link that zones of a segment share.
    fn lost_shares(&self, zone: &ZoneName, link: &LinkName, networks: &[&Network]) -> Option<Difference> {
        let segment = self.view.segments.iter().find(|segment| segment.shared_vnic.as_ref() == Some(link))?;
        let nets: Vec<IpNet> = networks.iter().filter_map(|network| network.address.as_ref()?.parse().ok()).collect();
        let known = |net: &IpNet| {
            let text = net.addr().to_string();
            self.view.attachments_of(zone).any(|key| key.parts().skip(1).any(|part| part == text))
        };
        let lost: Vec<IpNet> = nets.into_iter().filter(|net| !known(net)).collect();
        let steps: Vec<Step> = lost.iter().map(|net| remembered(shared(zone, link, segment, *net))).collect();
        let addresses: Vec<String> = lost.iter().map(|net| net.addr().to_string()).collect();
        let problem = format!("zone `{zone}` has {} on `{link}`, and no record says so", addresses.join(" and "));
        (!steps.is_empty()).then(|| Difference::mended(problem, steps))
    }

    /// Links that are called like zonekit's, and that nobody has.
    pub(super) fn strange_links(&mut self, segments: &[Segment], told: &HashSet<String>) {
        let of_segments = segments.iter().flat_map(|segment| {
            [Some(&segment.etherstub), segment.shared_vnic.as_ref(), segment.inside.as_ref()].into_iter().flatten()
        });
        // The name of a record that cannot be read tells its link too.
        let of_attachments = self.view.attachment_keys().iter().filter_map(|key| key.parts().nth(1));
        let known: HashSet<&str> = of_segments.map(LinkName::as_str).chain(of_attachments).collect();
        let family =
            |name: &str| name.parse::<LinkName>().is_ok_and(|link| [STUBS, VNICS, SHARED].contains(&link.family()));
        let strange = |name: &&str| family(name) && !known.contains(name) && !told.contains(*name);
        let mut strangers: Vec<&str> = self.view.survey.link_names().filter(strange).collect();
        strangers.sort_unstable();
        let differences = strangers.into_iter().map(|name| {
            let problem = format!("the link `{name}` is in no record");
            let advice = "delete it by dladm(8) if nobody needs it, or import the records that it belongs to";
            Difference::told(problem, advice)
        });
        let differences: Vec<Difference> = differences.collect();
        self.found.extend(differences);
    }
}

fn shared(zone: &ZoneName, link: &LinkName, segment: &Segment, net: IpNet) -> Attachment {
    let (ipv4, ipv6) = match net {
        IpNet::V4(net) => (Some(net), None),
        IpNet::V6(net) => (None, Some(net)),
    };
    Attachment {
        zone: zone.clone(),
        place: Place::Segment(segment.name.clone()),
        mode: Mode::Shared,
        link: link.clone(),
        vlan: None,
        ipv4,
        ipv6,
        autoconfiguration: Autoconfiguration::Off,
        mac: None,
        flow: None,
        gateways: Vec::new(),
        forwards: false,
        openings: Vec::new(),
    }
}

fn remembered(attachment: Attachment) -> Step {
    Step::remember(Remembered::Attachment(attachment))
}
