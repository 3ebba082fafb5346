//! The service repository that zones begin with: prepared by the host's svccfg, a stand-in here, or else
//! the stock seed.

#![cfg(feature = "lab")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tests::run::{Ran, Running, Scratch, install, program, run, signal_of, skip_without_root, state_of};
use tests::svccfg;
use tests::tiny::Tiny;

const SEED: &str = "seed\n";

/// A host and an image.
struct Host {
    scratch: Scratch,
    image: Tiny,
}

impl Host {
    fn new() -> Self {
        let scratch = Scratch::new();
        let mut image = Tiny::new(&scratch.join("image"));
        image.file("/lib/svc/manifest/kept.xml", "kept").file("/var/svc/manifest/app.xml", "app");
        // The stock lists leave these out of zones.
        image.file("/lib/svc/manifest/system/hal.xml", "hal").file("/etc/motd", "motd\n").write();
        Self { scratch, image }
    }

    fn with_svccfg(self) -> Self {
        svccfg::put(&self.svccfg(), &self.scratch.join("log"));
        self
    }

    fn svccfg(&self) -> PathBuf {
        self.scratch.join("lab/usr/sbin/svccfg")
    }

    fn runs(&self) -> usize {
        fs::read_to_string(self.scratch.join("log")).map_or(0, |log| log.lines().count())
    }

    fn sparse(&self, zone: &str, more: &[&str]) -> Ran {
        let mut command = sparse(zone, self);
        command.args(more);
        let ran = run(&mut command);
        ran.succeeded();
        ran
    }

    /// An installation that is waiting for a slow svccfg.
    fn importing(&self, zone: &str) -> Running {
        let started = self.scratch.join("started");
        let script = format!("echo half >> \"$SVCCFG_REPOSITORY\"\n: > {}\nexec sleep 1\n", started.display());
        svccfg::put_script(&self.svccfg(), &script);
        let running = Running::start(&mut sparse(zone, self));
        let patience = Instant::now();
        while !started.exists() {
            assert!(patience.elapsed() < Duration::from_secs(30));
            std::thread::sleep(Duration::from_millis(5));
        }
        running
    }

    fn repository(&self, zone: &str) -> String {
        let place = self.scratch.join(zone).join("root/etc/svc/repository.db");
        let found = fs::metadata(&place).unwrap();
        assert_eq!((found.mode() & 0o7777, found.uid(), found.gid()), (0o600, 0, 3));
        fs::read_to_string(place).unwrap()
    }

    /// The paths of imported manifests in a zone's repository.
    fn imported(&self, zone: &str) -> Vec<String> {
        let text = self.repository(zone);
        let lines = text.strip_prefix(SEED).unwrap().lines();
        lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    }

    fn sync(&self, more: &[&str]) -> Ran {
        let mut command = Command::new(program("zonelib-sync"));
        command.arg("--image").arg(self.image.path()).arg("--to").arg(self.scratch.join("zonelib")).args(more);
        run(command
            .args(["--config", "/nonexistent"])
            .env("ZONEKIT_LAB", self.scratch.join("lab"))
            .stdin(Stdio::null()))
    }

    fn verify(&self, zone: &str) -> Ran {
        let mut command = Command::new(program("verify-zone"));
        command.args(["-b", "sparse-root", "--config", "/nonexistent", "-R"]).arg(self.scratch.join(zone));
        command.arg("--image").arg(self.image.path()).env("ZONEKIT_LAB", self.scratch.join("lab"));
        run(&mut command)
    }
}

fn sparse(zone: &str, host: &Host) -> Command {
    let zonepath = host.scratch.zonepath(zone);
    let mut command = tests::run::pkgcreatezone();
    command.args(["-z", zone, "-b", "sparse-root", "-R"]).arg(&zonepath).arg("--image").arg(host.image.path());
    command.arg("--zonelib").arg(host.scratch.join("zonelib")).arg("--state").arg(state_of(&zonepath));
    command.env("ZONEKIT_LAB", host.scratch.join("lab"));
    command
}

/// Warnings about services in a report.
fn warnings(ran: &Ran) -> Vec<&str> {
    ran.out.lines().filter(|line| line.starts_with("warning: ") && line.contains("at the first boot")).collect()
}

