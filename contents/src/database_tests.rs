use super::*;

const TEXT: &[u8] = b"/etc d none 0755 root sys SUNWcs\n\
/etc-x d none 0755 root sys P\n\
/etc/motd e none 0644 root sys 1 2 3 SUNWcs\n\
\n\
/etcetera d none 0755 root sys P\n\
# Last modified by pkgadd for P package\n\
# Tue Mar  3 12:59:59 2026\n";

fn parse(text: &[u8]) -> Result<Contents<'_>, Error> {
    Contents::parse(Path::new("contents"), text)
}

#[test]
fn round_trip_is_byte_identical() {
    assert_eq!(parse(TEXT).unwrap().to_bytes(), TEXT);
    assert_eq!(parse(b"").unwrap().to_bytes(), b"");
}

#[test]
fn below_goes_by_whole_components() {
    let contents = parse(TEXT).unwrap();
    let paths: Vec<_> = contents.below(b"/etc").map(|entry| entry.path_bytes()).collect();
    assert_eq!(paths, [&b"/etc"[..], b"/etc/motd"]);
    assert_eq!(contents.below(b"/").count(), 4);
    assert!(contents.get(b"/etc/motd").is_some());
    assert!(contents.get(b"/etc/mot").is_none());
}

#[test]
fn another_order_is_kept_and_searched() {
    let text = b"/b d none 0755 root sys P\n/a d none 0755 root sys P\n";
    let contents = parse(text).unwrap();
    assert_eq!(contents.to_bytes(), text);
    assert!(contents.get(b"/a").is_some() && contents.get(b"/b").is_some());
    assert_eq!(contents.sorted().map(|entry| entry.path_bytes()).collect::<Vec<_>>(), [b"/a", b"/b"]);
}

#[test]
fn errors_name_file_and_line() {
    let cases: &[(&[u8], &str)] = &[
        (
            b"/a d none 0755 root sys P\n/b d none 0755 root",
            "contents: line 2: the last line has no newline: the file is truncated",
        ),
        (b"/a d none 0755 root sys P\n# c\n/b d none 0755 root\n", "contents: line 3: ends before the group"),
        (
            b"/a d none 0755 root sys P\n/b\0 d none 0755 root sys P\n",
            "contents: line 2: holds a NUL byte: this is not a text file",
        ),
        (b"/a d none 0755 root sys P\n/a d none 0755 root sys P\n", "contents: line 2: the path stands on line 1 too"),
    ];
    for (text, message) in cases {
        assert_eq!(parse(text).unwrap_err().to_string(), *message);
    }
}

#[test]
fn a_megabyte_line_is_refused() {
    let mut text = b"/a d none 0755 root sys".to_vec();
    while text.len() < 1_000_000 {
        text.extend_from_slice(b" TRIBpackage");
    }
    text.push(b'\n');
    assert!(parse(&text).unwrap_err().to_string().contains("line 1: is longer than"));
}

#[test]
fn halves_make_the_whole() {
    use std::fmt::Write;
    let mut text = String::new();
    for number in 0..20_000 {
        writeln!(text, "/directory/{number:06} d none 0755 root sys TRIBpackage").unwrap();
    }
    let file = Path::new("contents");
    let halves = Contents::parse_halves(file, text.as_bytes()).unwrap();
    assert!(halves.is_sorted());
    assert!(halves.entries() == parse(text.as_bytes()).unwrap().entries());
    for line in [3, 19_990] {
        let offset = text.lines().take(line - 1).map(|line| line.len() + 1).sum::<usize>();
        let mut damaged = text.clone().into_bytes();
        damaged[offset] = b'x';
        let error = Contents::parse_halves(file, &damaged).unwrap_err().to_string();
        assert!(error.starts_with(&format!("contents: line {line}: ")), "{error}");
        damaged[offset] = 0;
        assert!(Contents::parse_halves(file, &damaged).unwrap_err().to_string().contains(&format!("line {line}: ")));
    }
    let twice = format!("{text}{text}");
    assert!(Contents::parse_halves(file, twice.as_bytes()).unwrap_err().to_string().contains("stands on line"));
}
