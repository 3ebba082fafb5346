//! Services: which there are, what their methods do, and their states. Source: smf(7), `/lib/svc/method/ipfilter`,
//! `svc-forwarding` and the manifests of illumos-gate.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use roxmltree::{Document, Node, ParsingOptions};
use sha1::{Digest, Sha1};

use super::model::{Filter, Service};
use super::{Call, ipf, ipnat, ippool, stacks};

pub(super) const IPFILTER: &str = "svc:/network/ipfilter:default";
pub(super) const FORWARDING: &str = "svc:/network/ipv4-forwarding:default";
pub(super) const FORWARDING6: &str = "svc:/network/ipv6-forwarding:default";
pub(super) const DNSMASQ: &str = "svc:/network/dnsmasq:default";

pub(super) const ROUTING_SETUP: &str = "svc:/network/routing-setup:default";
/// The daemons that learn routes from others.
pub(super) const ROUTED: &str = "svc:/network/routing/route:default";
pub(super) const RIPNG: &str = "svc:/network/routing/ripng:default";
/// Whether somebody has decided that routes are learned, or not. Source: `network-routing-setup.xml`.
pub(super) const ROUTING_SET: &str = "routeadm/ipv4-routing-set";

/// What every zone has, and whether it is enabled at first.
const EVERYWHERE: &[(&str, bool)] = &[
    ("svc:/network/loopback:default", true),
    ("svc:/network/physical:default", true),
    (ROUTING_SETUP, true),
    ("svc:/network/routing/ndp:default", true),
    (ROUTED, false),
    (RIPNG, false),
    (FORWARDING, false),
    (FORWARDING6, false),
    (IPFILTER, false),
    (DNSMASQ, false),
    ("svc:/network/ssh:default", true),
    ("svc:/network/dns/client:default", false),
    ("svc:/system/manifest-import:default", true),
];

/// The configuration that the method of ipfilter is asked to load.
const IPFILTER_PROPERTIES: &[(&str, &str)] = &[
    ("config/ipnat_config_file", "/etc/ipf/ipnat.conf"),
    ("config/ippool_config_file", "/etc/ipf/ippool.conf"),
    ("firewall_config_default/policy", "none"),
    ("firewall_config_default/custom_policy_file", "/etc/ipf/ipf.conf"),
    ("firewall_config_default/custom_policy_file_6", "/etc/ipf/ipf6.conf"),
];

/// Programs that are started as daemons.
pub(super) const DAEMONS: &[&str] = &["dnsmasq", "haproxy"];

/// Where manifests are.
const MANIFESTS: &[&str] = &["lib/svc/manifest", "var/svc/manifest"];
/// The most directories that one of manifests is below another.
const DEPTH: usize = 6;

impl Service {
    fn known(fmri: &str, enabled: bool) -> Self {
        let mut made = Self { enabled, ..Self::default() };
        if fmri == IPFILTER {
            made.properties =
                IPFILTER_PROPERTIES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        }
        if fmri == ROUTING_SETUP {
            made.properties.insert(ROUTING_SET.to_owned(), "false".to_owned());
        }
        if fmri == DNSMASQ {
            made.daemon = vec!["/usr/sbin/dnsmasq".to_owned()];
        }
        made.running = made.properties.clone();
        made
    }
}

/// The services that a root brings: those that every zone has, and those of its manifests.
pub(super) fn of_root(root: &Path) -> BTreeMap<String, Service> {
    let mut found: BTreeMap<String, Service> =
        EVERYWHERE.iter().map(|(fmri, enabled)| ((*fmri).to_owned(), Service::known(fmri, *enabled))).collect();
    let mut files = Vec::new();
    for directory in MANIFESTS {
        if let Some(place) = stacks::inside(root, directory) {
            collect(&place, DEPTH, &mut files);
        }
    }
    for file in files {
        let text = fs::read_to_string(&file).unwrap_or_default();
        for (fmri, service) in of_manifest(&text) {
            found.entry(fmri).or_insert(service);
        }
    }
    found
}

fn collect(directory: &Path, depth: usize, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        if found.is_dir() && depth > 0 {
            collect(&path, depth - 1, into);
        } else if found.is_file() && path.extension().is_some_and(|end| end == "xml") {
            into.push(path);
        }
    }
}

fn document(text: &str) -> Option<Document<'_>> {
    Document::parse_with_options(text, ParsingOptions { allow_dtd: true, ..Default::default() }).ok()
}

/// The instances of a manifest. Source: service_bundle(5).
pub(super) fn of_manifest(text: &str) -> Vec<(String, Service)> {
    let Some(document) = document(text) else { return Vec::new() };
    let services = document.descendants().filter(|node| node.has_tag_name("service"));
    services.flat_map(|service| instances(service)).collect()
}