#[test]
fn zones_begin_with_their_services_imported() {
    if skip_without_root() {
        return;
    }
    let mut host = Host::new().with_svccfg();
    let first = host.sparse("a", &[]);
    assert!(first.out.contains("2 service manifests imported") && warnings(&first).is_empty(), "{first:?}");
    let both = ["/lib/svc/manifest/kept.xml", "/var/svc/manifest/app.xml"];
    assert_eq!(host.imported("a"), both);
    // The second is given a copy.
    host.sparse("b", &[]);
    assert_eq!((host.imported("b"), host.runs()), (both.map(str::to_owned).to_vec(), 1));
    host.image.file("/lib/svc/manifest/more.xml", "more").write();
    host.sparse("c", &[]);
    assert_eq!((host.imported("c").len(), host.runs()), (3, 2));
}

#[test]
fn a_host_that_cannot_gives_the_stock_seed_and_says_so_once() {
    if skip_without_root() {
        return;
    }
    let host = Host::new();
    let absent = host.sparse("a", &[]);
    assert_eq!((host.repository("a"), warnings(&absent).len()), (SEED.to_owned(), 1), "{absent:?}");
    assert!(warnings(&absent)[0].ends_with("/usr/sbin/svccfg` is not on this host"), "{absent:?}");
    svccfg::put_script(&host.svccfg(), "echo 'svccfg: Could not connect to repository server' >&2\nexit 1\n");
    let failing = host.sparse("b", &[]);
    assert_eq!((host.repository("b"), warnings(&failing).len()), (SEED.to_owned(), 1), "{failing:?}");
    assert!(warnings(&failing)[0].contains("Could not connect"), "{failing:?}");
    let unasked = host.sparse("c", &["--no-import"]);
    assert_eq!((host.repository("c"), warnings(&unasked).len()), (SEED.to_owned(), 0), "{unasked:?}");
}

#[test]
fn nothing_is_imported_for_one_whole_root() {
    if skip_without_root() {
        return;
    }
    let host = Host::new().with_svccfg();
    let mut whole = install("whole-root", host.image.path(), &host.scratch.zonepath("a"));
    run(whole.env("ZONEKIT_LAB", host.scratch.join("lab"))).succeeded();
    assert_eq!((host.repository("a"), host.runs()), (SEED.to_owned(), 0));
}

#[test]
fn zonelib_sync_prepares_and_checks() {
    if skip_without_root() {
        return;
    }
    let mut host = Host::new().with_svccfg();
    let made = host.sync(&[]);
    assert!(made.code() == 0 && made.out.contains(".lib.repository: 2 service manifests imported"), "{made:?}");
    let json =
        |ran: &Ran| serde_json::from_str::<serde_json::Value>(&ran.out).unwrap()["clones"][0]["repository"].clone();
    let check = host.sync(&["--check", "--json"]);
    assert_eq!((check.code(), json(&check)["state"].as_str()), (0, Some("current")), "{check:?}");
    host.image.file("/var/svc/manifest/app.xml", "another").write();
    let check = host.sync(&["--check", "--json"]);
    assert_eq!((check.code(), json(&check)["state"].as_str()), (1, Some("stale")), "{check:?}");
    let text = host.sync(&["--check"]);
    assert!(text.out.contains("/lib: current\n") && text.out.contains(".lib.repository: stale\n"), "{text:?}");
    assert_eq!(host.sync(&["--check", "--no-import"]).code(), 0);
    let again = host.sync(&["--json"]);
    assert_eq!((json(&again)["state"].as_str(), json(&again)["imported"].as_u64()), (Some("current"), Some(2)));
    host.sparse("a", &[]);
    assert_eq!(host.runs(), 2);
    // What cannot be made is not asked for.
    fs::remove_file(host.svccfg()).unwrap();
    host.image.file("/var/svc/manifest/app.xml", "a third").write();
    let check = host.sync(&["--check"]);
    assert!(check.code() == 0 && check.out.contains("it cannot be made here"), "{check:?}");
    let sync = host.sync(&[]);
    assert!(sync.code() == 0 && warnings(&sync).len() == 1, "{sync:?}");
}

