//! The lab's zoneadmd, which its `zoneadm` plays, held against what is known of the daemon.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod lab_zone;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use lab_zone::Host;
use tests::run::{Running, run};

/// Section 7, the table of calls.
#[test]
fn states_change_in_the_known_sequence() {
    let host = Host::new();
    host.installed();
    for (words, sequence, state) in [
        (&["halt"][..], "", "installed"),
        (&["ready"], "pre 2 0, post 2 0", "ready"),
        (&["halt"], "pre 3 4, halt, post 3 4", "installed"),
        (&["ready"], "pre 2 0, post 2 0", "ready"),
        (&["boot"], "pre 3 1, boot, post 3 1", "running"),
        (&["boot"], "", "running"),
        (&["reboot"], "pre 4 4, halt, post 4 4, pre 4 0, post 4 0, pre 4 1, boot, post 4 1", "running"),
        (&["ready"], "pre 4 4, halt, post 4 4, pre 4 0, post 4 0", "ready"),
        (&["halt"], "pre 3 4, halt, post 3 4", "installed"),
        (&["boot", "--", "-m", "verbose"], "pre 2 0, post 2 0, pre 2 1, boot, post 2 1", "running"),
        (&["halt"], "pre 4 4, halt, post 4 4", "installed"),
    ] {
        host.forget();
        let done = host.zoneadm(words);
        assert_eq!(done.code(), 0, "{words:?}: {done:?}");
        assert_eq!((host.sequence().as_str(), host.state("z1").as_str()), (sequence, state), "{words:?}");
    }
    assert_eq!(host.zoneadm(&["reboot"]).code(), 1);
    assert_eq!(host.zoneadm(&["shutdown"]).code(), 1);
    host.zoneadm(&["boot"]).succeeded();
    host.forget();
    host.zoneadm(&["shutdown"]).succeeded();
    assert_eq!((host.sequence().as_str(), host.state("z1").as_str()), ("pre 5 4, halt, post 5 4", "installed"));
}

/// Section 7, failures.
#[test]
fn failures_of_state_hooks_are_recovered_from_in_the_known_way() {
    for (start, hook, words, sequence, state) in [
        ("installed", "prestatechange.2.0", "ready", "pre 2 0", "installed"),
        ("installed", "prestatechange.2.0", "boot", "pre 2 0, pre 2 4", "installed"),
        ("installed", "query", "ready", "pre 2 0, post 3 4", "installed"),
        ("installed", "query", "boot", "pre 2 0, post 3 4, pre 2 4", "installed"),
        ("installed", "poststatechange.2.0", "ready", "pre 2 0, post 2 0, post 3 4", "ready"),
        (
            "installed",
            "poststatechange.2.0",
            "boot",
            "pre 2 0, post 2 0, post 3 4, pre 2 4, halt, post 2 4",
            "installed",
        ),
        ("installed", "prestatechange.2.1", "boot", "pre 2 0, post 2 0, pre 2 1, pre 2 4, halt, post 2 4", "installed"),
        ("ready", "prestatechange.3.1", "boot", "pre 3 1, pre 3 4, halt, post 3 4", "installed"),
        (
            "installed",
            "boot",
            "boot",
            "pre 2 0, post 2 0, pre 2 1, boot, post 4 4, pre 2 4, halt, post 2 4",
            "installed",
        ),
        (
            "installed",
            "poststatechange.2.1",
            "boot",
            "pre 2 0, post 2 0, pre 2 1, boot, post 2 1, post 4 4, pre 2 4, halt, post 2 4",
            "installed",
        ),
        ("running", "prestatechange.4.4", "halt", "pre 4 4", "running"),
        ("running", "poststatechange.4.4", "halt", "pre 4 4, halt, post 4 4", "installed"),
    ] {
        let host = Host::new();
        host.installed();
        match start {
            "ready" => host.zoneadm(&["ready"]).succeeded(),
            "running" => host.zoneadm(&["boot"]).succeeded(),
            _ => {}
        }
        host.forget();
        host.ends(hook, "1");
        let done = host.zoneadm(&[words]);
        assert_eq!(done.code(), 1, "{hook} {words}: {done:?}");
        assert_eq!((host.sequence().as_str(), host.state("z1").as_str()), (sequence, state), "{hook} {words}");
    }
}

