//! What a zone of a network gets.

use std::net::IpAddr;

use crate::config::ZoneName;
use crate::net::files::cloud_init::{self, Guest};
use crate::net::files::smf::{self, Service};
use crate::net::files::sysidcfg::{self, Sysidcfg};
use crate::net::files::{CryptedPassword, LxKernel, SshKey, Timezone, interface, resolver};
use crate::net::{Attachment, Autoconfiguration, Domain, LinkName, Mode, Router, Segment};

use super::{Content, ZoneFile};

/// What kind of system a zone runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brand {
    /// This one.
    Illumos,
    /// Solaris 10.
    Solaris10,
    /// Linux, whose network the brand itself configures.
    Lx,
    /// A guest of bhyve, whose disks are its own.
    Bhyve,
}

/// What users say about a zone.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The time zone of Solaris 10.
    pub timezone: Timezone,
    /// The password of root in Solaris 10, and of the usual account of a guest.
    pub password: Option<CryptedPassword>,
    /// Who may log in by key.
    pub keys: Vec<SshKey>,
}

/// A zone of a network.
#[derive(Clone, Debug)]
pub struct Tenant<'a> {
    /// The zone.
    pub zone: &'a ZoneName,
    /// What it runs.
    pub brand: Brand,
    /// All its attachments.
    pub attachments: &'a [&'a Attachment],
    /// Interfaces that it has no longer.
    pub gone: &'a [LinkName],
    /// The domain of its names.
    pub domain: Option<&'a Domain>,
    /// Its name servers; none: what it has stays.
    pub servers: &'a [IpAddr],
    /// What users say about it.
    pub settings: &'a Settings,
}

impl Tenant<'_> {
    /// Attachments with a network stack of their own.
    fn exclusive(&self) -> Vec<&Attachment> {
        self.attachments.iter().copied().filter(|attachment| attachment.mode == Mode::Exclusive).collect()
    }

    /// The interfaces, each with its attachments.
    fn interfaces<'b>(&self, exclusive: &[&'b Attachment]) -> Vec<(&'b LinkName, Vec<&'b Attachment>)> {
        let mut interfaces: Vec<(&LinkName, Vec<&Attachment>)> = Vec::new();
        for attachment in exclusive.iter().copied() {
            match interfaces.iter_mut().find(|(link, _)| *link == &attachment.link) {
                Some((_, attachments)) => attachments.push(attachment),
                None => interfaces.push((&attachment.link, vec![attachment])),
            }
        }
        interfaces
    }

    fn gateways(&self) -> Vec<IpAddr> {
        let mut gateways = Vec::new();
        for gateway in self.exclusive().iter().flat_map(|attachment| &attachment.gateways) {
            if !gateways.contains(gateway) {
                gateways.push(*gateway);
            }
        }
        gateways
    }

    /// What cloud-init is told. `instance` is the zone's UUID; `segments` are those that it is on.
    #[must_use]
    pub fn guest<'b>(&'b self, instance: &'b str, segments: &'b [&'b Segment]) -> Guest<'b> {
        Guest {
            zone: self.zone,
            instance,
            attachments: self.attachments,
            segments,
            domain: self.domain,
            servers: self.servers,
            keys: &self.settings.keys,
            password: self.settings.password.as_ref(),
        }
    }
}

/// The files of a zone that is no router.
#[must_use]
pub fn zone_files(tenant: &Tenant<'_>) -> Vec<ZoneFile> {
    match tenant.brand {
        Brand::Bhyve => key_file(tenant),
        Brand::Lx => resolver_file(tenant).into_iter().collect(),
        Brand::Illumos => {
            let mut files = system_files(tenant, &[]);
            files.push(ZoneFile::new("etc/nsswitch.conf", Content::Dns));
            files.push(ZoneFile::whole(smf::PROFILE, smf::profile(&services(tenant))));
            files
        }
        Brand::Solaris10 => {
            let mut files = system_files(tenant, &[]);
            // Without a name service in its answers the second takes the place of the first at its first boot.
            let switches =
                ["etc/nsswitch.conf", "etc/nsswitch.files"].into_iter().filter(|_| !tenant.servers.is_empty());
            files.extend(switches.map(|path| ZoneFile::new(path, Content::Dns)));
            let exclusive = tenant.exclusive();
            let answers = Sysidcfg {
                zone: tenant.zone,
                attachment: exclusive.first().copied(),
                domain: tenant.domain,
                servers: tenant.servers,
                timezone: &tenant.settings.timezone,
                root_password: tenant.settings.password.as_ref(),
            };
            let text = sysidcfg::sysidcfg(&answers);
            // It may have a password in it.
            files.push(ZoneFile { mode: 0o600, ..ZoneFile::whole(sysidcfg::FILE, text) });
            files
        }
    }
}

