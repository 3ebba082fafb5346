//! Users and groups: the packaged ones, and those that the running system added.

use std::fmt::Write;
use std::io;

/// Name, uid, gid, comment, home, shell.
type User = (&'static str, u32, u32, &'static str, &'static str, &'static str);

const USERS: &[User] = &[
    ("root", 0, 0, "Super-User", "/root", "/usr/bin/bash"),
    ("daemon", 1, 1, "", "/", ""),
    ("bin", 2, 2, "", "/", ""),
    ("sys", 3, 3, "", "/", ""),
    ("adm", 4, 4, "Administration", "/var/adm", ""),
    ("lp", 71, 8, "Printing", "/", ""),
    ("uucp", 5, 5, "Copying", "/usr/lib/uucp", ""),
    ("dladm", 15, 65, "Datalinks", "/", ""),
    ("netadm", 16, 65, "Networks", "/", ""),
    ("sshd", 22, 22, "Privilege separation", "/", "/usr/bin/false"),
    ("smmsp", 25, 25, "Mail submission", "/", ""),
    ("nobody", 60001, 60001, "Nobody", "/", ""),
    ("noaccess", 60002, 60002, "No access", "/", ""),
];

/// Accounts that are in the live files only.
const LIVE_USERS: &[User] = &[
    ("ada", 1001, 10, "Ada, who works here", "/export/home/ada", "/usr/bin/bash"),
    ("tern", 712, 712, "Tern service", "/var/tern", "/usr/bin/false"),
];

const GROUPS: &[(&str, u32)] = &[
    ("root", 0),
    ("other", 1),
    ("bin", 2),
    ("sys", 3),
    ("adm", 4),
    ("uucp", 5),
    ("mail", 6),
    ("tty", 7),
    ("lp", 8),
    ("staff", 10),
    ("daemon", 12),
    ("sysadmin", 14),
    ("sshd", 22),
    ("smmsp", 25),
    ("netadm", 65),
    ("nobody", 60001),
    ("noaccess", 60002),
    ("nogroup", 65534),
];

const LIVE_GROUPS: &[(&str, u32)] = &[("tern", 712)];

/// The number of a user, packaged or live.
pub(crate) fn uid(name: &str) -> io::Result<u32> {
    let found = USERS.iter().chain(LIVE_USERS).find(|user| user.0 == name);
    found.map(|user| user.1).ok_or_else(|| io::Error::other(format!("no user `{name}` in the sample")))
}

/// The number of a group, packaged or live.
pub(crate) fn gid(name: &str) -> io::Result<u32> {
    let found = GROUPS.iter().chain(LIVE_GROUPS).find(|group| group.0 == name);
    found.map(|group| group.1).ok_or_else(|| io::Error::other(format!("no group `{name}` in the sample")))
}

/// `/etc/passwd` as packaged, or what the running system appended to it.
pub(crate) fn passwd(live: bool) -> String {
    let mut text = String::new();
    for (name, uid, gid, comment, home, shell) in if live { LIVE_USERS } else { USERS } {
        let _ = writeln!(text, "{name}:x:{uid}:{gid}:{comment}:{home}:{shell}");
    }
    text
}

/// `/etc/group` as packaged, or what the running system appended to it.
pub(crate) fn group(live: bool) -> String {
    let mut text = String::new();
    for (name, gid) in if live { LIVE_GROUPS } else { GROUPS } {
        let _ = writeln!(text, "{name}::{gid}:");
    }
    text
}

/// `/etc/shadow` as packaged, or what the running system appended to it. No password fits any line.
pub(crate) fn shadow(live: bool) -> String {
    let mut text = String::new();
    for (name, ..) in if live { LIVE_USERS } else { USERS } {
        let password = if live { "$5$sample$secret-of-the-global-zone" } else { "*LK*" };
        let _ = writeln!(text, "{name}:{password}:20000::::::");
    }
    text
}
