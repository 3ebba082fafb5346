//! What makes no sense, and what is not as it should be: refused or told, with what to do; nothing is lost.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use tests::lab::Fault;
use tests::run::{Running, program};
use tests::scenario::{Did, World};
use tests::sweep::View;
use zones_common::{ROUTER, create, destroy, prepared, warmed};

fn world() -> World {
    let world = World::new();
    prepared(&world);
    create(&world, ROUTER).well();
    create(&world, &["-z", "db", "-x", "10.1.1.6"]).well();
    world
}

fn unchanged(world: &World, before: &View) {
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
}

/// One line, with these words, and nothing has changed.
fn refused(world: &World, arguments: &[&str], words: &[&str]) -> Did {
    let before = View::of(&world.lab);
    let did = create(world, arguments).badly(words);
    assert_eq!((did.code, did.err.lines().count()), (2, 1), "{did:#?}");
    assert!(did.err.starts_with("create-zone: ") && !did.err.contains("panicked"), "{did:#?}");
    unchanged(world, &before);
    did
}

#[test]
fn addresses_and_networks_that_cannot_be() {
    let world = world();
    let long = format!("/{}", "x".repeat(256));
    let cases: &[(&[&str], &[&str])] = &[
        (&["-x", "10.1.1.999"], &["`10.1.1.999` is no address"]),
        (&["-x", "10.1.1.5/33"], &["prefix length"]),
        (&["-x", "web.example"], &["is no address"]),
        (&["-x", ""], &["is no address"]),
        (&["-x", "10.1.1.5;reboot"], &["is no address"]),
        (&["-x", "127.0.0.1"], &["loopback"]),
        (&["-x", "10.1.1.0"], &["10.1.1.0"]),
        (&["-x", "10.1.1.255"], &["broadcast"]),
        (&["-x", "10.1.1.1"], &["10.1.1.1 is the gateway"]),
        (&["-x", "10.1.1.6"], &["10.1.1.6 is in use by zone `db`"]),
        (&["-x", "10.1.1.5/16"], &["10.1.1.0/24"]),
        (&["-x", "172.31.9.9"], &["172.31.9.9 is on no segment and on no network of this host"]),
        (&["-x", "192.0.2.10"], &["192.0.2.10"]),
        (&["-x", "192.0.2.40", "-R", "10.2.0.1/16"], &["has host bits; its network is 10.2.0.0/16"]),
        (&["-x", "192.0.2.40", "-R", "10.0.0.0/8"], &["10.0.0.0/8 overlaps 10.1.1.0/24"]),
        (&["-x", "192.0.2.40", "-R", "10.1.1.128/25"], &["10.1.1.128/25 overlaps 10.1.1.0/24"]),
        (&["-x", "192.0.2.40", "-R", "192.0.2.0/25"], &["192.0.2.0/25 overlaps"]),
        (&["-x", "192.0.2.40", "-R", "0.0.0.0/0"], &["is everything"]),
        (&["-t", "router", "-x", "192.0.2.40"], &["a router needs a network"]),
        (&["-t", "router", "-x", "192.0.2.40", "-R", "10.2.0.0/24", "-n", "2"], &["are made one by one; leave out -n"]),
        (&["--link", "e1000g0"], &["--link is the link that an address is on; give -x ADDRESS"]),
        (&["-F", "maxbw=1M", "-x", "10.1.1.5"], &["1200"]),
        (&["-F", "nonsense", "-x", "10.1.1.5"], &["nonsense"]),
        (&["-D", "rpool/a@b"], &["rpool/a@b"]),
        (&["-d", "relative"], &["is not an absolute path"]),
        (&["-d", &long], &["it is too long: a name has at most 255 bytes"]),
    ];
    for (arguments, words) in cases {
        refused(&world, &[&["-z", "web"], *arguments].concat(), words);
    }
    refused(&world, &["-z", "db"], &["there is a zone `db` already"]);
    refused(&world, &["-z", "global"], &["that is the global zone"]);
    refused(&world, &["-z", "-x"], &["-z"]);
    refused(&world, &["-z", &"x".repeat(64)], &["more than 63 characters"]);
    refused(&world, &["-z", "a b"], &["no zone name"]);
}

