//! The program, run with stand-ins for zfs(8) and beadm(8).

#![allow(clippy::unwrap_used, reason = "all of this file is tests and what they share")]

use std::process::{Command, Output};

use serde_json::Value;

fn ask(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_be-uuid")).args(words).env_remove("ZONEKIT_LAB").output().unwrap()
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    let hex = text.bytes().all(|byte| byte == b'-' || matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    groups == [8, 4, 4, 4, 12] && hex && text.as_bytes()[14] == b'5' && b"89ab".contains(&text.as_bytes()[19])
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_uuid_is_printed_on_one_line() {
    let output = ask(&[]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    let line = text(&output.stdout).strip_suffix('\n').unwrap();
    assert!(is_uuid(line), "{line}");
    assert_ne!(ask(&[]).stdout, output.stdout);
    let data: Value = serde_json::from_slice(&ask(&["--json"]).stdout).unwrap();
    assert_eq!(data["version"], 1);
    assert!(is_uuid(data["uuid"].as_str().unwrap()));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let cases: [&[&str]; 9] = [
        &["--set"],
        &["--set", "-r"],
        &["--set=-r"],
        &["--set", "rpool/"],
        &["--set", "rpool@snap"],
        &["--set", "rpool", "--show"],
        &["--force"],
        &["--show=a b/$(x)"],
        &["rpool"],
    ];
    for words in cases {
        let output = ask(words);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{words:?}");
        let said = text(&output.stderr);
        assert!(said.starts_with("be-uuid: ") && said.lines().count() == 1, "{words:?}: {said}");
    }
}

/// This host is not illumos, or the tests would change it.
#[test]
fn commands_that_are_absent_are_named() {
    for (words, named) in [(&["--set", "rpool/x"][..], "/usr/sbin/zfs"), (&["--show"], "/usr/sbin/beadm")] {
        if std::path::Path::new(named).exists() {
            continue;
        }
        let output = ask(words);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{words:?}");
        assert!(text(&output.stderr).contains(named), "{}", text(&output.stderr));
    }
}

#[test]
fn help_is_there() {
    for (flag, words) in [("-h", "--set <DATASET>"), ("-?", "--set <DATASET>"), ("--help", "be-uuid --show")] {
        let output = ask(&[flag]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains(words), "{flag}: {}", text(&output.stdout));
    }
}

#[cfg(feature = "lab")]
mod lab {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const PROPERTY: &str = "org.opensolaris.libbe:uuid";

    /// Keeps its datasets as files, and refuses what zfs(8) refuses.
    const ZFS: &str = r#"#!/bin/sh
state=@STATE@
echo "$*" >> "$state.calls"
for dataset; do :; done
case $dataset in -*) echo "invalid option" >&2; exit 2 ;; esac
file="$state/$(echo "$dataset" | tr / +)"
if [ ! -f "$file" ]; then
    echo "cannot open '$dataset': dataset does not exist" >&2
    exit 1
fi
case $1 in
get)
    [ "$2 $3 $4" = "-H -o value,source" ] || { echo "bad get: $*" >&2; exit 2; }
    [ "$5" = org.opensolaris.libbe:uuid ] || { echo "bad property: $5" >&2; exit 2; }
    if [ -s "$file" ]; then cat "$file"; else printf -- '-\t-\n'; fi ;;
set)
    case $2 in *:*=*) ;; *) echo "bad property '$2'" >&2; exit 2 ;; esac
    [ -w "$file" ] && [ ! -f "$state.denied" ] || { echo "cannot set property for '$dataset': permission denied" >&2; exit 1; }
    printf '%s\tlocal\n' "${2#*=}" > "$file" ;;
*)
    echo "unrecognized command '$1'" >&2; exit 2 ;;
