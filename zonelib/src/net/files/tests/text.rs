//! What has to hold of the texts, whatever they look like.

use super::*;
use crate::net::files::{Beside, RoutingError};
use crate::net::{Attachment, Ingress, IngressKind, Opening, OpeningProtocol};

fn beside(networks: &[&str]) -> Vec<Beside> {
    let via = "203.0.113.21".parse().unwrap();
    networks.iter().map(|network| Beside { network: network.parse().unwrap(), via }).collect()
}

fn nat(peers: &[&str]) -> Vec<String> {
    let sample = Sample { beside: beside(peers), ..simple() };
    ipnat::rules(&sample.routing()).unwrap().lines().map(str::to_owned).collect()
}

/// ipnat takes the first of rules with equal source masks, and the next one when that has no port left.
#[test]
fn both_lines_of_nat_stand_in_the_order_that_works() {
    let lines = nat(&[]);
    let wanted = ["map znic0 10.1.0.0/24 -> 0/32 portmap tcp/udp 1025:65000", "map znic0 10.1.0.0/24 -> 0/32"];
    assert_eq!(lines, wanted);
}

#[test]
fn one_exception_stands_in_the_rule_itself() {
    for (peers, one) in [
        (&["10.2.0.0/24"][..], "10.2.0.0/24"),
        (&["10.2.0.0/24", "10.2.1.0/24"], "10.2.0.0/23"),
        // Together with the router's own network.
        (&["10.1.1.0/24", "10.1.2.0/23"], "10.1.0.0/22"),
        (&["fd00::/64", "10.1.1.0/24"], "10.1.1.0/24"),
    ] {
        let lines = nat(peers);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(
            lines.iter().all(|line| line.starts_with(&format!("map znic0 from 10.1.0.0/24 ! to {one} -> 0/32"))),
            "{lines:?}"
        );
        assert!(lines[0].ends_with("portmap tcp/udp 1025:65000") && lines[1].ends_with("0/32"), "{lines:?}");
    }
}

#[test]
fn several_exceptions_stand_above_the_rules() {
    let lines = nat(&["10.2.0.0/24", "10.4.0.0/16", "10.2.0.0/24"]);
    let wanted = [
        "map znic0 from 10.1.0.0/24 to 10.2.0.0/24 -> 0/0",
        "map znic0 from 10.1.0.0/24 to 10.4.0.0/16 -> 0/0",
        "map znic0 10.1.0.0/24 -> 0/32 portmap tcp/udp 1025:65000",
        "map znic0 10.1.0.0/24 -> 0/32",
    ];
    assert_eq!(lines, wanted);
}

#[test]
fn routable_addresses_are_not_translated() {
    let sample = rich();
    let rules = ipnat::rules(&sample.routing()).unwrap();
    assert!(!rules.contains("2001:db8:1::"), "{rules}");
    assert!(
        rules.contains("map znic0 from fd00:1::/64 ! to fd00:2::/64 -> 0/128 portmap tcp/udp 1025:65000"),
        "{rules}"
    );
}

#[test]
fn only_what_was_opened_gets_to_a_routable_address() {
    let sample = rich();
    let rules = ipf::rules6(&sample.routing());
    let inward: Vec<&str> = rules
        .lines()
        .filter(|rule| rule.starts_with("pass in quick on znic0") && rule.contains("to 2001:db8:1::"))
        .collect();
    let wanted = [
        "pass in quick on znic0 from fd00:2::/64 to 2001:db8:1::/64",
        "pass in quick on znic0 proto tcp from any to 2001:db8:1::80/128 port = 443 flags S keep state",
        "pass in quick on znic0 proto udp from any to 2001:db8:1::80/128 port = 443 keep state",
    ];
    assert_eq!(inward, wanted);
    let position = |text: &str| rules.lines().position(|rule| rule == text).unwrap();
    assert!(position("block in quick on znic0 from any to 2001:db8:1::/64") > position(wanted[2]));
    assert!(rules.lines().last().unwrap() == "block in quick on znic0 all");
    // An IPv4 address in here would be misread without a word.
    assert!(!rules.lines().any(|rule| rule.contains("10.") || rule.contains("203.")), "{rules}");
}

