use std::path::{Path, PathBuf};

use super::*;
use crate::config::Network;
use crate::zone::Kind;
use crate::zone::record::Share;

/// Compares a text with the one that is kept in `golden/`, which `UPDATE_GOLDEN=1` writes anew.
fn golden(name: &str, found: &str) {
    ::tests::run::golden(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/zone/golden").join(name), found, true);
}

fn account() -> Account {
    Account {
        name: "joe".parse().unwrap(),
        passwd: "joe:x:101:10::/home/joe:/bin/sh".to_owned(),
        shadow: None,
        group: None,
        gid: 10,
        home: "/home/joe".into(),
    }
}

/// As much as a zone of its type can have.
fn rich(kind: Kind) -> Request {
    let mut request = Request::new("web".parse().unwrap(), kind);
    request.exclusive = vec!["10.1.2.5".parse().unwrap()];
    request.memory = Some("2G".parse().unwrap());
    request.cpus = Some("2".parse().unwrap());
    match kind {
        Kind::Router => request.router_for = vec!["10.9.0.0/16".parse().unwrap()],
        Kind::Sparse => request.template = Some("develop".parse().unwrap()),
        Kind::Bhyve => {
            request.image = Some("/images/one.iso".into());
            request.cloud_init = true;
        }
        _ => {}
    }
    request
}

fn networks(kind: Kind) -> Vec<Network> {
    let net = |physical: &str, allowed: Option<&str>, router: Option<&str>| Network {
        physical: physical.to_owned(),
        address: None,
        allowed_address: allowed.map(str::to_owned),
        defrouter: router.map(str::to_owned),
    };
    match kind {
        Kind::Router => vec![net("znic0", None, None), net("znic1", None, None)],
        _ => vec![
            net("znic2", Some("10.1.2.5/24"), Some("10.1.2.1")),
            net("znic2", Some("fd00:1::5/64"), Some("fd00:1::1")),
        ],
    }
}

#[test]
fn zonecfg_is_told_the_same_as_before() {
    let share = |directory: &str, special: &str, read_only| Share {
        directory: directory.into(),
        special: PathBuf::from(special),
        read_only,
    };
    for name in Kind::names() {
        let kind: Kind = name.parse().unwrap();
        let request = rich(kind);
        let machine = kind == Kind::Bhyve;
        let attributes: &[(&'static str, String)] = match kind {
            Kind::Lx => &[("kernel-version", "4.4.15".to_owned()), ("resolvers", "10.1.2.1".to_owned())],
            Kind::Bhyve => &[("cloud-init", "on".to_owned()), ("resolvers", "10.1.2.1,9.9.9.9".to_owned())],
            _ => &[],
        };
        let configuration = Configuration {
            request: &request,
            zonepath: Path::new("/export/zones/web"),
            operation: "OPERATION",
            networks: &networks(kind),
            shares: &[share("/data", "/export/zonedata/web/data", false), share("/export/a b", "/export/a b", true)],
            datasets: if machine { &[] } else { &["tank/web".to_owned()][..] },
            accounts: if machine { &[] } else { &[account()][..] },
            volumes: if machine { &["rpool/web_bhvol0".to_owned(), "tank/web_bhvol0".to_owned()][..] } else { &[] },
            attributes,
        };
        golden(&format!("{name}.zonecfg"), &configuration.commands().unwrap().file());
    }
    let mut shared = Request::new("web".parse().unwrap(), Kind::Whole);
    shared.shared = vec!["10.1.2.5".parse().unwrap()];
    (shared.autoboot, shared.boot) = (false, false);
    let net = Network {
        physical: "snic0".to_owned(),
        address: Some("10.1.2.5/24".to_owned()),
        allowed_address: None,
        defrouter: None,
    };
    let configuration = Configuration {
        request: &shared,
        zonepath: Path::new("/export/zones/web"),
        operation: "OPERATION",
        networks: &[net],
        shares: &[],
        datasets: &[],
        accounts: &[],
        volumes: &[],
        attributes: &[],
    };
    golden("shared-ip.zonecfg", &configuration.commands().unwrap().file());
}
