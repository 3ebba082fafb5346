//! The network alone: net-attach, net-detach, net-list, net-peer and zonekit-store on a host of the lab.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use std::fs;

use serde_json::Value;
use tests::run::skip_without_root;
use tests::scenario::{Did, World};
use tests::sweep::View;
use zones_common::{ROUTER, create, destroy, warmed};

fn run(world: &World, program: &str, arguments: &[&str]) -> Did {
    let did = world.zonekit(program, arguments);
    println!("{program} {}: {did:#?}", arguments.join(" "));
    did
}

fn json(did: &Did) -> Value {
    let value: Value = serde_json::from_str(&did.out).unwrap();
    assert_eq!(value["version"], 1);
    value
}

/// A host with a router, and a zone that another tool has installed.
fn with_router_and_zone() -> World {
    let world = warmed();
    create(&world, ROUTER).well();
    world.configure("web", "sparse-root");
    world.zoneadm("web", &["install"]).well();
    world
}

#[test]
fn a_zone_of_another_tool_is_wired_and_unwired() {
    if skip_without_root() {
        return;
    }
    let world = with_router_and_zone();
    let before = View::of(&world.lab);
    let shown = run(&world, "net-attach", &["-z", "web", "-x", "10.1.1.5", "-F", "maxbw=5M", "-n"]).well();
    for line in [
        "dladm create-vnic -l zrstub0 -m 02:08:20:",
        "flowadm add-flow -l znic2 -a local_ip=10.1.1.5 -p maxbw=5M zflow2",
        "zonecfg -z web 'set ip-type=exclusive'",
        "zonecfg -z web 'add net; set physical=znic2; set allowed-address=10.1.1.5/24; set defrouter=10.1.1.1; end'",
        "# write down attachments/web+znic2+10.1.1.5",
        "# tell router `router1`",
        "# write /etc/hostname.znic2 in the zone",
    ] {
        assert!(shown.out.contains(line), "{line}: {}", shown.out);
    }
    assert!(!shown.out.contains("hostname6"), "{}", shown.out);
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");

    // Names and letters of before.
    for words in [["--exclusive", "-N"], ["--exclusive-ip", "-n"], ["--exclusive-ip", "--dry-run"]] {
        let again = run(&world, "net-attach", &["-z", "web", words[0], "10.1.1.5", "-F", "maxbw=5M", words[1]]).well();
        assert_eq!(again.out.lines().count(), shown.out.lines().count(), "{words:?}");
    }
    for letter in ["-n", "-N"] {
        assert!(
            run(&world, "destroy-zone", &["-z", "router1", letter]).well().out.contains("uninstall zone `router1`")
        );
        run(&world, "net-peer", &["router1", "router1", letter]).badly(&["cannot be its own peer"]);
    }
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");

    run(&world, "net-attach", &["-z", "web", "-x", "10.1.1.5", "-F", "maxbw=5M"]).well();
    assert_eq!(world.text("web", "/etc/hostname.znic2"), "10.1.1.5/24\n");
    assert!(world.text("router1", "/etc/zonekit/dhcp/web").contains("10.1.1.5"));
    world.zoneadm("web", &["boot"]).well();
    assert!(world.lab.addresses_of("web").iter().any(|(_, net)| net.to_string() == "10.1.1.5/24"));
    run(&world, "net-detach", &["-z", "web"]).badly(&["zone `web` runs, and has its links; halt it first"]);
    world.zoneadm("web", &["halt"]).well();
    let shown = run(&world, "net-detach", &["-z", "web", "-n"]).well().out;
    assert!(shown.contains("# remove /etc/hostname.znic2 in the zone\n"), "{shown}");
    run(&world, "net-detach", &["-z", "web"]).well();
    assert!(!world.in_zone("router1", "/etc/zonekit/dhcp/web").exists());
    assert_eq!(world.lab.links(), ["e1000g0", "snic0", "znic0", "znic1", "zrstub0"]);
    assert!(!world.in_zone("web", "/etc/hostname.znic2").exists());
    run(&world, "net-detach", &["-z", "web"]).badly(&["zone `web` is on no network that zonekit knows"]);
    let config = fs::read_to_string(world.lab.place("/etc/zones/web.xml")).unwrap();
    assert!(!config.contains("network"), "{config}");
    world.is_sound();
}

