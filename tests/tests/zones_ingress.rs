//! Ways in to zones behind a router, as their users see them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use std::fs;
use std::os::unix::fs::symlink;

use tests::lab::Fault;
use tests::run::{skip, skip_without_root};
use tests::scenario::{Did, World};
use tests::sweep::View;
use zones_common::{ROUTER, create, destroy, warmed};

const CONFIG: &str = "/etc/zonekit/ingress/haproxy.cfg";
const MAP: &str = "/etc/zonekit/ingress/http-80.map";

fn ingress(world: &World, words: &str) -> Did {
    let words: Vec<&str> = words.split(' ').collect();
    let did = world.zonekit("ingress", &words);
    println!("ingress {}: {did:#?}", words.join(" "));
    did
}

/// A router that runs, and two zones behind it.
fn routed() -> World {
    let world = warmed();
    create(&world, ROUTER).well();
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).well();
    create(&world, &["-z", "mail", "-x", "10.1.1.6"]).well();
    world
}

fn service(world: &World) -> String {
    let services = world.lab.services_of("router1");
    let found = services.iter().find(|(name, _)| name.contains("zonekit-ingress"));
    found.map_or_else(|| format!("{services:?}"), |(_, state)| state.clone())
}

#[test]
fn ways_in_come_and_go() {
    if skip_without_root() {
        return;
    }
    let world = routed();
    let before = View::of(&world.lab);
    assert_eq!(ingress(&world, "list").well().out, "");
    ingress(&world, "add shop 80 web:8080 --http Shop.Example.com").well();
    assert_eq!(world.text("router1", MAP), "shop.example.com http-80-shop\n");
    assert_eq!(service(&world), "online");
    let did = ingress(&world, "add blog 80 web:8081 --http blog.example.com").well();
    assert_eq!(did.out, "router1 lets in `blog`: http at port 80 for blog.example.com to web:8081\n");
    ingress(&world, "add shop 443 web:8443 --tls-sni shop.example.com").well();
    ingress(&world, "add smtp 25 mail:25 --tcp").well();
    let described = world.zonekit("describe-zone", &["router1"]).well().out;
    assert!(described.contains("lets in      `shop` at port 443 for shop.example.com to web:8443\n"), "{described}");
    let config = world.text("router1", CONFIG);
    for line in ["    server web 10.1.1.5:8080", "    server web 10.1.1.5:8443", "    server mail 10.1.1.6:25"] {
        assert!(config.lines().any(|found| found == line), "{line}: {config}");
    }
    assert!(world.text("router1", "/etc/ipf/ipf.conf").contains("proto tcp from any to any port = 443\n"));
    let listed = ingress(&world, "list -p").well().out;
    let wanted = "router1\tsmtp\ttcp\t-\t25\tmail:25\n\
                  router1\tblog\thttp\tblog.example.com\t80\tweb:8081\n\
                  router1\tshop\thttp\tshop.example.com\t80\tweb:8080\n\
                  router1\tshop\ttls-sni\tshop.example.com\t443\tweb:8443\n";
    assert_eq!(listed, wanted);
    let json: serde_json::Value = serde_json::from_str(&ingress(&world, "list --json").well().out).unwrap();
    assert_eq!((json["version"].as_u64(), json["ingresses"].as_array().map(Vec::len)), (Some(1), Some(4)));
    assert_eq!(ingress(&world, "list --router global").well().out, "");

    ingress(&world, "remove shop").badly(&["several ingresses `shop`", "port 80", "port 443"]);
    ingress(&world, "remove shop 443").well();
    ingress(&world, "remove shop").well();
    ingress(&world, "remove shop").badly(&["there is no ingress `shop`"]);
    assert_eq!(world.text("router1", MAP), "blog.example.com http-80-blog\n");
    assert!(!world.in_zone("router1", "/etc/zonekit/ingress/tls-443.map").exists());
    ingress(&world, "remove blog").well();
    ingress(&world, "remove smtp").well();
    assert!(!world.in_zone("router1", CONFIG).exists());
    assert_eq!(service(&world), "disabled");
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    assert_eq!(world.journals(), [""; 0]);
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    if skip_without_root() {
        return;
    }
    let world = routed();
    ingress(&world, "add shop 80 web:8080 --http shop.example.com").well();
    let before = View::of(&world.lab);
    for (words, said) in [
        ("add shop 80 web:8080 --http shop.example.com", "has an ingress `shop` at port 80 already"),
        ("add other 80 web:8080 --http shop.example.com", "both have the same host name"),
        ("add other 80 web:8080 --tcp", "one port is either for HTTP"),
        ("add ssh 22 web:22 --tcp", "it is for ssh; use another port"),
        ("add x 81 router1:81 --tcp", "zone `router1` is behind no router"),
        ("add x 81 nowhere:81 --tcp", "zone `nowhere` is behind no router"),
        ("add x 81 web:81 --tcp --router global", "is not behind router global"),
        ("add x 81 web:81 --tcp --router other", "is not behind router other"),
        ("add x 81 web:81", "--http"),
        ("add x 81 web:81 --tcp --http a.example", "cannot be used with"),
        ("add x 0 web:81 --tcp", "`0` is no port from 1 to 65535"),
        ("add x 81 web:99999 --tcp", "no port from 1 to 65535"),
        ("add x 81 web --tcp", "such as web:8080"),
        ("add -x 81 web:81 --tcp", "unexpected argument"),
        ("add x 81 web:81 --http a_b.example", "only letters, digits"),
        ("add x 81 web:81 --http 10.1.1.5", "like an address"),
        ("remove nothing", "there is no ingress `nothing`"),
    ] {
        ingress(&world, words).badly(&[said]);
        assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "", "{words}");
    }
    let did = ingress(&world, "add x 81 web:81 --tcp -n").well();
    for words in [
        "would write down that router1 lets in `x`",
        "would write /etc/zonekit/ingress/haproxy.cfg",
        "bind *:81",
        "haproxy -c -q -f ",
    ] {
        assert!(did.out.contains(words), "{words}: {}", did.out);
    }
    ingress(&world, "remove shop -n").well();
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
}

