//! Zones of every type: what their brands are told, and what is in them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use std::fs;

use tests::foreign;
use tests::scenario::World;
use tests::sweep::View;
use zones_common::{ROUTER, create, destroy, prepared};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ joe@host\n";

/// A host with a router and the brands of others.
fn world() -> World {
    let world = World::new();
    prepared(&world);
    foreign::install(&world.lab);
    create(&world, ROUTER).well();
    fs::write(world.lab.place("/images/key.pub"), KEY).unwrap();
    world
}

fn at(world: &World, path: &str) -> String {
    world.lab.place(path).display().to_string()
}

/// What the install hooks were given.
fn installed(world: &World) -> String {
    let text = fs::read_to_string(world.lab.place("/.lab/installed")).unwrap_or_default();
    text.replace(&world.lab.root().display().to_string(), "")
}

fn config(world: &World, zone: &str) -> String {
    let text = world.run("zonecfg", &["-z", zone, "export"]).well().out;
    text.replace(&world.lab.root().display().to_string(), "")
}

/// The attributes of a zone, but for the one that says who has made it.
fn attributes(world: &World, zone: &str) -> Vec<String> {
    let text = config(world, zone);
    let blocks = text.split("add attr\n").skip(1);
    let value = |block: &str, name: &str| {
        let line = block.lines().find(|line| line.starts_with(&format!("set {name}=")));
        line.unwrap_or_default().split_once('=').unwrap_or_default().1.trim_matches('"').to_owned()
    };
    let attributes = blocks.map(|block| format!("{}={}", value(block, "name"), value(block, "value")));
    attributes.filter(|text| !text.starts_with("zonekit-made=")).collect()
}

#[test]
fn a_zone_of_linux() {
    let world = world();
    let before = View::of(&world.lab);
    let image = at(&world, "/images/one.tar.gz");
    create(&world, &["-z", "tux", "-t", "lx", "-I", &image, "-x", "10.1.1.7", "-L", "5.10", "-m", "1G"]).well();
    assert_eq!(installed(&world), "tux -t/images/one.tar.gz\n");
    let text = config(&world, "tux");
    for line in ["set ip-type=exclusive", "set allowed-address=\"10.1.1.7/24\"", "set defrouter=\"10.1.1.1\""] {
        assert!(text.contains(line), "`{line}`: {text}");
    }
    assert!(attributes(&world, "tux").contains(&"kernel-version=5.10".to_owned()), "{text}");
    assert!(world.text("tux", "/etc/resolv.conf").contains("10.1.1.1"));
    destroy(&world, "tux").well();
    fs::remove_file(world.lab.place("/.lab/installed")).unwrap();
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
}

#[test]
fn a_zone_of_solaris_10() {
    let world = world();
    let image = at(&world, "/images/s10.flar");
    let password = world.beside("password");
    fs::write(&password, "$5$abcdefgh$0123456789abcdef0123456789abcdef0123456789\n").unwrap();
    create(
        &world,
        &["-z", "old", "-t", "s10", "-I", &image, "-x", "10.1.1.8", "--password-file", password.to_str().unwrap()],
    )
    .well();
    assert_eq!(installed(&world), "old -u -a/images/s10.flar\n");
    let text = world.text("old", "/etc/sysidcfg");
    for words in ["hostname=old", "ip_address=10.1.1.8", "default_route=10.1.1.1", "root_password=$5$abcdefgh$"] {
        assert!(text.contains(words), "`{words}`: {text}");
    }
    let did = world.zonekit("zone-ssh", &["-N", "old"]).well();
    assert!(did.out.contains("KexAlgorithms=+diffie-hellman-group1-sha1"), "{did:?}");
    // A router that was made anew has other keys, and is not locked out.
    let through = "ssh -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -W [%h]:%p 192.0.2.20";
    assert!(did.out.contains(through) && did.out.trim_end().ends_with("-- 10.1.1.8"), "{did:?}");
    let did = world.zonekit("zone-ssh", &["-N", "-o", "stricthostkeychecking=yes", "old"]).well();
    assert!(did.out.contains("-J 192.0.2.20 -- 10.1.1.8") && !did.out.contains("/dev/null"), "{did:?}");
    for path in ["/etc/nsswitch.conf", "/etc/nsswitch.files"] {
        assert!(world.text("old", path).contains("hosts: files dns\n"), "{path}");
    }
    // Without a password nobody logs in with one: there is none built in.
    create(&world, &["-z", "older", "-t", "s10", "-I", &image, "-x", "10.1.1.9"]).well();
    assert!(world.text("older", "/etc/sysidcfg").contains("root_password=NP"));
}

#[test]
fn a_zone_of_another_distribution() {
    let world = world();
    let (image, key) = (at(&world, "/images/one.tar.gz"), at(&world, "/images/key.pub"));
    create(&world, &["-z", "alien", "-t", "alien", "-I", &image, "-x", "10.1.1.8", "-k", &key, "-B"]).well();
    assert_eq!(installed(&world), "alien -i/images/one.tar.gz\n");
    assert_eq!(world.text("alien", "/root/.ssh/authorized_keys"), KEY);
    assert!(world.text("alien", "/etc/inittab").contains("/usr/bin/sleep Inf"));
    assert_eq!(world.text("alien", "/etc/defaultrouter"), "10.1.1.1\n");
}