#[test]
fn what_cannot_be_attached_is_refused_and_changes_nothing() {
    if skip_without_root() {
        return;
    }
    let world = with_router_and_zone();
    world.configure("theirs", "sparse-root");
    let net = "set ip-type=exclusive; add net; set physical=znic9; set allowed-address=10.1.1.77/24; end; commit";
    world.run("zonecfg", &["-z", "theirs", net]).well();
    let before = View::of(&world.lab);
    for (arguments, said) in [
        (&["-z", "none", "-x", "10.1.1.5"][..], "there is no zone `none`; make it first, or use --print"),
        (&["-z", "web", "-x", "10.1.1.1"], "10.1.1.1 is the gateway"),
        (&["-z", "web", "-x", "10.1.1.255"], "is the broadcast address"),
        (&["-z", "web", "-x", "10.9.0.5"], "is on no segment and on no network of this host"),
        (&["-z", "web", "-x", "192.0.2.20"], "192.0.2.20 is in use by zone `router1`"),
        (&["-z", "web", "-x", "192.0.2.10"], "is in use by `e1000g0/"),
        (&["-z", "web", "-x", "10.1.1.77"], "10.1.1.77 is in use by zone `theirs`"),
        (&["-z", "web", "-x", "10.1.1.300"], "is no address"),
        (&["-z", "web"], "no address is given"),
        (&["-z", "web", "-x", "10.1.1.5", "-i", "10.1.1.6"], "cannot be used with"),
        (&["-z", "web", "-x", "192.0.2.30", "-R", "10.1.0.0/16"], "10.1.0.0/16 overlaps 10.1.1.0/24"),
        (&["-z", "web", "-x", "192.0.2.30", "-R", "10.2.0.1/16"], "has host bits; its network is 10.2.0.0/16"),
        (&["-z", "web", "-x", "10.1.1.5", "-F", "maxbw=1K"], "maxbw is at least 1200K"),
        (&["-z", "web", "-x", "10.1.1.5", "--open", "icmp/7"], "is no opening"),
    ] {
        let did = run(&world, "net-attach", arguments);
        assert_eq!(did.code, 2, "{arguments:?}");
        assert!(did.err.contains(said) && did.err.lines().count() == 1, "{arguments:?}: {}", did.err);
        assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "", "{arguments:?}");
    }
    // A flow of somebody else that is called as ours would be.
    world
        .run("flowadm", &["add-flow", "-l", "e1000g0", "-a", "local_ip=192.0.2.10", "-p", "maxbw=9M", "zflow2"])
        .well();
    let before = View::of(&world.lab);
    run(&world, "net-attach", &["-z", "web", "-x", "10.1.1.5", "-F", "maxbw=5M"]).badly(&["object already exists"]);
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    run(&world, "net-detach", &["-z", "router1", "192.0.2.20"]).badly(&["is that of a router"]);
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
}

#[test]
fn the_configuration_can_be_left_to_others() {
    if skip_without_root() {
        return;
    }
    let world = with_router_and_zone();
    let printed = run(&world, "net-attach", &["-z", "box", "-i", "10.1.1.7", "--print"]).well();
    assert_eq!(printed.out, "add net\nset physical=snic0\nset address=10.1.1.7/24\nend\n");
    assert!(printed.err.contains("has no route out"), "{}", printed.err);
    let listed = run(&world, "net-list", &[]).well();
    assert!(listed.out.contains("  box  10.1.1.7  shared"), "{}", listed.out);
    run(&world, "net-detach", &["-z", "box"]).well();
    assert!(!run(&world, "net-list", &[]).well().out.contains("box"));
}