/// A line for each of these, in this order, and nothing has changed.
fn refused_for_all(world: &World, arguments: &[&str], words: &[&str]) {
    let before = View::of(&world.lab);
    for dry_run in [&["-N"][..], &[]] {
        let did = create(world, &[arguments, dry_run].concat()).badly(words);
        let lines: Vec<&str> = did.err.lines().collect();
        assert_eq!((did.code, did.out.as_str(), lines.len()), (2, "", words.len()), "{did:#?}");
        for (line, words) in lines.iter().zip(words) {
            assert!(line.starts_with("create-zone: ") && line.contains(words), "`{words}`: {did:#?}");
        }
    }
    unchanged(world, &before);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let world = world();
    refused_for_all(
        &world,
        &["-z", "web", "-d", "relative", "-m", "1T", "-c", "99", "-U", "nobody", "-x", "10.1.1.6", "-x", "10.1.1.300"],
        &[
            "-x: `10.1.1.300` is no address",
            "`relative` cannot be a directory of the zone: it is not an absolute path",
            "-m 1T is more than the 7257M",
            "-c 99 is more than the 3 processors",
            "account `nobody`",
            "10.1.1.6 is in use by zone `db`",
        ],
    );
    // Of a zone without a name or a type, everything else.
    refused_for_all(
        &world,
        &["-z", "a b", "-t", "nonsense", "-n", "0", "-m", "4", "-V", "none", "-s", "/nonexistent", "-D", "none/data"],
        &[
            "-z: `a b` is no zone name",
            "-t: `nonsense` is no type of zone",
            "-n: `0` is no number of zones",
            "-m: `4` is no size",
            "-V: `none` is no size",
            "/nonexistent: No such file",
            "there is no pool `none`",
        ],
    );
    // Every address, and every network.
    refused_for_all(
        &world,
        &["-z", "r2", "-t", "router", "-x", "10.1.1.1", "-x", "172.31.9.9", "-R", "10.0.0.0/8", "-R", "192.0.2.0/25"],
        &[
            "10.1.1.1 is the gateway",
            "172.31.9.9 is on no segment",
            "10.0.0.0/8 overlaps 10.1.1.0/24",
            "192.0.2.0/25 overlaps",
        ],
    );
    refused_for_all(
        &world,
        &["-z", "db", "-n", "4", "-x", "10.1.1.254"],
        &["10.1.1.255 is the broadcast address", "10.1.2.0 is on no segment", "10.1.2.1 is on no segment"],
    );
    let did = create(&world, &["-z", "many", "-n", "300", "-x", "10.1.1.250"]).badly(&["and 255 more problems like"]);
    assert_eq!(did.err.lines().count(), 41, "{did:#?}");
    // Where no zone lives.
    let place = world.lab.place("/var/zones").display().to_string();
    let did = world.zonekit("create-zone", &["-z", "web", "--zones", &place]);
    let did = did.badly(&["/var/zones: lies in the boot environment `rpool/ROOT/tribblix`", "by --zones"]);
    assert_eq!(did.err.lines().count(), 1, "{did:#?}");
    world.zonekit("create-zone", &["-z", "web", "--zones", "/a/../b"]).badly(&["/a/../b"]);
    // What other programs make zones of.
    refused_for_all(
        &world,
        &["-z", "web", "-t", "appstack", "-a", "nginx", "-A", "file", "-x", "10.1.1.6"],
        &[
            "-t: zonekit makes no zones of type `appstack`; use `zap create-zone`",
            "-a and -A: they are about zones of type `appstack`",
            "10.1.1.6 is in use by zone `db`",
        ],
    );
    // What the flags say together is told once.
    refused_for_all(
        &world,
        &["-z", "web", "-x", "10.1.1.5", "-i", "10.1.1.6", "-O", "none", "-P", "a b"],
        &[
            "only whole zones have a choice of packages; leave out -O -P",
            "`a b` is no package",
            "-i and -x exclude each other",
            "there is no overlay `none`",
            "10.1.1.6 is in use by zone `db`",
        ],
    );
    let did = create(&world, &["-z", "web", "-d", "relative", "-m", "1T", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&did.out).unwrap();
    assert_eq!((did.code, report["version"].as_u64(), report["problems"].as_array().unwrap().len()), (2, Some(1), 2));
}

#[test]
fn all_that_is_wrong_with_a_template_is_told_at_once() {
    let world = warmed();
    let before = View::of(&world.lab);
    let arguments = ["-T", "a/b", "-t", "alien", "-o", "none", "-O", "more", "-p", "TRIBnone", "-P", "x y"];
    let did = world.zonekit("create-zone-template", &arguments);
    let lines: Vec<&str> = did.err.lines().collect();
    let words = [
        "-T: `a/b` is no name of a template",
        "give -I IMAGE",
        "only whole templates have a choice",
        "`x y` is no package",
        "/usr/lib/brand/alien-root/pkgcreatezone is not there",
        "there is no overlay `more`",
        "none",
        "TRIBnone",
    ];
    assert_eq!((did.code, lines.len()), (2, words.len()), "{did:#?}");
    for (line, words) in lines.iter().zip(words) {
        assert!(line.starts_with("create-zone-template: ") && line.contains(words), "`{words}`: {did:#?}");
    }
    unchanged(&world, &before);
}

#[test]
fn a_name_of_63_characters_is_one() {
    let world = world();
    let name = "x".repeat(63);
    create(&world, &["-z", &name, "-x", "10.1.1.5"]).well();
    assert_eq!(world.text(&name, "/etc/nodename"), format!("{name}\n"));
    destroy(&world, &name).well();
    world.is_sound();
}

#[test]
fn a_router_that_is_halted_has_the_zone_when_it_boots() {
    let world = world();
    world.zoneadm("router1", &["halt"]).well();
    for dry_run in [&["-N"][..], &[]] {
        let did = create(&world, &[&["-z", "web", "-x", "10.1.1.5"], dry_run].concat()).well();
        let note = "router `router1` does not run: `web` has no way out until `zoneadm -z router1 boot`";
        assert!(did.out.contains(note), "{did:#?}");
        assert!(!format!("{}{}", did.out, did.err).contains("name service"), "{did:#?}");
    }
    assert!(world.text("router1", "/etc/zonekit/dhcp/web").contains("10.1.1.5"));
    destroy(&world, "web").well();
    assert!(!world.in_zone("router1", "/etc/zonekit/dhcp/web").exists());
    world.zoneadm("router1", &["boot"]).well();
    world.is_sound();
}

#[test]
fn what_the_administrator_of_a_router_wrote_stays() {
    let world = world();
    let place = world.in_zone("router1", "/etc/dnsmasq.conf");
    let text = format!("{}# mine\nlog-queries\n", fs::read_to_string(&place).unwrap());
    fs::write(&place, &text).unwrap();
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).well();
    destroy(&world, "web").well();
    assert_eq!(fs::read_to_string(&place).unwrap(), text);
}

