//! Zones of the sample image, with all its edge cases.

use std::path::Path;
use std::process::Command;

use tests::run::{Ran, Scratch, run, skip_without_root};
use tests::sample::{self, Options};
use tests::tree;

use crate::common::{install, zone_tree};

const BRANDS: [&str; 2] = ["sparse-root", "whole-root"];

fn update(brand: &str, image: &Path, scratch: &Scratch, zone: &str, words: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zone-update"));
    command.args(["--config", "/nonexistent", "-b", brand, "--image"]).arg(image).arg("--zonelib");
    command.arg(scratch.join("zonelib")).arg("--root").arg(scratch.join(zone).join("root"));
    run(command.env("ZONEKIT_LAB", scratch.join("lab")).args(words))
}

#[test]
fn a_fresh_zone_is_up_to_date() {
    if skip_without_root() {
        return;
    }
    for brand in BRANDS {
        let scratch = Scratch::new();
        let image = sample::make(&scratch.join("image"), &Options::default()).unwrap().root;
        install(brand, &image, &scratch.zonepath("zone"), &scratch.join("zonelib"));
        for words in [&["-v"][..], &["-v", "--verify"], &["-v", "--everything"]] {
            let done = update(brand, &image, &scratch, "zone", words);
            assert_eq!(done.code(), 0, "{done:#?}");
            assert!(done.out.contains("zone/root: up to date\n"), "{words:?}: {done:#?}");
        }
    }
}

/// A zone that nobody touched becomes the zone that would be made now: everything of the other image is new,
/// replaced or gone. What stays is what was not as its database says when the zone was made.
#[test]
fn an_untouched_zone_becomes_what_a_fresh_one_is() {
    if skip_without_root() {
        return;
    }
    let all = Options { scale: 2, edge_cases: true };
    let few = Options { scale: 1, edge_cases: false };
    for (brand, before, after) in [
        ("sparse-root", &few, &all),
        ("sparse-root", &all, &few),
        ("whole-root", &few, &all),
        ("whole-root", &all, &few),
    ] {
        let scratch = Scratch::new();
        let old = sample::make(&scratch.join("old"), before).unwrap().root;
        let new = sample::make(&scratch.join("new"), after).unwrap().root;
        install(brand, &old, &scratch.zonepath("zone"), &scratch.join("zonelib"));
        install(brand, &new, &scratch.zonepath("fresh"), &scratch.join("zonelib"));
        let done = update(brand, &new, &scratch, "zone", &["-v", "--everything"]);
        let differences = tree::differences(&zone_tree(&scratch.join("fresh")), &zone_tree(&scratch.join("zone")));
        let of_scripts = |line: &String| line.contains("postinstall") || line.contains("cacert");
        // Overlays that the image does not know may be the zone's own.
        let stayed = |line: &String| {
            let uncertain = line.contains("/edge") || line.starts_with("/var/sadm/overlays/");
            uncertain && line.ends_with(": should not be there")
        };
        let others: Vec<String> = differences.into_iter().filter(|line| !of_scripts(line)).collect();
        if after.edge_cases {
            assert_eq!((done.code(), others.as_slice()), (0, &[][..]), "{brand}: {done:#?}");
        } else {
            assert_eq!(done.code(), 1, "{brand}: {done:#?}");
            let others: Vec<String> = others.into_iter().filter(|line| !stayed(line)).collect();
            assert!(others.is_empty(), "{brand}: {others:#?}");
        }
        let again = update(brand, &new, &scratch, "zone", &["-v", "--everything"]);
        assert!(again.out.contains("zone/root: up to date\n"), "{brand}: {again:#?}");
    }
}