#[test]
fn networks_are_listed_in_every_form() {
    if skip_without_root() {
        return;
    }
    let world = with_router_and_zone();
    run(&world, "net-attach", &["-z", "web", "-x", "10.1.1.5", "-x", "192.0.2.33"]).well();
    let data = json(&run(&world, "net-list", &["--json"]).well());
    assert_eq!(data["segments"][0]["name"], "10.1.1.0-24");
    assert_eq!(data["attachments"].as_array().unwrap().len(), 4);
    let picture = run(&world, "net-list", &["--svg"]).well().out;
    let texts = roxmltree::Document::parse(&picture).unwrap();
    let texts: Vec<&str> = texts.descendants().filter_map(|node| node.text()).collect();
    assert!(
        ["router1", "web", "10.1.1.0/24", "192.0.2.33", "e1000g0"].iter().all(|text| texts.contains(text)),
        "{texts:?}"
    );
    let graph = run(&world, "net-list", &["--dot"]).well().out;
    assert!(graph.contains("\"segment 10.1.1.0-24\" -- \"zone web\""), "{graph}");
}

#[test]
fn two_routers_become_peers_and_are_none_again() {
    if skip_without_root() {
        return;
    }
    let world = warmed();
    create(&world, ROUTER).well();
    create(&world, &["-z", "router2", "-t", "router", "-x", "192.0.2.21", "-R", "10.2.0.0/16"]).well();
    let before = View::of(&world.lab);
    run(&world, "net-peer", &["router1", "router1"]).badly(&["cannot be its own peer"]);
    run(&world, "net-attach", &["-z", "router1", "-x", "10.1.1.83"])
        .badly(&["zone `router1` is the router of the segment `10.1.1.0-24`, and has its address there"]);
    // A description that nobody writes to.
    let pipe = world.lab.place("/var/half");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    run(&world, "net-peer", &["router1", "--with", &pipe.display().to_string(), "-n"])
        .badly(&["is not a regular file"]);
    fs::remove_file(&pipe).unwrap();
    run(&world, "net-peer", &["router1", "router3"]).badly(&["`router3` routes no segment of this host"]);
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    // Who has connections through a router keeps them.
    let dropped = || ["router1", "router2"].map(|router| world.lab.dropped_sessions(router));
    let had = dropped();
    let planned = run(&world, "net-peer", &["router1", "router2", "-n"]).well().out;
    for line in [
        "# write down peerings/router1+router2\n",
        "# write /etc/ipf/ipnat.conf in router `router1`\n",
        "#     map znic0 from 10.1.1.0/24 ! to 10.2.0.0/16 -> 0/32\n",
        "# write /etc/inet/static_routes in router `router2`\n",
        "/usr/sbin/zlogin router1 /usr/sbin/ipnat -C -f /etc/ipf/ipnat.conf\n",
        "/usr/sbin/zlogin router1 /usr/sbin/route -n add 10.2.0.0/16 192.0.2.21\n",
        "/usr/sbin/zlogin router2 /usr/sbin/route -n add 10.1.1.0/24 192.0.2.20\n",
    ] {
        assert!(planned.contains(line), "{line}: {planned}");
    }
    let data = json(&run(&world, "net-peer", &["router1", "router2", "-n", "--json"]).well());
    assert_eq!((&data["done"], &data["peering"]["one"]["zone"]), (&Value::Bool(false), &Value::from("router1")));
    assert_eq!(data["routers"].as_array().unwrap().len(), 2);
    run(&world, "net-peer", &["-d", "router1", "router2", "-n"]).badly(&["are no peers"]);
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    let done = json(&run(&world, "net-peer", &["router1", "router2", "--json"]).well());
    for (router, peer) in [("router1", "router2"), ("router2", "router1")] {
        let described = run(&world, "describe-zone", &[router]).well().out;
        assert!(described.contains(&format!("  peers        {peer}\n")), "{described}");
    }
    assert_eq!((&done["done"], &done["routers"]), (&Value::Bool(true), &data["routers"]));
    run(&world, "net-peer", &["router2", "router1"]).badly(&["are peers already"]);
    for (router, own, other, via) in [
        ("router1", "10.1.1.0/24", "10.2.0.0/16", "192.0.2.21"),
        ("router2", "10.2.0.0/16", "10.1.1.0/24", "192.0.2.20"),
    ] {
        let nat = world.lab.nat_of(router).join("\n");
        assert!(nat.contains(&format!("from {own} ! to {other} -> 0")), "{nat}");
        let routes = world.lab.routes_of(router);
        assert!(routes.contains(&(other.parse().unwrap(), Some(via.parse().unwrap()))), "{routes:?}");
    }
    assert!(run(&world, "net-list", &[]).well().out.contains("peers  router1 and router2"));
    let joined = View::of(&world.lab);
    let planned = run(&world, "net-peer", &["-d", "router2", "router1", "-n"]).well().out;
    assert!(planned.contains("router1 /usr/sbin/route -n delete 10.2.0.0/16 192.0.2.21\n"), "{planned}");
    assert_eq!(joined.differences(&View::of(&world.lab), Default::default()), "");
    run(&world, "net-peer", &["-d", "router2", "router1"]).well();
    for router in ["router1", "router2"] {
        assert!(!world.lab.nat_of(router).join("\n").contains(" to "), "{router}");
        let routes = world.lab.routes_of(router);
        assert!(routes.iter().all(|(net, _)| !net.addr().to_string().starts_with("10.")), "{routes:?}");
    }
    assert_eq!(dropped(), had);
    run(&world, "net-peer", &["-d", "router1", "router2"]).badly(&["are no peers"]);
    world.is_sound();
}

