//! What `check` finds, as its users see it.

mod common;

use common::{Root, findings, metadata, program, run};

#[test]
fn all_is_well() {
    let root = Root::new();
    root.add("one 1.0", &["Requires-Dist: Two-Point_Oh (>=2,<3)"]).add("two.point.oh 2.5", &[]);
    let ran = root.run(&["check"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:#?}");
    assert!(ran.out.contains("Python 3.13 in ") && ran.out.contains("2 modules"), "{}", ran.out);
    assert!(ran.out.ends_with("nothing found\n"), "{}", ran.out);
}

#[test]
fn missing_and_wrong_are_told_by_the_module_to_act_on() {
    let root = Root::new();
    root.add("app 1.0", &["Requires-Dist: lib<2", "Requires-Dist: nowhere[x]>=3; python_version > '3'"])
        .add("tool 2.0", &["Requires-Dist: lib (<1.5)"])
        .add("lib 2.1", &[]);
    let ran = root.run(&["check"]);
    assert_eq!(ran.code, 1);
    let expected = "\nlib 2.1\n  incompatible  app 1.0 needs lib<2; 2.1 is installed\n  incompatible  tool 2.0 needs lib (<1.5); 2.1 is \
                    installed\n\nnowhere (not installed)\n  missing       app 1.0 needs nowhere[x]>=3, which is not \
                    installed\n\n";
    assert!(ran.out.contains(expected), "{}", ran.out);
    assert!(ran.out.ends_with(": 3 findings\n"), "{}", ran.out);
    // Only what concerns some modules.
    assert_eq!(root.check(&["tool"]), ["incompatible: tool 2.0 needs lib (<1.5); 2.1 is installed"]);
    assert_eq!(root.check(&["other"]), [""; 0]);
}

#[test]
fn versions_are_compared_as_pep_440_says() {
    for (specifier, version, fits) in [
        (">=1.0", "1.0rc1", false),
        (">=1.0rc1", "1.0", true),
        (">=1.0", "1.1.dev1", true),
        ("==1.0", "1.0+local", true),
        ("===1.0", "1.0", true),
        ("===1.0.0", "1.0", false),
        ("~=1.4", "1.9", true),
        ("~=1.4", "2.0", false),
        ("<2", "2.0rc1", false),
        (">2024", "1!1.0", true),
        ("==1.*", "1.7", true),
        ("!=1.7.*", "1.7.3", false),
        ("==1.0.post1", "1.0-1", true),
    ] {
        let root = Root::new();
        root.add("app 1.0", &[&format!("Requires-Dist: lib{specifier}")]);
        root.site("lib.egg-info", metadata(&format!("lib {version}"), &[]));
        let found = root.check(&[]);
        assert_eq!(found.is_empty(), fits, "{specifier} {version}: {found:?}");
    }
}

#[test]
fn requirements_that_are_not_as_they_should_be() {
    let root = Root::new();
    let long = format!("Requires-Dist: {}!", "x".repeat(1000));
    root.add("app 1.0", &["Requires-Dist: lib>=2.0.*", "Requires-Dist: lib>=junk", &long]).add("lib 3.0", &[]);
    let found = root.check(&[]);
    assert_eq!(found.len(), 3, "{found:#?}");
    let start =
        "bad-requirement: app 1.0 has a requirement that cannot be understood, `lib>=junk`: `junk` is not a version";
    assert!(found[0].starts_with(start), "{found:#?}");
    assert!(found[1].len() < 300 && found[1].contains("xxx...`: "), "{found:#?}");
    assert_eq!(
        found[2],
        "legacy-specifier: app 1.0 needs lib>=2.0.*: in `>=2.0.*`, `.*` may follow only `==` or `!=`; read without it"
    );
}

#[test]
fn requires_python_is_checked_at_both_ends() {
    let root = Root::new();
    root.add("old 1.0", &["Requires-Python: >=2.7,<3.10"])
        .add("patched 1.0", &["Requires-Python: >=3.8,!=3.13.1,>=3.13.2"])
        .add("fine 1.0", &["Requires-Python: >=3.9"])
        .add("garbled 1.0", &["Requires-Python: three"]);
    let found = root.check(&[]);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].starts_with("bad-metadata: Requires-Python `three` of garbled 1.0"), "{found:#?}");
    assert_eq!(found[1], "requires-python: old 1.0 is for Python >=2.7,<3.10; this is 3.13");
    assert!(found[2].starts_with("unsure: patched 1.0 is for Python"), "{found:#?}");
    // Which patch level it is can be said.
    let ran = root.run(&["check", "--json", "--python", "3.13.1", "patched"]);
    assert_eq!(findings(&ran), ["requires-python: patched 1.0 is for Python >=3.8,!=3.13.1,>=3.13.2; this is 3.13.1"]);
    let ran = root.run(&["check", "--json", "--matrix", "3.9,3.14", "fine", "old"]);
    assert_eq!(findings(&ran), ["requires-python: old 1.0 is for Python >=2.7,<3.10; this is 3.14"]);
}