#[test]
fn a_hostile_router_gets_nothing_written_elsewhere() {
    let world = world();
    let outside = world.beside("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("web"), "theirs\n").unwrap();
    let folder = world.in_zone("router1", "/etc/zonekit/dhcp");
    fs::rename(&folder, folder.with_file_name("was")).unwrap();
    symlink(&outside, &folder).unwrap();
    let before = View::of(&world.lab);
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).badly(&["router1", "follows no link"]);
    unchanged(&world, &before);
    assert_eq!(fs::read_to_string(outside.join("web")).unwrap(), "theirs\n");
    assert_eq!(world.names_in(&outside), ["web"]);
    world.is_sound();
}

#[test]
fn links_that_are_not_as_they_were() {
    let world = world();
    // Somebody else's vnic on the etherstub: the network cannot go.
    assert!(world.lab.run("dladm", &["create-vnic", "-l", "zrstub0", "other0"]).status.success());
    destroy(&world, "db").well();
    destroy(&world, "router1").badly(&["`other0` on the etherstub `zrstub0` is not zonekit's"]);
    assert_eq!(world.state("router1"), "running");
    assert!(world.lab.run("dladm", &["delete-vnic", "other0"]).status.success());
    // A link that has vanished is no reason to keep the zone.
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).well();
    world.zoneadm("web", &["halt"]).well();
    let vnic = world.names_in(&world.lab.place("/var/zonekit/store/attachments"));
    let vnic = vnic.iter().find(|name| name.starts_with("web+")).unwrap().split('+').nth(1).unwrap().to_owned();
    assert!(world.lab.run("dladm", &["delete-vnic", &vnic]).status.success());
    destroy(&world, "web").well();
    destroy(&world, "router1").well();
    assert_eq!(world.names_in(&world.lab.place("/var/zonekit/store/attachments")), Vec::<String>::new());
    world.is_sound();
}