#[test]
fn a_port_of_the_router_has_one_zone() {
    let mut sample = rich();
    let taken = Opening { protocol: OpeningProtocol::Udp, port: 5000 };
    let mut second = sample.attachments[1].clone();
    second.zone = "other".parse().unwrap();
    second.ipv4 = Some("10.1.2.7/16".parse().unwrap());
    assert_eq!(second.openings, [taken]);
    sample.attachments.push(second);
    let error = ipnat::rules(&sample.routing()).unwrap_err().to_string();
    assert_eq!(error, "zones mail and other both want udp port 5000 of router rt1; only one can have it");
}

#[test]
fn ways_in_that_cannot_be_told_apart_are_refused() {
    let ingress = |name: &str, kind, host: Option<&str>, port| Ingress {
        router: simple().router,
        name: name.parse().unwrap(),
        host: host.map(|host| host.parse().unwrap()),
        kind,
        port,
        zone: "web".parse().unwrap(),
        zone_port: 80,
    };
    let (http, tcp, tls) = (IngressKind::Http, IngressKind::Tcp, IngressKind::Tls);
    let (a, b) = (Some("a.example"), Some("b.example"));
    for (one, other, said) in [
        (ingress("x", http, a, 80), ingress("y", http, b, 80), None),
        (ingress("x", http, a, 80), ingress("x", http, a, 81), None),
        (ingress("x", http, a, 80), ingress("x", tls, a, 443), None),
        (ingress("x", http, a, 80), ingress("y", http, a, 80), Some("same host name")),
        (ingress("x", http, a, 80), ingress("x", http, b, 80), Some("same name")),
        (ingress("x", http, a, 80), ingress("y", tls, b, 80), Some("either for HTTP")),
        (ingress("x", tcp, None, 80), ingress("y", tcp, None, 80), Some("use another port")),
        (ingress("x", tcp, None, 25), ingress("y", http, None, 80), Some("has none")),
        (ingress("x", tcp, None, 25), ingress("y", tcp, None, 22), Some("it is for ssh")),
    ] {
        let sample = Sample { ingresses: vec![one, other], ..simple() };
        let found = haproxy::files(&sample.routing(), "");
        match (said, &found) {
            (None, Ok(files)) => assert!(files.contains_key(haproxy::CONFIG)),
            (Some(said), Err(error)) => assert!(error.to_string().contains(said), "{error}"),
            _ => panic!("{said:?}: {found:?}"),
        }
    }
    let mut lost = ingress("x", tcp, None, 80);
    lost.zone = "elsewhere".parse().unwrap();
    let sample = Sample { ingresses: vec![lost], ..simple() };
    assert!(matches!(haproxy::files(&sample.routing(), ""), Err(RoutingError::NoAddress { .. })));
    assert!(haproxy::files(&simple().routing(), "").unwrap().is_empty());
}

/// Otherwise the address of a zone that has gone would be held back from its successor for ever.
#[test]
fn a_lease_of_a_former_zone_gives_way() {
    let sample = simple();
    let routing = sample.routing();
    let web = routing.zones().remove(&"web".parse::<crate::config::ZoneName>().unwrap()).unwrap();
    let file = b"0 02:08:20:00:00:99 10.1.0.5 old *\n0 02:08:20:00:00:98 10.1.0.77 x *\nnonsense\n\xff\xfe 1 2\n0 2:8:20:0:0:5 10.1.0.5 web *\nduid 00:01\n";
    let stale = dnsmasq::leases(file);
    assert_eq!(stale.len(), 3);
    assert_eq!(dnsmasq::dhcp_hosts(&web, &stale), "02:08:20:00:00:05,02:08:20:00:00:99,10.1.0.5,web,infinite\n");
}

#[test]
fn several_addresses_of_an_interface_are_all_configured() {
    let sample = simple();
    let mut second = sample.attachments[1].clone();
    second.ipv4 = Some("10.1.0.9/24".parse().unwrap());
    second.ipv6 = Some("fd00:1::9/64".parse().unwrap());
    let both = [&sample.attachments[1], &second];
    assert_eq!(interface::hostname(&both).unwrap(), "10.1.0.5/24 broadcast + up\naddif 10.1.0.9/24 broadcast + up\n");
    // Those that it is bound to come from the zone's configuration.
    assert_eq!(interface::hostname6(&both).unwrap(), "");
    let forwards = Attachment { forwards: true, ..second.clone() };
    assert_eq!(interface::hostname6(&[&forwards]).unwrap(), "addif fd00:1::9/64 up\n");
    assert_eq!(interface::hostname6(&both[..1]), None);
    assert_eq!(interface::defaultrouter(&["fd00::1".parse().unwrap()]), None);
}

