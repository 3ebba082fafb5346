//! A fault at every step of everything that is done to a zone.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use tests::run::skip_without_root;
use tests::scenario::{BRANDS, World};
use tests::sweep::{Command, Ends, Scenario, side_by_side};

fn zoneadm(words: &'static [&'static str]) -> Command {
    Command::Zoneadm(Box::new(|_| words.iter().map(|word| (*word).to_owned()).collect()))
}

/// A zone that has run once.
fn installed(world: &World, zone: &str, brand: &str) {
    world.configure(zone, brand);
    for command in ["install", "boot", "halt"] {
        world.zoneadm(zone, &[command]).well();
    }
    std::fs::write(world.in_zone(zone, "/etc/system.conf"), "mine\n").unwrap();
}

fn scenario(
    brand: &'static str,
    name: &str,
    zone: &'static str,
    ends: Ends,
    command: Command,
    prepare: impl Fn(&World) + Send + Sync + 'static,
) -> Scenario {
    Scenario {
        name: format!("{brand}: {name}"),
        zone,
        program: "",
        prepare: Box::new(prepare),
        command,
        ends,
        also: &[],
        told_nobody: &[],
        moments: 0,
        // The brands differ in what is installed, not in what is done to it.
        thorough: brand == BRANDS[0],
        thinned: 1,
    }
}

const READY_AND_HALT: &[&[&str]] = &[&["ready"], &["halt"]];

/// From nothing to a zone, and what it does when it is there.
fn lives(brand: &'static str) -> Vec<Scenario> {
    let installed = move |world: &World| installed(world, "z1", brand);
    vec![
        Scenario {
            moments: 20,
            program: "pkgcreatezone",
            ..scenario(brand, "install", "z1", Ends::Incomplete, zoneadm(&["install"]), move |world| {
                world.configure("z1", brand);
            })
        },
        Scenario {
            also: READY_AND_HALT,
            ..scenario(brand, "boot", "z1", Ends::AsBefore, zoneadm(&["boot"]), installed)
        },
        Scenario {
            also: READY_AND_HALT,
            ..scenario(brand, "boot of a zone whose root is not mounted", "z1", Ends::AsBefore, zoneadm(&["boot"]), {
                move |world| {
                    installed(world);
                    let root = world.in_zone("z1", "").display().to_string();
                    world.run("umount", &[root.trim_end_matches('/')]).well();
                }
            })
        },
        Scenario {
            also: &[&["halt"]],
            ..scenario(brand, "halt", "z1", Ends::AsBefore, zoneadm(&["halt"]), move |world| {
                installed(world);
                world.zoneadm("z1", &["boot"]).well();
            })
        },
        Scenario {
            moments: 20,
            program: "uninstall",
            ..scenario(brand, "uninstall", "z1", Ends::Forward, zoneadm(&["uninstall", "-F"]), installed)
        },
    ]
}

/// Zones that go and come.
fn journeys(brand: &'static str) -> Vec<Scenario> {
    let detached = move |world: &World| {
        installed(world, "z1", brand);
        world.zoneadm("z1", &["detach"]).well();
    };
    let with_z2 = move |world: &World| {
        detached(world);
        world.configure("z2", brand);
    };
    let attach = |flag: &'static str, place: fn(&World) -> String| {
        Command::Zoneadm(Box::new(move |world| vec!["attach".to_owned(), flag.to_owned(), place(world)]))
    };
    vec![
        Scenario {
            moments: 20,
            program: "detach",
            ..scenario(brand, "detach", "z1", Ends::AsBefore, zoneadm(&["detach"]), move |world| {
                installed(world, "z1", brand);
            })
        },
        scenario(brand, "attach", "z1", Ends::AsBefore, zoneadm(&["attach"]), detached),
        scenario(brand, "attach to other packages", "z1", Ends::AsBefore, zoneadm(&["attach", "-u"]), {
            move |world| {
                detached(world);
                change_image(world);
            }
        }),
        scenario(
            brand,
            "attach of a directory",
            "z2",
            Ends::AsBefore,
            attach("-d", |world| world.zonepath("z1").display().to_string()),
            with_z2,
        ),
        Scenario {
            told_nobody: &["attach"],
            moments: 20,
            program: "attach",
            ..scenario(
                brand,
                "attach of an archive",
                "z2",
                Ends::AsBefore,
                attach("-a", |world| world.lab.place("/tmp/z.tar.gz").display().to_string()),
                move |world| {
                    with_z2(world);
                    let archive = world.lab.place("/tmp/z.tar.gz").display().to_string();
                    world.zonekit("pkgcreatezone", &["-b", brand, "--archive", &archive]).well();
                },
            )
        },
        scenario(
            brand,
            "attach of a stream",
            "z2",
            Ends::AsBefore,
            attach("-r", |world| world.lab.place("/tmp/z.zfs").display().to_string()),
            move |world| {
                with_z2(world);
                world.lab.zfs_ok(&["snapshot", "rpool/zones/z1/ROOT/zbe@sent"]);
                let sent = world.lab.zfs(&["send", "rpool/zones/z1/ROOT/zbe@sent"]);
                assert!(sent.status.success(), "{sent:?}");
                std::fs::write(world.lab.place("/tmp/z.zfs"), sent.stdout).unwrap();
            },
        ),
    ]
}

