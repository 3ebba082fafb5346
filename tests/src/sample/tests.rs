//! The image is what it says it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

use contents::checksum::checksum;
use contents::depend::Dependencies;
use contents::pkginfo::PackageInfo;
use contents::pkgmap::Pkgmap;
use contents::{Contents, Kind};

use super::*;

const PLAIN: Options = Options { scale: 1, edge_cases: false };

struct Made {
    sample: Sample,
    text: Vec<u8>,
    directory: tempfile::TempDir,
}

fn made(options: &Options) -> Made {
    let directory = tempfile::tempdir().unwrap();
    let sample = make(&directory.path().join("image"), options).unwrap();
    let text = fs::read(sample.on_disk("/var/sadm/install/contents")).unwrap();
    Made { sample, text, directory }
}

impl Made {
    fn contents(&self) -> Contents<'_> {
        Contents::parse(Path::new(contents::database::CONTENTS), &self.text).unwrap()
    }
}

fn exists(sample: &Sample, path: &Path) -> bool {
    fs::symlink_metadata(sample.on_disk(path)).is_ok()
}

#[test]
fn contents_is_canonical() {
    for options in [PLAIN, Options::default(), Options { scale: 3, edge_cases: true }] {
        let made = made(&options);
        let contents = made.contents();
        assert_eq!(contents.to_bytes(), made.text);
        assert_eq!(contents.entries().len(), made.sample.entries);
        let paths: Vec<&[u8]> = contents.entries().iter().map(|entry| entry.path_bytes()).collect();
        assert!(paths.is_sorted_by(|a, b| a < b), "the order of bytes");
        let lines: Vec<&[u8]> = made.text.split(|byte| *byte == b'\n').collect();
        let [.., last, date, end] = lines.as_slice() else { panic!("no lines") };
        assert!(last.starts_with(b"# Last modified by pkgadd for ") && date.starts_with(b"# ") && end.is_empty());
    }
}

#[test]
fn all_kinds_are_there() {
    let made = made(&Options::default());
    let contents = made.contents();
    let kinds: BTreeSet<char> = contents.entries().iter().map(|entry| entry.kind().letter()).collect();
    assert_eq!(kinds.into_iter().collect::<String>(), "bcdeflpsvx");
    let listed: BTreeSet<char> = ["kinds", "devices"]
        .iter()
        .flat_map(|category| made.sample.edge(category))
        .map(|path| contents.get(path.as_os_str().as_bytes()).unwrap().kind().letter())
        .collect();
    assert_eq!(listed.into_iter().collect::<String>(), "bcdeflpsvx");
}

#[derive(Debug, PartialEq)]
struct Seen {
    mode: u32,
    owner: (u32, u32),
    device: u64,
    modified: (i64, i64),
    content: Vec<u8>,
    /// The first path with the same inode.
    same_as: PathBuf,
}

/// All that is below a directory.
fn seen(root: &Path) -> BTreeMap<PathBuf, Seen> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(place) = pending.pop() {
        let metadata = fs::symlink_metadata(&place).unwrap();
        let content = if metadata.is_symlink() {
            fs::read_link(&place).unwrap().as_os_str().as_bytes().to_vec()
        } else if metadata.is_file() {
            // A mode may forbid reading where the caller is not root.
            fs::read(&place).unwrap_or_default()
        } else {
            Vec::new()
        };
        if metadata.is_dir() {
            pending.extend(fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path()));
        }
        let seen = Seen {
            mode: metadata.mode(),
            owner: (metadata.uid(), metadata.gid()),
            device: metadata.rdev(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            content,
            same_as: PathBuf::new(),
        };
        found.insert(place.strip_prefix(root).unwrap().to_owned(), (metadata.ino(), seen));
    }
    let mut first = BTreeMap::new();
    for (path, (inode, seen)) in &mut found {
        seen.same_as = first.entry(*inode).or_insert_with(|| path.clone()).clone();
    }
    found.into_iter().map(|(path, (_, seen))| (path, seen)).collect()
}

