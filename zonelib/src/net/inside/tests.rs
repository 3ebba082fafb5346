//! Files inside zones, some of which are hostile.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use ::tests::run::Scratch;

use super::*;
use crate::net::files::sample::{Sample, rich, simple};
use crate::net::files::smf::HaproxyPlace;
use crate::net::files::{Routing, dnsmasq};
use crate::root::{Handle, Special, Tree};

const TRAITS: RouterTraits = RouterTraits {
    dialect: dnsmasq::Dialect { account: true },
    haproxy: Some(HaproxyPlace::Tribblix),
    dnsmasq: true,
    filter: true,
};

/// A zone root with the files that a new zone has.
fn root() -> (Scratch, Tree) {
    let scratch = Scratch::new();
    for folder in ["etc/inet", "etc/ipf", "lib/svc/manifest/site"] {
        fs::create_dir_all(scratch.join(folder)).unwrap();
    }
    fs::write(scratch.join("etc/inet/hosts"), "::1 localhost\n127.0.0.1 localhost loghost\n").unwrap();
    fs::write(scratch.join("etc/nsswitch.conf"), "hosts: files\nipnodes: files\n").unwrap();
    fs::write(scratch.join("etc/dnsmasq.conf"), "log-queries").unwrap();
    symlink("inet/hosts", scratch.join("etc/hosts")).unwrap();
    let tree = Tree::open(scratch.path()).unwrap();
    (scratch, tree)
}

fn all(sample: &Sample) -> Vec<ZoneFile> {
    let routing: Routing<'_> = sample.routing();
    let own: Vec<_> = sample.attachments.iter().filter(|attachment| attachment.forwards).collect();
    router_files(&routing, &own, &TRAITS, &Settings::default()).unwrap()
}

