//! Seeds of cloud-init: those that `create-zone` makes, and those of `cloud-init-seed`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod zones_common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::foreign;
use tests::run::{skip, skip_without_root};
use tests::scenario::{Did, World};
use tests::sweep::View;
use zones_common::{ROUTER, create, destroy, prepared};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ joe@host\n";
const PASSWORD: &str = "$6$abcdefgh$0123456789abcdef0123456789abcdef0123456789\n";
/// The files of a seed.
const NAMES: [&str; 3] = ["meta-data", "network-config", "user-data"];

/// A host with a router and the brands of others; a key and a password.
fn world() -> World {
    let world = World::new();
    prepared(&world);
    foreign::install(&world.lab);
    // Noted at each installation, whatever becomes of the zone.
    symlink("/dev/null", world.lab.place("/.lab/installed")).unwrap();
    create(&world, ROUTER).well();
    fs::write(world.lab.place("/images/key.pub"), KEY).unwrap();
    fs::write(world.lab.place("/images/password"), PASSWORD).unwrap();
    world
}

fn at(world: &World, path: &str) -> String {
    world.lab.place(path).display().to_string()
}

fn seed(world: &World, arguments: &[&str]) -> Did {
    let did = world.zonekit("cloud-init-seed", arguments);
    println!("cloud-init-seed {}: {did:#?}", arguments.join(" "));
    did
}

fn isoinfo(image: &Path, arguments: &[&str]) -> Option<String> {
    let program = ["/usr/bin/isoinfo", "/usr/sbin/isoinfo"].into_iter().find(|path| Path::new(path).is_file())?;
    let out = Command::new(program).args(arguments).arg("-i").arg(image).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    Some(String::from_utf8(out.stdout).unwrap())
}

/// The files of an image, as a guest reads them.
fn read_back(image: &Path) -> Vec<String> {
    let bytes = fs::read(image).unwrap();
    assert_eq!(bytes[16 * 2048 + 40..16 * 2048 + 46], *b"CIDATA");
    let Some(label) = isoinfo(image, &["-d"]) else {
        skip("isoinfo is not installed");
        return Vec::new();
    };
    assert!(label.contains("Volume id: CIDATA") && label.contains("Rock Ridge"), "{label}");
    let mut names: Vec<String> = isoinfo(image, &["-R", "-f"]).unwrap().lines().map(str::to_owned).collect();
    names.sort_unstable();
    assert_eq!(names, NAMES.map(|name| format!("/{name}")));
    let modes = isoinfo(image, &["-R", "-l"]).unwrap();
    assert_eq!(modes.matches("-rw-------").count(), 3, "{modes}");
    NAMES.iter().map(|name| isoinfo(image, &["-R", "-x", &format!("/{name}")]).unwrap()).collect()
}

/// cloud-init itself takes the files; where it is not installed, one that was unpacked.
fn cloud_init_takes(files: &Path) {
    let run = |arguments: &[&str]| {
        let mut command = match std::env::var_os("ZONEKIT_CLOUD_INIT") {
            Some(unpacked) => {
                let mut command = Command::new("/usr/bin/python3");
                command.args(["-m", "cloudinit.cmd.main"]);
                command.env("PYTHONPATH", Path::new(&unpacked).join("usr/lib/python3/dist-packages"));
                command
            }
            None if Path::new("/usr/bin/cloud-init").is_file() => Command::new("/usr/bin/cloud-init"),
            None => return skip("cloud-init is not installed"),
        };
        let out = command.args(arguments).current_dir(files).output().unwrap();
        let said = [out.stdout, out.stderr].concat();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&said));
    };
    run(&["schema", "-c", "user-data"]);
    let convert = ["devel", "net-convert", "-p", "network-config", "-k", "yaml", "-d", "out", "-D", "debian", "-O"];
    for output in ["netplan", "eni"] {
        run(&[&convert[..], &[output]].concat());
    }
    fs::remove_dir_all(files.join("out")).ok();
}

