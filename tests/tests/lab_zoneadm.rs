//! The lab's `zoneadm`, held against what is known of the command.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod lab_zone;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lab_zone::Host;
use tests::run::{Running, run};

/// Section 5, install: what each end of the hook leaves.
#[test]
fn the_end_of_an_installation_decides_the_state() {
    for (hook, status, code, state, cleaned) in [
        ("install", "0", 0, "installed", false),
        ("install", "1", 1, "incomplete", false),
        ("install", "253", 1, "incomplete", false),
        ("install", "254", 1, "configured", true),
        ("install", "255", 1, "incomplete", false),
        ("install", "kill", 1, "incomplete", false),
        ("postinstall", "254", 1, "configured", true),
        ("postinstall", "1", 1, "incomplete", false),
    ] {
        let host = Host::new();
        host.configured("z1");
        host.ends(hook, status);
        let done = host.zoneadm(&["install"]);
        let row = host.row("z1");
        assert_eq!((done.code(), row[2].as_str()), (code, state), "{hook} {status}: {done:?}");
        assert_eq!(row[4].is_empty(), state == "configured", "{row:?}");
        assert_eq!(host.exists(&host.zonepath("z1")), !cleaned, "{hook} {status}");
        assert_eq!(done.err.contains("usage:"), status == "253", "{done:?}");
        assert_eq!(done.err.contains("signal"), status == "kill", "{done:?}");
    }
}

/// Section 4, UUID rules.
#[test]
fn a_uuid_lasts_from_incomplete_to_installed() {
    let host = Host::new();
    host.configured("z1");
    assert_eq!(host.row("z1")[4], "");
    host.write("run/install", "cat \"$ZONEKIT_LAB/etc/zones/index\" >\"$ZONEKIT_LAB/seen\"\n");
    host.zoneadm(&["install"]).succeeded();
    let uuid = host.row("z1")[4].clone();
    assert_eq!(uuid.len(), 36);
    let path = host.zonepath("z1").display().to_string();
    assert!(host.read("seen").contains(&format!("z1:incomplete:{path}:{uuid}\n")), "{}", host.read("seen"));
    host.zoneadm(&["mark", "incomplete"]).succeeded();
    let other = host.row("z1")[4].clone();
    assert!(other != uuid && other.len() == 36, "{other}");
    assert_eq!(host.zoneadm(&["mark", "installed"]).code(), 2);
    host.zoneadm(&["mark", "-F", "installed"]).succeeded();
    assert_eq!(host.row("z1")[4], other);
    host.zoneadm(&["detach"]).succeeded();
    assert_eq!(host.row("z1")[4], "");
    assert_eq!(fs::metadata(host.place("etc/zones/index")).unwrap().permissions().mode() & 0o7777, 0o644);
}

/// Section 5, install, step 1.
#[test]
fn options_of_an_installation_are_put_together_again() {
    let host = Host::new();
    host.configured("z1");
    host.zoneadm(&["install", "-T", "foo", "-h", "-q", "bar", "baz"]).succeeded();
    let words = "<z1> <PATH> <-Tfoo> <-h> <-q> <bar> <baz>";
    assert_eq!(host.calls()[1..], [format!("install {words}"), format!("postinstall {words}")]);
    assert_eq!(host.calls()[0], "verify_adm <z1> <PATH> <install> <-T> <foo> <-h> <-q> <bar> <baz>");
    assert!(host.trace()[0].ends_with("held=0 open=012 cwd=/"), "{:?}", host.trace());
    assert!(host.trace()[1].ends_with("held=1 open=012 cwd=/"), "{:?}", host.trace());
    // Help changes no state.
    host.forget();
    host.configured("z2");
    let done = run(&mut host.command("zoneadm", &["-z", "z2", "install", "-?"]));
    assert_eq!((done.code(), host.state("z2").as_str()), (0, "configured"), "{done:?}");
    assert!(host.calls()[0].ends_with("<-?>") && host.trace()[0].contains("held=0"), "{:?}", host.trace());
}

