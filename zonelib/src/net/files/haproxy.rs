//! haproxy(1) in a router: ways in from outside.
//!
//! One configuration, and a map for each port that goes by names. A port is for HTTP, told apart by the host that is
//! asked for; for TLS, told apart by the server name in its first message, which is passed on as it came; or for one zone.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::net::{Ingress, IngressKind};

use super::{HEADER, Routing, RoutingError, text};

/// The folder of these files, below the root of the router.
pub const FOLDER: &str = "etc/zonekit/ingress";
/// What precedes the names of files while they are checked.
pub const CHECKED: &str = ".new-";
/// The name of the configuration.
pub const CONFIG: &str = "haproxy.cfg";
/// The process that is told to read it again.
pub const PID: &str = "/var/run/zonekit-ingress.pid";

/// Files by their names in [`FOLDER`], which begin with `prefix`; none when there are no ways in, for without one haproxy
/// does not run.
///
/// # Errors
/// [`RoutingError`]: ways in cannot be told apart, or lead nowhere.
pub fn files(routing: &Routing<'_>, prefix: &str) -> Result<BTreeMap<String, String>, RoutingError> {
    routing.check_ingresses()?;
    let mut files = BTreeMap::new();
    if routing.ingresses.is_empty() {
        return Ok(files);
    }
    let mut ports: BTreeMap<u16, Vec<&Ingress>> = BTreeMap::new();
    for ingress in routing.ingresses {
        ports.entry(ingress.port).or_default().push(ingress);
    }
    let ipv6 = routing.segments.iter().filter_map(|segment| segment.outside.as_ref()).any(|o| o.ipv6.is_some());
    let mut lines = global();
    for (port, mut ingresses) in ports {
        ingresses.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        frontend(&mut lines, prefix, port, ingresses[0], ipv6);
        if ingresses[0].kind != IngressKind::Tcp {
            let hosts = |ingress: &&Ingress| Some(format!("{} {}", ingress.host.as_ref()?, backend_name(ingress)));
            let map: Vec<String> = ingresses.iter().filter_map(hosts).collect();
            files.insert(format!("{prefix}{}", map_name(ingresses[0].kind, port)), text(&map));
        }
        for ingress in ingresses {
            backend(&mut lines, ingress, routing.address_of(ingress)?);
        }
    }
    files.insert(format!("{prefix}{CONFIG}"), format!("{HEADER}{}", text(&lines)));
    Ok(files)
}

fn global() -> Vec<String> {
    let lines = [
        "global",
        "    maxconn 8192",
        // Workers are nobody's, by number because names differ; the master, which binds ports, stays root's.
        "    uid 60001",
        "    gid 60001",
        "",
        "defaults",
        "    mode tcp",
        "    timeout connect 5s",
        "    timeout client 60s",
        "    timeout server 60s",
        "    timeout tunnel 1h",
        "    timeout http-request 10s",
        "    timeout http-keep-alive 30s",
    ];
    lines.map(str::to_owned).to_vec()
}

fn frontend(lines: &mut Vec<String>, prefix: &str, port: u16, first: &Ingress, ipv6: bool) {
    let kind = kind_name(first.kind);
    lines.push(String::new());
    lines.push(format!("frontend {kind}-{port}"));
    lines.push(format!("    bind *:{port}"));
    if ipv6 {
        lines.push(format!("    bind :::{port} v6only"));
    }
    let map = format!("/{FOLDER}/{prefix}{}", map_name(first.kind, port));
    match first.kind {
        IngressKind::Http => {
            lines.push("    mode http".to_owned());
            lines.push("    option forwardfor".to_owned());
            // A name that is not in the map has no backend: 503.
            lines.push(format!("    use_backend %[req.hdr(host),lower,word(1,:),map({map})]"));
        }
        IngressKind::Tls => {
            lines.push("    tcp-request inspect-delay 5s".to_owned());
            lines.push("    tcp-request content accept if { req.ssl_hello_type 1 }".to_owned());
            lines.push(format!("    use_backend %[req.ssl_sni,lower,map({map})]"));
        }
        IngressKind::Tcp => lines.push(format!("    default_backend {}", backend_name(first))),
    }
}

fn backend(lines: &mut Vec<String>, ingress: &Ingress, address: IpAddr) {
    lines.push(String::new());
    lines.push(format!("backend {}", backend_name(ingress)));
    if ingress.kind == IngressKind::Http {
        lines.push("    mode http".to_owned());
    }
    lines.push(format!("    server {} {}", ingress.zone, SocketAddr::new(address, ingress.zone_port)));
}

fn kind_name(kind: IngressKind) -> &'static str {
    match kind {
        IngressKind::Http => "http",
        IngressKind::Tcp => "tcp",
        IngressKind::Tls => "tls",
    }
}

fn map_name(kind: IngressKind, port: u16) -> String {
    format!("{}-{port}.map", kind_name(kind))
}

/// The same name may be used at several ports.
fn backend_name(ingress: &Ingress) -> String {
    format!("{}-{}-{}", kind_name(ingress.kind), ingress.port, ingress.name)
}