/// The files that say who the zone is and where, of systems that read them.
pub(super) fn system_files(tenant: &Tenant<'_>, beside: &[crate::net::files::Beside]) -> Vec<ZoneFile> {
    let exclusive = tenant.exclusive();
    let mut files = vec![
        ZoneFile::whole("etc/nodename", format!("{}\n", tenant.zone)),
        ZoneFile::block("etc/inet/hosts", resolver::own_hosts(tenant.zone, tenant.attachments, tenant.domain)),
    ];
    files.extend(resolver_file(tenant));
    for (link, attachments) in tenant.interfaces(&exclusive) {
        let present = |path: String, text: Option<String>| match text {
            Some(text) => ZoneFile::whole(path, text),
            None => ZoneFile::gone(path),
        };
        files.push(present(format!("etc/hostname.{link}"), interface::hostname(&attachments)));
        files.push(present(format!("etc/hostname6.{link}"), interface::hostname6(&attachments)));
    }
    for link in tenant.gone {
        files.push(ZoneFile::gone(format!("etc/hostname.{link}")));
        files.push(ZoneFile::gone(format!("etc/hostname6.{link}")));
    }
    let gateways = tenant.gateways();
    if let Some(text) = interface::defaultrouter(&gateways) {
        files.push(ZoneFile::whole("etc/defaultrouter", text));
    }
    files.push(ZoneFile::block("etc/inet/static_routes", interface::static_routes(&gateways, beside)));
    files.push(ZoneFile::block("etc/inet/ndpd.conf", interface::ndpd(&exclusive)));
    files
}

fn resolver_file(tenant: &Tenant<'_>) -> Option<ZoneFile> {
    let text = resolver::resolv_conf(tenant.domain, tenant.servers);
    (!tenant.servers.is_empty()).then(|| ZoneFile::whole("etc/resolv.conf", text))
}

/// Where the boot program of the brand looks for it.
fn key_file(tenant: &Tenant<'_>) -> Vec<ZoneFile> {
    if tenant.settings.keys.is_empty() || cloud_init::key_as_text(&tenant.settings.keys).is_some() {
        return Vec::new();
    }
    vec![ZoneFile::whole(cloud_init::SSH_KEY, cloud_init::authorized_keys(&tenant.settings.keys))]
}

fn services(tenant: &Tenant<'_>) -> Vec<(Service, bool)> {
    let ipv6 =
        |attachment: &&Attachment| attachment.ipv6.is_some() || attachment.autoconfiguration != Autoconfiguration::Off;
    let mut services = Vec::new();
    if !tenant.servers.is_empty() {
        services.push((Service::DnsClient, true));
    }
    if tenant.exclusive().iter().any(ipv6) {
        services.push((Service::Neighbours, true));
    }
    services
}

/// The name servers of a zone: its routers, and where nobody has made these name servers, those of the host.
#[must_use]
pub fn name_servers(attachments: &[&Attachment], segments: &[Segment], host: &[IpAddr]) -> Vec<IpAddr> {
    let mut servers: Vec<IpAddr> = Vec::new();
    for attachment in attachments {
        let segment = segments.iter().find(|segment| Some(&segment.name) == attachment.segment());
        let Some(segment) = segment.filter(|segment| !matches!(segment.router, Router::Proxy(_))) else { continue };
        let gateways = attachment.addresses().filter_map(|net| segment.gateway_for(net.addr()));
        servers.extend(gateways.filter(|gateway| !servers.contains(gateway)).collect::<Vec<_>>());
    }
    if servers.is_empty() { host.to_vec() } else { servers }
}

/// Attributes of a zone of the lx brand, names and values.
#[must_use]
pub fn lx_attributes(kernel: &LxKernel, domain: Option<&Domain>, servers: &[IpAddr]) -> Vec<(&'static str, String)> {
    let mut attributes = vec![("kernel-version", kernel.as_str().to_owned())];
    attributes.extend(domain.map(|domain| ("dns-domain", domain.to_string())));
    attributes.extend(cloud_init::resolvers(servers).map(|servers| ("resolvers", servers)));
    attributes
}
