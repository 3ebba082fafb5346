//! Limits and VLANs of the links that zones get, and what the host makes of them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use tests::run::skip_without_root;
use tests::scenario::{Did, World};
use tests::sweep::View;
use zones_common::{ROUTER, create, warmed};

fn run(world: &World, program: &str, arguments: &[&str]) -> Did {
    let did = world.zonekit(program, arguments);
    println!("{program} {}: {did:#?}", arguments.join(" "));
    did
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
fn limits_that_differ_from_the_records_are_told_and_mended() {
    if skip_without_root() {
        return;
    }
    let world = with_router_and_zone();
    let check = |arguments: &[&str]| run(&world, "store", &[&["check"], arguments].concat());
    let flowadm = |line: &str| world.run("flowadm", &line.split(' ').collect::<Vec<_>>()).well();
    run(&world, "net-attach", &["-z", "web", "-x", "10.1.1.5", "-F", "maxbw=5M,priority=low"]).well();
    let before = View::of(&world.lab);
    assert_eq!(check(&[]).well().out, "");
    flowadm("remove-flow zflow2");
    let gone = "zone `web`: the flow `zflow2`, which limits `znic2`, is gone; ";
    let told = check(&[]);
    assert_eq!((told.code, told.out), (1, format!("{gone}--repair mends it\n")));
    assert_eq!(check(&["--repair"]).well().out, format!("{gone}mended\n"));
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    flowadm("set-flowprop -p maxbw=1500K zflow2");
    let told = check(&["--repair"]).well().out;
    assert_eq!(
        told,
        "zone `web`: the flow `zflow2` on `znic2` has maxbw=1500K, priority=low, \
         and should have maxbw=5M, priority=low; mended\n"
    );
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    flowadm("remove-flow zflow2");
    flowadm("add-flow -l znic2 -a local_ip=10.1.1.9 zflow2");
    let told = check(&["--repair"]).well().out;
    assert!(told.contains("on `znic2` is for 10.1.1.9/32, and should be for 10.1.1.5; mended"), "{told}");
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    // One of the same name that is on another link is somebody's, and so is one that no record has.
    flowadm("remove-flow zflow2");
    flowadm("add-flow -l znic1 -a local_ip=10.1.1.1 zflow2");
    flowadm("add-flow -l znic1 -a local_ip=10.1.1.2 zflow7");
    flowadm("add-flow -l znic1 -a local_ip=10.1.1.3 mine");
    let told = check(&["--repair"]);
    let lines = [
        "zone `web`: the flow `zflow2` is on `znic1`, not on `znic2`; remove it by flowadm(8) if nobody needs it, and \
         check again to have it made",
        "the flow `zflow7` on `znic1` is in no record; remove it by flowadm(8) if nobody needs it",
    ];
    assert_eq!((told.code, told.out.lines().collect::<Vec<_>>()), (1, lines.to_vec()));
}

#[test]
fn zones_are_on_vlans_of_the_host() {
    if skip_without_root() {
        return;
    }
    let world = warmed();
    for zone in ["web", "db", "other"] {
        world.configure(zone, "sparse-root");
        world.zoneadm(zone, &["install"]).well();
    }
    let dladm = |line: &str| world.run("dladm", &line.split(' ').collect::<Vec<_>>()).well().out;
    dladm("create-vlan -l e1000g0 -v 7 lan7");
    world.run("ipadm", &["create-addr", "-T", "static", "-a", "10.7.0.1/24", "lan7/v4"]).well();
    let before = View::of(&world.lab);
    for (arguments, said) in [
        (&["--vlan", "7"][..], "--link"),
        (&["--vlan", "0", "--link", "e1000g0"], "is no VLAN: a number from 1 to 4094"),
        (&["--vlan", "8", "--link", "lan7"], "`lan7` is VLAN 7 of `e1000g0`, and not VLAN 8; name `e1000g0`"),
        (&["--vlan", "8", "--link", "none0"], "no vnic can be made on `none0`, which is no link of this host"),
    ] {
        let did = run(&world, "net-attach", &[&["-z", "web", "-x", "10.7.0.5"], arguments].concat());
        assert!(did.code == 2 && did.err.contains(said), "{said}: {}", did.err);
        assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    }
    // The address is on a network of the host that is a VLAN; a link that is one is named; and one that has no link.
    run(&world, "net-attach", &["-z", "web", "-x", "10.7.0.5"]).well();
    run(&world, "net-attach", &["-z", "db", "-x", "10.8.0.6/24", "--link", "lan7"]).well();
    run(&world, "net-attach", &["-z", "other", "-x", "10.12.0.5/24", "--link", "e1000g0", "--vlan", "12"]).well();
    let vnics = dladm("show-vnic -p -o link,over,vid");
    assert_eq!(vnics, "znic0:e1000g0:7\nznic1:e1000g0:7\nznic2:e1000g0:12\n");
    for zone in ["web", "db", "other"] {
        world.zoneadm(zone, &["boot"]).well();
        world.zoneadm(zone, &["halt"]).well();
    }
    let listed = run(&world, "net-list", &[]).well().out;
    assert!(listed.contains("  web    10.7.0.5   exclusive  znic0 VLAN 7   02:"), "{listed}");
    let described = run(&world, "describe-zone", &["other"]).well().out;
    assert!(described.contains("10.12.0.5/24 on znic2; VLAN 12 of e1000g0; ether"), "{described}");
    assert_eq!(run(&world, "store", &["check"]).well().out, "");
    // What is gone comes back in its VLAN, and one in another is not taken for it.
    let attached = View::of(&world.lab);
    dladm("delete-vnic znic2");
    assert_eq!(
        run(&world, "store", &["check", "--repair"]).well().out,
        "zone `other`: the vnic `znic2` is gone; mended\n"
    );
    assert_eq!(attached.differences(&View::of(&world.lab), Default::default()), "");
    let mac = dladm("show-vnic -p -o macaddress znic2");
    dladm("delete-vnic znic2");
    dladm(&format!("create-vnic -l e1000g0 -m {} -v 13 znic2", mac.trim_end()));
    let told = run(&world, "store", &["check", "--repair"]);
    let wanted =
        "zone `other`: the vnic `znic2` is in VLAN 13 of `e1000g0`, not in VLAN 12; detach the zone, and attach";
    assert!(told.code == 1 && told.out.starts_with(wanted), "{}", told.out);
    let did = run(&world, "net-detach", &["-z", "other"]).well();
    assert!(
        did.err.contains("the vnic `znic2` on `e1000g0` stays: it is not the one that zonekit made"),
        "{}",
        did.err
    );
    dladm("delete-vnic znic2");
    run(&world, "net-detach", &["-z", "web"]).well();
    run(&world, "net-detach", &["-z", "db"]).well();
    assert_eq!(world.lab.links(), ["e1000g0", "lan7"]);
    world.is_sound();
}
