//! A lab whose commands of the network are asked one by one.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, reason = "tests; each uses a part")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tests::lab::Lab;
use tests::run::Scratch;

/// What a command answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub struct Net {
    pub scratch: Scratch,
    pub lab: Lab,
}

impl Net {
    pub fn new() -> Self {
        let scratch = Scratch::new();
        let lab = Lab::create(&scratch.join("host"));
        Self { scratch, lab }
    }

    /// One with a brand that does nothing.
    pub fn with_zones() -> Self {
        let net = Self::new();
        let brand = net.lab.place("/usr/lib/brand/plain");
        fs::create_dir_all(&brand).unwrap();
        net.lab.prepare_zones().unwrap();
        fs::write(brand.join("config.xml"), BRAND).unwrap();
        fs::write(brand.join("platform.xml"), PLATFORM).unwrap();
        fs::write(brand.join("hook"), HOOK).unwrap();
        fs::set_permissions(brand.join("hook"), fs::Permissions::from_mode(0o755)).unwrap();
        net
    }

    /// Runs a command line by the path that the command has on illumos.
    pub fn run(&self, line: &str) -> Said {
        let mut words = line.split_whitespace();
        let path = words.next().unwrap();
        let mut command = Command::new(self.lab.place(path));
        let done = command.args(words).env_clear().stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: done.status.code().unwrap(), out: text(&done.stdout), err: text(&done.stderr) }
    }

    /// What it prints, where it succeeds and has nothing to complain of.
    #[track_caller]
    pub fn ok(&self, line: &str) -> String {
        let said = self.run(line);
        assert!(said.code == 0 && said.err.is_empty(), "{line}: {said:?}");
        said.out
    }

    /// It is refused so, and nothing has changed then.
    #[track_caller]
    pub fn refuses(&self, line: &str, code: i32, err: &str) {
        let before = self.lab.snapshot_of_state(&[]);
        let said = self.run(line);
        assert_eq!((said.code, said.err.as_str()), (code, err), "{line}: {said:?}");
        assert_eq!(before.difference(&self.lab.snapshot_of_state(&[])), "", "{line}");
    }

    /// A file beside the host.
    pub fn file(&self, text: &str) -> PathBuf {
        let path = self.scratch.join("file");
        fs::write(&path, text).unwrap();
        path
    }
}

/// A brand that does nothing but make a root.
const HOOK: &str = "#!/bin/sh\nmkdir -p \"$2/root/sbin\" \"$2/root/etc/ipf\" && chmod 755 \"$2/root\" && : >\"$2/root/sbin/init\" && chmod 755 \"$2/root/sbin/init\"\n";

const BRAND: &str = r#"<?xml version="1.0"?>
<!DOCTYPE brand SYSTEM "file:///usr/share/lib/xml/dtd/brand.dtd.1">
<brand name="plain">
<initname>/sbin/init</initname>
<login_cmd>l</login_cmd>
<forcedlogin_cmd>f</forcedlogin_cmd>
<user_cmd>u</user_cmd>
<install>/usr/lib/brand/plain/hook %z %R</install>
<privilege set="default" name="sys_mount"/>
</brand>
"#;

const PLATFORM: &str = r#"<!DOCTYPE platform SYSTEM "file:///usr/share/lib/xml/dtd/zone_platform.dtd.1">
<platform name="plain" allow-exclusive-ip="true"></platform>
"#;

/// An installed zone, and its root.
pub fn zone(net: &Net, name: &str, more: &str) -> PathBuf {
    let zonepath = net.lab.place("/zones").join(name);
    let commands = format!("create -b\nset brand=plain\nset zonepath={}\n{more}\ncommit\n", zonepath.display());
    let file = net.scratch.join("commands");
    fs::write(&file, commands).unwrap();
    let said = net.run(&format!("/usr/sbin/zonecfg -z {name} -f {}", file.display()));
    assert_eq!(said.code, 0, "{said:?}");
    let said = net.run(&format!("/usr/sbin/zoneadm -z {name} install"));
    assert_eq!(said.code, 0, "{said:?}");
    zonepath.join("root")
}

#[track_caller]
pub fn boots(net: &Net, name: &str) {
    let said = net.run(&format!("/usr/sbin/zoneadm -z {name} boot"));
    assert_eq!(said.code, 0, "{said:?}");
}
