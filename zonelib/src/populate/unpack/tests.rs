use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ::tar::{EntryType, Header};

use super::*;
use crate::root::{FileKind, Tree};

/// A place to unpack to, with something beside it that must stay as it is.
struct Ground {
    dir: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("root")).unwrap();
        fs::write(dir.path().join("outside"), "untouched").unwrap();
        Self { dir }
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join("root").join(path)
    }

    fn file(&self, bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn unpack_limited(&self, bytes: &[u8], limits: Limits) -> Result<Contained, UnpackError> {
        let root = Tree::open(&self.at("")).unwrap().handle().unwrap();
        let unpack = Unpack { limits, go_on: &|| true };
        let file = self.file(bytes);
        let examined = unpack.examine(&file);
        assert_eq!(fs::read_dir(self.at("")).unwrap().count(), 0, "examining writes nothing");
        let unpacked = unpack.run(&file, &root);
        match (&examined, &unpacked) {
            (Ok(examined), Ok(unpacked)) => assert_eq!(examined, unpacked),
            (Ok(examined), Err(UnpackError::Refused(refusal))) => assert_eq!(examined.refusals.first(), Some(refusal)),
            (Err(examined), Err(unpacked)) => assert_eq!(examined.to_string(), unpacked.to_string()),
            _ => panic!("{examined:?} but {unpacked:?}"),
        }
        assert_eq!(fs::read(self.dir.path().join("outside")).unwrap(), b"untouched");
        assert_eq!(fs::read_dir(self.dir.path()).unwrap().count(), 2, "only the root is written to");
        unpacked
    }

    fn unpack(&self, bytes: &[u8]) -> Result<Contained, UnpackError> {
        self.unpack_limited(bytes, Limits::default())
    }
}

fn refusal(bytes: &[u8]) -> String {
    Ground::new().unpack(bytes).unwrap_err().to_string()
}

/// Makes tar archives member by member.
#[derive(Default)]
struct Tarball(Vec<u8>);

impl Tarball {
    /// With `etc`, so that it is a zone root.
    fn root() -> Self {
        Self::default().add(EntryType::Directory, "etc/", "", b"")
    }

    fn add(mut self, kind: EntryType, name: &str, link: &str, content: &[u8]) -> Self {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_mode(if kind.is_dir() { 0o755 } else { 0o644 });
        header.set_uid(u64::from(rustix::process::geteuid().as_raw()));
        header.set_gid(u64::from(rustix::process::getegid().as_raw()));
        header.set_mtime(1_700_000_000);
        header.set_size(content.len() as u64);
        self.push(header, content);
        self
    }

    fn push(&mut self, mut header: Header, content: &[u8]) {
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
    }

