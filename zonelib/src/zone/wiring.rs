//! Both sides of an attachment: what a router is told of a zone behind it, and the files of the zone itself.

use std::path::{Path, PathBuf};

use crate::config::{self, ZoneName};
use crate::journal::{Journal, StateDir};
use crate::net::files::smf::HaproxyPlace;
use crate::net::files::{Routing, dnsmasq};
use crate::net::inside::{self, RouterTraits, Settings, ZoneFile};
use crate::net::{Attachment, Names, Peer, Removed, Router, Segment};
use crate::root::Tree;
use crate::router::{LiveRouter, RouterError};
use crate::store::Store;

use super::ZoneError;

/// A zone behind a router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// The router.
    pub router: Router,
    /// The zone.
    pub zone: ZoneName,
    /// The segments of the router that the zone is on.
    pub segments: Vec<Segment>,
    /// The zone's attachments to them.
    pub attachments: Vec<Attachment>,
}

impl Behind {
    /// The routers that a zone is behind, with what they have to know. Those that somebody else keeps are left alone.
    pub fn all<'s>(
        zone: &ZoneName,
        attachments: &[Attachment],
        segment: impl Fn(&crate::net::SegmentName) -> Option<&'s Segment>,
    ) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for attachment in attachments.iter().filter(|attachment| !attachment.forwards) {
            let Some(found) = attachment.segment().and_then(&segment) else { continue };
            if matches!(found.router, Router::Proxy(_)) {
                continue;
            }
            let at = all.iter().position(|one| one.router == found.router).unwrap_or_else(|| {
                let router = found.router.clone();
                all.push(Self { router, zone: zone.clone(), segments: Vec::new(), attachments: Vec::new() });
                all.len() - 1
            });
            if !all[at].segments.contains(found) {
                all[at].segments.push(found.clone());
            }
            all[at].attachments.push(attachment.clone());
        }
        all
    }

    /// Whether the router runs; one that is installed and does not reads its files when it boots. One that is not
    /// installed is refused elsewhere.
    ///
    /// # Errors
    /// [`ZoneError`]: it is not known what zones there are.
    pub(super) fn router_runs(&self) -> Result<bool, ZoneError> {
        let Some(router) = self.router.zone() else { return Ok(true) };
        let zones = config::zones(Path::new("/")).map_err(|error| ZoneError::Refused(error.to_string()))?;
        let found = zones.iter().find(|zone| zone.name == router.as_str() && zone.is_installed());
        Ok(found.is_none_or(|zone| zone.state == "running"))
    }

    /// The files in the router that tell of the zone.
    #[must_use]
    pub fn files(&self) -> Vec<ZoneFile> {
        inside::fragments(&self.routing(), &self.zone, &[])
    }

    fn routing(&self) -> Routing<'_> {
        Routing {
            router: &self.router,
            segments: &self.segments,
            attachments: &self.attachments,
            ingresses: &[],
            beside: &[],
            forwarders: &[],
        }
    }

    /// Tells the router of the zone. How that is taken back is in the journal before.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub(super) fn join(&self, state: &StateDir, store: &dyn Store, journal: &mut Journal) -> Result<(), ZoneError> {
        // Others tell it of theirs meanwhile.
        let _names = Names::hold(store)?;
        let router = LiveRouter::find(&self.router, state)?;
        router.admit(&self.zone, store, journal)?;
        Ok(router.close()?)
    }

    /// Has the router forget where the zone is; what was opened to it stays until the router is brought up to date. The
    /// caller holds the names of the host.
    ///
    /// # Errors
    /// [`ZoneError`]; it may be done again.
    pub(super) fn leave(&self, state: &StateDir, journal: &mut Journal) -> Result<(), ZoneError> {
        let Some(router) = find(&self.router, state)? else { return Ok(()) };
        router.dismiss(&self.zone, journal)?;
        Ok(router.close()?)
    }
}

