//! What is set up in the files of a zone that has never run, through its root held by capability.

use std::io;

use crate::host;
use crate::root::{FileKind, Handle, Tree, remove_tree, set_attributes};

use super::accounts::{Account, line_of};

/// Bytes of the largest file of a zone that is edited.
const LIMIT: u64 = 16 << 20;
/// A file before it has its name.
const NEW: &[u8] = b".zonekit-new";
/// What init runs the services by, and what it runs in a blank zone: nothing, for ever.
const STARTD: &str = "/lib/svc/bin/svc.startd";
const NOTHING: &str = "/usr/bin/sleep Inf";

/// Something about the files of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A whole file, made or replaced.
    Write {
        /// Where, relative to the root.
        path: String,
        /// What.
        text: String,
        /// Its permissions.
        mode: u32,
    },
    /// An account of the global zone.
    Account {
        /// Which.
        account: Account,
        /// It may become root.
        role: bool,
    },
    /// Who has the key of one of these may log in as root.
    RootKeys {
        /// A key a line.
        keys: String,
    },
    /// Its init runs nothing.
    Blank,
}

/// Why the files of a zone could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("/{path} of the zone: {problem}")]
pub struct EditError {
    path: String,
    problem: String,
}

fn fail(path: &str) -> impl Fn(io::Error) -> EditError + '_ {
    move |error| EditError { path: path.to_owned(), problem: error.to_string() }
}

impl Edit {
    /// What it does, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Write { path, .. } => format!("write /{path} in the zone"),
            Self::Account { account, role } => {
                let role = if *role { ", with the role root" } else { "" };
                format!("copy account `{}` into the zone{role}", account.name)
            }
            Self::RootKeys { .. } => "let root log in to the zone by key".to_owned(),
            Self::Blank => format!("let the zone's init run `{NOTHING}` instead of services (/etc/inittab)"),
        }
    }

    /// The file and its text, where that is known before.
    #[must_use]
    pub fn text(&self) -> Option<(&str, &str)> {
        match self {
            Self::Write { path, text, .. } => Some((path, text)),
            Self::RootKeys { keys } => Some(("root/.ssh/authorized_keys", keys)),
            _ => None,
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// [`EditError`].
    pub fn apply(&self, root: &Tree) -> Result<(), EditError> {
        match self {
            Self::Write { path, text, mode } => write(root, path, text, *mode),
            Self::Account { account, role } => copy_account(root, account, *role),
            Self::RootKeys { keys } => authorise(root, keys),
            Self::Blank => blank(root),
        }
    }
}

/// Makes or replaces a file, whole. Directories that are missing are made.
fn write(root: &Tree, path: &str, text: &str, mode: u32) -> Result<(), EditError> {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = directories(root, parent, 0o755).map_err(fail(path))?;
    replace(&folder, name.as_bytes(), text.as_bytes(), Some(mode)).map_err(fail(path))
}

/// Opens a directory below the root, and makes those that are missing.
fn directories(root: &Tree, path: &str, mode: u32) -> io::Result<Handle> {
    let mut here = root.handle()?;
    for part in path.split('/').filter(|part| !part.is_empty()) {
        here = match here.open_dir(part.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = here.create_dir(part.as_bytes())?;
                set_attributes(&made, owner(), mode, made.stat_self()?.modified)?;
                made
            }
            opened => opened?,
        };
    }
    Ok(here)
}

/// Root, where this process may say so.
fn owner() -> Option<(u32, u32)> {
    host::is_root().then_some((0, 0))
}

/// Writes a file beside and gives it its name. What was there keeps its owner, and its permissions unless
/// others are given.
fn replace(folder: &Handle, name: &[u8], bytes: &[u8], mode: Option<u32>) -> io::Result<()> {
    use std::io::Write;
    let old = folder.stat(name)?;
    if old.is_some_and(|old| old.kind == FileKind::Directory) {
        return Err(io::Error::other("is a directory"));
    }
    // A link that stood there is not followed: the file takes its place.
    let old = old.filter(|old| old.kind == FileKind::Regular);
    remove_tree(folder, NEW)?;
    let mut file = folder.create_file(NEW)?;
    file.write_all(bytes)?;
    let owner = old.filter(|_| host::is_root()).map(|old| (old.uid, old.gid)).or_else(owner);
    let mode = mode.or(old.map(|old| old.mode)).unwrap_or(0o644);
    let modified = crate::root::Stat::of(&file)?.modified;
    set_attributes(&file, owner, mode, modified)?;
    file.sync_all()?;
    folder.rename(NEW, name)
}

