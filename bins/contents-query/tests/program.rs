//! The program, run on a small image.

#![allow(clippy::unwrap_used, reason = "all of this file is tests and what they share")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const DATABASE: &[u8] = b"/bin=./usr/bin s none SUNWcs\n\
/dev/x c none 11 ? 0600 root sys SUNWcsd\n\
/etc d none 0755 root sys SUNWcs TRIBx\n\
/etc/motd e preserve 0644 root sys 54 4521 1370000000 SUNWcs *TRIBx\\:build\n\
/etc/q v none ? ? ? ? ? ? SUNWcs\n\
/etc/\xe9\x1b[2J f none 4755 root bin 1000 3 4 TRIBx\n\
# Last modified by pkgadd for TRIBx package\n\
# Tue Mar  3 12:59:59 2026\n";

struct Image(TempDir);

impl Image {
    fn new(database: &[u8]) -> Self {
        let image = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(image.install()).unwrap();
        fs::write(image.install().join("contents"), database).unwrap();
        image
    }

    fn install(&self) -> PathBuf {
        self.0.path().join("var/sadm/install")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_contents-query"));
        command.arg("--image").arg(self.0.path());
        command
    }

    fn ask(&self, words: &[&[u8]]) -> Output {
        self.command().args(words.iter().map(|word| OsStr::from_bytes(word))).output().unwrap()
    }

    /// Standard output of a question that must be answered without a word on stderr.
    fn answer(&self, words: &[&str], status: i32) -> String {
        let output = self.ask(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{words:?}");
        assert_eq!(output.status.code(), Some(status), "{words:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, words: &[&str], status: i32) -> Value {
        serde_json::from_str(&self.answer(&[&["--json"], words].concat(), status)).unwrap()
    }

    /// The words on stderr of a question that has no answer.
    fn failure(&self, words: &[&str]) -> String {
        let output = self.ask(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>());
        assert_eq!(output.stdout, b"", "{words:?}");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

#[test]
fn owners_of_paths_are_listed() {
    let image = Image::new(DATABASE);
    let all = image.answer(&["owner", "/etc/motd", "/bin", "/dev/x", "/etc/q", "/etc"], 0);
    assert_eq!(
        all,
        "/etc/motd e 0644 root sys 54 SUNWcs *TRIBx\\:build\n\
         /bin=./usr/bin s - - - - SUNWcs\n\
         /dev/x c 0600 root sys - SUNWcsd\n\
         /etc/q v ? ? ? ? SUNWcs\n\
         /etc d 0755 root sys - SUNWcs TRIBx\n"
    );
    let some = image.answer(&["owner", "/etc/", "/etc", "/etc/mot"], 1);
    assert_eq!(some, "/etc/ - not packaged\n/etc d 0755 root sys - SUNWcs TRIBx\n/etc/mot - not packaged\n");
    assert_eq!(
        image.failure(&["owner", "/etc", "etc/motd"]),
        "contents-query: cannot look up `etc/motd`: paths of the database start with `/`; \
         give the whole path, from the root of the image\n"
    );
}

#[test]
fn packages_list_what_they_deliver() {
    let image = Image::new(DATABASE);
    assert_eq!(image.answer(&["package", "SUNWcs"], 0), "/bin\n/etc\n/etc/motd\n/etc/q\n");
    assert_eq!(
        image.answer(&["package", "SUNWcsd", "SUNWcs", "SUNWcsd"], 0),
        "/dev/x\n/bin\n/etc\n/etc/motd\n/etc/q\n"
    );
    assert_eq!(
        image.failure(&["package", "SUNWcs", "SUNWcsx"]),
        "contents-query: cannot list the package: unknown package `SUNWcsx`; nearest: SUNWcs, SUNWcsd\n"
    );
    assert_eq!(
        image.failure(&["package", "nothing-like-it"]),
        "contents-query: cannot list the package: unknown package `nothing-like-it`; `pkginfo` lists all packages\n"
    );
    assert!(image.failure(&["package", "*TRIBx"]).contains("unknown package `*TRIBx`; nearest: TRIBx"));
}

#[test]
fn totals_are_counted() {
    let expected = "entries 6\nf 1\ne 1\nv 1\nd 1\nx 0\ns 1\nl 0\np 0\nc 1\nb 0\npackages 3\nbytes 1054\n";
    assert_eq!(Image::new(DATABASE).answer(&["totals"], 0), expected);
    assert!(Image::new(b"").answer(&["totals"], 0).ends_with("packages 0\nbytes 0\n"));
}

#[test]
fn the_database_is_checked() {
    let image = Image::new(b"/a d none 0755 root sys P\n/b d none 0755 root sys P\n");
    assert_eq!(image.answer(&["check"], 0), "entries 2\ncanonical yes\nsorted yes\npending no\n");
    fs::write(image.install().join("pkglog"), "-/a\n###Marker\n").unwrap();
    assert_eq!(image.answer(&["check"], 1), "entries 2\ncanonical yes\nsorted yes\npending yes\n");
    let other = Image::new(b"# c\n/b d none 0755 root sys P\n/a  d none 755 root sys P\n");
    assert_eq!(other.answer(&["check"], 1), "entries 2\ncanonical no, line 3\nsorted no, line 3\npending no\n");
    let expected = json!({
        "version": 1, "entries": 2, "canonical": false, "not_canonical_line": 3, "sorted": false, "not_sorted_line": 3,
        "pending": false,
    });
    assert_eq!(other.json(&["check"], 1), expected);
    let trailing = Image::new(b"/b d none 0755 root sys P \n/c d none 0755 root sys P\n");
    assert_eq!(trailing.answer(&["check"], 1), "entries 2\ncanonical no, line 1\nsorted yes\npending no\n");
}

#[test]
fn pending_changes_are_warned_of() {
    let image = Image::new(DATABASE);
    fs::write(image.install().join("pkglog"), "-/a\n###Marker\n").unwrap();
    let output = image.ask(&[b"owner", b"/etc"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "contents-query: warning: `var/sadm/install/pkglog` holds changes that the answer lacks; \
         run `pkgadm sync` first\n"
    );
}

#[test]
fn json_says_the_same() {
    let image = Image::new(DATABASE);
    let reference = |name: &str| json!({"name": name, "status": null, "alternate_kind": false, "class": null});
    assert_eq!(
        image.json(&["owner", "/etc/motd", "/none", "/etc/q", "/bin", "/dev/x"], 1),
        json!({"version": 1, "paths": [
            {
                "path": "/etc/motd", "packaged": true, "kind": "e", "class": "preserve", "mode": "0644",
                "owner": "root", "group": "sys", "size": 54, "checksum": 4521, "modified": 1_370_000_000,
                "packages": [
                    reference("SUNWcs"),
                    {"name": "TRIBx", "status": "*", "alternate_kind": true, "class": "build"},
                ],
            },
            {"path": "/none", "packaged": false},
            {
                "path": "/etc/q", "packaged": true, "kind": "v", "class": "none", "mode": null, "owner": null,
                "group": null, "size": null, "checksum": null, "modified": null, "packages": [reference("SUNWcs")],
            },
            {
                "path": "/bin", "packaged": true, "kind": "s", "class": "none", "target": "./usr/bin",
                "packages": [reference("SUNWcs")],
            },
            {
                "path": "/dev/x", "packaged": true, "kind": "c", "class": "none", "major": 11, "minor": null,
                "mode": "0600", "owner": "root", "group": "sys", "packages": [reference("SUNWcsd")],
            },
        ]})
    );
    let package = image.json(&["package", "TRIBx"], 0);
    let odd = &package["packages"][0]["paths"][2];
    assert_eq!((&odd["path"], &odd["path_hex"]), (&json!("/etc/\u{fffd}\u{1b}[2J"), &json!("2f6574632fe91b5b324a")));
    assert_eq!(package["packages"][0]["name"], "TRIBx");
    let totals = image.json(&["totals"], 0);
    assert_eq!((&totals["entries"], &totals["kinds"]["f"], &totals["bytes"]), (&json!(6), &json!(1), &json!(1054)));
}

#[test]
fn pipes_get_the_raw_name() {
    let image = Image::new(DATABASE);
    let output = image.ask(&[b"owner", b"/etc/\xe9\x1b[2J"]);
    assert_eq!(output.stdout, b"/etc/\xe9\x1b[2J f 4755 root bin 1000 TRIBx\n");
    let missing = image.ask(&[b"owner", b"/\x1b\xff"]);
    assert_eq!((missing.status.code(), &missing.stdout[..]), (Some(1), &b"/\x1b\xff - not packaged\n"[..]));
    let refused = image.ask(&[b"owner", b"\x1b\xff"]);
    assert!(refused.stderr.starts_with(b"contents-query: cannot look up `\\x1b\\xff`: "));
}

/// A terminal of illumos needs modules pushed onto it before it is one.
#[cfg(target_os = "linux")]
#[test]
fn terminals_get_harmless_names() {
    use std::io::Read;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let image = Image::new(DATABASE);
    for (words, expected) in [
        (&["package", "TRIBx"][..], "/etc\r\n/etc/motd\r\n/etc/\\xe9\\x1b[2J\r\n"),
        (&["--json", "package", "TRIBx"], "\\u001b[2J"),
    ] {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let terminal = fs::OpenOptions::new().write(true).open(OsStr::from_bytes(name.as_bytes())).unwrap();
        let status = image.command().args(words).stdout(terminal).status().unwrap();
        assert!(status.success());
        let mut bytes = [0; 4096];
        let read = fs::File::from(master).read(&mut bytes).unwrap();
        let shown = String::from_utf8_lossy(&bytes[..read]).into_owned();
        assert!(shown.contains(expected) && !shown.contains('\u{1b}'), "{shown:?}");
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let mut database = Vec::new();
    for number in 0..20_000 {
        database.extend_from_slice(format!("/d{number:05} d none 0755 root sys P\n").as_bytes());
    }
    let image = Image::new(&database);
    let mut child =
        image.command().args(["package", "P"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &output.stderr[..]), (Some(0), &b""[..]));
}

#[test]
fn damage_stops_every_question() {
    for (database, why) in [
        (&b"/a d none 0755 root sys P\n/b d none 0755 root"[..], "line 2: the last line has no newline"),
        (b"/a d none 0755 root sys P\0\n", "line 1: holds a NUL byte"),
        (b"/a q none 0755 root sys P\n", "line 1: unknown kind `q`"),
        (b"/a d none 0x55 root sys P\n", "line 1: the mode `0x55` is not"),
        (b"/a d none 0755 root sys P\n/a d none 0755 root sys P\n", "line 2: the path stands on line 1 too"),
    ] {
        let image = Image::new(database);
        for question in [&["owner", "/a"][..], &["package", "P"], &["totals"], &["check"], &["--json", "check"]] {
            let error = image.failure(question);
            let start = format!("contents-query: cannot read the package database: var/sadm/install/contents: {why}");
            assert!(error.starts_with(&start), "{error}");
            assert!(error.ends_with("; restore the file, or mend that line\n"), "{error}");
        }
    }
}

#[test]
fn files_that_are_none_are_refused() {
    let image = Image::new(DATABASE);
    fs::remove_file(image.install().join("contents")).unwrap();
    assert!(image.failure(&["check"]).contains("contents: No such file"));
    fs::create_dir(image.install().join("contents")).unwrap();
    assert!(image.failure(&["check"]).contains("contents: is a directory, not a regular file; "));
    let other = Image::new(DATABASE);
    fs::create_dir(other.install().join("pkglog")).unwrap();
    assert!(other.failure(&["totals"]).contains("pkglog: is a directory, not a regular file; "));
    let nowhere = Command::new(env!("CARGO_BIN_EXE_contents-query"))
        .args(["check", "--image", "/no/such\x1bimage"])
        .output()
        .unwrap();
    let error = String::from_utf8(nowhere.stderr).unwrap();
    assert!(error.starts_with("contents-query: cannot open the image `/no/such\\x1bimage`: No such file"), "{error}");
    assert_eq!(nowhere.status.code(), Some(2));
}

#[test]
fn usage_and_help_have_their_own_statuses() {
    let run = |words: &[&str]| Command::new(env!("CARGO_BIN_EXE_contents-query")).args(words).output().unwrap();
    for words in [&[][..], &["bogus"], &["owner"], &["package"], &["totals", "x"], &["--image"]] {
        assert_eq!((run(words).status.code(), run(words).stdout.len()), (Some(2), 0), "{words:?}");
    }
    let (short, long) = (run(&["-h"]), run(&["--help"]));
    assert!(short.status.success() && long.status.success());
    assert!(long.stdout.len() > short.stdout.len());
    assert!(String::from_utf8(long.stdout).unwrap().contains("Examples:"));
    contents_query::command().debug_assert();
}
