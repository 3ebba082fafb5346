//! The stand-ins for dladm(8) and flowadm(8), against `dladm.c` and `flowadm.c` of illumos-gate.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod lab_net;

use lab_net::Net;

const DLADM: &str = "/usr/sbin/dladm";

#[test]
fn links_come_are_shown_and_go() {
    let net = Net::new();
    let before = net.lab.snapshot_of_state(&[]);
    net.ok("/usr/sbin/dladm create-etherstub stub0");
    net.ok("/usr/sbin/dladm set-linkprop -p mtu=1500 stub0");
    net.ok("/usr/sbin/dladm create-vnic -l stub0 -m 2:8:20:04:5:0f znic0");
    net.ok("/sbin/dladm create-vnic -l e1000g0 -m random -p maxbw=10 znic1");
    assert_eq!(net.ok("/usr/sbin/dladm show-link -p -o class,mtu,over,state znic0"), "vnic:1500:stub0:up\n");
    assert_eq!(net.ok("/usr/sbin/dladm show-link -p -o class stub0"), "etherstub\n");
    assert_eq!(net.ok("/usr/sbin/dladm show-link -p -o link"), "e1000g0\nstub0\nznic0\nznic1\n");
    // One field alone is not escaped.
    assert_eq!(net.ok("/usr/sbin/dladm show-vnic -p -o macaddress znic0"), "2:8:20:4:5:f\n");
    let line = "znic0:stub0:2\\:8\\:20\\:4\\:5\\:f:fixed:0\n";
    assert_eq!(net.ok("/usr/sbin/dladm show-vnic -p -o LINK,over,macaddress,macaddrtype,vid -l stub0"), line);
    assert!(net.ok("/usr/sbin/dladm show-vnic -p -o macaddress znic1").starts_with("2:8:20:"));
    assert_eq!(net.ok("/usr/sbin/dladm show-linkprop -c -o link,property,value -p maxbw znic1"), "znic1:maxbw:10\n");
    assert_eq!(net.ok("/usr/sbin/dladm show-phys -p -o link,device"), "e1000g0:e1000g0\n");
    // The wrong kind is nothing, and no failure.
    assert_eq!(net.ok("/usr/sbin/dladm show-vnic -p -o link stub0"), "");
    assert_eq!(net.ok("/usr/sbin/dladm show-etherstub -p -o link"), "stub0\n");
    net.ok("/usr/sbin/dladm rename-link znic0 front0");
    net.lab.reboot_network();
    assert_eq!(net.ok("/usr/sbin/dladm show-link -p -o link"), "e1000g0\nfront0\nstub0\nznic1\n");
    for line in ["delete-vnic front0", "delete-vnic znic1", "delete-etherstub stub0"] {
        net.ok(&format!("{DLADM} {line}"));
    }
    assert_eq!(before.difference(&net.lab.snapshot_of_state(&[])), "");
}

#[test]
fn vlans_come_are_shown_and_go() {
    let net = Net::new();
    let before = net.lab.snapshot_of_state(&[]);
    net.ok("/usr/sbin/dladm create-vlan -l e1000g0 -v 7 lan7");
    net.ok("/usr/sbin/dladm create-vlan -f -l e1000g0 -v 12");
    net.ok("/usr/sbin/dladm create-vnic -l e1000g0 -m 2:8:20:1:1:1 -v 7 v0");
    // One address is one link in each VLAN.
    net.ok("/usr/sbin/dladm create-vnic -l e1000g0 -m 2:8:20:1:1:1 -v 12 v1");
    assert_eq!(
        net.ok("/usr/sbin/dladm show-vlan -p -o link,vid,over,flags"),
        "e1000g12000:12:e1000g0:f----\nlan7:7:e1000g0:-----\n"
    );
    assert_eq!(net.ok("/usr/sbin/dladm show-link -p -o class,over lan7"), "vlan:e1000g0\n");
    assert_eq!(net.ok("/usr/sbin/dladm show-vnic -p -o link,vid"), "v0:7\nv1:12\n");
    let mac = |link| net.ok(&format!("/usr/sbin/dladm show-linkprop -c -o value -p mac-address {link}"));
    assert_eq!(mac("lan7"), mac("e1000g0"));
    for (line, text) in [
        (
            "create-vnic -l e1000g0 -m 2:8:20:1:1:1 -v 7 v2",
            "vnic creation over e1000g0 failed: MAC address is already in use",
        ),
        ("create-vnic -l lan7 v2", "vnic creation over lan7 failed: invalid argument"),
        ("create-vnic -l e1000g0 -v 4095 v2", "invalid VLAN identifier '4095'"),
        ("create-vnic -l e1000g0 -v 0 v2", "invalid VLAN identifier '0'"),
        ("create-vnic -l e1000g0 -f v2", "-f option can only be used with -v"),
        ("create-vlan -l lan7 -v 8 v2", "create operation failed: invalid argument"),
        ("create-vlan -l v0 -v 8 v2", "create operation failed: invalid argument"),
        ("create-vlan -l none0 -v 8 v2", "invalid link name 'none0'"),
        ("create-vlan -l e1000g0 -v x v2", "invalid VLAN identifier 'x'"),
        ("create-vlan -l e1000g0 -v 8 lan7", "create operation failed: object already exists"),
        ("create-vlan -l e1000g0 -v 7 lan8", "create operation failed: MAC address is already in use"),
        ("delete-vlan v0", "delete operation failed: invalid argument"),
        ("delete-vlan none0", "delete operation failed: object not found"),
        ("delete-vnic lan7", "vnic deletion failed: invalid argument"),
        ("show-vlan none0", "link none0 is not valid: object not found"),
        ("show-vlan -p -o nothing", "unknown output field: `nothing'"),
    ] {
        net.refuses(&format!("{DLADM} {line}"), 1, &format!("/usr/sbin/dladm: {text}\n"));
    }
    net.ok("/usr/sbin/ipadm create-if lan7");
    net.refuses("/usr/sbin/dladm delete-vlan lan7", 1, "/usr/sbin/dladm: delete operation failed: link busy\n");
    net.ok("/usr/sbin/ipadm delete-if lan7");
    net.lab.reboot_network();
    for line in ["delete-vlan lan7", "delete-vlan e1000g12000", "delete-vnic v0", "delete-vnic v1"] {
        net.ok(&format!("{DLADM} {line}"));
    }
    assert_eq!(before.difference(&net.lab.snapshot_of_state(&[])), "");
}

