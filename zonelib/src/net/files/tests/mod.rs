//! The files, to the letter; the programs that read them; and what no name can do to them.

mod properties;
mod text;
mod tools;

use std::collections::BTreeMap;
use std::path::Path;

use super::sample::{Sample, rich, simple, without_slaac};
use super::smf::{HaproxyPlace, Service, ingress_manifest, profile};
use super::sysidcfg::{Sysidcfg, sysidcfg};
use super::{CryptedPassword, SshKey, Timezone, cloud_init, dnsmasq, haproxy, interface, ipf, ipnat, resolver};

/// Compares a text with the one that is kept in `golden/`, which `UPDATE_GOLDEN=1` writes anew.
fn golden(name: &str, found: &str) {
    ::tests::run::golden(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/net/files/golden").join(name), found, true);
}

/// All files that a router gets, by what they are.
fn router_files(sample: &Sample) -> BTreeMap<String, String> {
    let routing = sample.routing();
    let mut files = BTreeMap::from([
        ("ipnat.conf".to_owned(), ipnat::rules(&routing).unwrap()),
        ("ipf.conf".to_owned(), ipf::rules(&routing).unwrap()),
        ("ipf6.conf".to_owned(), ipf::rules6(&routing)),
        ("dnsmasq.conf".to_owned(), dnsmasq::config(&routing, dnsmasq::Dialect::default())),
        ("names-own".to_owned(), dnsmasq::own_names(&routing)),
        ("static_routes".to_owned(), interface::static_routes(&gateways(sample), &sample.beside)),
    ]);
    for (zone, attachments) in routing.zones() {
        files.insert(format!("names-{zone}"), dnsmasq::names(&routing, &attachments));
        files.insert(format!("dhcp-{zone}"), dnsmasq::dhcp_hosts(&attachments, &[]));
    }
    files.extend(haproxy::files(&routing, "").unwrap());
    files
}

fn gateways(sample: &Sample) -> Vec<std::net::IpAddr> {
    sample.segments[0].outside.as_ref().unwrap().gateways.clone()
}

/// All files that a zone behind a router gets.
fn zone_files(sample: &Sample, zone: &str) -> BTreeMap<String, String> {
    let zone = zone.parse().unwrap();
    let routing = sample.routing();
    let attachments = routing.zones().remove(&zone).unwrap();
    let segment = routing.segment_of(attachments[0]).unwrap();
    let servers: Vec<_> = segment.gateway_for(attachments[0].addresses().next().unwrap().addr()).into_iter().collect();
    let (domain, gateways) = (segment.domain.as_ref(), &attachments[0].gateways);
    let key: SshKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEXAMPLEKEY \"jane\" doe".parse().unwrap();
    let password: CryptedPassword = "$5$rounds=1000$saltsalt$hash".parse().unwrap();
    let guest = cloud_init::Guest {
        zone: &zone,
        instance: "6bd6a1b5-0e4c-4a39-8f5e-2f6f8f6f2b10",
        attachments: &attachments,
        segments: &[segment],
        domain,
        servers: &servers,
        keys: std::slice::from_ref(&key),
        password: Some(&password),
    };
    let attributes = cloud_init::attributes(&guest);
    let seed = cloud_init::seed(&guest);
    let timezone: Timezone = "Europe/Oslo".parse().unwrap();
    let answers = Sysidcfg {
        zone: &zone,
        attachment: Some(attachments[0]),
        domain,
        servers: &servers,
        timezone: &timezone,
        root_password: None,
    };
    let mut files = BTreeMap::from([
        ("resolv.conf".to_owned(), resolver::resolv_conf(domain, &servers)),
        ("hosts".to_owned(), resolver::own_hosts(&zone, &attachments, domain)),
        ("static_routes".to_owned(), interface::static_routes(gateways, &[])),
        ("ndpd.conf".to_owned(), interface::ndpd(&attachments)),
        ("attributes".to_owned(), attributes.iter().map(|(name, value)| format!("{name}={value}\n")).collect()),
        ("sysidcfg".to_owned(), sysidcfg(&answers)),
    ]);
    files.extend(seed.into_iter().map(|(name, text)| (name.to_owned(), text)));
    let link = &attachments[0].link;
    files.extend(interface::hostname(&attachments).map(|text| (format!("hostname.{link}"), text)));
    files.extend(interface::hostname6(&attachments).map(|text| (format!("hostname6.{link}"), text)));
    files.extend(interface::defaultrouter(gateways).map(|text| ("defaultrouter".to_owned(), text)));
    files
}

#[test]
fn the_files_are_as_before() {
    for (name, sample) in [("simple", simple()), ("rich", rich())] {
        for (file, text) in router_files(&sample) {
            golden(&format!("{name}/router/{file}"), &text);
        }
    }
    for (name, sample, zone) in [("simple", simple(), "Db_1"), ("rich", rich(), "web"), ("rich", rich(), "www")] {
        for (file, text) in zone_files(&sample, zone) {
            golden(&format!("{name}/{zone}/{file}"), &text);
        }
    }
    let config = dnsmasq::config(&without_slaac().routing(), dnsmasq::Dialect::default());
    golden("without-slaac/router/dnsmasq.conf", &config);
    let services = [
        (Service::Forwarding4, true),
        (Service::RoutingSetup, true),
        (Service::Routed, false),
        (Service::Forwarding6, true),
        (Service::Neighbours, true),
        (Service::Filter, true),
        (Service::Dnsmasq, true),
        (Service::Ingress, false),
    ];
    golden("profile.xml", &profile(&services));
    golden("ingress.xml", &ingress_manifest(HaproxyPlace::Tribblix));
}
