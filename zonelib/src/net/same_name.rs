//! Names in DNS: zones whose own names differ may have the same there, and would be taken for each other.

use super::{Attachment, HostName, PlanError, Router, View};
use crate::config::ZoneName;

/// Refuses a zone that would have the name of another one on a segment, or of its router.
pub(super) fn refuse(zone: &ZoneName, attachments: &[Attachment], view: &View) -> Result<(), PlanError> {
    let segments = attachments.iter().filter_map(|attachment| view.segment(attachment.segment()?));
    for segment in segments.filter(|segment| !matches!(segment.router, Router::Proxy(_))) {
        let names = |zone: &ZoneName| HostName::of(zone).in_domain(segment.domain.as_ref());
        let own = names(zone);
        let zones = view.zones_on(segment).into_iter().filter_map(|name| name.parse().ok());
        let mut others = zones.chain(segment.router.zone().cloned()).filter(|other| other != zone);
        if let Some(other) = others.find(|other| names(other).iter().any(|name| own.contains(name))) {
            let (name, segment) = (own.last().map_or("", String::as_str), &segment.name);
            return Err(PlanError::Wishes(format!(
                "zone `{zone}` would have the name `{name}` on `{segment}`, which zone `{other}` has; give it another name"
            )));
        }
    }
    Ok(())
}
