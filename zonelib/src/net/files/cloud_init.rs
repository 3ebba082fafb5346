//! cloud-init(1) for guests: the attributes by which the bhyve brand makes a seed, and a seed of our own for brands that
//! make none. Source: the documentation of cloud-init, data source NoCloud; netplan(5) for the network.
//!
//! YAML is written with all strings in double quotes, as JSON has them: a MAC address without quotes may be a number, and
//! a quoted string cannot end early.

use std::net::IpAddr;
use std::path::Path;

use crate::config::ZoneName;
use crate::config::command::ATTRIBUTE_LIMIT;
use crate::host::{LinkName, MacAddress};
use crate::net::{Attachment, Autoconfiguration, Domain, HostName, Segment};

use super::{CryptedPassword, SshKey, text};

/// Where the boot program of the bhyve brand finds the key: in the zone.
pub const SSH_KEY: &str = "sshkey.pub";
/// The mkisofs(8) of the host.
pub const MKISOFS: &str = "/usr/bin/mkisofs";
/// The label of a volume by which cloud-init knows that it is a seed.
pub const LABEL: &str = "CIDATA";
/// Where an image of a seed is, in the root of the zone.
pub const IMAGE: &str = "cloud-init-seed.iso";
/// Bytes of the longest interface name of Linux.
const LINUX_NAME_LIMIT: usize = 15;
/// Bytes of the largest packet that guests reckon with.
const USUAL_MTU: u32 = 1500;
/// Name servers that a resolver asks, `MAXNS`.
const MOST_SERVERS: usize = 3;

/// What a guest is told.
#[derive(Clone, Debug)]
pub struct Guest<'a> {
    /// The zone.
    pub zone: &'a ZoneName,
    /// Another one than before makes cloud-init take the guest for a new one. Usually the zone's UUID.
    pub instance: &'a str,
    /// Its attachments.
    pub attachments: &'a [&'a Attachment],
    /// The segments that these are on, as far as they are known.
    pub segments: &'a [&'a Segment],
    /// The domain of its names.
    pub domain: Option<&'a Domain>,
    /// Name servers.
    pub servers: &'a [IpAddr],
    /// Who may log in to the usual account of the image.
    pub keys: &'a [SshKey],
    /// The password of that account; without one nobody logs in with a password.
    pub password: Option<&'a CryptedPassword>,
}

/// Attributes of the zone, names and values, for the bhyve brand.
#[must_use]
pub fn attributes(guest: &Guest<'_>) -> Vec<(&'static str, String)> {
    let mut attributes = vec![("cloud-init", "on".to_owned())];
    if let Some(domain) = guest.domain {
        attributes.push(("dns-domain", domain.to_string()));
    }
    attributes.extend(resolvers(guest.servers).map(|servers| ("resolvers", servers)));
    if let Some(password) = guest.password {
        attributes.push(("password", password.as_str().to_owned()));
    }
    match key_as_text(guest.keys) {
        Some(key) => attributes.push(("sshkey", key.to_owned())),
        None if guest.keys.is_empty() => {}
        None => attributes.push(("sshkey", format!("/{SSH_KEY}"))),
    }
    attributes
}

/// Keys as the value of an attribute, where they can be one; else they are in [`SSH_KEY`]. Brands differ in whether they
/// take a path for one of the zone or of the host, but the text of a key is the same to all.
#[must_use]
pub fn key_as_text(keys: &[SshKey]) -> Option<&str> {
    match keys {
        [key] if key.as_str().len() <= ATTRIBUTE_LIMIT && !key.as_str().contains('"') => Some(key.as_str()),
        _ => None,
    }
}

/// Name servers as an attribute has them: as many as a resolver asks.
#[must_use]
pub fn resolvers(servers: &[IpAddr]) -> Option<String> {
    let servers: Vec<String> = servers.iter().take(MOST_SERVERS).map(ToString::to_string).collect();
    (!servers.is_empty()).then(|| servers.join(","))
}

/// Keys as a file has them, one a line.
#[must_use]
pub fn authorized_keys(keys: &[SshKey]) -> String {
    text(&keys.iter().map(|key| key.as_str().to_owned()).collect::<Vec<_>>())
}

/// The files of a seed by their names: a directory, or the root of an ISO image. Without an interface that is known there
/// is no `network-config`: the guest asks by DHCP then, where an empty one would leave it without any network.
#[must_use]
pub fn seed(guest: &Guest<'_>) -> Vec<(&'static str, String)> {
    let mut files = vec![("meta-data", meta_data(guest))];
    files.extend(network_config(guest).map(|text| ("network-config", text)));
    files.push(("user-data", user_data(guest)));
    files
}

/// Arguments with which [`MKISOFS`] makes an image of a seed. cloud-init knows it by the name of the volume; `application` is
/// what the image says it was made by.
#[must_use]
pub fn mkisofs_arguments<'a>(seed: &'a Path, application: &'a str, image: &'a Path) -> Vec<&'a std::ffi::OsStr> {
    let mut arguments: Vec<&std::ffi::OsStr> =
        ["-quiet", "-R", "-J", "-V", LABEL, "-A", application, "-o"].map(AsRef::as_ref).to_vec();
    arguments.extend([image.as_os_str(), seed.as_os_str()]);
    arguments
}