fn read(scratch: &Scratch, path: &str) -> String {
    fs::read_to_string(scratch.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn a_router_has_all_its_files_and_keeps_those_of_others() {
    let (scratch, tree) = root();
    write(&tree, &all(&rich())).unwrap();
    for (path, line) in [
        ("etc/nodename", "rt1"),
        ("etc/inet/hosts", "127.0.0.1 localhost loghost"),
        ("etc/resolv.conf", "nameserver 127.0.0.1"),
        ("etc/nsswitch.conf", "hosts: files dns"),
        ("etc/inet/static_routes", "10.2.0.0/24 203.0.113.21"),
        ("etc/ipf/ipnat.conf", "map znic0 10.1.0.0/16 -> 0/32"),
        ("etc/ipf/ipf6.conf", "block in quick on znic0 all"),
        ("etc/dnsmasq.conf", "log-queries"),
        ("etc/dnsmasq.conf", "conf-file=/etc/dnsmasq.d/zonekit.conf"),
        ("etc/dnsmasq.d/zonekit.conf", "interface=znic1"),
        ("etc/zonekit/dhcp/web", "02:08:20:00:00:05,10.1.0.5,web,infinite"),
        ("etc/zonekit/names/www", "2001:db8:1::80 www.public.example www"),
        ("etc/zonekit/ingress/http-80.map", "shop.example.com http-80-shop"),
    ] {
        assert!(read(&scratch, path).lines().any(|found| found == line), "{path}: {line}: {}", read(&scratch, path));
    }
    let manifest = read(&scratch, "lib/svc/manifest/site/zonekit-ingress.xml");
    assert!(manifest.contains("/opt/tribblix/haproxy/sbin/haproxy -W -D"), "{manifest}");
    let mode = |path| fs::metadata(scratch.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("etc/zonekit/dhcp/web"), mode("etc/zonekit/dhcp"), mode("etc/nodename")), (0o644, 0o755, 0o644));
    assert!(fs::symlink_metadata(scratch.join("etc/hosts")).unwrap().is_symlink());
    assert_eq!(plan(&tree, &all(&rich())).unwrap(), [], "twice changes nothing");
}

#[test]
fn what_was_changed_can_be_undone() {
    let (scratch, tree) = root();
    let before = ["etc/inet/hosts", "etc/nsswitch.conf", "etc/dnsmasq.conf"].map(|path| read(&scratch, path));
    let changes = write(&tree, &all(&rich())).unwrap();
    undo(&tree, &changes).unwrap();
    assert_eq!(["etc/inet/hosts", "etc/nsswitch.conf", "etc/dnsmasq.conf"].map(|path| read(&scratch, path)), before);
    for path in ["etc/nodename", "etc/ipf/ipnat.conf", "etc/zonekit/dhcp/web"] {
        assert!(!scratch.join(path).exists(), "{path}");
    }
}

#[test]
fn zones_come_and_go_by_two_files() {
    let (scratch, tree) = root();
    let mut sample = simple();
    write(&tree, &all(&sample)).unwrap();
    let web = sample.attachments.remove(1);
    let gone = fragments_gone(&web.zone);
    let changes = write(&tree, &gone).unwrap();
    assert_eq!(
        changes.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(),
        ["etc/zonekit/dhcp/web", "etc/zonekit/names/web"]
    );
    assert!(!scratch.join("etc/zonekit/dhcp/web").exists());
    assert_eq!(write(&tree, &gone).unwrap(), []);
    fs::write(scratch.join("etc/zonekit/dnsmasq.leases"), "0 02:08:20:00:00:77 10.1.0.5 web *\n").unwrap();
    let mut back = web.clone();
    back.mac = Some("2:8:20:0:0:99".parse().unwrap());
    sample.attachments.push(back);
    write(&tree, &fragments(&sample.routing(), &web.zone, &stale_leases(&tree))).unwrap();
    assert_eq!(read(&scratch, "etc/zonekit/dhcp/web"), "02:08:20:00:00:99,02:08:20:00:00:77,10.1.0.5,web,infinite\n");
}

#[test]
fn maps_of_no_use_go() {
    let (scratch, tree) = root();
    let mut sample = rich();
    write(&tree, &all(&sample)).unwrap();
    fs::write(scratch.join("etc/zonekit/ingress/mine.map"), "x").unwrap();
    sample.ingresses.retain(|ingress| ingress.port != 443);
    let routing = sample.routing();
    write(&tree, &ingress_files(&routing, &TRAITS, &maps(&tree).unwrap()).unwrap()).unwrap();
    let mut left: Vec<_> =
        fs::read_dir(scratch.join("etc/zonekit/ingress")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["haproxy.cfg", "http-80.map", "mine.map"]);
    sample.ingresses.clear();
    let routing = sample.routing();
    write(&tree, &ingress_files(&routing, &TRAITS, &maps(&tree).unwrap()).unwrap()).unwrap();
    assert!(!scratch.join("etc/zonekit/ingress/haproxy.cfg").exists());
    let profile = read(&scratch, "etc/svc/profile/site/zonekit.xml");
    assert!(profile.contains("zonekit-ingress") && profile.contains("enabled=\"false\""), "{profile}");
    let without = RouterTraits { haproxy: None, ..TRAITS };
    assert!(ingress_files(&sample.routing(), &without, &[]).is_ok());
    assert!(ingress_files(&rich().routing(), &without, &[]).unwrap_err().to_string().contains("has no haproxy"));
}

/// Everything below is made by the root user of a zone, and everything outside stays as it is.
#[test]
fn links_lead_nowhere() {
    let outside = Scratch::new();
    let victim = outside.join("zonekit.conf");
    fs::write(&victim, "mine").unwrap();
    for planted in ["etc", "etc/dnsmasq.d", "etc/zonekit", "etc/zonekit/dhcp", "etc/svc/profile"] {
        let (scratch, tree) = root();
        let place = scratch.join(planted);
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink(outside.path(), &place).unwrap();
        let error = write(&tree, &all(&rich())).unwrap_err().to_string();
        assert!(error.contains("follows no link") || error.contains("remove it"), "{planted}: {error}");
        assert!(!scratch.join("etc/nodename").exists(), "{planted}: nothing half-done");
    }
    // A file that is ours takes the place of a link.
    let (scratch, tree) = root();
    fs::create_dir(scratch.join("etc/dnsmasq.d")).unwrap();
    symlink(&victim, scratch.join("etc/dnsmasq.d/zonekit.conf")).unwrap();
    symlink(&victim, scratch.join("etc/dnsmasq.d/.zonekit-new")).unwrap();
    write(&tree, &all(&rich())).unwrap();
    assert!(fs::symlink_metadata(scratch.join("etc/dnsmasq.d/zonekit.conf")).unwrap().is_file());
    // One that is shared has to be looked at first.
    let (scratch, tree) = root();
    symlink(&victim, scratch.join("etc/ipf/ipnat.conf")).unwrap();
    let error = write(&tree, &all(&rich())).unwrap_err().to_string();
    assert_eq!(error, "/etc/ipf/ipnat.conf of the zone: is not a regular file; see what it is, and remove it");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

fn folder(tree: &Tree, path: &str) -> Handle {
    tree.open_dir(path.as_bytes()).unwrap()
}

#[test]
fn pipes_and_huge_files_do_not_hold_it_up() {
    let (scratch, tree) = root();
    fs::create_dir(scratch.join("etc/dnsmasq.d")).unwrap();
    folder(&tree, "etc/dnsmasq.d").create_special(b"zonekit.conf", Special::Pipe).unwrap();
    folder(&tree, "etc/dnsmasq.d").create_special(b"x.conf", Special::Pipe).unwrap();
    let huge = fs::File::create(scratch.join("etc/nodename")).unwrap();
    huge.set_len(1 << 40).unwrap();
    write(&tree, &all(&rich())).unwrap();
    assert_eq!(read(&scratch, "etc/nodename"), "rt1\n");
    assert!(scratch.join("etc/dnsmasq.d/zonekit.conf").is_file());

    for (path, said) in [("etc/ipf/ipnat.conf", "not a regular file"), ("etc/inet/hosts", "not a regular file")] {
        let (scratch, tree) = root();
        let _ = fs::remove_file(scratch.join(path));
        let (parent, name) = path.rsplit_once('/').unwrap();
        folder(&tree, parent).create_special(name.as_bytes(), Special::Pipe).unwrap();
        let error = write(&tree, &all(&rich())).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let (scratch, tree) = root();
    fs::File::create(scratch.join("etc/inet/hosts")).unwrap().set_len(1 << 40).unwrap();
    let error = write(&tree, &all(&rich())).unwrap_err().to_string();
    assert!(error.contains("larger than 1 MiB; see what it is, and make it smaller"), "{error}");
    fs::remove_file(scratch.join("etc/inet/hosts")).unwrap();
    fs::create_dir(scratch.join("etc/inet/hosts")).unwrap();
    assert!(write(&tree, &all(&rich())).unwrap_err().to_string().contains("/etc/inet/hosts of the zone"));
    // Leases are a convenience.
    fs::create_dir_all(scratch.join("etc/zonekit")).unwrap();
    folder(&tree, "etc/zonekit").create_special(b"dnsmasq.leases", Special::Pipe).unwrap();
    assert_eq!(stale_leases(&tree), []);
}

#[test]
fn a_failure_midway_takes_back_what_was_done() {
    let (scratch, tree) = root();
    let before = read(&scratch, "etc/inet/hosts");
    let mut files = all(&simple());
    // Planned as new, it cannot be made: two files want one place.
    files.push(ZoneFile::whole("etc/nodename/below", "x".to_owned()));
    assert!(write(&tree, &files).is_err());
    assert_eq!(read(&scratch, "etc/inet/hosts"), before);
    assert!(!scratch.join("etc/nodename").exists() && !scratch.join("etc/zonekit/dhcp/web").exists());
}

#[test]
fn damaged_blocks_are_told() {
    let (scratch, tree) = root();
    fs::write(scratch.join("etc/ipf/ipnat.conf"), "# zonekit end\n").unwrap();
    let error = write(&tree, &all(&rich())).unwrap_err().to_string();
    assert!(error.starts_with("/etc/ipf/ipnat.conf of the zone has a line `# zonekit end` without"), "{error}");
}

fn files_of(
    brand: Brand,
    sample: &Sample,
    zone: &str,
    settings: &Settings,
    gone: &[crate::net::LinkName],
) -> Vec<ZoneFile> {
    let zone = zone.parse().unwrap();
    let routing = sample.routing();
    let attachments = routing.zones().remove(&zone).unwrap();
    let servers = name_servers(&attachments, &sample.segments, &["192.0.2.53".parse().unwrap()]);
    let domain = routing.segment_of(attachments[0]).and_then(|segment| segment.domain.as_ref());
    zone_files(&Tenant { zone: &zone, brand, attachments: &attachments, gone, domain, servers: &servers, settings })
}

#[test]
fn each_brand_gets_what_it_reads() {
    let settings = Settings {
        // Too many for an attribute.
        keys: ["me", "you"]
            .map(|who| format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEXAMPLEKEY {who}").parse().unwrap())
            .to_vec(),
        password: Some("$5$saltsalt$hash".parse().unwrap()),
        ..Settings::default()
    };
    let paths = |brand, sample: &Sample, zone| -> Vec<String> {
        let files = files_of(brand, sample, zone, &settings, &[]);
        files.into_iter().filter(|file| file.content != Content::Gone).map(|file| file.path).collect()
    };
    let system = [
        "etc/nodename",
        "etc/inet/hosts",
        "etc/resolv.conf",
        "etc/hostname.znic2",
        "etc/defaultrouter",
        "etc/inet/static_routes",
        "etc/inet/ndpd.conf",
    ];
    let with = |last: &[&str]| -> Vec<String> { system.iter().chain(last).map(|path| (*path).to_owned()).collect() };
    assert_eq!(
        paths(Brand::Illumos, &simple(), "web"),
        with(&["etc/nsswitch.conf", "etc/svc/profile/site/zonekit.xml"])
    );
    assert_eq!(
        paths(Brand::Solaris10, &simple(), "web"),
        with(&["etc/nsswitch.conf", "etc/nsswitch.files", "etc/sysidcfg"])
    );
    assert_eq!(paths(Brand::Lx, &simple(), "web"), ["etc/resolv.conf"]);
    assert_eq!(paths(Brand::Bhyve, &simple(), "web"), ["sshkey.pub"]);
    // The global zone configures the interface of a zone that has its stack.
    let shared = paths(Brand::Illumos, &rich(), "mail");
    assert!(!shared.iter().any(|path| path.contains("hostname") || path.contains("defaultrouter")), "{shared:?}");

    let (scratch, tree) = root();
    write(&tree, &files_of(Brand::Solaris10, &simple(), "web", &settings, &[])).unwrap();
    let mode = fs::metadata(scratch.join("etc/sysidcfg")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600, "it has a password in it");
    assert!(read(&scratch, "etc/sysidcfg").contains("root_password=$5$saltsalt$hash\n"));
}

#[test]
fn interfaces_that_have_gone_are_not_configured() {
    let (scratch, tree) = root();
    fs::write(scratch.join("etc/hostname.znic9"), "10.9.9.9/24\n").unwrap();
    write(&tree, &files_of(Brand::Illumos, &simple(), "web", &Settings::default(), &["znic9".parse().unwrap()]))
        .unwrap();
    assert!(!scratch.join("etc/hostname.znic9").exists());
    assert_eq!(read(&scratch, "etc/hostname.znic2"), "10.1.0.5/24\n");
    assert!(!scratch.join("etc/inet/static_routes").exists(), "no file for nothing");
}

#[test]
fn programs_are_found_through_links_that_stay_inside() {
    let (scratch, tree) = root();
    assert_eq!(RouterTraits::of(&tree).unwrap().missing(), ["IPFilter", "dnsmasq", "haproxy"]);
    fs::create_dir_all(scratch.join("usr/sbin")).unwrap();
    fs::create_dir_all(scratch.join("opt/tribblix/haproxy-2.6/sbin")).unwrap();
    symlink("haproxy-2.6", scratch.join("opt/tribblix/haproxy")).unwrap();
    for program in ["usr/sbin/ipnat", "usr/sbin/dnsmasq", "opt/tribblix/haproxy-2.6/sbin/haproxy"] {
        fs::write(scratch.join(program), "").unwrap();
    }
    fs::write(scratch.join("etc/passwd"), "root:x:0:0::/root:\ndnsmasq:x:99:99::/:\n").unwrap();
    let found = RouterTraits::of(&tree).unwrap();
    assert_eq!(found.missing(), [""; 0]);
    assert_eq!((found.haproxy, found.dialect.account), (Some(HaproxyPlace::Tribblix), true));
    assert!(Path::new(scratch.path()).exists());
}

/// IPFilter takes no file of blank lines alone.
#[test]
fn nothing_but_blank_lines_is_left_of_no_file() {
    let (scratch, tree) = root();
    let path = "etc/ipf/ipnat.conf";
    fs::create_dir_all(scratch.join("etc/ipf")).unwrap();
    fs::write(scratch.join(path), "\n \n").unwrap();
    let set = |lines: &str| write(&tree, &[ZoneFile::block(path, lines.to_owned())]).unwrap();
    assert_eq!(set("").len(), 0, "it is somebody's, as long as we have no part in it");
    set("map * 10.1.0.0/24 -> 0/32\n");
    assert!(read(&scratch, path).starts_with("\n \n# zonekit begin"));
    set("");
    assert!(!scratch.join(path).exists());
}
