//! What `packages` says of the dependencies that packages declare.

mod common;

use std::fs;

use common::{Ran, Root, findings, metadata, program, run};

/// web needs core always, turbo for an extra of its own, and nothing of old; app asks for web[fast].
fn system() -> Root {
    let root = Root::new();
    root.add(
        "web 2.0",
        &[
            "Provides-Extra: fast",
            "Requires-Dist: core>=1",
            "Requires-Dist: turbo; extra == 'fast'",
            "Requires-Dist: winner; sys_platform == 'win32'",
        ],
    );
    root.add("app 1.0.post0", &["Requires-Dist: web[fast]", "Requires-Dist: second-half"]);
    for label in ["core 1.0", "core-two 1.0", "turbo 1.0", "winner 1.0", "old 1.0", "second-half 9"] {
        root.add(label, &[]);
    }
    let own = |name: &str| vec![format!("{name}.dist-info/METADATA")];
    let package = |name: &str, version: &str, depends: &[&str], modules: &[&str]| {
        let owned: Vec<String> = modules.iter().flat_map(|module| own(module)).collect();
        root.package(name, version, depends, &owned.iter().map(String::as_str).collect::<Vec<_>>());
    };
    package(
        "TRIBw-python-313",
        "2.0.0",
        &["TRIBcore-python-313", "TRIBold-python-313", "TRIBturbo-python-313", "TRIBwin-python-313", "TRIBlibx"],
        &["web-2.0"],
    );
    package(
        "TRIBapp-python-313",
        "1.0p0.0",
        &["TRIBturbo-python-313", "TRIBw-python-313"],
        &["app-1.0.post0", "second_half-9"],
    );
    package("TRIBcore-python-313", "1.0.0", &[], &["core-1.0", "core_two-1.0"]);
    package("TRIBturbo-python-313", "1.0.0", &[], &["turbo-1.0"]);
    package("TRIBwin-python-313", "1.0.1", &[], &["winner-1.0"]);
    package("TRIBold-python-313", "1.0.0", &[], &["old-1.0"]);
    package("TRIBlibx", "1.0", &[], &[]);
    root
}

fn packages(root: &Root, more: &[&str]) -> (Ran, Vec<String>) {
    let words: Vec<&str> = ["packages", "--json"].iter().chain(more).copied().collect();
    let ran = root.run(&words);
    let found = findings(&ran);
    (ran, found)
}