#[test]
fn extras_are_followed_to_the_end() {
    let root = Root::new();
    root.add("app 1.0", &["Requires-Dist: web[Fast_Lane,no-such]"])
        .add(
            "web 2.0",
            &[
                "Provides-Extra: fast.lane",
                "Provides-Extra: unused",
                "Requires-Dist: engine[turbo] ; extra == 'fast.lane'",
                "Requires-Dist: never; extra == 'unused'",
            ],
        )
        .add(
            "engine 3.0",
            &[
                "Provides-Extra: turbo",
                "Requires-Dist: charger>2; extra == 'turbo'",
                "Requires-Dist: absent; extra == \"turbo\"",
            ],
        )
        .add("charger 2.0", &[]);
    assert_eq!(
        root.check(&[]),
        [
            "extra-missing: engine 3.0 needs absent, which is not installed (asked for by app > web[fast-lane] > engine[turbo])",
            "extra-unknown: app 1.0 asks for the extra `no-such`, which web 2.0 does not have",
            "extra-incompatible: engine 3.0 needs charger>2; 2.0 is installed (asked for by app > web[fast-lane] > \
             engine[turbo])",
        ]
    );
}

#[test]
fn extras_may_ask_for_themselves() {
    let root = Root::new();
    root.add("app 1.0", &["Requires-Dist: web[all]"]).add(
        "web 2.0",
        &[
            "Provides-Extra: all",
            "Provides-Extra: a",
            "Requires-Dist: web[a,all]; extra == 'all'",
            "Requires-Dist: dep-a; extra == 'a'",
        ],
    );
    assert_eq!(
        root.check(&[]),
        ["extra-missing: web 2.0 needs dep-a, which is not installed (asked for by app > web[all] > web[a])"]
    );
}

