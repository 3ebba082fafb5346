//! What happens to the network of a zone from ready to halt, and its services. Sources: `vplat.c` of zoneadmd,
//! `net-init`, `/lib/svc/method/ipfilter`, svcadm(8) and svcs(1) of illumos-gate.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod lab_net;

use std::fs;

use lab_net::{Net, boots, zone};

#[track_caller]
fn does_not_boot(net: &Net, name: &str, text: &str) {
    let before = net.lab.snapshot_of_state(&["zoned"]);
    let said = net.run(&format!("/usr/sbin/zoneadm -z {name} boot"));
    assert!(said.code != 0 && said.err.contains(text), "{said:?}");
    assert_eq!(before.difference(&net.lab.snapshot_of_state(&["zoned"])), "");
}

fn host() -> Net {
    let net = Net::with_zones();
    for line in ["create-etherstub stub0", "create-vnic -l stub0 -m 2:8:20:1:1:1 v0", "create-vnic -l stub0 v1"] {
        net.ok(&format!("/usr/sbin/dladm {line}"));
    }
    net
}

const OWN_STACK: &str = "set ip-type=exclusive\nadd net\nset physical=v0\nend";

#[test]
fn a_link_goes_into_its_zone_and_comes_back() {
    let net = host();
    let root = zone(&net, "a", OWN_STACK);
    fs::write(root.join("etc/hostname.v0"), "10.1.1.5/24\n").unwrap();
    fs::write(root.join("etc/hostname6.v0"), "addif fd00:1::5/64 up\n").unwrap();
    fs::write(root.join("etc/defaultrouter"), "10.1.1.1\n").unwrap();
    let other = zone(&net, "b", "set ip-type=exclusive\nadd net\nset physical=v1\nend");
    let before = net.lab.snapshot_of_state(&[]);
    boots(&net, "a");
    let addresses: Vec<String> = net.lab.addresses_of("a").iter().map(|(link, net)| format!("{link} {net}")).collect();
    assert!(
        addresses.contains(&"v0 10.1.1.5/24".to_owned()) && addresses.contains(&"v0 fd00:1::5/64".to_owned()),
        "{addresses:?}"
    );
    assert!(addresses.contains(&"v0 fe80::8:20ff:fe01:101/10".to_owned()), "{addresses:?}");
    assert_eq!(net.lab.routes_of("a").len(), 1);
    assert!(net.ok("/usr/sbin/zlogin a /usr/sbin/ipadm show-addr -p -o addrobj,addr").contains("v0/?:10.1.1.5/24\n"));
    assert_eq!(net.ok("/usr/sbin/zlogin a /usr/sbin/dladm show-link -p -o link"), "v0\n");
    net.refuses("/usr/sbin/dladm delete-vnic v0", 1, "/usr/sbin/dladm: vnic deletion failed: link busy\n");
    assert_eq!(
        net.run("/usr/sbin/ipadm create-if v0").err,
        "/usr/sbin/ipadm: Could not create v0 : Interface already in use"
    );
    // Two with one address.
    boots(&net, "b");
    fs::create_dir_all(other.join("etc/inet")).unwrap();
    net.ok("/usr/sbin/zlogin b /usr/sbin/ipadm create-addr -T static -a 10.1.1.5/24 v1/a");
    assert_eq!(net.ok("/usr/sbin/zlogin b /usr/sbin/ipadm show-addr -p -o state v1/a"), "duplicate\n");
    for zone in ["a", "b"] {
        assert_eq!(net.run(&format!("/usr/sbin/zoneadm -z {zone} halt")).code, 0);
    }
    assert_eq!(before.difference(&net.lab.snapshot_of_state(&[])), "");
    // A vnic of a halted zone can be deleted, and then the zone does not boot.
    net.ok("/usr/sbin/dladm delete-vnic v0");
    does_not_boot(&net, "a", "failed to add network device");
}