#[test]
fn what_others_called_like_ours_meanwhile_is_theirs() {
    let world = world();
    let (before, links) = (View::of(&world.lab), world.lab.links());
    let attach = ["-z", "web", "-x", "10.1.1.5"];
    world.lab.reset_log();
    create(&world, &attach).well();
    let made = 1 + world.lab.log().iter().position(|call| call.line().contains("create-vnic")).unwrap();
    destroy(&world, "web").well();
    world.lab.reset_log();
    world.lab.fault(Some(&Fault::KillAfter(made)));
    let _ = create(&world, &attach);
    world.lab.fault(None);
    let new = world.lab.links().into_iter().find(|name| !links.contains(name)).unwrap();
    world.run("dladm", &["delete-vnic", &new]).well();
    world.run("dladm", &["create-vnic", "-l", "e1000g0", &new]).well();
    world.zonekit("zonekit-recover", &[]).well();
    assert!(world.lab.links().contains(&new), "{:?}", world.lab.links());
    create(&world, &attach).well();
    destroy(&world, "web").well();
    assert!(world.lab.links().contains(&new), "{:?}", world.lab.links());
    world.run("dladm", &["delete-vnic", &new]).well();
    unchanged(&world, &before);
}

#[test]
fn records_that_are_not_whole_are_told_with_their_place() {
    let world = world();
    let segment = world.lab.place("/var/zonekit/store/segments/10.1.1.0-24.json");
    let text = fs::read_to_string(&segment).unwrap();
    for (written, words) in [
        (text[..text.len() / 2].to_owned(), "was cut off"),
        (text.replace("\"version\": 1", "\"version\": 99"), "has form 99"),
        ("\u{0}\u{1}binary".to_owned(), "is no record"),
        (String::new(), "was cut off"),
    ] {
        fs::write(&segment, &written).unwrap();
        for (program, arguments) in
            [("create-zone", ["-z", "web", "-x", "10.1.1.5"].as_slice()), ("destroy-zone", &["-z", "db"])]
        {
            let before = View::of(&world.lab);
            let did = world.zonekit(program, arguments).badly(&[words, "10.1.1.0-24"]);
            assert_eq!(did.err.lines().count(), 1, "{did:#?}");
            unchanged(&world, &before);
            assert_eq!(fs::read_to_string(&segment).unwrap(), written);
        }
    }
    fs::write(&segment, &text).unwrap();
    destroy(&world, "db").well();
    world.is_sound();
}

