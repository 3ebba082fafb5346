//! Zones by name, with a stand-in for zoneadm.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::Place;
use serde_json::Value;
use tests::run::{Ran, run, skip_without_root};

/// An image with a zone, and a zoneadm that lists `state` for it, and others.
fn place(brand: &'static str, state: &str) -> Place {
    let mut place = Place::new(brand);
    place.install();
    place.second_version();
    let zoneadm = place.scratch.join("lab/usr/sbin/zoneadm");
    fs::create_dir_all(zoneadm.parent().unwrap()).unwrap();
    let (image, zonepath) = (place.image.path().display(), place.zonepath());
    let zonepath = zonepath.display().to_string().replace(':', "\\:");
    let script = format!(
        "#!/bin/sh\n[ \"$*\" = '-R {image} list -cp' ] || exit 1\ncat <<'END'\n\
         0:global:running:/::ipkg:shared\n\
         1:web:{state}:{zonepath}:u:{brand}:excl\n\
         -:virtual:installed:/zones/virtual:u:bhyve:excl\n\
         -:later:configured:/zones/later::{brand}:excl\nEND\n"
    );
    fs::write(&zoneadm, script).unwrap();
    fs::set_permissions(&zoneadm, fs::Permissions::from_mode(0o755)).unwrap();
    // The zonepath is listed as it is below the image, where a zone of another root has to be.
    let below = place.image.path().join(zonepath.trim_start_matches('/'));
    fs::create_dir_all(below.parent().unwrap()).unwrap();
    fs::rename(place.zonepath(), &below).unwrap();
    std::os::unix::fs::symlink(&below, place.zonepath()).unwrap();
    place
}

fn ask(place: &Place, words: &[&str]) -> Ran {
    run(place.command(words).arg("--zonelib").arg(place.scratch.join("zonelib")))
}

#[test]
fn all_zones_or_one_are_updated() {
    if skip_without_root() {
        return;
    }
    let place = place("sparse-root", "running");
    let done = ask(&place, &["--all", "-n", "--json"]);
    assert_eq!(done.code(), 0, "{done:#?}");
    assert_eq!(done.err, "zone-update: zone `virtual` left out: brand `bhyve` has no recipe\n");
    let data: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&data["zones"][0]["zone"], &data["zones"][0]["running"]), (&"web".into(), &true.into()));
    assert_eq!((&data["dry_run"], &data["clones"][0]["was"]), (&true.into(), &"current".into()));
    let done = ask(&place, &["-z", "web"]);
    assert_eq!((done.code(), &*done.err), (0, ""), "{done:#?}");
    assert!(done.out.contains("zone `web`: brought up to date: "), "{}", done.out);
    assert_eq!(place.read("/etc/plain"), "two");
    assert!(ask(&place, &["-z", "web"]).out.contains("zone `web`: up to date\n"));
    for (zone, why) in [
        ("none", "zone `none`: there is no such zone"),
        ("later", "zone `later`: it is configured, not installed"),
        ("virtual", "unknown brand `bhyve`"),
    ] {
        let done = ask(&place, &["-z", zone]);
        assert_eq!(done.code(), 2);
        assert!(done.err.contains(why), "{}", done.err);
    }
}

#[test]
fn libraries_are_not_replaced_under_a_running_zone() {
    if skip_without_root() {
        return;
    }
    let place = place("whole-root", "running");
    let done = ask(&place, &["-z", "web"]);
    assert_eq!((done.code(), &*done.out), (2, ""));
    assert!(done.err.contains("zone `web`: it is running from what would be replaced; halt it"), "{}", done.err);
    assert_eq!(place.read("/usr/bin/tool"), "tool one");
    let done = ask(&place, &["-z", "web", "--force"]);
    assert_eq!(done.code(), 0, "{done:#?}");
    assert_eq!(place.read("/usr/bin/tool"), "tool two");
}
