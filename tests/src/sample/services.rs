//! SMF manifests and profiles, in the service_bundle format.

use std::fmt::Write;

/// A service: its manifest, and what it needs.
pub(crate) struct Service {
    /// Path of the manifest below `/lib/svc/manifest`, without `.xml`.
    pub(crate) manifest: &'static str,
    /// Name without `svc:/` and instance.
    pub(crate) name: &'static str,
    /// Services without which it does not start (`require_all`).
    pub(crate) requires: &'static [&'static str],
    /// Services that it waits for when they are there (`optional_all`).
    pub(crate) wants: &'static [&'static str],
    /// Method below `/lib/svc/method`; empty for a milestone, which starts nothing.
    pub(crate) method: &'static str,
}

const fn service(
    manifest: &'static str,
    name: &'static str,
    requires: &'static [&'static str],
    wants: &'static [&'static str],
    method: &'static str,
) -> Service {
    Service { manifest, name, requires, wants, method }
}

const LOCAL: &str = "system/filesystem/local";
const SINGLE: &str = "milestone/single-user";

/// Services that every zone keeps.
pub(crate) const KEPT: &[Service] = &[
    service(
        "milestone/single-user",
        SINGLE,
        &["system/identity", "system/filesystem/minimal"],
        &["system/sysevent"],
        "",
    ),
    service("milestone/multi-user", "milestone/multi-user", &[SINGLE, LOCAL], &["network/ssh"], ""),
    service("network/loopback", "network/loopback", &[], &[], "net-loopback"),
    service("network/physical", "network/physical", &["network/loopback"], &[], "net-physical"),
    service("network/ssh", "network/ssh", &[LOCAL, "network/physical"], &["system/system-log"], "sshd"),
    service("network/dns/client", "network/dns/client", &["network/physical"], &[], "dns-client"),
    service("system/filesystem/minimal-fs", "system/filesystem/minimal", &[], &[], "fs-minimal"),
    service("system/filesystem/local-fs", LOCAL, &["system/filesystem/minimal"], &[], "fs-local"),
    service("system/identity", "system/identity", &["network/loopback"], &[], "identity-node"),
    service("system/cron", "system/cron", &[LOCAL], &["system/hal"], "svc-cron"),
    service("system/system-log", "system/system-log", &[LOCAL, SINGLE], &["system/dumpadm"], "system-log"),
    service("system/svc/global", "system/svc/global", &[], &[], ""),
    service("application/sample/ledger", "application/sample/ledger", &["milestone/multi-user"], &[], "sample-ledger"),
    service(
        "application/sample/inventory",
        "application/sample/inventory",
        &[LOCAL, "system/hal"],
        &[],
        "sample-inventory",
    ),
    service(
        "network/sample-blocks",
        "network/sample-blocks",
        &["network/iscsi/target"],
        &["system/stmf"],
        "sample-blocks",
    ),
];

/// Of [`KEPT`], those that need a service of [`PRUNED`]: in a zone they can never start.
pub(crate) const STRANDED: &[&str] = &["application/sample/inventory", "network/sample-blocks"];

/// Services that drive the machine, which no zone may have.
pub(crate) const PRUNED: &[Service] = &[
    service("network/iscsi/iscsi-initiator", "network/iscsi/initiator", &["network/physical"], &[], "iscsi-initiator"),
    service("network/iscsi/iscsi-target", "network/iscsi/target", &["system/stmf"], &[], "iscsi-target"),
    service("system/dumpadm", "system/dumpadm", &[LOCAL], &[], "svc-dumpadm"),
    service("system/filesystem/rmvolmgr", "system/filesystem/rmvolmgr", &["system/hal"], &[], "svc-rmvolmgr"),
    service("system/hal", "system/hal", &["system/sysevent"], &[], "svc-hal"),
    service("system/intrd", "system/intrd", &[SINGLE], &[], "svc-intrd"),
    service("system/pools", "system/pools", &[LOCAL], &[], "svc-pools"),
    service("system/power", "system/power", &[LOCAL], &[], "svc-power"),
    service("system/stmf", "system/stmf", &[LOCAL], &[], "svc-stmf"),
    service("system/sysevent", "system/sysevent", &["system/filesystem/minimal"], &[], "svc-syseventd"),
    service("system/zones", "system/zones", &[LOCAL, "system/pools"], &[], "svc-zones"),
    service("system/zonestat", "system/zonestat", &["system/zones"], &[], "svc-zonestat"),
];