/// Zones made of zones.
fn families(brand: &'static str) -> Vec<Scenario> {
    let two = move |world: &World| {
        installed(world, "z1", brand);
        world.configure("z2", brand);
    };
    let family = move |world: &World| {
        two(world);
        world.zoneadm("z2", &["clone", "z1"]).well();
    };
    let uninstall = || zoneadm(&["uninstall", "-F"]);
    vec![
        scenario(brand, "clone", "z2", Ends::Incomplete, zoneadm(&["clone", "z1"]), two),
        Scenario {
            moments: 20,
            program: "clone",
            ..scenario(brand, "copy", "z2", Ends::Incomplete, zoneadm(&["clone", "-m", "copy", "z1"]), two)
        },
        scenario(brand, "uninstall of a zone with a clone", "z1", Ends::Forward, uninstall(), family),
        scenario(brand, "uninstall of a clone", "z2", Ends::Forward, uninstall(), family),
        scenario(brand, "uninstall of a zone with two clones", "z1", Ends::Forward, uninstall(), {
            move |world| {
                family(world);
                world.configure("z0", brand);
                world.zoneadm("z0", &["clone", "z1"]).well();
            }
        }),
        scenario(brand, "uninstall of a zone between two generations", "z2", Ends::Forward, uninstall(), {
            move |world| {
                family(world);
                world.configure("z3", brand);
                world.zoneadm("z3", &["clone", "z2"]).well();
            }
        }),
    ]
}

/// Zones in plain directories, where nearly nothing is done by external commands.
fn plain(brand: &'static str) -> Vec<Scenario> {
    let configured = move |world: &World, zone: &str| {
        let zonepath = world.lab.place("/export/plain").join(zone).display().to_string();
        let template = if brand == BRANDS[0] { "TRIBsparse" } else { "TRIBwhole" };
        let commands = format!("create -t {template}; set zonepath={zonepath}; commit");
        world.run("zonecfg", &["-z", zone, &commands]).well();
    };
    let two = move |world: &World| {
        std::fs::create_dir(world.lab.place("/export/plain")).unwrap();
        configured(world, "z1");
        for command in ["install", "boot", "halt"] {
            world.zoneadm("z1", &[command]).well();
        }
        configured(world, "z2");
    };
    let moments = |program, scenario| Scenario { moments: 10, program, ..scenario };
    let directory = |world: &World| {
        ["attach", "-d", &world.lab.place("/export/plain/z1").display().to_string()].map(str::to_owned).to_vec()
    };
    vec![
        moments("pkgcreatezone", scenario(brand, "plain install", "z2", Ends::Incomplete, zoneadm(&["install"]), two)),
        moments("clone", scenario(brand, "plain clone", "z2", Ends::Incomplete, zoneadm(&["clone", "z1"]), two)),
        moments("uninstall", {
            scenario(brand, "plain uninstall", "z1", Ends::Forward, zoneadm(&["uninstall", "-F"]), two)
        }),
        moments("detach", scenario(brand, "plain detach", "z1", Ends::AsBefore, zoneadm(&["detach"]), two)),
        moments("attach", {
            let command = Command::Zoneadm(Box::new(directory));
            let told_nobody: &[&str] = &["attach"];
            Scenario {
                told_nobody,
                ..scenario(brand, "plain attach of a directory", "z2", Ends::AsBefore, command, two)
            }
        }),
    ]
}

fn updates(brand: &'static str) -> Vec<Scenario> {
    let words = ["zone-update", "-z", "z1"];
    let command = Command::Zonekit(words.iter().map(|word| (*word).to_owned()).collect());
    let prepare = move |world: &World| {
        installed(world, "z1", brand);
        change_image(world);
    };
    vec![Scenario {
        moments: 20,
        program: "zone-update",
        ..scenario(brand, "update", "z1", Ends::GoesOn, command, prepare)
    }]
}

/// Another release of the packages.
fn change_image(world: &World) {
    let mut image = tests::tiny::Tiny::open(world.lab.root());
    image.file("/usr/bin/ls", "ls of another release\n").file("/lib/libc.so.1", "libc of another release\n");
    image.file("/etc/new.conf", "new\n").file("/lib/libnew.so.1", "new\n");
    image.editable("/etc/system.conf", "as packaged now\n", "edited\n");
    image.write();
}

#[test]
fn a_fault_at_every_step() {
    if skip_without_root() {
        return;
    }
    let of = |brand| [lives(brand), journeys(brand), families(brand), plain(brand), updates(brand)];
    side_by_side(BRANDS.into_iter().flat_map(of).flatten().collect());
}