#[test]
fn the_platform_is_stated_and_never_that_of_this_machine() {
    let root = Root::new();
    root.add(
        "app 1.0",
        &[
            "Requires-Dist: sun; sys_platform == 'sunos5' and platform_system == 'SunOS'",
            "Requires-Dist: lin; sys_platform == 'linux'",
            "Requires-Dist: win; os_name == 'nt'",
            "Requires-Dist: sparc; platform_machine == 'sun4v'",
        ],
    );
    let missing = |more: &[&str]| -> Vec<String> {
        let words = |text: &String| text.split(' ').nth(4).unwrap().trim_end_matches(',').to_owned();
        root.check(more).iter().map(words).collect()
    };
    assert_eq!(missing(&[]), ["sun"]);
    assert_eq!(missing(&["--platform", "linux"]), ["lin"]);
    assert_eq!(missing(&["--platform", "windows"]), ["win"]);
    assert_eq!(missing(&["--marker", "platform_machine=sun4v"]), ["sparc", "sun"]);
    let ran = root.run(&["check", "--marker", "platform=x"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("no such marker variable; there are os_name"), "{}", ran.err);
}

#[test]
fn pythons_side_by_side_are_checked_apart() {
    let root = Root::new();
    root.add("app 1.0", &["Requires-Dist: lib"]).add("lib 1.0", &[]);
    root.write(
        "usr/versions/python-3.12/lib/python3.12/site-packages/app-1.0.dist-info/METADATA",
        metadata("app 1.0", &["Requires-Dist: lib"]),
    );
    let ran = root.run(&["check"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.starts_with("Python 3.12 in ") && ran.out.contains("\nPython 3.13 in "), "{}", ran.out);
    assert_eq!(ran.out.matches("lib (not installed)").count(), 1);
    assert_eq!(root.run(&["check", "--python", "3.13"]).code, 0);
    assert_eq!(root.run(&["check", "--python", "3.12"]).code, 1);
    let ran = root.run(&["check", "--python", "3.11"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("no Python 3.11 below") && ran.err.contains("there is 3.12, 3.13"), "{}", ran.err);
}

#[test]
fn a_project_that_is_there_twice() {
    let root = Root::new();
    root.add("Some.Lib 1.0", &[])
        .add("some-lib 2.0", &[])
        .add("app 1.0", &["Requires-Dist: some_lib>=2"])
        .add("old 1", &["Requires-Dist: some-lib>3"]);
    let found = root.check(&[]);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert_eq!(found[0], "incompatible: old 1 needs some-lib>3; 1.0, 2.0 is installed");
    assert_eq!(found[1], "ambiguous: app 1.0 needs some_lib>=2; 1.0, 2.0 is installed, and not all would do");
    assert!(
        found[2].starts_with("duplicate: some-lib is there 2 times: 1.0 in `Some.Lib-1.0.dist-info`, 2.0 in"),
        "{found:#?}"
    );
}

#[test]
fn the_first_directory_of_the_path_counts() {
    let root = Root::new();
    root.add("lib 1.0", &["Requires-Dist: nothing-of-this-counts"]);
    root.write("first/lib-2.0.dist-info/METADATA", metadata("lib 2.0", &[]));
    let site = format!("/{}", common::SITE);
    let ran = root.run(&["check", "--json", "--path", "/first", "--path", &site, "--python", "3.13"]);
    let found = findings(&ran);
    assert_eq!((ran.code, found.len()), (0, 1), "{ran:#?}");
    assert!(found[0].starts_with("shadowed: lib 1.0 is not used: lib 2.0 in "), "{found:#?}");
}

#[test]
fn modules_that_install_the_same_name() {
    let root = Root::new();
    for name in ["one", "two"] {
        root.add(&format!("{name} 1.0"), &[]);
        root.site(&format!("{name}-1.0.dist-info/top_level.txt"), "same\nspace\nold_space\nabsent\n");
    }
    root.add("three 1.0", &[]);
    root.site("three-1.0.dist-info/RECORD", "same/__init__.py,,\nthree.py,,\nspace/three/__init__.py,,\n");
    root.site("same/__init__.py", "");
    root.site("space/one.py", "");
    root.site("old_space/__init__.py", "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n");
    assert_eq!(
        root.check(&[]),
        [
            "import-name: these all install `same`, one over the other: one 1.0, three 1.0, two 1.0",
            "unsure: these say that they install `absent`, which is not there to look at: one 1.0, two 1.0",
        ]
    );
}

#[test]
fn cycles_are_listed_and_no_error() {
    let root = Root::new();
    root.add("a 1", &["Requires-Dist: b"])
        .add("b 1", &["Requires-Dist: c"])
        .add("c 1", &["Requires-Dist: a"])
        .add("d 1", &["Requires-Dist: a", "Requires-Dist: d"]);
    let ran = root.run(&["check", "--json"]);
    assert_eq!((ran.code, findings(&ran)), (0, vec!["cycle: these require one another: a, b, c".to_owned()]));
    assert!(!root.run(&["check", "--no-notes"]).out.contains("cycle"));
}

#[test]
fn addresses_are_compared_with_where_a_module_is_from() {
    let root = Root::new();
    let lines = [
        "Requires-Dist: lib @ https://example.org/lib-1.0.tar.gz#sha256=00",
        "Requires-Dist: repo @ git+https://example.org/repo@v1 ; python_version > '3'",
        "Requires-Dist: bare @ https://example.org/bare",
    ];
    root.add("app 1.0", &lines).add("lib 1.0", &[]).add("repo 1.0", &[]).add("bare 1.0", &[]);
    root.site(
        "lib-1.0.dist-info/direct_url.json",
        r#"{"url": "https://example.org/other.tar.gz", "archive_info": {}}"#,
    );
    let git = r#"{"url": "https://example.org/repo", "vcs_info": {"vcs": "git", "requested_revision": "v1", "commit_id": "00"}}"#;
    root.site("repo-1.0.dist-info/direct_url.json", git);
    assert_eq!(
        root.check(&[]),
        [
            "unsure: app 1.0 needs bare 1.0 from https://example.org/bare; nothing says where it is from",
            "direct-url: app 1.0 needs lib 1.0 from https://example.org/lib-1.0.tar.gz#sha256=00; it is from \
             https://example.org/other.tar.gz",
        ]
    );
}

#[test]
fn waivers_put_up_with_findings_until_they_expire() {
    let root = Root::new();
    root.add("app 1.0", &["Requires-Dist: gone", "Requires-Dist: lost"]);
    let file = root.write(
        "waivers.toml",
        "[[waiver]]\ndistribution = 'app'\nrequirement = 'gone'\nreason = 'it is optional in truth'\nexpires = 2027-01-31\n\
         [[waiver]]\ndistribution = 'app'\nrequirement = 'lost'\nreason = 'known'\n\
         [[waiver]]\ndistribution = 'other'\nreason = 'left over'\n",
    );
    let file = file.to_str().unwrap();
    let ran = root.run(&["check", "--waivers", file, "--today", "2027-01-31"]);
    assert_eq!(ran.code, 0, "{ran:#?}");
    assert!(ran.out.contains("put up with\n  missing: app 1.0 needs gone"), "{}", ran.out);
    assert!(ran.out.contains("(it is optional in truth until 2027-01-31)"), "{}", ran.out);
    assert!(ran.err.contains("the waiver for `other` matches nothing any more"), "{}", ran.err);
    let ran = root.run(&["check", "--waivers", file, "--today", "2027-02-01"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("(its waiver expired on 2027-01-31)"), "{}", ran.out);
    let ran = root.run(&["check", "--waivers", "/nonexistent"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.starts_with("pipcheck: waivers: `/nonexistent`: No such file"), "{}", ran.err);
}

#[test]
fn nothing_in_metadata_controls_a_terminal() {
    let root = Root::new();
    root.add("app 1.0\u{1b}[2J", &["Requires-Dist: \u{1b}]0;owned\u{7} x"]);
    let ran = root.run(&["check", "--color", "always"]);
    let plain =
        ran.out.replace("\u{1b}[1m", "").replace("\u{1b}[31m", "").replace("\u{1b}[32m", "").replace("\u{1b}[0m", "");
    assert!(!plain.contains('\u{1b}') && !plain.contains('\u{7}'), "{plain:?}");
    assert!(plain.contains("\\u{1b}"), "{plain}");
    assert!(!root.run(&["check"]).out.contains('\u{1b}'), "no colour in a pipe");
}

#[test]
fn wrong_usage() {
    for (words, problem) in [
        (&["check", "--python", "three"][..], "no version of Python"),
        (&["check", "--file", "METADATA"], "--file needs --python"),
        (&["check", "--path", "/tmp"], "its path does not say which Python"),
        (&["check", "--root", "/nonexistent/root"], "`/nonexistent/root`: No such file"),
        (&["check", "--path", "/nonexistent/site-packages"], "`/nonexistent/site-packages`: No such file"),
        (&["frobnicate"], "unrecognized subcommand"),
    ] {
        let ran = run(program().args(words));
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{words:?}: {ran:#?}");
        assert!(ran.err.contains(problem), "{words:?}: {}", ran.err);
    }
    assert_eq!(run(program().arg("--version")).code, 0);
}