fn quoted(value: impl ToString) -> String {
    serde_json::Value::String(value.to_string()).to_string()
}

fn meta_data(guest: &Guest<'_>) -> String {
    let name = HostName::of(guest.zone);
    format!("instance-id: {}\nlocal-hostname: {}\n", quoted(guest.instance), quoted(name.label()))
}

fn user_data(guest: &Guest<'_>) -> String {
    let name = HostName::of(guest.zone);
    let mut lines = vec!["#cloud-config".to_owned(), format!("hostname: {}", quoted(name.label()))];
    if let Some(full) = name.in_domain(guest.domain).first().filter(|full| full.contains('.')) {
        lines.push(format!("fqdn: {}", quoted(full)));
    }
    lines.push("manage_etc_hosts: true".to_owned());
    lines.push(format!("ssh_pwauth: {}", guest.password.is_some()));
    if let Some(password) = guest.password {
        lines.push(format!("password: {}", quoted(password.as_str())));
        lines.push("chpasswd:".to_owned());
        lines.push("  expire: false".to_owned());
    }
    if !guest.keys.is_empty() {
        let list = |indent: &str| -> Vec<String> {
            guest.keys.iter().map(|key| format!("{indent}- {}", quoted(key.as_str()))).collect()
        };
        lines.push("ssh_authorized_keys:".to_owned());
        lines.extend(list("  "));
        // Root too, as in all zones.
        lines.extend(["disable_root: false", "users:", "  - default", "  - name: root"].map(str::to_owned));
        lines.push("    ssh_authorized_keys:".to_owned());
        lines.extend(list("      "));
    }
    text(&lines)
}

/// Version 2, as netplan has it. An interface is known by its MAC address, and gets the name of the vnic where Linux
/// takes one of that length.
fn network_config(guest: &Guest<'_>) -> Option<String> {
    let interfaces = interfaces(guest.attachments);
    if interfaces.is_empty() {
        return None;
    }
    let mut lines = vec!["version: 2".to_owned(), "ethernets:".to_owned()];
    for (link, mac, attachments) in interfaces {
        lines.push(format!("  {}:", quoted(link)));
        lines.push("    match:".to_owned());
        lines.push(format!("      macaddress: {}", quoted(mac)));
        if link.as_str().len() <= LINUX_NAME_LIMIT {
            lines.push(format!("    set-name: {}", quoted(link)));
        }
        let segment = |attachment: &&Attachment| {
            guest.segments.iter().find(|segment| Some(&segment.name) == attachment.segment())
        };
        let mtu = attachments.iter().filter_map(segment).find_map(|segment| segment.mtu);
        // The switch of the segment drops longer ones, and nobody would say so.
        lines.extend(mtu.filter(|mtu| *mtu != USUAL_MTU).map(|mtu| format!("    mtu: {mtu}")));
        addresses(&mut lines, &attachments);
        if !guest.servers.is_empty() || guest.domain.is_some() {
            lines.push("    nameservers:".to_owned());
            list(&mut lines, "addresses", &guest.servers.iter().map(ToString::to_string).collect::<Vec<_>>());
            list(&mut lines, "search", &guest.domain.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }
    Some(text(&lines))
}

type Interface<'a> = (&'a LinkName, MacAddress, Vec<&'a Attachment>);

/// The interfaces, each once: a key that came twice would hide what it had before.
fn interfaces<'a>(attachments: &[&'a Attachment]) -> Vec<Interface<'a>> {
    let mut interfaces: Vec<Interface<'_>> = Vec::new();
    for attachment in attachments.iter().copied() {
        let Some(mac) = attachment.mac else { continue };
        match interfaces.iter_mut().find(|(link, ..)| **link == attachment.link) {
            Some((_, _, found)) => found.push(attachment),
            None => interfaces.push((&attachment.link, mac, vec![attachment])),
        }
    }
    interfaces
}

fn addresses(lines: &mut Vec<String>, attachments: &[&Attachment]) {
    let addresses: Vec<String> =
        attachments.iter().flat_map(|attachment| attachment.addresses()).map(|net| net.to_string()).collect();
    if addresses.is_empty() {
        lines.push("    dhcp4: true".to_owned());
    } else {
        lines.push("    addresses:".to_owned());
        lines.extend(addresses.iter().map(|address| format!("      - {}", quoted(address))));
    }
    let listens = |attachment: &&Attachment| attachment.autoconfiguration == Autoconfiguration::Slaac;
    lines.push(format!("    accept-ra: {}", attachments.iter().any(listens)));
    let mut gateways: Vec<IpAddr> = Vec::new();
    for gateway in attachments.iter().flat_map(|attachment| &attachment.gateways) {
        if !gateways.contains(gateway) {
            gateways.push(*gateway);
        }
    }
    if !gateways.is_empty() && !addresses.is_empty() {
        lines.push("    routes:".to_owned());
        for gateway in gateways {
            let everything = if gateway.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
            lines.push(format!("      - to: {}", quoted(everything)));
            lines.push(format!("        via: {}", quoted(gateway)));
        }
    }
}

fn list(lines: &mut Vec<String>, key: &str, values: &[String]) {
    if !values.is_empty() {
        lines.push(format!("      {key}:"));
        lines.extend(values.iter().map(|value| format!("        - {}", quoted(value))));
    }
}
