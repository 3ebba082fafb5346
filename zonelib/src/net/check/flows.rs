//! Limits of vnics, and flows that no record has.

use std::collections::HashSet;

use super::{Checker, Difference, host};
use crate::net::{Attachment, Step, flow};

impl Checker<'_> {
    /// The limits of a vnic that is there.
    pub(super) fn flow(&mut self, attachment: &Attachment) {
        let Some((flow, net)) = attachment.flow.as_ref().zip(attachment.addresses().next()) else { return };
        let (zone, link, name) = (&attachment.zone, &attachment.link, &flow.name);
        let add = host(flow.add(link, net.addr()));
        let Some(found) = self.flows.get(name) else {
            let problem = format!("zone `{zone}`: the flow `{name}`, which limits `{link}`, is gone");
            return self.found.push(Difference::mended(problem, vec![add]));
        };
        if found.link != link.as_str() {
            let problem = format!("zone `{zone}`: the flow `{name}` is on `{}`, not on `{link}`", found.link);
            let advice = "remove it by flowadm(8) if nobody needs it, and check again to have it made";
            return self.found.push(Difference::told(problem, advice));
        }
        let mut wanted = flow.limits.properties();
        wanted.sort_unstable();
        if found.local == Some(net.addr().into()) && found.properties == wanted {
            return;
        }
        let difference = if found.local == Some(net.addr().into()) {
            let of = |all: &[String]| if all.is_empty() { "no limits".to_owned() } else { all.join(", ") };
            format!("has {}, and should have {}", of(&found.properties), of(&wanted))
        } else {
            let local = found.local.map_or_else(|| "other packets".to_owned(), |local| local.to_string());
            format!("is for {local}, and should be for {}", net.addr())
        };
        let problem = format!("zone `{zone}`: the flow `{name}` on `{link}` {difference}");
        // Properties that were never asked for cannot be set back one by one.
        let remove = Step::HostOnce { change: flow.remove(link, net.addr()) };
        self.found.push(Difference::mended(problem, vec![remove, add]));
    }

    /// Flows that are called like zonekit's, and that no record has; but for those of links of which something is told.
    pub(super) fn strange_flows(&mut self, attachments: &[Attachment], told: &HashSet<String>) {
        let known: HashSet<&str> =
            attachments.iter().filter_map(|one| one.flow.as_ref()).map(|flow| flow.name.as_str()).collect();
        let ours = |name: &str| {
            let number = name.strip_prefix(flow::FAMILY);
            number.is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
        };
        let strange = self.flows.values().filter(|flow| {
            ours(&flow.name) && !known.contains(flow.name.as_str()) && !told.contains(flow.link.as_str())
        });
        let mut strange: Vec<(&str, &str)> = strange.map(|flow| (flow.name.as_str(), flow.link.as_str())).collect();
        strange.sort_unstable();
        self.found.extend(strange.into_iter().map(|(name, link)| {
            let problem = format!("the flow `{name}` on `{link}` is in no record");
            Difference::told(problem, "remove it by flowadm(8) if nobody needs it")
        }));
    }
}
