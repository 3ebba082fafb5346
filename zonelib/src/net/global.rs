//! Segments that the global zone routes.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::detach::{Removal, Removed};
use super::segments::NewSegments;
use super::{Domain, Ipv6Addresses, LinkName, Outside, Plan, PlanError, Router, Segment, SegmentName, Step, View};
use crate::host::NetworkChange;
use crate::host::ipadm::{Address, AddressKind};
use crate::store::Store;

/// What ipadm(8) calls the gateway addresses, and the link-local one that IPv6 wants first.
const LABELS: [&str; 3] = ["v4", "v6", "v6ll"];

/// What is wanted of the global zone as a router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedGlobal {
    /// The networks that it is to route.
    pub networks: Vec<IpNet>,
    /// Its interface outside; that of the default route unless somebody says otherwise.
    pub interface: Option<LinkName>,
    /// The domain of the names of zones behind it.
    pub domain: Option<Domain>,
    /// The IPv6 networks are global ones: routed, not translated.
    pub routable_ipv6: bool,
    /// Names elsewhere have no IPv6 addresses for the zones behind it.
    pub filter_aaaa: bool,
    /// Where the zones behind it have IPv6 addresses from.
    pub ipv6_addresses: Option<Ipv6Addresses>,
}

/// Plans segments that the global zone routes; its gateway addresses are set by steps of the plan. Forwarding,
/// translation and services are not.
///
/// # Errors
/// [`PlanError`]: also when its interface has no static address.
pub fn plan_global(wanted: &WantedGlobal, view: &mut View) -> Result<Plan, PlanError> {
    let mut plan = Plan::default();
    let outside = outside(wanted, view)?;
    let new = NewSegments {
        networks: &wanted.networks,
        router: Router::Global,
        outside: Some(outside),
        domain: wanted.domain.as_ref(),
        routable_ipv6: wanted.routable_ipv6,
        filter_aaaa: wanted.filter_aaaa,
        ipv6_addresses: wanted.ipv6_addresses,
    };
    plan.segments = new.plan(view, &mut plan.steps)?;
    for segment in &plan.segments {
        // An address would plumb its interface too, but taking the address away does not unplumb it.
        let plumbed = segment.inside.clone().map(|link| NetworkChange::CreateInterface { link });
        plan.steps.extend(plumbed.map(|change| Step::Host { change }));
        plan.steps.extend(gateway_addresses(segment).map(|change| Step::Host { change }));
    }
    plan.steps.extend(plan.segments.iter().cloned().map(|segment| Step::remember(segment.into())));
    Ok(plan)
}

/// What sets the global zone's addresses on a segment.
pub(super) fn gateway_addresses(segment: &Segment) -> impl Iterator<Item = NetworkChange> + use<> {
    let [v4, v6, link_local] = LABELS.map(str::to_owned);
    let link = segment.inside.clone();
    let ipv4 = segment.ipv4.zip(segment.gateway4).and_then(|(net, own)| Ipv4Net::new(own, net.prefix_len()).ok());
    let ipv6 = segment.ipv6.zip(segment.gateway6).and_then(|(net, own)| Ipv6Net::new(own, net.prefix_len()).ok());
    let changes = link.map(|link| {
        let address = |label, net| NetworkChange::CreateAddress { link: link.clone(), label, address: net };
        let first = ipv6.map(|_| NetworkChange::CreateAutoconfiguration { link: link.clone(), label: link_local });
        [ipv4.map(|net| address(v4, net.into())), first, ipv6.map(|net| address(v6, net.into()))]
    });
    changes.into_iter().flatten().flatten()
}

fn outside(wanted: &WantedGlobal, view: &View) -> Result<Outside, PlanError> {
    let wishes = |text: String| Err(PlanError::Wishes(text));
    let way_out = view.survey.way_out();
    let name = wanted.interface.as_ref().map(ToString::to_string);
    let Some(name) = name.or_else(|| way_out.as_ref().map(|near| near.interface.clone())) else {
        return wishes(
            "the global zone has no default route, so that nothing says which interface is outside; name one"
                .to_owned(),
        );
    };
    let Ok(interface) = name.parse::<LinkName>() else {
        return Err(PlanError::Unsuitable { link: name, what: "called as no link may be" });
    };
    if !view.survey.is_plumbed(&name) {
        return wishes(format!("the global zone does not use `{name}` for IP; name an interface that it has"));
    }
    let settled: Vec<IpNet> = view
        .survey
        .addresses_on(&name)
        .filter(|address| address.kind == AddressKind::Static)
        .filter_map(|address: &Address| IpNet::new(address.address, address.length?).ok())
        .collect();
    if settled.is_empty() {
        return wishes(format!(
            "`{name}` has no static address, and a router's address must not change; give it one by ipadm(8)"
        ));
    }
    let ipv4 = settled.iter().find_map(|net| if let IpNet::V4(net) = net { Some(*net) } else { None });
    let ipv6 = settled.iter().find_map(|net| if let IpNet::V6(net) = net { Some(*net) } else { None });
    let gateways = way_out.filter(|near| near.interface == name).and_then(|near| near.gateway).into_iter().collect();
    Ok(Outside { interface: interface.clone(), over: interface, vlan: None, ipv4, ipv6, gateways })
}

/// Plans that the global zone routes a segment no more.
///
/// # Errors
/// [`PlanError`]: there is no such segment, or zones are on it.
pub fn forget_global(name: &SegmentName, view: &View, store: &dyn Store) -> Result<Removed, PlanError> {
    let Some(segment) = view.segment(name).filter(|segment| segment.router == Router::Global) else {
        return Err(PlanError::Wishes(format!(
            "the global zone routes no segment `{name}`; `net-list` names those that it does"
        )));
    };
    let behind = view.zones_on(segment);
    if !behind.is_empty() {
        return Err(PlanError::Behind { router: "the global zone".to_owned(), behind });
    }
    let mut removal = Removal::new(view);
    // From the last to the first: the static IPv6 address before the link-local one.
    let addresses: Vec<NetworkChange> = gateway_addresses(segment).filter_map(|change| change.opposite()).collect();
    addresses.into_iter().rev().for_each(|change| removal.once(change));
    if let Some(inside) = &segment.inside {
        removal.once(NetworkChange::DeleteInterface { link: inside.clone() });
    }
    removal.segment(segment)?;
    removal.ingresses(store, |ingress| ingress.router == Router::Global && view.routed_by_global().count() == 1)?;
    Ok(removal.done())
}