#[test]
fn every_declared_dependency_has_its_reason() {
    let (ran, found) = packages(&system(), &[]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    assert_eq!(
        found,
        [
            "extra-of: depends on TRIBturbo-python-313: app 1.0.post0 asks for web[fast], which needs turbo",
            "not-needed: depends on TRIBold-python-313, but no metadata of it mention old",
            "extra: depends on TRIBturbo-python-313: web 2.0 needs turbo only for `fast`",
            "conditional: depends on TRIBwin-python-313: web 2.0 says `winner; sys_platform == 'win32'`, which does not hold here",
        ]
    );
}

#[test]
fn what_is_lacking_is_told_and_how_to_put_it_right() {
    let root = system();
    root.write(
        "var/sadm/pkg/TRIBw-python-313/install/depend",
        "P TRIBlibx A library\nP TRIBold-python-313\nI TRIBother\n",
    );
    root.write("var/sadm/pkg/TRIBapp-python-313/install/depend", "P TRIBw-python-313\n");
    let (ran, found) = packages(&root, &[]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        found,
        [
            "undeclared: does not depend on TRIBturbo-python-313: app 1.0.post0 asks for web[fast], which needs turbo",
            "undeclared: does not depend on TRIBcore-python-313: web 2.0 needs core>=1",
            "not-needed: depends on TRIBold-python-313, but no metadata of it mention old",
        ]
    );
    let ran = root.run(&["packages", "--fix"]);
    assert_eq!(
        ran.out,
        "# TRIBapp-python-313\nP TRIBturbo-python-313\nP TRIBw-python-313\n# TRIBw-python-313\nP TRIBlibx A library\nI TRIBother\n\
         P TRIBcore-python-313\n"
    );
    // With what it printed all is well.
    let parts: Vec<&str> = ran.out.split("# ").collect();
    root.write("var/sadm/pkg/TRIBapp-python-313/install/depend", parts[1].split_once('\n').unwrap().1);
    root.write("var/sadm/pkg/TRIBw-python-313/install/depend", parts[2].split_once('\n').unwrap().1);
    let (ran, found) = packages(&root, &[]);
    assert_eq!(ran.code, 0, "{found:#?}");
    assert_eq!(root.run(&["packages", "--fix"]).out, "");
}

#[test]
fn an_extra_is_declared_by_either_side() {
    let root = system();
    root.write("var/sadm/pkg/TRIBapp-python-313/install/depend", "P TRIBw-python-313\n");
    let (_, found) = packages(&root, &["TRIBapp-python-313"]);
    assert_eq!(found, [""; 0], "TRIBw depends on what the extra needs");
}

#[test]
fn overlays_that_carry_an_extra_are_named() {
    let root = system();
    for (overlay, packages) in [("fast", "TRIBw-python-313\nTRIBturbo-python-313\n"), ("plain", "TRIBw-python-313\n")] {
        root.write(&format!("var/sadm/overlays/{overlay}.ovl"), format!("NAME={overlay}\nVERSION=1\n"));
        root.write(&format!("var/sadm/overlays/{overlay}.pkgs"), packages);
    }
    let (_, found) = packages(&root, &["TRIBw-python-313"]);
    assert!(found.iter().any(|text| text.ends_with("only for `fast`; both are in fast")), "{found:#?}");
}

#[test]
fn what_packages_and_modules_say_differs() {
    let root = system();
    root.add("stray 1.0", &[]);
    root.package("TRIBgone-python-313", "1", &[], &["gone-1.0.dist-info/METADATA"]);
    fs::remove_dir_all(root.path().join("var/sadm/pkg/TRIBcore-python-313")).unwrap();
    root.write("var/sadm/pkg/TRIBold-python-313/pkginfo", "PKG=TRIBold-python-313\nVERSION=1.1.0\n");
    root.write("var/sadm/pkg/TRIBturbo-python-313/install/depend", "X nonsense\n");
    root.site("winner-1.0.dist-info/METADATA", metadata("winner 1.0", &["Summary: changed"]));
    let (ran, found) = packages(&root, &["--verify"]);
    assert_eq!(ran.code, 1);
    for expected in [
        "unowned: stray 1.0 belongs to no package",
        "gone: TRIBgone-python-313 has delivered it, and it is not there",
        "bad-package: pkginfo: No such file or directory",
        "version-drift: has version 1.1.0, which is that of none of its modules: old 1.0",
        "changed: winner 1.0 is not as it was packaged: it has",
    ] {
        assert!(found.iter().any(|text| text.starts_with(expected)), "{expected}: {found:#?}");
    }
    assert!(
        found.iter().any(|text| text.starts_with("bad-package") && text.contains("unknown kind `X`")),
        "{found:#?}"
    );
    let (_, found) = packages(&root, &[]);
    assert!(!found.iter().any(|text| text.starts_with("changed")), "{found:#?}");
}

#[test]
fn names_come_from_the_mapping_and_never_from_a_rule() {
    let root = system();
    root.add("app 1.0.post0", &["Requires-Dist: yaml-thing", "Requires-Dist: a-name-that-is-too-long-for-svr4"]);
    let (_, found) = packages(&root, &["TRIBapp-python-313"]);
    assert!(found.contains(&"not-here: app 1.0.post0 needs yaml-thing, which is not installed, and no mapping says what package has it; it would usually be called TRIByaml-thing-python-313, which is only a hint".to_owned()), "{found:#?}");
    assert!(found.iter().any(|text| text.ends_with("no mapping says what package has it")), "{found:#?}");
    let map = root
        .write("map.toml", "[packages]\nYaml_Thing = 'TRIByaml-{py}'\na-name-that-is-too-long-for-svr4 = 'TRIBlong'\n");
    let (_, found) = packages(&root, &["TRIBapp-python-313", "--map", map.to_str().unwrap()]);
    assert!(
        found.contains(&"undeclared: does not depend on TRIByaml-313: app 1.0.post0 needs yaml-thing".to_owned()),
        "{found:#?}"
    );
    assert!(!found.concat().contains("not-here"), "{found:#?}");
}

#[test]
fn a_package_that_is_not_installed_yet() {
    let root = system();
    let site = "usr/lib/python3.13/site-packages";
    let build = Root::new();
    build.write(
        &format!("proto/{site}/fresh-3.1.dist-info/METADATA"),
        metadata("fresh 3.1", &["Requires-Dist: core", "Requires-Dist: helper", "Requires-Dist: web[fast]"]),
    );
    build.write(&format!("proto/{site}/helper-1.dist-info/METADATA"), metadata("helper 1", &[]));
    let depend = build.write("depend", "P TRIBold-python-313\nP TRIBw-python-313\n");
    let tree = build.path().join("proto");
    let mut command = program();
    command.args(["packages", "--json", "--name", "TRIBfresh-python-313", "--package-version", "3.1.0"]);
    command.arg("--root").arg(root.path()).arg("--tree").arg(&tree).arg("--depend").arg(&depend);
    let ran = run(&mut command);
    assert_eq!(
        findings(&ran),
        [
            "undeclared: does not depend on TRIBcore-python-313: fresh 3.1 needs core",
            "not-needed: depends on TRIBold-python-313, but no metadata of it mention old",
        ]
    );
    // The same package in spool format.
    let spooled = build.path().join("spool");
    fs::create_dir_all(spooled.join("install")).unwrap();
    fs::rename(&tree, spooled.join("reloc")).unwrap();
    fs::copy(&depend, spooled.join("install/depend")).unwrap();
    fs::write(spooled.join("pkginfo"), "PKG=TRIBfresh-python-313\nVERSION=3.2.0\n").unwrap();
    let mut command = program();
    command.args(["packages", "--json"]).arg("--root").arg(root.path()).arg("--spooled").arg(&spooled);
    let found = findings(&run(&mut command));
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[2].starts_with("version-drift: has version 3.2.0"), "{found:#?}");
    let mut command = program();
    command.args(["packages", "--fix"]).arg("--root").arg(root.path()).arg("--spooled").arg(&spooled);
    assert_eq!(run(&mut command).out, "# TRIBfresh-python-313\nP TRIBcore-python-313\nP TRIBw-python-313\n");
}

#[test]
fn nothing_is_compared_without_a_database() {
    let root = Root::new();
    root.add("app 1.0", &[]);
    let ran = root.run(&["packages"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.contains("var/sadm/install/contents: No such file"), "{}", ran.err);
    let root = system();
    root.write("var/sadm/install/pkglog", "+/x\n");
    let ran = root.run(&["packages"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("run `pkgadm sync` first"), "{}", ran.err);
    root.write("var/sadm/install/pkglog", "");
    root.write("var/sadm/install/contents", "/x y z\n");
    let ran = root.run(&["packages"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("var/sadm/install/contents: line 1"), "{}", ran.err);
    let ran = system().run(&["packages", "TRIBap-python-313"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("is it TRIBapp-python-313"), "{}", ran.err);
}
