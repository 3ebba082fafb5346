#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::net::Peer;

fn segment(name: &str, router: Router, network: &str, stub: u32) -> Segment {
    let json = serde_json::json!({
        "name": name, "ipv4": network, "ipv6": null, "gateway4": null, "gateway6": null,
        "etherstub": format!("zrstub{stub}"), "shared_vnic": format!("snic{stub}"), "router": router,
        "inside": null, "domain": "lan", "mtu": 1500,
        "outside": { "interface": "znic0", "over": "net0", "ipv4": format!("192.0.2.{}/24", 20 + stub), "ipv6": null },
    });
    serde_json::from_value(json).unwrap()
}

fn attachment(zone: &str, place: serde_json::Value, mode: &str, address: &str) -> Attachment {
    let json = serde_json::json!({
        "zone": zone, "place": place, "mode": mode, "link": "znic7", "ipv4": address, "ipv6": null,
        "mac": "02:08:20:00:00:01", "flow": null,
    });
    serde_json::from_value(json).unwrap()
}

fn sample() -> Overview {
    let router = |name: &str| Router::Zone(name.parse().unwrap());
    let on = |name: &str| serde_json::json!({ "segment": name });
    let mut attachments: Vec<Attachment> = (1..=6)
        .map(|n| {
            attachment(
                &format!("web{n}"),
                on("a"),
                if n == 3 { "shared" } else { "exclusive" },
                &format!("10.1.2.{}/24", n + 4),
            )
        })
        .collect();
    attachments.push(attachment("a-zone-with-quite-a-long-name.example", on("b"), "exclusive", "10.1.3.5/24"));
    attachments.push(attachment("alone", serde_json::json!({ "link": "net0" }), "exclusive", "192.0.2.30/24"));
    let ingress = serde_json::json!({
        "router": router("r1"), "name": "shop", "host": "shop.example", "kind": "http", "port": 80, "zone": "web1", "zone_port": 8080,
    });
    let elsewhere = Peer::Elsewhere { name: "far".to_owned(), outside: Vec::new(), networks: Vec::new() };
    Overview {
        segments: vec![
            segment("a", router("r1"), "10.1.2.0/24", 0),
            segment("b", router("r2"), "10.1.3.0/24", 1),
            segment("c", Router::Global, "10.1.4.0/24", 2),
        ],
        attachments,
        ingresses: vec![serde_json::from_value(ingress).unwrap()],
        peerings: vec![
            Peering { one: router("r1"), other: Peer::Here(router("r2")) },
            Peering { one: router("r2"), other: elsewhere },
        ],
    }
}

#[test]
fn vlans_are_told_in_every_form() {
    let mut sample = sample();
    let [seven, nine] = ["7", "9"].map(|vlan| vlan.parse().ok());
    sample.attachments.last_mut().unwrap().vlan = seven;
    sample.segments[0].outside.as_mut().unwrap().vlan = nine;
    let text = sample.text();
    assert!(text.contains("outside 192.0.2.20 on net0 VLAN 9, domain lan"), "{text}");
    assert!(text.contains("  alone  192.0.2.30  exclusive  znic7 VLAN 7  02:08"), "{text}");
    assert!(sample.dot().contains("label=\"192.0.2.30 VLAN 7\""), "{}", sample.dot());
    assert!(sample.svg().contains("192.0.2.30 VLAN 7"), "{}", sample.svg());
}