#[test]
fn the_other_half_of_a_peering_goes_to_the_other_host() {
    if skip_without_root() {
        return;
    }
    let world = warmed();
    create(&world, ROUTER).well();
    let half = run(&world, "net-peer", &["router1", "--export"]).well().out;
    let file = world.beside("r1.peer");
    assert_eq!(
        half,
        "{\"version\":1,\"router\":\"router1\",\"outside\":[\"192.0.2.20\"],\"networks\":[\"10.1.1.0/24\"]}\n"
    );
    let with = |text: &str| {
        fs::write(&file, text).unwrap();
        run(&world, "net-peer", &["router1", "--with", file.to_str().unwrap()])
    };
    let far = r#"{"version":1,"router":"far","outside":["192.0.2.99"],"networks":["10.7.0.0/16"]}"#;
    for (text, said) in [
        ("", "is no description of a router"),
        (&far[..40], "is no description of a router"),
        (&half, "is a router of this host too"),
        (&far.replace("192.0.2.99", "203.0.113.9"), "have no network in common outside"),
        (&far.replace("10.7.0.0/16", "10.1.0.0/16"), "10.1.0.0/16 overlaps 10.1.1.0/24"),
        (&far.replace("10.7.0.0/16", "10.7.0.1/16"), "is no network for zones"),
        (&far.replace("\"version\":1", "\"version\":2"), "has form 2"),
        (&far.replace("far", "../far"), "has no name"),
    ] {
        let did = with(text);
        assert!(did.code == 2 && did.err.contains(said), "{said}: {}", did.err);
    }
    fs::write(&file, far).unwrap();
    let path = file.to_str().unwrap();
    let before = View::of(&world.lab);
    let planned = run(&world, "net-peer", &["router1", "--with", path, "-n"]).well().out;
    assert!(planned.contains("zlogin router1 /usr/sbin/route -n add 10.7.0.0/16 192.0.2.99\n"), "{planned}");
    let data = json(&run(&world, "net-peer", &["router1", "--with", path, "--json", "-n"]).well());
    assert_eq!(data["half"]["networks"][0], "10.1.1.0/24");
    assert_eq!(run(&world, "net-peer", &["router1", "--export", "-n"]).well().out, half);
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    assert_eq!(with(far).well().out, half);
    assert!(world.lab.nat_of("router1").join("\n").contains("to 10.7.0.0/16"));
    create(&world, &["-z", "r3", "-t", "router", "-x", "192.0.2.33", "-R", "10.7.3.0/24"])
        .badly(&["overlaps 10.7.0.0/16, which is that of the peer `far` of another host; take another network"]);
    run(&world, "net-peer", &["-d", "router1", "far"]).well();
    assert!(!world.lab.nat_of("router1").join("\n").contains("10.7"));
}