/// Routers that have more of a zone that goes than where it is: what was opened to it, ways in, and networks of a peer.
pub(super) fn left_to_know(removed: &Removed, behind: &[Behind]) -> Vec<Router> {
    let opened = |one: &&Behind| one.attachments.iter().any(|attachment| !attachment.openings.is_empty());
    let mut routers: Vec<Router> = behind.iter().filter(opened).map(|one| one.router.clone()).collect();
    routers.extend(removed.ingresses.iter().map(|ingress| ingress.router.clone()));
    for peering in &removed.peerings {
        routers.push(peering.one.clone());
        if let Peer::Here(router) = &peering.other {
            routers.push(router.clone());
        }
    }
    routers.retain(|router| !matches!(router, Router::Proxy(_)));
    routers
}

/// A router; one that has gone has forgotten everything.
fn find(router: &Router, state: &StateDir) -> Result<Option<LiveRouter>, ZoneError> {
    match LiveRouter::find(router, state) {
        Err(RouterError::NotInstalled(_)) => Ok(None),
        found => Ok(Some(found?)),
    }
}

/// Has a router know what the records say: routes, rules, ways in. The caller holds the names of the host.
pub(super) fn bring_up_to_date(
    router: &Router,
    state: &StateDir,
    store: &dyn Store,
    journal: &mut Journal,
) -> Result<(), ZoneError> {
    let Some(live) = find(router, state)? else { return Ok(()) };
    live.refresh(store, journal)?;
    live.set_ingresses(store, journal)?;
    Ok(live.close()?)
}

/// A router zone before its first boot.
#[derive(Clone, Debug)]
pub struct NewRouter {
    pub(super) router: Router,
    pub(super) segments: Vec<Segment>,
    /// Its own attachments, outside and inside.
    pub(super) attachments: Vec<Attachment>,
    /// The name servers of the host.
    pub(super) forwarders: Vec<std::net::IpAddr>,
}

impl NewRouter {
    /// Its files, with what is found in its root.
    fn files_with(&self, traits: &RouterTraits) -> Result<Vec<ZoneFile>, ZoneError> {
        let routing = Routing {
            router: &self.router,
            segments: &self.segments,
            attachments: &self.attachments,
            ingresses: &[],
            beside: &[],
            forwarders: &self.forwarders,
        };
        let own: Vec<&Attachment> = self.attachments.iter().collect();
        let files = inside::router_files(&routing, &own, traits, &Settings::default());
        files.map_err(|error| ZoneError::Inside(error.into()))
    }

    /// Its files, when it has all that a router needs.
    pub(super) fn presumed_files(&self) -> Vec<ZoneFile> {
        let traits = RouterTraits {
            dialect: dnsmasq::Dialect { account: true },
            haproxy: Some(HaproxyPlace::Tribblix),
            dnsmasq: true,
            filter: true,
        };
        self.files_with(&traits).unwrap_or_default()
    }

    /// Its files, and what it lacks for ways in.
    pub(super) fn files(&self, root: &Tree) -> Result<(Vec<ZoneFile>, Option<String>), ZoneError> {
        let traits = RouterTraits::of(root).map_err(ZoneError::root(root))?;
        let missing = traits.missing();
        let name = self.router.zone_name();
        if !traits.filter || !traits.dnsmasq {
            let missing = missing.join(" and ");
            return Err(ZoneError::Refused(format!(
                "router `{name}` would have no {missing}; install what has it in the global zone, and try again"
            )));
        }
        let note = (!missing.is_empty())
            .then(|| format!("router `{name}` has no {}, and so can have no ingress", missing.join(" and ")));
        Ok((self.files_with(&traits)?, note))
    }
}

/// What a file of a plan will say, as far as that is known.
pub(super) fn shown_text(file: &ZoneFile) -> Option<(PathBuf, String)> {
    use inside::Content;
    let text = match &file.content {
        Content::Whole(text) => text.clone(),
        Content::Block(lines) if !lines.is_empty() => lines.clone(),
        _ => return None,
    };
    Some((Path::new("/").join(&file.path), text))
}
