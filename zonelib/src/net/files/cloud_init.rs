//! cloud-init(1) for guests: the attributes by which the bhyve brand makes a seed, and a seed of our own for brands that
//! make none. Source: the documentation of cloud-init, data source NoCloud; netplan(5) for the network.
//!
//! YAML is written with all strings in double quotes, as JSON has them: a MAC address without quotes may be a number, and
//! a quoted string cannot end early.

use std::net::IpAddr;
use std::path::Path;

use crate::config::ZoneName;
use crate::net::{Attachment, Autoconfiguration, Domain, HostName};

use super::{CryptedPassword, SshKey, text};

/// Where the boot program of the bhyve brand finds the key: in the zone.
pub const SSH_KEY: &str = "sshkey.pub";
/// The mkisofs(8) of the host.
pub const MKISOFS: &str = "/usr/bin/mkisofs";
/// Bytes of the longest interface name of Linux.
const LINUX_NAME_LIMIT: usize = 15;

/// What a guest is told.
#[derive(Clone, Debug)]
pub struct Guest<'a> {
    /// The zone.
    pub zone: &'a ZoneName,
    /// Another one than before makes cloud-init take the guest for a new one. Usually the zone's UUID.
    pub instance: &'a str,
    /// Its attachments.
    pub attachments: &'a [&'a Attachment],
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
    if !guest.servers.is_empty() {
        let servers: Vec<String> = guest.servers.iter().map(ToString::to_string).collect();
        attributes.push(("resolvers", servers.join(",")));
    }
    if let Some(password) = guest.password {
        attributes.push(("password", password.as_str().to_owned()));
    }
    if !guest.keys.is_empty() {
        attributes.push(("sshkey", format!("/{SSH_KEY}")));
    }
    attributes
}

/// Keys as a file has them, one a line.
#[must_use]
pub fn authorized_keys(keys: &[SshKey]) -> String {
    text(&keys.iter().map(|key| key.as_str().to_owned()).collect::<Vec<_>>())
}

/// The files of a seed by their names: a directory, or the root of an ISO image.
#[must_use]
pub fn seed(guest: &Guest<'_>) -> [(&'static str, String); 3] {
    [("meta-data", meta_data(guest)), ("network-config", network_config(guest)), ("user-data", user_data(guest))]
}

/// Arguments with which [`MKISOFS`] makes an image of a seed. cloud-init knows it by the name of the volume.
#[must_use]
pub fn mkisofs_arguments<'a>(seed: &'a Path, image: &'a Path) -> Vec<&'a std::ffi::OsStr> {
    let mut arguments: Vec<&std::ffi::OsStr> = ["-quiet", "-R", "-J", "-V", "CIDATA", "-o"].map(AsRef::as_ref).to_vec();
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
        lines.push("ssh_authorized_keys:".to_owned());
        lines.extend(guest.keys.iter().map(|key| format!("  - {}", quoted(key.as_str()))));
    }
    text(&lines)
}

/// Version 2, as netplan has it. An interface is known by its MAC address, and gets the name of the vnic where Linux
/// takes one of that length.
fn network_config(guest: &Guest<'_>) -> String {
    let mut lines = vec!["version: 2".to_owned()];
    let interfaces: Vec<_> =
        guest.attachments.iter().filter_map(|attachment| Some((*attachment, attachment.mac?))).collect();
    if interfaces.is_empty() {
        return text(&lines);
    }
    lines.push("ethernets:".to_owned());
    for (attachment, mac) in interfaces {
        lines.push(format!("  {}:", quoted(&attachment.link)));
        lines.push("    match:".to_owned());
        lines.push(format!("      macaddress: {}", quoted(mac)));
        if attachment.link.as_str().len() <= LINUX_NAME_LIMIT {
            lines.push(format!("    set-name: {}", quoted(&attachment.link)));
        }
        addresses(&mut lines, attachment);
        if !guest.servers.is_empty() || guest.domain.is_some() {
            lines.push("    nameservers:".to_owned());
            list(&mut lines, "addresses", &guest.servers.iter().map(ToString::to_string).collect::<Vec<_>>());
            list(&mut lines, "search", &guest.domain.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }
    text(&lines)
}

fn addresses(lines: &mut Vec<String>, attachment: &Attachment) {
    let addresses: Vec<String> = attachment.addresses().map(|net| net.to_string()).collect();
    if addresses.is_empty() {
        lines.push("    dhcp4: true".to_owned());
    } else {
        lines.push("    addresses:".to_owned());
        lines.extend(addresses.iter().map(|address| format!("      - {}", quoted(address))));
    }
    lines.push(format!("    accept-ra: {}", attachment.autoconfiguration == Autoconfiguration::Slaac));
    if !attachment.gateways.is_empty() && !addresses.is_empty() {
        lines.push("    routes:".to_owned());
        for gateway in &attachment.gateways {
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
