//! Packets through the lab's own network, which is configured by hand here: a router with zones behind it, and the
//! outside.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod lab_net;

use std::fs;
use std::path::Path;
use std::process::Command;

use lab_net::{Net, boots, zone};
use tests::lab::{Lab, Packets};
use tests::run::is_root;

/// Whether the test is over already: this is not root, so that it was run in a user namespace; or this machine carries
/// no packets, which is said.
fn skip() -> bool {
    if !is_root() && run_as_root_of_a_namespace() {
        return true;
    }
    let why = Lab::no_packets();
    if let Some(why) = &why {
        eprintln!("skipped: no packets are sent: {why}");
    }
    why.is_some()
}

/// Runs the test that this thread runs in user, network and mount namespaces of its own, where names of namespaces can be
/// kept in /run. Not if this machine allows none.
fn run_as_root_of_a_namespace() -> bool {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args([
            "--map-root-user",
            "--net",
            "--mount",
            "sh",
            "-c",
            "mount -t tmpfs none /run && exec \"$@\"",
            "sh",
        ]);
        command
    };
    if !unshare().arg("true").output().is_ok_and(|output| output.status.success()) {
        return false;
    }
    let thread = std::thread::current();
    let test = std::env::current_exe().unwrap();
    let mut command = unshare();
    command.arg(test).args(["--exact", "--nocapture", thread.name().unwrap()]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    true
}

fn write(root: &Path, path: &str, text: &str) {
    let place = root.join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, text).unwrap();
}

const PROFILE: &str = "<?xml version='1.0'?>\n<service_bundle type='profile' name='site'>\nSERVICES</service_bundle>\n";

/// Enables services at the first boot.
fn enable(root: &Path, services: &[&str]) {
    let of = |name: &&str| {
        let policy = if *name == "network/ipfilter" {
            "<property_group name='firewall_config_default' type='com.sun,fw_configuration'>\
             <propval name='policy' type='astring' value='custom'/></property_group>"
        } else {
            ""
        };
        format!(
            "<service name='{name}' version='1' type='service'><instance name='default' enabled='true'>{policy}</instance></service>\n"
        )
    };
    let text: String = services.iter().map(of).collect();
    write(root, "etc/svc/profile/site/zone.xml", &PROFILE.replace("SERVICES", &text));
}

/// The links of a router `r` and two zones `a` and `b` behind it.
fn links(net: &Net) {
    for line in [
        "create-etherstub stub0",
        "set-linkprop -p mtu=1500 stub0",
        "create-vnic -l e1000g0 out0",
        "create-vnic -l stub0 gate0",
        "create-vnic -l stub0 -m 2:8:20:0:0:a va0",
        "create-vnic -l stub0 -m 2:8:20:0:0:b vb0",
    ] {
        net.ok(&format!("/usr/sbin/dladm {line}"));
    }
}

/// `add net` for links, in a zone with a stack of its own.
fn nets(links: &[&str]) -> String {
    let net = |link: &&str| format!("add net\nset physical={link}\nend\n");
    format!("set ip-type=exclusive\n{}", links.iter().map(net).collect::<String>())
}

const NAT: &str = "map out0 10.1.1.0/24 -> 0/32 portmap tcp/udp auto\nmap out0 10.1.1.0/24 -> 0/32\n";

const DNSMASQ: &str = "interface=gate0\nbind-interfaces\nno-resolv\ndomain=east.test\nlocal=/east.test/\nexpand-hosts\n\
    no-hosts\naddn-hosts=/etc/lab/names\ndhcp-range=10.1.1.0,static,255.255.255.0,1h\ndhcp-option=option:router,10.1.1.1\n\
    dhcp-hostsfile=/etc/lab/dhcp\n";

/// The router, booted.
fn router(net: &Net) {
    let root = zone(net, "r", &nets(&["out0", "gate0"]));
    write(&root, "etc/hostname.out0", "192.0.2.20/24\n");
    write(&root, "etc/hostname.gate0", "10.1.1.1/24\n");
    write(&root, "etc/defaultrouter", "192.0.2.1\n");
    write(&root, "etc/ipf/ipnat.conf", NAT);
    write(&root, "etc/dnsmasq.conf", DNSMASQ);
    write(&root, "usr/sbin/dnsmasq", "");
    write(&root, "etc/lab/dhcp/a", "02:08:20:00:00:0a,10.1.1.10,a,infinite\n");
    write(&root, "etc/lab/names/a", "10.1.1.10 a\n");
    enable(&root, &["network/ipfilter", "network/ipv4-forwarding", "network/dnsmasq"]);
    boots(net, "r");
}

/// A zone that asks for its address.
fn client(net: &Net, name: &str, link: &str) {
    let root = zone(net, name, &nets(&[link]));
    write(&root, &format!("etc/hostname.{link}"), "");
    write(&root, &format!("etc/dhcp.{link}"), "");
    boots(net, name);
}

fn begin() -> (Net, Packets) {
    let net = Net::with_zones();
    links(&net);
    let packets = net.lab.carry_packets();
    (net, packets)
}