#[test]
fn what_is_temporary_is_gone_after_a_reboot() {
    let net = Net::new();
    net.ok("/usr/sbin/dladm create-etherstub -t tmp0");
    net.refuses(
        "/usr/sbin/dladm create-vnic -l tmp0 v0",
        1,
        "/usr/sbin/dladm: vnic creation over tmp0 failed: can't create persistent object on top of temporary object\n",
    );
    net.ok("/usr/sbin/dladm create-vnic -t -l tmp0 v0");
    net.ok("/usr/sbin/dladm create-vnic -l e1000g0 v1");
    net.ok("/usr/sbin/dladm set-linkprop -t -p maxbw=5 v1");
    net.ok("/usr/sbin/dladm delete-vnic -t v1");
    net.lab.reboot_network();
    assert_eq!(net.lab.links(), ["e1000g0", "v1"]);
    assert_eq!(net.ok("/usr/sbin/dladm show-linkprop -c -o value -p maxbw v1"), "\n");
}

/// Each is refused, in the words of dladm, and changes nothing.
#[test]
fn what_dladm_refuses_is_refused() {
    let net = Net::new();
    for line in [
        "create-etherstub stub0",
        "create-etherstub stub1",
        "create-vnic -l stub0 -m 2:8:20:1:1:1 v0",
        "create-vnic -l stub1 v1",
    ] {
        net.ok(&format!("{DLADM} {line}"));
    }
    net.ok("/usr/sbin/ipadm create-if v1");
    let long = "a".repeat(31) + "0";
    for (line, text) in [
        ("create-etherstub stub", "invalid link name 'stub'"),
        ("create-etherstub net01", "invalid link name 'net01'"),
        ("create-etherstub 2net0", "invalid link name '2net0'"),
        ("create-etherstub a-b0", "invalid link name 'a-b0'"),
        (&format!("create-etherstub {long}"), &format!("link name too long '{long}'")),
        ("create-etherstub stub0", "etherstub creation failed: object already exists"),
        ("delete-etherstub none0", "invalid link name 'none0'"),
        ("delete-etherstub v0", "'v0' is not an etherstub"),
        ("delete-etherstub stub0", "vnic deletion failed: link busy"),
        ("delete-vnic none0", "invalid link name 'none0'"),
        ("delete-vnic stub0", "'stub0' is not a vnic"),
        ("delete-vnic v1", "vnic deletion failed: link busy"),
        ("create-vnic -l none0 v2", "invalid link name 'none0'"),
        ("create-vnic -l stub0 -m 2:8:20:1:1 v2", "invalid MAC address"),
        ("create-vnic -l stub0 -m 2:8:20:1:1:1 v2", "vnic creation over stub0 failed: MAC address is already in use"),
        ("create-vnic -l stub0 -m 3:8:20:1:1:1 v2", "vnic creation over stub0 failed: invalid MAC address value"),
        ("create-vnic -l stub0 v1", "vnic creation over stub0 failed: object already exists"),
        ("create-vnic -l v0 v2", "vnic creation over v0 failed: invalid argument"),
        (
            "create-vnic -l stub0 -p maxbw=1K v2",
            "cannot set link property 'maxbw' on 'v2': minimum value for maxbw is 1200K",
        ),
        ("show-link none0", "link none0 is not valid: object not found"),
        ("show-link -p", "-p requires -o"),
        ("show-link -p -o nothing", "unknown output field: `nothing'"),
        ("show-link -p -o all", "\"-o all\" is invalid with -p"),
        ("show-vnic none0", "invalid vnic name 'none0': object not found"),
        ("rename-link v1 v9", "rename operation failed: link busy"),
        ("rename-link none0 v9", "rename operation failed: object not found"),
        ("rename-link v0 v1", "rename operation failed: object already exists"),
        ("rename-link v0 v", "rename operation failed: invalid argument"),
        ("set-linkprop -p nothing=1 v0", "invalid link property 'nothing'"),
        (
            "set-linkprop -p protection=all v0",
            "link property 'protection' must be one of: mac-nospoof,restricted,ip-nospoof,dhcp-nospoof",
        ),
        (
            "set-linkprop -p allowed-ips=10.0.0.1/24 v0",
            "cannot set link property 'allowed-ips' on 'v0': invalid IP address",
        ),
        ("set-linkprop -p mtu=9001 v0", "cannot set link property 'mtu' on 'v0': invalid argument"),
        ("set-linkprop -p mtu=1500 v1", "cannot set link property 'mtu' on 'v1': link busy"),
        ("set-linkprop -p zone=z v0", "cannot set link property 'zone' on 'v0': operation not supported"),
    ] {
        net.refuses(&format!("{DLADM} {line}"), 1, &format!("/usr/sbin/dladm: {text}\n"));
    }
    let said = net.run("/usr/sbin/dladm make-etherstub x0");
    assert!(
        said.code == 1 && said.err.starts_with("/usr/sbin/dladm: unknown subcommand 'make-etherstub'\nusage:"),
        "{said:?}"
    );
    // The last of several properties says how it ended.
    assert_eq!(net.run("/usr/sbin/dladm set-linkprop -p nothing=1 -p maxbw=5 v0").code, 0);
    // On two stubs one address does no harm.
    net.ok("/usr/sbin/dladm create-vnic -l stub1 -m 2:8:20:1:1:1 v2");
}