#[test]
fn the_list_names_everything() {
    let text = sample().text();
    assert!(
        text.starts_with(
            "10.1.2.0/24  routed by r1, outside 192.0.2.20 on net0, domain lan  [zrstub0]\n  web1  10.1.2.5   exclusive"
        ),
        "{text}"
    );
    for words in [
        "  web3  10.1.2.7   shared",
        "10.1.4.0/24  routed by global zone",
        "net0\n  alone  192.0.2.30",
        "ingress shop  r1 port 80 shop.example to web1 port 8080\n",
        "peers  r1 and r2\n",
        "peers  r2 and far on another host\n",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(Overview::default().text(), "");
}

#[test]
fn pictures_are_well_formed_and_name_everything() {
    let picture = sample().svg();
    let document = roxmltree::Document::parse(&picture).unwrap();
    let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).collect();
    for words in
        ["net0", "r1", "10.1.2.0/24", "web6", "10.1.3.5", "alone", "a-zone-with-quite-a-long-name.example", "far"]
    {
        assert!(texts.iter().any(|text| text.contains(words)), "{words}");
    }
    if let Some(place) = std::env::var_os("ZONEKIT_PICTURE") {
        std::fs::write(place, &picture).unwrap();
    }
    assert!(roxmltree::Document::parse(&Overview::default().svg()).is_ok());
}

/// No box lies on another.
#[test]
fn boxes_do_not_overlap() {
    let picture = sample().svg();
    let document = roxmltree::Document::parse(&picture).unwrap();
    let boxes: Vec<[f64; 4]> = document
        .descendants()
        .filter(|node| node.has_tag_name("rect") && node.attribute("x").is_some())
        .map(|node| ["x", "y", "width", "height"].map(|name| node.attribute(name).unwrap().parse().unwrap()))
        .collect();
    assert!(boxes.len() > 10, "{boxes:?}");
    for (index, [x1, y1, w1, h1]) in boxes.iter().enumerate() {
        for [x2, y2, w2, h2] in &boxes[..index] {
            let apart = x1 + w1 <= *x2 || x2 + w2 <= *x1 || y1 + h1 <= *y2 || y2 + h2 <= *y1;
            assert!(apart, "{x1} {y1} {w1} {h1} and {x2} {y2} {w2} {h2}");
        }
    }
}

/// Every line begins and ends at a box, a bar or another line.
#[test]
fn lines_hang_on_something() {
    let mut overview = sample();
    let router = overview.segments[0].router.clone();
    overview.segments.iter_mut().for_each(|segment| segment.router = router.clone());
    let picture = overview.svg();
    let document = roxmltree::Document::parse(&picture).unwrap();
    let number = |text: &str| text.trim_matches(['M', 'L']).parse::<f64>().unwrap();
    let boxes: Vec<[f64; 4]> = document
        .descendants()
        .filter(|node| node.has_tag_name("rect") && node.attribute("x").is_some())
        .map(|node| ["x", "y", "width", "height"].map(|name| number(node.attribute(name).unwrap())))
        .collect();
    let lines: Vec<[f64; 4]> = document
        .descendants()
        .filter_map(|node| node.attribute("d"))
        .filter(|path| !path.contains('Q'))
        .map(|path| path.split(' ').map(number).collect::<Vec<_>>().try_into().unwrap())
        .collect();
    for (index, [x1, y1, x2, y2]) in lines.iter().enumerate() {
        for (x, y) in [(x1, y1), (x2, y2)] {
            let near = |low: f64, value: f64, high: f64| low - 0.6 <= value && value <= high + 0.6;
            let on_box = boxes.iter().any(|[left, top, w, h]| near(*left, *x, left + w) && near(*top, *y, top + h));
            let on_line = lines
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != index)
                .any(|(_, [a, b, c, d])| near(a.min(*c), *x, a.max(*c)) && near(b.min(*d), *y, b.max(*d)));
            assert!(on_box || on_line, "{x} {y}");
        }
    }
    assert!(lines.len() > 10);
}

#[test]
fn graphs_quote_what_they_name() {
    let dot = sample().dot();
    assert!(dot.contains("\"segment a\" -- \"zone web1\" [label=\"10.1.2.5\"]"), "{dot}");
    assert!(dot.contains("\"router r1\" -- \"router r2\" [style=dashed label=\"peers\"]"), "{dot}");
    assert!(dot.contains("\"link net0\" -- \"zone alone\""), "{dot}");
    assert_eq!(dot.matches('{').count(), dot.matches('}').count());
}
