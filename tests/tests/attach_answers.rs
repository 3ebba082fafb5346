//! What `attach -n` answers is what `attach` does then.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tests::scenario::{self, Did, World, upgrade};

const OTHER: &str = "6b1f2f4e-0c3d-4f60-8a71-2d9c4b5e6f70";
const ZBE: &str = "rpool/zones/z1/ROOT/zbe";

/// A host that a zone was detached on, and one that is to take it.
struct Hosts {
    brand: &'static str,
    here: World,
    there: World,
    manifest: PathBuf,
}

impl Hosts {
    fn new(brand: &'static str) -> Self {
        let (here, there) = (World::new(), World::elsewhere(OTHER));
        here.configure("z1", brand);
        here.zoneadm("z1", &["install"]).well();
        fs::write(here.in_zone("z1", "/etc/system.conf"), "mine\n").unwrap();
        here.zoneadm("z1", &["detach"]).well();
        let manifest = there.beside("manifest.xml");
        let hosts = Self { brand, here, there, manifest };
        hosts.tell(&hosts.as_detached());
        hosts
    }

    /// The zone's configuration, with the places of the other host.
    fn as_detached(&self) -> String {
        let text = fs::read_to_string(self.here.zonepath("z1").join("SUNWdetached.xml")).unwrap();
        text.replace(self.here.lab.root().to_str().unwrap(), self.there.lab.root().to_str().unwrap())
    }

    fn tell(&self, manifest: &str) {
        fs::write(&self.manifest, manifest).unwrap();
    }

    fn share_libraries(&self) {
        self.there.zonekit("zonelib-sync", &["--image", self.there.lab.root().to_str().unwrap()]).well();
    }

    /// Nothing changes by asking.
    fn ask(&self, more: &[&str]) -> Did {
        let before = self.there.lab.snapshot_of_state(&[]);
        let did = self.there.run("zoneadm", &[&["attach", "-n", self.manifest.to_str().unwrap()], more].concat());
        println!("attach -n {more:?}: {did:?}");
        assert_eq!(self.there.lab.snapshot_of_state(&[]).difference(&before), "");
        assert_eq!(did.code == 0, did.out.contains("the zone can be attached\n"), "{did:?}");
        self.there.is_sound();
        did
    }

    /// The zone comes with its root mounted, and is configured.
    fn carry(&self) {
        self.there.carry_from(&self.here, "z1");
        let zonepath = self.there.zonepath("z1");
        self.there.lab.zfs_ok(&["set", &format!("mountpoint={}", zonepath.join("root").display()), ZBE]);
        let _ = self.there.lab.zfs(&["mount", ZBE]);
        let commands = format!("create -a {}; verify; commit", zonepath.display());
        self.there.run("zonecfg", &["-z", "z1", &commands]).well();
    }
}

fn for_each_brand(act: impl Fn(&Hosts)) {
    scenario::for_each_brand(|brand| act(&Hosts::new(brand)));
}

#[test]
fn before_the_root_has_come() {
    for_each_brand(|hosts| {
        if hosts.brand == "sparse-root" {
            // As attach says it in earnest.
            hosts.ask(&[]).badly(&["/zonelib/lib: the zone mounts its /lib from there", "`zonelib-sync`"]);
            hosts.ask(&["-u"]).well();
            hosts.share_libraries();
        }
        let did = hosts.ask(&[]).well();
        assert!(did.out.contains("note: what -u would change cannot be told: "), "{did:?}");
        let from = hosts.here.zonepath("z1");
        let did = hosts.ask(&["-d", from.to_str().unwrap()]).well();
        assert!(did.out.contains("the zone has the packages of this host\n"), "{did:?}");
    });
}

#[test]
fn what_an_update_would_change_is_what_it_changes() {
    for_each_brand(|hosts| {
        upgrade(hosts.there.lab.root());
        hosts.share_libraries();
        let from = hosts.here.zonepath("z1");
        let of_directory = hosts.ask(&["-d", from.to_str().unwrap()]).well();
        hosts.carry();
        let told = hosts.ask(&[]).well();
        assert_eq!(told.out, of_directory.out);
        let steps: Vec<&str> = told.out.lines().filter_map(|line| line.strip_prefix("  ")).collect();
        assert!(told.out.contains(&format!("-u would change: {} objects\n", steps.len())), "{told:?}");
        for step in ["added: /etc/added.txt", "removed: /etc/obsolete.txt", "replaced: /etc/release.txt"] {
            assert!(steps.contains(&step), "{step}: {told:?}");
        }
        assert!(steps.iter().any(|step| step.starts_with("kept: /etc/system.conf: ")), "{told:?}");
        let done = hosts.there.zoneadm("z1", &["attach", "-u"]).well();
        assert!(done.out.contains(&format!("brought up to date: {} objects\n", steps.len())), "{done:?}");
    });
}

