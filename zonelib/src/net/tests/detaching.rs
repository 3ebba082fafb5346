//! What goes with a zone.

use super::*;
use crate::config::ZoneName;

fn gone(host: &Host, zone: &str) -> Result<Removed, String> {
    detach(&zone.parse().unwrap(), &host.view(), &host.store).map_err(|error| error.to_string())
}

#[test]
fn what_was_made_goes_and_nothing_else() {
    let mut host = Host::with_router(&["10.1.2.0/24", "fd00:1::/64"]);
    host.lists.link("theirs0", LinkClass::Vnic, 1500, &["net1"]);
    let mut wanted = exclusive("web", &["10.1.2.5", "192.0.2.30"]);
    wanted.flow = Some("maxbw=5M".parse().unwrap());
    host.make(&wanted);
    host.make(&shared("db", &["10.1.2.6"]));
    assert_eq!(gone(&host, "r1").unwrap_err(), "zone `r1` is the router of db, web; destroy or detach them first");
    let web = gone(&host, "web").unwrap();
    assert_eq!(
        commands(&web.steps),
        [
            "flowadm remove-flow zflow2",
            "dladm delete-vnic znic2",
            "forget attachments/web+znic2+10.1.2.5",
            "flowadm remove-flow zflow3",
            "dladm delete-vnic znic3",
            "forget attachments/web+znic3+192.0.2.30",
        ]
    );
    host.run(&web.steps);
    let db = gone(&host, "db").unwrap();
    assert_eq!(commands(&db.steps), ["forget attachments/db+snic0+10.1.2.6"]);
    host.run(&db.steps);
    let router = gone(&host, "r1").unwrap();
    assert_eq!(
        commands(&router.steps),
        [
            "dladm delete-vnic znic0",
            "forget attachments/r1+znic0+192.0.2.20",
            "dladm delete-vnic znic1",
            "forget attachments/r1+znic1+10.1.2.1+fd00:1::1",
            "ipadm delete-if snic0",
            "dladm delete-vnic snic0",
            "dladm delete-etherstub zrstub0",
            "forget segments/10.1.2.0-24",
        ]
    );
    host.run(&router.steps);
    let names: Vec<&str> = host.lists.links.iter().map(|link| link.name.as_str()).collect();
    assert_eq!(names, ["net0", "net1", "theirs0"]);
    assert!(host.view().segments.is_empty() && host.view().attachment_keys().is_empty());
    assert!(gone(&host, "r1").unwrap().steps.is_empty());
}

#[test]
fn what_is_half_gone_goes_too() {
    let mut host = Host::with_router(&["10.1.2.0/24"]);
    let whole = gone(&host, "r1").unwrap();
    for done in 0..whole.steps.len() {
        let mut half = Host::with_router(&["10.1.2.0/24"]);
        // The Ethernet addresses are those of that host.
        let steps = gone(&half, "r1").unwrap().steps;
        half.run(&steps[..done]);
        let rest = gone(&half, "r1").unwrap();
        half.run(&rest.steps);
        assert_eq!(half.lists.links, Lists::usual().links, "after {done} steps");
        assert!(half.view().segments.is_empty(), "after {done} steps");
    }
    host.run(&whole.steps);
}

#[test]
fn strangers_are_named_and_stay() {
    let mut host = Host::with_router(&["10.1.2.0/24"]);
    let stranger = Vnic { name: "theirs0".to_owned(), over: "zrstub0".to_owned(), mac: None, vlan: None };
    host.lists.vnics.push(stranger);
    let error = gone(&host, "r1").unwrap_err();
    assert_eq!(error, "`theirs0` on the etherstub `zrstub0` is not zonekit's; see what it is for, and delete it first");
    host.lists.vnics.pop();
    host.make(&exclusive("web", &["10.1.2.5"]));
    // Deleted by hand, and another of the same name made.
    let other = host.lists.vnics.iter_mut().find(|vnic| vnic.name == "znic2").unwrap();
    other.mac = Some("2:8:20:9:9:9".parse().unwrap());
    let web = gone(&host, "web").unwrap();
    assert_eq!(commands(&web.steps), ["forget attachments/web+znic2+10.1.2.5"]);
    assert_eq!(web.notes, ["the vnic `znic2` on `zrstub0` stays: it is not the one that zonekit made"]);
}

#[test]
fn one_address_of_several_can_go() {
    let mut host = Host::with_router(&["10.1.2.0/24"]);
    host.make(&exclusive("web", &["10.1.2.5", "192.0.2.30"]));
    let web: ZoneName = "web".parse().unwrap();
    let removed = detach_address(&web, ip("10.1.2.5"), &host.view(), &host.store).unwrap();
    assert_eq!(commands(&removed.steps), ["dladm delete-vnic znic2", "forget attachments/web+znic2+10.1.2.5"]);
    let error = |zone: &str, address: &str| {
        detach_address(&zone.parse().unwrap(), ip(address), &host.view(), &host.store).unwrap_err().to_string()
    };
    assert!(error("web", "10.1.2.9").contains("zone `web` has no address 10.1.2.9"));
    assert!(error("r1", "10.1.2.1").contains("is that of a router"));
}
