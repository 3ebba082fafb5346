use std::fs;
use std::os::unix::fs::symlink;

use super::*;
use crate::testing::Image;

const SPOOL: &str = "var/sadm/pkg/P/save/pspool/P";

fn image(files: &[&str]) -> Image {
    let image = Image::new(&[]);
    for file in files {
        image.write(Path::new(SPOOL).join(file), file);
    }
    image
}

fn found(image: &Image, path: &str) -> Option<String> {
    let found = find(&image.dir(), b"P", path.as_bytes()).unwrap();
    found.map(|path| path.strip_prefix(SPOOL).unwrap().to_str().unwrap().to_owned())
}

#[test]
fn copies_are_found_by_relative_and_absolute_path() {
    let image = image(&["reloc/etc/motd", "root/var/adm/log", "reloc/etc/both", "root/etc/both"]);
    assert_eq!(found(&image, "/etc/motd").unwrap(), "reloc/etc/motd");
    assert_eq!(found(&image, "/var/adm/log").unwrap(), "root/var/adm/log");
    assert_eq!(found(&image, "/etc/both").unwrap(), "reloc/etc/both");
    for path in ["/", "/etc", "/etc/none", "/etc/motd/x", "/none/at/all"] {
        assert_eq!(found(&image, path), None, "{path}");
    }
    let full = find(&image.dir(), b"P", b"/etc/motd").unwrap().unwrap();
    assert_eq!(full, Path::new("var/sadm/pkg/P/save/pspool/P/reloc/etc/motd"));
}

#[test]
fn another_base_directory_is_taken_off() {
    let image = image(&["reloc/etc/x.conf", "reloc/opt/p/etc/own"]);
    assert_eq!(found(&image, "/opt/p/etc/x.conf"), None, "without pkginfo");
    image.write("var/sadm/pkg/P/pkginfo", "PKG=P\nBASEDIR=\"/opt/p/\"\n");
    assert_eq!(found(&image, "/opt/p/etc/x.conf").unwrap(), "reloc/etc/x.conf");
    assert_eq!(found(&image, "/opt/p/etc/own").unwrap(), "reloc/opt/p/etc/own");
    assert_eq!(found(&image, "/etc/x.conf").unwrap(), "reloc/etc/x.conf");
    for path in ["/opt/pq/etc/x.conf", "/opt/p", "/opt"] {
        assert_eq!(found(&image, path), None, "{path}");
    }
    image.write("var/sadm/pkg/P/pkginfo", "BASEDIR=opt\n");
    let error = find(&image.dir(), b"P", b"/etc/none").unwrap_err().to_string();
    assert_eq!(error, "var/sadm/pkg/P/pkginfo: line 1: the path does not start with `/`");
}

#[test]
fn odd_names_are_ordinary() {
    let odd = ["reloc", "root", "save", "it's", "a\"b", "$(x)", "`x`", "-n", "~", "back\\slash", "new\nline", "..."];
    let image = Image::new(&[]);
    for name in odd {
        for folder in ["etc/", "etc/reloc/etc/"] {
            image.write(format!("{SPOOL}/reloc/{folder}{name}.conf/{name}"), "");
            let path = format!("/{folder}{name}.conf/{name}");
            assert_eq!(found(&image, &path).unwrap(), format!("reloc{path}"));
        }
    }
    let bytes = b"/etc/latin-\xe9\xff";
    let target = PathBuf::from(format!("{SPOOL}/reloc")).join(OsStr::from_bytes(&bytes[1..]));
    image.write(&target, "");
    assert_eq!(find(&image.dir(), b"P", bytes).unwrap(), Some(target));
    let long = format!("/etc/{}", "x".repeat(300));
    assert_eq!(found(&image, &long), None);
}

#[test]
fn only_regular_files_are_copies() {
    let image = image(&["reloc/etc/real"]);
    let etc = image.path().join(SPOOL).join("reloc/etc");
    fs::create_dir(etc.join("folder")).unwrap();
    symlink("real", etc.join("link")).unwrap();
    symlink("nowhere", etc.join("dangling")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, etc.join("pipe"), FileType::Fifo, 0o600.into(), 0).unwrap();
    for name in ["folder", "link", "dangling", "pipe"] {
        assert_eq!(found(&image, &format!("/etc/{name}")), None, "{name}");
    }
}

