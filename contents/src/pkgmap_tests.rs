use super::*;

const TEXT: &[u8] = b": 1 15006\n\
1 s none bin=./usr/bin\n\
1 d none etc 0755 root sys\n\
1 e preserve etc/motd 0644 root sys 54 4521 1370000000\n\
1 f none etc/x=src/x 4755 root bin 0 0 0\n\
1 l none etc/y=x=z\n\
1 p none var/fifo 0600 root sys\n\
1 c none dev/x 11 ? 0600 root sys\n\
1 b none dev/y ? 7 ? ? ?\n\
1 x none var/own 0700 ? sys\n\
2 v none /var/adm/log ? ? ? ? ? ?\n\
1 d none / 0755 root root\n\
1 f none pkginfo 0644 root sys 1 2 3\n\
1 i pkginfo 187 15574 1741000000\n\
1 i postinstall=scripts/post 10 20 30\n";

fn parse(text: &[u8]) -> Result<Pkgmap<'_>, Error> {
    Pkgmap::parse(Path::new("pkgmap"), text)
}

#[test]
fn every_kind_is_read_and_written_back() {
    let map = parse(TEXT).unwrap();
    assert_eq!(map.to_bytes(), TEXT);
    assert_eq!((map.parts(), map.blocks(), map.entries().len()), (1, 15006, 14));
    let file = map.get(b"etc/motd").unwrap();
    assert_eq!((file.kind(), file.part(), file.class()), (Kind::Editable, 1, Some(&b"preserve"[..])));
    assert_eq!((file.mode(), file.owner(), file.group()), (Some(0o644), Some(&b"root"[..]), Some(&b"sys"[..])));
    assert_eq!((file.size(), file.checksum(), file.modified()), (Some(54), Some(4521), Some(1_370_000_000)));
    assert_eq!(file.path(), Path::new("etc/motd"));
    assert_eq!(file.line(), b"1 e preserve etc/motd 0644 root sys 54 4521 1370000000");
    assert_eq!(map.get(b"etc/y").unwrap().target(), Some(&b"x=z"[..]));
    let device = map.get(b"dev/x").unwrap();
    assert_eq!((device.major(), device.minor(), device.size()), (Some(11), None, None));
    let unknown = map.get(b"/var/adm/log").unwrap();
    assert_eq!((unknown.part(), unknown.mode(), unknown.owner(), unknown.group()), (2, None, None, None));
    assert_eq!((unknown.size(), unknown.checksum(), unknown.modified()), (None, None, None));
    assert!(map.get(b"etc/mot").is_none() && map.get(b"var/adm/log").is_none() && map.get(b"postinstall").is_none());
    assert_eq!(map.get(b"pkginfo").unwrap().size(), Some(1));
    let information = map.information(b"pkginfo").unwrap();
    assert_eq!((information.size(), information.class(), information.mode()), (Some(187), None, None));
    assert_eq!(map.information(b"postinstall").unwrap().target(), Some(&b"scripts/post"[..]));
}

#[test]
fn other_forms_become_canonical() {
    let text = b"# made by hand\n:  1\t 2 3\n\nd none etc 755 root sys \n  3\tf none  \xff\xe9 0 a b 01 02 03\n";
    let canonical = b": 1 2 3\n1 d none etc 0755 root sys\n3 f none \xff\xe9 0000 a b 1 2 3\n";
    assert_eq!(parse(text).unwrap().to_bytes(), canonical);
    assert_eq!(parse(canonical).unwrap().to_bytes(), canonical);
    assert_eq!(parse(b": 1 0\n").unwrap().entries().len(), 0);
}

