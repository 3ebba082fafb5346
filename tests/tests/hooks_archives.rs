//! Archives, directories and streams that are not what a zone comes in: a clear error, and nothing is left.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod hooks_common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use hooks_common::{Outside, clean, datasets, failed, no_journal, plain, said, unchanged};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tar::EntryType;
use tests::lab::Snapshotted;
use tests::run::skip_without_root;
use tests::scenario::World;

/// A tar archive that is made by hand: names that the library would refuse are written as they are.
#[derive(Clone, Default)]
struct Tar(Vec<u8>);

impl Tar {
    /// With what makes a zone root.
    fn root() -> Self {
        let mut tar = Self::default();
        for directory in ["etc", "var", "var/sadm", "var/sadm/install"] {
            tar.add(directory, EntryType::Directory, "", b"");
        }
        tar.add("var/sadm/install/contents", EntryType::Regular, "", b"/etc d none 0755 root sys SUNWcs\n");
        tar.add("etc/file", EntryType::Regular, "", b"content\n");
        tar
    }

    fn add(&mut self, name: &str, kind: EntryType, target: &str, content: &[u8]) -> &mut Self {
        self.sized(name, kind, target, content.len() as u64);
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn sized(&mut self, name: &str, kind: EntryType, target: &str, size: u64) {
        let mut header = tar::Header::new_ustar();
        let raw = header.as_old_mut();
        raw.name[..name.len()].copy_from_slice(name.as_bytes());
        raw.linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
        header.set_size(size);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1);
        if matches!(kind, EntryType::Char | EntryType::Block) {
            header.set_device_major(1).unwrap();
            header.set_device_minor(5).unwrap();
        }
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
    }

    fn end(&self) -> Vec<u8> {
        let mut bytes = self.0.clone();
        bytes.resize(bytes.len() + 1024, 0);
        bytes
    }
}

/// A cpio archive of the portable format.
fn cpio(members: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, mode, content) in members.iter().chain(&[("TRAILER!!!", 0, &b""[..])]) {
        let (long, size) = (name.len() + 1, content.len());
        write!(
            bytes,
            "070707{:06o}{:06o}{mode:06o}{:06o}{:06o}{:06o}{:06o}{:011o}{long:06o}{size:011o}",
            1, 1, 0, 0, 1, 0, 1
        )
        .unwrap();
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(content);
    }
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A host with a zone that is configured in a dataset and one in a directory.
struct Place {
    world: World,
    outside: Outside,
    before: Snapshotted,
    plain: PathBuf,
}