#[test]
fn a_zone_that_others_have_made_goes_too() {
    let world = warmed();
    let before = View::of(&world.lab);
    world.configure("theirs", "sparse-root");
    world.zoneadm("theirs", &["install"]).well();
    let did = world.zonekit("destroy-zone", &["-z", "theirs", "-N"]).well();
    assert!(did.out.contains("uninstall zone `theirs`"), "{did:?}");
    destroy(&world, "theirs").well();
    unchanged(&world, &before);
    world.configure("theirs", "sparse-root");
    destroy(&world, "theirs").well();
    unchanged(&world, &before);
}

#[test]
fn what_is_left_of_a_zone_is_told_and_goes() {
    let world = world();
    let before = View::of(&world.lab);
    // Somebody has taken the zone away by hand.
    create(&world, &["-z", "web", "-x", "10.1.1.5", "-d", "/data"]).well();
    world.zoneadm("web", &["halt"]).well();
    world.zoneadm("web", &["uninstall", "-F"]).well();
    world.run("zonecfg", &["-z", "web", "delete", "-F"]).well();
    let listed = world.zonekit("list-zones", &["-p"]).well().out;
    assert!(listed.contains("web\tgone\tsparse\tsparse-root\t10.1.1.5/24\trouter1\n"), "{listed}");
    world.zonekit("describe-zone", &["web"]).badly(&["zone `web` is gone, but not all", "`destroy-zone -z web`"]);
    refused(&world, &["-z", "web", "-x", "10.1.1.7"], &["zone `web` is gone, but not all", "`destroy-zone -z web`"]);
    destroy(&world, "web").well();
    unchanged(&world, &before);
    // Somebody has taken the records away.
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).well();
    for folder in ["zones", "attachments"] {
        let folder = world.lab.place("/var/zonekit/store").join(folder);
        let of_zone = |name: &&String| name.starts_with("web.") || name.starts_with("web+");
        world.names_in(&folder).iter().filter(of_zone).for_each(|name| fs::remove_file(folder.join(name)).unwrap());
    }
    let did = destroy(&world, "web").well();
    assert!(did.out.contains("stays: the link `znic3`, of which nothing is remembered"), "{did:#?}");
    assert!(world.zonekit("store", &["check"]).out.contains("the link `znic3` is in no record"));
}

#[test]
fn a_zone_that_is_half_destroyed_goes_when_it_is_told_again() {
    let world = world();
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).well();
    let folder = world.in_zone("router1", "/etc/zonekit/dhcp");
    fs::rename(&folder, folder.with_file_name("was")).unwrap();
    symlink("/etc", &folder).unwrap();
    destroy(&world, "web").badly(&["follows no link", "what was done until then stays done", "to go on"]);
    let listed = world.zonekit("list-zones", &["-p"]).well().out;
    assert!(listed.contains("web\tgone\t"), "{listed}");
    fs::remove_file(&folder).unwrap();
    fs::rename(folder.with_file_name("was"), &folder).unwrap();
    destroy(&world, "web").well();
    assert!(!folder.join("web").exists());
    world.is_sound();
}

#[test]
fn a_zone_that_is_half_made_goes_too() {
    let world = world();
    let before = View::of(&world.lab);
    let calls = {
        world.lab.reset_log();
        create(&world, &["-z", "web", "-x", "10.1.1.5", "-d", "/data"]).well();
        world.lab.log().len()
    };
    destroy(&world, "web").well();
    for number in (1..=calls).step_by(4) {
        world.lab.fault(Some(&Fault::KillAfter(number)));
        let _ = create(&world, &["-z", "web", "-x", "10.1.1.5", "-d", "/data"]);
        world.lab.fault(None);
        let did = destroy(&world, "web");
        assert!(did.code == 0 || did.err.contains("there is no zone `web`"), "after call {number}: {did:#?}");
        unchanged(&world, &before);
        world.is_sound();
    }
}