#[test]
fn an_update_of_zones_makes_it_anew_for_the_next() {
    if skip_without_root() {
        return;
    }
    let mut host = Host::new().with_svccfg();
    host.sparse("a", &[]);
    let update = |host: &Host, more: &[&str]| {
        let mut command = Command::new(program("zone-update"));
        command.args(["-b", "sparse-root", "--config", "/nonexistent", "--root"]).arg(host.scratch.join("a/root"));
        command.arg("--image").arg(host.image.path()).arg("--zonelib").arg(host.scratch.join("zonelib")).args(more);
        let ran = run(command.env("ZONEKIT_LAB", host.scratch.join("lab")).stdin(Stdio::null()));
        assert_eq!(ran.code(), 0, "{ran:?}");
        ran.out
    };
    assert!(!update(&host, &[]).contains(".lib.repository"));
    host.image.file("/lib/svc/manifest/more.xml", "more").write();
    assert!(update(&host, &["-n"]).contains("zonelib/.lib.repository: would be made anew\n"));
    assert_eq!(host.runs(), 1);
    assert!(update(&host, &[]).contains("zonelib/.lib.repository: made anew\n"));
    assert!(!update(&host, &[]).contains(".lib.repository"));
    assert_eq!(host.runs(), 2);
    host.sparse("b", &[]);
    assert_eq!((host.imported("b").len(), host.runs()), (3, 2));
    // The repository of a zone that is there is its own.
    assert_eq!(host.imported("a").len(), 2);
    // An update goes on where the import fails, and a repository that nobody has made is nobody's to make anew.
    svccfg::put_script(&host.svccfg(), "exit 1\n");
    host.image.file("/lib/svc/manifest/fourth.xml", "fourth").write();
    assert!(update(&host, &[]).contains("zonelib/.lib.repository: warning: services are imported at the first boot"));
    fs::remove_file(host.scratch.join("zonelib/.lib.repository")).unwrap();
    assert!(!update(&host, &[]).contains(".lib.repository"));
}

#[test]
fn a_run_that_is_killed_while_it_imports_is_made_up_for() {
    if skip_without_root() {
        return;
    }
    let host = Host::new();
    let running = host.importing("a");
    running.signal("KILL");
    assert_eq!(signal_of(&running.end()), Some(9));
    assert!(!host.scratch.join("zonelib/.lib.repository").exists());
    let host = host.with_svccfg();
    host.sparse("b", &[]);
    assert_eq!(host.imported("b").len(), 2);
    assert!(!host.scratch.join("zonelib/.lib.import").exists());
}

#[test]
fn an_interruption_while_it_imports_ends_the_installation() {
    if skip_without_root() {
        return;
    }
    let host = Host::new();
    let running = host.importing("a");
    running.signal("TERM");
    running.end().refused(254, &["interrupted"]);
    assert!(!host.scratch.join("a/root/etc").exists());
    assert!(
        !host.scratch.join("zonelib/.lib.repository").exists() && !host.scratch.join("zonelib/.lib.import").exists()
    );
}

#[test]
fn verify_zone_leaves_services_what_they_know() {
    if skip_without_root() {
        return;
    }
    let host = Host::new().with_svccfg();
    let zonepath = host.scratch.zonepath("a");
    let mut command = tests::run::pkgcreatezone();
    command.args(["-z", "a", "-b", "sparse-root", "-R"]).arg(&zonepath).arg("--image").arg(host.image.path());
    command.arg("--state").arg(state_of(&zonepath)).env("ZONEKIT_LAB", host.scratch.join("lab"));
    run(&mut command).succeeded();
    assert_eq!(host.imported("a").len(), 2);
    let verified = host.verify("a");
    assert_eq!(verified.code(), 0, "{verified:?}");
    fs::write(zonepath.join("root/etc/svc/repository.db"), "booted").unwrap();
    assert_eq!(host.verify("a").code(), 0);
    fs::remove_file(zonepath.join("root/etc/svc/repository.db")).unwrap();
    let verified = host.verify("a");
    assert!(verified.code() == 1 && verified.out.contains("missing: /etc/svc/repository.db"), "{verified:?}");
}