#[test]
fn a_host_that_differs_from_the_records_is_told_and_mended() {
    if skip_without_root() {
        return;
    }
    let world = with_router_and_zone();
    let check = |arguments: &[&str]| run(&world, "store", &[&["check"], arguments].concat());
    run(&world, "net-attach", &["-z", "web", "-x", "10.1.1.5"]).well();
    assert_eq!((check(&[]).well().out.as_str(), check(&["--repair"]).well().out.as_str()), ("", ""));
    // A vnic of a halted zone can be deleted by hand, and a zone without net-detach.
    world.run("dladm", &["delete-vnic", "znic2"]).well();
    let told = check(&[]);
    assert_eq!((told.code, told.out.as_str()), (1, "zone `web`: the vnic `znic2` is gone; --repair mends it\n"));
    let data = json(&check(&["--json"]));
    assert_eq!(
        (&data["differences"][0]["mendable"], &data["differences"][0]["mended"]),
        (&Value::Bool(true), &Value::Null)
    );
    assert_eq!(check(&["--repair"]).well().out, "zone `web`: the vnic `znic2` is gone; mended\n");
    assert_eq!(check(&[]).well().out, "");
    world.zoneadm("web", &["boot"]).well();
    world.zoneadm("web", &["halt"]).well();

    world.run("dladm", &["create-vnic", "-l", "zrstub0", "znic9"]).well();
    let told = check(&["--repair"]);
    assert!(told.code == 1 && told.out.starts_with("the link `znic9` is in no record; delete it"), "{}", told.out);
    world.run("dladm", &["delete-vnic", "znic9"]).well();

    world.zoneadm("web", &["uninstall", "-F"]).well();
    world.run("zonecfg", &["-z", "web", "delete -F"]).well();
    assert_eq!(check(&["--repair"]).well().out, "zone `web` is gone, and is still attached to `znic2`; mended\n");
    assert_eq!(world.lab.links(), ["e1000g0", "snic0", "znic0", "znic1", "zrstub0"]);

    let folder = world.lab.place("/var/zonekit/store/segments");
    fs::write(folder.join(".x.77.new"), "{").unwrap();
    fs::write(folder.join("bad.json"), "{").unwrap();
    let told = check(&["--repair"]);
    assert!(told.code == 1 && told.out.contains("bad.json: was cut off"), "{}", told.out);
    assert!(told.out.contains("was left by a writer that was killed; mended"), "{}", told.out);
    // What is known otherwise is listed all the same.
    let listed = run(&world, "list-zones", &[]);
    assert!(listed.code == 2 && listed.err.contains("bad.json: was cut off"), "{listed:?}");
    assert!(listed.out.contains("router1  running  router"), "{listed:?}");
    // One that is damaged is not passed over where networks are made.
    create(&world, &["-z", "db", "-x", "10.1.1.8"]).badly(&["bad.json: was cut off"]);
    fs::remove_file(folder.join("bad.json")).unwrap();
    assert_eq!(check(&[]).well().out, "");
}

