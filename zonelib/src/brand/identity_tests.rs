use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;
use crate::root::Special;

struct Zone {
    dir: tempfile::TempDir,
    tree: Tree,
}

impl Zone {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir(&root).unwrap();
        let tree = Tree::open(&root).unwrap();
        Self { dir, tree }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join("root").join(path)
    }

    fn put(&self, path: &str, text: &str) -> &Self {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
        self
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.at(path)).ok()
    }

    /// Resets it, and looks that a second time there is nothing to do.
    fn reset(&self, old: Option<&str>) -> Vec<String> {
        let new = "new".parse().unwrap();
        let identity = Identity { new: &new, old, repository: None };
        let planned = plan(&self.tree, &identity).unwrap();
        apply(&self.tree, &identity, &planned.resets).unwrap();
        assert_eq!(plan(&self.tree, &identity).unwrap().resets, []);
        apply(&self.tree, &identity, &planned.resets).unwrap();
        planned.resets.iter().map(Reset::line).collect()
    }
}

#[test]
fn a_clone_is_nobody() {
    let zone = Zone::new();
    let removed = [
        "etc/ssh/ssh_host_rsa_key",
        "etc/ssh/ssh_host_rsa_key.pub",
        "etc/hostname.net0",
        "etc/hostname6.net0",
        "etc/dhcp.net0",
        "etc/defaultrouter",
        "etc/dhcp/net0.dhc",
        "etc/dhcp/duid",
        "etc/svc/repository-boot-20260101_000000",
        "var/adm/messages.0",
        "var/log/syslog.12",
        "var/log/syslog.3.gz",
        "var/svc/log/network-physical:default.log",
        "var/fm/fmd/errlog",
        "var/fm/fmd/ckpt/module/state",
        "var/audit/20260101.not_terminated.old",
    ];
    let emptied =
        ["var/adm/messages", "var/adm/wtmpx", "var/adm/lastlog", "var/log/syslog", "var/log/authlog", "var/cron/log"];
    let kept = [
        "etc/ssh/sshd_config",
        "etc/ssh/moduli",
        "etc/passwd",
        "etc/resolv.conf",
        "etc/dhcp/inittab",
        "etc/svc/repository.db",
        "var/log/httpd/access_log",
        "var/adm/spellhist",
        "var/spool/cron/crontabs/root",
    ];
    for path in removed.iter().chain(&emptied).chain(&kept) {
        zone.put(path, "of the old zone\n");
    }
    fs::set_permissions(zone.at("var/log/authlog"), fs::Permissions::from_mode(0o640)).unwrap();
    zone.put("etc/nodename", "old\n");
    let lines = zone.reset(None);
    for path in removed {
        assert!(!zone.at(path).exists(), "{path}");
    }
    for path in emptied {
        assert_eq!(zone.read(path).as_deref(), Some(""), "{path}");
        assert!(lines.contains(&format!("empty    /{path} (log)")), "{lines:#?}");
    }
    for path in kept {
        assert_eq!(zone.read(path).as_deref(), Some("of the old zone\n"), "{path}");
    }
    assert_eq!(zone.read("etc/nodename").as_deref(), Some("new\n"));
    assert_eq!(fs::metadata(zone.at("var/log/authlog")).unwrap().mode(), 0o100_640);
    assert!(lines.contains(&"remove   /etc/ssh/ssh_host_rsa_key (host key)".to_owned()));
    assert!(lines.contains(&"rewrite  /etc/nodename (name)".to_owned()));
    assert_eq!(lines.len(), removed.len() + emptied.len() + 1);
}

#[test]
fn an_empty_root_has_no_identity() {
    assert!(Zone::new().reset(Some("old")).is_empty());
}

