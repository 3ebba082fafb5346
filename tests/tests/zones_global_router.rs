//! The global zone as a router, and as it was before.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tests::run::skip_without_root;
use tests::scenario::{Did, World};
use tests::sweep::View;
use zones_common::{create, destroy, warmed};

fn global_router(world: &World, words: &str) -> Did {
    let words: Vec<&str> = words.split(' ').collect();
    let did = world.zonekit("global-router", &words);
    println!("global-router {}: {did:#?}", words.join(" "));
    did
}

/// A host whose global zone has what a router needs.
fn equipped() -> World {
    let world = warmed();
    for program in ["/usr/sbin/dnsmasq", "/usr/sbin/ipnat", "/usr/sbin/haproxy"] {
        let place = world.lab.place(program);
        if !place.exists() {
            fs::write(&place, "#!/bin/sh\nexit 0\n").unwrap();
            fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    fs::create_dir_all(world.lab.place("/etc/ipf")).unwrap();
    fs::create_dir_all(world.lab.place("/etc/svc")).unwrap();
    fs::copy(world.lab.place("/lib/svc/seed/nonglobal.db"), world.lab.place("/etc/svc/repository.db")).unwrap();
    fs::write(
        world.lab.place("/etc/ipf/ipnat.conf"),
        "rdr e1000g0 192.0.2.10/32 port 2222 -> 192.0.2.99 port 22 tcp\n",
    )
    .unwrap();
    fs::write(world.lab.place("/etc/dnsmasq.conf"), "log-queries\n").unwrap();
    world
}

fn services(world: &World) -> Vec<(String, String)> {
    let all = world.lab.services_of("global");
    let of_routers = |name: &str| name.contains("ipfilter") || name.contains("dnsmasq") || name.contains("ingress");
    all.into_iter().filter(|(name, _)| of_routers(name)).map(|(name, state)| (name.clone(), state.clone())).collect()
}

#[test]
fn the_global_zone_becomes_a_router_and_is_as_before() {
    if skip_without_root() {
        return;
    }
    let world = equipped();
    let set_policy = |policy: &str| {
        let property = ["setprop", "firewall_config_default/policy", "=", "astring:", policy];
        world.run("svccfg", &[&["-s", "svc:/network/ipfilter:default"], &property[..]].concat()).well();
        world.run("svcadm", &["refresh", "ipfilter"]).well();
    };
    // One that guards services by rules of its own would end.
    set_policy("allow");
    let guarded = View::of(&world.lab);
    global_router(&world, "-R 10.1.1.0/24").badly(&["has policy `allow`, in place of which rules in files would come"]);
    assert_eq!(guarded.differences(&View::of(&world.lab), Default::default()), "");
    // A policy that somebody chose.
    set_policy("custom");
    let before = View::of(&world.lab);
    let had = services(&world);
    let planned = global_router(&world, "-R 10.1.1.0/24 --domain zones.example -n").well().out;
    for words in [
        "dladm create-etherstub zrstub0",
        "ipadm set-ifprop -m ipv4 -p forwarding=on e1000g0\n",
        "svcadm enable -s svc:/network/ipfilter:default\n",
        "svcadm enable -s svc:/network/dnsmasq:default\n",
        "ipnat -C -f ",
        "write /etc/ipf/ipnat.conf in the global zone\n",
        "    map e1000g0 10.1.1.0/24 -> 0/32 portmap",
        "write /etc/dnsmasq.d/zonekit.conf in the global zone\n",
    ] {
        assert!(planned.contains(words), "{words}: {planned}");
    }
    // That is so already.
    assert!(!planned.contains("setprop"), "{planned}");
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");

    let did = global_router(&world, "-R 10.1.1.0/24 --domain zones.example").well();
    assert_eq!(did.out, "the global zone routes 10.1.1.0/24\n");
    let text = |path: &str| fs::read_to_string(world.lab.place(path)).unwrap();
    let nat = text("/etc/ipf/ipnat.conf");
    assert!(nat.starts_with("rdr e1000g0 ") && nat.contains("map e1000g0 10.1.1.0/24 -> 0/32 portmap"), "{nat}");
    assert!(text("/etc/dnsmasq.conf").starts_with("log-queries\n"));
    let names = text("/etc/dnsmasq.d/zonekit.conf");
    assert!(names.contains("local=/zones.example/\n") && names.contains("except-interface=lo0\n"), "{names}");
    assert!(world.lab.addresses_of("global").iter().any(|(_, net)| net.to_string() == "10.1.1.1/24"));
    assert!(services(&world).iter().filter(|(_, state)| state == "online").count() == 2, "{:?}", services(&world));

    create(&world, &["-z", "web", "-x", "10.1.1.5"]).well();
    assert_eq!(text("/etc/zonekit/names/web"), "10.1.1.5 web.zones.example web\n");
    let did = world.zonekit("ingress", &["add", "shop", "80", "web:8080", "--http", "shop.example.com"]);
    did.well();
    assert!(text("/etc/zonekit/ingress/haproxy.cfg").contains("server web 10.1.1.5:8080"));
    global_router(&world, "--remove 10.1.1.0/24").badly(&["web"]);
    global_router(&world, "-R 10.1.1.0/25").badly(&["overlaps"]);
    global_router(&world, "-R 10.1.2.0/24").well();
    destroy(&world, "web").well();
    let ingress = ("svc:/site/zonekit-ingress:default".to_owned(), "disabled".to_owned());
    assert!(services(&world).contains(&ingress), "{:?}", services(&world));
    global_router(&world, "--remove 10.1.1.0/24").well();
    assert!(text("/etc/ipf/ipnat.conf").contains("10.1.2.0/24"));
    let planned = global_router(&world, "--remove 10.1.2.0/24 -n").well().out;
    for words in [
        "svcadm disable -s svc:/network/dnsmasq:default\n",
        "svcadm disable -s svc:/network/ipfilter:default\n",
        "forwarding=off",
        "dladm delete-etherstub zrstub",
        "remove /etc/dnsmasq.d/zonekit.conf in the global zone\n",
        "write /etc/ipf/ipnat.conf in the global zone\n    rdr e1000g0 ",
    ] {
        assert!(planned.contains(words), "{words}: {planned}");
    }
    let did = global_router(&world, "--remove 10.1.2.0/24").well();
    assert_eq!(did.out, "the global zone no longer routes 10.1.2.0/24\n");
    assert_eq!(services(&world).into_iter().filter(|(name, _)| !name.contains("ingress")).collect::<Vec<_>>(), had);
    assert_eq!(text("/etc/ipf/ipnat.conf"), "rdr e1000g0 192.0.2.10/32 port 2222 -> 192.0.2.99 port 22 tcp\n");
    assert_eq!(text("/etc/dnsmasq.conf"), "log-queries\n");
    let difference = before.differences(&View::of(&world.lab), Default::default());
    assert_eq!(notable(&difference), [""; 0], "{difference}");
    assert_eq!(world.journals(), [""; 0]);
}

/// What is off by default is off by name.
fn notable(difference: &str) -> Vec<&str> {
    let expected = [
        "interface e1000g0 {} : is gone",
        "{\"ipv4 forwarding\": \"off\"} : is new",
        "zonekit-ingress:default disabled : is new",
    ];
    difference.lines().filter(|line| !expected.iter().any(|end| line.ends_with(end))).collect()
}

#[test]
fn folders_that_were_there_stay() {
    if skip_without_root() {
        return;
    }
    let world = equipped();
    let theirs = ["/etc/zonekit", "/etc/dnsmasq.d"];
    theirs.iter().for_each(|path| fs::create_dir_all(world.lab.place(path)).unwrap());
    global_router(&world, "-R 10.1.1.0/24").well();
    // Somebody puts something into one that was made.
    let site = world.lab.place("/lib/svc/manifest/site");
    fs::create_dir_all(&site).unwrap();
    fs::write(site.join("theirs.xml"), "theirs\n").unwrap();
    global_router(&world, "--remove 10.1.1.0/24").well();
    assert!(theirs.iter().all(|path| fs::read_dir(world.lab.place(path)).unwrap().count() == 0));
    assert_eq!(world.names_in(&site), ["theirs.xml"]);
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    if skip_without_root() {
        return;
    }
    let world = equipped();
    let before = View::of(&world.lab);
    for (words, said) in [
        ("-R 10.1.1.5/24", "has host bits"),
        ("-R 192.0.2.0/24", "overlaps"),
        ("-R 10.1.1.0/24 --interface nosuch0", "does not use `nosuch0` for IP"),
        ("-R 10.1.1.0/24 -R 10.1.1.0/24", "10.1.1.0/24"),
        ("--remove 10.1.1.0/24", "routes no segment"),
        ("--remove 10.1.1.0/24 -R 10.1.2.0/24", "cannot be used with"),
        ("--domain a_b -R 10.1.1.0/24", "only letters, digits"),
        ("-R 10.1.1.0/24 --ipv6-addresses static", "is about an IPv6 network, and none is given"),
        ("-R fd00:9::/80 --ipv6-addresses slaac", "fd00:9::/80 can only have static ones"),
        ("-R fd00:9::/64 --ipv6-addresses dhcp", "`dhcp` is neither slaac nor static"),
    ] {
        global_router(&world, words).badly(&[said]);
        assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "", "{words}");
    }
    // What is set up for this boot only cannot forward for longer.
    world.lab.add_phys("net1");
    world.run("ipadm", &["create-if", "-t", "net1"]).well();
    world.run("ipadm", &["create-addr", "-t", "-T", "static", "-a", "198.51.100.9/24", "net1/v4"]).well();
    let before = View::of(&world.lab);
    global_router(&world, "-R 10.1.1.0/24 --interface net1")
        .badly(&["Persistent operation on temporary object; make the interface persistent by ipadm(8) first"]);
    let difference = before.differences(&View::of(&world.lab), Default::default());
    assert_eq!(notable(&difference), [""; 0], "{difference}");
    let planned =
        global_router(&world, "--route fd00:9::/64 --ipv6-addresses static --routable-ipv6 -N --json").well().out;
    let planned: serde_json::Value = serde_json::from_str(&planned).unwrap();
    let segment = &planned["segments"][0];
    assert_eq!((&segment["ipv6_addresses"], &segment["routable_ipv6"]), (&"static".into(), &true.into()));
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    // Rules of the administrator that ipnat does not take: the service does not come up, and all is taken back.
    let file = world.lab.place("/etc/ipf/ipnat.conf");
    fs::write(&file, "no map e1000g0\n").unwrap();
    let before = View::of(&world.lab);
    global_router(&world, "-R 10.1.1.0/24")
        .badly(&["it does not come up, and /var/svc/log/network-ipfilter:default.log tells why"]);
    assert_eq!(world.journals(), [""; 0]);
    let difference = before.differences(&View::of(&world.lab), Default::default());
    assert_eq!(notable(&difference), [""; 0], "{difference}");
    fs::remove_file(world.lab.place("/usr/sbin/dnsmasq")).unwrap();
    global_router(&world, "-R 10.1.1.0/24").badly(&["the global zone has no dnsmasq; install that"]);
}