/// Section 3, environment and descriptors of zoneadmd's hooks.
#[test]
fn hooks_of_zoneadmd_have_but_standard_output() {
    let host = Host::new();
    host.installed();
    host.write("run/prestatechange", "echo hello; echo lost >&2\n");
    let done = host.zoneadm(&["ready"]);
    assert_eq!(done.err, "zone 'z1': hello\n\n", "{done:?}");
    let trace = host.trace();
    assert!(trace[1].ends_with("held=1 open=1 cwd=/"), "{trace:?}");
    // The line ends in a blank: no third word.
    assert_eq!(host.calls()[1], "prestatechange <z1> <PATH> <2> <0>");
    assert_eq!(host.calls()[2], "query <z1> <PATH> <datasets>");
    host.ends("prestatechange", "4");
    assert!(host.zoneadm(&["halt"]).err.contains("failed to exec"));
}

/// Section 6, query.
#[test]
fn datasets_are_one_line_without_its_end() {
    let host = Host::new();
    host.installed();
    for output in ["", "rpool/a\n", "rpool/a\nrpool/b"] {
        host.write("query", output);
        assert_eq!(host.zoneadm(&["ready"]).code(), 1, "{output:?}");
    }
    assert_eq!(fs::read_dir(host.place(".lab/anomalies")).unwrap().count(), 3);
    host.write("query", "rpool/a,rpool/b");
    host.zoneadm(&["ready"]).succeeded();
    assert!(host.read(".lab/kernel.json").contains("\"rpool/a,rpool/b\""));
}

/// Section 6: mounts at ready and boot, and their end.
#[test]
fn file_systems_are_mounted_by_directory_and_unmounted_at_halt() {
    let host = Host::new();
    host.brand(
        "trace",
        &[],
        "<global_mount special=\"/dev\" directory=\"/dev\" type=\"dev\" opt=\"attrdir=%R/root/dev\"/>\
         <mount special=\"/proc\" directory=\"/proc\" type=\"proc\"/>",
    );
    host.installed();
    let add = |dir: &str| {
        let text = format!("add fs; set dir={dir}; set special={dir}; set type=lofs; add options [ro,nodevices]; end");
        assert_eq!(host.zonecfg(&text).code(), 0);
    };
    add("/sbin");
    add("/lib");
    host.forget();
    assert_eq!(host.zoneadm(&["ready"]).code(), 1, "/sbin is missing in the global zone");
    assert!(host.hooks().is_empty(), "that is seen before any hook runs");
    fs::create_dir(host.place("sbin")).unwrap();
    fs::create_dir(host.place("lib")).unwrap();
    let done = host.zoneadm(&["boot"]);
    assert!(done.code() == 1 && done.err.contains("/sbin/init"), "init is not the zone's own: {done:?}");
    assert_eq!(host.read("etc/mnttab"), "");
    host.write("sbin/init", "");
    fs::set_permissions(host.place("sbin/init"), fs::Permissions::from_mode(0o755)).unwrap();
    host.zoneadm(&["boot"]).succeeded();
    let root = host.zonepath("z1").join("root").display().to_string();
    let path = host.zonepath("z1").display().to_string();
    let expected = format!(
        "/dev\t{root}/dev\tdev\tattrdir={path}/root/dev\t0\n/lib\t{root}/lib\tlofs\tro,nodevices\t0\n\
         /sbin\t{root}/sbin\tlofs\tro,nodevices\t0\n/proc\t{root}/proc\tproc\trw\t0\n"
    );
    assert_eq!(host.read("etc/mnttab"), expected);
    assert!(host.read("zones/z1/root/etc/zones/index").starts_with("z1:installed:/:"));
    host.zoneadm(&["halt"]).succeeded();
    assert_eq!(host.read("etc/mnttab"), "");
}

#[test]
fn a_symlink_on_the_way_to_a_mount_point_is_refused() {
    let host = Host::new();
    host.installed();
    fs::create_dir(host.place("lib")).unwrap();
    symlink("/tmp", host.zonepath("z1").join("root/lib")).unwrap();
    assert_eq!(host.zonecfg("add fs; set dir=/lib; set special=/lib; set type=lofs; end").code(), 0);
    let done = host.zoneadm(&["ready"]);
    assert!(done.code() == 1 && done.err.contains("symlink"), "{done:?}");
    assert_eq!((host.state("z1").as_str(), host.read("etc/mnttab").as_str()), ("installed", ""));
}

