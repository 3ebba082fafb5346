//! Ways in that `ingress` opens, through the real haproxy: by name, by port, and by the server name of TLS.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod packets_common;
mod zones_common;

use std::io::{BufRead, BufReader, Write};

use packets_common::skip;
use tests::lab::{Packets, Server};
use tests::scenario::{Did, World};
use zones_common::{create, destroy};

const ROUTER: &str = "192.0.2.20";

/// A router, two zones behind it, and what answers in them.
fn shops() -> (World, Packets, Vec<Server>) {
    let world = World::new();
    let packets = world.lab.carry_packets();
    create(&world, &["-z", "east", "-t", "router", "-x", ROUTER, "-R", "10.1.1.0/24"]).well();
    let mut servers = Vec::new();
    for (zone, address) in [("web", "10.1.1.5"), ("shop", "10.1.1.6")] {
        create(&world, &["-z", zone, "-x", address]).well();
        servers.push(packets.serve(zone, zone, "0.0.0.0:8080"));
    }
    (world, packets, servers)
}

fn ingress(world: &World, line: &str) -> Did {
    let did = world.zonekit("ingress", &line.split(' ').collect::<Vec<_>>());
    println!("ingress {line}: {did:#?}");
    did
}

/// A whole answer to a request for a host; empty if nobody listens.
fn page(packets: &Packets, host: &str) -> String {
    let mut text = String::new();
    packets.wait(host, || {
        text = packets.try_get("outside", &format!("{ROUTER}:80"), host).unwrap_or_default();
        !text.is_empty()
    });
    text
}

#[test]
fn requests_come_in_by_the_name_of_a_host() {
    if skip() {
        return;
    }
    let (world, packets, _servers) = shops();
    assert!(packets.unanswered("outside", "192.0.2.20:80"));
    ingress(&world, "add front 80 web:8080 --http www.example.com").well();
    assert!(page(&packets, "www.example.com").ends_with("web 10.1.1.1\n"));
    ingress(&world, "add store 80 shop:8080 --http shop.example.com").well();
    packets.wait("the second name", || page(&packets, "shop.example.com").ends_with("shop 10.1.1.1\n"));
    assert!(page(&packets, "WWW.Example.com:80").ends_with("web 10.1.1.1\n"));
    let unknown = page(&packets, "other.example.com");
    assert!(unknown.starts_with("HTTP/1.") && !unknown.contains("10.1.1.1\n"), "{unknown}");
    ingress(&world, "remove store 80").well();
    packets.wait("the second name to go", || !page(&packets, "shop.example.com").ends_with("shop 10.1.1.1\n"));
    assert!(page(&packets, "www.example.com").ends_with("web 10.1.1.1\n"));
    ingress(&world, "remove front 80").well();
    packets.wait("the way in to be closed", || packets.unanswered("outside", "192.0.2.20:80"));
}

#[test]
fn connections_come_in_by_port_and_stay_when_others_come() {
    if skip() {
        return;
    }
    let (world, packets, _servers) = shops();
    ingress(&world, "add mail 2525 web:8080 --tcp").well();
    packets.wait("the port", || !packets.unanswered("outside", "192.0.2.20:2525"));
    let mut open = packets.connect("outside", "192.0.2.20:2525");
    assert_eq!(Packets::say(&mut open, "one").unwrap(), "web 10.1.1.1 one");
    ingress(&world, "add more 2526 shop:8080 --tcp").well();
    packets.wait("the other port", || !packets.unanswered("outside", "192.0.2.20:2526"));
    assert_eq!(packets.ask("outside", "192.0.2.20:2526"), "shop 10.1.1.1");
    assert_eq!(Packets::say(&mut open, "two").unwrap(), "web 10.1.1.1 two");
    // A zone that goes takes its ways in with it, and no others.
    destroy(&world, "shop").well();
    packets.wait("the port to be closed", || packets.unanswered("outside", "192.0.2.20:2526"));
    assert_eq!(Packets::say(&mut open, "three").unwrap(), "web 10.1.1.1 three");
    assert_eq!(packets.ask("outside", "192.0.2.20:2525"), "web 10.1.1.1");
}

/// The beginning of TLS for a server name. Source: RFC 8446, section 4.1.2; RFC 6066, section 3.
fn client_hello(name: &str) -> Vec<u8> {
    let counted = |bytes: &[u8], width: usize| -> Vec<u8> {
        let length = (bytes.len() as u32).to_be_bytes();
        [&length[4 - width..], bytes].concat()
    };
    let entry = [vec![0], counted(name.as_bytes(), 2)].concat();
    let extension = [vec![0, 0], counted(&counted(&entry, 2), 2)].concat();
    let random = [7; 32];
    let body = [&[3, 3][..], &random, &[0], &[0, 2, 0x13, 1], &[1, 0], &counted(&extension, 2)].concat();
    let handshake = [vec![1], counted(&body, 3)].concat();
    [vec![22, 3, 1], counted(&handshake, 2)].concat()
}

#[test]
fn tls_goes_on_unopened_to_the_zone_of_its_server_name() {
    if skip() {
        return;
    }
    let (world, packets, _servers) = shops();
    ingress(&world, "add front 443 web:8080 --tls-sni www.example.com").well();
    ingress(&world, "add store 443 shop:8080 --tls-sni shop.example.com").well();
    for (name, zone) in [("www.example.com", "web"), ("shop.example.com", "shop")] {
        let mut said = String::new();
        packets.wait(name, || {
            let Ok(mut stream) = packets.try_connect("outside", "192.0.2.20:443") else { return false };
            stream.write_all(&[&client_hello(name)[..], b"\n"].concat()).unwrap();
            let mut bytes = Vec::new();
            let _ = BufReader::new(stream).read_until(b'\n', &mut bytes);
            said = String::from_utf8_lossy(&bytes).into_owned();
            !said.is_empty()
        });
        assert!(said.starts_with(&format!("{zone} 10.1.1.1 ")), "{name}: {said}");
    }
}