#[test]
fn a_zone_is_undone_when_its_terminal_goes() {
    let world = world();
    let before = View::of(&world.lab);
    let zones = world.lab.place("/zones").display().to_string();
    let start = |mut command: Command| {
        command.args(["-z", "web", "-x", "10.1.1.5", "--zones", &zones]).env("ZONEKIT_LAB", world.lab.root());
        let mut running = Running::start(&mut command);
        assert!(running.until_line(|line| line.starts_with("configure zone `web`")));
        running.signal("HUP");
        running.end()
    };
    let ended = start(Command::new(program("create-zone")));
    assert_eq!(
        (ended.code(), ended.err.contains("interrupted; everything that was done for it was undone")),
        (2, true)
    );
    unchanged(&world, &before);
    world.is_sound();
    // Not where it was told to pay no attention, as by nohup.
    let mut nohup = Command::new("/bin/sh");
    nohup.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(program("create-zone"));
    let ended = start(nohup);
    assert_eq!((ended.code(), ended.out.as_str()), (0, "zone `web` runs at 10.1.1.5/24\n"), "{ended:?}");
}

#[test]
fn what_failed_can_be_kept_to_be_looked_at() {
    let world = world();
    let before = View::of(&world.lab);
    world.lab.reset_log();
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).well();
    let boot = 1 + world.lab.log().iter().position(|call| call.line().contains("-z web boot")).unwrap();
    destroy(&world, "web").well();
    world.lab.reset_log();
    world.lab.fault(Some(&Fault::Fail(boot)));
    let did = create(&world, &["-z", "web", "-x", "10.1.1.5", "--keep"]);
    world.lab.fault(None);
    did.badly(&["everything was kept as it is", "zonekit-recover -n whole:web"]);
    assert_eq!(world.state("web"), "installed");
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).badly(&["failed and was kept"]);
    let said = world.zonekit("zonekit-recover", &["-n", "whole:web"]);
    assert!(said.out.contains("delete the vnic") && said.out.contains("uninstall zone `web`"), "{said:#?}");
    world.zonekit("zonekit-recover", &[]).well();
    unchanged(&world, &before);
    world.is_sound();
}

#[test]
fn the_configurator_of_the_distribution_is_asked() {
    let world = warmed();
    let place = world.lab.place("/usr/lib/zap/zone-konfigurator");
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    let noted = world.beside("konfigured");
    fs::write(&place, format!("#!/bin/sh\necho \"$@\" >>{}\n", noted.display())).unwrap();
    fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    create(&world, &["-z", "web", "-K", "timezone=UTC", "-K", "x=a b;c"]).well();
    assert_eq!(fs::read_to_string(noted).unwrap(), "-z web timezone=UTC\n-z web x=a b;c\n");
}

#[test]
fn a_zone_with_ipv6_alone() {
    let world = warmed();
    let before = View::of(&world.lab);
    create(&world, &["-z", "six", "-6"]).well();
    let text = world.run("zonecfg", &["-z", "six", "export"]).well().out;
    assert!(text.contains("set ip-type=exclusive") && !text.contains("allowed-address"), "{text}");
    destroy(&world, "six").well();
    unchanged(&world, &before);
}