/// Its root user has put links and pipes in the place of files.
#[test]
fn a_hostile_router_is_told_and_nothing_is_lost() {
    if skip_without_root() {
        return;
    }
    let world = routed();
    ingress(&world, "add shop 80 web:8080 --http shop.example.com").well();
    let outside = world.beside("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("haproxy.cfg"), "mine\n").unwrap();
    let folder = world.in_zone("router1", "/etc/zonekit/ingress");
    let kept = world.beside("kept");
    fs::rename(&folder, &kept).unwrap();
    symlink(&outside, &folder).unwrap();
    ingress(&world, "add blog 80 web:8081 --http blog.example.com")
        .badly(&["router router1", "follows no link in a zone"]);
    assert_eq!(ingress(&world, "list -p").well().out.lines().count(), 1);
    assert_eq!(fs::read_to_string(outside.join("haproxy.cfg")).unwrap(), "mine\n");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    fs::remove_file(&folder).unwrap();
    fs::rename(&kept, &folder).unwrap();

    // Lines of the router's own administrator that its ipf does not take.
    let file = world.in_zone("router1", "/etc/ipf/ipf.conf");
    let rules = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("pass in all quick\n{rules}")).unwrap();
    let before = View::of(&world.lab);
    ingress(&world, "add smtp 25 mail:25 --tcp").badly(&["router router1 does not take the rules of the filter"]);
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    assert_eq!(world.journals(), [""; 0]);
    fs::write(&file, rules).unwrap();
    ingress(&world, "add smtp 25 mail:25 --tcp").well();
    assert_eq!(service(&world), "online");
}

/// The check is by the router's own program, before anything that runs is replaced.
#[test]
fn what_haproxy_does_not_take_does_not_replace_what_runs() {
    if skip_without_root() {
        return;
    }
    if !fs::exists("/usr/sbin/haproxy").unwrap() {
        return skip("haproxy is not installed");
    }
    let world = routed();
    ingress(&world, "add shop 80 web:8080 --http shop.example.com").well();
    let before = View::of(&world.lab);
    // 64 KB are more than a line of it may have: the name of a host is as long as it may be, so a program is needed
    // that takes nothing.
    let program = world.in_zone("router1", "/opt/tribblix/haproxy/sbin/haproxy");
    let kept = program.with_extension("kept");
    fs::rename(&program, &kept).unwrap();
    symlink("/nonexistent", &program).unwrap();
    ingress(&world, "add blog 80 web:8081 --http blog.example.com")
        .badly(&["does not take the configuration of its ingress"]);
    fs::remove_file(&program).unwrap();
    fs::rename(&kept, &program).unwrap();
    let difference = before.differences(&View::of(&world.lab), Default::default());
    assert_eq!(difference, "");
    assert_eq!(ingress(&world, "list -p").well().out.lines().count(), 1);
}

