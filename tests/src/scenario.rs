//! A host with zones, in a lab: a small image of packages as its root, both brands, and a pool.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "for tests, which end by panics")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::lab::Lab;
use crate::run::{self, Scratch};
use crate::tiny::{self, Tiny, measures};

/// The brands that the host has.
pub const BRANDS: [&str; 2] = ["sparse-root", "whole-root"];

/// Runs a test for each brand, where it can be run at all.
pub fn for_each_brand(act: impl Fn(&'static str)) {
    if run::skip_without_root() {
        return;
    }
    for brand in BRANDS {
        println!("{brand}");
        act(brand);
    }
}

/// Where golden images are.
const GOLDEN: &str = "rpool/zones/.golden";

/// A host.
#[derive(Debug)]
pub struct World {
    /// Removed with the world; none for one that stays.
    _scratch: Option<Scratch>,
    /// Its commands.
    pub lab: Lab,
    /// Its packages.
    pub image: Tiny,
}

/// A line that `zoneadm list -p` has for a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Its number, or `-`.
    pub id: String,
    /// Its state.
    pub state: String,
    /// Its UUID, empty while it is configured.
    pub uuid: String,
    /// Its brand.
    pub brand: String,
}

/// A command of the host that has ended.
#[derive(Debug)]
pub struct Did {
    /// Its exit status.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Did {
    /// It has succeeded.
    ///
    /// # Panics
    /// It has not.
    pub fn well(self) -> Self {
        assert!(self.code == 0, "{self:#?}");
        self
    }

    /// It has failed, and said every one of these words.
    ///
    /// # Panics
    /// It has not.
    pub fn badly(self, words: &[&str]) -> Self {
        assert!(self.code != 0, "{self:#?}");
        for word in words {
            assert!(self.err.contains(word) || self.out.contains(word), "`{word}` expected: {self:#?}");
        }
        self
    }
}