/// What zap would have left of a router and a zone behind it.
#[test]
fn networks_of_zap_are_taken_over() {
    if skip_without_root() {
        return;
    }
    let world = warmed();
    for line in [
        "create-vnic -l e1000g0 znic0",
        "create-etherstub zrstub0",
        "create-vnic -l zrstub0 znic1",
        "create-vnic -l zrstub0 snic0",
        "create-vnic -l zrstub0 znic2",
    ] {
        world.run("dladm", &line.split(' ').collect::<Vec<_>>()).well();
    }
    world.run("ipadm", &["create-if", "snic0"]).well();
    for (zone, brand, nets) in [
        ("gate", "whole-root", "add net; set physical=znic0; end; add net; set physical=znic1; end"),
        (
            "web",
            "sparse-root",
            "add net; set physical=znic2; set allowed-address=10.5.0.5/16; set defrouter=10.5.0.1; end",
        ),
    ] {
        world.configure(zone, brand);
        world.run("zonecfg", &["-z", zone, &format!("set ip-type=exclusive; {nets}; verify; commit")]).well();
    }
    let zap = world.lab.place("/var/zap/zones");
    fs::create_dir_all(&zap).unwrap();
    let lines = "interface: zrstub0\nshared-interface: snic0\ngateway: 10.5.0.1\nzone: gate\npublic-ip:  192.0.2.50\n";
    fs::write(zap.join("rconfig.10.5"), lines).unwrap();
    fs::write(zap.join("zconfig.gate"), "brand: TRIBwhole\nzone: gate\nip-type: exclusive\naddress: 192.0.2.50\n")
        .unwrap();
    fs::write(
        zap.join("zconfig.web"),
        "brand: TRIBsparse\nzone: web\nip-type: exclusive\naddress: 10.5.0.5\nparent_zone: gate\n",
    )
    .unwrap();
    fs::write(zap.join("zconfig.gone"), "brand: TRIBsparse\nzone: gone\nip-type: shared\naddress: 10.5.0.7\n").unwrap();
    fs::write(zap.join("rconfig.10.300"), "interface: zrstub1\n").unwrap();
    fs::write(zap.join("destroy.web"), "#!/bin/sh\nrm -rf /\n").unwrap();

    let shown = run(&world, "store", &["import-zap", "-n"]);
    assert!(!world.lab.place("/var/zonekit/store/segments/10.5.0.0-16.json").exists());
    let did = run(&world, "store", &["import-zap"]);
    assert_eq!((did.code, &did.out), (1, &shown.out));
    assert_eq!(
        did.out,
        "write down segments/10.5.0.0-16\nwrite down attachments/gate+znic0+192.0.2.50\n\
         write down attachments/gate+znic1+10.5.0.1\nwrite down attachments/web+znic2+10.5.0.5\n"
    );
    assert!(did.err.contains("rconfig.10.300: `10.300` is no beginning of an IPv4 address"), "{}", did.err);
    let gone = "zconfig.gone: its zone `gone` is not on this host; remove the file if it has gone for good";
    assert!(did.err.contains(gone) && did.err.lines().count() == 2, "{}", did.err);
    let data = json(&run(&world, "net-list", &["--json"]).well());
    let segment = &data["segments"][0];
    assert_eq!(
        (&segment["router"]["proxy"], &segment["inside"], &segment["outside"]["over"]),
        (&"gate".into(), &"znic1".into(), &"e1000g0".into())
    );
    // Done again it changes nothing, and the host is as the records say.
    assert_eq!(run(&world, "store", &["import-zap"]).out, "");
    assert_eq!(run(&world, "store", &["check"]).well().out, "");
    create(&world, &["-z", "next", "-x", "10.5.0.5"]).badly(&["10.5.0.5 is in use by zone `web`"]);
    create(&world, &["-z", "next", "-x", "10.5.0.6"]).well();
    destroy(&world, "next").well();

    // Zones on the global zone's stack, and files that tell nothing: each is told, and the others are taken.
    for (zone, net) in
        [("box", "physical=snic0; set address=10.5.0.8/16"), ("twin", "physical=snic0; set address=10.5.0.5/16")]
    {
        world.configure(zone, "sparse-root");
        world.run("zonecfg", &["-z", zone, &format!("add net; set {net}; end; verify; commit")]).well();
    }
    for (zone, address) in [("box", "10.5.0.8"), ("twin", "10.5.0.5")] {
        let text = format!("brand: TRIBsparse\nzone: {zone}\nip-type: shared\naddress: {address}\n\nmemory: 1G\n");
        fs::write(zap.join(format!("zconfig.{zone}")), text).unwrap();
    }
    let wide = lines.replace("10.5.0.1", "10.0.0.1");
    let large = "x: y\n".repeat(20_000);
    let bad: [(&str, &[u8], &str); 8] = [
        ("rconfig.10", wide.as_bytes(), "10.0.0.0/8 overlaps 10.5.0.0/16 of the segment `10.5.0.0-16`"),
        ("rconfig.10.5.7", lines.as_bytes(), "the gateway 10.5.0.1 is not on 10.5.7.0/24"),
        ("rconfig.10.+6", lines.as_bytes(), "`10.+6` is no beginning of an IPv4 address"),
        ("rconfig.10.07", lines.as_bytes(), "`10.07` is no beginning of an IPv4 address"),
        ("rconfig.10.8", b"interface: zrstub1\nno more\n", "line 2: has no colon"),
        ("rconfig.10.9", b"interface: \xff\n", "is not UTF-8"),
        ("rconfig.10.11", large.as_bytes(), "is longer than 65536 bytes"),
        ("rconfig.10.12", b"", "has no `interface`"),
    ];
    for (name, text, _) in bad {
        fs::write(zap.join(name), text).unwrap();
    }
    rustix::fs::mknodat(rustix::fs::CWD, zap.join("rconfig.10.13"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    let did = run(&world, "store", &["import-zap"]);
    assert_eq!((did.code, did.out.as_str()), (1, "write down attachments/box+snic0+10.5.0.8\n"));
    let bad = bad.iter().map(|(name, _, said)| (*name, *said));
    for (name, said) in
        bad.chain([("zconfig.twin", "10.5.0.5 is in use by zone `web`"), ("rconfig.10.13", "is not a regular file")])
    {
        assert!(did.err.contains(&format!("/{name}: {said}")), "{name}: {said}: {}", did.err);
    }
    assert_eq!(did.err.lines().count(), 12, "{}", did.err);
}

/// Planning runs the same commands, however many zones there are.
#[test]
fn the_thousandth_zone_costs_the_commands_of_the_tenth() {
    if skip_without_root() {
        return;
    }
    let world = with_router_and_zone();
    let folder = world.lab.place("/var/zonekit/store/attachments");
    let sample = r#"{"version":1,"zone":"ZONE","place":{"segment":"10.1.1.0-24"},"mode":"exclusive","link":"LINK","ipv4":"10.1.1.200/24","ipv6":null,"mac":null,"flow":null}"#;
    let mut counts = Vec::new();
    for zones in [10, 1000] {
        for number in 0..zones {
            let (zone, link) = (format!("z{number}"), format!("znic{}", number + 10));
            let text = sample.replace("ZONE", &zone).replace("LINK", &link);
            fs::write(folder.join(format!("{zone}+{link}+10.1.1.200.json")), text).unwrap();
        }
        world.lab.reset_log();
        let start = std::time::Instant::now();
        run(&world, "net-attach", &["-z", "web", "-x", "10.1.1.5", "-n"]).well();
        let calls: Vec<String> = world.lab.log().iter().map(|call| call.line()).collect();
        println!("{zones} zones: {} commands, {:.0} ms", calls.len(), start.elapsed().as_secs_f64() * 1e3);
        counts.push(calls);
    }
    assert_eq!(counts[0], counts[1]);
    assert!(counts[0].len() <= 8, "{:?}", counts[0]);
}

#[test]
fn many_at_once_get_names_of_their_own() {
    if skip_without_root() {
        return;
    }
    let world = with_router_and_zone();
    std::thread::scope(|scope| {
        for number in 2..18 {
            let world = &world;
            scope.spawn(move || {
                let (zone, address) = (format!("box{number}"), format!("10.1.1.{number}"));
                run(world, "net-attach", &["-z", &zone, "-x", &address, "--print"]).well();
            });
        }
    });
    let data = json(&run(&world, "net-list", &["--json"]).well());
    let attached: Vec<&Value> = data["attachments"].as_array().unwrap().iter().collect();
    for field in ["link", "mac", "ipv4"] {
        let mut values: Vec<&str> = attached.iter().map(|one| one[field].as_str().unwrap()).collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), 18, "{field}: {values:?}");
    }
    // One address for two is one too many, whoever comes first.
    let both: Vec<Did> = std::thread::scope(|scope| {
        let attach = |zone: &'static str| {
            let world = &world;
            scope.spawn(move || run(world, "net-attach", &["-z", zone, "-x", "10.1.1.99", "--print"]))
        };
        [attach("one"), attach("two")].map(|thread| thread.join().unwrap()).into()
    });
    let mut codes: Vec<i32> = both.iter().map(|did| did.code).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 2]);
    assert!(both.iter().any(|did| did.err.contains("10.1.1.99 is in use by zone")), "{both:?}");
    assert_eq!(run(&world, "store", &["check"]).out.matches("is gone, and is still attached").count(), 17);
}

