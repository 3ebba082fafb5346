#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use super::*;
use crate::recipe::{BrandName, Site};
use crate::storage::Which;

fn install(brand: &str) -> Install {
    let site = Site { config: "/nonexistent".into(), brands: "/nonexistent".into() };
    Install {
        zone: Some("z1".parse().unwrap()),
        zonepath: Some("/zones/z1".into()),
        recipe: site.recipe(&brand.parse::<BrandName>().unwrap()).unwrap(),
        image: "/".into(),
        zonelib: None,
        template: None,
        makes_template: false,
        wanted: None,
        add_overlays: Vec::new(),
        add_packages: Vec::new(),
        archive: None,
        import: true,
        verify: false,
        strict: false,
        jobs: 1,
        storage: Which::Auto,
        state: StateDir::new(Path::new("/nonexistent")),
        keep: false,
        golden: true,
    }
}

fn survey(byte: u8) -> Survey {
    Survey { missing: Vec::new(), digest: [byte; 20] }
}

fn image(install: &Install, byte: u8) -> String {
    Golden::of(install, &"rpool/zones".parse().unwrap(), &survey(byte)).unwrap().dataset().to_owned()
}

#[test]
fn an_image_is_named_after_the_brand_and_what_it_is_filled_with() {
    let whole = install("whole-root");
    let name = image(&whole, 1);
    let digits = name.strip_prefix("rpool/zones/.golden/whole-root-").unwrap();
    assert!(digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
    let adding = |overlays: &[&str], packages: &[&str]| Install {
        add_overlays: overlays.iter().map(|name| name.parse().unwrap()).collect(),
        add_packages: packages.iter().map(|name| (*name).to_owned()).collect(),
        ..install("whole-root")
    };
    let mut less = adding(&["web"], &[]);
    less.recipe.prune = crate::recipe::PruneSet::default();
    let others = [
        name.clone(),
        image(&whole, 2),
        image(&install("sparse-root"), 1),
        image(&adding(&["web"], &[]), 1),
        image(&adding(&[], &["web"]), 1),
        image(&adding(&["web", "ssh"], &[]), 1),
        image(&adding(&["web"], &["ssh"]), 1),
        image(&less, 1),
    ];
    assert_eq!(others.iter().collect::<BTreeSet<_>>().len(), others.len(), "{others:?}");
    let same = Install { strict: true, jobs: 9, zonepath: Some("/zones/z2".into()), ..install("whole-root") };
    assert_eq!(image(&same, 1), name);
}

#[test]
fn who_wants_every_file_read_gets_no_clone() {
    let zonepath: DatasetName = "rpool/zones/z1".parse().unwrap();
    let below = |install: Install| install.golden_below(&zonepath).map(|zones| zones.to_string());
    assert_eq!(below(install("whole-root")).as_deref(), Some("rpool/zones"));
    assert_eq!(below(install("sparse-root")), None);
    assert_eq!(below(Install { verify: true, ..install("whole-root") }), None);
    assert_eq!(below(Install { golden: false, ..install("whole-root") }), None);
    assert_eq!(below(Install { makes_template: true, ..install("whole-root") }), None);
    assert_eq!(install("whole-root").golden_below(&"pool".parse().unwrap()), None);
}

#[test]
fn names_that_are_too_many_for_a_property_are_left_out() {
    assert_eq!(names(Vec::new()), None);
    assert_eq!(names(vec!["A".to_owned(), "B".to_owned()]).as_deref(), Some("A,B"));
    let many = names((0..1000).map(|number| format!("SUNW{number}")).collect()).unwrap();
    assert!(many.len() <= VALUE_LIMIT && many.starts_with("SUNW0,SUNW1,") && !many.ends_with(','), "{many}");
}