fn uuid(world: &World, zone: &str) -> String {
    let uuid = world.row(zone).uuid;
    assert!(!uuid.is_empty());
    uuid
}

fn config(world: &World, zone: &str) -> String {
    let text = world.run("zonecfg", &["-z", zone, "export"]).well().out;
    text.replace(&world.lab.root().display().to_string(), "")
}

/// Whether the configuration has an attribute.
fn has_attribute(config: &str, name: &str, value: &str) -> bool {
    let wanted = |block: &str| {
        let line = |line: String| block.lines().any(|found| found == line);
        (line(format!("set name={name}")) || line(format!("set name=\"{name}\"")))
            && (line(format!("set value={value}")) || line(format!("set value=\"{value}\"")))
    };
    config.split("add attr\n").any(wanted)
}

fn machine<'m>(more: &[&'m str]) -> Vec<&'m str> {
    [&["-z", "vm", "-t", "bhyve", "-V", "1G", "-x", "10.1.1.9"], more].concat()
}

#[test]
fn a_machine_whose_brand_makes_no_seed_gets_one() {
    if skip_without_root() {
        return;
    }
    let world = world();
    let before = View::of(&world.lab);
    let (image, key, password) =
        (at(&world, "/images/one.iso"), at(&world, "/images/key.pub"), at(&world, "/images/password"));
    let arguments = machine(&["-I", &image, "--cloud-init-iso", "-k", &key, "--password-file", &password]);
    let planned = create(&world, &[&arguments[..], &["-N"]].concat()).well().out;
    for words in
        ["make the seed of zone `vm` (/cloud-init-seed.iso)", "mkisofs -quiet -R -J -V CIDATA", "instance-id: \"UUID\""]
    {
        assert!(planned.contains(words), "`{words}`: {planned}");
    }
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    create(&world, &arguments).well();
    let iso = world.in_zone("vm", "/cloud-init-seed.iso");
    assert_eq!(fs::metadata(&iso).unwrap().permissions().mode() & 0o7777, 0o600);
    if let [meta, network, user] = &read_back(&iso)[..] {
        assert_eq!(*meta, format!("instance-id: \"{}\"\nlocal-hostname: \"vm\"\n", uuid(&world, "vm")));
        let mac = world.run("dladm", &["show-vnic", "-p", "-o", "macaddress", "znic2"]).well().out;
        let padded: Vec<String> = mac.trim().split(':').map(|part| format!("{part:0>2}")).collect();
        for words in [
            format!("macaddress: \"{}\"", padded.join(":")),
            "- \"10.1.1.9/24\"".to_owned(),
            "via: \"10.1.1.1\"".to_owned(),
            "set-name: \"znic2\"".to_owned(),
        ] {
            assert!(network.contains(&words), "`{words}`: {network}");
        }
        assert!(user.starts_with("#cloud-config\n") && user.contains(KEY.trim()) && user.contains(PASSWORD.trim()));
        let files = world.beside("files");
        fs::create_dir(&files).unwrap();
        NAMES.iter().zip([meta, network, user]).for_each(|(name, text)| fs::write(files.join(name), text).unwrap());
        cloud_init_takes(&files);
    }
    // The machine boots the installer, and sees the seed beside it; what the brand would make a seed of is not there.
    let text = config(&world, "vm");
    assert!(
        has_attribute(&text, "cdrom", "/images/one.iso") && has_attribute(&text, "cdrom1", "/cloud-init-seed.iso"),
        "{text}"
    );
    for name in ["cloud-init", "sshkey", "password", "resolvers"] {
        assert!(!text.contains(&format!("name={name}\n")) && !text.contains(&format!("name=\"{name}\"")), "{text}");
    }
    destroy(&world, "vm").well();
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    world.is_sound();
    // Without an installer it is the only CD.
    world.lab.zfs_ok(&["create", "-V", "1G", "rpool/disk"]);
    create(&world, &["-z", "vm", "-t", "bhyve", "-v", "rpool/disk", "--cloud-init-iso"]).well();
    assert!(has_attribute(&config(&world, "vm"), "cdrom", "/cloud-init-seed.iso"));
    assert!(
        isoinfo(&world.in_zone("vm", "/cloud-init-seed.iso"), &["-R", "-f"])
            .is_none_or(|names| !names.contains("network-config"))
    );
}