#[test]
fn a_router_that_does_not_run_has_them_when_it_does() {
    if skip_without_root() {
        return;
    }
    let world = routed();
    world.zoneadm("router1", &["halt"]).well();
    let did = ingress(&world, "add shop 80 web:8080 --http shop.example.com").well();
    assert!(did.err.contains("router1 does not run"), "{did:?}");
    world.zoneadm("router1", &["boot"]).well();
    assert_eq!(world.text("router1", MAP), "shop.example.com http-80-shop\n");
    assert_eq!(service(&world), "online");
    assert_eq!(world.journals(), [""; 0]);
    // Whoever destroys the zone takes its ways in with it.
    destroy(&world, "web").well();
    assert_eq!(ingress(&world, "list -p").well().out, "");
    assert!(!world.in_zone("router1", CONFIG).exists());
}

#[test]
fn many_at_once_are_all_there() {
    if skip_without_root() {
        return;
    }
    let world = routed();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let world = &world;
            scope.spawn(move || {
                ingress(world, &format!("add n{number} 80 web:{} --http h{number}.example.com", 8080 + number)).well()
            });
        }
    });
    assert_eq!(world.text("router1", MAP).lines().count(), 8);
    assert_eq!(ingress(&world, "list -p").well().out.lines().count(), 8);
    assert_eq!(world.journals(), [""; 0]);
}

/// A zone that leaves a network by itself leaves nothing that leads to it, and a router that is none any more has no
/// rules, names and ways in.
#[test]
fn a_zone_that_is_detached_has_no_way_in() {
    if skip_without_root() {
        return;
    }
    let world = routed();
    world.zoneadm("web", &["halt"]).well();
    let net = |program: &str, words: &str| {
        let did = world.zonekit(program, &words.split(' ').collect::<Vec<_>>());
        println!("{program} {words}: {did:#?}");
        did
    };
    net("net-attach", "-z web -x 10.1.1.9").well();
    ingress(&world, "add shop 80 web:8080 --http shop.example.com").well();
    ingress(&world, "add smtp 25 mail:25 --tcp").well();
    assert!(world.text("router1", CONFIG).contains("server web 10.1.1.5:8080\n"));
    net("net-detach", "-z web 10.1.1.5").well();
    assert!(world.text("router1", CONFIG).contains("server web 10.1.1.9:8080\n"), "{}", world.text("router1", CONFIG));
    net("net-detach", "-z web").well();
    assert!(!world.text("router1", CONFIG).contains("web") && !world.in_zone("router1", MAP).exists());
    assert!(!ingress(&world, "list").well().out.contains("web"));
    ingress(&world, "add ftp 21 mail:21 --tcp").well();
    for zone in ["web", "mail"] {
        destroy(&world, zone).well();
    }
    world.zoneadm("router1", &["halt"]).well();
    net("net-detach", "-z router1").well();
    for file in ["/etc/ipf/ipnat.conf", "/etc/ipf/ipf.conf", "/etc/dnsmasq.conf"] {
        let place = world.in_zone("router1", file);
        let text = fs::read_to_string(place).unwrap_or_default();
        assert!(!text.contains("zonekit"), "{file}: {text}");
    }
    assert!(!world.in_zone("router1", "/etc/dnsmasq.d/zonekit.conf").exists());
    assert_eq!(world.journals(), [""; 0]);
}

/// What a router has still to be told is not forgotten with the zone.
#[test]
fn a_zone_whose_destruction_was_killed_leaves_no_way_in() {
    if skip_without_root() {
        return;
    }
    let world = routed();
    ingress(&world, "add shop 80 web:8080 --http shop.example.com").well();
    world.lab.reset_log();
    destroy(&world, "web").well();
    // The first thing that is done after all records have gone.
    let deleted = world.lab.log().iter().rposition(|call| call.line().contains("delete-vnic")).unwrap();
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).well();
    ingress(&world, "add shop 80 web:8080 --http shop.example.com").well();
    world.lab.reset_log();
    world.lab.fault(Some(&Fault::KillBefore(deleted + 2)));
    let _ = destroy(&world, "web");
    world.lab.fault(None);
    assert!(world.text("router1", CONFIG).contains("server web"), "it was killed too late");
    destroy(&world, "web").well();
    assert!(!world.in_zone("router1", CONFIG).exists());
    world.is_sound();
}