impl Place {
    fn new() -> Self {
        let world = World::new();
        world.configure("z1", "sparse-root");
        let plain = plain(&world, "p1");
        let image = world.lab.root().to_str().unwrap().to_owned();
        world.zonekit("zonelib-sync", &["-b", "sparse-root", "--image", &image]).well();
        let outside = Outside::plant(&world, &[]);
        let before = datasets(&world);
        Self { world, outside, before, plain }
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.world.beside("zone.tar");
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Neither zone can be attached from it, and nothing is left.
    fn refused(&self, flag: &str, from: &Path, more: &[&str], words: &[&str]) {
        for zone in ["z1", "p1"] {
            let did = self.world.zoneadm(zone, &[&["attach", flag, from.to_str().unwrap()], more].concat());
            // A stream needs a dataset.
            let words = if flag == "-r" && zone == "p1" { &["no ZFS dataset"] } else { words };
            failed(&did, "attach", words);
            self.nothing_is_left(zone);
        }
    }

    fn refused_archive(&self, bytes: &[u8], words: &[&str]) {
        let path = self.file(bytes);
        let called = path.display().to_string();
        self.refused("-a", &path, &[], &[&[called.as_str()], words].concat());
    }

    fn nothing_is_left(&self, zone: &str) {
        assert_eq!(self.world.state(zone), "configured");
        unchanged(&self.world, &self.before);
        let path = if zone == "p1" { self.plain.clone() } else { self.world.zonepath(zone) };
        assert!(fs::symlink_metadata(path.join("root")).is_err(), "{}", path.display());
        let left = fs::read_dir(&path).map_or(0, Iterator::count);
        assert_eq!(left, 0, "{}", path.display());
        self.outside.is_as_it_was(&self.world);
        no_journal(&self.world);
    }
}

#[test]
fn members_that_lead_out() {
    if skip_without_root() {
        return;
    }
    let place = Place::new();
    let marker = place.world.beside("marker");
    let marker = marker.to_str().unwrap();
    let into = format!("{marker}/new");
    let file = EntryType::Regular;
    let one = |name: &str, kind, target: &str| Tar::root().add(name, kind, target, b"").end();
    let through = |target: &str| {
        Tar::root().add("etc/out", EntryType::Symlink, target, b"").add("etc/out/new", file, "", b"x").end()
    };
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("up", one("../x", file, ""), "../x"),
        ("up in the middle", one("etc/../../x", file, ""), "etc/../../x"),
        ("up at the end", one("etc/..", EntryType::Directory, ""), "etc/.."),
        ("a block device", one("etc/disk", EntryType::Block, ""), "etc/disk"),
        ("a character device", one("etc/zero", EntryType::Char, ""), "etc/zero"),
        ("a hard link out", one("etc/hard", EntryType::Link, "../../marker/file"), "etc/hard"),
        ("a hard link to nothing", one("etc/hard", EntryType::Link, "etc/none"), "etc/hard"),
        ("a hard link to /", one("etc/hard", EntryType::Link, "/etc/passwd"), "etc/hard"),
        ("through a link", through(marker), "etc/out"),
        ("through a link up", through("../../../../marker"), "etc/out"),
        ("through a link inside", through("."), "etc/out"),
        ("cpio up", cpio(&[("etc", 0o40755, b""), ("../x", 0o100_644, b"x")]), "../x"),
        ("cpio device", cpio(&[("etc", 0o40755, b""), ("etc/zero", 0o20666, b"")]), "etc/zero"),
        (
            "cpio through a link",
            cpio(&[("etc", 0o40755, b""), ("etc/out", 0o120_777, marker.as_bytes()), ("etc/out/new", 0o100_644, b"x")]),
            "etc/out",
        ),
    ];
    for (what, bytes, word) in &cases {
        println!("{what}");
        place.refused_archive(bytes, &[word]);
        println!("{what}, compressed");
        place.refused_archive(&gzip(bytes), &[word]);
    }
    assert!(!Path::new(&into).exists());
}

/// Names that begin with a slash are of the zone: refused, or below its root.
#[test]
fn absolute_names() {
    if skip_without_root() {
        return;
    }
    let place = Place::new();
    let outside = place.world.beside("marker").join("absolute");
    for bytes in [
        Tar::root().add(outside.to_str().unwrap(), EntryType::Regular, "", b"x").end(),
        cpio(&[
            ("etc", 0o40755, b""),
            ("var", 0o40755, b""),
            ("var/sadm", 0o40755, b""),
            ("var/sadm/install", 0o40755, b""),
            ("var/sadm/install/contents", 0o100_644, b""),
            (outside.to_str().unwrap(), 0o100_644, b"x"),
        ]),
    ] {
        let path = place.file(&bytes);
        let did = place.world.zoneadm("z1", &["attach", "-a", path.to_str().unwrap()]);
        assert!(!outside.exists());
        if did.code == 0 {
            let inside = place.world.in_zone("z1", outside.to_str().unwrap());
            assert_eq!(fs::read(inside).unwrap(), b"x");
            place.world.zoneadm("z1", &["uninstall", "-F"]).well();
        } else {
            said(&did.err, "attach", &[outside.to_str().unwrap()]);
            place.nothing_is_left("z1");
        }
    }
}