#[test]
fn a_seed_that_cannot_be_is_refused_before_anything_is_made() {
    if skip_without_root() {
        return;
    }
    let world = world();
    let plain = world.beside("plain");
    fs::write(&plain, "$2b$10$abcdefghijklmnopqrstuv\n").unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["--cloud-init-iso", "-C"], "leave out -C or --cloud-init-iso"),
        (&["--cloud-init-iso", "--password-file", plain.to_str().unwrap()], "cloud-init takes it for a plain one"),
        (&["-C", "--password-file", plain.to_str().unwrap()], "cloud-init takes it for a plain one"),
    ];
    for (more, words) in cases {
        create(&world, &machine(&[&["-I", &at(&world, "/images/one.iso")], *more].concat())).badly(&[words]);
    }
    create(&world, &["-z", "web", "--cloud-init-iso"]).badly(&["--cloud-init-iso is for virtual machines"]);
    world.lab.remove_command("mkisofs");
    let missing = &["mkisofs is not on this host", "`zap install TRIBcdrtools`", "-C"];
    let before = View::of(&world.lab);
    create(&world, &machine(&["-I", &at(&world, "/images/one.iso"), "--cloud-init-iso"])).badly(missing);
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
}

/// A machine that another tool has made, with two addresses on one link.
fn of_another_tool(world: &World) {
    world.lab.zfs_ok(&["create", "-V", "1G", "rpool/disk"]);
    world.run("dladm", &["create-vnic", "-l", "e1000g0", "-m", "2:8:20:0:0:77", "longlonglonglonglong0"]).well();
    let zonepath = world.lab.place("/zones/box").display().to_string();
    let commands = format!(
        "create -b; set brand=bhyve; set zonepath={zonepath}; set ip-type=exclusive; \
         add net; set physical=longlonglonglonglong0; set allowed-address=192.0.2.40/24; set defrouter=192.0.2.1; end; \
         add net; set physical=longlonglonglonglong0; set allowed-address=2001:db8::40/64; end; \
         add attr; set name=cdrom; set type=string; set value=/images/one.iso; end"
    );
    world.run("zonecfg", &["-z", "box", &commands]).well();
}