#[test]
fn what_stops_a_zone_from_booting() {
    let net = host();
    zone(&net, "a", OWN_STACK);
    net.ok("/usr/sbin/ipadm create-if v0");
    does_not_boot(&net, "a", "WARNING: skipping network interface 'v0' which is used in the global zone");
    net.ok("/usr/sbin/ipadm delete-if v0");
    zone(&net, "b", OWN_STACK);
    boots(&net, "a");
    does_not_boot(&net, "b", "failed to add network device");
    zone(
        &net,
        "c",
        "set ip-type=exclusive\nadd net\nset physical=v1\nset allowed-address=10.1.1.7/24\nset defrouter=10.1.1.1\nend",
    );
    net.ok("/usr/sbin/dladm set-linkprop -p protection=mac-nospoof v1");
    does_not_boot(&net, "c", "Protection is already set");
    net.ok("/usr/sbin/dladm reset-linkprop -p protection v1");
    boots(&net, "c");
    assert_eq!(
        net.ok("/usr/sbin/dladm show-linkprop -c -o value -p protection,allowed-ips v1"),
        "ip-nospoof\n10.1.1.7\n"
    );
    assert_eq!(net.ok("/usr/sbin/zlogin c /usr/sbin/ipadm show-addr -p -o type,addr v1/_a"), "from-gz:10.1.1.7/24\n");
    let said = net.run("/usr/sbin/zlogin c /usr/sbin/ipadm create-addr -T static -a 10.1.1.8/24 v1/x");
    assert!(said.err.ends_with("Operation not permitted on from-gz interface"), "{said:?}");
    assert_eq!(net.lab.routes_of("c").len(), 1);
    assert_eq!(net.run("/usr/sbin/zoneadm -z c halt").code, 0);
    assert_eq!(net.ok("/usr/sbin/dladm show-linkprop -c -o value -p protection v1"), "\n");
}

#[test]
fn a_shared_stack_takes_addresses_of_plumbed_links() {
    let net = host();
    zone(&net, "s", "add net\nset physical=v1\nset address=10.1.1.9/24\nend");
    does_not_boot(&net, "s", "v1: could not bring network interface up");
    net.ok("/usr/sbin/ipadm create-if v1");
    boots(&net, "s");
    assert_eq!(net.lab.addresses_of("s").len(), 1);
    net.refuses("/usr/sbin/dladm delete-vnic v1", 1, "/usr/sbin/dladm: vnic deletion failed: link busy\n");
    let said = net.run("/usr/sbin/ipadm delete-if v1");
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(net.run("/usr/sbin/zlogin s /usr/sbin/ipadm create-if v0").code, 1);
    assert_eq!(net.run("/usr/sbin/zoneadm -z s halt").code, 0);
    net.ok("/usr/sbin/ipadm delete-if v1");
}

const PROFILE: &str = "<?xml version='1.0'?>\n<!DOCTYPE service_bundle SYSTEM '/usr/share/lib/xml/dtd/service_bundle.dtd.1'>\n\
    <service_bundle type='profile' name='site'>\n\
    <service name='network/ipfilter' version='1' type='service'><instance name='default' enabled='true'>\n\
    <property_group name='firewall_config_default' type='com.sun,fw_configuration'>\n\
    <propval name='policy' type='astring' value='custom'/></property_group></instance></service>\n\
    <service name='network/ipv4-forwarding' version='1' type='service'><instance name='default' enabled='true'/></service>\n\
    <service name='network/ipv6-forwarding' version='1' type='service'><instance name='default' enabled='true'/></service>\n\
    <service name='network/dnsmasq' version='1' type='service'><instance name='default' enabled='true'/></service>\n\
    <service name='network/nothing' version='1' type='service'><instance name='default' enabled='true'/></service>\n\
    </service_bundle>\n";