/// Section 6: zone_create.
#[test]
fn a_zone_needs_a_root_of_mode_0755_with_nothing_mounted_below() {
    let host = Host::new();
    host.installed();
    let root = host.zonepath("z1").join("root");
    host.write("etc/mnttab", &format!("x\t{}/opt\tlofs\tro\t0\n", root.display()));
    assert_eq!(host.zoneadm(&["ready"]).code(), 1);
    host.write("etc/mnttab", "");
    fs::set_permissions(&root, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(host.zoneadm(&["ready"]).code(), 1);
    fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
    host.zoneadm(&["ready"]).succeeded();
}

#[test]
fn sysboot_runs_its_hook_without_the_lock() {
    let host = Host::new();
    host.installed();
    host.zoneadm(&["sysboot"]).succeeded();
    assert_eq!(host.hooks(), ["sysboot"]);
    assert!(host.trace()[0].contains("held=0"));
    host.ends("sysboot", "1");
    assert_eq!(host.zoneadm(&["sysboot"]).code(), 40);
}

#[test]
fn calls_are_put_down_for_tests() {
    let host = Host::new();
    host.installed();
    host.ends("halt", "7");
    let path = host.zonepath("z1").display().to_string();
    host.zoneadm(&["ready"]).succeeded();
    assert_eq!(host.zoneadm(&["halt"]).code(), 1);
    let log = host.read(".lab/hooks.log");
    let last: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(last["hook"], "halt");
    assert_eq!((last["status"].as_u64(), last["state"].as_str()), (Some(7), Some("shutting_down")));
    assert_eq!(last["argv"], serde_json::json!(["/usr/lib/brand/trace/hook", "halt", "z1", path]));
}

#[test]
fn commands_run_in_running_zones_alone() {
    let host = Host::new();
    host.installed();
    let zlogin = || run(&mut host.command("zlogin", &["z1", "/usr/bin/svcs", "-x"]));
    assert_eq!(zlogin().code(), 1);
    host.zoneadm(&["boot"]).succeeded();
    assert_eq!(zlogin().code(), 0);
    assert!(host.read(".lab/zlogin.log").contains("[\"/usr/bin/svcs\",\"-x\"]"));
}

/// Section 3: zoneadmd keeps the environment and the lines that it was started with.
#[test]
fn zoneadmd_is_as_old_as_the_readying_of_its_zone() {
    let host = Host::new();
    host.installed();
    host.write("run/poststatechange", "echo \"$MARK\"\n");
    host.write("run/halt", "echo \"$MARK\"\n");
    let with = |mark: &str, word: &str| run(host.command("zoneadm", &["-z", "z1", word]).env("MARK", mark));
    assert_eq!(with("one", "ready").err, "zone 'z1': one\n\n");
    let old = host.read("usr/lib/brand/trace/config.xml");
    let new = old.replace("hook poststatechange", "hook otherwise").replace("hook halt", "hook later");
    host.write("usr/lib/brand/trace/config.xml", &new);
    host.write("run/later", "echo read each time: \"$MARK\"\n");
    assert_eq!(with("two", "halt").err, "zone 'z1': read each time: one\n\nzone 'z1': one\n\n");
    // The next one is started anew.
    host.forget();
    with("three", "ready").succeeded();
    assert!(host.calls().iter().any(|call| call.starts_with("otherwise ")), "{:?}", host.calls());
}

/// Section 7: a state hook that a signal ends.
#[test]
fn a_state_hook_that_is_killed_fails_with_a_word() {
    let host = Host::new();
    host.installed();
    host.ends("prestatechange", "kill");
    let done = host.zoneadm(&["ready"]);
    assert!(done.code() == 1 && done.err.contains("zone 'z1': prestatechange unexpectedly terminated"), "{done:?}");
}

/// Several zones may come and go at the same time.
#[test]
fn zones_do_not_wait_for_each_other() {
    let host = Host::new();
    let names = ["a", "b", "c", "d"];
    for name in names {
        host.configured(name);
    }
    for (words, state) in [("install", "installed"), ("boot", "running"), ("halt", "installed")] {
        let runs: Vec<_> = names.map(|name| Running::start(&mut host.command("zoneadm", &["-z", name, words]))).into();
        for running in runs {
            assert_eq!(running.end().code(), 0, "{words}");
        }
        assert!(names.iter().all(|name| host.state(name) == state), "{words}");
    }
}