impl World {
    /// Makes one that goes away.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn new() -> Self {
        let scratch = Scratch::new();
        let world = Self::at(&scratch.join("host"));
        Self { _scratch: Some(scratch), ..world }
    }

    /// Makes one in a directory, where it stays.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        let image = image(root);
        // The package that brings zonekit makes it, for zoneadm(8) looks for it before any hook.
        fs::create_dir_all(root.join("zonelib/lib")).unwrap();
        let lab = Lab::create(root);
        // A part of the pool that is in no boot environment, as Tribblix has it.
        let export = lab.place("/export");
        lab.zfs_ok(&["create", "-o", &format!("mountpoint={}", export.display()), "rpool/export"]);
        let brands = Path::new(env!("CARGO_MANIFEST_DIR")).join("../brands");
        lab.install_brands(&brands, run::program("lab").parent().unwrap()).unwrap();
        for template in ["TRIBsparse.xml", "TRIBwhole.xml"] {
            fs::copy(brands.join("templates").join(template), lab.place("/etc/zones").join(template)).unwrap();
        }
        Self { _scratch: None, lab, image }
    }

    /// Makes another host, which runs a boot environment of this UUID.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn elsewhere(uuid: &str) -> Self {
        let world = Self::new();
        world.lab.add_be("elsewhere", uuid);
        world.lab.run_be("elsewhere");
        world
    }

    /// Takes ZFS and boot environments away from the host: zones are plain directories.
    #[must_use]
    pub fn without_datasets(self) -> Self {
        for name in ["zfs", "beadm"] {
            self.lab.remove_command(name);
        }
        self.lab.zfs_ok(&["destroy", "-r", "rpool/zones"]);
        fs::create_dir_all(self.lab.place("/zones")).unwrap();
        fs::remove_file(self.lab.place("/.lab/bin/zfs")).unwrap();
        self
    }

    /// A place beside the host.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        self.lab.root().with_file_name(name)
    }

    /// Where a zone's zonepath is.
    #[must_use]
    pub fn zonepath(&self, zone: &str) -> PathBuf {
        self.lab.place("/zones").join(zone)
    }

    /// Where something in a zone is.
    #[must_use]
    pub fn in_zone(&self, zone: &str, path: &str) -> PathBuf {
        self.zonepath(zone).join("root").join(path.trim_start_matches('/'))
    }

    /// What is in a file of a zone.
    ///
    /// # Panics
    /// It cannot be read.
    #[must_use]
    pub fn text(&self, zone: &str, path: &str) -> String {
        let place = self.in_zone(zone, path);
        fs::read_to_string(&place).unwrap_or_else(|error| panic!("{}: {error}", place.display()))
    }

    /// Runs a command of the host.
    #[must_use]
    pub fn run(&self, name: &str, arguments: &[&str]) -> Did {
        let output = self.lab.run(name, arguments);
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Did { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// `zoneadm -z ZONE ...`
    #[must_use]
    pub fn zoneadm(&self, zone: &str, arguments: &[&str]) -> Did {
        let did = self.run("zoneadm", &[&["-z", zone], arguments].concat());
        // Shown when the test fails.
        println!("zoneadm -z {zone} {}: {did:?}", arguments.join(" "));
        if did.code != 0 {
            println!("{}", self.hooks());
        }
        did
    }

    /// The hooks that were run, a line each.
    #[must_use]
    pub fn hooks(&self) -> String {
        fs::read_to_string(self.lab.place("/.lab/hooks.log")).unwrap_or_default()
    }

    /// Configures a zone from the template of its brand.
    ///
    /// # Panics
    /// It was refused.
    pub fn configure(&self, zone: &str, brand: &str) {
        let template = if brand == "sparse-root" { "TRIBsparse" } else { "TRIBwhole" };
        let zonepath = self.zonepath(zone);
        let commands = format!("create -t {template}; set zonepath={}; verify; commit", zonepath.display());
        self.run("zonecfg", &["-z", zone, &commands]).well();
    }

    /// What `zoneadm list` tells of a zone; nothing when there is no such zone.
    #[must_use]
    pub fn row(&self, zone: &str) -> Row {
        let listed = self.run("zoneadm", &["list", "-cp"]).out;
        let rows = listed.lines().map(|line| line.split(':').map(str::to_owned).collect::<Vec<_>>());
        let Some(row) = rows.into_iter().find(|row| row[1] == zone) else { return Row::default() };
        Row { id: row[0].clone(), state: row[2].clone(), uuid: row[4].clone(), brand: row[5].clone() }
    }

    /// The state of a zone as `zoneadm list` tells it; empty when there is no such zone.
    #[must_use]
    pub fn state(&self, zone: &str) -> String {
        self.row(zone).state
    }

    /// Forgets the hooks that were run.
    pub fn forget_hooks(&self) {
        let _ = fs::remove_file(self.lab.place("/.lab/hooks.log"));
    }

    /// The hooks that were run since the last time, a line each: hook, exit status, arguments. The place of the
    /// host is left out, and so is the brand's program.
    ///
    /// # Panics
    /// The log cannot be read.
    #[must_use]
    pub fn hooks_run(&self) -> Vec<String> {
        let text = self.hooks();
        self.forget_hooks();
        let line = |line: &str| {
            let call: serde_json::Value = serde_json::from_str(line).unwrap();
            let argv: Vec<&str> = call["argv"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
            let arguments = argv[1..].join(" ").replace(&self.lab.root().display().to_string(), "");
            format!("{} {}: {arguments}", call["hook"].as_str().unwrap(), call["status"])
        };
        text.lines().map(line).collect()
    }

    /// The datasets and snapshots of zones.
    #[must_use]
    pub fn zone_datasets(&self) -> Vec<String> {
        let of_zone = |name: &String| name.starts_with("rpool/zones/") && !name.starts_with(GOLDEN);
        self.lab.names().into_iter().filter(of_zone).collect()
    }

    /// Destroys the golden images that serve nobody: what zones were clones of serves those to come.
    ///
    /// # Panics
    /// It cannot be done.
    pub fn prune_golden(&self) {
        self.zonekit("golden", &["prune"]).well();
    }

    /// The zones that have a journal.
    #[must_use]
    pub fn journals(&self) -> Vec<String> {
        let entries = fs::read_dir(self.lab.place("/var/zonekit/journal")).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// What is in a directory of the host.
    #[must_use]
    pub fn names_in(&self, path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Nothing has happened that no host lets happen, and no operation has left a journal.
    ///
    /// # Panics
    /// It has.
    pub fn is_sound(&self) {
        assert_eq!(self.lab.violations(), Vec::<String>::new());
        assert_eq!(self.journals(), Vec::<String>::new());
    }

    /// The property of a dataset, and where it comes from; empty when there is none.
    #[must_use]
    pub fn property(&self, dataset: &str, property: &str) -> String {
        let Some(found) = self.lab.dataset(dataset) else { return String::new() };
        let (value, source) = (found.value(property), found.source(property));
        let text = format!("{} {}", value.unwrap_or("-"), source.unwrap_or("-"));
        text.replace(&self.lab.root().display().to_string(), "")
    }

    /// What `zfs send` writes.
    ///
    /// # Panics
    /// It failed.
    #[must_use]
    pub fn send(&self, arguments: &[&str]) -> Vec<u8> {
        let sent = self.lab.zfs(&[&["send"], arguments].concat());
        assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
        sent.stdout
    }

    /// `zfs receive` of such a stream.
    ///
    /// # Panics
    /// It failed.
    pub fn receive(&self, arguments: &[&str], stream: &[u8]) {
        let file = self.beside("stream");
        fs::write(&file, stream).unwrap();
        let mut command = std::process::Command::new(self.lab.place("/.lab/bin/zfs"));
        command.arg("receive").args(arguments).stdin(fs::File::open(file).unwrap());
        let received = command.output().unwrap();
        assert!(received.status.success(), "{}", String::from_utf8_lossy(&received.stderr));
    }

    /// Copies the datasets of a detached zone from another host, as `zfs send -R | zfs receive -u` does.
    ///
    /// # Panics
    /// It cannot be done.
    pub fn carry_from(&self, other: &Self, zone: &str) {
        let dataset = format!("rpool/zones/{zone}");
        other.lab.zfs_ok(&["snapshot", "-r", &format!("{dataset}@move")]);
        self.receive(&["-u", &dataset], &other.send(&["-R", &format!("{dataset}@move")]));
        self.lab.zfs_ok(&["mount", &dataset]);
    }

    /// `beadm create NAME`, as libbe does it for zones: the active root of each zone is cloned for the new boot
    /// environment. Source: be_copy_zones() in be_create.c, be_auto_snap_name() in be_utils.c.
    ///
    /// # Panics
    /// It cannot be done.
    pub fn create_be(&self, name: &str, uuid: &str) {
        const PARENT: &str = "org.opensolaris.libbe:parentbe";
        self.lab.add_be(name, uuid);
        fs::copy(self.lab.place("/etc/zones/index"), self.index_of(uuid)).unwrap();
        let running = self.lab.running_uuid();
        let all = self.lab.names();
        for root in all.iter().filter(|root| root.contains("/ROOT/zbe") && !root.contains('@')) {
            let found = self.lab.dataset(root).unwrap();
            let is_active = found.value("org.opensolaris.libbe:active") == Some("on");
            if !is_active || found.value(PARENT) != Some(running.as_str()) {
                continue;
            }
            let roots = root.rsplit_once('/').unwrap().0;
            let free = (1..).map(|number| format!("{roots}/zbe-{number}")).find(|free| !all.contains(free)).unwrap();
            let snapshot = format!("{root}@2026-07-0{}-12:34:56", 1 + found.snapshots.len());
            self.lab.zfs_ok(&["snapshot", &snapshot]);
            self.lab.zfs_ok(&["clone", "-o", "canmount=noauto", &snapshot, &free]);
            self.lab.zfs_ok(&["set", &format!("{PARENT}={uuid}"), &free]);
            self.lab.zfs_ok(&["set", "org.opensolaris.libbe:active=on", &free]);
        }
    }

    /// Each boot environment has an index of zones of its own.
    fn index_of(&self, uuid: &str) -> PathBuf {
        self.lab.place(&format!("/.lab/index-{uuid}"))
    }

    /// The host runs another of its boot environments: nothing of a zone is mounted, and svc:/system/zones
    /// has each installed zone made ready to be booted.
    ///
    /// # Panics
    /// It cannot be done.
    pub fn reboot_into(&self, name: &str) {
        for mount in self.lab.mnttab().lines().rev() {
            let place = mount.split('\t').nth(1).unwrap_or_default();
            if place.ends_with("/root") {
                assert!(self.lab.run("umount", &[place]).status.success(), "{mount}");
            }
        }
        let index = self.lab.place("/etc/zones/index");
        fs::copy(&index, self.index_of(&self.lab.running_uuid())).unwrap();
        self.lab.run_be(name);
        fs::copy(self.index_of(&self.lab.running_uuid()), index).unwrap();
        let listed = self.run("zoneadm", &["list", "-ip"]).out;
        for zone in listed.lines().filter_map(|line| line.split(':').nth(1)).filter(|zone| *zone != "global") {
            self.zoneadm(zone, &["sysboot"]).well();
        }
    }

    /// One of zonekit's own commands, run on the host.
    #[must_use]
    pub fn zonekit(&self, program: &str, arguments: &[&str]) -> Did {
        let mut command = std::process::Command::new(run::program(program));
        command.env("ZONEKIT_LAB", self.lab.root()).args(arguments).stdin(std::process::Stdio::null());
        let ran = run::run(&mut command);
        Did { code: ran.code(), out: ran.out, err: ran.err }
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

fn image(root: &Path) -> Tiny {
    let mut image = Tiny::new(root);
    for path in ["/etc", "/etc/ssh", "/lib", "/lib/svc", "/root", "/sbin", "/usr", "/usr/bin", "/var", "/var/adm"] {
        image.directory(path);
    }
    image.file("/sbin/init", "init\n").file("/usr/bin/ls", "ls\n").file("/lib/libc.so.1", "libc\n");
    image.line(format!("/sbin/init f none 0755 root bin {} SUNWcs", measures("init\n")));
    image.file("/lib/svc/manifest/site.xml", "<service_bundle type='manifest' name='x'/>\n");
    image.editable("/etc/nodename", "unknown\n", "globalzone\n");
    image.editable("/etc/system.conf", "as packaged\n", "edited\n");
    image.editable("/etc/inet.conf", "first release\n", "edited\n");
    image.file("/etc/release.txt", "first release\n").file("/etc/obsolete.txt", "first release\n");
    image.put("/etc/zap/repositories/base.catalog", "catalogue\n");
    image.write();
    fs::set_permissions(image.at("/sbin/init"), Permissions::from_mode(0o755)).unwrap();
    image
}

/// Installs the next release of the packages on a host: files change, come and go, and so do those that
/// people may edit. Nobody has edited `/etc/obsolete.txt` and `/etc/release.txt`, of course.
///
/// # Panics
/// It cannot be done.
pub fn upgrade(root: &Path) {
    let mut image = Tiny::open(root);
    image.remove("/etc/obsolete.txt").file("/etc/release.txt", "second release\n");
    image.file("/etc/added.txt", "second release\n");
    image.file("/lib/libc.so.1", "libc, second release\n").file("/lib/libnew.so.1", "libnew\n");
    image.file("/usr/bin/ls", "ls, second release\n");
    image.editable("/etc/system.conf", "as packaged in the second release\n", "edited\n");
    image.editable("/etc/inet.conf", "second release\n", "edited\n");
    image.write();
    // Written by the package tools when they are done.
    tiny::set_time(&image.at("/var/sadm/install/contents"), tiny::EDITED);
}
