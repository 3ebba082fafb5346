//! Properties that hold for every text: what is parsed is written back the same, and nothing panics.

use std::path::Path;

use contents::alias::Aliases;
use contents::depend::Dependencies;
use contents::pkginfo::PackageInfo;
use contents::pkgmap::{MapEntry, Pkgmap};
use contents::{Contents, Entry, Error, Kind, OverlayName, PackageName, PackageRef, Problem};
use proptest::collection::vec;
use proptest::prelude::*;

/// The kinds of contents(5).
const KINDS: [Kind; 10] = [
    Kind::File,
    Kind::Editable,
    Kind::Volatile,
    Kind::Directory,
    Kind::Exclusive,
    Kind::Symlink,
    Kind::HardLink,
    Kind::Pipe,
    Kind::Character,
    Kind::Block,
];

/// Bytes of a word: anything but NUL, blanks and newline, and none of `not`.
fn word(not: &'static [u8], longest: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte =
        any::<u8>().prop_map(
            move |byte| {
                if matches!(byte, 0 | b' ' | b'\t' | b'\n') || not.contains(&byte) { b'x' } else { byte }
            },
        );
    vec(byte, 1..longest)
}

fn component() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        word(b"/=", 20),
        Just(b"etc".to_vec()),
        Just(b"...".to_vec()),
        Just(b".x".to_vec()),
        Just(b"x..".to_vec()),
        Just(b"reloc".to_vec()),
    ]
    .prop_filter("an ordinary component", |name| !matches!(name.as_slice(), b"." | b".."))
}

/// Components joined by slashes, without one at the start.
fn relative() -> impl Strategy<Value = Vec<u8>> {
    vec(component(), 1..8).prop_map(|parts| parts.join(&b'/'))
}

fn number(most: u64) -> impl Strategy<Value = String> {
    prop_oneof![Just("?".to_owned()), Just(most.to_string()), (0..=most).prop_map(|value| value.to_string())]
}

/// What follows the path of an object of this kind, in canonical form.
fn attributes(kind: Kind) -> impl Strategy<Value = Vec<u8>> {
    let small = u64::from(u32::MAX) - 1;
    let large = i64::MAX as u64;
    let mode = prop_oneof![Just("?".to_owned()), (0u32..=0o7777).prop_map(|mode| format!("{mode:04o}"))];
    let devices = (number(small), number(small));
    let content = (number(large), number(small), number(large));
    (devices, mode, word(b"", 12), word(b"", 12), content).prop_map(move |(devices, mode, owner, group, content)| {
        let mut words: Vec<Vec<u8>> = Vec::new();
        if kind.is_device() {
            words.extend([devices.0.into(), devices.1.into()]);
        }
        if kind.has_attributes() {
            words.extend([mode.into(), owner, group]);
        }
        if kind.has_content() {
            words.extend([content.0.into(), content.1.into(), content.2.into()]);
        }
        words.into_iter().flat_map(|word| [b" ".to_vec(), word].concat()).collect()
    })
}

fn with_target(kind: Kind, path: Vec<u8>, target: Vec<u8>, wanted: bool) -> Vec<u8> {
    if wanted || matches!(kind, Kind::Symlink | Kind::HardLink) { [path, b"=".to_vec(), target].concat() } else { path }
}

fn package() -> impl Strategy<Value = Vec<u8>> {
    let name = "[A-Za-z0-9][A-Za-z0-9+_.-]{0,30}";
    let status = prop::sample::select(vec!["", "", "", "+", "-", "!", "%", "*", "~"]);
    let suffix = prop::sample::select(vec!["", "", "", "\\", ":build", "\\:build"]);
    (status, name, suffix).prop_map(|(status, name, suffix)| format!(" {status}{name}{suffix}").into_bytes())
}

/// One canonical line of contents(5).
fn contents_line() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(KINDS.to_vec())
        .prop_flat_map(|kind| {
            let path = (relative(), word(b"", 30), any::<bool>());
            (Just(kind), path, word(b"", 12), attributes(kind), vec(package(), 1..4))
        })
        .prop_map(|(kind, (path, target, wanted), class, attributes, packages)| {
            let path = with_target(kind, [b"/".to_vec(), path].concat(), target, wanted);
            let letter = vec![b' ', kind.letter() as u8, b' '];
            [path, letter, class, attributes, packages.concat(), b"\n".to_vec()].concat()
        })
}

/// One canonical line of pkgmap(5).
fn map_line() -> impl Strategy<Value = Vec<u8>> {
    let kinds = [KINDS.to_vec(), vec![Kind::Information]].concat();
    prop::sample::select(kinds)
        .prop_flat_map(|kind| {
            let path = (relative(), word(b"", 30), any::<bool>());
            (Just(kind), path, word(b"", 12), attributes(kind), (1u32.., any::<bool>()))
        })
        .prop_map(|(kind, (path, target, wanted), class, attributes, (part, absolute))| {
            let information = kind == Kind::Information;
            let root = if absolute && !information { b"/".to_vec() } else { Vec::new() };
            let path = with_target(kind, [root, path].concat(), target, wanted);
            let class = if information { Vec::new() } else { [class, b" ".to_vec()].concat() };
            let start = format!("{part} {} ", kind.letter()).into_bytes();
            [start, class, path, attributes, b"\n".to_vec()].concat()
        })
}