fn text_of(root: &Tree, path: &str) -> Result<Option<String>, EditError> {
    match root.read(path.as_bytes(), LIMIT) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fail(path)(error)),
    }
}

/// Replaces a file that is there.
fn rewrite(root: &Tree, path: &str, text: &str) -> Result<(), EditError> {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = root.open_dir(parent.as_bytes()).map_err(fail(path))?;
    replace(&folder, name.as_bytes(), text.as_bytes(), None).map_err(fail(path))
}

/// Adds a line to a file, behind whole lines.
fn append(root: &Tree, path: &str, line: &str) -> Result<(), EditError> {
    let before = text_of(root, path)?;
    let missing = before.is_none();
    let mut text = before.unwrap_or_default();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(line);
    text.push('\n');
    if missing { write(root, path, &text, 0o644) } else { rewrite(root, path, &text) }
}

fn copy_account(root: &Tree, account: &Account, role: bool) -> Result<(), EditError> {
    const PASSWD: &str = "etc/passwd";
    let refuse = |path: &str, problem: String| Err(EditError { path: path.to_owned(), problem });
    let name = account.name.as_str();
    let Some(passwd) = text_of(root, PASSWD)? else {
        return refuse(PASSWD, format!("is not there, so account `{name}` cannot be copied"));
    };
    match line_of(&passwd, name) {
        None => append(root, PASSWD, &account.passwd)?,
        Some(line) if line == account.passwd => {}
        Some(_) => return refuse(PASSWD, format!("has another account `{name}`")),
    }
    if let Some(shadow) = &account.shadow
        && text_of(root, "etc/shadow")?.is_some_and(|text| line_of(&text, name).is_none())
    {
        append(root, "etc/shadow", shadow)?;
    }
    let has = |line: &str| line.split(':').nth(2).is_some_and(|found| found.parse() == Ok(account.gid));
    if let Some(group) = &account.group
        && !text_of(root, "etc/group")?.is_some_and(|text| text.lines().any(has))
    {
        append(root, "etc/group", group)?;
    }
    let attributes = text_of(root, "etc/user_attr")?.unwrap_or_default();
    if role && line_of(&attributes, name).is_none() {
        append(root, "etc/user_attr", &format!("{name}::::roles=root"))?;
    }
    Ok(())
}

/// Root's home is where the zone's own passwd(5) says.
fn authorise(root: &Tree, keys: &str) -> Result<(), EditError> {
    const SSHD: &str = "etc/ssh/sshd_config";
    let passwd = text_of(root, "etc/passwd")?.unwrap_or_default();
    let home = line_of(&passwd, "root").and_then(|line| line.split(':').nth(5)).unwrap_or("/root");
    let home = home.trim_matches('/');
    let ssh = if home.is_empty() { ".ssh".to_owned() } else { format!("{home}/.ssh") };
    let called = format!("{ssh}/authorized_keys");
    directories(root, home, 0o700).map_err(fail(&called))?;
    let folder = directories(root, &ssh, 0o700).map_err(fail(&called))?;
    replace(&folder, b"authorized_keys", keys.as_bytes(), Some(0o600)).map_err(fail(&called))?;
    let Some(sshd) = text_of(root, SSHD)? else { return Ok(()) };
    let line = |line: &str| {
        let is_it = line.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("PermitRootLogin"));
        if is_it { "PermitRootLogin without-password".to_owned() } else { line.to_owned() }
    };
    let text: Vec<String> = sshd.lines().map(line).collect();
    rewrite(root, SSHD, &format!("{}\n", text.join("\n")))
}

