//! What is laid out, packaged, and read back.

#![allow(clippy::unwrap_used, reason = "for tests, which end by panics")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use contents::checksum::checksum;
use contents::depend::Dependencies;
use contents::pkginfo::PackageInfo;
use contents::pkgmap::Pkgmap;
use contents::{Kind, PackageName};
use packaging::brand_page::Brand;
use packaging::programs::{PROGRAMS, Reached};
use packaging::{cpio, datastream};
use roxmltree::{Document, ParsingOptions};

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A folder with a stand-in for every program, and room beside it.
struct Place {
    top: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        let built = top.path().join("built");
        fs::create_dir(&built).unwrap();
        for program in PROGRAMS {
            fs::write(built.join(program.file), format!("#!/bin/sh\necho {}\n", program.file)).unwrap();
        }
        Self { top }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.top.path().join(name)
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zonekit-package"));
        command.args(words).current_dir(self.top.path()).env_remove("SOURCE_DATE_EPOCH");
        command.output().unwrap()
    }

    fn install(&self, more: &[&str]) -> Output {
        let source = source();
        let words = ["install", "--programs", "built", "--source", source.to_str().unwrap()];
        self.run(&[&words, more].concat())
    }

    fn installed(&self) -> PathBuf {
        let ran = self.install(&["--destdir", "proto"]);
        assert!(ran.status.success() && ran.stderr.is_empty(), "{ran:?}");
        self.at("proto")
    }

    fn packaged(&self, output: &str) -> PathBuf {
        let ran = self.run(&["build", "--proto", "proto", "--output", output, "--mtime", "1700000000"]);
        assert!(ran.status.success(), "{ran:?}");
        self.at(output)
    }
}

