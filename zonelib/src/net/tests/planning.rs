//! What is planned for zones and routers, and what is refused.

use super::*;
use crate::config::IpType;

#[test]
fn a_router_makes_its_segment() {
    let host = Host::new(Lists::usual());
    let plan = host
        .plan(&Wanted { domain: Some("lan".parse().unwrap()), ..router("r1", "192.0.2.20", &["10.1.2.0/24"]) })
        .unwrap();
    assert_eq!(
        commands(&plan.steps),
        [
            "dladm create-vnic -l net0 -m MAC znic0",
            "dladm create-etherstub zrstub0",
            "dladm set-linkprop -p mtu=1500 zrstub0",
            "dladm create-vnic -l zrstub0 -m MAC snic0",
            "ipadm create-if snic0",
            "dladm create-vnic -l zrstub0 -m MAC znic1",
            "write down segments/10.1.2.0-24",
            "write down attachments/r1+znic0+192.0.2.20",
            "write down attachments/r1+znic1+10.1.2.1",
        ]
    );
    let segment = &plan.segments[0];
    assert_eq!((segment.mtu, segment.domain.as_ref().map(Domain::as_str)), (Some(1500), Some("lan")));
    assert_eq!((segment.gateway4.unwrap().to_string(), segment.router.zone_name()), ("10.1.2.1".to_owned(), "r1"));
    let outside = segment.outside.as_ref().unwrap();
    assert_eq!(
        (outside.interface.as_str(), outside.over.as_str(), &outside.gateways[..]),
        ("znic0", "net0", &[ip("192.0.2.1")][..])
    );
    // What forwards is bound to no address.
    assert_eq!(plan.ip_type, Some(IpType::Exclusive));
    let resources = plan
        .resources
        .iter()
        .map(|net| (net.physical.as_str(), net.allowed_address.is_some(), net.defrouter.is_some()));
    assert_eq!(resources.collect::<Vec<_>>(), [("znic0", false, false), ("znic1", false, false)]);
}

#[test]
fn a_router_without_an_address_of_a_family_outside_is_told() {
    let host = Host::new(Lists::usual());
    let notes = |outside: &[&str], routes: &[&str]| {
        let wanted = Wanted {
            routes: routes.iter().map(|net| address::network(net).unwrap()).collect(),
            link: Some("net0".parse().unwrap()),
            ..exclusive("r1", outside)
        };
        host.plan(&wanted).unwrap().notes
    };
    let both = ["10.1.2.0/24", "fd00:1::/64"];
    assert_eq!(notes(&["192.0.2.20", "2001:db8::20/64"], &both), [""; 0]);
    assert_eq!(
        notes(&["192.0.2.20"], &both),
        ["zones on fd00:1::/64 have no way out: the router has no IPv6 address outside"]
    );
    assert_eq!(
        notes(&["2001:db8::20/64"], &both[..1]),
        ["zones on 10.1.2.0/24 have no way out: the router has no IPv4 address outside"]
    );
}

#[test]
fn an_etherstub_for_big_packets_stays_as_it_is() {
    let mut lists = Lists::usual();
    lists.address("net1/v4", "198.51.100.9/24");
    let plan = Host::new(lists).plan(&router("r1", "198.51.100.20", &["10.1.2.0/24"])).unwrap();
    assert!(!commands(&plan.steps).iter().any(|line| line.contains("mtu")), "{:?}", commands(&plan.steps));
}

/// The Ethernet addresses that a plan has.
fn macs(plan: &Plan) -> Vec<String> {
    let shared = plan.segments.iter().filter_map(|segment| segment.shared_mac);
    plan.attachments.iter().filter_map(|one| one.mac).chain(shared).map(|mac| mac.to_string()).collect()
}

