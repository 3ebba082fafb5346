//! A lab with a brand whose hooks put down how they were called.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, reason = "tests; each uses a part")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tests::lab::Lab;
use tests::run::{Ran, Scratch, program, run};

/// Logs its arguments and surroundings, and ends as `exit/NAME` or `exit/NAME.STATE.COMMAND` says. `install`
/// makes a root that boots.
const HOOK: &str = r#"#!/bin/sh
open=
for number in 0 1 2; do [ -e /proc/$$/fd/$number ] && open=$open$number; done
name=$1 root=$3/root
shift
line="$name"
for word in "$@"; do line="$line <$word>"; done
echo "$line | held=$_ZONEADM_LOCK_HELD open=$open cwd=$PWD" >>"$ZONEKIT_LAB/trace.log"
case $name in
install) mkdir -p "$root/sbin" && chmod 755 "$root" && : >"$root/sbin/init" && chmod 755 "$root/sbin/init" ;;
uninstall) rm -rf "$root" ;;
query) cat "$ZONEKIT_LAB/query" ;;
esac
[ -f "$ZONEKIT_LAB/run/$name" ] && . "$ZONEKIT_LAB/run/$name"
for file in "$name.$3.$4" "$name"; do
    [ -f "$ZONEKIT_LAB/exit/$file" ] || continue
    status=$(cat "$ZONEKIT_LAB/exit/$file")
    [ "$status" = kill ] && kill -9 $$
    exit "$status"
done
exit 0
"#;

/// Hooks of the tracing brand, in the order of the model.
const HOOKS: &[&str] = &[
    "install",
    "installopts",
    "boot",
    "sysboot",
    "halt",
    "verify_cfg",
    "verify_adm",
    "postattach",
    "postclone",
    "postinstall",
    "predetach",
    "attach",
    "detach",
    "clone",
    "preuninstall",
    "uninstall",
    "prestatechange",
    "poststatechange",
    "query",
];

/// A host with the brand `trace`.
pub struct Host {
    pub scratch: Scratch,
    pub lab: Lab,
}

impl Host {
    /// With all hooks.
    pub fn new() -> Self {
        Self::without(&[])
    }