#[test]
fn a_machine_of_another_tool_gets_a_seed() {
    if skip_without_root() {
        return;
    }
    let world = world();
    of_another_tool(&world);
    let iso = world.beside("box.iso");
    let to_iso = ["-z", "box", "--iso", iso.to_str().unwrap()];
    seed(&world, &to_iso).badly(&["zone `box` is not installed, and so has no UUID yet", "--instance-id"]);
    seed(&world, &["-z", "none", "--iso", iso.to_str().unwrap()]).badly(&["there is no zone `none`"]);
    world.zoneadm("box", &["install"]).well();
    let before = View::of(&world.lab);
    let key = at(&world, "/images/key.pub");
    let more = ["--ssh-key", &key, "--ssh-key", &key, "--name-server", "9.9.9.9", "--domain", "example.com"];
    let planned = seed(&world, &[&to_iso[..], &more, &["-n"]].concat()).well().out;
    for words in ["meta-data:", "network-config:", "user-data:", "$ ", "mkisofs -quiet"] {
        assert!(planned.contains(words), "`{words}`: {planned}");
    }
    assert!(!iso.exists());
    let done = seed(&world, &[&to_iso[..], &more].concat()).well().out;
    for words in ["seed for zone `box` is in ", "set name=cdrom1", "set type=lofs"] {
        assert!(done.contains(words), "`{words}`: {done}");
    }
    assert_eq!(fs::metadata(&iso).unwrap().permissions().mode() & 0o7777, 0o600);
    if let [meta, network, user] = &read_back(&iso)[..] {
        assert!(meta.contains(&uuid(&world, "box")));
        // One interface with both addresses, and too long a name for Linux.
        let expected = "version: 2\nethernets:\n  \"longlonglonglonglong0\":\n    match:\n      macaddress: \"02:08:20:00:00:77\"\n    \
            addresses:\n      - \"192.0.2.40/24\"\n      - \"2001:db8::40/64\"\n    accept-ra: false\n    routes:\n      \
            - to: \"0.0.0.0/0\"\n        via: \"192.0.2.1\"\n    nameservers:\n      addresses:\n        - \"9.9.9.9\"\n      \
            search:\n        - \"example.com\"\n";
        assert_eq!(network, expected);
        assert_eq!(user.matches(KEY.trim()).count(), 4);
    }
    // What it has written it replaces, and nothing else.
    seed(&world, &to_iso).well();
    seed(&world, &["-z", "router1", "--iso", iso.to_str().unwrap()])
        .badly(&["no seed that was made for zone `router1`"]);
    fs::write(&iso, "somebody's").unwrap();
    seed(&world, &to_iso).badly(&["is no seed that was made for zone `box`", "--force"]);
    assert_eq!(fs::read_to_string(&iso).unwrap(), "somebody's");
    seed(&world, &[&to_iso[..], &["--force"]].concat()).well();
    read_back(&iso);
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    let json = seed(&world, &[&to_iso[..], &["--json"]].concat()).well().out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["version"].as_u64(), json["files"][0]["path"].as_str()), (Some(1), Some("meta-data")));
    // In the zone's root it needs no mount.
    let inside = world.in_zone("box", "/seed.iso");
    let done = seed(&world, &["-z", "box", "--iso", inside.to_str().unwrap()]).well().out;
    assert!(done.contains("set value=/seed.iso") && !done.contains("lofs"), "{done}");
    read_back(&inside);
    world.is_sound();
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_seed_as_a_directory_keeps_what_others_write() {
    if skip_without_root() {
        return;
    }
    let world = world();
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).well();
    let directory = world.beside("seed");
    let to = |more: &[&'static str]| -> Vec<String> {
        let place = ["-z", "web", "--directory", directory.to_str().unwrap()].map(str::to_owned).to_vec();
        place.into_iter().chain(more.iter().map(|word| (*word).to_owned())).collect()
    };
    let run = |more: &[&'static str]| seed(&world, &to(more).iter().map(String::as_str).collect::<Vec<_>>());
    // No image, so that nothing is needed for one.
    world.lab.remove_command("mkisofs");
    seed(&world, &["-z", "web", "--iso", "/tmp/never.iso"]).badly(&[
        "mkisofs",
        "zap install TRIBcdrtools",
        "--directory",
    ]);
    let before = View::of(&world.lab);
    run(&["-n"]).well();
    assert!(!directory.exists());
    run(&[]).well();
    assert_eq!(names(&directory), [".zonekit-seed", "meta-data", "network-config", "user-data"]);
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o7777, 0o700);
    for name in NAMES {
        assert_eq!(fs::metadata(directory.join(name)).unwrap().permissions().mode() & 0o7777, 0o600, "{name}");
    }
    cloud_init_takes(&directory);
    run(&["--domain", "example.org"]).well();
    assert!(fs::read_to_string(directory.join("user-data")).unwrap().contains("web.example.org"));
    // Somebody has changed a file, or put one there.
    let kept = fs::read_to_string(directory.join("user-data")).unwrap() + "# mine\n";
    fs::write(directory.join("user-data"), &kept).unwrap();
    run(&[]).badly(&["`user-data` in it was changed since it was written", "--force"]);
    assert_eq!(fs::read_to_string(directory.join("user-data")).unwrap(), kept);
    run(&["--force"]).well();
    fs::write(directory.join("vendor-data"), "#cloud-config\n").unwrap();
    run(&[]).badly(&["has `vendor-data` in it, which is of no seed"]);
    run(&["--force"]).well();
    assert!(directory.join("vendor-data").exists());
    let other = ["-z", "router1", "--directory", directory.to_str().unwrap()];
    seed(&world, &other).badly(&["is the seed of zone `web`"]);
    // An empty one is filled; other things are refused.
    let empty = world.beside("empty");
    fs::create_dir(&empty).unwrap();
    seed(&world, &["-z", "web", "--directory", empty.to_str().unwrap()]).well();
    assert_eq!(names(&empty).len(), 4);
    let link = world.beside("link");
    symlink(&empty, &link).unwrap();
    seed(&world, &["-z", "web", "--directory", link.to_str().unwrap(), "--force"]).badly(&["is a link"]);
    let nowhere = world.beside("none/seed");
    seed(&world, &["-z", "web", "--directory", nowhere.to_str().unwrap()]).badly(&["No such file"]);
    seed(&world, &["-z", "web"]).badly(&["--directory", "--iso"]);
    assert_eq!(before.differences(&View::of(&world.lab), Default::default()), "");
    let beside: PathBuf = directory.parent().unwrap().to_owned();
    assert!(names(&beside).iter().all(|name| !name.starts_with(".zonekit-")), "{:?}", names(&beside));
}