#[test]
fn damage_is_refused_with_its_line() {
    let cases: &[(&str, &str)] = &[
        ("", "line 1: ends before the line `: parts blocks`"),
        ("# c\n\n", "line 3: ends before the line `: parts blocks`"),
        ("1 d none etc 0755 root sys\n", "line 1: the first line is not `: parts blocks`"),
        (":1 2\n", "line 1: the first line is not `: parts blocks`"),
        (":\n", "line 1: ends before the number of parts"),
        (": 1\n", "line 1: ends before the size in blocks"),
        (": 0 1\n", "line 1: the part number `0` is not a number of the right form and range"),
        (": 1 ?\n", "line 1: the size in blocks `?` is not a number of the right form and range"),
        (": 1 2 3 4\n", "line 1: has more fields than its kind allows"),
        (": 1 2\n: 1 2\n", "line 2: unknown kind `:`"),
        (": 1 2\n1\n", "line 2: ends before the kind"),
        (": 1 2\n0 d none a 0755 root sys\n", "line 2: the part number `0` is not"),
        (": 1 2\n1x d none a 0755 root sys\n", "line 2: the part number `1x` is not"),
        (": 1 2\n4294967296 d none a 0755 root sys\n", "line 2: the part number `4294967296` is not"),
        (": 1 2\n1 q none a\n", "line 2: unknown kind `q`"),
        (": 1 2\n1 ? none a\n", "line 2: unknown kind `?`"),
        (": 1 2\n1 d none\n", "line 2: ends before the path"),
        (": 1 2\n1 d none a 0755 root\n", "line 2: ends before the group"),
        (": 1 2\n1 d none a 0755 root sys x\n", "line 2: has more fields than its kind allows"),
        (": 1 2\n1 d none a/ 0755 root sys\n", "line 2: the path has an empty"),
        (": 1 2\n1 d none ./a 0755 root sys\n", "line 2: the path has an empty"),
        (": 1 2\n1 d none a/../b 0755 root sys\n", "line 2: the path has an empty"),
        (": 1 2\n1 d none =a 0755 root sys\n", "line 2: the path has an empty"),
        (": 1 2\n1 d none /a//b 0755 root sys\n", "line 2: the path has an empty"),
        (": 1 2\n1 s none a\n", "line 2: a link without `=target`"),
        (": 1 2\n1 l none a=\n", "line 2: a link without `=target`"),
        (": 1 2\n1 f none a 0644 root sys 1 2\n", "line 2: ends before the modification time"),
        (": 1 2\n1 f none a 0648 root sys 1 2 3\n", "line 2: the mode `0648` is not"),
        (": 1 2\n1 i /pkginfo 1 2 3\n", "line 2: the path is not relative to the package's base directory"),
        (": 1 2\n1 i none pkginfo 1 2 3\n", "line 2: the size `pkginfo` is not"),
        (": 1 2\n1 d none a 0755 root sys\n\n1 s none a=b\n", "line 4: the path stands on line 2 too"),
        (": 1 2\n1 d none a 0755 root sys", "line 2: the last line has no newline"),
        (": 1 2\n\0\n", "line 2: holds a NUL byte"),
    ];
    for (text, message) in cases {
        let error = parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("pkgmap: {message}")), "{text:?}: {error}");
    }
    let word = "x".repeat(65);
    for line in [format!("1 d {word} a 0755 root sys"), format!("1 d none a 0755 {word} sys")] {
        assert!(matches!(MapEntry::parse(line.as_bytes()), Err(Problem::WordTooLong { .. })), "{line}");
    }
    let path = "p/".repeat(600) + "q";
    assert!(matches!(
        MapEntry::parse(format!("1 s none a={path}").as_bytes()),
        Err(Problem::WordTooLong { field: "link target", .. })
    ));
    assert!(matches!(
        MapEntry::parse(format!("1 d none {path} 0755 root sys").as_bytes()),
        Err(Problem::WordTooLong { field: "path", .. })
    ));
    let blanks = " ".repeat(70_000);
    let far = format!("1 d none{blanks}a 0755 root sys");
    assert!(matches!(MapEntry::parse(far.as_bytes()), Err(Problem::TooLong(_))));
}

#[test]
fn entries_are_small() {
    assert!(size_of::<MapEntry<'_>>() <= 80);
}