#[test]
fn two_images_are_alike() {
    let (a, b) = (made(&Options::default()), made(&Options::default()));
    let (a_seen, b_seen) = (seen(&a.sample.root), seen(&b.sample.root));
    assert!(a_seen.keys().eq(b_seen.keys()));
    for (path, seen) in &a_seen {
        assert_eq!(seen, &b_seen[path], "{}", path.display());
    }
    assert_eq!(a.sample.edge, b.sample.edge);
    // Nothing was written beside the image, through no link.
    assert_eq!(fs::read_dir(a.directory.path()).unwrap().count(), 1);
    assert!(!Path::new("/zonekit-sample-outside").exists());
}

#[test]
fn categories_hold_what_they_say() {
    let made = made(&Options::default());
    let contents = made.contents();
    let named: BTreeSet<&str> = CATEGORIES.iter().map(|category| category.name).collect();
    assert_eq!(named.len(), CATEGORIES.len());
    assert!(made.sample.edge.keys().copied().eq(named));
    for category in CATEGORIES {
        let paths = made.sample.edge(category.name);
        assert!(!paths.is_empty(), "{}", category.name);
        for path in paths {
            let listed = contents.get(path.as_os_str().as_bytes()).is_some();
            let expected = match category.place {
                Place::Packaged => (true, true),
                Place::Device => (true, made.sample.devices),
                Place::Missing => (true, false),
                Place::Unpackaged => (false, true),
            };
            assert_eq!((listed, exists(&made.sample, path)), expected, "{}: {}", category.name, path.display());
        }
    }
    assert!(made.sample.edge.values().map(Vec::len).sum::<usize>() > 250);
}

#[test]
fn what_nobody_changed_is_as_packaged() {
    let made = made(&Options::default());
    for entry in made.contents().entries() {
        let path = entry.path();
        let changed = |changed: &PathBuf| path.starts_with(changed);
        let linked = made.sample.edge("hard-links-editable").iter().any(|linked| linked == path);
        if made.sample.changed.iter().any(changed) || linked || !exists(&made.sample, path) {
            continue;
        }
        let metadata = fs::symlink_metadata(made.sample.on_disk(path)).unwrap();
        if let Some(mode) = entry.mode() {
            assert_eq!(metadata.mode() & 0o7777, mode, "{entry:?}");
        }
        if let (true, Some(owner), Some(group)) = (made.sample.owned, entry.owner(), entry.group()) {
            let name = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
            let expected = (accounts::uid(&name(owner)).unwrap(), accounts::gid(&name(group)).unwrap());
            assert_eq!((metadata.uid(), metadata.gid()), expected, "{entry:?}");
        }
        if let Some(size) = entry.size() {
            assert_eq!((metadata.len(), metadata.mtime(), metadata.mtime_nsec()), (size, entry.modified().unwrap(), 0));
            if let Ok(bytes) = fs::read(made.sample.on_disk(path)) {
                assert_eq!(Some(u32::from(checksum(&bytes))), entry.checksum(), "{entry:?}");
            }
        }
        match entry.kind() {
            Kind::Symlink => {
                let target = fs::read_link(made.sample.on_disk(path)).unwrap();
                assert_eq!(Some(target.as_os_str().as_bytes()), entry.target());
            }
            Kind::HardLink => assert!(metadata.nlink() > 1, "{entry:?}"),
            Kind::Directory | Kind::Exclusive => assert!(metadata.is_dir(), "{entry:?}"),
            _ => {}
        }
    }
}