#[test]
fn only_its_own_lines_of_hosts_are_touched() {
    let zone = Zone::new();
    zone.put(
        "etc/inet/hosts",
        "# old is a name\n::1\t\tlocalhost old\n127.0.0.1  localhost  OLD.example.org\tloghost # old\n\
         10.0.0.5 old old.example.org\n10.0.0.6\tolder old-db\n10.0.0.7 gateway old\nx\n127.0.0.1 \u{fc}ber oldish\r\n",
    );
    symlink("./inet/hosts", zone.at("etc/hosts")).unwrap();
    assert_eq!(zone.reset(Some("old")), ["rewrite  /etc/inet/hosts (name)"]);
    assert_eq!(
        zone.read("etc/inet/hosts").unwrap(),
        "# old is a name\n::1\t\tlocalhost new\n127.0.0.1  localhost  new.example.org\tloghost # old\n\
         10.0.0.6\tolder old-db\n10.0.0.7 gateway old\nx\n127.0.0.1 \u{fc}ber oldish\r\n"
    );
    assert!(fs::symlink_metadata(zone.at("etc/hosts")).unwrap().is_symlink());
    // The name that the zone had is in its files, too; and nobody is called localhost.
    zone.put("etc/inet/hosts", "127.0.0.1 localhost other\n").put("etc/nodename", "other\n");
    zone.reset(None);
    assert_eq!(zone.read("etc/inet/hosts").unwrap(), "127.0.0.1 localhost new\n");
    zone.put("etc/inet/hosts", "127.0.0.1 localhost\n").put("etc/nodename", "localhost\n");
    assert_eq!(zone.reset(Some("localhost")), ["rewrite  /etc/nodename (name)"]);
}

#[test]
fn addresses_go_and_protocols_stay() {
    let zone = Zone::new();
    zone.put(
        "etc/ipadm/ipadm.conf",
        "# comment\n_version=1;\n_protocol=ipv4;forwarding=on;\n_ifname=net0;_family=2;\n\
         _ifname=net0;_aobjname=net0/v4;_ipv4addr=10.0.0.5,24;up=yes;\n _protocol=ipv6; _ifname=net0;mtu=1500\n",
    );
    assert_eq!(zone.reset(None), ["rewrite  /etc/ipadm/ipadm.conf (address)"]);
    let left = "# comment\n_version=1;\n_protocol=ipv4;forwarding=on;\n";
    assert_eq!(zone.read("etc/ipadm/ipadm.conf").as_deref(), Some(left));
}

#[test]
fn nothing_is_written_through() {
    let zone = Zone::new();
    let outside = zone.dir.path().join("precious");
    fs::write(&outside, "precious").unwrap();
    zone.put("etc/shadow", "secret").put("var/adm/x", "").put("var/log/x", "").put("etc/ssh/x", "");
    symlink(&outside, zone.at("var/adm/messages")).unwrap();
    symlink(&outside, zone.at("var/log/syslog")).unwrap();
    symlink(&outside, zone.at("etc/nodename")).unwrap();
    symlink(&outside, zone.at("etc/ssh/ssh_host_rsa_key")).unwrap();
    fs::create_dir(zone.at("etc/inet")).unwrap();
    symlink(&outside, zone.at("etc/inet/hosts")).unwrap();
    fs::hard_link(zone.at("etc/shadow"), zone.at("var/adm/wtmpx")).unwrap();
    zone.tree.open_dir(b"var/adm").unwrap().create_special(b"sulog", Special::Pipe).unwrap();
    zone.tree.open_dir(b"etc").unwrap().create_special(b"hostname.net0", Special::Pipe).unwrap();
    fs::create_dir_all(zone.at("etc/dhcp.d/full")).unwrap();
    symlink(&outside, zone.at("var/adm/.zonekit-new")).unwrap();
    zone.reset(Some("old"));
    assert_eq!(fs::read(&outside).unwrap(), b"precious");
    assert_eq!(zone.read("etc/shadow").as_deref(), Some("secret"));
    for path in ["var/adm/messages", "var/adm/wtmpx", "var/adm/sulog", "etc/nodename"] {
        assert!(fs::symlink_metadata(zone.at(path)).unwrap().is_file(), "{path}");
    }
    assert_eq!(zone.read("etc/nodename").as_deref(), Some("new\n"));
    assert!(fs::symlink_metadata(zone.at("etc/ssh/ssh_host_rsa_key")).is_err());
    assert!(fs::symlink_metadata(zone.at("etc/hostname.net0")).is_err());
    assert!(fs::symlink_metadata(zone.at("etc/inet/hosts")).unwrap().is_symlink());
    assert!(zone.at("etc/dhcp.d/full").exists());
}