    /// Without some.
    pub fn without(hooks: &[&str]) -> Self {
        let scratch = Scratch::new();
        let root = scratch.join("host");
        for directory in ["usr/sbin", "zones", "exit", "run", ".lab"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        for name in ["zoneadm", "zonecfg", "zlogin"] {
            symlink(program("lab"), root.join("usr/sbin").join(name)).unwrap();
        }
        let lab = Lab::at(&root);
        lab.prepare_zones().unwrap();
        let host = Self { scratch, lab };
        host.write("query", "rpool/zones/z1/ROOT");
        host.brand("trace", hooks, "");
        host
    }

    /// Writes a brand that traces.
    pub fn brand(&self, name: &str, without: &[&str], mounts: &str) {
        let mut text = format!(
            "<?xml version=\"1.0\"?>\n<!DOCTYPE brand SYSTEM \"file:///usr/share/lib/xml/dtd/brand.dtd.1\">\n\
             <brand name=\"{name}\">\n<initname>/sbin/init</initname>\n<login_cmd>l</login_cmd>\n\
             <forcedlogin_cmd>f</forcedlogin_cmd>\n<user_cmd>u</user_cmd>\n"
        );
        for hook in HOOKS.iter().filter(|hook| !without.contains(*hook)) {
            let line = match *hook {
                "installopts" => "T:h".to_owned(),
                "verify_adm" => format!("/usr/lib/brand/{name}/hook verify_adm %z %R "),
                _ => format!("/usr/lib/brand/{name}/hook {hook} %z %R"),
            };
            text += &format!("<{hook}>{line}</{hook}>\n");
        }
        text += "<privilege set=\"default\" name=\"sys_mount\"/>\n<privilege set=\"required\" name=\"proc_fork\"/>\n\
                 <privilege set=\"prohibited\" name=\"proc_zone\"/>\n</brand>\n";
        let directory = format!("usr/lib/brand/{name}");
        self.write(&format!("{directory}/config.xml"), &text);
        let platform = format!(
            "<!DOCTYPE platform SYSTEM \"file:///usr/share/lib/xml/dtd/zone_platform.dtd.1\">\n\
             <platform name=\"{name}\" allow-exclusive-ip=\"true\">{mounts}</platform>\n"
        );
        self.write(&format!("{directory}/platform.xml"), &platform);
        self.write(&format!("{directory}/hook"), HOOK);
        let hook = self.lab.place(&format!("{directory}/hook"));
        fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn place(&self, path: &str) -> PathBuf {
        self.lab.place(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.lab.place(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.lab.place(path)).unwrap_or_default()
    }

    /// What a hook is to end as.
    pub fn ends(&self, hook: &str, status: &str) {
        self.write(&format!("exit/{hook}"), status);
    }

    pub fn command(&self, name: &str, words: &[&str]) -> Command {
        let mut command = Command::new(self.lab.place("usr/sbin").join(name));
        command.args(words).env_remove("_ZONEADM_LOCK_HELD").stdin(Stdio::null());
        command
    }

    pub fn zoneadm(&self, words: &[&str]) -> Ran {
        let mut all = vec!["-z", "z1"];
        all.extend(words);
        run(&mut self.command("zoneadm", &all))
    }

    pub fn zonecfg(&self, commands: &str) -> Ran {
        run(&mut self.command("zonecfg", &["-z", "z1", commands]))
    }

    /// As `-f`.
    pub fn zonecfg_file(&self, commands: &str) -> Ran {
        self.write("commands", commands);
        let file = self.place("commands");
        run(&mut self.command("zonecfg", &["-z", "z1", "-f", file.to_str().unwrap()]))
    }

    pub fn zonepath(&self, zone: &str) -> PathBuf {
        self.place("zones").join(zone)
    }

    /// A zone of the tracing brand that is configured, and a log without its making.
    pub fn configured(&self, zone: &str) {
        assert_eq!(self.lab.configure(zone, "trace", &self.zonepath(zone)), 0);
        self.forget();
    }

    /// One that is installed.
    pub fn installed(&self) {
        self.configured("z1");
        let done = self.zoneadm(&["install"]);
        assert_eq!(done.code(), 0, "{done:?}");
        self.forget();
    }

    pub fn forget(&self) {
        let _ = fs::remove_file(self.place("trace.log"));
    }

    /// The calls: name and arguments, with the zonepath as `PATH`.
    pub fn calls(&self) -> Vec<String> {
        self.trace().iter().map(|line| line.split(" | ").next().unwrap().to_owned()).collect()
    }

    pub fn trace(&self) -> Vec<String> {
        let path = self.zonepath("z1").display().to_string();
        self.read("trace.log").lines().map(|line| line.replace(&path, "PATH")).collect()
    }

    /// Calls without `verify_adm`, and of those the names only.
    pub fn hooks(&self) -> Vec<String> {
        let names = self.calls().into_iter().map(|call| call.split(' ').next().unwrap().to_owned());
        names.filter(|name| name != "verify_adm").collect()
    }

    /// The state hooks: `pre STATE COMMAND`, `post STATE COMMAND`, and the others by name.
    pub fn sequence(&self) -> String {
        let step = |call: &String| {
            let words: Vec<&str> = call.split(' ').map(|word| word.trim_matches(['<', '>'])).collect();
            match words[0] {
                "verify_adm" | "query" => None,
                "prestatechange" => Some(format!("pre {} {}", words[3], words[4])),
                "poststatechange" => Some(format!("post {} {}", words[3], words[4])),
                other => Some(other.to_owned()),
            }
        };
        self.calls().iter().filter_map(step).collect::<Vec<_>>().join(", ")
    }

    /// `STATE` of `zoneadm list -p`.
    pub fn state(&self, zone: &str) -> String {
        self.row(zone)[2].clone()
    }

    pub fn row(&self, zone: &str) -> Vec<String> {
        let done = run(&mut self.command("zoneadm", &["list", "-cp"]));
        let row = done.out.lines().find(|line| line.split(':').nth(1) == Some(zone)).unwrap_or_default();
        row.split(':').map(str::to_owned).collect()
    }

    pub fn exists(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok()
    }
}