    fn file(self, name: &str, content: &str) -> Self {
        self.add(EntryType::Regular, name, "", content.as_bytes())
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Makes cpio archives member by member.
struct Cpio {
    magic: &'static str,
    bytes: Vec<u8>,
}

impl Cpio {
    fn new(magic: &'static str) -> Self {
        Self { magic, bytes: Vec::new() }.add("etc", 0o040_755, 1, 2, b"")
    }

    fn add(mut self, name: &str, mode: u32, number: u32, links: u32, content: &[u8]) -> Self {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        let (time, size, length) = (1_700_000_000u32, content.len(), name.len() + 1);
        let sum = content.iter().map(|&byte| u32::from(byte)).sum::<u32>();
        let magic = self.magic;
        let header = if magic == "070707" {
            format!(
                "{magic}{:06o}{number:06o}{mode:06o}{uid:06o}{gid:06o}{links:06o}{:06o}{time:011o}{length:06o}{size:011o}",
                1, 0
            )
        } else {
            format!(
                "{magic}{number:08x}{mode:08X}{uid:08x}{gid:08x}{links:08x}{time:08x}{size:08x}{:08x}{:08x}{:08x}{:08x}{length:08x}{:08x}",
                0,
                1,
                0,
                0,
                if magic == "070702" { sum } else { 0 }
            )
        };
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.fill();
        self.bytes.extend_from_slice(content);
        self.fill();
        self
    }

    fn fill(&mut self) {
        if self.magic != "070707" {
            self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        }
    }

    fn end(self) -> Vec<u8> {
        let mut done = self.add("TRAILER!!!", 0, 0, 1, b"");
        done.bytes.resize(done.bytes.len().next_multiple_of(512), 0);
        done.bytes
    }
}

#[test]
fn a_zone_root_is_unpacked() {
    let bytes = Tarball::default()
        .add(EntryType::Directory, "./", "", b"")
        .add(EntryType::Directory, "./etc", "", b"")
        .file("./etc/passwd", "root\n")
        .add(EntryType::Link, "./etc/shadow", "./etc/passwd", b"")
        .add(EntryType::Symlink, "./bin", "./usr/bin", b"")
        .add(EntryType::Fifo, "./etc/initpipe", "", b"")
        .file("./var/implied/file", "x")
        .add(EntryType::Directory, "./dev", "", b"")
        .add(EntryType::Char, "./dev/null", "", b"")
        .file("./root/.profile", "its home\n")
        .end();
    for bytes in [bytes.clone(), gzip(&bytes)] {
        let ground = Ground::new();
        let contained = ground.unpack(&bytes).unwrap();
        assert_eq!((contained.format, contained.layout), (Format::Tar, Layout::Root));
        assert_eq!(contained.gzip, bytes[0] == 0x1f);
        assert_eq!((contained.members, contained.files, contained.bytes), (10, 3, 15));
        assert_eq!((contained.directories, contained.symlinks, contained.pipes), (5, 1, 1));
        assert_eq!((contained.hard_links, contained.skipped), (1, 1));
        assert_eq!(fs::read(ground.at("root/.profile")).unwrap(), b"its home\n");
        let [one, other] = ["etc/passwd", "etc/shadow"].map(|path| fs::metadata(ground.at(path)).unwrap());
        assert_eq!((one.ino(), one.mode(), one.mtime()), (other.ino(), 0o100_644, 1_700_000_000));
        assert_eq!(fs::metadata(ground.at("var/implied")).unwrap().mode(), 0o040_755);
        assert_eq!(fs::metadata(ground.at("etc")).unwrap().mtime(), 1_700_000_000);
        assert_eq!(fs::read_link(ground.at("bin")).unwrap(), Path::new("./usr/bin"));
        assert_eq!(fs::read_dir(ground.at("dev")).unwrap().count(), 0);
        let root = Tree::open(&ground.at("")).unwrap().open_dir(b"etc").unwrap();
        assert_eq!(root.stat(b"initpipe").unwrap().unwrap().kind, FileKind::Pipe);
    }
}

#[test]
fn a_zonepath_is_told_from_a_zone_root() {
    let ground = Ground::new();
    let bytes = Tarball::default()
        .add(EntryType::Directory, "dev", "", b"")
        .add(EntryType::Char, "dev/null", "", b"")
        .file("SUNWdetached.xml", "<zone/>")
        .file("root/etc/passwd", "root\n")
        .add(EntryType::Link, "root/etc/shadow", "root/etc/passwd", b"")
        .add(EntryType::Block, "root/dev/disk", "", b"")
        .file("notes", "x")
        .end();
    let contained = ground.unpack(&bytes).unwrap();
    assert_eq!((contained.layout, contained.manifest.as_deref()), (Layout::Zonepath, Some(&b"<zone/>"[..])));
    assert_eq!((contained.files, contained.skipped), (1, 4));
    assert_eq!(fs::read(ground.at("etc/shadow")).unwrap(), b"root\n");
    assert!(!ground.at("root").exists() && !ground.at("notes").exists());
    assert_eq!(
        refusal(&Tarball::default().file("usr/x", "").end()),
        "holds no zone root: there is neither `etc` nor `root/etc` in it"
    );
    let outside =
        Tarball::default().file("notes", "x").file("root/etc/y", "").add(EntryType::Link, "root/x", "notes", b"");
    assert!(refusal(&outside.end()).starts_with("`root/x` is a hard link to no file"));
    let no_file = Tarball::default().file("root/etc/y", "").add(EntryType::Symlink, "SUNWdetached.xml", "/etc/x", b"");
    assert_eq!(refusal(&no_file.end()), "`SUNWdetached.xml` is not a regular file");
    let giant = Tarball::default().file("root/etc/y", "").file("SUNWdetached.xml", &"x".repeat(1_048_577));
    assert!(refusal(&giant.end()).contains("longer than 1 MiB"));
    let link = Tarball::default().file("root/etc/y", "").add(EntryType::Symlink, "root", "/", b"");
    assert_eq!(refusal(&link.end()), "`root` is the zone root, and no directory");
}

#[test]
fn nothing_leads_outside() {
    use EntryType::{Block, Char, Directory, Fifo, GNUSparse, Link, Regular, Symlink};
    type Members = &'static [(EntryType, &'static str, &'static str)];
    let cases: [(Members, &str); 24] = [
        (&[(Regular, "/etc/x", "")], "`/etc/x` has an absolute name; make the archive with relative ones"),
        (&[(Regular, "etc/../../outside", "")], "`etc/../../outside` has a `..` in its name"),
        (&[(Regular, "..", "")], "`..` has a `..` in its name"),
        (&[(Regular, "", "")], "`` has no name"),
        (&[(Regular, ".", "")], "`.` is the zone root, and no directory"),
        (&[(Symlink, "etc/l", "/"), (Regular, "etc/l/x", "")], "`etc/l/x` lies below something that is no directory"),
        (
            &[(Symlink, "etc/l", ".."), (Directory, "etc/l/x", "")],
            "`etc/l/x` lies below something that is no directory",
        ),
        (
            &[(Symlink, "etc/l", "/"), (Directory, "etc/l", "")],
            "`etc/l` is a directory, and something else before in the archive",
        ),
        (&[(Symlink, "etc/l", "../outside"), (Regular, "etc/l", "")], "`etc/l` is no file before in the archive"),
        (&[(Fifo, "etc/l", ""), (Regular, "etc/l", "")], "`etc/l` is no file before in the archive"),
        (&[(Regular, "etc/f", ""), (Symlink, "etc/f", "/")], "`etc/f` is twice in the archive"),
        (&[(Regular, "etc/f", ""), (Regular, "etc/f/x", "")], "`etc/f/x` lies below something that is no directory"),
        (&[(Regular, "etc", "")], "`etc` is a directory before in the archive"),
        (&[(Link, "etc/h", "../outside")], "`etc/h` is a hard link to something outside"),
        (&[(Link, "etc/h", "/etc/passwd")], "`etc/h` is a hard link to something outside"),
        (&[(Link, "etc/h", "etc/later")], "`etc/h` is a hard link to no file that comes before it in the archive"),
        (
            &[(Symlink, "etc/l", "/x"), (Link, "etc/h", "etc/l")],
            "`etc/h` is a hard link to no file that comes before it in the archive",
        ),
        (&[(Link, "etc/h", "etc")], "`etc/h` is a hard link to no file that comes before it in the archive"),
        (
            &[(Regular, "dev/x", ""), (Link, "etc/h", "dev/x")],
            "`etc/h` is a hard link to no file that comes before it in the archive",
        ),
        (&[(Char, "etc/null", "")], "`etc/null` is a device"),
        (&[(Block, "root/disk", "")], "`root/disk` is a device"),
        (&[(Symlink, "dev", "/etc")], "`dev` is no directory"),
        (&[(Symlink, "etc/l", "")], "`etc/l` is a symbolic link to nothing"),
        (&[(GNUSparse, "etc/s", "")], "`etc/s` is stored as a sparse file; make the archive without that"),
    ];
    for (members, said) in cases {
        let mut tar = Tarball::root();
        for (kind, name, link) in members {
            tar = tar.add(*kind, name, link, b"");
        }
        // A refusal of the reader itself ends an examination too.
        let error = refusal(&tar.end());
        assert_eq!(error, said, "{members:?}");
    }
}

#[test]
fn all_refusals_are_found_at_once() {
    let mut tar = Tarball::root();
    for number in 0..150 {
        tar = tar.add(EntryType::Char, &format!("etc/{number}"), "", b"");
    }
    let bytes = tar.file("etc/good", "good").end();
    let file = Ground::new().file(&bytes);
    let contained = Unpack { limits: Limits::default(), go_on: &|| true }.examine(&file).unwrap();
    assert_eq!((contained.refused, contained.refusals.len(), contained.files), (150, 100, 1));
    assert_eq!(contained.refusals[99].to_string(), "`etc/99` is a device");
}

#[test]
fn the_later_file_wins() {
    let ground = Ground::new();
    let tar = Tarball::root().file("etc/f", "old").add(EntryType::Link, "etc/h", "etc/f", b"").file("etc/f", "newer");
    ground.unpack(&tar.add(EntryType::Directory, "etc", "", b"").end()).unwrap();
    assert_eq!(fs::read(ground.at("etc/f")).unwrap(), b"newer");
    assert_eq!(fs::read(ground.at("etc/h")).unwrap(), b"old");
}

#[test]
fn limits_hold() {
    let bytes = Tarball::root().file("etc/zeros", &"\0".repeat(5_000_000)).end();
    let bomb = gzip(&bytes);
    assert!(bomb.len() < 50_000);
    let limited = |bytes: &[u8], max_size, max_members| {
        Ground::new().unpack_limited(bytes, Limits { max_size, max_members }).map_err(|error| error.to_string())
    };
    assert_eq!(limited(&bomb, 1_000_000, 10).unwrap_err(), "has more than 1000000 bytes in it");
    assert_eq!(limited(&bytes, 1_000_000, 10).unwrap_err(), "has more than 1000000 bytes in it");
    assert!(limited(&bomb, 6_000_000, 10).is_ok());
    assert_eq!(limited(&bytes, 6_000_000, 1).unwrap_err(), "has more than 1 members");
    // After the archive's end, too.
    let mut behind = Tarball::root().end();
    behind.resize(5_000_000, 0);
    assert!(limited(&gzip(&behind), 1_000_000, 10).is_err());
    assert!(limited(&gzip(&behind), 6_000_000, 10).is_ok());
    let mut long = Tarball::root();
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::XHeader);
    header.set_size(2 << 20);
    long.push(header, &vec![b'x'; 2 << 20]);
    assert!(refusal(&long.end()).contains("a name or header has more than 1048576 bytes"));
}

#[test]
fn long_names_are_read() {
    let long = format!("etc/{}/{}", "d".repeat(200), "f".repeat(200));
    let record = |key: &str, value: &str| {
        let length = key.len() + value.len() + 3;
        let whole = (1..6).map(|digits| length + digits).find(|whole| whole.to_string().len() + length == *whole);
        format!("{} {key}={value}\n", whole.unwrap())
    };
    let pax = format!("{}{}", record("path", &long), record("mtime", "1700000001.5"));
    let ground = Ground::new();
    let bytes = Tarball::root()
        .add(EntryType::XHeader, "pax", "", pax.as_bytes())
        .file("short", "1")
        .add(EntryType::GNULongName, "././@LongLink", "", format!("{long}-gnu\0").as_bytes())
        .add(EntryType::GNULongLink, "././@LongLink", "", format!("{long}\0").as_bytes())
        .add(EntryType::Link, "short", "short", b"")
        .end();
    let contained = ground.unpack(&bytes).unwrap();
    assert_eq!((contained.files, contained.hard_links), (1, 1));
    assert_eq!(fs::read(ground.at(&format!("{long}-gnu"))).unwrap(), b"1");
    let found = fs::metadata(ground.at(&long)).unwrap();
    assert_eq!((found.mtime(), found.mtime_nsec()), (1_700_000_001, 500_000_000));
    let too_long = format!("etc/{}", "d/".repeat(600));
    let bytes = Tarball::root().add(EntryType::GNULongName, "x", "", too_long.as_bytes()).file("short", "").end();
    assert!(refusal(&bytes).ends_with("has a path of more than 1023 bytes"));
    let bytes = Tarball::root().file("x", "").add(EntryType::XHeader, "pax", "", record("path", "etc/a\0b").as_bytes());
    assert!(refusal(&bytes.file("short", "").end()).ends_with("has a NUL in its name"));
    for wrong in ["5 a=b", "999 path=x\n", "x path=y\n", "6 path\n", "11 size=-12\n", "7 a=b\nz"] {
        let bytes = Tarball::root().add(EntryType::XHeader, "pax", "", wrong.as_bytes()).file("short", "").end();
        assert!(refusal(&bytes).contains("an extended header is not as it should be"), "{wrong}");
    }
    let sparse = Tarball::root().add(EntryType::XHeader, "pax", "", record("GNU.sparse.major", "1").as_bytes());
    assert!(refusal(&sparse.file("short", "").end()).starts_with("`short` is stored as a sparse file"));
}

#[test]
fn cpio_archives_are_unpacked() {
    for magic in ["070701", "070702", "070707"] {
        let ground = Ground::new();
        let whole = magic == "070707";
        let content = |content: &'static [u8]| if whole { content } else { b"" };
        let bytes = Cpio::new(magic)
            .add("etc/one", 0o100_640, 7, 3, content(b"shared"))
            .add("etc/two", 0o100_640, 7, 3, content(b"shared"))
            .add("etc/three", 0o100_640, 7, 3, b"shared")
            .add("./etc/empty", 0o100_600, 8, 2, b"")
            .add("etc/empty-too", 0o100_600, 8, 2, b"")
            .add("etc/link", 0o120_777, 9, 1, b"one")
            .add("etc/attribute", 0o130_644, 9, 1, b"passed over")
            .add("/dev/null", 0o130_644, 9, 1, b"passed over")
            .add("etc/setid", 0o104_755, 10, 1, b"x")
            .end();
        let contained = ground.unpack(&bytes).unwrap_or_else(|error| panic!("{magic}: {error}"));
        assert_eq!((contained.format, contained.files, contained.hard_links), (Format::Cpio, 3, 3), "{magic}");
        let number = |path: &str| fs::metadata(ground.at(path)).unwrap().ino();
        assert_eq!((number("etc/one"), number("etc/empty")), (number("etc/three"), number("etc/empty-too")));
        assert_eq!(number("etc/two"), number("etc/three"));
        assert_eq!(fs::read(ground.at("etc/one")).unwrap(), b"shared");
        assert_eq!(fs::read_link(ground.at("etc/link")).unwrap(), Path::new("one"));
        assert_eq!(fs::metadata(ground.at("etc/setid")).unwrap().mode(), 0o104_755);
        assert!(!ground.at("etc/attribute").exists());
    }
}

#[test]
fn hostile_cpio_archives_are_refused() {
    for magic in ["070701", "070702", "070707"] {
        let said = |cpio: Cpio| refusal(&cpio.end());
        assert!(said(Cpio::new(magic).add("../x", 0o100_644, 1, 1, b"")).ends_with("has a `..` in its name"));
        assert!(said(Cpio::new(magic).add("/x", 0o100_644, 1, 1, b"")).contains("absolute"));
        assert!(said(Cpio::new(magic).add("etc/n", 0o020_644, 1, 1, b"")).ends_with("is a device"));
        assert!(said(Cpio::new(magic).add("etc/n", 0o140_644, 1, 1, b"")).ends_with("is a socket"));
        assert!(said(Cpio::new(magic).add("etc/n", 0o150_644, 1, 1, b"")).ends_with("is a door"));
        let below = Cpio::new(magic).add("etc/l", 0o120_777, 1, 1, b"/").add("etc/l/x", 0o100_644, 2, 1, b"");
        assert!(said(below).ends_with("lies below something that is no directory"));
        let twice = Cpio::new(magic).add("etc/w", 0o100_644, 1, 2, b"").add("etc/w", 0o100_644, 2, 1, b"x");
        assert!(said(twice).contains("twice"), "{magic}");
        let gone = Cpio::new(magic)
            .add("etc/a", 0o100_644, 1, 2, b"x")
            .add("etc/a", 0o100_644, 2, 1, b"other")
            .add("etc/b", 0o100_644, 1, 2, b"");
        assert!(said(gone).contains("twice"), "{magic}");
    }
    let mut bytes = Cpio::new("070702").add("etc/x", 0o100_644, 1, 1, b"content").end();
    let at = bytes.windows(7).position(|window| window == b"content").unwrap();
    bytes[at] = b'C';
    assert!(refusal(&bytes).contains("the checksum of the member before is wrong"));
}

#[test]
fn damaged_archives_are_told_before_anything_is_written() {
    let whole = Tarball::root().file("etc/x", "content").end();
    for (bytes, said) in [
        (&whole[..600], "ends too early"),
        (&whole[..1536], "ends too early"),
        (&b""[..], "is empty"),
        (&b"BZh91AY"[..], "is compressed with bzip2"),
        (&b"\xfd7zXZ\0\0"[..], "is compressed with xz"),
        (&b"\x28\xb5\x2f\xfd"[..], "is compressed with zstd"),
        (&b"\xc7\x71\0\0"[..], "old binary format"),
        (&[0; 2048][..], "an archive without members"),
        (&b"hello"[..], "is neither a tar nor a cpio archive"),
        (&b"\0\0\0\0\0\0\0\x01\xac\xcb\xba\xf5\x02\0\0\0"[..], "is a stream of `zfs send`"),
        (&b"\x1f\x8b"[..], "the compressed data is not whole"),
    ] {
        let ground = Ground::new();
        let error = ground.unpack(bytes).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert_eq!(fs::read_dir(ground.at("")).unwrap().count(), 0);
    }
    let packed = gzip(&whole);
    for end in [packed.len() - 1, packed.len() - 8, packed.len() / 2] {
        let error = refusal(&packed[..end]);
        assert!(error.contains("the compressed data is not whole"), "{error}");
    }
    let mut wrong = packed.clone();
    let sum = wrong.len() - 8;
    wrong[sum] ^= 1;
    assert!(refusal(&wrong).contains("the compressed data is not whole"));
    // Members of gzip are joined, wherever they are cut.
    let two = [gzip(&whole[..700]), gzip(&whole[700..])].concat();
    assert!(Ground::new().unpack(&two).is_ok());
    // What stands behind the end does not matter.
    assert!(Ground::new().unpack(&[&whole[..], b"garbage"].concat()).is_ok());
}

#[test]
fn what_is_there_is_not_touched() {
    let ground = Ground::new();
    fs::write(ground.at("there"), "old").unwrap();
    let root = Tree::open(&ground.at("")).unwrap().handle().unwrap();
    let unpack = Unpack { limits: Limits::default(), go_on: &|| true };
    let error = unpack.run(&ground.file(&Tarball::root().end()), &root).unwrap_err();
    assert_eq!(error.to_string(), "there is something already where it is unpacked: `there`");
}

#[test]
fn an_interruption_stops_it() {
    let left = std::cell::Cell::new(40);
    let go_on = || {
        left.set(left.get() - 1);
        left.get() > 0
    };
    let mut tar = Tarball::root();
    for number in 0..30 {
        tar = tar.file(&format!("etc/{number}"), "x");
    }
    let ground = Ground::new();
    let root = Tree::open(&ground.at("")).unwrap().handle().unwrap();
    let unpack = Unpack { limits: Limits::default(), go_on: &go_on };
    assert!(matches!(unpack.run(&ground.file(&tar.end()), &root), Err(UnpackError::Interrupted)));
}

/// What `archive` writes is unpacked to the same tree as `apply` makes.
#[test]
fn the_way_out_and_back_is_the_same() {
    use crate::populate::{Counters, Origin, Settings, Trees, archive};
    let scratch = ::tests::run::Scratch::new();
    let mut image = ::tests::tiny::Tiny::new(&scratch.join("image"));
    image.accounts_of_caller().file("/etc/a", "a\n").directory("/etc/d").link("/etc/l", "../nowhere");
    image.line("/etc/hard=a l none SUNWcs");
    let long = format!("/etc/{}/{}", "d".repeat(90), "f".repeat(90));
    image.file(&long, "long\n").write();
    crate::populate::tests::planned(&image, "whole-root", None, |plan| {
        let tree = Tree::open(image.path()).unwrap();
        let counters = Counters::default();
        let settings = Settings { jobs: 2, verify: false, go_on: &|| true, counters: &counters };
        let trees = Trees { image: &tree, template: None };
        assert!(plan.main.is_none_or(|main| main == Origin::Image));
        let mut bytes = Vec::new();
        let applied = archive(plan, &mut bytes, trees, &settings).unwrap();
        let ground = Ground::new();
        let contained = ground.unpack(&bytes).unwrap();
        assert!(contained.gzip);
        assert_eq!(contained.members, 1 + applied.objects);
        let root = Tree::open(&ground.at("")).unwrap().handle().unwrap();
        assert!(listing(&root).iter().any(|line| line.contains("etc/hard")));
        if !crate::host::is_root() {
            return;
        }
        let made = tempfile::tempdir().unwrap();
        let other = Tree::open(made.path()).unwrap().handle().unwrap();
        crate::populate::apply(plan, b"", other.open_self().unwrap(), trees, &settings).unwrap();
        assert_eq!(listing(&root), listing(&other));
    });
}

/// Everything below a directory: path, kind, mode, owner, time, and content or target.
fn listing(root: &Handle) -> Vec<String> {
    fn walk(dir: &Handle, path: &str, out: &mut Vec<String>) {
        for (name, _) in dir.list().unwrap() {
            let stat = dir.stat(&name).unwrap().unwrap();
            let path = format!("{path}/{}", String::from_utf8_lossy(&name));
            let content = match stat.kind {
                FileKind::Regular => {
                    let mut bytes = Vec::new();
                    io::Read::read_to_end(&mut dir.open_file(&name).unwrap().0, &mut bytes).unwrap();
                    format!("{} {}", bytes.len(), contents::checksum::checksum(&bytes))
                }
                FileKind::Symlink => format!("{:?}", dir.read_link(&name).unwrap()),
                _ => String::new(),
            };
            out.push(format!(
                "{path} {:?} {:o} {} {} {:?} {} {content}",
                stat.kind,
                stat.mode,
                stat.uid,
                stat.gid,
                stat.modified,
                if stat.kind == FileKind::Directory { 0 } else { stat.links }
            ));
            if stat.kind == FileKind::Directory {
                walk(&dir.open_dir(&name).unwrap(), &path, out);
            }
        }
    }
    let mut out = Vec::new();
    walk(root, "", &mut out);
    out.sort();
    out
}

#[path = "property_tests.rs"]
mod properties;