/// Section 5: what install refuses, and that the zonepath is as it must be.
#[test]
fn an_installation_needs_a_sound_zonepath() {
    let host = Host::new();
    host.configured("z1");
    let path = host.zonepath("z1");
    fs::set_permissions(host.place("zones"), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(host.zoneadm(&["install"]).code(), 1);
    fs::set_permissions(host.place("zones"), fs::Permissions::from_mode(0o755)).unwrap();
    // The refused one has left the directory behind.
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o700);
    fs::create_dir(path.join("root")).unwrap();
    fs::set_permissions(path.join("root"), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(host.zoneadm(&["install"]).err.contains("0755"));
    fs::set_permissions(path.join("root"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(path.join("SUNWdetached.xml"), "").unwrap();
    assert!(host.zoneadm(&["install"]).err.contains("Cannot install detached zone"));
    fs::remove_file(path.join("SUNWdetached.xml")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(host.hooks(), Vec::<String>::new());
    assert_eq!(host.zoneadm(&["install"]).code(), 0);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o700);
    assert!(host.zoneadm(&["install"]).err.contains("already installed"));
    // Inside of another zone.
    assert_eq!(host.lab.configure("z2", "trace", &path.join("z2")), 0);
    let done = run(&mut host.command("zoneadm", &["-z", "z2", "install"]));
    assert!(done.code() == 1 && done.err.contains("overlap") && path.join("z2").is_dir(), "{done:?}");
}

/// Section 5, create_zfs_zonepath.
#[test]
fn a_dataset_is_made_below_the_one_mounted_on_the_parent() {
    let host = Host::new();
    host.configured("z1");
    let script = "#!/bin/sh\necho \"$*\" >>\"$ZONEKIT_LAB/zfs.log\"\n[ \"$1\" = create ]\n";
    host.write(".lab/bin/zfs", script);
    fs::set_permissions(host.place(".lab/bin/zfs"), fs::Permissions::from_mode(0o755)).unwrap();
    host.write("etc/mnttab", &format!("rpool/zones\t{}\tzfs\trw\t0\n", host.place("zones").display()));
    let done = host.zoneadm(&["install"]);
    assert_eq!(done.out, "A ZFS file system has been created for this zone.\n", "{done:?}");
    let expected = "list -H -o name rpool/zones/z1\ncreate -o sharenfs=off -o sharesmb=off rpool/zones/z1\n";
    assert_eq!(host.read("zfs.log"), expected);
}

/// Section 5, uninstall.
#[test]
fn an_uninstallation_stops_where_its_hooks_do() {
    for (hook, status, code, state) in [
        ("uninstall", "0", 0, "configured"),
        ("uninstall", "1", 1, "incomplete"),
        ("uninstall", "253", 1, "incomplete"),
        ("uninstall", "254", 1, "incomplete"),
        ("preuninstall", "1", 1, "installed"),
    ] {
        let host = Host::new();
        host.installed();
        host.ends(hook, status);
        let done = host.zoneadm(&["uninstall", "-F", "more"]);
        assert_eq!((done.code(), host.state("z1").as_str()), (code, state), "{hook} {status}: {done:?}");
        assert_eq!(host.calls()[1], "preuninstall <z1> <PATH> <-F> <more>");
        if hook == "uninstall" {
            assert_eq!(host.calls()[2], "uninstall <z1> <PATH> <-F> <more>");
            // zoneadm removes nothing where there is a hook.
            assert!(host.zonepath("z1").exists());
        }
    }
}

#[test]
fn an_uninstallation_is_refused_while_something_is_mounted_below_the_root() {
    let host = Host::new();
    host.installed();
    assert_eq!(host.zoneadm(&["uninstall"]).code(), 1, "there is no terminal to ask");
    let root = host.zonepath("z1").join("root").display().to_string();
    host.write("etc/mnttab", &format!("a\t{root}\tzfs\trw\t0\nb\t{root}/lib\tlofs\tro\t0\n"));
    let done = host.zoneadm(&["uninstall", "-F"]);
    assert!(done.code() == 1 && done.err.contains(&format!("{root}/lib")), "{done:?}");
    assert_eq!((host.hooks().len(), host.state("z1").as_str()), (0, "installed"));
    host.write("etc/mnttab", &format!("a\t{root}\tzfs\trw\t0\n"));
    host.zoneadm(&["uninstall", "-F"]).succeeded();
}

/// Section 5, cleanup_zonepath.
#[test]
fn the_built_in_clean_up_leaves_what_it_does_not_know() {
    let host = Host::without(&["uninstall"]);
    host.installed();
    fs::write(host.zonepath("z1").join("precious"), "").unwrap();
    host.zoneadm(&["uninstall", "-F"]);
    assert_eq!(host.state("z1"), "configured");
    assert!(host.zonepath("z1").join("precious").exists() && !host.zonepath("z1").join("root").exists());
}

/// Section 5, attach and detach.
#[test]
fn detach_and_attach_run_their_hooks() {
    let host = Host::new();
    host.installed();
    host.write("run/detach", "cat \"$ZONEKIT_LAB/etc/zones/index\" >\"$ZONEKIT_LAB/seen\"\n");
    host.zoneadm(&["detach", "-n"]).succeeded();
    // No lock, no verification, no change.
    assert_eq!(host.calls(), ["predetach <z1> <PATH> <-n>", "detach <z1> <PATH> <-n>"]);
    assert!(host.trace()[1].contains("held=0") && host.state("z1") == "installed");
    host.ends("predetach", "1");
    assert_eq!((host.zoneadm(&["detach"]).code(), host.state("z1").as_str()), (1, "installed"));
    host.ends("predetach", "0");
    host.zoneadm(&["detach"]).succeeded();
    assert!(host.read("seen").contains("z1:installed:") && host.state("z1") == "configured");

    host.forget();
    fs::write(host.zonepath("z1").join("SUNWdetached.xml"), "").unwrap();
    host.ends("attach", "1");
    assert_eq!((host.zoneadm(&["attach"]).code(), host.state("z1").as_str()), (1, "configured"));
    host.ends("attach", "0");
    host.ends("postattach", "1");
    assert_eq!((host.zoneadm(&["attach"]).code(), host.state("z1").as_str()), (0, "configured"));
    host.ends("postattach", "0");
    host.forget();
    host.zoneadm(&["attach", "-U", "-x"]).succeeded();
    let words = "<z1> <PATH> <-u> <-x>";
    assert_eq!(host.calls()[1..], [format!("attach {words}"), format!("postattach {words}")]);
    assert!(host.trace()[1].contains("held=1") && host.trace()[2].contains("held=0"), "{:?}", host.trace());
    assert!(host.state("z1") == "installed" && !host.zonepath("z1").join("SUNWdetached.xml").exists());
}

#[test]
fn a_forced_attach_runs_no_hook() {
    let host = Host::new();
    host.installed();
    host.zoneadm(&["detach"]).succeeded();
    fs::write(host.zonepath("z1").join("SUNWdetached.xml"), "x").unwrap();
    host.forget();
    host.zoneadm(&["attach", "-F"]).succeeded();
    assert_eq!(host.hooks(), Vec::<String>::new());
    assert!(host.state("z1") == "installed" && host.zonepath("z1").join("SUNWattached.xml").exists());
    assert_eq!(host.zoneadm(&["attach", "-F", "-n", "-"]).code(), 1);
}

#[test]
fn a_dry_attach_needs_no_zone() {
    let host = Host::new();
    host.configured("z1");
    let manifest = host.place("etc/zones/z1.xml").display().to_string();
    let done = run(&mut host.command("zoneadm", &["-z", "nobody", "attach", "-n", &manifest]));
    assert_eq!(done.code(), 0, "{done:?}");
    let calls = host.calls();
    assert!(calls[1].starts_with("attach <-> <-> <-n> <") && calls[1].contains("/var/run/zone."), "{calls:?}");
    assert!(calls[0].starts_with("verify_adm <-> <-> <attach> <-n>"), "{calls:?}");
}

/// Without hooks of its own, the manifest is built in.
#[test]
fn a_brand_without_hooks_leaves_a_manifest() {
    let host = Host::without(&["detach", "predetach"]);
    host.installed();
    let dry = host.zoneadm(&["detach", "-n"]);
    host.zoneadm(&["detach"]).succeeded();
    let manifest = fs::read_to_string(host.zonepath("z1").join("SUNWdetached.xml")).unwrap();
    assert!(manifest == dry.out && manifest.contains("<zone name=\"z1\""), "{manifest}");
}

/// Section 5, clone.
#[test]
fn clone_takes_its_source_as_the_last_word() {
    let host = Host::new();
    host.installed();
    host.configured("z2");
    let clone = |words: &[&str]| {
        let mut all = vec!["-z", "z2", "clone"];
        all.extend(words);
        run(&mut host.command("zoneadm", &all))
    };
    assert_eq!(clone(&["-x", "arg", "z1"]).code(), 2);
    assert_eq!(clone(&["global"]).code(), 1);
    assert_eq!(clone(&["nobody"]).code(), 1);
    assert_eq!(host.hooks(), Vec::<String>::new());
    host.forget();
    assert_eq!(clone(&["-xarg", "z1"]).code(), 0);
    assert_eq!(host.hooks(), ["clone", "postclone"]);
    assert!(host.calls()[1].ends_with("<-xarg> <z1>"), "{:?}", host.calls());
    assert_eq!(host.state("z2"), "installed");
    run(&mut host.command("zoneadm", &["-z", "z2", "uninstall", "-F"])).succeeded();
    host.ends("clone", "254");
    assert_eq!((clone(&["z1"]).code(), host.state("z2").as_str()), (1, "incomplete"));
}

/// Section 4, `list -p`.
#[test]
fn zones_are_listed_by_field() {
    let host = Host::new();
    host.installed();
    host.configured("z2");
    let list = |words: &[&str]| run(&mut host.command("zoneadm", words));
    let uuid = host.row("z1")[4].clone();
    let (path, other) = (host.zonepath("z1").display().to_string(), host.zonepath("z2").display().to_string());
    let (one, two) =
        (format!("-:z1:installed:{path}:{uuid}:trace:excl\n"), format!("-:z2:configured:{other}::trace:excl\n"));
    assert_eq!(list(&["list", "-cp"]).out, format!("0:global:running:/::ipkg:shared\n{one}{two}"));
    assert_eq!(list(&["list", "-ip", "-n"]).out, one);
    assert_eq!(list(&["list"]).out, "global\n");
    assert_eq!(list(&["-z", "z2", "list", "-p"]).out, two);
    assert_eq!(list(&["-u", &uuid.to_uppercase(), "list"]).out, "z1\n");
    assert_eq!(list(&["list", "-pv"]).code(), 1);
    assert_eq!(list(&["-z", "nobody", "list"]).code(), 1);
    assert_eq!(list(&["list", "-q"]).code(), 2);
    assert!(list(&["list", "-v"]).out.starts_with("  ID NAME             STATUS     PATH"));
    host.zoneadm(&["boot"]).succeeded();
    assert_eq!(list(&["list", "-np"]).out, format!("1:z1:running:{path}:{uuid}:trace:excl\n"));
}

/// Section 2: a brand that is not valid is none.
#[test]
fn elements_of_a_brand_have_an_order() {
    let host = Host::new();
    host.configured("z1");
    let good = host.read("usr/lib/brand/trace/config.xml");
    let swapped = good
        .replace("<initname>/sbin/init</initname>\n", "")
        .replace("<user_cmd>", "<initname>/sbin/init</initname>\n<user_cmd>");
    let bare: String = good.lines().filter(|line| !line.contains("privilege")).collect::<Vec<_>>().join("\n");
    let renamed = good.replace("name=\"trace\"", "name=\"other\"");
    for bad in [swapped, bare, renamed, good.replace("<user_cmd>u</user_cmd>", ""), good.replace("DOCTYPE", "OTHER")] {
        host.write("usr/lib/brand/trace/config.xml", &bad);
        let done = host.zoneadm(&["install"]);
        assert!(done.code() == 1 && done.err.contains("missing or invalid brand"), "{done:?}\n{bad}");
    }
    // Without a blank at its end, the subcommand is glued to the text.
    host.write("usr/lib/brand/trace/config.xml", &good.replace("verify_adm %z %R ", "verify_adm %z %%%q%R"));
    host.zoneadm(&["install"]).succeeded();
    assert_eq!(host.calls()[0], "verify_adm <z1> <%PATHinstall>");
}

/// Section 3, locking: a hook may call zoneadm on its own zone; others wait.
#[test]
fn a_hook_holds_the_lock_of_its_zone() {
    let host = Host::new();
    host.configured("z1");
    host.write(
        "run/install",
        "\"$ZONEKIT_LAB/usr/sbin/zoneadm\" -z z1 list -p >\"$ZONEKIT_LAB/inside\"\n\
         \"$ZONEKIT_LAB/usr/sbin/zoneadm\" -z z1 mark incomplete || exit 9\n\
         while [ ! -f \"$ZONEKIT_LAB/go\" ]; do sleep 0.02; done\n",
    );
    let mut first = Running::start(&mut host.command("zoneadm", &["-z", "z1", "install"]));
    while !host.place("inside").exists() {
        std::thread::yield_now();
    }
    // Section 3: these are ignored while it waits.
    first.signal("INT");
    first.signal("TERM");
    let mut second = Running::start(&mut host.command("zoneadm", &["-z", "z1", "mark", "-F", "configured"]));
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert!(!second.ended() && !first.ended());
    host.write("go", "");
    assert_eq!(first.end().code(), 0);
    assert_eq!(second.end().code(), 0);
    assert_eq!(host.state("z1"), "configured");
    assert!(host.read("inside").contains(":incomplete:"));
}

#[test]
fn a_zone_moves_with_its_tree() {
    let host = Host::new();
    host.installed();
    let new = host.zonepath("moved").display().to_string();
    host.zoneadm(&["move", &new]).succeeded();
    assert_eq!(host.row("z1")[3], new);
    assert!(host.zonepath("moved").join("root/sbin/init").exists() && !host.zonepath("z1").exists());
}

/// Section 3, signals: hooks inherit that hangups are ignored, and nothing else.
#[test]
fn hooks_do_not_mind_hangups() {
    for (signal, code, state) in [("HUP", 0, "installed"), ("TERM", 1, "incomplete"), ("INT", 1, "incomplete")] {
        let host = Host::new();
        host.configured("z1");
        host.write("run/install", &format!("kill -{signal} $$\n"));
        let done = host.zoneadm(&["install"]);
        assert_eq!((done.code(), host.state("z1").as_str()), (code, state), "{signal}: {done:?}");
    }
}

/// Section 2: a line is nothing but words to the shell.
#[test]
fn lines_are_not_quoted_and_have_a_limit() {
    let host = Host::new();
    host.configured("z1");
    host.zoneadm(&["install", "two words", "$((6*7))"]).succeeded();
    assert!(host.calls()[1].ends_with("<two> <words> <42>"), "{:?}", host.calls());
    let long = "x".repeat(1024);
    assert_eq!(host.zoneadm(&["uninstall", "-F", &long]).code(), 1);
    assert_eq!(host.state("z1"), "installed");
}