#[test]
fn what_this_host_lacks_is_named() {
    for_each_brand(|hosts| {
        hosts.share_libraries();
        let with = |elements: &str| {
            let text = hosts.as_detached();
            let zone = text.trim_end().trim_end_matches("</zone>").trim_end_matches("/>");
            let open = if text.contains("</zone>") { "" } else { ">" };
            hosts.tell(&format!("{zone}{open}{elements}</zone>\n"));
        };
        let lofs = r#"<filesystem special="/export/data" directory="/data" type="lofs"/>"#;
        let zfs = r#"<filesystem special="rpool/data" directory="/tank" type="zfs"/>"#;
        let dataset = r#"<dataset name="rpool/delegated"/>"#;
        with(&format!("{lofs}{zfs}{dataset}"));
        let did = hosts.ask(&[]);
        assert_eq!(did.code, 1);
        for line in [
            "`/export/data`, which the zone mounts on /data, is not on this host\n",
            "`rpool/data`, which the zone mounts on /tank, is not on this host\n",
            "dataset `rpool/delegated`, which the zone administers, is not on this host\n",
        ] {
            assert!(did.out.contains(line), "{line}: {did:?}");
        }
        assert_eq!(did.out.matches("is not on this host").count(), 3, "{did:?}");
        fs::create_dir(hosts.there.lab.place("/export/data")).unwrap();
        for name in ["rpool/data", "rpool/delegated"] {
            hosts.there.lab.zfs_ok(&["create", name]);
        }
        hosts.ask(&[]).well();
    });
}

/// From standard input, as `zoneadm detach -n | ssh there zoneadm attach -n -` has it.
#[test]
fn a_manifest_in_a_pipe() {
    for_each_brand(|hosts| {
        hosts.share_libraries();
        let mut command = Command::new(hosts.there.lab.place("/.lab/bin/zoneadm"));
        command.args(["attach", "-n", "-"]).stdin(File::open(&hosts.manifest).unwrap()).stderr(Stdio::piped());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).ends_with("the zone can be attached\n"), "{output:?}");
    });
}

#[test]
fn what_would_be_refused() {
    for_each_brand(|hosts| {
        hosts.share_libraries();
        let nonsense = hosts.there.beside("nonsense");
        fs::write(&nonsense, "nonsense\n").unwrap();
        let empty = hosts.there.beside("empty");
        fs::create_dir(&empty).unwrap();
        let fifo = hosts.there.beside("fifo");
        make_fifo(&fifo);
        let refused = |flag: &str, path: &Path, word: &str| {
            hosts.ask(&[flag, path.to_str().unwrap()]).badly(&[path.to_str().unwrap(), word]);
        };
        refused("-a", &nonsense, "neither");
        refused("-d", &empty, "package database");
        for flag in ["-a", "-r"] {
            refused(flag, &fifo, "no regular file");
            refused(flag, &empty, "is a directory");
            refused(flag, Path::new("/nonexistent"), "No such file");
        }
        refused("-d", Path::new("rpool/none"), "there is no such dataset");
        // Of another brand: in a zonepath, and told so.
        let other = if hosts.brand == "sparse-root" { "whole-root" } else { "sparse-root" };
        let path = hosts.here.zonepath("z1").join("SUNWdetached.xml");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace(&format!("\"{}\"", hosts.brand), &format!("\"{other}\""))).unwrap();
        refused("-d", &hosts.here.zonepath("z1"), other);
        fs::write(path, text).unwrap();
    });
}

/// A zone of another release cannot follow, and is no fit.
#[test]
fn another_release() {
    for_each_brand(|hosts| {
        for (world, version) in [(&hosts.here, 1), (&hosts.there, 2)] {
            let place =
                if version == 1 { world.in_zone("z1", "/etc/os-release") } else { world.lab.place("/etc/os-release") };
            fs::write(place, format!("ID=tribblix\nVERSION_ID={version}\n")).unwrap();
        }
        hosts.share_libraries();
        hosts.carry();
        hosts.ask(&[]).badly(&["-u would be refused: ", "release 1 in the zone, 2 in the image"]);
        let before = hosts.there.lab.snapshot_of_state(&[]);
        hosts.there.zoneadm("z1", &["attach", "-u"]).badly(&["release 1 in the zone, 2 in the image"]);
        assert_eq!(hosts.there.lab.snapshot_of_state(&[]).difference(&before), "");
        assert_eq!(hosts.there.state("z1"), "configured");
        hosts.there.is_sound();
    });
}

fn make_fifo(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::from_bits_retain(0o600), 0).unwrap();
}