#[test]
fn a_virtual_machine() {
    let world = world();
    let before = View::of(&world.lab);
    let (image, key) = (at(&world, "/images/one.iso"), at(&world, "/images/key.pub"));
    create(
        &world,
        &[
            "-z",
            "vm",
            "-t",
            "bhyve",
            "-I",
            &image,
            "-V",
            "20G",
            "-V",
            "rpool:1G",
            "-x",
            "10.1.1.9",
            "-m",
            "2G",
            "-c",
            "cpus=2,cores=2",
            "-k",
            &key,
            "-s",
            "/usr/share",
        ],
    )
    .well();
    assert_eq!(installed(&world), "vm \n");
    let found = attributes(&world, "vm");
    for attribute in [
        "bootdisk=rpool/vm_bhvol0",
        "disk0=rpool/vm_bhvol1",
        "cdrom=/images/one.iso",
        "bootrom=BHYVE_RELEASE",
        "ram=2G",
        "vcpus=cpus=2,cores=2",
        "cloud-init=on",
        "resolvers=10.1.1.1",
        "sshkey=ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ joe@host",
        "virtfs0=bhyvefs0,/usr/share,ro",
    ] {
        assert!(found.contains(&attribute.to_owned()), "`{attribute}`: {found:#?}");
    }
    let text = config(&world, "vm");
    for line in
        ["set match=\"/dev/zvol/rdsk/rpool/vm_bhvol0\"", "set allowed-address=\"10.1.1.9/24\"", "set brand=bhyve"]
    {
        assert!(text.contains(line), "`{line}`: {text}");
    }
    let described = world.zonekit("describe-zone", &["vm"]).well().out;
    for line in [
        "  memory       2G\n",
        "  processors   cpus=2,cores=2\n",
        "  disk         bootdisk rpool/vm_bhvol0\n",
        &format!("  disk         cdrom {image}\n"),
    ] {
        assert!(described.contains(line), "`{line}`: {described}");
    }
    assert!(!world.in_zone("vm", "/sshkey.pub").exists());
    assert!(world.lab.dataset("rpool/vm_bhvol1").is_some());
    destroy(&world, "vm").well();
    assert!(world.lab.dataset("rpool/vm_bhvol0").is_none());
    fs::remove_file(world.lab.place("/.lab/installed")).unwrap();
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    // A volume that was there stays. Keys that are too long for an attribute are in a file.
    world.lab.zfs_ok(&["create", "-V", "1G", "rpool/disk"]);
    fs::write(world.lab.place("/images/key.pub"), KEY.repeat(2)).unwrap();
    create(&world, &["-z", "vm", "-t", "bhyve", "-v", "rpool/disk", "-k", &key]).well();
    assert!(attributes(&world, "vm").contains(&"sshkey=/sshkey.pub".to_owned()));
    assert_eq!(world.text("vm", "/sshkey.pub"), KEY.repeat(2));
    destroy(&world, "vm").well();
    assert!(world.lab.dataset("rpool/disk").is_some());
}

#[test]
fn what_is_not_on_the_host_is_told_before_anything_is_made() {
    let world = World::new();
    let before = View::of(&world.lab);
    let image = world.beside("image.iso");
    fs::write(&image, "image").unwrap();
    let image = image.to_str().unwrap();
    let cases: &[(&[&str], &[&str])] = &[
        (&["-t", "lx", "-I", image], &["the brand `lx` is not on this host"]),
        (
            &["-t", "bhyve", "-v", "rpool/none"],
            &["the brand `bhyve`", "no volume `rpool/none`", "firmware `BHYVE_RELEASE`"],
        ),
        (
            &["-t", "bhyve", "-I", image, "-V", "1G", "-x", "10.1.1.9", "-x", "fd00:1::9", "-C"],
            &[
                "the brand tells a machine by cloud-init of no IPv6 address and gateway; give --cloud-init-iso",
                "the brand `bhyve`",
                "firmware",
                "10.1.1.9 is on no segment",
                "fd00:1::9 is on no segment",
            ],
        ),
        (&["-t", "bhyve", "-I", image, "-V", "none:1G"], &["the brand `bhyve`", "firmware", "no file system `none`"]),
        (&["-t", "s10", "-I", "/nonexistent/s10"], &["/nonexistent/s10: No such file", "`zap retrieve-image`"]),
        (&["-T", "none"], &["there is no template `none`"]),
        (&["-t", "whole", "-O", "none"], &["there is no overlay `none`"]),
        (&["-U", "joe"], &["account `joe` cannot be shared"]),
        (&["-m", "100G", "-c", "64"], &["-m 100G is more than the 7257M", "-c 64 is more than the 3 processors"]),
        (&["-s", "/nonexistent/share"], &["/nonexistent/share: No such file"]),
        (&["-D", "none/data"], &["there is no pool `none`"]),
        (&["-k", "/nonexistent/key"], &["/nonexistent/key: No such file"]),
        (&["-K", "timezone=UTC"], &["/usr/lib/zap/zone-konfigurator is not on this host"]),
    ];
    for (arguments, words) in cases {
        let did = create(&world, &[&["-z", "web"], *arguments].concat()).badly(words);
        assert_eq!(did.err.lines().count(), words.len(), "{did:?}");
        assert_eq!((did.code, before.differences(&View::of(&world.lab), Default::default()).as_str()), (2, ""));
    }
    world.is_sound();
}
