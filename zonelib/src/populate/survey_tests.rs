#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ::tests::run::Scratch;
use ::tests::tiny::{EDITED, PACKAGED, Tiny, measures, set_time};

use super::*;
use crate::populate::{Image, Kept, Listing, Request, plan};
use crate::recipe::{BrandName, Site};

fn image() -> (Scratch, Tiny) {
    let scratch = Scratch::new();
    let mut image = Tiny::new(&scratch.join("image"));
    image.directory("/etc").directory("/usr").directory("/usr/bin").directory("/var").directory("/var/adm");
    image.line("/usr/open d none ? ? ? SUNWcs");
    fs::create_dir_all(image.at("/usr/open")).unwrap();
    image.file("/usr/bin/ls", "ls\n").link("/usr/bin/dir", "ls");
    image.editable("/etc/edited", "as packaged\n", "edited\n");
    image.put("/etc/live", "no pristine copy\n");
    image.line(format!("/etc/live e none 0644 root sys {} SUNWcs", measures("")));
    image.put("/var/adm/log", "a log\n");
    image.line(format!("/var/adm/log v none 0644 root sys {} SUNWcs", measures("")));
    image.put("/etc/zap/repositories/a.catalog", "ls\n");
    image.put("/var/sadm/pkg/SUNWcs/pkginfo", "PKG=SUNWcs\n");
    image.postinstall("SUNWpost", "#!/bin/sh\n").write();
    (scratch, image)
}

fn look(image: &Tiny, kept: Option<&Kept>, jobs: usize) -> Survey {
    let site = Site { config: "/nonexistent".into(), brands: "/nonexistent".into() };
    let recipe = site.recipe(&"whole-root".parse::<BrandName>().unwrap()).unwrap();
    let opened = Image::open(image.path()).unwrap();
    let contents = opened.contents().unwrap();
    let listing = Listing::collect(opened.tree(), Origin::Image).unwrap();
    let request = Request {
        image: opened.packages(&contents),
        listing: &listing,
        recipe: &recipe,
        kept,
        template: None,
        makes_template: false,
    };
    let trees = Trees { image: opened.tree(), template: None };
    survey(&plan(&request).unwrap(), &contents, trees, jobs).unwrap()
}

fn digest(image: &Tiny) -> [u8; 20] {
    look(image, None, 2).digest
}

/// Changes the content of a file and sets back what can be set.
fn forge(path: &Path, text: &str, time: i64) {
    fs::write(path, text).unwrap();
    set_time(path, time);
}

type Change<'c> = (&'c str, &'c dyn Fn(&mut Tiny));