#[test]
fn a_zone_has_the_same_ethernet_address_again() {
    let mut lists = Lists::usual();
    lists.card("net0", "0:c:29:1:2:3");
    let mut host = Host::new(lists.clone());
    let first = host.make(&router("r1", "192.0.2.20", &["10.1.2.0/24"]));
    assert_eq!(
        macs(&first),
        macs(&Host::new(lists.clone()).plan(&router("r1", "192.0.2.20", &["10.1.2.0/24"])).unwrap())
    );
    let web = exclusive("web", &["192.0.2.31", "10.1.2.5"]);
    let planned = host.plan(&web).unwrap();
    // Others have come meanwhile, and it is given another link.
    host.make(&exclusive("db", &["10.1.2.6"]));
    let made = host.make(&web);
    assert_ne!(planned.attachments[0].link, made.attachments[0].link);
    assert_eq!(macs(&planned), macs(&made));
    // Each network, zone and vnic has another one, and so has the same zone again while its vnics are there.
    let again = host.plan(&exclusive("web", &["192.0.2.32", "192.0.2.33", "10.1.2.7"])).unwrap();
    let mut all = [macs(&first), macs(&made), macs(&again)].concat();
    assert_eq!(all.len(), 3 + 2 + 3);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 3 + 2 + 3);
    // Another host on the same network.
    let mut other = Lists::usual();
    other.card("net0", "0:c:29:1:2:4");
    let theirs = Host::new(other).plan(&exclusive("web", &["192.0.2.31"])).unwrap();
    assert_ne!(macs(&theirs)[0], macs(&made)[0]);
    // And where several cards are one link.
    let aggregated = |mac: &str| {
        let mut lists = Lists::default();
        lists.link("net0", LinkClass::Physical, 1500, &[]);
        lists.link("net1", LinkClass::Physical, 1500, &[]);
        lists.link("aggr0", LinkClass::Aggregation, 1500, &["net0", "net1"]);
        lists.card("net0", "0:c:29:1:2:3");
        lists.card("net1", mac);
        lists.address("aggr0/v4", "192.0.2.10/24");
        macs(&Host::new(lists).plan(&exclusive("web", &["192.0.2.31"])).unwrap())
    };
    assert_eq!(aggregated("0:c:29:1:2:9"), aggregated("0:c:29:1:2:9"));
    assert_ne!(aggregated("0:c:29:1:2:9"), aggregated("0:c:29:1:2:a"));
}

#[test]
fn an_address_says_what_network_it_is_on() {
    let host = Host::with_router(&["10.1.2.0/24"]);
    for asked in ["10.1.2.5", "10.1.2.5/24"] {
        let plan = host.plan(&exclusive("web", &[asked])).unwrap();
        assert_eq!(
            commands(&plan.steps),
            ["dladm create-vnic -l zrstub0 -m MAC znic2", "write down attachments/web+znic2+10.1.2.5"]
        );
        let net = &plan.resources[0];
        assert_eq!((net.physical.as_str(), net.address.as_deref()), ("znic2", None));
        assert_eq!((net.allowed_address.as_deref(), net.defrouter.as_deref()), (Some("10.1.2.5/24"), Some("10.1.2.1")));
    }
    let outside = host.plan(&exclusive("web", &["192.0.2.30"])).unwrap();
    assert_eq!(commands(&outside.steps)[0], "dladm create-vnic -l net0 -m MAC znic2");
    assert_eq!(outside.resources[0].defrouter.as_deref(), Some("192.0.2.1"));
    assert_eq!(outside.attachments[0].place, Place::Link("net0".parse().unwrap()));
}

#[test]
fn a_zone_on_the_shared_stack_gets_an_address_on_the_shared_link() {
    let host = Host::with_router(&["10.1.2.0/24"]);
    let plan = host.plan(&shared("web", &["10.1.2.5", "192.0.2.30"])).unwrap();
    assert_eq!(
        commands(&plan.steps),
        ["write down attachments/web+snic0+10.1.2.5", "write down attachments/web+net0+192.0.2.30"]
    );
    let nets = plan.resources.iter().map(|net| (net.physical.as_str(), net.address.as_deref().unwrap()));
    assert_eq!(nets.collect::<Vec<_>>(), [("snic0", "10.1.2.5/24"), ("net0", "192.0.2.30/24")]);
    assert_eq!(plan.ip_type, Some(IpType::Shared));
    assert!(plan.notes[0].contains("has no route out"), "{:?}", plan.notes);
}

