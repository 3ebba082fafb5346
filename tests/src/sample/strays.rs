//! What a running system leaves on disk without a package to own it, and what it does to editable files.

use super::accounts;
use super::content::Content;
use super::plan::{Change, Form, Plan};

/// Path, mode, text.
const FILES: &[(&str, u32, &str)] = &[
    ("/etc/resolv.conf", 0o644, "nameserver 192.0.2.53\n"),
    ("/etc/nodename", 0o644, "globe\n"),
    ("/etc/hostname.vioif0", 0o644, "192.0.2.7/24\n"),
    ("/etc/defaultrouter", 0o644, "192.0.2.1\n"),
    ("/etc/.pwd.lock", 0o600, ""),
    ("/etc/ssh/ssh_host_ed25519_key", 0o600, "host key of the global zone\n"),
    ("/etc/ssh/ssh_host_ed25519_key.pub", 0o644, "ssh-ed25519 AAAA globe\n"),
    ("/etc/svc/repository-boot", 0o600, "services of the global zone, last boot\n"),
    ("/etc/zones/web1.xml", 0o644, "<zone name=\"web1\"/>\n"),
    ("/root/.bash_history", 0o600, "zfs destroy -r rpool/secret\n"),
    ("/root/.ssh/authorized_keys", 0o600, "ssh-ed25519 AAAA ada\n"),
    ("/root/.ssh/id_ed25519", 0o600, "private key of root\n"),
    ("/var/adm/wtmpx", 0o644, "logins\n"),
    ("/var/cron/log", 0o600, ">  CMD: /usr/bin/true\n"),
    ("/var/svc/log/network-ssh:default.log", 0o644, "[ Jan  1 00:00:00 Enabled. ]\n"),
    ("/var/spool/cron/crontabs/ada", 0o600, "0 3 * * * /export/home/ada/backup\n"),
    ("/var/tmp/ada.tmp", 0o666, "scratch\n"),
    ("/usr/local/bin/site-tool", 0o755, "#!/bin/sh\nexit 0\n"),
    ("/lib/svc/manifest/site/local.xml", 0o644, "<local/>\n"),
    ("/opt/site/bin/ledger", 0o755, "#!/bin/sh\nexit 0\n"),
    ("/export/home/ada/.profile", 0o644, "PATH=/usr/bin\n"),
    ("/mnt/left-behind", 0o644, "nobody mounted over this\n"),
];

/// Profiles that the administrator chose, as symbolic links.
const LINKS: &[(&str, &str)] = &[
    ("/etc/svc/profile/generic.xml", "generic_open.xml"),
    ("/etc/svc/profile/name_service.xml", "ns_dns.xml"),
    ("/etc/svc/profile/inetd_services.xml", "inetd_upgrade.xml"),
    ("/etc/svc/profile/platform.xml", "./platform_i86pc.xml"),
];

/// Packaged editable files that the running system changed.
const EDITS: &[(&str, &str)] = &[
    ("/etc/motd", "The global zone is for administrators only.\n"),
    ("/etc/inet/hosts", "192.0.2.7\tglobe\n"),
    ("/etc/nsswitch.conf", "# hosts: files dns\n"),
    ("/etc/ssh/sshd_config", "PasswordAuthentication no\n"),
    ("/etc/system", "set noexec_user_stack=1\n"),
    ("/etc/zones/index", "web1:installed:/export/zones/web1\n"),
    ("/root/.profile", "EDITOR=ex\n"),
    ("/var/adm/messages", "Jan  1 00:00:00 globe genunix: secret of the global zone\n"),
    ("/var/log/authlog", "Jan  1 00:00:00 globe sshd: Accepted publickey for ada\n"),
];

pub(crate) fn plan(plan: &mut Plan) {
    for (path, mode, text) in FILES {
        plan.stray(*path, *mode, Form::File((*text).into()));
    }
    let repository = Content::made(b"/etc/svc/repository.db", 180_000, true);
    plan.stray("/etc/svc/repository.db", 0o600, Form::File(repository));
    for (path, target) in LINKS {
        plan.stray(*path, 0o777, Form::Symlink(target));
    }
    for (path, text) in EDITS {
        plan.change(*path, Change::Append(text));
    }
    for (path, text) in [
        ("/etc/passwd", accounts::passwd as fn(bool) -> String),
        ("/etc/group", accounts::group),
        ("/etc/shadow", accounts::shadow),
    ] {
        plan.change(path, Change::Write((text(false) + &text(true)).into()));
    }
}
