//! The things that packets need, in the order in which they are made; they go in the reverse order.

use super::super::super::Lab;
use super::{daemons, inside, tools};

/// One thing. A namespace comes first where it is the place of something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Space(String),
    Bridge {
        space: String,
        device: String,
    },
    /// The way from a bridge to the outside.
    Uplink {
        space: String,
        port: String,
        bridge: String,
        outside: String,
        end: String,
        to: String,
    },
    /// The port of a link on a bridge, and the end of it that a stack has.
    Port {
        space: String,
        port: String,
        bridge: String,
        place: String,
        device: String,
        mac: Option<String>,
    },
    Mtu {
        space: String,
        device: String,
        mtu: u32,
    },
    Setting {
        space: String,
        key: String,
        value: String,
        rest: String,
    },
    Up {
        space: String,
        device: String,
    },
    Address {
        space: String,
        device: String,
        address: String,
    },
    Route {
        space: String,
        to: String,
        gateway: String,
        device: String,
    },
    /// Rules, as a table of nft of this name.
    Rules {
        space: String,
        table: String,
        text: String,
    },
    /// Live sessions are dropped when the number changes.
    Sessions {
        space: String,
        number: u32,
    },
    /// The daemon of a service.
    Daemon(daemons::Daemon),
    Client {
        space: String,
        zone: String,
        device: String,
    },
}

/// One step of a namespace.
enum Step {
    /// A line for `ip -batch`.
    Ip(String, String),
    Do(Box<dyn Fn()>),
}

/// Makes things.
pub(super) fn add(lab: &Lab, items: &[Item]) {
    run(items.iter().flat_map(|item| item.making(lab)).collect(), true);
}

/// Removes things. What went with something else is no longer there.
pub(super) fn remove(lab: &Lab, items: &[Item]) {
    run(items.iter().flat_map(|item| item.unmaking(lab)).collect(), false);
}

/// Lines for one namespace in a row are one run of ip(8).
fn run(steps: Vec<Step>, must: bool) {
    let mut batch: Option<(String, String)> = None;
    let flush = |batch: &mut Option<(String, String)>| {
        if let Some((space, lines)) = batch.take() {
            tools::ip(&space, &lines, must);
        }
    };
    for step in steps {
        match step {
            Step::Ip(space, line) => {
                if batch.as_ref().is_some_and(|(current, _)| *current != space) {
                    flush(&mut batch);
                }
                let (_, lines) = batch.get_or_insert_with(|| (space, String::new()));
                lines.push_str(&line);
                lines.push('\n');
            }
            Step::Do(act) => {
                flush(&mut batch);
                act();
            }
        }
    }
    flush(&mut batch);
}

fn act(act: impl Fn() + 'static) -> Vec<Step> {
    vec![Step::Do(Box::new(act))]
}

fn lines(space: &str, lines: &[String]) -> Vec<Step> {
    lines.iter().map(|line| Step::Ip(space.to_owned(), line.clone())).collect()
}

/// Settings of a new namespace: addresses of IPv6 are at hand at once, and where they are asked for only.
const FRESH: &[(&str, &str)] = &[
    ("ipv6/conf/default/disable_ipv6", "1"),
    ("ipv6/conf/default/accept_dad", "0"),
    ("ipv6/conf/default/dad_transmits", "0"),
    ("ipv6/conf/default/accept_ra", "0"),
    ("ipv6/conf/default/router_solicitation_delay", "0"),
    ("ipv6/conf/all/router_solicitation_delay", "0"),
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
];

/// Rules of IPv4 do not see what a bridge carries.
const OF_BRIDGES: [&str; 3] = ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables", "bridge-nf-call-arptables"];

fn fresh(space: &str) {
    tools::space(&["add", space]);
    for (key, value) in FRESH {
        inside::set(space, key, value);
    }
    for key in OF_BRIDGES {
        inside::set(space, &format!("bridge/{key}"), "0");
    }
    tools::ip(space, "link set lo up\n", true);
}