#[test]
fn no_component_may_be_a_symlink() {
    for component in ["var", "var/sadm", "var/sadm/pkg", "var/sadm/pkg/P", "var/sadm/pkg/P/save", SPOOL] {
        let image = image(&["reloc/etc/motd"]);
        let path = image.path().join(component);
        let moved = image.path().join("elsewhere");
        fs::rename(&path, &moved).unwrap();
        symlink(&moved, &path).unwrap();
        assert_eq!(found(&image, "/etc/motd"), None, "{component}");
    }
    let image = image(&["reloc/etc/motd"]);
    let outside = Image::new(&[("motd", "outside"), ("etc/motd", "outside")]);
    symlink(outside.path(), image.path().join(SPOOL).join("reloc/out")).unwrap();
    symlink("etc", image.path().join(SPOOL).join("reloc/inner")).unwrap();
    symlink(outside.path(), image.path().join(SPOOL).join("root")).unwrap();
    for path in ["/out/motd", "/inner/motd", "/motd"] {
        assert_eq!(found(&image, path), None, "{path}");
    }
}

#[test]
fn bad_names_are_refused() {
    let image = image(&["reloc/etc/motd"]);
    let dir = image.dir();
    for (package, path, message) in [
        (&b"../P"[..], &b"/etc/motd"[..], "var/sadm/pkg: `../P` is no package name"),
        (b"", b"/etc/motd", "var/sadm/pkg: `` is no package name"),
        (b"P", b"etc/motd", "etc/motd: the path does not start with `/`"),
        (b"P", b"/etc/../motd", "/etc/../motd: the path has an empty"),
        (b"P", b"/etc/a\0b", "var/sadm/pkg/P/save/pspool/P/reloc/etc/a\0b: Invalid argument"),
    ] {
        let error = find(&dir, package, path).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    assert_eq!(find(&dir, b"Q", b"/etc/motd").unwrap(), None);
    assert_eq!(find(&Image::new(&[]).dir(), b"P", b"/etc/motd").unwrap(), None);
}

#[test]
fn many_packages_do_not_need_many_open_files() {
    let image = Image::new(&[]);
    for number in 0..100 {
        image.write(format!("var/sadm/pkg/P{number}/save/pspool/P{number}/reloc/etc/x"), "");
    }
    let mut pristine = Pristine::new(&image.dir()).unwrap();
    for number in (0..100).chain(0..100) {
        assert!(pristine.find(format!("P{number}").as_bytes(), b"/etc/x").unwrap().is_some());
        assert!(pristine.open.len() <= KEPT_OPEN);
    }
}

#[test]
fn attributes_come_from_the_packages_own_map() {
    let image = image(&["reloc/etc/motd"]);
    let mut pristine = Pristine::new(&image.dir()).unwrap();
    assert_eq!(pristine.packaged_attributes(b"P", b"/etc/motd").unwrap(), None, "no pkgmap");
    image.write(
        format!("{SPOOL}/pkgmap"),
        ": 1 2\n1 e none etc/motd 4644 root sys 1 2 1370000000\n1 v none /var/log ? ? ? ? ? ?\n\
         1 e none own 0600 a b 1 2 3\n1 i own 1 2 3\n",
    );
    let expected = PackagedAttributes {
        mode: Some(0o4644),
        owner: Some(b"root".to_vec()),
        group: Some(b"sys".to_vec()),
        modified: Some(1_370_000_000),
    };
    assert_eq!(pristine.packaged_attributes(b"P", b"/etc/motd").unwrap(), Some(expected));
    let open = pristine.packaged_attributes(b"P", b"/var/log").unwrap();
    assert_eq!(open, Some(PackagedAttributes::default()));
    for (package, path) in [(&b"P"[..], &b"/etc/none"[..]), (b"Q", b"/etc/motd"), (b"P", b"/opt/p/own")] {
        assert_eq!(pristine.packaged_attributes(package, path).unwrap(), None);
    }
    image.write("var/sadm/pkg/P/pkginfo", "BASEDIR=/opt/p\n");
    let mut pristine = Pristine::new(&image.dir()).unwrap();
    assert_eq!(pristine.packaged_attributes(b"P", b"/opt/p/own").unwrap().unwrap().mode, Some(0o600));
    image.write(format!("{SPOOL}/pkgmap"), "damaged\n");
    let error = pristine.packaged_attributes(b"P", b"/etc/motd").unwrap_err().to_string();
    assert!(error.starts_with("var/sadm/pkg/P/save/pspool/P/pkgmap: line 1: "), "{error}");
}
