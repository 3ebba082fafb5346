//! Networks for tests of files.

use super::{Beside, Routing};
use crate::net::{Attachment, Ingress, Ipv6Addresses, Router, Segment};

/// Records of a router, from their JSON.
pub struct Sample {
    pub router: Router,
    pub segments: Vec<Segment>,
    pub attachments: Vec<Attachment>,
    pub ingresses: Vec<Ingress>,
    pub beside: Vec<Beside>,
    pub forwarders: Vec<std::net::IpAddr>,
}

impl Sample {
    pub fn routing(&self) -> Routing<'_> {
        Routing {
            router: &self.router,
            segments: &self.segments,
            attachments: &self.attachments,
            ingresses: &self.ingresses,
            beside: &self.beside,
            forwarders: &self.forwarders,
        }
    }
}

fn from<T: serde::de::DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap()
}

/// One IPv4 segment with a domain, and two zones.
pub fn simple() -> Sample {
    Sample {
        router: from(r#"{"zone":"rt1"}"#),
        segments: from(
            r#"[{"name":"10.1.0.0-24","ipv4":"10.1.0.0/24","ipv6":null,"gateway4":"10.1.0.1","gateway6":null,
                 "etherstub":"zrstub0","shared_vnic":"snic0","router":{"zone":"rt1"},"inside":"znic1",
                 "outside":{"interface":"znic0","over":"net0","ipv4":"203.0.113.20/24","ipv6":null,"gateways":["203.0.113.1"]},
                 "domain":"zones.example","mtu":1500}]"#,
        ),
        attachments: from(
            r#"[{"zone":"rt1","place":{"segment":"10.1.0.0-24"},"mode":"exclusive","link":"znic1","ipv4":"10.1.0.1/24",
                 "ipv6":null,"mac":"2:8:20:0:0:1","flow":null,"forwards":true},
                {"zone":"web","place":{"segment":"10.1.0.0-24"},"mode":"exclusive","link":"znic2","ipv4":"10.1.0.5/24",
                 "ipv6":null,"mac":"2:8:20:0:0:5","flow":null,"gateways":["10.1.0.1"]},
                {"zone":"Db_1","place":{"segment":"10.1.0.0-24"},"mode":"exclusive","link":"znic3","ipv4":"10.1.0.6/24",
                 "ipv6":null,"mac":"2:8:20:a:b:c","flow":null,"gateways":["10.1.0.1"]}]"#,
        ),
        ingresses: Vec::new(),
        beside: Vec::new(),
        forwarders: Vec::new(),
    }
}

/// Networks whose IPv6 addresses are static.
pub fn without_slaac() -> Sample {
    let mut sample = rich();
    sample.segments.iter_mut().for_each(|segment| segment.ipv6_addresses = Ipv6Addresses::Static);
    sample
}

/// A wide IPv4 segment, one with a translated and one with a routable IPv6 network, zones with openings, peers and ways
/// in.
pub fn rich() -> Sample {
    Sample {
        router: from(r#"{"zone":"rt1"}"#),
        segments: from(
            r#"[{"name":"10.1.0.0-16","ipv4":"10.1.0.0/16","ipv6":"fd00:1::/64","gateway4":"10.1.0.1","gateway6":"fd00:1::1",
                 "etherstub":"zrstub0","shared_vnic":"snic0","router":{"zone":"rt1"},"inside":"znic1",
                 "outside":{"interface":"znic0","over":"net0","ipv4":"203.0.113.20/24","ipv6":"2001:db8::20/64",
                            "gateways":["203.0.113.1","2001:db8::1"]},
                 "domain":"zones.example","mtu":1500},
                {"name":"2001:db8:1::-64","ipv4":null,"ipv6":"2001:db8:1::/64","gateway4":null,"gateway6":"2001:db8:1::1",
                 "etherstub":"zrstub1","shared_vnic":"snic1","router":{"zone":"rt1"},"inside":"znic4",
                 "outside":{"interface":"znic0","over":"net0","ipv4":"203.0.113.20/24","ipv6":"2001:db8::20/64",
                            "gateways":["203.0.113.1","2001:db8::1"]},
                 "domain":"public.example","routable_ipv6":true,"filter_aaaa":true,"mtu":null}]"#,
        ),
        attachments: from(
            r#"[{"zone":"web","place":{"segment":"10.1.0.0-16"},"mode":"exclusive","link":"znic2","ipv4":"10.1.0.5/16",
                 "ipv6":"fd00:1::5/64","mac":"2:8:20:0:0:5","flow":null,"gateways":["10.1.0.1","fd00:1::1"]},
                {"zone":"mail","place":{"segment":"10.1.0.0-16"},"mode":"shared","link":"snic0","ipv4":"10.1.2.6/16",
                 "ipv6":null,"mac":null,"flow":null,"openings":[{"protocol":"udp","port":5000}]},
                {"zone":"www","place":{"segment":"2001:db8:1::-64"},"mode":"exclusive","link":"znic5","ipv4":null,
                 "ipv6":"2001:db8:1::80/64","autoconfiguration":"slaac","mac":"2:8:20:0:0:80","flow":null,
                 "gateways":["2001:db8:1::1"],
                 "openings":[{"protocol":"tcp","port":443},{"protocol":"udp","port":443}]}]"#,
        ),
        ingresses: from(
            r#"[{"router":{"zone":"rt1"},"name":"shop","host":"shop.example.com","kind":"http","port":80,"zone":"web","zone_port":8080},
                {"router":{"zone":"rt1"},"name":"blog","host":"blog.example.com","kind":"http","port":80,"zone":"www","zone_port":80},
                {"router":{"zone":"rt1"},"name":"shop","host":"shop.example.com","kind":"tls","port":443,"zone":"web","zone_port":8443},
                {"router":{"zone":"rt1"},"name":"smtp","host":null,"kind":"tcp","port":25,"zone":"mail","zone_port":25}]"#,
        ),
        beside: vec![
            Beside { network: "10.2.0.0/24".parse().unwrap(), via: "203.0.113.21".parse().unwrap() },
            Beside { network: "10.9.0.0/16".parse().unwrap(), via: "203.0.113.22".parse().unwrap() },
            Beside { network: "fd00:2::/64".parse().unwrap(), via: "2001:db8::21".parse().unwrap() },
        ],
        forwarders: vec!["9.9.9.9".parse().unwrap(), "2620:fe::fe".parse().unwrap()],
    }
}