#[test]
fn archives_that_are_cut_off() {
    if skip_without_root() {
        return;
    }
    let place = Place::new();
    let mut tar = Tar::root();
    tar.add("etc/big", EntryType::Regular, "", &[7; 50_000]);
    let cpio = cpio(&[("etc", 0o40755, b""), ("etc/file", 0o100_644, &[7; 20_000])]);
    for (bytes, whole) in
        [(tar.0.clone(), true), (gzip(&tar.end()), false), (cpio.clone(), false), (gzip(&cpio), false)]
    {
        for piece in 0..20 {
            let length = bytes.len() * piece / 20;
            // A tar archive that ends between two members, without its end, cannot be told from a whole one.
            let between = whole && length.is_multiple_of(512);
            let path = place.file(&bytes[..length]);
            let did = place.world.zoneadm("z1", &["attach", "-a", path.to_str().unwrap()]);
            assert!(did.code == 1 || between, "{length} of {}: {did:?}", bytes.len());
            said(&did.err, "attach", &["zone.tar"]);
            place.nothing_is_left("z1");
        }
    }
}

#[test]
fn archives_that_are_damaged() {
    if skip_without_root() {
        return;
    }
    let place = Place::new();
    let whole = gzip(&Tar::root().end());
    let mut crc = whole.clone();
    let at = crc.len() - 8;
    crc[at] ^= 0xff;
    place.refused_archive(&crc, &["damaged"]);
    let mut length = whole.clone();
    let at = length.len() - 2;
    length[at] ^= 0xff;
    place.refused_archive(&length, &["damaged"]);
    let mut middle = whole.clone();
    let at = middle.len() / 2;
    middle[at] ^= 0xff;
    place.refused_archive(&middle, &["zone.tar"]);
    let mut sum = Tar::root().end();
    sum[512 + 10] ^= 1;
    place.refused_archive(&sum, &["damaged"]);
    // A member that claims more than there is.
    let mut claims = Tar::root();
    claims.sized("etc/claims", EntryType::Regular, "", 1 << 32);
    place.refused_archive(&claims.end(), &["damaged"]);
}

#[test]
fn a_bomb_is_bounded() {
    if skip_without_root() {
        return;
    }
    let place = Place::new();
    let mut head = Tar::root();
    head.sized("etc/bomb", EntryType::Regular, "", 2 << 30);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 8 << 20]).unwrap();
    // A file of gzip may have several members, which are read as one.
    let bomb = [gzip(&head.0), encoder.finish().unwrap().repeat(256)].concat();
    assert!(bomb.len() < 4 << 20);
    let limit = &["--max-size", "16777216"];
    place.refused("-a", &place.file(&bomb), limit, &["zone.tar", "more than 16777216 bytes"]);
    // Many members of nothing.
    let mut many = Tar::root();
    many.0.extend_from_slice(&Tar::root().0.repeat(6000));
    let path = place.file(&gzip(&many.end()));
    place.refused("-a", &path, limit, &["more than 16777216 bytes"]);
}

