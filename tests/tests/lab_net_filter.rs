//! The stand-ins for ipnat(8), ipf(8) and ippool(8): what their parsers take, what they refuse, and how it ends.
//! Sources: `ipnat_y.y`, `ipf_y.y` and `ippool_y.y` of illumos-gate.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod lab_net;

use lab_net::Net;

#[track_caller]
fn takes(net: &Net, command: &str, text: &str) -> String {
    let file = net.file(text);
    let said = net.run(&format!("{command} {}", file.display()));
    assert!(said.code == 0 && said.err.is_empty(), "{text:?}: {said:?}");
    said.out
}

#[track_caller]
fn refuses(net: &Net, command: &str, text: &str, err: &str) {
    let file = net.file(text);
    let said = net.run(&format!("{command} {}", file.display()));
    assert!(said.code == 1 && said.err.starts_with(err), "{text:?}: {said:?}");
}

const NAT: &str = "/usr/sbin/ipnat -n -v -f";
const FILTER: &str = "/usr/sbin/ipf -n -v -f";
const FILTER6: &str = "/usr/sbin/ipf -6 -n -v -f";
const POOLS: &str = "/usr/sbin/ippool -f";

#[test]
fn rules_of_nat_that_are_taken() {
    let net = Net::new();
    for text in [
        "",
        "# nothing\n",
        "\nmap net0 10.1.2.0/24 -> 0/32\n\n",
        "map net0 10.1.2.0/24 -> 0/32 portmap tcp/udp auto\r\nmap net0 10.1.2.0/24 -> 0/32\r\n",
        "map net0 10.0.0.0/8 -> 0/32 map net1 10.0.0.0/8 -> 0/32;",
        "map net0 from 10.1.0.0/24 !to 10.2.0.0/24 -> 0/32 portmap tcp/udp auto\n",
        "map net0 from 10.1.0.0/24 to 10.2.0.0/24 -> 0/0\n",
        "MAP net_router.0 10.1.2.0/24 -> 203.0.113.0/28 PORTMAP tcp/udp 20000:30000 sequential mssclamp 1452\n",
        "map net0 10.1.2.0/24 -> range 203.0.113.5-203.0.113.9\n",
        "map net0 10.1.2.0/24 -> 0/32 icmpidmap icmp 1:2\nmap net0 10.1.2.0/24 -> 0/32 proxy port ftp ftp/tcp\n",
        "map net0,net1 10.1.2.0/24 -> 0/32\nmap * 10.1.2.0/24 -> 0/32\n",
        "rdr net0 1.2.3.4/32 port 80 -> 10.1.2.5 port 8080 tcp/udp\n",
        "rdr net0 1.2.3.4/32 port 8000-8010 -> 10.1.2.5 port 8000 tcp\nrdr net0 1.2.3.4 -> 10.1.2.5\n",
        "rdr net0 1.2.3.4/32 port 80 -> 10.1.2.5,10.1.2.6 port 80 tcp round-robin\n",
        "rdr net0 ! from 10.0.0.0/8 to 1.2.3.4/32 port = 80 -> 10.1.2.5 port 80 tcp\n",
        "bimap net0 10.1.2.5/32 -> 203.0.113.9/32\n",
        "map net0 fd00:1::/64 -> 0/128 portmap tcp/udp 1025:65000\n",
        "outside=net0;\nmap $outside 10.1.2.0/24 -> 0/32\n",
    ] {
        takes(&net, NAT, text);
    }
    assert_eq!(takes(&net, NAT, "map net0 10.1.2.0/24 -> 0/32"), "map net0 10.1.2.0/24 -> 0.0.0.0/32\n");
    assert_eq!(
        takes(&net, NAT, "rdr net0 1.2.3.4/32 port 80 -> 10.1.2.5 port 8080"),
        "rdr net0 1.2.3.4/32 port 80 -> 10.1.2.5 port 8080 tcp\n"
    );
    // Wrong, and silent.
    assert_eq!(takes(&net, NAT, "map net0 fd00::/64 -> 0/32"), "map net0 fd00::/64 -> ::/32\n");
    assert_eq!(takes(&net, NAT, "map net0 10.1.2.77/24 -> 0/32"), "map net0 10.1.2.0/24 -> 0.0.0.0/32\n");
}

#[test]
fn rules_of_nat_that_are_refused() {
    let net = Net::new();
    for (text, err) in [
        ("\n\n", "syntax error error at \"\", line "),
        ("map net0 from 10.1.0.0/24 to ! 10.2.0.0/24 -> 0/32", "syntax error error at \"!\", line 1"),
        ("map net0 ! from 10.1.0.0/24 to 10.2.0.0/24 -> 0/32", "syntax error error at \"!\", line 1"),
        ("map net0 from 10.1.0.0/24 ! to 10.2.0.0/24,10.3.0.0/24 -> 0/32", "syntax error error at \",\", line 1"),
        ("map net0 from 10.1.0.0/24 ! to pool/100 -> 0/32", "Unknown hostname error at \"pool\", line 1"),
        ("no map net0 10.1.0.0/24 -> 0/32", "syntax error error at \"no\", line 1"),
        ("map net0 10.1.2.0/24 -> net0/32", "Unknown hostname error at \"net0\", line 1"),
        ("# one\nmap 2net0 10.1.2.0/24 -> 0/32", "syntax error error at \"2net0\", line 2"),
        ("rdr net0 1.2.3.4/32 -> 10.1.2.5 port 8080 tcp", "syntax error"),
        ("map net0 10.1.2.0/24", "syntax error error at \"\", line 1"),
    ] {
        refuses(&net, NAT, text, err);
    }
}