#[test]
fn zones_get_leases_and_names_and_their_way_out() {
    if skip() {
        return;
    }
    let (net, packets) = begin();
    router(&net);
    client(&net, "a", "va0");
    let lease = packets.lease("a", "va0").unwrap_or_else(|| panic!("no lease\n{}", packets.logs()));
    assert!(lease.contains("address 10.1.1.10/24\n") && lease.contains("router 10.1.1.1\n"), "{lease}");
    assert!(lease.contains("hostname a\n") && lease.contains("domain east.test\n"), "{lease}");
    assert_eq!(
        packets.resolve("a", "10.1.1.1", "a.east.test", false),
        ["10.1.1.10".parse::<std::net::IpAddr>().unwrap()]
    );
    let _far = packets.serve("outside", "far", "198.51.100.1:80");
    assert_eq!(packets.ask("a", "198.51.100.1:80"), "far 192.0.2.20", "the outside sees the router");
    assert!(packets.reaches("a", "198.51.100.1"));
    // No way in, though somebody outside knows the way.
    let route = packets.run("outside", "ip", &["route", "add", "10.1.1.0/24", "via", "192.0.2.20"]);
    assert!(route.status.success());
    let _inside = packets.serve("a", "inside", "10.1.1.10:80");
    assert!(packets.unanswered("outside", "10.1.1.10:80"));
    // A second comes by a signal, while the connection of the first goes on.
    let mut open = packets.connect("a", "198.51.100.1:80");
    assert_eq!(Packets::say(&mut open, "one").unwrap(), "far 192.0.2.20 one");
    let root = net.lab.place("/zones/r/root");
    write(&root, "etc/lab/dhcp/b", "02:08:20:00:00:0b,10.1.1.11,b,infinite\n");
    write(&root, "etc/lab/names/b", "10.1.1.11 b\n");
    net.ok("/usr/bin/pkill -HUP -x -z r dnsmasq");
    client(&net, "b", "vb0");
    let lease = packets.lease("b", "vb0").unwrap_or_else(|| panic!("no lease\n{}", packets.logs()));
    assert!(lease.contains("address 10.1.1.11/24\n"), "{lease}");
    packets.wait("the name", || packets.resolve("a", "10.1.1.1", "b", false).len() == 1);
    assert!(packets.reaches("b", "10.1.1.10"));
    assert_eq!(Packets::say(&mut open, "two").unwrap(), "far 192.0.2.20 two");
    assert_eq!(net.run("/usr/sbin/zoneadm -z b halt").code, 0);
    assert_eq!(Packets::say(&mut open, "three").unwrap(), "far 192.0.2.20 three");
    assert!(packets.misses("a", "10.1.1.11"));
    // As on illumos, a refresh of the service forgets live sessions, and rules that are loaded beside it do not.
    let file = net.file(NAT);
    net.ok(&format!("/usr/sbin/ipnat -C -z r -f {}", file.display()));
    assert_eq!(Packets::say(&mut open, "four").unwrap(), "far 192.0.2.20 four");
}

#[test]
fn nothing_is_left_of_namespaces() {
    if skip() {
        return;
    }
    // What a killed run has left goes with the next.
    let mut ended = Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let stale = format!("zklab.{}.0.switch", ended.id());
    assert!(Command::new("ip").args(["netns", "add", &stale]).status().unwrap().success());
    let (net, packets) = begin();
    let place = |name: &String| Path::new("/run/netns").join(name);
    assert!(!place(&stale).exists());
    assert_eq!(packets.spaces().len(), 3);
    router(&net);
    let all = packets.spaces();
    assert_eq!(all.len(), 4);
    assert_eq!(packets.resolve("r", "10.1.1.1", "a.east.test", false).len(), 1);
    assert_eq!(net.run("/usr/sbin/zoneadm -z r halt").code, 0);
    assert_eq!(packets.spaces().len(), 3);
    boots(&net, "r");
    drop(packets);
    assert!(all.iter().all(|name| !place(name).exists()));
}

#[test]
fn a_protected_link_lets_its_own_address_out_alone() {
    if skip() {
        return;
    }
    let (net, packets) = begin();
    zone(&net, "a", "set ip-type=exclusive\nadd net\nset physical=va0\nset allowed-address=10.1.1.10/24\nend");
    zone(&net, "b", "set ip-type=exclusive\nadd net\nset physical=vb0\nset allowed-address=10.1.1.11/24\nend");
    boots(&net, "a");
    boots(&net, "b");
    assert!(packets.reaches("a", "10.1.1.11"));
    assert!(packets.run("a", "ip", &["address", "add", "10.1.1.99/24", "dev", "va0"]).status.success());
    assert!(!packets.run("a", "ping", &["-c", "1", "-W", "1", "-I", "10.1.1.99", "10.1.1.11"]).status.success());
}

#[test]
fn a_shared_address_is_within_the_segment() {
    if skip() {
        return;
    }
    let (net, packets) = begin();
    router(&net);
    net.ok("/usr/sbin/ipadm create-if vb0");
    zone(&net, "s", "add net\nset physical=vb0\nset address=10.1.1.50/24\nend");
    boots(&net, "s");
    assert!(packets.reaches("s", "10.1.1.1") && packets.reaches("r", "10.1.1.50"));
    assert!(packets.misses("s", "198.51.100.1"));
    assert_eq!(net.run("/usr/sbin/zoneadm -z s halt").code, 0);
    assert!(packets.misses("r", "10.1.1.50"));
}