#[test]
fn a_full_disk_leaves_nothing_half_done() {
    if skip_without_root() {
        return;
    }
    let world = with_router_and_zone();
    // What is remembered, on a file system with room for hardly anything.
    let state = world.lab.place("/var/zonekit");
    let copy = world.beside("zonekit");
    fs::rename(&state, &copy).unwrap();
    fs::create_dir(&state).unwrap();
    let shell =
        |words: &[&str]| assert!(std::process::Command::new(words[0]).args(&words[1..]).status().unwrap().success());
    let (state, copy) = (state.to_str().unwrap().to_owned(), format!("{}/.", copy.display()));
    shell(&["mount", "-t", "tmpfs", "-o", "size=512k", "none", &state]);
    shell(&["cp", "-a", &copy, &state]);
    let before = View::of(&world.lab);
    let _ =
        std::process::Command::new("dd").args(["if=/dev/zero", "status=none", &format!("of={state}/filler")]).status();
    let did = run(&world, "net-attach", &["-z", "web", "-x", "10.1.1.5"]);
    fs::remove_file(format!("{state}/filler")).unwrap();
    run(&world, "zonekit-recover", &[]);
    let after = before.differences(&View::of(&world.lab), Default::default());
    shell(&["umount", &state]);
    assert!(did.code == 2 && did.err.contains("No space left on device"), "{did:?}");
    assert_eq!(after, "");
}