fn blank(root: &Tree) -> Result<(), EditError> {
    const INITTAB: &str = "etc/inittab";
    match text_of(root, INITTAB)? {
        Some(text) if text.contains(STARTD) => rewrite(root, INITTAB, &text.replace(STARTD, NOTHING)),
        _ => {
            let problem = format!("does not run {STARTD}, so that the zone cannot be made blank");
            Err(EditError { path: INITTAB.to_owned(), problem })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::*;

    fn zone() -> (tempfile::TempDir, Tree) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir_all(root.join("etc/ssh")).unwrap();
        fs::write(root.join("etc/passwd"), "root:x:0:0::/root:/bin/sh").unwrap();
        fs::write(root.join("etc/shadow"), "root:NP:1::::::\n").unwrap();
        fs::set_permissions(root.join("etc/shadow"), fs::Permissions::from_mode(0o400)).unwrap();
        fs::write(root.join("etc/group"), "root::0:\n").unwrap();
        fs::write(root.join("etc/ssh/sshd_config"), "Port 22\nPermitRootLogin no\n").unwrap();
        fs::write(root.join("etc/inittab"), "smf::sysinit:/lib/svc/bin/svc.startd >/dev/msglog\n").unwrap();
        let tree = Tree::open(&root).unwrap();
        (dir, tree)
    }

    fn account() -> Account {
        Account {
            name: "joe".parse().unwrap(),
            passwd: "joe:x:101:10::/home/joe:/bin/sh".to_owned(),
            shadow: Some("joe:hash:1::::::".to_owned()),
            group: Some("staff::10:".to_owned()),
            gid: 10,
            home: "/home/joe".into(),
        }
    }

    fn text(dir: &Path, path: &str) -> String {
        fs::read_to_string(dir.join("root").join(path)).unwrap()
    }

    #[test]
    fn an_account_is_copied_once() {
        let (dir, tree) = zone();
        let edit = Edit::Account { account: account(), role: true };
        edit.apply(&tree).unwrap();
        edit.apply(&tree).unwrap();
        assert_eq!(text(dir.path(), "etc/passwd"), "root:x:0:0::/root:/bin/sh\njoe:x:101:10::/home/joe:/bin/sh\n");
        assert_eq!(text(dir.path(), "etc/shadow"), "root:NP:1::::::\njoe:hash:1::::::\n");
        assert_eq!(text(dir.path(), "etc/group"), "root::0:\nstaff::10:\n");
        assert_eq!(text(dir.path(), "etc/user_attr"), "joe::::roles=root\n");
        let mode = fs::metadata(dir.path().join("root/etc/shadow")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o400);
        let other = Account { passwd: "joe:x:102:10::/home/joe:/bin/sh".to_owned(), ..account() };
        let error = Edit::Account { account: other, role: false }.apply(&tree).unwrap_err().to_string();
        assert!(error.contains("/etc/passwd of the zone: has another account `joe`"), "{error}");
    }

    #[test]
    fn keys_are_for_root_alone() {
        let (dir, tree) = zone();
        Edit::RootKeys { keys: "ssh-ed25519 AAAA\n".to_owned() }.apply(&tree).unwrap();
        assert_eq!(text(dir.path(), "root/.ssh/authorized_keys"), "ssh-ed25519 AAAA\n");
        assert_eq!(text(dir.path(), "etc/ssh/sshd_config"), "Port 22\nPermitRootLogin without-password\n");
        let mode = |path: &str| fs::metadata(dir.path().join("root").join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("root/.ssh"), mode("root/.ssh/authorized_keys")), (0o700, 0o600));
    }

    #[test]
    fn a_blank_zone_runs_nothing() {
        let (dir, tree) = zone();
        Edit::Blank.apply(&tree).unwrap();
        assert_eq!(text(dir.path(), "etc/inittab"), "smf::sysinit:/usr/bin/sleep Inf >/dev/msglog\n");
        assert!(Edit::Blank.apply(&tree).unwrap_err().to_string().contains("does not run"));
    }

    #[test]
    fn nothing_is_written_through_links() {
        let (dir, tree) = zone();
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("nodename"), "theirs\n").unwrap();
        let etc = dir.path().join("root/etc");
        symlink(outside.join("nodename"), etc.join("nodename")).unwrap();
        let write = |path: &str| Edit::Write { path: path.to_owned(), text: "web\n".to_owned(), mode: 0o644 };
        write("etc/nodename").apply(&tree).unwrap();
        assert_eq!(fs::read_to_string(outside.join("nodename")).unwrap(), "theirs\n");
        assert_eq!(text(dir.path(), "etc/nodename"), "web\n");
        fs::remove_dir_all(&etc).unwrap();
        symlink(&outside, &etc).unwrap();
        assert!(write("etc/nodename").apply(&tree).is_err());
        assert!(Edit::Account { account: account(), role: true }.apply(&tree).is_err());
        assert_eq!(fs::read_to_string(outside.join("nodename")).unwrap(), "theirs\n");
        write("var/made/here").apply(&tree).unwrap();
        assert_eq!(text(dir.path(), "var/made/here"), "web\n");
    }
}