#[test]
fn pristine_copies_are_those_of_the_database() {
    let made = made(&Options::default());
    let contents = made.contents();
    let without = ["editable-no-pristine", "editable-lost"];
    let editable = contents.entries().iter().filter(|entry| entry.kind().is_editable()).count();
    let lacking = without.iter().map(|category| made.sample.edge(category).len()).sum::<usize>();
    assert_eq!(made.sample.pristine.len(), editable - lacking);
    for (path, copy) in &made.sample.pristine {
        let entry = contents.get(path.as_os_str().as_bytes()).unwrap();
        let place = made.sample.on_disk(copy);
        let metadata = fs::symlink_metadata(&place).unwrap();
        if made.sample.edge("editable-earlier-pristine").contains(path) {
            assert_eq!(fs::read(&place).unwrap(), b"from the first package\n");
            continue;
        }
        assert_eq!(metadata.mode() & 0o7777, entry.mode().unwrap_or(0o644) & 0o777, "{entry:?}");
        if let Some(size) = entry.size() {
            assert_eq!((metadata.len(), metadata.mtime()), (size, entry.modified().unwrap()));
            let bytes = fs::read(&place).unwrap_or_default();
            assert!(!made.sample.owned || entry.checksum() == Some(u32::from(checksum(&bytes))), "{entry:?}");
        }
        if made.sample.owned {
            assert_eq!((metadata.uid(), metadata.gid()), (0, 0), "{entry:?}");
        }
    }
}

#[test]
fn plain_images_have_no_edge_cases() {
    let (plain, whole) = (made(&PLAIN), made(&Options::default()));
    assert!(plain.sample.edge.is_empty());
    assert!((550..750).contains(&plain.sample.entries), "{}", plain.sample.entries);
    assert!(plain.sample.bytes < 10_000_000 && plain.sample.packages.len() >= 25);
    assert!(!String::from_utf8(plain.text.clone()).unwrap().contains("SAMPedge"));
    let contents = plain.contents();
    for path in [names::PRUNED_LIB, names::PRUNED_SPARSE, names::PRUNED_WHOLE].concat() {
        assert!(contents.get(path.as_bytes()).is_some(), "{path}");
    }
    let large = made(&Options { scale: 3, edge_cases: false });
    assert!(large.sample.entries > plain.sample.entries + 300);
    assert!(large.contents().entries().iter().filter(|entry| entry.size() > Some(1 << 20)).count() >= 1);
    assert_eq!(fs::read_dir(plain.sample.on_disk(names::LIBRARY_CLONE)).unwrap().count(), 0);
    for path in plain.sample.unpackaged.iter().chain(&plain.sample.catalogues) {
        assert!(exists(&plain.sample, path) && contents.get(path.as_os_str().as_bytes()).is_none(), "{path:?}");
    }
    assert!(whole.sample.entries > plain.sample.entries + 250);
}

#[test]
fn services_hang_together() {
    let made = made(&PLAIN);
    let contents = made.contents();
    let all: BTreeSet<&str> = services::KEPT.iter().chain(services::PRUNED).map(|service| service.name).collect();
    let pruned: BTreeSet<&str> = services::PRUNED.iter().map(|service| service.name).collect();
    for service in services::KEPT.iter().chain(services::PRUNED) {
        for other in service.requires.iter().chain(service.wants) {
            assert!(all.contains(other), "{} needs {other}", service.name);
        }
        assert!(service.method.is_empty() || exists(&made.sample, &Path::new("/lib/svc/method").join(service.method)));
    }
    for service in services::KEPT {
        let stranded = service.requires.iter().any(|other| pruned.contains(other));
        assert_eq!(stranded, services::STRANDED.contains(&service.name), "{}", service.name);
    }
    assert_eq!(made.sample.stranded_services.len(), services::STRANDED.len());
    for manifest in made.sample.kept_services.iter().chain(&made.sample.pruned_services) {
        assert!(contents.get(manifest.as_os_str().as_bytes()).is_some(), "{}", manifest.display());
    }
    let listed = |manifest: &&PathBuf| names::PRUNED_LIB.contains(&manifest.to_str().unwrap());
    assert_eq!(made.sample.pruned_services.iter().filter(listed).count(), services::PRUNED.len());
    assert_eq!(made.sample.kept_services.iter().filter(listed).count(), 0);
}