#[test]
fn what_is_no_archive() {
    if skip_without_root() {
        return;
    }
    let place = Place::new();
    place.refused_archive(b"", &["empty"]);
    place.refused_archive(b"hello\n", &["neither", "tar", "cpio"]);
    place.refused_archive(&[0x5a; 4096], &["tar"]);
    place.refused_archive(b"BZh91AY&SY", &["bzip2"]);
    place.refused_archive(b"\xfd7zXZ\0\0\0\0\0", &["xz"]);
    place.refused_archive(&gzip(b""), &["zone.tar"]);
    place.refused_archive(&[0; 10240], &["zone.tar"]);
    // No zone root in it, and no database of packages.
    place.refused_archive(&Tar::default().add("home/file", EntryType::Regular, "", b"x").end(), &["no zone root"]);
    let other = place.file(&Tar::default().add("etc/", EntryType::Directory, "", b"").end());
    place.refused("-a", &other, &[], &["var/sadm/install/contents", "this is none"]);
    let fifo = place.world.beside("fifo");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::from_bits_retain(0o600), 0).unwrap();
    let directory = place.world.beside("directory");
    fs::create_dir(&directory).unwrap();
    let circle = place.world.beside("circle");
    symlink(&circle, &circle).unwrap();
    for flag in ["-a", "-r"] {
        place.refused(flag, &fifo, &[], &["fifo", "file"]);
        place.refused(flag, &directory, &[], &["directory"]);
        place.refused(flag, &circle, &[], &["circle"]);
        place.refused(flag, Path::new("/nonexistent/zone.tar"), &[], &["/nonexistent/zone.tar", "No such file"]);
        place.refused(flag, Path::new("/dev/zero"), &[], &["/dev/zero", "file"]);
        place.refused(flag, Path::new("/dev/null"), &[], &["/dev/null", "file"]);
    }
    let stream = place.file(b"no stream at all");
    place.refused("-r", &stream, &[], &[]);
    for missing in [&fifo, &circle, Path::new("/nonexistent/directory"), &stream] {
        place.refused("-d", missing, &[], &[missing.to_str().unwrap()]);
    }
    place.refused("-d", &directory, &[], &["var/sadm/install/contents"]);
}

/// A directory that holds the zone's own, or lies in it.
#[test]
fn directories_in_each_other() {
    if skip_without_root() {
        return;
    }
    let place = Place::new();
    let above = place.plain.parent().unwrap().to_owned();
    let did = place.world.zoneadm("p1", &["attach", "-d", above.to_str().unwrap()]);
    failed(&did, "attach", &[above.to_str().unwrap()]);
    place.nothing_is_left("p1");
    let did = place.world.zoneadm("z1", &["attach", "-d", place.world.lab.place("/zones").to_str().unwrap()]);
    assert_eq!(did.code, 1);
    clean(&did.err);
    place.nothing_is_left("z1");
}

#[test]
fn a_manifest_of_another_brand_in_an_archive() {
    if skip_without_root() {
        return;
    }
    let place = Place::new();
    let manifest = |brand: &str, more: &str| {
        format!(
            "<?xml version=\"1.0\"?>\n<!DOCTYPE zone PUBLIC \"-//Sun Microsystems Inc//DTD Zones//EN\" \
             \"file:///usr/share/lib/xml/dtd/zonecfg.dtd.1\">\n{more}<zone name=\"old\" zonepath=\"/zones/old\" \
             autoboot=\"false\" brand=\"{brand}\"/>\n"
        )
    };
    let archive = |manifest: &str| {
        let mut tar = Tar::default();
        for directory in ["root", "root/etc", "root/var", "root/var/sadm", "root/var/sadm/install"] {
            tar.add(directory, EntryType::Directory, "", b"");
        }
        tar.add("root/var/sadm/install/contents", EntryType::Regular, "", b"");
        tar.add("SUNWdetached.xml", EntryType::Regular, "", manifest.as_bytes()).end()
    };
    place
        .refused_archive(&archive(&manifest("lx", "")), &["SUNWdetached.xml", "`lx`", "`sparse-root`", "configure it"]);
    place.refused_archive(&archive(&manifest("whole-root", "")), &["`whole-root`", "`sparse-root`"]);
    place.refused_archive(&archive("<zone"), &["SUNWdetached.xml"]);
    place.refused_archive(&archive("<other/>"), &["SUNWdetached.xml"]);
    place.refused_archive(&archive(&"x".repeat(2 << 20)), &["SUNWdetached.xml"]);
    let path = place.file(&archive(&manifest("sparse-root", "")));
    for zone in ["z1", "p1"] {
        place.world.zoneadm(zone, &["attach", "-a", path.to_str().unwrap()]).well();
        place.world.zoneadm(zone, &["uninstall", "-F"]).well();
    }
    place.outside.is_as_it_was(&place.world);
}
