use super::*;

fn parse(line: &str) -> Entry<'_> {
    Entry::parse(line.as_bytes()).unwrap()
}

#[test]
fn every_kind_has_its_fields() {
    let file = parse("/etc/motd=src/motd e preserve 0644 root sys 54 4521 1370000000 SUNWcs *TRIBx\\:build");
    assert_eq!(file.kind(), Kind::Editable);
    assert_eq!(file.path(), Path::new("/etc/motd"));
    assert_eq!(file.target(), Some(&b"src/motd"[..]));
    assert_eq!(file.class(), b"preserve");
    assert_eq!((file.mode(), file.owner(), file.group()), (Some(0o644), Some(&b"root"[..]), Some(&b"sys"[..])));
    assert_eq!((file.size(), file.checksum(), file.modified()), (Some(54), Some(4521), Some(1_370_000_000)));
    let packages: Vec<_> = file.packages().collect();
    assert_eq!(packages[0], PackageRef { status: None, name: b"SUNWcs", alternate_kind: false, class: None });
    assert_eq!(
        packages[1],
        PackageRef { status: Some(b'*'), name: b"TRIBx", alternate_kind: true, class: Some(b"build") }
    );

    let device = parse("/devices/pseudo/x c none 11 ? 0600 root sys SUNWcsd");
    assert_eq!((device.major(), device.minor(), device.mode()), (Some(11), None, Some(0o600)));

    let link = parse("/bin=./usr/bin s none SUNWcs");
    assert_eq!((link.kind(), link.target(), link.mode()), (Kind::Symlink, Some(&b"./usr/bin"[..]), None));
}

#[test]
fn question_marks_are_unknown() {
    let entry = parse("/etc/q e none ? ? ? ? ? ? SUNWcs");
    assert_eq!((entry.mode(), entry.owner(), entry.group()), (None, None, None));
    assert_eq!((entry.size(), entry.checksum(), entry.modified()), (None, None, None));
}

#[test]
fn damaged_lines_say_which_rule() {
    let cases: &[(&str, Problem)] = &[
        ("etc/x f none 0644 root sys 1 2 3 P", Problem::NotAbsolute),
        (" /etc/x f none 0644 root sys 1 2 3 P", Problem::NotAbsolute),
        ("/etc/x/. d none 0644 root sys P", Problem::NotCanonical),
        ("/etc/long-enough/.. d none 0644 root sys P", Problem::NotCanonical),
        ("/etc/long-enough/./x d none 0644 root sys P", Problem::NotCanonical),
        ("/etc/long-enough//x d none 0644 root sys P", Problem::NotCanonical),
        ("/etc/../x f none 0644 root sys 1 2 3 P", Problem::NotCanonical),
        ("/etc//x f none 0644 root sys 1 2 3 P", Problem::NotCanonical),
        ("/etc/ d none 0644 root sys P", Problem::NotCanonical),
        ("/etc/x", Problem::Missing("kind")),
        ("/etc/x q none P", Problem::UnknownKind("q".into())),
        ("/etc/x ff none P", Problem::UnknownKind("ff".into())),
        ("/etc/x i none 1 2 3 P", Problem::UnknownKind("i".into())),
        ("/etc/x s none P", Problem::NoTarget),
        ("/etc/x f none 0948 root sys 1 2 3 P", Problem::BadNumber { field: "mode", value: "0948".into() }),
        ("/etc/x f none 10644 root sys 1 2 3 P", Problem::BadNumber { field: "mode", value: "10644".into() }),
        ("/etc/x f none 0644 root sys -1 2 3 P", Problem::BadNumber { field: "size", value: "-1".into() }),
        ("/etc/x f none 0644 root sys 1 2x 3 P", Problem::BadNumber { field: "checksum", value: "2x".into() }),
        ("/etc/x f none 0644 root sys 1 2 3", Problem::Missing("package")),
        ("/etc/x f none 0644 root sys 1 2", Problem::Missing("modification time")),
        ("/etc/x d none 0755 root sys ", Problem::Missing("package")),
        ("/etc/x d none 0755 root sys A :k", Problem::BadPackage(":k".into())),
        ("/etc/x d none 0755 root sys A P:", Problem::BadPackage("P:".into())),
        (
            "/etc/x f none 0644 root sys 99999999999999999999 2 3 P",
            Problem::BadNumber { field: "size", value: "99999999999999999999".into() },
        ),
        (
            "/etc/x f none 0644 root sys 1 4294967295 3 P",
            Problem::BadNumber { field: "checksum", value: "4294967295".into() },
        ),
        ("/etc/x f none 0644 root sys 1 2 ?? P", Problem::BadNumber { field: "modification time", value: "??".into() }),
        ("/etc/x d none 0755 root sys *", Problem::BadPackage("*".into())),
        ("/etc/x d none 0755 root sys P ../../tmp", Problem::BadPackage("../../tmp".into())),
        ("/etc/x d none 0755 root sys ..", Problem::BadPackage("..".into())),
        ("/etc/x d none 0755 root sys +..", Problem::BadPackage("+..".into())),
        ("/etc/x d none 0755 root sys P\\x", Problem::BadPackage("P\\\\x".into())),
    ];
    for (line, problem) in cases {
        assert_eq!(Entry::parse(line.as_bytes()).unwrap_err(), *problem, "{line}");
    }
}

#[test]
fn names_are_limited_as_illumos_limits_them() {
    let name = "x".repeat(65);
    let long_path = format!("/{} d none 0755 root sys P", "p/".repeat(600) + "q");
    assert!(matches!(Entry::parse(long_path.as_bytes()), Err(Problem::WordTooLong { field: "path", .. })));
    for line in [
        format!("/x d {name} 0755 root sys P"),
        format!("/x d none 0755 {name} sys P"),
        format!("/x d none 0755 root {name} P"),
        format!("/x d none 0755 root sys {name}"),
    ] {
        assert!(matches!(Entry::parse(line.as_bytes()), Err(Problem::WordTooLong { .. })), "{line}");
    }
}

#[test]
fn writes_the_byte_form_of_illumos() {
    for line in [
        "/bin=./usr/bin s none SUNWcs",
        "/a=b=c l none P",
        "/etc/x v sed 4755 root bin 0 0 0 *A ~B\\ -C:k +D\\:k !E %F",
        "/dev/y b none ? 7 ? ? ? P",
        "/x x none 0000 root sys P Q",
        "/ d none 0755 root root P",
        "/etc/.login f none 0644 root sys 9223372036854775807 4294967294 9223372036854775807 P",
        "/etc/..x/.y/... p none 7777 root sys P",
    ] {
        let mut out = Vec::new();
        parse(line).write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{line}\n"));
    }
}