const DOCTYPE: &str = "<?xml version='1.0'?>\n\
    <!DOCTYPE service_bundle SYSTEM '/usr/share/lib/xml/dtd/service_bundle.dtd.1'>\n\
    <!-- Part of the sample image of zonekit. -->\n";

/// The manifest at a path of the image, if it is one.
pub(crate) fn manifest_at(path: &str) -> Option<String> {
    let stem = path.strip_suffix(".xml")?;
    if let Some(manifest) = stem.strip_prefix("/lib/svc/manifest/")
        && let Some(service) = KEPT.iter().chain(PRUNED).find(|service| service.manifest == manifest)
    {
        return Some(manifest_of(service));
    }
    // Trees whose services are alike: caches and ordinary packages.
    let name = stem.strip_prefix("/lib/svc/manifest/").or_else(|| stem.strip_prefix("/var/svc/manifest/"))?;
    Some(manifest(name, &[LOCAL], &[], "true"))
}

fn manifest_of(service: &Service) -> String {
    manifest(service.name, service.requires, service.wants, service.method)
}

/// A manifest with one instance, `default`.
pub(crate) fn manifest(name: &str, requires: &[&str], wants: &[&str], method: &str) -> String {
    let mut xml = DOCTYPE.to_owned();
    let _ = writeln!(xml, "<service_bundle type='manifest' name='sample:{}'>", name.replace('/', "-"));
    let _ = writeln!(xml, "<service name='{name}' type='service' version='1'>");
    xml.push_str("  <create_default_instance enabled='false'/>\n  <single_instance/>\n");
    for (grouping, others) in [("require_all", requires), ("optional_all", wants)] {
        for other in others {
            let label = other.replace('/', "-");
            let _ = writeln!(
                xml,
                "  <dependency name='{label}' grouping='{grouping}' restart_on='none' type='service'>\n    \
                 <service_fmri value='svc:/{other}:default'/>\n  </dependency>"
            );
        }
    }
    let (start, stop) = match method {
        "" => (":true".to_owned(), ":true"),
        method => (format!("/lib/svc/method/{method} %m"), ":kill"),
    };
    for (name, exec) in [("start", start.as_str()), ("stop", stop)] {
        let _ = writeln!(xml, "  <exec_method type='method' name='{name}' exec='{exec}' timeout_seconds='60'/>");
    }
    xml.push_str("  <stability value='Unstable'/>\n  <template>\n    <common_name>\n");
    let _ = writeln!(xml, "      <loctext xml:lang='C'>sample of {name}</loctext>");
    xml.push_str("    </common_name>\n  </template>\n</service>\n</service_bundle>\n");
    xml
}

/// Name of a profile, and the services that it switches on or off.
type Profile = (&'static str, &'static [(&'static str, bool)]);

const PROFILES: &[Profile] = &[
    ("generic_limited_net", &[("network/ssh", true), ("system/cron", true), ("system/system-log", true)]),
    ("generic_open", &[("network/ssh", true), ("system/cron", true), ("application/sample/ledger", true)]),
    ("inetd_generic", &[("network/inetd", true)]),
    ("inetd_upgrade", &[("network/inetd", false)]),
    ("ns_dns", &[("network/dns/client", true), ("system/name-service-cache", true)]),
    ("ns_files", &[("network/dns/client", false), ("system/name-service-cache", true)]),
    ("ns_none", &[("network/dns/client", false), ("system/name-service-cache", false)]),
    ("platform_i86pc", &[("system/power", true), ("system/hal", true)]),
    ("platform_none", &[("system/power", false)]),
];

/// The profile at a path of the image, if it is one.
pub(crate) fn profile_at(path: &str) -> Option<String> {
    let name = path.strip_prefix("/etc/svc/profile/")?.strip_suffix(".xml")?;
    let (name, services) = PROFILES.iter().find(|profile| profile.0 == name)?;
    let mut xml = DOCTYPE.to_owned();
    let _ = writeln!(xml, "<service_bundle type='profile' name='{name}'>");
    for (service, enabled) in *services {
        let _ = writeln!(
            xml,
            "  <service name='{service}' type='service' version='1'>\n    \
             <instance name='default' enabled='{enabled}'/>\n  </service>"
        );
    }
    xml.push_str("</service_bundle>\n");
    Some(xml)
}