#[test]
fn data_stays_unless_somebody_says_otherwise() {
    let world = warmed();
    create(&world, &["-z", "web", "-d", "/data", "-D", "rpool/own/web"]).well();
    fs::write(world.lab.place("/export/zonedata/web/data/file"), "mine\n").unwrap();
    let did = destroy(&world, "web").well();
    assert!(did.out.contains("stays: the dataset `rpool/own/web`"), "{did:?}");
    assert!(did.out.contains("/export/zonedata/web/data, which has something in it"), "{did:?}");
    assert_eq!(fs::read_to_string(world.lab.place("/export/zonedata/web/data/file")).unwrap(), "mine\n");
    assert!(world.lab.dataset("rpool/own/web").is_some());
    // They are there for the next one, and are not that one's to destroy.
    create(&world, &["-z", "web", "-d", "/data", "-D", "rpool/own/web"]).well();
    world.zonekit("destroy-zone", &["-z", "web", "--with-datasets"]).well();
    assert!(world.lab.dataset("rpool/own/web").is_some());
    assert!(world.lab.place("/export/zonedata/web/data/file").exists());
    create(&world, &["-z", "web", "-D", "rpool/new/web"]).well();
    world.zonekit("destroy-zone", &["-z", "web", "--with-datasets"]).well();
    assert!(world.lab.dataset("rpool/new").is_none());
    // One that is in the place of the one that was made for the zone.
    create(&world, &["-z", "web", "-D", "rpool/new/web"]).well();
    world.zoneadm("web", &["halt"]).well();
    world.lab.zfs_ok(&["destroy", "rpool/new/web"]);
    world.lab.zfs_ok(&["create", "-o", "mountpoint=none", "rpool/new/web"]);
    let did = world.zonekit("destroy-zone", &["-z", "web", "--with-datasets"]).well();
    assert!(
        did.out.contains("stays: the dataset `rpool/new/web`, which it administers, which is there anew"),
        "{did:?}"
    );
    assert!(world.lab.dataset("rpool/new/web").is_some());
    world.is_sound();
}

#[test]
fn links_that_a_zone_has_left_in_its_directories_lead_nowhere() {
    let world = warmed();
    let outside = world.beside("outside");
    fs::create_dir_all(outside.join("deep")).unwrap();
    let data = world.lab.place("/export/zonedata/web/data");
    create(&world, &["-z", "web", "-d", "/data", "-d", "/data/sub/deep", "--no-boot"]).well();
    fs::rename(data.join("sub"), data.join("was")).unwrap();
    symlink(&outside, data.join("sub")).unwrap();
    destroy(&world, "web").well();
    assert!(outside.join("deep").is_dir());
    // The next zone is not given what is there.
    refused(&world, &["-z", "web", "-d", "/data/sub/deep"], &["/data/sub: is a symbolic link", "remove it"]);
    refused(&world, &["-z", "web", "-d", "/data/sub/new"], &["/data/sub: is a symbolic link", "remove it"]);
    assert_eq!(world.names_in(&outside), ["deep"]);
    fs::remove_file(data.join("sub")).unwrap();
    create(&world, &["-z", "web", "-d", "/data/sub/deep", "--no-boot"]).well();
    world.is_sound();
}

#[test]
fn accounts_and_keys_are_in_the_zone() {
    let world = warmed();
    let key = world.beside("key.pub");
    fs::write(&key, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ joe@host\n").unwrap();
    create(&world, &["-z", "web", "-U", "joe", "-k", key.to_str().unwrap()]).well();
    assert!(world.text("web", "/etc/user_attr").contains("joe::::roles=root"));
    assert_eq!(world.text("web", "/root/.ssh/authorized_keys"), fs::read_to_string(&key).unwrap());
    let text = world.run("zonecfg", &["-z", "web", "export"]).well().out;
    assert!(text.contains("set user=\"joe\"") && text.contains("set auths=\"manage\""), "{text}");
}

#[test]
fn only_the_global_zone_and_root_make_zones() {
    let world = warmed();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--clear-groups"]).arg(program("create-zone"));
    command.args(["-z", "web"]).env("ZONEKIT_LAB", world.lab.root());
    let Ok(output) = command.output() else { return };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // Where the program cannot even be reached there is nothing to ask.
    if output.status.code() == Some(2) {
        assert!(said.contains("only root can make and destroy zones"), "{said}");
    }
}

#[test]
fn of_two_templates_of_one_name_the_first_is_whole() {
    let world = warmed();
    let make = || world.zonekit("create-zone-template", &["-T", "t1"]);
    let dids = std::thread::scope(|scope| {
        let other = scope.spawn(make);
        [make(), other.join().unwrap()]
    });
    assert_eq!(dids.iter().filter(|did| did.code == 0).count(), 1, "{dids:#?}");
    create(&world, &["-z", "web", "-T", "t1"]).well();
    assert_eq!(world.journals(), [""; 0]);
}