/// Whoever administers the global zone decides what it lets in for itself.
#[test]
fn the_global_zone_is_left_as_open_as_it_was() {
    let mut sample = rich();
    sample.router = crate::net::Router::Global;
    let (rules, rules6) = (ipf::rules(&sample.routing()).unwrap(), ipf::rules6(&sample.routing()));
    for rule in rules.lines().chain(rules6.lines()) {
        let about_zones =
            ["10.", "fd00:", "2001:db8:1:", "port = 67", "fe80::/10", "znic1 proto ipv6-icmp", "znic4 proto ipv6-icmp"];
        assert!(about_zones.iter().any(|part| rule.contains(part)), "{rule}");
    }
    assert!(rules.contains("block in quick on znic0 from any to 10.1.0.0/16\n"));
}

fn network_of(sample: &Sample, attachments: &[&Attachment]) -> Option<String> {
    let zone = "web".parse().unwrap();
    let segments: Vec<_> = sample.segments.iter().collect();
    let guest = cloud_init::Guest {
        zone: &zone,
        instance: "i",
        attachments,
        segments: &segments,
        domain: None,
        servers: &[],
        keys: &[],
        password: None,
    };
    cloud_init::seed(&guest).into_iter().find(|(name, _)| *name == "network-config").map(|(_, text)| text)
}

/// The switch of a segment drops packets that are too long without a word.
#[test]
fn a_guest_is_told_of_an_unusual_size_of_packets() {
    let mut sample = simple();
    let web = sample.attachments[1].clone();
    assert!(!network_of(&sample, &[&web]).unwrap().contains("mtu"));
    sample.segments[0].mtu = Some(1400);
    assert!(network_of(&sample, &[&web]).unwrap().contains("\n    mtu: 1400\n"));
}

/// One that came twice would hide the first in YAML; and without any, the guest is to ask by DHCP.
#[test]
fn an_interface_of_a_guest_comes_once() {
    let sample = simple();
    let mut more = sample.attachments[1].clone();
    more.ipv4 = Some("10.1.0.77/24".parse().unwrap());
    let text = network_of(&sample, &[&sample.attachments[1], &more]).unwrap();
    assert_eq!(text.matches("\"znic2\":").count(), 1, "{text}");
    assert!(text.contains("10.1.0.5/24") && text.contains("10.1.0.77/24"), "{text}");
    assert_eq!(text.matches("via:").count(), 1, "{text}");
    more.mac = None;
    assert_eq!(network_of(&sample, &[&more]), None);
    assert_eq!(network_of(&sample, &[]), None);
}

/// All interfaces of a router forward, so what holds for one to the outside has to hold for all.
#[test]
fn each_interface_to_the_outside_is_guarded() {
    let mut sample = simple();
    let mut second = sample.attachments[0].clone();
    second.link = "znic9".parse().unwrap();
    second.place = crate::net::Place::Link("net1".parse().unwrap());
    second.ipv4 = Some("198.51.100.20/24".parse().unwrap());
    sample.attachments.push(second);
    let routing = sample.routing();
    let same = |text: &str| {
        let of = |interface: &str| -> Vec<String> {
            let word = format!(" {interface} ");
            let lines = text.lines().filter(|line| line.contains(&word));
            lines.map(|line| line.replace(interface, "IF")).collect()
        };
        assert!(!of("znic0").is_empty());
        assert_eq!(of("znic0"), of("znic9"), "{text}");
    };
    same(&ipnat::rules(&routing).unwrap());
    let filter = ipf::rules(&routing).unwrap();
    same(&filter);
    // Nor do zones reach what is the router's own by its other address.
    let guarded = "block in quick on znic1 proto tcp from any to 198.51.100.20/32 flags S/SA";
    assert!(filter.lines().any(|line| line == guarded), "{filter}");
}