/// Every object below a folder: its path, and its kind, mode and content or target.
fn tree(top: &Path) -> BTreeMap<String, (char, u32, Vec<u8>)> {
    fn walk(top: &Path, folder: &Path, found: &mut BTreeMap<String, (char, u32, Vec<u8>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let mode = metadata.permissions().mode() & 0o7777;
            if metadata.is_dir() {
                found.insert(name, ('d', mode, Vec::new()));
                walk(top, &path, found);
            } else if metadata.is_symlink() {
                found.insert(name, ('s', 0, fs::read_link(&path).unwrap().to_str().unwrap().into()));
            } else {
                found.insert(name, ('f', mode, fs::read(&path).unwrap()));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(top, top, &mut found);
    found
}

#[test]
fn programs_are_where_people_and_zoneadm_look_for_them() {
    let place = Place::new();
    let proto = place.installed();
    for program in PROGRAMS {
        let file = proto.join("usr/lib/zonekit/bin").join(program.file);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o755);
        let links = match program.reached {
            Reached::Command(name) => vec![proto.join("usr/sbin").join(name)],
            Reached::Hook => ["sparse-root", "whole-root"]
                .map(|brand| proto.join("usr/lib/brand").join(brand).join(program.file))
                .into(),
        };
        for link in links {
            assert!(fs::read_link(&link).unwrap().is_relative());
            assert_eq!(fs::canonicalize(&link).unwrap(), fs::canonicalize(&file).unwrap());
        }
    }
}

#[test]
fn a_second_install_changes_nothing_and_says_the_same() {
    let place = Place::new();
    let first = place.install(&["--destdir", "proto"]);
    let before = tree(&place.at("proto"));
    let second = place.install(&["--destdir", "proto"]);
    assert_eq!(first, second);
    assert_eq!(tree(&place.at("proto")), before);
    let said = String::from_utf8(first.stdout).unwrap();
    assert!(said.contains("proto/usr/sbin/zonekit-recipe -> ../lib/zonekit/bin/recipe\n"), "{said}");
}

/// Writing into a program that runs fails with ETXTBSY; it must be replaced instead.
#[test]
fn a_program_that_runs_and_a_strange_link_are_replaced() {
    let place = Place::new();
    let proto = place.installed();
    let program = proto.join("usr/lib/zonekit/bin/be-uuid");
    fs::copy("/bin/sleep", &program).unwrap();
    let mut running = Command::new(&program).arg("60").spawn().unwrap();
    let outside = place.at("outside");
    fs::write(&outside, "precious").unwrap();
    let page = proto.join("usr/share/man/man8/be-uuid.8");
    fs::remove_file(&page).unwrap();
    symlink(&outside, &page).unwrap();
    place.installed();
    running.kill().unwrap();
    running.wait().unwrap();
    assert_eq!(fs::read(&program).unwrap(), b"#!/bin/sh\necho be-uuid\n");
    assert_eq!(fs::read(&outside).unwrap(), b"precious");
    assert!(fs::symlink_metadata(&page).unwrap().is_file());
}

#[test]
fn another_prefix_touches_nothing_outside_of_it() {
    let place = Place::new();
    let ran = place.install(&["--destdir", "proto", "--prefix", "/opt/try"]);
    assert!(ran.status.success(), "{ran:?}");
    let top: Vec<_> = tree(&place.at("proto")).into_keys().filter(|path| path.split('/').count() <= 2).collect();
    assert_eq!(top, ["opt", "opt/try"]);
    assert!(place.at("proto/opt/try/etc/zones/TRIBsparse.xml").exists());
}

#[test]
fn what_cannot_be_installed_is_told_in_one_line() {
    let place = Place::new();
    fs::remove_file(place.at("built/recipe")).unwrap();
    // An empty DESTDIR, which `make install` passes on, is none.
    let cases: [(&[&str], &str); 3] = [
        (&["--destdir", "", "--prefix", "usr"], "zonekit-package: --prefix usr: is not absolute\n"),
        (&["--destdir", "proto"], "zonekit-package: built/recipe: there is no such program; build it with `make`\n"),
        (&["--prefix", "usr"], "zonekit-package: --prefix usr: is not absolute\n"),
    ];
    for (words, message) in cases {
        let ran = place.install(words);
        assert_eq!((ran.status.code(), String::from_utf8(ran.stderr).unwrap().as_str()), (Some(2), message));
    }
    let remains = tree(&place.at("proto")).into_keys().filter(|path| path.ends_with(".new")).count();
    assert_eq!(remains, 0);
}

#[test]
fn the_package_reads_back_and_holds_every_file_as_it_was_laid_out() {
    let place = Place::new();
    let proto = tree(&place.installed());
    let package = place.packaged("out").join("ZKzonekit");
    let text = fs::read(package.join("pkgmap")).unwrap();
    let map = Pkgmap::parse(Path::new("pkgmap"), &text).unwrap();
    assert_eq!(map.to_bytes(), text);
    assert_eq!(map.parts(), 1);
    let paths: Vec<_> = map.entries().iter().map(|entry| entry.path_bytes()).collect();
    assert!(paths.is_sorted());
    let mut bytes = 0;
    for entry in map.entries() {
        let path = entry.path().to_str().unwrap();
        let content = match entry.kind() {
            Kind::Information if path == "pkginfo" => fs::read(package.join("pkginfo")).unwrap(),
            Kind::Information => fs::read(package.join("install").join(path)).unwrap(),
            Kind::File => fs::read(package.join("reloc").join(path)).unwrap(),
            _ => Vec::new(),
        };
        bytes += content.len() as u64;
        if entry.kind() == Kind::Information {
            assert_eq!(entry.size(), Some(content.len() as u64), "{path}");
            assert_eq!(entry.checksum(), Some(checksum(&content).into()), "{path}");
            continue;
        }
        let (kind, mode, laid_out) = &proto[path];
        assert_eq!(entry.kind() as u8, *kind as u8, "{path}");
        if entry.kind() == Kind::Symlink {
            assert_eq!(entry.target(), Some(laid_out.as_slice()), "{path}");
            continue;
        }
        assert_eq!((entry.mode(), entry.owner()), (Some(*mode), Some(&b"root"[..])), "{path}");
        if entry.kind() == Kind::File {
            assert_eq!(&content, laid_out, "{path}");
            assert_eq!(entry.size(), Some(content.len() as u64), "{path}");
            assert_eq!(entry.checksum(), Some(checksum(&content).into()), "{path}");
            assert_eq!(entry.modified(), Some(1_700_000_000), "{path}");
        }
    }
    let objects = map.entries().iter().filter(|entry| entry.kind() != Kind::Information).count();
    assert_eq!(objects, proto.len());
    assert!(map.blocks() * 512 >= bytes, "{} blocks", map.blocks());
    let stored = tree(&package.join("reloc")).into_values().filter(|(kind, ..)| *kind == 'f').count();
    assert_eq!(stored, map.entries().iter().filter(|entry| entry.kind() == Kind::File).count());
}

/// Directories that packages share have the attributes that the packages of illumos give them.
#[test]
fn shared_directories_are_as_the_system_has_them() {
    let place = Place::new();
    place.installed();
    let text = fs::read(place.packaged("out").join("ZKzonekit/pkgmap")).unwrap();
    let map = Pkgmap::parse(Path::new("pkgmap"), &text).unwrap();
    let system = [
        ("etc", "sys"),
        ("etc/zones", "sys"),
        ("usr", "sys"),
        ("usr/lib", "bin"),
        ("usr/lib/brand", "bin"),
        ("usr/sbin", "bin"),
        ("usr/share", "sys"),
        ("usr/share/man", "bin"),
        ("usr/share/man/man7", "bin"),
    ];
    for (path, group) in system {
        let entry = map.get(path.as_bytes()).unwrap();
        let found = (entry.kind(), entry.mode(), entry.owner(), entry.group());
        assert_eq!(found, (Kind::Directory, Some(0o755), Some(&b"root"[..]), Some(group.as_bytes())), "{path}");
    }
}

#[test]
fn pkginfo_and_depend_say_what_the_package_tools_ask_for() {
    let place = Place::new();
    place.installed();
    let package = place.packaged("out").join("ZKzonekit");
    let text = fs::read(package.join("pkginfo")).unwrap();
    let info = PackageInfo::parse(Path::new("pkginfo"), &text).unwrap();
    for (key, value) in
        [("PKG", "ZKzonekit"), ("VERSION", env!("CARGO_PKG_VERSION")), ("BASEDIR", "/"), ("CLASSES", "none")]
    {
        assert_eq!(info.get(key), Some(value.as_bytes()), "{key}");
    }
    for key in ["NAME", "ARCH", "CATEGORY", "PSTAMP"] {
        assert!(info.get(key).is_some_and(|value| !value.is_empty()), "{key}");
    }
    let name = PackageName::from_bytes(info.get("PKG").unwrap()).unwrap();
    assert!(name.as_str().len() <= 32);
    let text = fs::read(package.join("install/depend")).unwrap();
    let depend = Dependencies::parse(Path::new("depend"), &text).unwrap();
    assert!(depend.prerequisites().any(|package| package.as_str() == "TRIBsys-zones"));
    assert_eq!(depend.entries().last().map(|entry| entry.package.as_str()), Some("TRIBblix-zones"));
}

#[test]
fn the_datastream_holds_the_same_package() {
    let place = Place::new();
    place.installed();
    let out = place.packaged("out");
    let folder = tree(&out.join("ZKzonekit"));
    let stream = fs::read(out.join(format!("ZKzonekit-{}.pkg", env!("CARGO_PKG_VERSION")))).unwrap();
    assert_eq!(stream.len() % 512, 0);
    let read = datastream::read(&stream).unwrap();
    let map = String::from_utf8(folder["pkgmap"].2.clone()).unwrap();
    let blocks = map.lines().next().unwrap().strip_prefix(": 1 ").unwrap();
    assert_eq!(read.contents, format!("ZKzonekit 1 {blocks}\n"));
    let head: Vec<_> = read.head.iter().map(|member| (member.path.as_str(), &member.content)).collect();
    let expected = ["pkginfo", "pkgmap"].map(|name| (format!("ZKzonekit/{name}"), &folder[name].2));
    assert_eq!(head, expected.each_ref().map(|(path, content)| (path.as_str(), *content)));
    let mut members = BTreeMap::new();
    for member in &read.package {
        let kind = if member.mode & cpio::DIRECTORY == 0 { 'f' } else { 'd' };
        assert_eq!(member.modified, 1_700_000_000);
        members.insert(member.path.clone(), (kind, member.mode & 0o7777, member.content.clone()));
    }
    assert_eq!(members.len(), read.package.len());
    assert_eq!(members, folder);
    // A directory comes before what is in it.
    for (number, member) in read.package.iter().enumerate() {
        let folder = member.path.rsplit_once('/').map(|(folder, _)| folder);
        assert!(
            folder.is_none_or(|folder| read.package[..number].iter().any(|one| one.path == folder)),
            "{}",
            member.path
        );
    }
}

#[test]
fn the_same_tree_gives_the_same_bytes() {
    let place = Place::new();
    let proto = place.installed();
    let first = tree(&place.packaged("one"));
    for file in tree(&proto).into_iter().filter(|(_, (kind, ..))| *kind == 'f') {
        let file = fs::File::options().append(true).open(proto.join(file.0)).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    }
    assert_eq!(tree(&place.packaged("two")), first);
    // A second run into the same folder leaves nothing of the first.
    fs::write(place.at("one/ZKzonekit/install/preremove"), "exit 1\n").unwrap();
    assert_eq!(tree(&place.packaged("one")), first);
}

#[test]
fn the_manifest_names_every_object() {
    let place = Place::new();
    let proto = tree(&place.installed());
    let text = fs::read_to_string(place.packaged("out").join("zonekit.p5m")).unwrap();
    let attribute = |line: &str, key: &str| {
        line.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('=').map(str::to_owned))
    };
    assert!(
        text.starts_with(&format!("set name=pkg.fmri value=pkg:/system/zones/zonekit@{}\n", env!("CARGO_PKG_VERSION")))
    );
    let mut paths = Vec::new();
    for line in text.lines() {
        let action = line.split(' ').next().unwrap();
        if matches!(action, "set" | "license" | "depend") {
            continue;
        }
        let path = attribute(line, "path").unwrap();
        let (kind, mode, content) = &proto[&path];
        match kind {
            'd' => assert_eq!(action, "dir"),
            's' => {
                assert_eq!(action, "link");
                assert_eq!(attribute(line, "target").unwrap().as_bytes(), content);
            }
            _ => assert!(line.starts_with(&format!("file {path} ")), "{line}"),
        }
        if *kind != 's' {
            assert_eq!(attribute(line, "mode").unwrap(), format!("{mode:04o}"));
            assert_eq!(attribute(line, "owner").unwrap(), "root");
        }
        paths.push(path);
    }
    assert_eq!(paths, proto.into_keys().collect::<Vec<_>>());
    assert!(text.contains("depend fmri=pkg:/system/zones type=require\n"));
}

#[test]
fn what_a_package_cannot_hold_is_refused() {
    let place = Place::new();
    let proto = place.installed();
    fs::write(proto.join("usr/a b"), "").unwrap();
    let ran = place.run(&["build", "--proto", "proto", "--output", "out"]);
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert_eq!(
        said,
        "zonekit-package: proto/usr/a b: cannot be packaged: a name may hold only ASCII letters, digits and -_.,+\n"
    );
}

#[test]
fn programs_for_another_system_are_told() {
    let place = Place::new();
    place.installed();
    let ran = place.run(&["build", "--proto", "proto", "--output", "out"]);
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(
        said.starts_with(&format!("zonekit-package: {} programs were not built for illumos: ", PROGRAMS.len())),
        "{said}"
    );
    assert!(ran.status.success());
}

/// A template mounts what the recipe of its brand shares, and nothing else.
#[test]
fn templates_share_what_recipes_share() {
    for (template, brand) in [("TRIBsparse", "sparse-root"), ("TRIBwhole", "whole-root")] {
        let text = fs::read_to_string(source().join(format!("brands/templates/{template}.xml"))).unwrap();
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let document = Document::parse_with_options(&text, options).unwrap();
        let zone = document.root_element();
        assert_eq!(zone.attribute("brand"), Some(brand));
        assert_eq!(zone.attribute("autoboot"), Some("false"));
        let mounts: Vec<_> = zone
            .children()
            .filter(|node| node.has_tag_name("filesystem"))
            .map(|node| {
                let read_only = node.children().any(|option| option.attribute("name") == Some("ro"));
                assert!(read_only && node.attribute("type") == Some("lofs"), "{template}");
                (node.attribute("directory").unwrap().to_owned(), node.attribute("special").unwrap().to_owned())
            })
            .collect();
        let brands = Brand::all(&source()).unwrap();
        let recipe = &brands.iter().find(|known| known.name == brand).unwrap().recipe;
        let shares: Vec<_> = recipe.shares.iter().map(|share| (share.path.clone(), share.from.clone())).collect();
        assert_eq!(mounts, shares, "{template}");
    }
}