fn instances(service: Node<'_, '_>) -> Vec<(String, Service)> {
    let Some(name) = service.attribute("name") else { return Vec::new() };
    let enabled = |node: Node<'_, '_>| node.attribute("enabled") == Some("true");
    let methods = service.descendants().filter(|node| node.has_tag_name("exec_method"));
    let start = methods.filter(|node| node.attribute("name") == Some("start")).find_map(|node| node.attribute("exec"));
    let words: Vec<String> = start.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let is_daemon = words.first().is_some_and(|word| DAEMONS.contains(&base(word)));
    let daemon = if is_daemon { words } else { Vec::new() };
    let made = |instance: &str, enabled: bool| {
        (format!("svc:/{name}:{instance}"), Service { enabled, daemon: daemon.clone(), ..Service::default() })
    };
    let default = service.children().find(|node| node.has_tag_name("create_default_instance"));
    let named = service.children().filter(|node| node.has_tag_name("instance"));
    let named = named.filter_map(|node| Some(made(node.attribute("name")?, enabled(node))));
    default.map(|node| made("default", enabled(node))).into_iter().chain(named).collect()
}

/// The last part of a path.
pub(super) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Takes what a profile enables and disables. Services that are not there are left out without a word.
fn profile(text: &str, services: &mut BTreeMap<String, Service>) {
    let Some(document) = document(text) else { return };
    for service in document.descendants().filter(|node| node.has_tag_name("service")) {
        let name = service.attribute("name").unwrap_or_default();
        for instance in service.children().filter(|node| node.has_tag_name("instance")) {
            let fmri = format!("svc:/{name}:{}", instance.attribute("name").unwrap_or_default());
            let Some(found) = services.get_mut(&fmri) else { continue };
            if let Some(enabled) = instance.attribute("enabled") {
                found.enabled = enabled == "true";
            }
            for group in instance.descendants().filter(|node| node.has_tag_name("property_group")) {
                let group_name = group.attribute("name").unwrap_or_default();
                for value in group.children().filter(|node| node.has_tag_name("propval")) {
                    let name = format!("{group_name}/{}", value.attribute("name").unwrap_or_default());
                    found.properties.insert(name, value.attribute("value").unwrap_or_default().to_owned());
                }
            }
        }
    }
}

/// Applies the profiles of a root that are new or have changed since, as every boot does. Source: smf_bootstrap(7), and
/// manifest-import of illumos-gate with `SVCCFG_CHECKHASH`: `generic.xml`, `platform.xml`, then `site/*.xml` or
/// `site.xml`.
pub(super) fn apply_profiles(
    root: &Path,
    services: &mut BTreeMap<String, Service>,
    applied: &mut BTreeMap<String, String>,
) {
    let mut files: Vec<PathBuf> = Vec::new();
    for name in ["generic.xml", "platform.xml", "site.xml"] {
        files.extend(stacks::inside(root, &format!("etc/svc/profile/{name}")));
    }
    if let Some(site) = stacks::inside(root, "etc/svc/profile/site") {
        collect(&site, 0, &mut files);
    }
    if let Some(old) = stacks::inside(root, "var/svc/profile/site.xml") {
        files.push(old);
    }
    for file in files.iter().filter(|file| file.is_file()) {
        let text = fs::read_to_string(file).unwrap_or_default();
        let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
        let digest: String = Sha1::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
        if applied.get(&name) != Some(&digest) {
            profile(&text, services);
            applied.insert(name, digest);
        }
    }
    for service in services.values_mut() {
        service.running = service.properties.clone();
    }
}

/// The services of the global zone when the host is made.
pub(super) fn of_host() -> BTreeMap<String, Service> {
    let all = EVERYWHERE.iter().map(|(fmri, enabled)| {
        let state = if *enabled { "online" } else { "disabled" };
        ((*fmri).to_owned(), Service { state: state.to_owned(), ..Service::known(fmri, *enabled) })
    });
    all.collect()
}

/// Whether a pattern names an instance. Source: `svcadm(8)`, operands: an FMRI, the last parts of one, or a glob.
pub(super) fn matches(pattern: &str, fmri: &str) -> bool {
    let bare = fmri.strip_prefix("svc:/").unwrap_or(fmri);
    let (service, instance) = bare.split_once(':').unwrap_or((bare, ""));
    let pattern = pattern.strip_prefix("svc:").map_or(pattern, |rest| rest.trim_start_matches('/'));
    if let Some(start) = pattern.strip_suffix('*') {
        return bare.starts_with(start);
    }
    let (wanted, named) = pattern.split_once(':').map_or((pattern, None), |(one, two)| (one, Some(two)));
    let ends = service == wanted || service.ends_with(&format!("/{wanted}"));
    let fits = named.is_none_or(|named| named == instance) && ends;
    fits || (named.is_none() && instance == wanted)
}