/// Texts that parsers get some way into.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let pieces: &[&[u8]] = &[
        b" ",
        b"\t",
        b"\n",
        b"\n",
        b"=",
        b"/",
        b"/etc/x",
        b" f none 0644 root sys 1 2 3 ",
        b" d none 0755 root sys ",
        b" s none ",
        b" c none 1 ? ",
        b"?",
        b"18446744073709551616",
        b"\\",
        b"\"",
        b"'",
        b":",
        b"#",
        b"|",
        b": 1 2\n",
        b"1 ",
        b"i pkginfo 1 2 3",
        b"..",
        b"P TRIBx",
        b"\n (i386)1.0\n",
        b"BASEDIR=",
        b"NAME=",
        b"\0",
        b"\xff\xe9",
    ];
    let piece = prop_oneof![
        9 => prop::sample::select(pieces.to_vec()).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..12),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Random paths may meet.
fn only_duplicates(error: &Error) -> Result<(), TestCaseError> {
    prop_assert!(matches!(error, Error::Damaged { problem: Problem::Duplicate(_), .. }), "{}", error);
    Ok(())
}

proptest! {
    #[test]
    fn a_contents_line_comes_back(line in contents_line()) {
        let mut out = Vec::new();
        Entry::parse(&line[..line.len() - 1]).unwrap().write(&mut out);
        prop_assert_eq!(out, line);
    }

    #[test]
    fn a_contents_file_comes_back(lines in vec(contents_line(), 0..20)) {
        let text = lines.concat();
        let contents = match Contents::parse(Path::new("x"), &text) {
            Ok(contents) => contents,
            Err(error) => return only_duplicates(&error),
        };
        prop_assert_eq!(contents.to_bytes(), &text[..]);
        prop_assert_eq!(contents.entries().len(), lines.len());
        for entry in contents.entries() {
            prop_assert_eq!(contents.get(entry.path_bytes()), Some(entry));
        }
        let paths: Vec<_> = contents.sorted().map(|entry| entry.path_bytes()).collect();
        prop_assert!(paths.is_sorted());
    }

    #[test]
    fn a_map_line_comes_back(line in map_line()) {
        let mut out = Vec::new();
        MapEntry::parse(&line[..line.len() - 1]).unwrap().write(&mut out);
        prop_assert_eq!(out, line);
    }

    #[test]
    fn a_map_comes_back(lines in vec(map_line(), 0..20), blocks in any::<u32>()) {
        let text = [format!(": 1 {blocks}\n").into_bytes(), lines.concat()].concat();
        let map = match Pkgmap::parse(Path::new("x"), &text) {
            Ok(map) => map,
            Err(error) => return only_duplicates(&error),
        };
        prop_assert_eq!(map.to_bytes(), &text[..]);
        for entry in map.entries() {
            let found = match entry.kind() {
                Kind::Information => map.information(entry.path_bytes()),
                _ => map.get(entry.path_bytes()),
            };
            prop_assert_eq!(found, Some(entry));
        }
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in text()) {
        let file = Path::new("x");
        if let Ok(contents) = Contents::parse(file, &text) {
            let written = contents.to_bytes();
            prop_assert_eq!(Contents::parse(file, &written).unwrap().to_bytes(), &written[..]);
        }
        if let Ok(map) = Pkgmap::parse(file, &text) {
            let written = map.to_bytes();
            prop_assert_eq!(Pkgmap::parse(file, &written).unwrap().to_bytes(), &written[..]);
        }
        if let Ok(dependencies) = Dependencies::parse(file, &text) {
            let written = dependencies.to_bytes();
            prop_assert_eq!(Dependencies::parse(file, &written).unwrap(), dependencies);
        }
        if let Ok(info) = PackageInfo::parse(file, &text) {
            prop_assert!(info.basedir().starts_with(b"/"));
            prop_assert!(info.iter().all(|(key, _)| info.get(std::str::from_utf8(key).unwrap()).is_some()));
        }
        let _ = Aliases::default().add(file, &text);
        for word in text.split(|&byte| byte == b'\n') {
            let _ = Entry::parse(word);
            let _ = MapEntry::parse(word);
            let _ = PackageRef::parse(word);
            prop_assert_eq!(PackageName::from_bytes(word).is_ok(), OverlayName::from_bytes(word).is_ok());
        }
    }

    #[test]
    fn random_bytes_are_refused_or_read(bytes in vec(any::<u8>(), 0..200)) {
        let file = Path::new("x");
        let _ = Contents::parse(file, &bytes);
        let _ = Pkgmap::parse(file, &bytes);
        let _ = Dependencies::parse(file, &bytes);
        let _ = PackageInfo::parse(file, &bytes);
        let _ = Aliases::default().add(file, &bytes);
    }
}
