//! Every form in which modules are installed, and everything that can be wrong with it.

#![allow(clippy::unwrap_used, reason = "for tests, which end by panics")]

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use common::{Root, SITE, findings, metadata, program, run};
use zip::write::SimpleFileOptions;

/// The names and versions of all modules.
fn modules(root: &Root, more: &[&str]) -> Vec<String> {
    let words: Vec<&str> = ["check", "--json"].iter().chain(more).copied().collect();
    let ran = root.run(&words);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
    let modules = report["environments"][0]["modules"].as_array().unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    modules.iter().map(|it| format!("{} {} {}", text(&it["name"]), text(&it["version"]), text(&it["form"]))).collect()
}

fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in files {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn every_form() {
    let root = Root::new();
    root.add("wheel 1.0", &[]);
    root.site("setup-1.0-py3.13.egg-info/PKG-INFO", metadata("setup 1.0", &[]));
    root.site("setup-1.0-py3.13.egg-info/requires.txt", "wheel>=1\nlost\n\n[x:python_version>'3']\nnever\n");
    root.site("distutils-1.0.egg-info", metadata("distutils 1.0", &["Requires-Dist: lost"]));
    root.site("developed.egg-link", "/src/developed\n.\n");
    root.write("src/developed/developed.egg-info/PKG-INFO", metadata("developed 1.0", &[]));
    root.site("both.egg-link", "/src/both\n.\n");
    root.write("src/both/both.egg-info/PKG-INFO", metadata("both 1.0", &[]));
    root.site("easy-1.0-py3.13.egg/EGG-INFO/PKG-INFO", metadata("easy 1.0", &[]));
    root.site("easy-1.0-py3.13.egg/EGG-INFO/requires.txt", "lost\n");
    let egg = zipped(&[("EGG-INFO/PKG-INFO", &metadata("zipped 1.0", &[])), ("EGG-INFO/requires.txt", "lost\n")]);
    root.site("zipped-1.0-py3.13.egg", egg);
    root.site("unnamed-1.0-py3.13.egg/EGG-INFO/PKG-INFO", metadata("unnamed 1.0", &[]));
    root.site("easy-install.pth", "import sys\n./easy-1.0-py3.13.egg\n./zipped-1.0-py3.13.egg\n/src/both\n/nowhere\n");
    root.site("more.pth", "/opt/more\n# /opt/not\n");
    root.write("opt/more/added-1.0.dist-info/METADATA", metadata("added 1.0", &[]));
    root.write("opt/not/not-1.0.dist-info/METADATA", metadata("not 1.0", &[]));
    root.site("__editable__.edited-1.0.pth", "/src/edited\n");
    root.site("edited-1.0.dist-info/METADATA", metadata("edited 1.0", &[]));
    let mut found = modules(&root, &[]);
    found.sort();
    assert_eq!(
        found,
        [
            "added 1.0 dist-info",
            "both 1.0 egg-info",
            "developed 1.0 egg-link",
            "distutils 1.0 egg-info-file",
            "easy 1.0 egg",
            "edited 1.0 dist-info",
            "setup 1.0 egg-info",
            "wheel 1.0 dist-info",
            "zipped 1.0 egg-zip",
        ]
    );
    let found = root.check(&[]);
    let by: Vec<_> = found.iter().map(|text| text.split(' ').nth(1).unwrap()).collect();
    assert_eq!(by, ["distutils", "easy", "setup", "zipped"], "{found:#?}");
}

#[test]
fn metadata_files_that_are_named() {
    let root = Root::new();
    let one = root.write("one/METADATA", metadata("one 1.0", &["Requires-Dist: two>3", "Requires-Python: >=3.14"]));
    let two = root.write("two/PKG-INFO", metadata("two 2.0", &[]));
    let ran = run(program().args(["check", "--json", "--python", "3.13", "--file"]).arg(&one).arg("--file").arg(&two));
    assert_eq!(ran.code, 1);
    assert_eq!(
        findings(&ran),
        [
            "requires-python: one 1.0 is for Python >=3.14; this is 3.13",
            "incompatible: one 1.0 needs two>3; 2.0 is installed"
        ]
    );
    let ran = run(program().args(["check", "--json", "--python", "3.13", "--file", "/nonexistent/METADATA"]));
    assert_eq!((ran.code, findings(&ran)), (1, vec!["unreadable: No such file or directory (os error 2)".to_owned()]));
}

#[test]
fn what_is_garbled_hides_nothing_else() {
    let root = Root::new();
    root.add("good 1.0", &["Requires-Dist: lost"]);
    root.add(
        "other 1.0",
        &[
            "Requires-Dist: good",
            "Requires-Dist: bad requirement here",
            "Requires-Dist: lost>=2",
            "Requires-Dist: x; 'x' in extras",
        ],
    );
    root.site("empty-1.0.dist-info/METADATA", "");
    root.site("binary-1.0.dist-info/METADATA", [0u8, 159, 146, 150, 10, 255, 10, 10]);
    fs::create_dir_all(root.path().join(SITE).join("folder-1.0.dist-info/METADATA")).unwrap();
    fs::create_dir_all(root.path().join(SITE).join("bare-1.0.dist-info")).unwrap();
    root.site("plain-1.0.dist-info", "a file");
    root.site("named-1.0.dist-info/METADATA", metadata("another 1.0", &[]));
    root.site("drifted-1.0.dist-info/METADATA", metadata("drifted 1.1", &[]));
    root.site("old-2004d.dist-info/METADATA", metadata("old 2004d", &[]));
    root.site("bom-1.0.dist-info/METADATA", format!("\u{feff}{}", metadata("bom 1.0", &["Requires-Dist: lost"])));
    root.site("colon-1.0.dist-info/METADATA", metadata("colon 1.0", &["this is no header", "Requires-Dist: lost"]));
    root.site("~ood-1.0.dist-info/METADATA", metadata("good 1.0", &[]));
    root.site(
        "latin-1.0.dist-info/METADATA",
        b"Name: latin\nVersion: 1.0\nAuthor: Andr\xe9\nRequires-Dist: lost\n\n\xff",
    );
    root.site("folded-1.0.dist-info/METADATA", "Name: folded\nVersion: 1.0\nRequires-Dist: lost\n  >=3,\n <4\n\n");
    root.add(
        "dependents 1.0",
        &[
            "Requires-Dist: empty",
            "Requires-Dist: another==1.0",
            "Requires-Dist: drifted==1.1",
            "Requires-Dist: bare==1.0",
        ],
    );
    let ran = root.run(&["check", "--json"]);
    assert_eq!(ran.code, 1);
    let found = findings(&ran);
    let kinds = |kind: &str| found.iter().filter(|text| text.starts_with(kind)).cloned().collect::<Vec<_>>();
    assert_eq!(kinds("leftover").len(), 1);
    assert_eq!(kinds("bad-version"), ["bad-version: `2004d` is no version by PEP 440"]);
    assert_eq!(kinds("bad-requirement").len(), 2, "{found:#?}");
    let missing = kinds("missing");
    let by: Vec<_> = missing.iter().map(|text| text.split(' ').nth(1).unwrap()).collect();
    assert_eq!(by, ["bom", "colon", "folded", "good", "latin", "other"], "{found:#?}");
    assert!(kinds("incompatible").is_empty(), "{found:#?}");
    let bad = kinds("bad-metadata").concat();
    for word in ["no Name", "directory named", "directory 1.0", "METADATA: No such file", "byte order mark", "no colon"]
    {
        assert!(bad.contains(word), "{word}: {found:#?}");
    }
    assert_eq!(kinds("unreadable").len(), 2, "{found:#?}");
    // Each has the path that it is about.
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    for finding in report["environments"][0]["findings"].as_array().unwrap() {
        assert!(finding["path"].as_str().is_some_and(|path| path.contains(SITE)), "{finding}");
    }
}

#[test]
fn no_link_leads_out_of_the_root() {
    let outside = Root::new();
    outside.write("secret-1.0.dist-info/METADATA", metadata("secret 6.6.6", &[]));
    let root = Root::new();
    let site = root.path().join(SITE);
    // An absolute link, and one that climbs, mean places below the root.
    root.write("elsewhere/inner-1.0.dist-info/METADATA", metadata("inner 1.0", &[]));
    symlink("/elsewhere/inner-1.0.dist-info", site.join("inner-1.0.dist-info")).unwrap();
    root.write("elsewhere/text", metadata("single 1.0", &[]));
    fs::create_dir(site.join("single-1.0.dist-info")).unwrap();
    symlink("/../../elsewhere/text", site.join("single-1.0.dist-info/METADATA")).unwrap();
    symlink(outside.path().join("secret-1.0.dist-info"), site.join("secret-1.0.dist-info")).unwrap();
    symlink("loop-1.0.dist-info", site.join("loop-1.0.dist-info")).unwrap();
    symlink("nothing", site.join("broken-1.0.dist-info")).unwrap();
    root.site(
        "out.pth",
        format!("{}\n../../../../../../../../..{}\n", outside.path().display(), outside.path().display()),
    );
    root.site("far.egg-link", format!("{}\n", outside.path().display()));
    let found = modules(&root, &[]);
    assert!(
        found.contains(&"inner 1.0 dist-info".to_owned()) && found.contains(&"single 1.0 dist-info".to_owned()),
        "{found:?}"
    );
    assert!(!found.concat().contains("6.6.6"), "{found:?}");
    let found = root.check(&[]);
    let report = root.run(&["check"]).out;
    for word in ["broken", "loop", "far", "secret"] {
        assert!(report.contains(word), "{word}: {report}");
    }
    assert_eq!(found.len(), 4, "{found:#?}");
}

#[test]
fn nothing_waits_for_a_writer() {
    let root = Root::new();
    let site = root.path().join(SITE);
    for folder in ["pipe-1.0.dist-info", "socket-1.0.dist-info", "zero-1.0.dist-info"] {
        fs::create_dir(site.join(folder)).unwrap();
    }
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let pipe = site.join("pipe-1.0.dist-info/METADATA");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let pipe = site.join("x.pth");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let _listener = UnixListener::bind(site.join("socket-1.0.dist-info/METADATA")).unwrap();
    symlink("/dev/zero", site.join("zero-1.0.dist-info/METADATA")).unwrap();
    root.add("good 1.0", &["Requires-Dist: lost"]);
    let ran = root.run(&["check"]);
    assert_eq!(ran.code, 1);
    for word in ["good 1.0 needs lost", "pipe", "socket", "zero", "x.pth"] {
        assert!(ran.out.contains(word), "{word}: {}", ran.out);
    }
}

#[test]
fn what_is_huge_is_bounded() {
    let root = Root::new();
    let many: String =
        (0..10_000).map(|number| format!("Requires-Dist: lost-{number}>=1,<2; python_version>'3'\n")).collect();
    root.site("many-1.0.dist-info/METADATA", format!("Name: many\nVersion: 1.0\n{many}\n"));
    let deep = format!("Requires-Dist: x; {}os_name=='posix'{}", "(".repeat(20_000), ")".repeat(20_000));
    root.add("deep 1.0", &[&deep]);
    let endless = fs::File::create(root.site("endless-1.0.dist-info/METADATA", "")).unwrap();
    endless.set_len(100 << 20).unwrap();
    root.site("lines-1.0.dist-info/METADATA", "Requires-Dist: lost\n".repeat(5 << 20));
    let ran = root.run(&["check", "--json"]);
    assert_eq!(ran.code, 1);
    let found = findings(&ran);
    assert!(found.iter().filter(|text| text.starts_with("missing: many 1.0")).count() == 10_000);
    assert!(found.iter().any(|text| text.starts_with("bad-requirement: deep 1.0")));
    assert!(found.iter().any(|text| text.contains("no end of the headers")));
}

#[test]
fn a_root_without_python() {
    let empty = tempfile::tempdir().unwrap();
    let root = Root::new();
    root.add("app 1.0", &["Requires-Dist: lost"]);
    let ran = run(program().args(["check", "--root"]).arg(empty.path()).arg("--root").arg(root.path()));
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("no Python below"), "{}", ran.err);
    assert!(ran.out.contains("app 1.0 needs lost"), "the rest is still checked: {}", ran.out);
    let file = root.write("file", "");
    let ran = run(program().args(["check", "--root"]).arg(&file));
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("Not a directory"), "{}", ran.err);
}