impl Call<'_> {
    /// The services of the zone.
    pub(super) fn services(&mut self) -> &mut BTreeMap<String, Service> {
        let zone = self.zone.clone();
        self.network().services.entry(zone).or_default()
    }

    pub(super) fn service(&mut self, fmri: &str) -> &mut Service {
        self.services().entry(fmri.to_owned()).or_default()
    }

    /// Services of manifests that have been imported since. The repository of the host says which; a zone imports all
    /// of its manifests when it boots.
    pub(super) fn look_for_services(&mut self) {
        let imported = self.host.lab.place("/etc/svc/repository.db");
        let names = fs::read_to_string(imported).unwrap_or_default();
        let global = self.is_global();
        let known = |fmri: &String| {
            let name = fmri.strip_prefix("svc:/").and_then(|rest| rest.split(':').next()).unwrap_or_default();
            names.lines().any(|line| line == format!("service {name}"))
        };
        let found = of_root(&self.root);
        for (fmri, service) in found.into_iter().filter(|(fmri, _)| !global || known(fmri)) {
            let state = "disabled".to_owned();
            self.services().entry(fmri).or_insert(Service { enabled: false, state, ..service });
        }
        if global {
            for name in names.lines().filter_map(|line| line.strip_prefix("service ")) {
                let state = "disabled".to_owned();
                let fmri = format!("svc:/{name}:default");
                self.services().entry(fmri).or_insert(Service { state, ..Service::default() });
            }
        }
    }

    /// Brings a service into the state that it is to have.
    pub(super) fn settle_service(&mut self, fmri: &str) {
        if !self.service(fmri).enabled {
            self.stop(fmri);
            "disabled".clone_into(&mut self.service(fmri).state);
            return;
        }
        if self.service(fmri).state == "online" {
            return;
        }
        let running = self.service(fmri).properties.clone();
        self.service(fmri).running = running;
        let state = if self.start(fmri) { "online" } else { "maintenance" };
        state.clone_into(&mut self.service(fmri).state);
    }

    fn start(&mut self, fmri: &str) -> bool {
        match fmri {
            FORWARDING => self.forward("ipv4", "on"),
            FORWARDING6 => {
                let ready = self.stack().has_ipv6();
                ready && self.forward("ipv6", "on")
            }
            IPFILTER => self.load_filter(),
            // A daemon that has not been installed does not start.
            _ => self
                .service(fmri)
                .daemon
                .first()
                .cloned()
                .is_none_or(|path| stacks::inside(&self.root, &path).is_some()),
        }
    }

    fn stop(&mut self, fmri: &str) {
        if self.service(fmri).state != "online" {
            return;
        }
        match fmri {
            FORWARDING => drop(self.forward("ipv4", "off")),
            FORWARDING6 => drop(self.forward("ipv6", "off")),
            IPFILTER => self.stack().filter = Filter::default(),
            _ => {}
        }
    }

    /// The service runs `ipadm set-prop`.
    fn forward(&mut self, family: &str, value: &str) -> bool {
        let key = format!("{family} forwarding");
        self.stack().properties.insert(key.clone(), value.to_owned());
        self.kept().properties.insert(key, value.to_owned());
        true
    }

    /// `ipfilter start` and `ipfilter refresh`: all or nothing for the filter; NAT is emptied first, and stays what was
    /// loaded before a mistake.
    pub(super) fn load_filter(&mut self) -> bool {
        let properties = self.service(IPFILTER).running.clone();
        let of = |name: &str| properties.get(name).cloned().unwrap_or_default();
        let root = self.root.clone();
        let text = |path: String| stacks::text(&root, &path);
        let mut well = true;
        if let Some(pools) = text(of("config/ippool_config_file")) {
            match ippool::parse(&pools) {
                Ok(pools) => {
                    let pools = pools.into_iter().map(|pool| (pool.label, pool.members));
                    self.stack().filter.pools = pools.collect();
                }
                Err(_) => well = false,
            }
        }
        if of("firewall_config_default/policy") == "custom" {
            let four = ipf::parse(&text(of("firewall_config_default/custom_policy_file")).unwrap_or_default(), false);
            let six = ipf::parse(&text(of("firewall_config_default/custom_policy_file_6")).unwrap_or_default(), true);
            well &= four.1.is_none() && six.1.is_none();
            if well {
                let filter = &mut self.stack().filter;
                filter.active = four.0.iter().map(|rule| rule.text(false)).collect();
                filter.active6 = six.0.iter().map(|rule| rule.text(true)).collect();
            }
        }
        let filter = &mut self.stack().filter;
        filter.nat.clear();
        filter.flushed_sessions += 1;
        if let Some(nat) = text(of("config/ipnat_config_file")) {
            let parsed = ipnat::parse(&nat);
            well &= parsed.wrong.is_none();
            for (_, rule) in parsed.rules {
                let rule = rule.text();
                let nat = &mut self.stack().filter.nat;
                if !nat.contains(&rule) {
                    nat.push(rule);
                }
            }
        }
        well
    }
}