#[test]
fn user_data_is_what_cloud_init_knows() {
    if skip_without_root() {
        return;
    }
    let world = world();
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).well();
    let (directory, file) = (world.beside("seed"), world.beside("user-data"));
    let run = || {
        let (directory, file) = (directory.to_str().unwrap(), file.to_str().unwrap());
        seed(&world, &["-z", "web", "--directory", directory, "--user-data", file])
    };
    for (bytes, words) in [
        (&b""[..], "is no user-data"),
        (b"hostname: web\n", "is no user-data"),
        (b"#cloud-config\n\xff\xfe", "UTF-8"),
        (&[b'#'; 70_000], "larger than"),
    ] {
        fs::write(&file, bytes).unwrap();
        run().badly(&[words]);
        assert!(!directory.exists());
    }
    for text in ["#cloud-config\nhostname: other\n", "#!/bin/sh\ntrue\n"] {
        fs::write(&file, text).unwrap();
        run().well();
        assert_eq!(fs::read_to_string(directory.join("user-data")).unwrap(), text);
    }
    fs::remove_file(&file).unwrap();
    make_fifo(&file);
    run().badly(&["is no regular file"]);
}

fn make_fifo(path: &Path) {
    let made = Command::new("/usr/bin/mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

/// The root user of a zone has put links in the way.
#[test]
fn a_seed_in_a_hostile_root_stays_in_it() {
    if skip_without_root() {
        return;
    }
    let world = world();
    of_another_tool(&world);
    world.zoneadm("box", &["install"]).well();
    let outside = world.beside("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "theirs").unwrap();
    let root = world.in_zone("box", "/");
    symlink(&outside, root.join("evil")).unwrap();
    symlink(outside.join("file"), root.join("seed.iso")).unwrap();
    symlink(outside.join("file"), root.join(".zonekit-new")).unwrap();
    let run = |path: &str, how: &str| {
        let path = world.in_zone("box", path);
        seed(&world, &["-z", "box", how, path.to_str().unwrap(), "--force"])
    };
    run("/seed.iso", "--iso").badly(&["is a link or a device"]);
    run("/evil/new.iso", "--iso").badly(&["evil"]);
    run("/evil/new", "--directory").badly(&["evil"]);
    assert_eq!(names(&outside), ["file"]);
    assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "theirs");
    fs::remove_file(root.join("seed.iso")).unwrap();
    make_fifo(&root.join("seed.iso"));
    run("/seed.iso", "--iso").badly(&["is a link or a device"]);
    // By another name of the zonepath a link is not followed either.
    let link = world.beside("zones");
    symlink(world.lab.place("/zones"), &link).unwrap();
    let there = link.join("box/root/new.iso");
    seed(&world, &["-z", "box", "--iso", there.to_str().unwrap()]).badly(&["a link leads into the root of zone `box`"]);
    fs::create_dir(root.join("seeds")).unwrap();
    run("/seeds/nocloud", "--directory").well();
    assert_eq!(names(&root.join("seeds/nocloud")), [".zonekit-seed", "meta-data", "network-config", "user-data"]);
    run("/seeds/nocloud", "--directory").well();
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    if skip_without_root() {
        return;
    }
    let world = world();
    create(&world, &["-z", "web", "-x", "10.1.1.5"]).well();
    let small = world.beside("small");
    fs::create_dir(&small).unwrap();
    struct Mounted(PathBuf);
    impl Drop for Mounted {
        fn drop(&mut self) {
            let _ = Command::new("/usr/bin/umount").arg(&self.0).status();
        }
    }
    let mounted = Command::new("/usr/bin/mount").args(["-t", "tmpfs", "-o", "size=256k", "none"]).arg(&small).output();
    if !mounted.unwrap().status.success() {
        return skip("mounting is not allowed here");
    }
    let mounted = Mounted(small.clone());
    // An image has more than it can hold.
    let iso = small.join("web.iso");
    let write = |how: &str, place: &Path| seed(&world, &["-z", "web", how, place.to_str().unwrap()]);
    write("--iso", &iso).badly(&["No space left on device", "undone"]);
    assert_eq!(names(&small), [""; 0]);
    let directory = small.join("web");
    write("--directory", &directory).well();
    let before = fs::read_to_string(directory.join("user-data")).unwrap();
    fs::write(small.join("filler"), vec![b'x'; 256 << 10]).unwrap_err();
    let long = world.beside("long");
    fs::write(&long, format!("#cloud-config\n{}", "# long\n".repeat(4096))).unwrap();
    let more = ["--user-data", long.to_str().unwrap()];
    seed(&world, &[&["-z", "web", "--directory", directory.to_str().unwrap()], &more[..]].concat())
        .badly(&["No space left on device", "undone"]);
    assert_eq!(fs::read_to_string(directory.join("user-data")).unwrap(), before);
    assert!(directory.join("meta-data").exists());
    fs::remove_file(small.join("filler")).unwrap();
    write("--directory", &directory).well();
    assert_eq!(fs::read_to_string(directory.join("user-data")).unwrap(), before);
    assert_eq!(names(&directory), [".zonekit-seed", "meta-data", "network-config", "user-data"]);
    drop(mounted);
    assert!(world.journals().is_empty());
}

/// Of one zone one after the other, and of several side by side in one folder.
#[test]
fn many_seeds_at_once_are_all_whole() {
    if skip_without_root() {
        return;
    }
    let world = world();
    let zones = ["a", "b", "c"];
    for (number, zone) in zones.into_iter().enumerate() {
        create(&world, &["-z", zone, "-x", &format!("10.1.1.{}", 20 + number)]).well();
    }
    let folder = world.beside("seeds");
    fs::create_dir(&folder).unwrap();
    std::thread::scope(|scope| {
        for turn in 0..9 {
            let (zone, world, folder) = (zones[turn % 3], &world, &folder);
            scope.spawn(move || {
                seed(world, &["-z", zone, "--iso", folder.join(zone).with_extension("iso").to_str().unwrap()]).well();
                seed(world, &["-z", zone, "--directory", folder.join(zone).to_str().unwrap()]).well();
            });
        }
    });
    assert_eq!(names(&folder), ["a", "a.iso", "b", "b.iso", "c", "c.iso"]);
    for zone in zones {
        let texts = read_back(&folder.join(zone).with_extension("iso"));
        assert!(texts.iter().all(|text| !text.is_empty()));
        assert!(fs::read_to_string(folder.join(zone).join("meta-data")).unwrap().contains(&uuid(&world, zone)));
    }
    world.is_sound();
}
