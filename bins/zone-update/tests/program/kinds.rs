//! Attributes, and objects that become others.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown};

use crate::NONE;
use crate::common::Place;
use tests::run::skip_without_root;
use tests::tiny::measures;

fn mode(place: &Place, path: &str) -> u32 {
    fs::symlink_metadata(place.at(path)).unwrap().permissions().mode() & 0o7777
}

#[test]
fn attributes_follow_unless_the_zone_changed_them() {
    if skip_without_root() {
        return;
    }
    let mut place = Place::new("sparse-root");
    let file = |mode: &str, owner: &str| format!("/etc/plain f none {mode} {owner} bin {} SUNWcs", measures("one"));
    place.image.directory("/etc/dir").directory("/etc/closed").file("/etc/other", "one").write();
    place.install();
    fs::set_permissions(place.at("/etc/closed"), PermissionsExt::from_mode(0o700)).unwrap();
    fs::set_permissions(place.at("/etc/other"), PermissionsExt::from_mode(0o600)).unwrap();
    place.image.line(file("0444", "bin")).line("/etc/dir d none 0775 root sys SUNWcs");
    place.image.line("/etc/closed d none 0775 root sys SUNWcs");
    place.image.line(format!("/etc/other f none 0444 bin bin {} SUNWcs", measures("one"))).write();
    assert_eq!(
        place.steps(&["-n"], 0),
        [
            "attributes: /etc/closed: 0700 0:3",
            "attributes: /etc/dir: 0775 0:3",
            "attributes: /etc/other: 0600 2:2",
            "attributes: /etc/plain: 0444 2:2",
        ]
    );
    assert_eq!(place.steps(&[], 0), NONE);
    assert_eq!(
        ["/etc/closed", "/etc/dir", "/etc/other", "/etc/plain"].map(|path| mode(&place, path)),
        [0o700, 0o775, 0o600, 0o444]
    );
    assert_eq!(place.steps(&["-n"], 0), NONE);
}

#[test]
fn a_file_that_was_only_built_again_gets_its_new_time() {
    if skip_without_root() {
        return;
    }
    let mut place = Place::new("sparse-root");
    place.install();
    tests::tiny::set_time(&place.image.at("/etc/plain"), 1_800_000_000);
    let line = measures("one").replace("1700000000", "1800000000");
    place.image.line(format!("/etc/plain f none 0644 root bin {line} SUNWcs")).write();
    assert_eq!(place.steps(&["-v"], 0), ["attributes: /etc/plain: 0644 0:2"]);
    assert_eq!(place.steps(&["-v"], 0), NONE);
}

#[test]
fn objects_become_others() {
    if skip_without_root() {
        return;
    }
    let mut place = Place::new("sparse-root");
    place.image.file("/etc/grows", "a file").link("/etc/leads", "./plain").directory("/etc/shrinks");
    place.image.file("/etc/shrinks/file", "in it").directory("/etc/lived").file("/etc/lived/file", "in it").write();
    place.install();
    fs::write(place.at("/etc/lived/stray"), "stray").unwrap();
    for path in ["/etc/grows", "/etc/leads", "/etc/shrinks", "/etc/lived"] {
        place.image.remove(path);
    }
    place.image.directory("/etc/grows").file("/etc/grows/file", "now in it");
    place.image.directory("/etc/leads").directory("/etc/leads/deep").file("/etc/leads/deep/file", "deep");
    place.image.file("/etc/shrinks", "a file").link("/etc/lived", "./grows").write();
    let expected = [
        "replaced: /etc/grows",
        "added: /etc/grows/file",
        "replaced: /etc/leads",
        "added: /etc/leads/deep",
        "added: /etc/leads/deep/file",
        "kept: /etc/lived: is a directory with things of the zone in it, and no directory in the packages any more; \
         the new one is `lived.new`",
        "removed: /etc/lived/file",
        "replaced: /etc/shrinks",
        "removed: /etc/shrinks/file",
    ];
    assert_eq!(place.steps(&["-n"], 1), expected);
    assert_eq!(place.steps(&["-v"], 1), expected);
    assert_eq!(place.read("/etc/leads/deep/file"), "deep");
    assert_eq!((place.read("/etc/grows/file"), place.read("/etc/shrinks")), ("now in it".into(), "a file".into()));
    assert_eq!(place.read("/etc/lived/stray"), "stray");
    assert_eq!(fs::read_link(place.at("/etc/lived.new")).unwrap().to_str(), Some("./grows"));
    assert_eq!(place.steps(&["-v"], 0), NONE);
}

