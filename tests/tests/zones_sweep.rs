//! A fault at every step of making and destroying whole zones.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use tests::foreign;
use tests::run::skip_without_root;
use tests::scenario::World;
use tests::sweep::{Command, Ends, Scenario, side_by_side};
use zones_common::{ROUTER, create, prepared, thinned};

fn zonekit(words: &[&'static str]) -> Command {
    let words: Vec<&'static str> = words.to_vec();
    Command::Program(Box::new(move |world| {
        let zones = world.lab.place("/zones").display().to_string();
        let image = world.lab.place("/images/one.iso").display().to_string();
        let words = words.iter().map(|word| if *word == "IMAGE" { image.clone() } else { (*word).to_owned() });
        let place = words.clone().next().filter(|word| word == "create-zone").map(|_| ["--zones".to_owned(), zones]);
        words.chain(place.into_iter().flatten()).collect()
    }))
}

fn scenario(
    name: &str,
    zone: &'static str,
    ends: Ends,
    words: &[&'static str],
    prepare: impl Fn(&World) + Send + Sync + 'static,
) -> Scenario {
    let program = words[0];
    Scenario {
        name: name.to_owned(),
        zone,
        program,
        prepare: Box::new(prepare),
        command: zonekit(words),
        ends,
        also: &[],
        told_nobody: &[],
        moments: 12 / thinned(),
        thorough: false,
        thinned: thinned(),
    }
}

/// A zone of a brand of others: a host with that, and an image on it.
fn of_others(kind: &'static str, more: &'static [&'static str]) -> Scenario {
    let words: Vec<&'static str> = ["create-zone", "-z", "web", "-t", kind].iter().chain(more).copied().collect();
    scenario(&format!("create a zone of type {kind}"), "web", Ends::AsBefore, &words, with_brands)
}

/// A host with a router, the brands of others, and images for them.
fn with_brands(world: &World) {
    with_router(world);
    foreign::install(&world.lab);
    // Noted at each installation, whatever becomes of the zone.
    std::os::unix::fs::symlink("/dev/null", world.lab.place("/.lab/installed")).unwrap();
}

/// A seed that takes the place of an older one.
fn seed(name: &str, form: &'static str) -> Scenario {
    let words = move |world: &World, domain: &str| {
        let place = world.lab.place("/images/seed").display().to_string();
        ["cloud-init-seed", "-z", "db", form, &place, "--domain", domain].map(str::to_owned).to_vec()
    };
    let older = move |world: &World| {
        with_brands(world);
        let words = words(world, "old.example");
        world.zonekit(&words[0], &words[1..].iter().map(String::as_str).collect::<Vec<_>>()).well();
    };
    Scenario {
        command: Command::Program(Box::new(move |world| words(world, "new.example"))),
        ..scenario(name, "db", Ends::AsBefore, &["cloud-init-seed"], older)
    }
}

/// A host with a router, and a zone behind it.
fn with_router(world: &World) {
    prepared(world);
    create(world, ROUTER).well();
    create(world, &["-z", "db", "-x", "10.1.1.6"]).well();
}

fn scenarios() -> Vec<Scenario> {
    let destroy = |name: &str, arguments: &'static [&'static str]| {
        scenario(name, "web", Ends::GoesForward, &["destroy-zone", "-z", "web"], move |world| {
            with_router(world);
            create(world, arguments).well();
        })
    };
    vec![
        // The longest first: others go on beside it.
        scenario(
            "create three zones",
            "web1",
            Ends::AsBefore,
            &["create-zone", "-z", "web", "-n", "3", "-x", "10.1.1.20"],
            with_router,
        ),
        scenario("create a sparse zone", "web", Ends::AsBefore, &["create-zone", "-z", "web"], prepared),
        scenario(
            "create a zone behind a router",
            "web",
            Ends::AsBefore,
            &["create-zone", "-z", "web", "-x", "10.1.1.5", "-F", "maxbw=10M", "-d", "/data", "-D", "rpool/own/web"],
            with_router,
        ),
        scenario(
            "create a whole zone with a shared address",
            "web",
            Ends::AsBefore,
            &["create-zone", "-z", "web", "-t", "whole", "-i", "10.1.1.5", "-U", "joe", "-m", "1G"],
            with_router,
        ),
        scenario(
            "create a router",
            "web",
            Ends::AsBefore,
            &["create-zone", "-z", "web", "-t", "router", "-x", "192.0.2.21", "-R", "10.2.0.0/16", "-R", "fd00:2::/64"],
            prepared,
        ),
        of_others("lx", &["-x", "10.1.1.5", "-I", "IMAGE"]),
        of_others("alien", &["-x", "10.1.1.5", "-I", "IMAGE"]),
        of_others("s10", &["-x", "10.1.1.5", "-I", "IMAGE"]),
        of_others("bhyve", &["-x", "10.1.1.5", "-V", "1G", "-I", "IMAGE"]),
        scenario(
            "create a machine with a seed",
            "web",
            Ends::AsBefore,
            &[
                "create-zone",
                "-z",
                "web",
                "-t",
                "bhyve",
                "-x",
                "10.1.1.5",
                "-V",
                "1G",
                "-I",
                "IMAGE",
                "--cloud-init-iso",
            ],
            with_brands,
        ),
        seed("write a seed as an image", "--iso"),
        seed("write a seed as a directory", "--directory"),
        destroy("destroy a zone behind a router", &["-z", "web", "-x", "10.1.1.5", "-F", "maxbw=10M", "-d", "/data"]),
        destroy("destroy a router", &["-z", "web", "-t", "router", "-x", "192.0.2.21", "-R", "10.2.0.0/16"]),
    ]
}

#[test]
fn a_fault_at_every_step() {
    if skip_without_root() {
        return;
    }
    side_by_side(scenarios());
}
