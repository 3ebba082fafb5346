//! Addresses on the network stack of the global zone.

use ipnet::IpNet;

use super::{PlanError, Planner};
use crate::net::{AskedAddress, Attachment, Autoconfiguration, LinkName, Mode, Place, Segment};

impl Planner<'_> {
    pub(super) fn shared(&mut self, asked: AskedAddress) -> Result<(), PlanError> {
        let on_segment = self.view.segment_of(asked.address).map(|(segment, network)| (segment.clone(), network));
        let (place, link, network) = match on_segment {
            Some((segment, network)) => {
                let whose = format!("of the segment `{}`", segment.name);
                self.check_length(asked, network)?;
                self.check_reserved(asked.address, network, segment.gateway_for(asked.address), &whose)?;
                let link = self.shared_link(&segment)?;
                let note = format!(
                    "{} is on the global zone's stack: it reaches zones on {network}, and has no route out",
                    asked.address
                );
                self.plan.notes.push(note);
                (Place::Segment(segment.name), link, network)
            }
            None => {
                let Some(near) = self.view.survey.neighbourhood(asked.address) else {
                    return self.shared_on(self.wanted.link.as_ref().ok_or(PlanError::Nowhere(asked))?.clone(), asked);
                };
                self.check_length(asked, near.network)?;
                let whose = format!("of `{}`", near.interface);
                self.check_reserved(asked.address, near.network, near.gateway, &whose)?;
                let name = near.interface.parse::<LinkName>();
                let link =
                    name.map_err(|_| PlanError::Unsuitable { link: near.interface, what: "called as no link may be" })?;
                (Place::Link(link.clone()), link, near.network)
            }
        };
        self.share(asked, place, link, network.prefix_len())
    }

    /// An address on a network that nothing knows of, on a link that is named. The zone gets it on the interface that the
    /// global zone has there.
    fn shared_on(&mut self, link: LinkName, asked: AskedAddress) -> Result<(), PlanError> {
        if !self.view.survey.is_plumbed(link.as_str()) {
            let text =
                format!("the global zone does not use `{link}` for IP, so that no zone can share it; name another");
            return Err(PlanError::Wishes(text));
        }
        let network = self.network_asked(asked)?;
        self.share(asked, Place::Link(link.clone()), link, network.prefix_len())
    }

    fn share(&mut self, asked: AskedAddress, place: Place, link: LinkName, length: u8) -> Result<(), PlanError> {
        self.refuse_used(asked.address)?;
        let net = IpNet::new(asked.address, length).map_err(|_| PlanError::Nowhere(asked))?;
        let (ipv4, ipv6) = match net {
            IpNet::V4(net) => (Some(net), None),
            IpNet::V6(net) => (None, Some(net)),
        };
        self.plan.attachments.push(Attachment {
            zone: self.wanted.zone.clone(),
            place,
            mode: Mode::Shared,
            link,
            vlan: None,
            ipv4,
            ipv6,
            autoconfiguration: Autoconfiguration::Off,
            mac: None,
            flow: None,
            gateways: Vec::new(),
            forwards: false,
            openings: self.wanted.openings.clone(),
        });
        Ok(())
    }

    fn shared_link(&self, segment: &Segment) -> Result<LinkName, PlanError> {
        let name = &segment.name;
        let Some(link) = &segment.shared_vnic else {
            let problem = format!("the segment `{name}` has no link for zones on the global zone's stack");
            return Err(PlanError::link(format!("{problem}; `zonekit-store check --repair` makes one")));
        };
        if self.view.survey.link(link.as_str()).is_none() {
            return Err(PlanError::link(format!("the link `{link}` of the segment `{name}` is gone")));
        }
        if !self.view.survey.is_plumbed(link.as_str()) {
            return Err(PlanError::link(format!("the link `{link}` of the segment `{name}` is not plumbed")));
        }
        Ok(link.clone())
    }
}