#[test]
fn whatever_a_zone_would_get_counts() {
    let (_scratch, mut image) = image();
    let changes: &[Change<'_>] = &[
        ("content", &|image| forge(&image.at("/usr/bin/ls"), "LS\n", PACKAGED)),
        ("time", &|image| set_time(&image.at("/usr/bin/ls"), EDITED)),
        ("mode", &|image| fs::set_permissions(image.at("/usr/bin/ls"), Permissions::from_mode(0o600)).unwrap()),
        ("the database's mode", &|image| {
            image.line(format!("/usr/bin/ls f none 0555 root bin {} SUNWcs", measures("LS\n"))).write();
        }),
        ("another file of the same kind", &|image| {
            fs::copy(image.at("/usr/bin/ls"), image.at("/usr/bin/other")).unwrap();
            fs::rename(image.at("/usr/bin/other"), image.at("/usr/bin/ls")).unwrap();
            set_time(&image.at("/usr/bin/ls"), EDITED);
        }),
        ("a new package", &|image| {
            image.file("/usr/bin/new", "new\n").write();
        }),
        ("a missing file", &|image| fs::remove_file(image.at("/usr/bin/new")).unwrap()),
        ("the target of a link", &|image| {
            fs::remove_file(image.at("/usr/bin/dir")).unwrap();
            std::os::unix::fs::symlink("new", image.at("/usr/bin/dir")).unwrap();
        }),
        ("a pristine copy", &|image| {
            forge(&image.at("/var/sadm/pkg/SUNWcs/save/pspool/SUNWcs/reloc/etc/edited"), "AS PACKAGED\n", EDITED);
        }),
        ("an editable file without one", &|image| forge(&image.at("/etc/live"), "NO PRISTINE COPY\n", EDITED)),
        ("a live directory mode", &|image| {
            fs::set_permissions(image.at("/usr/open"), Permissions::from_mode(0o700)).unwrap();
        }),
        ("the attributes of a log", &|image| {
            fs::set_permissions(image.at("/var/adm/log"), Permissions::from_mode(0o600)).unwrap();
        }),
        ("a catalogue", &|image| forge(&image.at("/etc/zap/repositories/a.catalog"), "LS\n", EDITED)),
        ("metadata", &|image| forge(&image.at("/var/sadm/pkg/SUNWcs/pkginfo"), "PKG=SUNWCS\n", EDITED)),
        ("the seed of the repository", &|image| forge(&image.at("/lib/svc/seed/nonglobal.db"), "SEED\n", PACKAGED)),
        ("a script", &|image| {
            let path = "/var/sadm/pkg/SUNWpost/save/pspool/SUNWpost/install/postinstall";
            forge(&image.at(path), "#!/bin/SH\n", EDITED);
        }),
        ("a comment of the database", &|image| {
            let path = image.at("/var/sadm/install/contents");
            let text = fs::read_to_string(&path).unwrap().replace("Nov", "Dec");
            forge(&path, &text, PACKAGED);
        }),
        ("the time of the database", &|image| set_time(&image.at("/var/sadm/install/contents"), EDITED)),
        ("an owner's number", &|image| {
            image.put("/etc/group", "root::0:\nbin::12:\nsys::3:\nlp::8:\n");
        }),
    ];
    let mut seen = BTreeSet::from([digest(&image)]);
    for (what, change) in changes {
        change(&mut image);
        assert!(seen.insert(digest(&image)), "{what}");
    }
    let kept = Kept { packages: BTreeSet::from([b"SUNWcs".to_vec()]), ..Kept::default() };
    assert!(seen.insert(look(&image, Some(&kept), 2).digest), "a choice of packages");
}

#[test]
fn what_makes_no_other_zone_does_not_count() {
    let (_scratch, mut image) = image();
    let before = look(&image, None, 2);
    let changes: &[Change<'_>] = &[
        ("an edited file with a pristine copy", &|image| fs::write(image.at("/etc/edited"), "again\n").unwrap()),
        ("a stray file, and the time of its directory", &|image| {
            image.put("/etc/stray", "x");
        }),
        ("a file that is read", &|image| drop(fs::read(image.at("/usr/bin/ls")).unwrap())),
        ("a log that grows", &|image| fs::write(image.at("/var/adm/log"), "a log\nof more lines\n").unwrap()),
        ("the mode of a directory that the database knows", &|image| {
            fs::set_permissions(image.at("/var/adm"), Permissions::from_mode(0o700)).unwrap();
        }),
        ("a directory that no zone gets", &|image| fs::create_dir_all(image.at("/export/home")).unwrap()),
    ];
    for (what, change) in changes {
        change(&mut image);
        assert_eq!(look(&image, None, 2), before, "{what}");
    }
    assert_eq!(look(&image, None, 1), before);
    assert_eq!(look(&image, None, 64), before);
}

#[test]
fn what_is_missing_is_named_in_order() {
    let (_scratch, mut image) = image();
    image.line("/usr/bin/joined=ls l none SUNWcs").write();
    fs::remove_file(image.at("/usr/bin/ls")).unwrap();
    fs::remove_file(image.at("/etc/live")).unwrap();
    fs::create_dir(image.at("/etc/live")).unwrap();
    let found = look(&image, None, 2).missing;
    let found: Vec<(String, &str)> =
        found.iter().map(|one| (String::from_utf8_lossy(&one.path).into_owned(), one.reason.as_str())).collect();
    assert!(found.contains(&("etc/live".to_owned(), NO_FILE)), "{found:?}");
    assert!(found.contains(&("usr/bin/ls".to_owned(), NOT_THERE)), "{found:?}");
}