#[test]
fn places_behind_links_are_told() {
    let zone = Zone::new();
    let elsewhere = zone.dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("ssh_host_rsa_key"), "key").unwrap();
    zone.put("etc/x", "").put("var/adm", "a file");
    symlink(&elsewhere, zone.at("etc/ssh")).unwrap();
    let new = "new".parse().unwrap();
    let identity = Identity { new: &new, old: None, repository: None };
    let planned = plan(&zone.tree, &identity).unwrap();
    assert_eq!(planned.resets, []);
    assert_eq!(planned.unreachable[0], b"etc/ssh");
    assert!(planned.unreachable.contains(&b"var/adm".to_vec()));
    assert!(elsewhere.join("ssh_host_rsa_key").exists());
}

#[test]
fn crowded_directories_are_reset() {
    let zone = Zone::new();
    fs::create_dir_all(zone.at("var/log")).unwrap();
    for number in 0..3000 {
        zone.put(&format!("var/log/log.{number}"), "x").put(&format!("var/log/a{number}"), "x");
    }
    assert_eq!(zone.reset(None).len(), 6000);
    assert_eq!(fs::read_dir(zone.at("var/log")).unwrap().count(), 3000);
    let giant = fs::File::create(zone.at("giant")).unwrap();
    giant.set_len(TEXT_LIMIT + 1).unwrap();
    fs::create_dir_all(zone.at("etc/inet")).unwrap();
    fs::rename(zone.at("giant"), zone.at("etc/inet/hosts")).unwrap();
    let new = "new".parse().unwrap();
    let error = plan(&zone.tree, &Identity { new: &new, old: Some("old"), repository: None }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/etc/inet/hosts: is larger than 16 MiB, as no such file should be; see what it is, and try again"
    );
}

#[test]
fn a_repository_becomes_the_seed_again() {
    let zone = Zone::new();
    zone.put("lib/svc/seed/nonglobal.db", "seed").put("etc/svc/repository.db", "used");
    let new = "new".parse().unwrap();
    let repository =
        Repository { tree: &zone.tree, seed: "/lib/svc/seed/nonglobal.db", repository: "/etc/svc/repository.db" };
    let identity = Identity { new: &new, old: None, repository: Some(repository) };
    let planned = plan(&zone.tree, &identity).unwrap();
    assert_eq!(planned.resets[0].line(), "reseed   /etc/svc/repository.db (repository)");
    apply(&zone.tree, &identity, &planned.resets).unwrap();
    assert_eq!(zone.read("etc/svc/repository.db").as_deref(), Some("seed"));
    assert_eq!(fs::metadata(zone.at("etc/svc/repository.db")).unwrap().mode(), 0o100_600);
    assert_eq!(plan(&zone.tree, &identity).unwrap().resets, []);
    fs::remove_file(zone.at("etc/svc/repository.db")).unwrap();
    symlink("/dev/null", zone.at("etc/svc/repository.db")).unwrap();
    apply(&zone.tree, &identity, &plan(&zone.tree, &identity).unwrap().resets).unwrap();
    assert_eq!(zone.read("etc/svc/repository.db").as_deref(), Some("seed"));
    let other = Identity { repository: None, ..identity };
    assert!(apply(&zone.tree, &other, &planned.resets).is_err());
    fs::remove_file(zone.at("lib/svc/seed/nonglobal.db")).unwrap();
    assert!(plan(&zone.tree, &identity).is_err());
}

#[test]
fn patterns_have_stars_and_digits() {
    for (pattern, name, like) in [
        ("ssh_host_*", "ssh_host_rsa_key", true),
        ("ssh_host_*", "ssh_host", false),
        ("hostname.*", "hostname.", true),
        ("*.#", "messages.0", true),
        ("*.#", "messages.12", true),
        ("*.#", "messages.", false),
        ("*.#", "a.1b", false),
        ("*.#.gz", "syslog.3.gz", true),
        ("sa#", "sa01", true),
        ("sa#", "sar01", false),
        ("messages", "messages", true),
        ("messages", "messages.0", false),
    ] {
        assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), like, "{pattern} {name}");
    }
    // Every rule is a relative path whose wildcards are in its last name.
    for rule in RULES {
        let (parent, _) = rule.pattern.rsplit_once('/').unwrap();
        assert!(!parent.contains(['*', '#']) && !parent.starts_with('/'), "{}", rule.pattern);
        assert!(rule.pattern.matches('*').count() < 2, "{}", rule.pattern);
    }
}