esac
"#;

    struct Lab(TempDir);

    impl Lab {
        fn new() -> Self {
            let lab = Self(tempfile::tempdir().unwrap());
            fs::create_dir_all(lab.0.path().join("usr/sbin")).unwrap();
            fs::create_dir(lab.0.path().join("state")).unwrap();
            let state = lab.0.path().join("state");
            lab.stand_in("zfs", &ZFS.replace("@STATE@", state.to_str().unwrap()));
            lab
        }

        /// Another process writes it: what this one still held open for writing while it starts others
        /// could not be run.
        fn stand_in(&self, name: &str, script: &str) {
            let path = self.0.path().join("usr/sbin").join(name);
            let write = "printf %s \"$1\" > \"$0\" && chmod 755 \"$0\"";
            let done = Command::new("/bin/sh").args(["-c", write]).arg(&path).arg(script).status().unwrap();
            assert!(done.success());
        }

        fn dataset(&self, name: &str, property: &str) {
            fs::write(self.0.path().join("state").join(name.replace('/', "+")), property).unwrap();
        }

        fn stored(&self, name: &str) -> String {
            fs::read_to_string(self.0.path().join("state").join(name.replace('/', "+"))).unwrap()
        }

        fn beadm(&self, list: &str) {
            self.stand_in("beadm", &format!("#!/bin/sh\n[ \"$*\" = 'list -H' ] || exit 1\ncat << 'END'\n{list}END\n"));
        }

        fn ask(&self, words: &[&str]) -> Output {
            let mut command = Command::new(env!("CARGO_BIN_EXE_be-uuid"));
            command.args(words).env("ZONEKIT_LAB", self.0.path()).output().unwrap()
        }

        /// What it says when it is refused.
        fn refused(&self, words: &[&str], status: i32) -> String {
            let output = self.ask(words);
            assert_eq!((output.status.code(), text(&output.stdout)), (Some(status), ""), "{words:?}");
            let said = text(&output.stderr).to_owned();
            assert!(said.starts_with("be-uuid: ") && said.lines().count() == 1, "{words:?}: {said}");
            said
        }

        fn answer(&self, words: &[&str]) -> String {
            let output = self.ask(words);
            assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{words:?}");
            text(&output.stdout).to_owned()
        }
    }

    #[test]
    fn a_uuid_is_stored_once() {
        let lab = Lab::new();
        lab.dataset("rpool/ROOT/be 1", "");
        let uuid = lab.answer(&["--set", "rpool/ROOT/be 1"]);
        assert!(is_uuid(uuid.trim_end()), "{uuid}");
        assert_eq!(lab.stored("rpool/ROOT/be 1"), format!("{}\tlocal\n", uuid.trim_end()));
        assert_eq!(lab.answer(&["--show", "rpool/ROOT/be 1"]), uuid);

        let said = lab.refused(&["--set", "rpool/ROOT/be 1"], 2);
        assert!(
            said.contains(uuid.trim_end()) && said.contains("zones are found") && said.contains("--force"),
            "{said}"
        );
        assert_eq!(lab.answer(&["--show", "rpool/ROOT/be 1"]), uuid);

        let output = lab.ask(&["--set", "rpool/ROOT/be 1", "--force"]);
        assert_eq!(output.status.code(), Some(0));
        assert!(is_uuid(text(&output.stdout).trim_end()));
        assert_ne!(text(&output.stdout), uuid);
        let said = text(&output.stderr);
        assert!(said.contains(uuid.trim_end()) && said.contains("not found"), "{said}");
    }

    #[test]
    fn an_inherited_uuid_is_none_of_its_own() {
        let lab = Lab::new();
        let above = "0c29ae6e-dd32-6c93-8ff2-d9b5d31d0d3b";
        lab.dataset("rpool/ROOT/a", &format!("{above}\tinherited from rpool/ROOT\n"));
        assert_eq!(lab.answer(&["--show", "rpool/ROOT/a"]).trim_end(), above);
        let data: Value = serde_json::from_str(&lab.answer(&["--json", "--show", "rpool/ROOT/a"])).unwrap();
        assert_eq!((&data["uuid"], &data["inherited"]), (&Value::from(above), &Value::from(true)));
        assert_ne!(lab.answer(&["--set", "rpool/ROOT/a"]).trim_end(), above);
    }

    #[test]
    fn what_zfs_refuses_is_said() {
        let lab = Lab::new();
        let said = lab.refused(&["--set", "rpool/none"], 2);
        assert!(said.contains("zfs get") && said.contains("dataset does not exist"), "{said}");
        assert!(lab.refused(&["--show", "rpool/none"], 2).contains("dataset does not exist"));
        lab.dataset("rpool/sealed", "");
        lab.dataset("rpool", "");
        fs::write(lab.0.path().join("state.denied"), "").unwrap();
        let said = lab.refused(&["--set", "rpool/sealed"], 2);
        assert!(said.contains("zfs set") && said.contains(PROPERTY) && said.contains("permission denied"), "{said}");
        assert_eq!(lab.stored("rpool/sealed"), "");
    }

    #[test]
    fn a_dataset_without_a_uuid_is_a_no() {
        let lab = Lab::new();
        lab.dataset("rpool/ROOT/a", "");
        assert!(lab.refused(&["--show", "rpool/ROOT/a"], 1).contains("be-uuid --set 'rpool/ROOT/a'"));
        let output = lab.ask(&["--json", "--show", "rpool/ROOT/a"]);
        assert_eq!(output.status.code(), Some(1));
        let data: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&data["version"], &data["uuid"]), (&Value::from(1), &Value::Null));
    }

    #[test]
    fn the_running_boot_environment_is_shown() {
        let lab = Lab::new();
        lab.beadm(
            "old;11111111-1111-5111-8111-111111111111;;;7;static;1\n\
             new;22222222-2222-5222-8222-222222222222;NR;/;7;static;2\n",
        );
        assert_eq!(lab.answer(&["--show"]), "22222222-2222-5222-8222-222222222222\n");
        let data: Value = serde_json::from_str(&lab.answer(&["--show", "--json"])).unwrap();
        assert_eq!(data["boot_environment"], "new");

        lab.beadm("new;;NR;/;7;static;2\n");
        assert!(lab.refused(&["--show"], 1).contains("be-uuid --set POOL/ROOT/new"));
        lab.beadm("new;rubbish;NR;/;7;static;2\n");
        assert!(lab.refused(&["--show"], 2).contains("`rubbish` is no UUID"));
        lab.beadm("new;11111111-1111-5111-8111-111111111111;R;/;7;static;2\n");
        assert!(lab.refused(&["--show"], 2).contains("no boot environment that is active now"));
        lab.stand_in("beadm", "#!/bin/sh\necho 'no zpool' >&2\nexit 4\n");
        assert!(lab.refused(&["--show"], 2).contains("no zpool"));
    }

    /// Without beadm(8) the brand scripts work with a fixed name.
    #[test]
    fn a_host_without_boot_environments_is_said_to_be_one() {
        let said = Lab::new().refused(&["--show"], 2);
        assert!(said.contains("/usr/sbin/beadm") && said.contains("`opensolaris`"), "{said}");
    }
}
