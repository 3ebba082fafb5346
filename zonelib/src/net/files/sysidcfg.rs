//! `sysidcfg(4)` of Solaris 10: what a zone would ask for at its first boot.

use std::net::IpAddr;

use crate::config::ZoneName;
use crate::net::{Attachment, Autoconfiguration, Domain, HostName};

use super::{CryptedPassword, Timezone, text};

/// The file, below the zone's root.
pub const FILE: &str = "etc/sysidcfg";

/// Answers for a zone.
#[derive(Clone, Debug)]
pub struct Sysidcfg<'a> {
    /// The zone.
    pub zone: &'a ZoneName,
    /// Its first attachment, when it has a network stack of its own.
    pub attachment: Option<&'a Attachment>,
    /// The domain that names are looked up in.
    pub domain: Option<&'a Domain>,
    /// Name servers; none: no name service.
    pub servers: &'a [IpAddr],
    /// The time zone.
    pub timezone: &'a Timezone,
    /// The root user's password; without one nobody can log in with a password.
    pub root_password: Option<&'a CryptedPassword>,
}

/// The file.
#[must_use]
pub fn sysidcfg(answers: &Sysidcfg<'_>) -> String {
    let name = HostName::of(answers.zone);
    let mut lines = vec![
        "system_locale=C".to_owned(),
        "terminal=xterms".to_owned(),
        format!("timezone={}", answers.timezone.as_str()),
        "timeserver=localhost".to_owned(),
        "security_policy=NONE".to_owned(),
        "nfs4_domain=dynamic".to_owned(),
        "service_profile=limited_net".to_owned(),
        // NP is no password that anybody could type. A locked account could not run jobs of cron(8) either.
        format!("root_password={}", answers.root_password.map_or("NP", CryptedPassword::as_str)),
    ];
    lines.extend(name_service(answers));
    lines.extend(interface(answers, name.label()));
    text(&lines)
}

fn name_service(answers: &Sysidcfg<'_>) -> Vec<String> {
    // An address of IPv6 would be an error, for which the whole file is passed over; resolv.conf(4) has those.
    let servers = answers.servers.iter().filter(|server| server.is_ipv4());
    let servers: Vec<String> = servers.take(3).map(ToString::to_string).collect();
    let Some(domain) = answers.domain.filter(|_| !servers.is_empty()) else {
        return vec!["name_service=NONE".to_owned()];
    };
    vec![
        "name_service=DNS {".to_owned(),
        format!("    domain_name={domain}"),
        format!("    name_server={}", servers.join(",")),
        format!("    search={domain}"),
        "}".to_owned(),
    ]
}

fn interface(answers: &Sysidcfg<'_>, host: &str) -> Vec<String> {
    let Some(attachment) = answers.attachment else {
        return vec![format!("network_interface=NONE {{ hostname={host} }}")];
    };
    let ipv6 = attachment.ipv6.is_some() || attachment.autoconfiguration != Autoconfiguration::Off;
    let mut lines = vec!["network_interface=primary {".to_owned(), format!("    hostname={host}")];
    match attachment.ipv4 {
        Some(net) => {
            lines.push(format!("    ip_address={}", net.addr()));
            lines.push(format!("    netmask={}", net.netmask()));
            let gateway = attachment.gateways.iter().find(|gateway| gateway.is_ipv4());
            lines.push(
                gateway.map_or("    default_route=NONE".to_owned(), |gateway| format!("    default_route={gateway}")),
            );
        }
        // DHCP tells the name too.
        None => lines = vec!["network_interface=primary {".to_owned(), "    dhcp".to_owned()],
    }
    lines.push(format!("    protocol_ipv6={}", if ipv6 { "yes" } else { "no" }));
    lines.push("}".to_owned());
    lines
}
