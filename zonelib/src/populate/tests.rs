//! Plans of tiny images, where a case is easier to see than in a zone.

use std::collections::BTreeSet;
use std::fs;

use ::tests::run::Scratch;
use ::tests::tiny::{PACKAGED, Tiny, measures};

use super::*;
use crate::recipe::{BrandName, Recipe, Site};

/// Plans a zone of a brand and hands the plan on.
pub(super) fn planned<R>(image: &Tiny, brand: &str, kept: Option<&Kept>, then: impl FnOnce(&Plan<'_>) -> R) -> R {
    image.write();
    let recipe = recipe(brand);
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
    then(&plan(&request).unwrap())
}

fn recipe(brand: &str) -> Recipe {
    let site = Site { config: "/nonexistent".into(), brands: "/nonexistent".into() };
    site.recipe(&brand.parse::<BrandName>().unwrap()).unwrap()
}

/// The line of one action, as `-n -v` prints it.
fn line(plan: &Plan<'_>, path: &str) -> Option<String> {
    let action = plan.actions.iter().find(|action| action.path.as_ref() == path.trim_start_matches('/').as_bytes())?;
    Some(action_line(action).split_whitespace().collect::<Vec<_>>().join(" "))
}

fn missing(plan: &Plan<'_>) -> Vec<String> {
    plan.missing.iter().map(|missing| format!("/{} {}", printable(&missing.path), missing.reason)).collect()
}

fn image() -> (Scratch, Tiny) {
    let scratch = Scratch::new();
    let image = Tiny::new(&scratch.join("image"));
    (scratch, image)
}

fn link(image: &mut Tiny, path: &str, target: &str) {
    image.line(format!("{path}={target} l none SUNWcs"));
}

#[test]
fn parents_come_before_children_and_paths_once() {
    let (_scratch, mut image) = image();
    // `-` sorts before `/`: a directory's own content is not next to it.
    image.directory("/etc/a").file("/etc/a/x", "x\n").file("/etc/a-b", "x\n").file("/etc/a/deep/er/y", "x\n");
    for brand in ["sparse-root", "whole-root"] {
        planned(&image, brand, None, |plan| {
            let mut seen: BTreeSet<&[u8]> = BTreeSet::from([&b""[..]]);
            for action in &plan.actions {
                assert!(seen.contains(action.split().0), "{:?} before its directory", action.path);
                assert!(seen.insert(&action.path), "{:?} twice", action.path);
            }
            assert_eq!(line(plan, "/etc/a/deep").as_deref(), Some("directory 0755 0 0 /etc/a/deep"));
        });
    }
}

#[test]
fn what_lies_below_no_directory_is_missing_at_every_depth() {
    let (_scratch, mut image) = image();
    image.link("/etc/link", "elsewhere").directory("/etc/elsewhere");
    image.line("/etc/link/deep d none 0755 root bin SUNWcs");
    image.line("/etc/link/deep/er d none 0755 root bin SUNWcs");
    for path in ["/etc/link/deep/er/file", "/etc/link/implied/file", "/etc/link/near"] {
        image.line(format!("{path} f none 0644 root bin {} SUNWcs", measures("x\n")));
    }
    image.line("/etc/link/s=x s none SUNWcs");
    planned(&image, "sparse-root", None, |plan| {
        assert!(!plan.actions.iter().any(|action| action.path.starts_with(b"etc/link/")));
        let missing = missing(plan);
        assert_eq!(missing.len(), 6, "{missing:#?}");
        assert!(missing.iter().all(|one| one.contains("`/etc/link")), "{missing:#?}");
    });
}

/// A whole zone's own link takes the place of what is packaged, and what lies below that is said.
#[test]
fn what_zonekit_makes_takes_the_place_of_what_is_packaged() {
    let (_scratch, mut image) = image();
    image.file("/etc/svc/profile/generic.xml", "packaged\n").file("/etc/svc/repository.db", "packaged\n");
    planned(&image, "whole-root", None, |plan| {
        let link = line(plan, "/etc/svc/profile/generic.xml").unwrap();
        assert!(link.starts_with("symlink ") && link.ends_with(" -> generic_limited_net.xml"), "{link}");
        let repository = line(plan, "/etc/svc/repository.db").unwrap();
        assert_eq!(repository, "file 0600 0 3 /etc/svc/repository.db < /lib/svc/seed/nonglobal.db");
    });
}

#[test]
fn hard_links_lead_to_files() {
    let (_scratch, mut image) = image();
    image.file("/etc/file", "x\n").directory("/etc/directory").file("/usr/outside", "x\n");
    for (path, target) in [
        ("/etc/near", "file"),
        ("/etc/directory/up", "../file"),
        ("/etc/absolute", "/etc/file"),
        ("/etc/odd", "./directory/.././/file"),
        ("/etc/above", "../../../../etc/file"),
        ("/etc/chain-1", "chain-2"),
        ("/etc/chain-2", "near"),
        ("/etc/to-usr", "../usr/outside"),
        ("/etc/to-usr-too", "to-usr"),
        ("/etc/self", "self"),
        ("/etc/loop-1", "loop-2"),
        ("/etc/loop-2", "loop-1"),
        ("/etc/to-directory", "directory"),
    ] {
        link(&mut image, path, target);
    }
    planned(&image, "sparse-root", None, |plan| {
        for path in ["near", "directory/up", "absolute", "odd", "above", "chain-1", "chain-2"] {
            let line = line(plan, &format!("/etc/{path}")).unwrap();
            assert!(line.starts_with("hard link ") && line.ends_with(" = /etc/file"), "{line}");
        }
        // The first becomes a copy, the second a name of that copy.
        let copy = line(plan, "/etc/to-usr").unwrap();
        assert_eq!(copy, "file 0644 0 2 /etc/to-usr < /usr/outside");
        assert!(line(plan, "/etc/to-usr-too").unwrap().ends_with(" = /etc/to-usr"));
        let missing = missing(plan);
        for path in ["self", "loop-1", "loop-2", "to-directory"] {
            let said = missing.iter().any(|one| one.starts_with(&format!("/etc/{path} is a hard link")));
            assert!(said && line(plan, &format!("/etc/{path}")).is_none(), "{path}: {missing:#?}");
        }
    });
}

/// The pristine copy is that of the last package that is kept and has one.
#[test]
fn pristine_copies_of_kept_packages() {
    let (_scratch, mut image) = image();
    image.editable("/etc/x", "of SUNWcs\n", "live\n");
    image.line(format!("/etc/x e none 0640 root lp {} SUNWcs LATER NOCOPY", measures("of LATER\n")));
    image.put("/var/sadm/pkg/LATER/save/pspool/LATER/reloc/etc/x", "of LATER\n");
    let source = |kept: Option<&Kept>| planned(&image, "whole-root", kept, |plan| line(plan, "/etc/x").unwrap());
    let keeping = |names: &[&str]| Kept {
        packages: names.iter().map(|name| name.as_bytes().to_vec()).collect(),
        ..Kept::default()
    };
    assert!(source(None).ends_with("/LATER/save/pspool/LATER/reloc/etc/x"));
    assert!(source(Some(&keeping(&["SUNWcs", "NOCOPY"]))).ends_with("/SUNWcs/save/pspool/SUNWcs/reloc/etc/x"));
    // Of the packages that are kept none has a copy: the live file is all there is.
    assert_eq!(source(Some(&keeping(&["NOCOPY"]))), "file 0640 0 8 /etc/x");
}

/// A copy that is reached through a link is none: it could be anybody's file.
#[test]
fn pristine_copies_that_are_links_are_none() {
    let (scratch, mut image) = image();
    fs::write(scratch.join("outside"), "outside\n").unwrap();
    image.editable("/etc/x", "packaged\n", "live\n");
    let copy = image.at("/var/sadm/pkg/SUNWcs/save/pspool/SUNWcs/reloc/etc/x");
    fs::remove_file(&copy).unwrap();
    std::os::unix::fs::symlink(scratch.join("outside"), &copy).unwrap();
    planned(&image, "sparse-root", None, |plan| {
        assert_eq!(line(plan, "/etc/x").as_deref(), Some("file 0640 0 8 /etc/x"));
    });
}

#[test]
fn unknown_attributes_are_those_of_the_live_file_or_plain() {
    let (_scratch, mut image) = image();
    let copy = |path: &str| format!("/var/sadm/pkg/SUNWcs/save/pspool/SUNWcs/reloc{path}");
    for path in ["/etc/live", "/etc/gone", "/etc/linked"] {
        image.line(format!("{path} e none ? ? ? ? ? ? SUNWcs")).put(&copy(path), "packaged\n");
    }
    image.put("/etc/live", "live\n");
    std::os::unix::fs::symlink("live", image.at("/etc/linked")).unwrap();
    fs::set_permissions(image.at("/etc/live"), std::os::unix::fs::PermissionsExt::from_mode(0o604)).unwrap();
    planned(&image, "sparse-root", None, |plan| {
        for (path, mode) in [("/etc/live", "0604"), ("/etc/gone", "0644"), ("/etc/linked", "0644")] {
            assert!(line(plan, path).unwrap().starts_with(&format!("file {mode} ")), "{:?}", line(plan, path));
        }
        assert!(plan.actions.iter().all(|action| match &action.what {
            What::File { modified, editable, .. } => !editable || *modified == Modified::Live,
            _ => true,
        }));
    });
}

#[test]
fn packages_that_own_opt_leave_no_metadata() {
    let (_scratch, mut image) = image();
    image.line("/opt d none 0755 root sys SUNWcs *OWNER OTHER:class LAST\\");
    for package in ["SUNWcs", "SUNWcsx", "OWNER", "OTHER", "LAST", "PLAIN", "SUNWvbox"] {
        image.put(&format!("/var/sadm/pkg/{package}/pkginfo"), "PKG=x\n");
    }
    planned(&image, "sparse-root", None, |plan| {
        let there = |name: &str| line(plan, &format!("/var/sadm/pkg/{name}/pkginfo")).is_some();
        assert_eq!(
            ["SUNWcs", "SUNWcsx", "OWNER", "OTHER", "LAST", "PLAIN", "SUNWvbox"].map(there),
            [true, true, false, false, false, true, false]
        );
    });
}

/// Objects that nobody dated have the time of the database, so that plans do not depend on when they are made.
#[test]
fn what_zonekit_makes_is_as_old_as_the_database() {
    let (_scratch, image) = image();
    planned(&image, "sparse-root", None, |plan| {
        let made = plan.actions.iter().filter_map(|action| match &action.what {
            What::Text { modified, .. } | What::Symlink { modified, .. } => Some(*modified),
            _ => None,
        });
        let times: Vec<_> = made.collect();
        assert!(times.len() >= 6);
        assert!(times.iter().all(|time| *time == crate::root::Timestamp::from_seconds(PACKAGED)), "{times:?}");
    });
}