#[test]
fn directories_that_the_zone_removed_come_back_when_something_new_is_in_them() {
    if skip_without_root() {
        return;
    }
    let mut place = Place::new("sparse-root");
    place.image.directory("/etc/a").directory("/etc/a/b").file("/etc/a/b/file", "x").directory("/etc/c").write();
    place.install();
    fs::remove_dir_all(place.at("/etc/a")).unwrap();
    fs::remove_dir_all(place.at("/etc/c")).unwrap();
    assert_eq!(place.steps(&["-v"], 0), NONE);
    place.image.file("/etc/a/b/new", "new").write();
    assert_eq!(place.steps(&["-v"], 0), ["added: /etc/a", "added: /etc/a/b", "added: /etc/a/b/new"]);
    assert!(!place.at("/etc/a/b/file").exists() && !place.at("/etc/c").exists());
}

#[test]
fn names_that_are_packaged_or_taken_are_not_used() {
    if skip_without_root() {
        return;
    }
    let mut place = Place::new("sparse-root");
    place.image.file("/etc/edited.new", "packaged").write();
    place.install();
    place.edit();
    fs::create_dir(place.at("/etc/edited.new.1")).unwrap();
    fs::write(place.at("/etc/swapped.new"), "of an earlier update").unwrap();
    place.second_version();
    let said = place.steps(&[], 1);
    assert!(said.iter().any(|line| line.ends_with("the new one is `edited.new.2`")), "{said:#?}");
    assert_eq!(place.read("/etc/edited.new"), "packaged");
    assert_eq!(place.read("/etc/swapped.new"), "swapped: files dns mdns\n");
}

/// The profile links and the repository are the zone's, whatever the packages say.
#[test]
fn services_are_the_zones_own() {
    if skip_without_root() {
        return;
    }
    let mut place = Place::new("sparse-root");
    place.install();
    fs::write(place.at("/etc/svc/repository.db"), "of the zone").unwrap();
    fs::remove_file(place.at("/etc/svc/profile/generic.xml")).unwrap();
    std::os::unix::fs::symlink("site.xml", place.at("/etc/svc/profile/generic.xml")).unwrap();
    lchown(place.at("/etc/svc/profile/generic.xml"), Some(71), Some(8)).unwrap();
    place.image.file("/lib/svc/seed/nonglobal.db", "another").file("/etc/svc/profile/generic.xml", "x").write();
    assert_eq!(place.steps(&["-v"], 0), NONE);
    assert_eq!(place.read("/etc/svc/repository.db"), "of the zone");
    assert_eq!(fs::read_link(place.at("/etc/svc/profile/generic.xml")).unwrap().to_str(), Some("site.xml"));
}

#[test]
fn a_zone_with_a_choice_of_packages_keeps_it() {
    if skip_without_root() {
        return;
    }
    let mut place = Place::new("whole-root");
    place.install();
    place.image.put("/usr/bin/new", "new").put("/var/sadm/pkg/TRIBnew/pkginfo", "PKG=TRIBnew\n");
    place.image.line(format!("/usr/bin/new f none 0755 root bin {} TRIBnew", measures("new")));
    place.image.file("/usr/bin/more", "more").write();
    assert_eq!(place.steps(&["-v"], 0), ["added: /usr/bin/more"]);
    assert!(!place.contents().contains("TRIBnew"));
    let everything = ["added: /usr/bin/new", "added: /var/sadm/pkg/TRIBnew", "added: /var/sadm/pkg/TRIBnew/pkginfo"];
    assert_eq!(place.steps(&["-v", "--everything"], 0), everything);
    assert!(place.contents().contains("/usr/bin/new f none"));
    assert_eq!(place.steps(&["-v"], 0), NONE);
}
