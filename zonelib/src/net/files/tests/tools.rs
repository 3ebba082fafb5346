//! The programs that will read the files take them, where they are installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ipnet::{Ipv4Net, Ipv6Net};
use tests::run::{Scratch, skip};

use super::*;

/// A program of this system; says when it is not there.
fn tool(name: &str) -> Option<PathBuf> {
    let found = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(|folder| Path::new(folder).join(name));
    let found = found.into_iter().find(|path| path.is_file());
    if found.is_none() {
        skip(&format!("{name} is not installed"));
    }
    found
}

fn ran(command: &mut Command) -> (bool, String) {
    let Output { status, stdout, stderr } = command.env("LC_ALL", "C").output().unwrap();
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[test]
fn dnsmasq_takes_its_configuration() {
    let Some(dnsmasq) = tool("dnsmasq") else { return };
    let scratch = Scratch::new();
    let file = scratch.join("zonekit.conf");
    for sample in [simple(), rich(), without_slaac(), long()] {
        for dialect in [dnsmasq::Dialect::default(), dnsmasq::Dialect { account: true }] {
            fs::write(&file, dnsmasq::config(&sample.routing(), dialect)).unwrap();
            let (well, said) = ran(Command::new(&dnsmasq).arg("--test").arg("-C").arg(&file));
            assert!(well && said.contains("syntax check OK"), "{said}");
        }
    }
    // It does look.
    fs::write(&file, "dhcp-range=10.1.0.0,statically\n").unwrap();
    assert!(!ran(Command::new(&dnsmasq).arg("--test").arg("-C").arg(&file)).0);
}

/// A segment may have a prefix of any length.
#[test]
fn dnsmasq_takes_networks_of_every_length() {
    let Some(dnsmasq) = tool("dnsmasq") else { return };
    let scratch = Scratch::new();
    let file = scratch.join("zonekit.conf");
    for length in 8..128u8 {
        let mut sample = rich();
        let segment = &mut sample.segments[0];
        segment.ipv4 = Some(Ipv4Net::new_assert([10, 0, 0, 0].into(), length.min(31)));
        segment.gateway4 = segment.ipv4.and_then(|net| net.hosts().next());
        let network = Ipv6Net::new_assert("fd00::".parse().unwrap(), length);
        (segment.ipv6, segment.gateway6) = (Some(network), network.hosts().nth(1));
        fs::write(&file, dnsmasq::config(&sample.routing(), dnsmasq::Dialect::default())).unwrap();
        let (well, said) = ran(Command::new(&dnsmasq).arg("--test").arg("-C").arg(&file));
        assert!(well, "{length}: {said}");
    }
}

/// One that is named twice, by a folder and by itself, would be an error if it were read twice.
#[test]
fn dnsmasq_reads_a_file_once() {
    let Some(dnsmasq) = tool("dnsmasq") else { return };
    let scratch = Scratch::new();
    let folder = scratch.join("dnsmasq.d");
    fs::create_dir(&folder).unwrap();
    let own = folder.join("zonekit.conf");
    fs::write(&own, dnsmasq::config(&rich().routing(), dnsmasq::Dialect::default())).unwrap();
    fs::write(folder.join("web.conf"), "dhcp-host=02:08:20:00:00:07,10.1.0.9,hand\n").unwrap();
    let main = scratch.join("dnsmasq.conf");
    fs::write(&main, format!("conf-dir={}\nconf-file={}\n", folder.display(), own.display())).unwrap();
    let (well, said) = ran(Command::new(&dnsmasq).arg("--test").arg("-C").arg(&main));
    assert!(well, "{said}");
}

#[test]
fn haproxy_takes_its_configuration() {
    let Some(haproxy) = tool("haproxy") else { return };
    let scratch = Scratch::new();
    for sample in [rich(), long()] {
        let files = haproxy::files(&sample.routing(), "").unwrap();
        for (name, text) in &files {
            let here = text.replace(&format!("/{}", haproxy::FOLDER), &scratch.path().display().to_string());
            fs::write(scratch.join(name), here).unwrap();
        }
        let config = scratch.join(haproxy::CONFIG);
        let (well, said) = ran(Command::new(&haproxy).args(["-c", "-f"]).arg(&config));
        assert!(well && !said.contains("WARNING") && !said.contains("ALERT"), "{said}");
        fs::remove_file(scratch.join("http-80.map")).unwrap();
        assert!(!ran(Command::new(&haproxy).args(["-c", "-q", "-f"]).arg(&config)).0, "it does look");
    }
}

/// Names as long as they may be.
fn long() -> Sample {
    let mut sample = rich();
    let zone = format!("{}.{}", "Z_".repeat(15), "y".repeat(32));
    assert_eq!(zone.len(), 63);
    let domain = vec!["d".repeat(63); 3].join(".");
    let link = format!("{}0", "l".repeat(30));
    for segment in &mut sample.segments {
        segment.domain = Some(domain.parse().unwrap());
        segment.router = crate::net::Router::Zone(zone.parse().unwrap());
        segment.inside = Some(link.parse().unwrap());
    }
    sample.router = sample.segments[0].router.clone();
    for attachment in sample.attachments.iter_mut().filter(|attachment| attachment.zone.as_str() == "web") {
        attachment.zone = format!("a{}", &zone[1..]).parse().unwrap();
    }
    for ingress in &mut sample.ingresses {
        ingress.name = "i".repeat(63).parse().unwrap();
        if ingress.zone.as_str() == "web" {
            ingress.zone = format!("a{}", &zone[1..]).parse().unwrap();
        }
        if ingress.zone.as_str() == "www" {
            ingress.port = 8080;
            ingress.host = Some(domain.parse().unwrap());
        }
    }
    sample
}

/// cloud-init is not installed for this: at the next start it would take the machine that the tests run on for a new one.
/// An unpacked package is enough.
fn cloud_init(arguments: &[&str], folder: &Path) -> Option<(bool, String)> {
    let mut command = match std::env::var_os("ZONEKIT_CLOUD_INIT") {
        Some(unpacked) => {
            let mut command = Command::new("/usr/bin/python3");
            command.args(["-m", "cloudinit.cmd.main"]);
            command.env("PYTHONPATH", Path::new(&unpacked).join("usr/lib/python3/dist-packages"));
            command
        }
        None => Command::new(tool("cloud-init")?),
    };
    Some(ran(command.args(arguments).current_dir(folder)))
}

#[test]
fn cloud_init_takes_the_seed() {
    let scratch = Scratch::new();
    for (sample, zone) in [(simple(), "Db_1"), (rich(), "web"), (rich(), "www")] {
        let files = zone_files(&sample, zone);
        for name in ["user-data", "meta-data", "network-config"] {
            fs::write(scratch.join(name), &files[name]).unwrap();
        }
        let Some((well, said)) = cloud_init(&["schema", "-c", "user-data"], scratch.path()) else { return };
        assert!(well && said.contains("Valid cloud-config"), "{said}");
        let convert = ["devel", "net-convert", "-p", "network-config", "-k", "yaml", "-d", "out", "-D", "debian", "-O"];
        for output in ["netplan", "eni"] {
            let arguments: Vec<&str> = convert.iter().copied().chain([output]).collect();
            let (well, said) = cloud_init(&arguments, scratch.path()).unwrap();
            assert!(well, "{said}");
        }
        let netplan = fs::read_to_string(scratch.join("out/etc/netplan/50-cloud-init.yaml")).unwrap();
        let attachment = sample.attachments.iter().find(|attachment| attachment.zone.as_str() == zone).unwrap();
        for wanted in [attachment.mac.unwrap().to_string(), attachment.addresses().next().unwrap().to_string()] {
            assert!(netplan.contains(&wanted), "{wanted}: {netplan}");
        }
    }
    fs::write(scratch.join("user-data"), "#cloud-config\nhostname: [a]\n").unwrap();
    assert!(!cloud_init(&["schema", "-c", "user-data"], scratch.path()).unwrap().0, "it does look");
}

#[test]
fn mkisofs_makes_an_image_that_cloud_init_finds() {
    let (Some(mkisofs), Some(isoinfo)) = (tool("mkisofs"), tool("isoinfo")) else { return };
    let scratch = Scratch::new();
    let seed = scratch.join("seed");
    fs::create_dir(&seed).unwrap();
    for name in ["user-data", "meta-data", "network-config"] {
        fs::write(seed.join(name), &zone_files(&simple(), "web")[name]).unwrap();
    }
    let image = scratch.join("seed.iso");
    let (well, said) = ran(Command::new(mkisofs).args(cloud_init::mkisofs_arguments(&seed, "zonekit web", &image)));
    assert!(well, "{said}");
    let (_, label) = ran(Command::new(&isoinfo).arg("-d").arg("-i").arg(&image));
    assert!(label.contains("Volume id: CIDATA"), "{label}");
    let (_, names) = ran(Command::new(&isoinfo).args(["-R", "-f", "-i"]).arg(&image));
    for name in ["/user-data", "/meta-data", "/network-config"] {
        assert!(names.lines().any(|line| line == name), "{names}");
    }
}

#[test]
fn profile_and_manifest_are_valid() {
    let Some(xmllint) = tool("xmllint") else { return };
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/dtd/service_bundle.dtd.1");
    let installed = PathBuf::from("/usr/share/lib/xml/dtd/service_bundle.dtd.1");
    let Some(dtd) = [installed, shared].into_iter().find(|path| path.is_file()) else {
        return skip("service_bundle.dtd.1 is not here");
    };
    let scratch = Scratch::new();
    let file = scratch.join("bundle.xml");
    let all = [Service::Forwarding4, Service::Forwarding6, Service::RoutingSetup, Service::Routed].into_iter().chain([
        Service::Neighbours,
        Service::Filter,
        Service::Dnsmasq,
        Service::DnsClient,
        Service::Ingress,
    ]);
    let services: Vec<_> = all.map(|service| (service, true)).collect();
    for text in [profile(&services), profile(&[]), ingress_manifest(HaproxyPlace::Usual)] {
        fs::write(&file, &text).unwrap();
        let arguments = ["--nonet", "--noout", "--nowarning", "--dtdvalid"];
        let (well, said) = ran(Command::new(&xmllint).args(arguments).arg(&dtd).arg(&file));
        assert!(well, "{said}\n{text}");
    }
}