#[test]
fn a_zone_becomes_a_router_by_its_administrators_doing() {
    if skip_without_root() {
        return;
    }
    let world = with_router_and_zone();
    let links = world.lab.links();
    let attach = ["-z", "web", "-x", "192.0.2.30", "-R", "10.6.0.0/16", "-R", "fd00:6::/64", "--domain", "six.example"];
    run(&world, "net-attach", &attach).well();
    assert_eq!(world.text("web", "/etc/hostname.znic2"), "192.0.2.30/24\n");
    assert!(world.text("web", "/etc/hostname.znic3").contains("10.6.0.1/16"));
    assert!(world.text("web", "/etc/hostname6.znic3").contains("fd00:6::1/64"));
    // What forwards is bound to no address.
    let config = fs::read_to_string(world.lab.place("/etc/zones/web.xml")).unwrap();
    assert!(!config.contains("allowed-address"), "{config}");
    assert!(run(&world, "net-list", &[]).well().out.contains(
        "10.6.0.0/16, fd00:6::/64  routed by web (proxy), outside 192.0.2.30 on e1000g0, domain six.example"
    ));
    run(&world, "net-attach", &["-z", "box", "-x", "10.6.0.9", "--print"]).well();
    run(&world, "net-peer", &["router1", "web"]).badly(&["`web` is kept by its administrator"]);
    run(&world, "net-detach", &["-z", "web"]).badly(&["zone `web` is the router of box; destroy or detach them first"]);
    run(&world, "net-detach", &["-z", "box"]).well();
    run(&world, "net-detach", &["-z", "web"]).well();
    assert_eq!(world.lab.links(), links);
    assert_eq!(run(&world, "store", &["check"]).well().out, "");
}