#[test]
fn overlays_and_packages_are_described() {
    let made = made(&Options::default());
    let installed: BTreeSet<&str> = made.sample.packages.iter().map(String::as_str).collect();
    assert_eq!(installed.len(), made.sample.packages.len());
    for overlay in &made.sample.overlays {
        let absent: Vec<&String> = overlay.packages.iter().filter(|name| !installed.contains(name.as_str())).collect();
        assert!(contents::OverlayName::from_bytes(overlay.name.as_bytes()).is_ok(), "{}", overlay.name);
        let ghost = overlay.name == names::OVERLAY_GHOST;
        assert_eq!(absent, if ghost { vec![names::PACKAGE_ABSENT] } else { vec![] }, "{}", overlay.name);
        let marker = format!("/var/sadm/overlays/installed/{}", overlay.name);
        assert_eq!(exists(&made.sample, Path::new(&marker)), overlay.installed);
        for required in &overlay.requires {
            assert!(made.sample.overlay(required).is_some(), "{required}");
        }
    }
    let [a, b] = names::OVERLAY_RING;
    assert!(made.sample.overlay(a).unwrap().requires.contains(&b.to_owned()));
    assert!(made.sample.overlay(b).unwrap().requires.contains(&a.to_owned()));

    for entry in made.contents().entries() {
        for package in entry.packages() {
            assert!(installed.contains(std::str::from_utf8(package.name).unwrap()), "{entry:?}");
        }
    }
    for package in &made.sample.packages {
        assert!(contents::PackageName::from_bytes(package.as_bytes()).is_ok(), "{package}");
        let directory = Path::new("/var/sadm/pkg").join(package);
        let spool = directory.join("save/pspool").join(package);
        for file in [directory.join("pkginfo"), spool.join("pkginfo"), spool.join("pkgmap")] {
            assert!(exists(&made.sample, &file), "{}", file.display());
        }
        assert!(exists(&made.sample, &directory.join("install")), "{package}");
    }
    for package in [names::POSTINSTALL_WRITES, names::POSTINSTALL_ADDS_DRIVER, names::POSTINSTALL_FAILS] {
        let script = format!("/var/sadm/pkg/{package}/save/pspool/{package}/install/postinstall");
        assert!(fs::read(made.sample.on_disk(script)).unwrap().starts_with(b"#!/sbin/sh\n"));
    }
}

#[test]
fn metadata_is_in_the_form_of_packaging() {
    let made = made(&Options::default());
    for package in &made.sample.packages {
        let directory = Path::new("/var/sadm/pkg").join(package);
        let spool = directory.join("save/pspool").join(package);
        let read = |file: &Path| fs::read(made.sample.on_disk(file)).unwrap();
        let text = read(&spool.join("pkgmap"));
        let map = Pkgmap::parse(&spool, &text).unwrap();
        assert_eq!(map.to_bytes(), text);
        for entry in map.entries().iter().filter(|entry| entry.kind() == Kind::Information) {
            let name = entry.path();
            let member = if name == "pkginfo" { spool.join(name) } else { spool.join("install").join(name) };
            assert_eq!(entry.checksum(), Some(u32::from(checksum(&read(&member)))), "{}", member.display());
        }
        let text = read(&directory.join("pkginfo"));
        let information = PackageInfo::parse(&directory, &text).unwrap();
        assert_eq!(information.get("PKGINST"), Some(package.as_bytes()));
        if package != "SUNWcs" {
            let text = read(&directory.join("install/depend"));
            for needed in Dependencies::parse(&directory, &text).unwrap().prerequisites() {
                assert!(made.sample.packages.iter().any(|name| name == needed.as_str()), "{needed}");
            }
        }
    }
}

#[test]
fn a_directory_in_use_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("mine"), "precious").unwrap();
    let error = make(directory.path(), &PLAIN).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::DirectoryNotEmpty);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}
