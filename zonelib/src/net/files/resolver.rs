//! How a zone finds names: resolv.conf(5), nsswitch.conf(5), hosts(5).

use std::net::IpAddr;

use crate::config::ZoneName;
use crate::net::{Attachment, Domain, HostName};

use super::{HEADER, text};

/// Name servers that resolv.conf(5) takes, `MAXNS`.
const MOST_SERVERS: usize = 3;

/// A resolv.conf(5). Servers beyond the third would be ignored by the resolver, and are left out.
#[must_use]
pub fn resolv_conf(domain: Option<&Domain>, servers: &[IpAddr]) -> String {
    let mut lines: Vec<String> = domain.iter().map(|domain| format!("domain {domain}")).collect();
    lines.extend(servers.iter().take(MOST_SERVERS).map(|server| format!("nameserver {server}")));
    format!("{HEADER}{}", text(&lines))
}

/// The name servers that a resolv.conf(5) names, as others can use them: one on the same machine answers nobody else.
#[must_use]
pub fn servers(resolv_conf: &str) -> Vec<IpAddr> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        let address: IpAddr = words.next().filter(|word| *word == "nameserver").and(words.next())?.parse().ok()?;
        Some(address).filter(|address| !address.is_loopback() && !address.is_unspecified())
    };
    resolv_conf.lines().filter_map(server).collect()
}

/// The lines of hosts(5) for a zone's own name, which programs look up without asking a server.
#[must_use]
pub fn own_hosts(zone: &ZoneName, attachments: &[&Attachment], domain: Option<&Domain>) -> String {
    let names = HostName::of(zone).in_domain(domain);
    // The node name is looked up as it is.
    let node = Some(zone.as_str().to_owned()).filter(|node| !names.contains(node));
    let names = names.into_iter().chain(node).collect::<Vec<_>>().join(" ");
    let addresses: Vec<IpAddr> =
        attachments.iter().flat_map(|attachment| attachment.addresses()).map(|net| net.addr()).collect();
    if addresses.is_empty() {
        return format!("127.0.0.1 {names}\n");
    }
    addresses.iter().map(|address| format!("{address} {names}\n")).collect()
}

/// An nsswitch.conf(5) that looks for hosts in DNS too, after what it looks in now; `None` when it does already, or says
/// nothing about hosts.
#[must_use]
pub fn with_dns(file: &[u8]) -> Option<Vec<u8>> {
    let mut changed = false;
    let mut out = Vec::with_capacity(file.len() + 16);
    for line in file.split_inclusive(|&byte| byte == b'\n') {
        let end = line.iter().position(|&byte| matches!(byte, b'#' | b'\n')).unwrap_or(line.len());
        let (entry, rest) = line.split_at(end);
        let of_hosts =
            [&b"hosts:"[..], b"ipnodes:"].iter().any(|database| entry.trim_ascii_start().starts_with(database));
        let has_dns = entry.split(u8::is_ascii_whitespace).any(|word| word == b"dns" || word.ends_with(b":dns"));
        if of_hosts && !has_dns {
            out.extend_from_slice(entry.trim_ascii_end());
            out.extend_from_slice(if rest.first() == Some(&b'#') { b" dns " } else { b" dns" });
            changed = true;
        } else {
            out.extend_from_slice(entry);
        }
        out.extend_from_slice(rest);
    }
    changed.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_those_that_others_can_use() {
        let text = "domain x\n# nameserver 1.1.1.1\nnameserver 127.0.0.1\n nameserver  9.9.9.9\nnameserver x\nnameserver ::1\nnameserver 2620:fe::fe\n";
        assert_eq!(servers(text), ["9.9.9.9".parse::<IpAddr>().unwrap(), "2620:fe::fe".parse().unwrap()]);
    }

    #[test]
    fn dns_is_added_to_hosts_once() {
        let file = b"passwd: files\nhosts:      files # as ever\nipnodes: files\n#hosts: nis\n";
        let after = with_dns(file).unwrap();
        let wanted = "passwd: files\nhosts:      files dns # as ever\nipnodes: files dns\n#hosts: nis\n";
        assert_eq!(String::from_utf8_lossy(&after), wanted);
        assert_eq!(with_dns(&after), None);
        assert_eq!(with_dns(b"hosts:dns\nipnodes: files dns\n"), None);
        assert_eq!(with_dns(b"hosts: files"), Some(b"hosts: files dns".to_vec()));
        assert_eq!(with_dns(b"\x00\xff\n"), None);
    }
}