impl Item {
    fn making(&self, lab: &Lab) -> Vec<Step> {
        match self.clone() {
            Self::Space(space) => act(move || fresh(&space)),
            Self::Bridge { space, device } => lines(
                &space,
                &[
                    format!("link add {device} type bridge forward_delay 0 mcast_snooping 0"),
                    format!("link set {device} mtu 9000 up"),
                ],
            ),
            Self::Uplink { space, port, bridge, outside, end, to } => {
                let mut steps = lines(
                    &space,
                    &[
                        format!("link add {port} type veth peer name {end} netns {outside}"),
                        format!("link set {port} master {bridge} up"),
                    ],
                );
                steps.extend(lines(&outside, &[format!("link set {end} master {to} up")]));
                steps
            }
            Self::Port { space, port, bridge, place, device, mac } => {
                let mac = mac.map(|mac| format!(" address {mac}")).unwrap_or_default();
                lines(
                    &space,
                    &[
                        format!("link add {port} mtu 9000 type veth peer name {device}{mac} netns {place}"),
                        format!("link set {port} master {bridge} up"),
                    ],
                )
            }
            Self::Mtu { space, device, mtu } => lines(&space, &[format!("link set {device} mtu {mtu}")]),
            Self::Setting { space, key, value, .. } => act(move || inside::set(&space, &key, &value)),
            Self::Up { space, device } => lines(&space, &[format!("link set {device} up")]),
            Self::Address { space, device, address } => {
                let nodad = if address.contains(':') { " nodad" } else { " brd +" };
                let whole = address.ends_with("/32") || address.ends_with("/128");
                let more = if whole && !address.contains(':') { "" } else { nodad };
                lines(&space, &[format!("address replace {address}{more} dev {device}")])
            }
            Self::Route { space, to, gateway, device } => {
                lines(&space, &[format!("route replace {to} via {gateway}{}", of_device(&device))])
            }
            Self::Rules { space, table, text } => act(move || tools::nft(&space, &table, &text)),
            Self::Sessions { space, .. } => act(move || tools::forget_sessions(&space)),
            Self::Daemon(daemon) => {
                let lab = lab.clone();
                act(move || daemon.start(&lab))
            }
            Self::Client { space, zone, device } => {
                let lab = lab.clone();
                act(move || daemons::start_client(&lab, &space, &zone, &device))
            }
        }
    }

    fn unmaking(&self, lab: &Lab) -> Vec<Step> {
        match self.clone() {
            Self::Space(space) => act(move || tools::remove_space(&space)),
            Self::Bridge { space, device } => lines(&space, &[format!("link delete {device}")]),
            Self::Uplink { space, port, .. } | Self::Port { space, port, .. } => {
                lines(&space, &[format!("link delete {port}")])
            }
            Self::Mtu { .. } | Self::Sessions { .. } => Vec::new(),
            Self::Setting { space, key, rest, .. } => act(move || inside::try_set(&space, &key, &rest)),
            Self::Up { space, device } => lines(&space, &[format!("link set {device} down")]),
            Self::Address { space, device, address } => {
                lines(&space, &[format!("address delete {address} dev {device}")])
            }
            Self::Route { space, to, gateway, device } => {
                lines(&space, &[format!("route delete {to} via {gateway}{}", of_device(&device))])
            }
            Self::Rules { space, table, .. } => act(move || tools::nft(&space, &table, "")),
            Self::Daemon(daemon) => {
                let lab = lab.clone();
                act(move || daemon.stop(&lab))
            }
            Self::Client { zone, device, .. } => {
                let lab = lab.clone();
                act(move || daemons::stop_client(&lab, &zone, &device))
            }
        }
    }
}

fn of_device(device: &str) -> String {
    if device.is_empty() { String::new() } else { format!(" dev {device}") }
}