#[test]
fn nat_is_loaded_rule_by_rule() {
    let net = Net::new();
    let line = "map e1000g0 10.1.2.0/24 -> 0/32";
    refuses(&net, "/usr/sbin/ipnat -f", &format!("{line}\nnonsense\n"), "syntax error error at \"nonsense\", line 2");
    assert_eq!(net.lab.nat_of("global"), ["map e1000g0 10.1.2.0/24 -> 0.0.0.0/32"]);
    let file = net.file(line);
    let said = net.run(&format!("/usr/sbin/ipnat -f {}", file.display()));
    assert_eq!((said.code, said.err.as_str()), (0, "1:ioctl(add/insert nat rule): File exists\n"));
    let said = net.run("/usr/sbin/ipnat -f /nowhere");
    assert_eq!((said.code, said.err.as_str()), (0, "fopen(/nowhere) failed: No such file or directory\n"));
    net.ok(&format!("/usr/sbin/ipnat -r -f {}", file.display()));
    assert!(net.lab.nat_of("global").is_empty());
    assert_eq!(net.run("/usr/sbin/ipnat -z none -f /nowhere").code, 1);
}

#[test]
fn rules_of_the_filter_that_are_taken() {
    let net = Net::new();
    for text in [
        "block in all\nblock out all\n",
        "pass in quick on net0 all\n",
        "pass in log first quick on net0 from any to any\n",
        "pass in quick proto tcp/udp from 10.0.0.0/8 port 8000:8010 to any port 8000 >< 8010\n",
        "block return-rst in proto tcp all\nblock return-icmp(port-unr) in proto udp all\n",
        "pass in from 10.0.0.1\npass in proto tcp to any port = 22\npass in to any port = 53 keep state\n",
        "pass in on net0 from any to net0/32\n",
        "pass in from pool/13 to any\nblock in from !pool/13 to any\npass in from hash/7 to any\n",
        "pass in quick proto icmp from any to any icmp-type echo keep state keep frags\n",
        "set intercept_loopback true;\nblock in all with short\n",
        "@1 pass in on net0:1 all head 100\nblock in all group 100\n",
    ] {
        takes(&net, FILTER, text);
    }
    let printed = takes(&net, FILTER, "pass in quick on net0 proto tcp from any to any port = ssh flags S keep state");
    assert_eq!(printed, "pass in quick on net0 proto tcp from any to any port = 22 flags S/FSRPAU keep state\n");
    assert_eq!(takes(&net, FILTER, "pass in proto tcp from any to any port = (22, 80, 443)").lines().count(), 3);
    assert_eq!(takes(&net, FILTER6, "pass in from any to fd00::/64"), "pass in from ::/0 to fd00::/64\n");
    takes(&net, FILTER6, "pass in quick proto ipv6-icmp all\npass in quick proto 58 all");
    // Wrong, and silent.
    assert_eq!(takes(&net, FILTER6, "pass in from 10.0.0.0/8 to any"), "pass in from a00::/8 to ::/0\n");
}

#[test]
fn rules_of_the_filter_that_are_refused() {
    let net = Net::new();
    for text in [
        "pass in all quick",
        "pass all",
        "pass in from pool/name to any",
        "pass in from fd00::/64 to any",
        "pass in proto icmpv6 all",
        "block in all\nset intercept_loopback true;",
        "\n",
    ] {
        refuses(&net, FILTER, text, "");
    }
    refuses(&net, FILTER, "pass in all quick", "syntax error error at \"quick\", line 1");
    assert_eq!(net.run("/usr/sbin/ipf -n -f /nowhere").code, 0);
}

#[test]
fn the_filter_is_swapped_as_a_whole() {
    let net = Net::new();
    net.ok(&format!("/usr/sbin/ipf -I -f {}", net.file("block in all").display()));
    net.ok(&format!("/usr/sbin/ipf -6 -I -f {}", net.file("block in all").display()));
    assert_eq!(net.lab.filter_of("global"), (Vec::new(), Vec::new()));
    net.ok("/usr/sbin/ipf -s");
    let one = vec!["block in all".to_owned()];
    assert_eq!(net.lab.filter_of("global"), (one.clone(), one));
    net.ok("/usr/sbin/ipf -Fa");
    assert!(net.lab.filter_of("global").0.is_empty() && !net.lab.filter_of("global").1.is_empty());
}

#[test]
fn pools_are_read() {
    let net = Net::new();
    for text in [
        "table role = ipf type = tree number = 100 { 10.2.0.0/24; 10.3.0.0/24; !10.3.0.9; };\n",
        "table role = ipf type = tree number = 100 { 10.2.0.0/24, fd00::/64 };\n",
        "table role = nat type = hash number = 7 size = 5 { 10.0.0.1; };\n",
        "table role = ipf type = tree name = sisters { ; };\n",
    ] {
        takes(&net, POOLS, text);
    }
    for text in [
        "table role = ipf type = tree number = 1 { };\n",
        "table role = ipf type = tree number = 1 { 10.0.0.1; }\n",
        "table role = all type = tree number = 1 { 10.0.0.1; };\n",
        "pool ipf/tree (name x;) { 10.0.0.1; };\n",
    ] {
        refuses(&net, POOLS, text, "syntax error");
    }
    let file = net.file("table role = ipf type = tree number = 1 { 10.0.0.1; };");
    assert_eq!(net.run(&format!("/usr/sbin/ippool -nvf {}", file.display())).code, 1);
    assert_eq!(net.run(&format!("/usr/sbin/ippool -f {} -n -v", file.display())).code, 0);
    assert_eq!(net.run("/usr/sbin/ippool -f /nowhere").code, 255);
}