#[test]
fn flows_hold_their_link() {
    let net = Net::new();
    net.ok("/usr/sbin/dladm create-vnic -l e1000g0 v0");
    let before = net.lab.snapshot_of_state(&[]);
    net.ok("/usr/sbin/flowadm add-flow -l v0 -a local_ip=10.1.1.5 -p maxbw=50,priority=low web_in");
    assert_eq!(net.ok("/usr/sbin/flowadm show-flow -p -o flow,link,ipaddr"), "web_in:v0:LCL\\:10.1.1.5/32  \n");
    let properties = |arguments: &str| net.ok(&format!("/usr/sbin/flowadm show-flowprop -c -o {arguments}"));
    assert_eq!(properties("flow,property,value"), "web_in:maxbw:   50\nweb_in:priority:low\n");
    net.ok("/usr/sbin/flowadm set-flowprop -p maxbw=1500K web_in");
    assert_eq!(properties("value,property -p maxbw web_in"), "    1.500:maxbw\n");
    net.ok("/usr/sbin/flowadm add-flow -l v0 -a local_ip=fd00::/64 six");
    assert_eq!(net.ok("/usr/sbin/flowadm show-flow -p -o ipaddr six"), "LCL:fd00::/64  \n");
    assert_eq!(properties("flow,value six"), "six:--\nsix:--\n");
    net.ok("/usr/sbin/flowadm remove-flow six");
    for (line, text) in [
        ("add-flow -l v0 -a local_ip=10.1.1.5", "flow name is required"),
        ("add-flow -a local_ip=10.1.1.5 f", "link is required"),
        ("add-flow -l v0 -a local_ip=10.1.1.6 web_in", "add flow failed: object already exists"),
        ("add-flow -l none0 -a local_ip=10.1.1.6 f", "invalid link 'none0'"),
        ("add-flow", "link is required"),
        ("set-flowprop -p maxbw=5 f", "warning: invalid flow property 'maxbw'"),
        ("show-flow f", "invalid flow: 'f'"),
        ("show-flowprop -c", "output field(s) must be specified with -p"),
        ("show-flowprop -c -o flow -p cpus", "invalid flow properties specified"),
        ("add-flow -l v0 -a local_port=80 f", "invalid flow attribute specified"),
        ("remove-flow f", "remove flow failed: object not found"),
    ] {
        net.refuses(&format!("/usr/sbin/flowadm {line}"), 1, &format!("/usr/sbin/flowadm: {text}\n"));
    }
    net.refuses("/usr/sbin/dladm delete-vnic v0", 1, "/usr/sbin/dladm: vnic deletion failed: link still has flows\n");
    net.ok("/usr/sbin/flowadm remove-flow web_in");
    assert_eq!(before.difference(&net.lab.snapshot_of_state(&[])), "");
}