#[test]
fn services_start_as_the_profile_says() {
    let net = host();
    let root = zone(&net, "r", OWN_STACK);
    fs::create_dir_all(root.join("etc/svc/profile/site")).unwrap();
    fs::write(root.join("etc/svc/profile/site/zone.xml"), PROFILE).unwrap();
    fs::create_dir_all(root.join("usr/sbin")).unwrap();
    fs::write(root.join("usr/sbin/dnsmasq"), "").unwrap();
    fs::write(root.join("etc/hostname.v0"), "10.1.1.1/24\n").unwrap();
    fs::write(root.join("etc/ipf/ipnat.conf"), "map v0 10.1.2.0/24 -> 0/32\n").unwrap();
    fs::write(root.join("etc/ipf/ipf.conf"), "block in all\n").unwrap();
    boots(&net, "r");
    let state = |service: &str| net.ok(&format!("/usr/bin/svcs -z r -H -o state {service}")).trim_end().to_owned();
    assert_eq!(state("ipfilter:default"), "online");
    assert_eq!(state("network/ipv4-forwarding"), "online");
    assert_eq!(state("ipv6-forwarding"), "maintenance");
    assert_eq!(net.lab.nat_of("r"), ["map v0 10.1.2.0/24 -> 0.0.0.0/32"]);
    assert_eq!(net.lab.filter_of("r").0, ["block in all"]);
    // From the global zone, upon the stack of the zone.
    let file = net.file("map v0 10.1.3.0/24 -> 0/32\n");
    net.ok(&format!("/usr/sbin/ipnat -C -z r -f {}", file.display()));
    assert_eq!(net.lab.nat_of("r"), ["map v0 10.1.3.0/24 -> 0.0.0.0/32"]);
    net.ok(&format!("/usr/sbin/ipf -I -f {} r", net.file("pass in all\n").display()));
    net.ok("/usr/sbin/ipf -s r");
    assert_eq!(net.lab.filter_of("r").0, ["pass in all"]);
    net.ok("/usr/bin/pkill -HUP -x -z r dnsmasq");
    assert_eq!(net.lab.signals(), [("r".to_owned(), "HUP".to_owned(), "dnsmasq".to_owned())]);
    assert_eq!(net.run("/usr/bin/pkill -HUP -x -z r haproxy").code, 1);
    // A refresh reads the files again, sessions or not; a mistake leaves the service in maintenance.
    let dropped = net.lab.dropped_sessions("r");
    net.ok("/usr/sbin/svcadm -z r refresh ipfilter");
    assert_eq!((net.lab.nat_of("r").len(), net.lab.dropped_sessions("r")), (1, dropped + 1));
    fs::write(root.join("etc/ipf/ipnat.conf"), "map v0 10.1.2.0/24 -> 0/32\nnonsense\n").unwrap();
    net.ok("/usr/sbin/svcadm -z r refresh ipfilter");
    assert_eq!(state("ipfilter"), "maintenance");
}

#[test]
fn what_commands_of_services_refuse() {
    let net = host();
    for (line, code, err) in [
        ("/usr/sbin/svcadm enable nothing", 1, "svcadm: Pattern 'nothing' doesn't match any instances\n"),
        ("/usr/sbin/svcadm -z none refresh ipfilter", 1, "svcadm: invalid zone 'none'\n"),
        ("/usr/bin/svcs -H -o state nothing", 1, "svcs: Pattern 'nothing' doesn't match any instances\n"),
        (
            "/usr/sbin/svccfg -s nothing setprop a/b = astring: c",
            1,
            "svccfg: Pattern 'nothing' doesn't match any instances or services\n",
        ),
        (
            "/usr/sbin/svccfg -s ipfilter:default setprop none/b = astring: c",
            1,
            "svccfg: Could not find property group \"none\".\n",
        ),
    ] {
        net.refuses(line, code, err);
    }
    assert_eq!(net.run("/usr/sbin/svcadm begin x").code, 2);
    assert_eq!(net.run("/usr/sbin/svcadm restart ipfilter").code, 0);
    // ipf.conf is read under this policy alone.
    fs::create_dir_all(net.lab.place("/etc/ipf")).unwrap();
    fs::write(net.lab.place("/etc/ipf/ipf.conf"), "block in all\n").unwrap();
    net.ok("/usr/sbin/svcadm enable ipfilter");
    assert!(net.lab.filter_of("global").0.is_empty());
    net.ok("/usr/sbin/svccfg -s ipfilter:default setprop firewall_config_default/policy = astring: custom");
    net.ok("/usr/sbin/svcadm refresh ipfilter");
    assert_eq!(net.lab.filter_of("global").0, ["block in all"]);
}
