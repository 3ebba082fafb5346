//! Zones made and destroyed as a whole, without a network.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use std::fs;

use tests::scenario::World;
use tests::sweep::View;
use zones_common::{create, destroy, warmed};

#[test]
fn a_zone_comes_and_goes() {
    let world = warmed();
    let before = View::of(&world.lab);
    for kind in ["sparse", "whole"] {
        let did = create(&world, &["-z", "web", "-t", kind]).well();
        assert_eq!(did.out, "zone `web` runs\n", "{did:?}");
        assert_eq!(world.state("web"), "running");
        assert_eq!(world.text("web", "/etc/nodename"), "web\n");
        let did = destroy(&world, "web").well();
        assert!(did.out.starts_with("zone `web` is gone\n"), "{did:?}");
        assert_eq!(world.state("web"), "");
        let difference = before.differences(&View::of(&world.lab), Default::default());
        assert_eq!(difference, "");
        world.is_sound();
        destroy(&world, "web").badly(&["there is no zone `web`"]);
    }
}

#[test]
fn a_plan_changes_nothing_and_tells_everything() {
    let world = World::new();
    let before = View::of(&world.lab);
    let did = create(&world, &["-z", "web", "-d", "/data", "-m", "1G", "-c", "0.5", "-N"]).well();
    for words in [
        "zone `web`, brand sparse-root, in ",
        "make the file system `rpool/export/zonedata/web` on ",
        "zfs create -o zonekit:made=OPERATION rpool/export/zonedata/web\n",
        "export/zonedata/web/data (mode 755)",
        "create -t TRIBsparse",
        "set zonepath=",
        "add capped-memory",
        "set ncpus=0.5",
        "set dir=/data",
        "zoneadm -z web install",
        "/etc/nodename:",
        "zoneadm -z web boot",
    ] {
        assert!(did.out.contains(words), "`{words}`: {}", did.out);
    }
    let json: serde_json::Value =
        serde_json::from_str(&create(&world, &["-z", "web", "-N", "--json"]).well().out).unwrap();
    assert_eq!((json["version"].as_u64(), json["zones"][0]["zone"].as_str()), (Some(1), Some("web")));
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    assert!(!fs::exists(world.lab.place("/var/zonekit/journal")).unwrap() || world.journals().is_empty());
}