#[test]
fn a_shared_address_of_an_unknown_network_goes_where_it_is_told() {
    let host = Host::new(Lists::usual());
    let on = |address: &str, link: &str| Wanted { link: link.parse().ok(), ..shared("web", &[address]) };
    let plan = host.plan(&on("10.7.0.5/24", "net0")).unwrap();
    assert_eq!(commands(&plan.steps), ["write down attachments/web+net0+10.7.0.5"]);
    assert_eq!(plan.resources[0].address.as_deref(), Some("10.7.0.5/24"));
    for (address, link, said) in [
        ("10.7.0.5/24", "net1", "the global zone does not use `net1` for IP"),
        ("10.7.0.5", "net0", "10.7.0.5 needs the length of its network, such as 10.7.0.5/24"),
        ("10.7.0.255/24", "net0", "10.7.0.255 is the broadcast address"),
        ("10.7.0.5/24", "", "10.7.0.5/24 is on no segment and on no network of this host"),
    ] {
        let error = host.plan(&on(address, link)).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn both_families_of_a_segment_are_one_interface() {
    let host = Host::with_router(&["10.1.2.0/24", "fd00:1::/64"]);
    let segment = &host.view().segments[0];
    assert_eq!((segment.name.as_str(), segment.gateway6.unwrap().to_string().as_str()), ("10.1.2.0-24", "fd00:1::1"));
    let plan = host.plan(&exclusive("web", &["10.1.2.5", "fd00:1::5"])).unwrap();
    assert_eq!(plan.attachments.len(), 1);
    assert_eq!(plan.attachments[0].gateways, [ip("10.1.2.1"), ip("fd00:1::1")]);
    let nets =
        plan.resources.iter().map(|net| (net.allowed_address.as_deref().unwrap(), net.defrouter.as_deref().unwrap()));
    assert_eq!(nets.collect::<Vec<_>>(), [("10.1.2.5/24", "10.1.2.1"), ("fd00:1::5/64", "fd00:1::1")]);
    // An address that a zone gives itself is not one that it can be bound to.
    let own = host.plan(&Wanted { ipv6: true, ..exclusive("web", &["10.1.2.5"]) }).unwrap();
    assert_eq!(own.attachments[0].autoconfiguration, Autoconfiguration::Slaac);
    assert_eq!((own.resources.len(), own.resources[0].allowed_address.as_deref()), (1, None));
    let alone = host.plan(&Wanted { ipv6: true, ..zone("web") }).unwrap();
    assert_eq!(commands(&alone.steps)[0], "dladm create-vnic -l net0 -m MAC znic2");
}

#[test]
fn zones_may_be_left_without_addresses_of_their_own_making() {
    let router =
        |networks: &[&str], source| Wanted { ipv6_addresses: Some(source), ..router("r1", "192.0.2.20", networks) };
    let mut host = Host::new(Lists::usual());
    for (networks, source, said) in [
        (&["10.1.2.0/24"][..], Ipv6Addresses::Static, "is about an IPv6 network, and none is given"),
        (&["fd00:1::/80"], Ipv6Addresses::Slaac, "networks of /64 alone; fd00:1::/80 can only have static ones"),
    ] {
        let error = host.plan(&router(networks, source)).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    host.make(&router(&["10.1.2.0/24", "fd00:1::/64"], Ipv6Addresses::Static));
    let own = host.plan(&Wanted { ipv6: true, ..exclusive("web", &["10.1.2.5"]) }).unwrap();
    assert_eq!(own.attachments[0].autoconfiguration, Autoconfiguration::LinkLocal);
    assert!(own.notes[0].contains("`10.1.2.0-24` are static; name one for `web`"), "{:?}", own.notes);
    let given = host.plan(&Wanted { ipv6: true, ..exclusive("web", &["10.1.2.5", "fd00:1::5"]) }).unwrap();
    assert_eq!((given.attachments[0].autoconfiguration, given.notes.len()), (Autoconfiguration::LinkLocal, 0));
    // What older records do not say is as it was.
    let segment = serde_json::to_value(&host.view().segments[0]).unwrap();
    assert_eq!(segment["ipv6_addresses"], "static");
    let mut older = segment;
    older.as_object_mut().unwrap().remove("ipv6_addresses");
    assert!(serde_json::from_value::<Segment>(older).unwrap().has_slaac());
}

#[test]
fn two_networks_of_one_family_are_two_segments() {
    let host = Host::with_router(&["10.1.2.0/24", "10.1.3.0/25", "fd00:1::/64"]);
    let names: Vec<String> = host.view().segments.iter().map(|segment| segment.name.to_string()).collect();
    assert_eq!(names, ["10.1.2.0-24", "10.1.3.0-25"]);
    assert_eq!(host.view().segments[1].etherstub.as_str(), "zrstub1");
}

#[test]
fn addresses_that_cannot_be_are_refused_by_name() {
    let mut host = Host::with_router(&["10.1.2.0/24"]);
    host.make(&exclusive("db", &["10.1.2.9"]));
    for (address, said) in [
        ("10.1.2.0", "10.1.2.0 is the network's own address on 10.1.2.0/24 of the segment `10.1.2.0-24`; take another"),
        ("10.1.2.255", "10.1.2.255 is the broadcast address on 10.1.2.0/24"),
        ("10.1.2.1", "10.1.2.1 is the gateway"),
        ("10.1.2.9", "10.1.2.9 is in use by zone `db`; take another address"),
        ("10.1.2.5/16", "10.1.2.5/16 is on 10.1.2.0/24; write 10.1.2.5/24, or the address alone"),
        ("192.0.2.10", "192.0.2.10 is in use by `net0/v4` of this host"),
        ("192.0.2.20", "192.0.2.20 is in use by zone `r1`"),
        ("192.0.2.1", "192.0.2.1 is the gateway on 192.0.2.0/24 of `net0`"),
        ("192.0.2.255", "is the broadcast address"),
        ("10.9.9.9", "10.9.9.9 is on no segment and on no network of this host; make a router zone for its network"),
        ("2001:db8::5", "is on no segment"),
    ] {
        for wanted in [exclusive("web", &[address]), shared("web", &[address])] {
            let error = host.plan(&wanted).unwrap_err();
            assert!(error.starts_with(said) || error.contains(said), "{error}");
        }
    }
    let twice = host.plan(&exclusive("web", &["10.1.2.5", "10.1.2.5"])).unwrap_err();
    assert_eq!(twice, "10.1.2.5 is in use by this zone already; take another address");
}

#[test]
fn routers_of_the_host_and_zones_that_no_record_knows_have_their_addresses() {
    let mut host = Host::with_router(&["10.1.2.0/24"]);
    host.lists.route("172.16.5.0/24", "192.0.2.7", Some("net0"), "UGS");
    host.lists.route("0.0.0.0/0", "192.0.2.2", None, "UG");
    for (address, said) in [
        ("192.0.2.7", "192.0.2.7 is in use by the router to 172.16.5.0/24; take another address"),
        ("192.0.2.2", "192.0.2.2 is in use by the router to 0.0.0.0/0; take another address"),
    ] {
        assert_eq!(host.plan(&exclusive("web", &[address])).unwrap_err(), said);
    }
    let mut view = host.view();
    let net = |physical: &str, address: Option<&str>, allowed: Option<&str>| crate::config::Network {
        physical: physical.to_owned(),
        address: address.map(str::to_owned),
        allowed_address: allowed.map(str::to_owned),
        defrouter: None,
    };
    let networks = [net("znic2", None, Some("10.1.2.7/24")), net("net0", Some("192.0.2.44"), None)];
    view.add_stranger(&"theirs".parse().unwrap(), &networks);
    for address in ["10.1.2.7", "192.0.2.44"] {
        let error = plan(&exclusive("web", &[address]), &mut view).unwrap_err().to_string();
        assert_eq!(error, format!("{address} is in use by zone `theirs`; take another address"));
    }
    // The vnic of a halted zone may have been deleted by hand: another one of its name would go into that zone.
    let plan = plan(&exclusive("web", &["10.1.2.8"]), &mut view).unwrap();
    assert_eq!(plan.attachments[0].link.as_str(), "znic3");
}

#[test]
fn a_link_can_be_named_for_what_no_network_claims() {
    let host = Host::with_router(&["10.1.2.0/24"]);
    let on = |link: &str, address: &str| Wanted { link: Some(link.parse().unwrap()), ..exclusive("web", &[address]) };
    let plan = host.plan(&on("net1", "203.0.113.7/32")).unwrap();
    assert_eq!(commands(&plan.steps)[0], "dladm create-vnic -l net1 -m MAC znic2");
    assert!(host.plan(&on("net1", "203.0.113.7")).unwrap_err().contains("needs the length of its network"));
    assert!(host.plan(&on("net7", "203.0.113.7/32")).unwrap_err().contains("`net7`, which is no link of this host"));
}

#[test]
fn networks_that_overlap_are_refused_in_both_directions() {
    let mut host = Host::with_router(&["10.1.2.0/24"]);
    host.lists.route("172.16.5.0/24", "192.0.2.7", Some("net0"), "UGS");
    host.lists.address("net0/v6", "2001:db8:5::10/64");
    host.lists.route("2001:db8:7::/48", "fe80::7", Some("net0"), "UGS");
    for (network, said) in [
        ("2001:db8:5::/64", "overlaps 2001:db8:5::/64, which is that of the address 2001:db8:5::10 of `net0/v6`"),
        ("2001:db8::/32", "2001:db8::/32 overlaps 2001:db8:5::/64"),
        ("2001:db8:7:1::/64", "overlaps 2001:db8:7::/48, which is that of the host's route by fe80::7"),
        ("10.1.2.0/24", "10.1.2.0/24 overlaps 10.1.2.0/24, which is that of the segment `10.1.2.0-24`"),
        ("10.0.0.0/8", "10.0.0.0/8 overlaps 10.1.2.0/24"),
        ("10.1.2.128/25", "10.1.2.128/25 overlaps 10.1.2.0/24"),
        ("192.0.2.0/25", "overlaps 192.0.2.0/24, which is that of the address 192.0.2.10 of `net0/v4`"),
        ("172.16.0.0/12", "overlaps 172.16.5.0/24, which is that of the host's route by 192.0.2.7"),
        ("172.16.5.64/26", "overlaps 172.16.5.0/24"),
        ("10.7.7.7/32", "is a single address"),
    ] {
        let error = host.plan(&router("r2", "192.0.2.21", &[network])).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    let error = host.plan(&router("r2", "192.0.2.21", &["10.4.0.0/16", "10.4.4.0/24"])).unwrap_err();
    assert!(error.contains("which is that of this router too"), "{error}");
    assert!(host.plan(&router("r2", "192.0.2.21", &["10.1.3.0/24"])).is_ok());
}

#[test]
fn wishes_that_do_not_go_together_are_refused() {
    let host = Host::with_router(&["10.1.2.0/24"]);
    let both = Wanted { shared: vec!["10.1.2.5".parse().unwrap()], ..exclusive("web", &["10.1.2.6"]) };
    let no_outside = Wanted { exclusive: Vec::new(), ..router("r2", "192.0.2.21", &["10.1.3.0/24"]) };
    let flow = Wanted { flow: Some("maxbw=5M".parse().unwrap()), ..shared("web", &["10.1.2.5"]) };
    let routable = Wanted { routable_ipv6: true, ..router("r2", "192.0.2.21", &["10.1.3.0/24"]) };
    for (wanted, said) in [
        (both, "not both"),
        (no_outside, "a router needs an exclusive address"),
        (flow, "limits need a vnic"),
        (routable, "only an IPv6 network can be routable"),
    ] {
        let error = host.plan(&wanted).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn links_that_are_not_as_remembered_are_told() {
    let mut host = Host::with_router(&["10.1.2.0/24"]);
    host.lists.interfaces.retain(|interface| interface.name != "snic0");
    let error = host.plan(&shared("web", &["10.1.2.5"])).unwrap_err();
    assert!(
        error.starts_with("the link `snic0` of the segment `10.1.2.0-24` is not plumbed; `zonekit-store check`"),
        "{error}"
    );
    host.lists.links.retain(|link| link.name != "snic0" && link.name != "zrstub0");
    assert!(
        host.plan(&shared("web", &["10.1.2.5"])).unwrap_err().contains("`snic0` of the segment `10.1.2.0-24` is gone")
    );
    assert!(
        host.plan(&exclusive("web", &["10.1.2.5"])).unwrap_err().contains("the etherstub `zrstub0` of the segment")
    );
    host.lists.link("zrstub0", LinkClass::Physical, 1500, &[]);
    assert!(host.plan(&exclusive("web", &["10.1.2.5"])).unwrap_err().contains("is no etherstub any more"));
}

#[test]
fn vnics_are_made_where_dladm_makes_them() {
    let mut lists = Lists::usual();
    lists.link("admin0", LinkClass::Vnic, 1500, &["net1"]);
    lists.address("admin0/v4", "198.51.100.5/24");
    lists.link("tun0", LinkClass::Other, 1500, &[]);
    lists.address("tun0/v4", "203.0.113.5/24");
    let host = Host::new(lists);
    let plan = host.plan(&exclusive("web", &["198.51.100.6"])).unwrap();
    assert_eq!(commands(&plan.steps)[0], "dladm create-vnic -l net1 -m MAC znic0");
    let error = host.plan(&exclusive("web", &["203.0.113.6"])).unwrap_err();
    assert!(error.starts_with("no vnic can be made on `tun0`, which is no network card"), "{error}");
}

/// net1 with a link for VLAN 7 of it, which has an address, and a vnic in VLAN 9, which has one too.
fn with_vlans() -> Lists {
    let mut lists = Lists::usual();
    lists.link("vlan7", LinkClass::Vlan, 1500, &["net1"]);
    lists.vlans.push(Vlan { name: "vlan7".to_owned(), id: "7".parse().unwrap(), over: "net1".to_owned() });
    lists.address("vlan7/v4", "203.0.113.5/24");
    lists.link("admin0", LinkClass::Vnic, 1500, &["net1"]);
    let (name, over) = ("admin0".to_owned(), "net1".to_owned());
    lists.vnics.push(Vnic { name, over, mac: "2:8:20:0:0:9".parse().ok(), vlan: "9".parse().ok() });
    lists.address("admin0/v4", "198.51.100.5/24");
    lists
}

#[test]
fn vnics_are_in_the_vlans_of_their_networks() {
    let mut host = Host::new(with_vlans());
    let on = |address: &str, link: &str, vlan: &str| Wanted {
        link: link.parse().ok(),
        vlan: vlan.parse().ok(),
        ..exclusive("web", &[address])
    };
    for (wanted, said) in [
        (exclusive("web", &["203.0.113.6"]), "dladm create-vnic -l net1 -m MAC -v 7 znic0"),
        (exclusive("web", &["198.51.100.6"]), "dladm create-vnic -l net1 -m MAC -v 9 znic0"),
        (on("10.7.0.5/24", "vlan7", ""), "dladm create-vnic -l net1 -m MAC -v 7 znic0"),
        (on("10.7.0.5/24", "vlan7", "7"), "dladm create-vnic -l net1 -m MAC -v 7 znic0"),
        (on("10.7.0.5/24", "net1", "12"), "dladm create-vnic -l net1 -m MAC -v 12 znic0"),
        (on("10.7.0.5/24", "net1", ""), "dladm create-vnic -l net1 -m MAC znic0"),
        (
            Wanted { ipv6: true, link: "vlan7".parse().ok(), ..zone("web") },
            "dladm create-vnic -l net1 -m MAC -v 7 znic0",
        ),
    ] {
        assert_eq!(commands(&host.plan(&wanted).unwrap().steps)[0], said);
    }
    for (wanted, said) in [
        (on("10.7.0.5/24", "vlan7", "8"), "`vlan7` is VLAN 7 of `net1`, and not VLAN 8; name `net1`"),
        (on("203.0.113.6", "", "7"), "name the link, and give exclusive addresses"),
        (
            Wanted { link: "net1".parse().ok(), vlan: "7".parse().ok(), ..shared("web", &["192.0.2.9"]) },
            "name the link",
        ),
    ] {
        let error = host.plan(&wanted).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    // Both families of one VLAN are one interface, and two VLANs of one link are two.
    let both = host.make(&exclusive("both", &["203.0.113.8", "198.51.100.8"]));
    assert_eq!(both.attachments.len(), 2);
    assert_eq!(both.attachments[0].vlan, "7".parse().ok());
    let text = serde_json::to_value(&both.attachments[0]).unwrap();
    assert_eq!((&text["place"]["link"], &text["vlan"]), (&"net1".into(), &7.into()));
    // A router on a VLAN, and a VLAN that a segment has no use for.
    let plan = host.make(&router("r1", "203.0.113.20", &["10.1.2.0/24"]));
    assert_eq!(
        (&plan.segments[0].outside.as_ref().unwrap().vlan, plan.segments[0].mtu),
        (&"7".parse().ok(), Some(9000))
    );
    let error = host.plan(&on("10.1.2.5", "net1", "7")).unwrap_err();
    assert!(error.contains("VLAN 7 is for addresses on a link of the host, and none of these is"), "{error}");
}

#[test]
fn limits_are_a_flow_on_each_vnic() {
    let host = Host::with_router(&["10.1.2.0/24"]);
    let wanted = Wanted { flow: Some("maxbw=5M,priority=high".parse().unwrap()), ..exclusive("web", &["10.1.2.5"]) };
    let plan = host.plan(&wanted).unwrap();
    assert_eq!(
        commands(&plan.steps)[1],
        "flowadm add-flow -l znic2 -a local_ip=10.1.2.5 -p maxbw=5M,priority=high zflow2"
    );
    assert_eq!(plan.attachments[0].flow.as_ref().unwrap().name, "zflow2");
    assert_eq!(plan.notes, [""; 0]);
    let host = Host::with_router(&["10.1.2.0/24", "fd00:1::/64"]);
    let wanted = Wanted { exclusive: exclusive("web", &["10.1.2.5", "fd00:1::5"]).exclusive, ..wanted };
    assert_eq!(host.plan(&wanted).unwrap().notes, ["the limits are those of 10.1.2.5; fd00:1::5 has none"]);
}

#[test]
fn names_are_the_lowest_that_neither_host_nor_store_knows() {
    let mut host = Host::with_router(&["10.1.2.0/24"]);
    host.make(&exclusive("a", &["10.1.2.5"]));
    // Somebody took one, and the vnic of a halted zone was deleted by hand.
    host.lists.link("znic3", LinkClass::Vnic, 1500, &["net1"]);
    host.lists.links.retain(|link| link.name != "znic2");
    let plan = host.plan(&exclusive("b", &["10.1.2.6"])).unwrap();
    assert_eq!(plan.attachments[0].link.as_str(), "znic4");
}

#[test]
fn many_zones_are_planned_before_any_is_made() {
    let mut host = Host::with_router(&["10.1.0.0/16"]);
    let mut view = host.view();
    let mut plans = Vec::new();
    for number in 1..=300_u32 {
        let address = format!("10.1.{}.{}", number / 200, 2 + number % 200);
        let plan = plan(&exclusive(&format!("z{number}"), &[&address]), &mut view).unwrap();
        view.assume(&plan);
        plans.push(plan);
    }
    let again = plan(&exclusive("z301", &["10.1.0.3"]), &mut view).unwrap_err().to_string();
    assert!(again.contains("in use by zone `z1`"), "{again}");
    plans.iter().for_each(|plan| host.run(&plan.steps));
    assert_eq!(host.lists.vnics.len(), 303);
    let macs: std::collections::HashSet<_> = host.lists.vnics.iter().map(|vnic| vnic.mac).collect();
    assert_eq!(macs.len(), 303);
}

#[test]
fn the_global_zone_routes_from_its_static_interface() {
    let mut host = Host::new(Lists::usual());
    let networks = vec![address::network("10.1.2.0/24").unwrap(), address::network("fd00:1::/64").unwrap()];
    let wanted = WantedGlobal {
        networks,
        interface: None,
        domain: None,
        routable_ipv6: false,
        filter_aaaa: false,
        ipv6_addresses: None,
    };
    let plan = plan_global(&wanted, &mut host.view()).unwrap();
    assert_eq!(
        commands(&plan.steps)[4..],
        [
            "dladm create-vnic -l zrstub0 -m MAC znic0",
            "ipadm create-if znic0",
            "ipadm create-addr -T static -a local=10.1.2.1/24 znic0/v4",
            "ipadm create-addr -T addrconf znic0/v6ll",
            "ipadm create-addr -T static -a local=fd00:1::1/64 znic0/v6",
            "write down segments/10.1.2.0-24",
        ]
    );
    host.run(&plan.steps);
    let before = host.lists.clone();
    host.make(&exclusive("web", &["10.1.2.5"]));
    let name = &plan.segments[0].name;
    let error = forget_global(name, &host.view(), &host.store).unwrap_err().to_string();
    assert_eq!(error, "the global zone is the router of web; destroy or detach them first");
    host.run(&detach(&"web".parse().unwrap(), &host.view(), &host.store).unwrap().steps);
    assert_eq!(host.lists.links, before.links);
    host.run(&forget_global(name, &host.view(), &host.store).unwrap().steps);
    assert_eq!(host.lists.links, Lists::usual().links);
    assert_eq!(host.lists.addresses, Lists::usual().addresses);
    let none = WantedGlobal { interface: Some("net1".parse().unwrap()), ..wanted.clone() };
    assert!(plan_global(&none, &mut host.view()).unwrap_err().to_string().contains("does not use `net1` for IP"));
    host.lists.addresses[0].kind = AddressKind::Dhcp;
    assert!(plan_global(&wanted, &mut host.view()).unwrap_err().to_string().contains("`net0` has no static address"));
}
