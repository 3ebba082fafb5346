//! What makes a zone itself and no copy of it: host keys, logs, its name and addresses, leases, and the
//! state of its services. A clone gets rid of them; what it is for stays.
//!
//! What is reset is a table, [`RULES`]. It follows what sys-unconfig(8) and the clone hooks of illumos
//! distributions reset, but for what is configuration: passwords, name services, mounts, the timezone.

use std::io::{self, Read, Write};

use crate::config::ZoneName;
use crate::host;
use crate::populate::{printable, split};
use crate::root::{CopyBuffer, FileKind, Handle, Stat, Transfer, Tree, remove_tree, set_attributes};

/// A longer file is none that a zone keeps its identity in.
const TEXT_LIMIT: u64 = 16 * 1024 * 1024;
/// More names than this match no rule in an honest zone.
const MATCH_LIMIT: usize = 100_000;
/// The name of a file until it takes its place.
const NEW: &[u8] = b".zonekit-new";
/// Where the zone's own name stands.
const NODENAME: &str = "etc/nodename";

/// What happens to the objects of a [`Rule`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is removed, unless it is a directory.
    Remove,
    /// It is removed with everything below.
    RemoveTree,
    /// It loses its content, and keeps mode and owner.
    Empty,
    /// It gets the zone's name, when it is there.
    SetName,
    /// A hosts(5) file: the zone's own name is changed, its own address goes.
    ReplaceName,
    /// Entries of ipadm's data store that belong to an interface go. Source: `ipadm_persist.c`.
    DropInterfaces,
}

const HOST_KEY: &str = "host key";
const MACHINE: &str = "machine identifier";
const DHCP: &str = "DHCP state";

/// What is reset.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// A path; in its last name `*` stands for any text, `#` for digits.
    pub pattern: &'static str,
    /// What happens to what matches.
    pub action: Action,
    /// What that is.
    pub what: &'static str,
}

const fn rule(pattern: &'static str, action: Action, what: &'static str) -> Rule {
    Rule { pattern, action, what }
}

/// Everything that is reset but the repository. The first rule that a path matches holds.
pub const RULES: &[Rule] = &[
    rule("etc/ssh/ssh_host_*", Action::Remove, HOST_KEY),
    rule("var/ssh/ssh_host_*", Action::Remove, HOST_KEY),
    rule("etc/krb5/krb5.keytab", Action::Remove, HOST_KEY),
    rule("etc/machine-id", Action::Remove, MACHINE),
    rule("var/lib/dbus/machine-id", Action::Remove, MACHINE),
    rule(NODENAME, Action::SetName, "name"),
    rule("etc/inet/hosts", Action::ReplaceName, "name"),
    rule("etc/hosts", Action::ReplaceName, "name"),
    rule("etc/hostname.*", Action::Remove, "address"),
    rule("etc/hostname6.*", Action::Remove, "address"),
    rule("etc/dhcp.*", Action::Remove, "address"),
    rule("etc/defaultrouter", Action::Remove, "route"),
    rule("etc/inet/static_routes", Action::Remove, "route"),
    rule("etc/inet/static_routes-*", Action::Remove, "route"),
    rule("etc/ipadm/ipadm.conf", Action::DropInterfaces, "address"),
    rule("etc/dhcp/*.dhc", Action::Remove, DHCP),
    rule("etc/dhcp/*.dh6", Action::Remove, DHCP),
    rule("etc/dhcp/duid", Action::Remove, DHCP),
    rule("etc/dhcp/iaid", Action::Remove, DHCP),
    rule("etc/svc/repository-*", Action::Remove, "repository backup"),
    rule("etc/svc/repository.db-journal", Action::Remove, "repository state"),
    rule("var/adm/*.#", Action::Remove, "old log"),
    rule("var/adm/*.#.gz", Action::Remove, "old log"),
    rule("var/adm/messages", Action::Empty, "log"),
    rule("var/adm/utmp", Action::Empty, "log"),
    rule("var/adm/utmpx", Action::Empty, "log"),
    rule("var/adm/wtmp", Action::Empty, "log"),
    rule("var/adm/wtmpx", Action::Empty, "log"),
    rule("var/adm/lastlog", Action::Empty, "log"),
    rule("var/adm/sulog", Action::Empty, "log"),
    rule("var/adm/loginlog", Action::Empty, "log"),
    rule("var/adm/aculog", Action::Empty, "log"),
    rule("var/adm/pacct", Action::Empty, "log"),
    rule("var/adm/sa/sa#", Action::Remove, "old log"),
    rule("var/adm/sa/sar#", Action::Remove, "old log"),
    rule("var/adm/exacct/*", Action::Remove, "old log"),
    rule("var/audit/*", Action::Remove, "old log"),
    rule("var/log/*.#", Action::Remove, "old log"),
    rule("var/log/*.#.gz", Action::Remove, "old log"),
    rule("var/log/*", Action::Empty, "log"),
    rule("var/svc/log/*", Action::Remove, "old log"),
    rule("var/cron/log", Action::Empty, "log"),
    rule("var/cron/log.#", Action::Remove, "old log"),
    rule("var/cron/olog", Action::Remove, "old log"),
    rule("var/ldap/cachemgr.log", Action::Empty, "log"),
    rule("var/fm/fmd/errlog*", Action::Remove, "fault state"),
    rule("var/fm/fmd/fltlog*", Action::Remove, "fault state"),
    rule("var/fm/fmd/infolog*", Action::Remove, "fault state"),
    rule("var/fm/fmd/ckpt/*", Action::RemoveTree, "fault state"),
    rule("var/fm/fmd/rsrc/*", Action::RemoveTree, "fault state"),
    rule("var/fm/fmd/xprt/*", Action::RemoveTree, "fault state"),
];

/// Why an identity was not reset.
#[derive(Debug, thiserror::Error)]
#[error("/{}: {source}", printable(path))]
pub struct IdentityError {
    /// Where, below the zone's root.
    pub path: Vec<u8>,
    /// Why.
    pub source: io::Error,
}

fn at(path: &[u8]) -> impl FnOnce(io::Error) -> IdentityError + '_ {
    move |source| IdentityError { path: path.to_vec(), source }
}

/// A service repository that becomes the seed again.
#[derive(Clone, Copy, Debug)]
pub struct Repository<'i> {
    /// The tree that has the seed: the zone's own, or the image's when the zone mounts it from there.
    pub tree: &'i Tree,
    /// The seed in it, such as `/lib/svc/seed/nonglobal.db`.
    pub seed: &'i str,
    /// The repository in the zone, such as `/etc/svc/repository.db`.
    pub repository: &'i str,
}

/// Who a clone is, and was.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'i> {
    /// Its name.
    pub new: &'i ZoneName,
    /// The name of the zone that it was cloned from, besides the one that its files tell.
    pub old: Option<&'i str>,
    /// Whether it starts with the services of a new zone. Else it keeps those of the zone that it was
    /// cloned from, with their settings.
    pub repository: Option<Repository<'i>>,
}

/// What is done to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is removed.
    Remove,
    /// It is removed with everything below.
    RemoveTree,
    /// It is replaced by a file with this content.
    Write(Vec<u8>),
    /// It is replaced by the seed of the service repository.
    Reseed,
}

/// One step of a reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    /// The object, below the zone's root.
    pub path: Vec<u8>,
    /// What is done to it.
    pub change: Change,
    /// What it is.
    pub what: &'static str,
}

impl Reset {
    /// Whether no two zones may have the same, and a zone that has none makes its own.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        [HOST_KEY, MACHINE, DHCP].contains(&self.what)
    }

    /// One line for people: what is done, path, and what that is.
    #[must_use]
    pub fn line(&self) -> String {
        let done = match &self.change {
            Change::Remove | Change::RemoveTree => "remove",
            Change::Write(bytes) if bytes.is_empty() => "empty",
            Change::Write(_) => "rewrite",
            Change::Reseed => "reseed",
        };
        format!("{done:8} /{} ({})", printable(&self.path), self.what)
    }
}

/// What a reset does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Planned {
    /// The steps, in the order of the rules.
    pub resets: Vec<Reset>,
    /// Directories of rules that are reached through a symbolic link, or are none: what is in them is
    /// not looked at. Somebody should.
    pub unreachable: Vec<Vec<u8>>,
}

/// Finds what is to be reset in a zone root; changes nothing. Of a root that has been reset nothing is left
/// to find.
///
/// # Errors
/// [`IdentityError`]: what could not be looked at.
pub fn plan(tree: &Tree, identity: &Identity<'_>) -> Result<Planned, IdentityError> {
    let mut planned = Planned::default();
    let names = own_names(tree, identity)?;
    let mut folder = Folder { path: "", handle: None, names: Vec::new() };
    for (index, rule) in RULES.iter().enumerate() {
        let (parent, pattern) = rule.pattern.rsplit_once('/').unwrap_or(("", rule.pattern));
        if folder.path != parent {
            folder = Folder::open(tree, parent, &mut planned)?;
        }
        let Some(handle) = &folder.handle else { continue };
        for name in folder.names.iter().filter(|name| matches(pattern.as_bytes(), name)) {
            let path = [parent.as_bytes(), name].join(&b'/');
            if planned.resets.len() == MATCH_LIMIT {
                let problem = format!("there are more than {MATCH_LIMIT} files to reset");
                return Err(IdentityError { path, source: io::Error::other(problem) });
            }
            if !has_earlier_rule(index, parent, name) {
                let change = change(rule, handle, name, identity, &names).map_err(at(&path))?;
                planned.resets.extend(change.map(|change| Reset { path, change, what: rule.what }));
            }
        }
    }
    if let Some(repository) = &identity.repository {
        let path = repository.repository.trim_start_matches('/').as_bytes();
        if !same_content(tree, path, repository).map_err(at(path))? {
            planned.resets.push(Reset { path: path.to_vec(), change: Change::Reseed, what: "repository" });
        }
    }
    Ok(planned)
}

/// A directory that rules are about, and what is in it.
struct Folder {
    path: &'static str,
    handle: Option<Handle>,
    names: Vec<Vec<u8>>,
}

impl Folder {
    fn open(tree: &Tree, path: &'static str, planned: &mut Planned) -> Result<Self, IdentityError> {
        let handle = reach(tree, path, planned)?;
        let listed = handle.as_ref().map_or(Ok(Vec::new()), Handle::list).map_err(at(path.as_bytes()))?;
        let mut names: Vec<Vec<u8>> = listed.into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        Ok(Self { path, handle, names })
    }
}

/// Whether a rule before this one holds for a name.
fn has_earlier_rule(index: usize, parent: &str, name: &[u8]) -> bool {
    let beside = |rule: &Rule| rule.pattern.rsplit_once('/').filter(|(folder, _)| *folder == parent);
    RULES[..index].iter().filter_map(beside).any(|(_, pattern)| matches(pattern.as_bytes(), name))
}

/// A directory of the tree, when it is one; one behind a symbolic link is noted.
fn reach(tree: &Tree, path: &str, planned: &mut Planned) -> Result<Option<Handle>, IdentityError> {
    use rustix::io::Errno;
    match tree.open_dir(path.as_bytes()) {
        Ok(handle) => Ok(Some(handle)),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::NOENT) => Ok(None),
            Some(Errno::LOOP | Errno::NOTDIR) => {
                planned.unreachable.push(path.as_bytes().to_vec());
                Ok(None)
            }
            _ => Err(at(path.as_bytes())(error)),
        },
    }
}

/// The names that the zone had: its source's, and what `/etc/nodename` says.
fn own_names(tree: &Tree, identity: &Identity<'_>) -> Result<Vec<Vec<u8>>, IdentityError> {
    let mut names: Vec<Vec<u8>> = identity.old.iter().map(|name| name.as_bytes().to_vec()).collect();
    let mut unused = Planned::default();
    let etc = reach(tree, "etc", &mut unused)?;
    let nodename = etc.map_or(Ok(None), |etc| nodename(&etc, b"nodename")).map_err(at(NODENAME.as_bytes()))?;
    if let Some(bytes) = nodename {
        let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii();
        names.push(line.to_vec());
    }
    names.retain(|name| !name.is_empty() && name != identity.new.as_str().as_bytes() && name != b"localhost");
    Ok(names)
}

/// Whether a name is like a pattern. There is one `*` at most, so that no name takes long.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.first() {
        None => name.is_empty(),
        Some(b'*') => (0..=name.len()).any(|skip| matches(&pattern[1..], &name[skip..])),
        Some(b'#') => {
            let digits = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
            digits > 0 && matches(&pattern[1..], &name[digits..])
        }
        Some(byte) => name.first() == Some(byte) && matches(&pattern[1..], &name[1..]),
    }
}

/// What a rule does to an object; nothing when it is as it should be.
fn change(
    rule: &Rule,
    handle: &Handle,
    name: &[u8],
    identity: &Identity<'_>,
    names: &[Vec<u8>],
) -> io::Result<Option<Change>> {
    let Some(stat) = handle.stat(name)? else { return Ok(None) };
    let directory = stat.kind == FileKind::Directory;
    let regular = stat.kind == FileKind::Regular;
    // Of many only files are emptied: a link that matches leads to a file that a rule names, or to none.
    let one_of_many = rule.pattern.contains(['*', '#']);
    Ok(match rule.action {
        Action::RemoveTree => Some(Change::RemoveTree),
        _ if directory => None,
        Action::Remove => Some(Change::Remove),
        Action::Empty if regular && stat.size == 0 || !regular && one_of_many => None,
        Action::Empty => Some(Change::Write(Vec::new())),
        Action::SetName => {
            let wanted = format!("{}\n", identity.new).into_bytes();
            let there = nodename(handle, name)?;
            (there.as_ref() != Some(&wanted)).then_some(Change::Write(wanted))
        }
        Action::ReplaceName => {
            let edited = |bytes: Vec<u8>| renamed(&bytes, names, identity.new).filter(|new| *new != bytes);
            text(handle, name)?.and_then(edited).map(Change::Write)
        }
        Action::DropInterfaces => {
            let edited = |bytes: Vec<u8>| Some(without_interfaces(&bytes)).filter(|new| *new != bytes);
            text(handle, name)?.and_then(edited).map(Change::Write)
        }
    })
}

/// The content of a regular file; `None` for anything else, which is not looked into.
fn text(handle: &Handle, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
    match handle.stat(name)? {
        Some(stat) if stat.kind == FileKind::Regular => {}
        _ => return Ok(None),
    }
    let (file, stat) = handle.open_file(name)?;
    if stat.size > TEXT_LIMIT {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "is larger than 16 MiB, as no such file should be; see what it is, and try again",
        ));
    }
    let mut bytes = Vec::new();
    file.take(TEXT_LIMIT).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// What `/etc/nodename` says; one that is too long for a name says nothing.
fn nodename(handle: &Handle, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
    match text(handle, name) {
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Ok(None),
        other => other,
    }
}

/// A hosts(5) file in which lines of the loopback address have the new name for the old ones, and the
/// lines that are of the old host itself, with an address that stays with it, are gone.
fn renamed(bytes: &[u8], names: &[Vec<u8>], new: &ZoneName) -> Option<Vec<u8>> {
    if names.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let end = line.iter().position(|&byte| byte == b'#').unwrap_or(line.len());
        let (entry, comment) = line.split_at(end);
        let mut fields = entry.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
        let loopback = fields.next().is_some_and(|address| address.starts_with(b"127.") || address == b"::1");
        let first_is_own = fields.next().is_some_and(|name| own_name(name, names).is_some());
        if !loopback {
            if !first_is_own {
                out.extend_from_slice(line);
            }
            continue;
        }
        // Blanks stay as they are.
        for field in entry.split_inclusive(u8::is_ascii_whitespace) {
            match own_name(field.trim_ascii_end(), names) {
                Some(length) => {
                    out.extend_from_slice(new.as_str().as_bytes());
                    out.extend_from_slice(&field[length..]);
                }
                None => out.extend_from_slice(field),
            }
        }
        out.extend_from_slice(comment);
    }
    Some(out)
}

/// How much of a host name is an own name: all of it, or all before the domain.
fn own_name(field: &[u8], names: &[Vec<u8>]) -> Option<usize> {
    let own = |name: &&Vec<u8>| {
        field.len() >= name.len()
            && field[..name.len()].eq_ignore_ascii_case(name)
            && matches!(field.get(name.len()), None | Some(b'.'))
    };
    names.iter().find(own).map(Vec::len)
}

/// The data store of ipadm without entries of interfaces and their addresses. Protocol properties stay.
fn without_interfaces(bytes: &[u8]) -> Vec<u8> {
    let of_interface =
        |line: &[u8]| line.split(|&byte| byte == b';').any(|pair| pair.trim_ascii().starts_with(b"_ifname="));
    bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| !of_interface(line)).flatten().copied().collect()
}

fn same_content(tree: &Tree, path: &[u8], repository: &Repository<'_>) -> io::Result<bool> {
    let (seed, wanted) = open_seed(repository)?;
    let (parent, name) = split(path);
    let handle = tree.open_dir(parent)?;
    match handle.stat(name)? {
        Some(stat) if stat.kind == FileKind::Regular && stat.size == wanted.size => {}
        _ => return Ok(false),
    }
    let (there, _) = handle.open_file(name)?;
    let (mut one, mut other) = (io::BufReader::new(seed).bytes(), io::BufReader::new(there).bytes());
    loop {
        match (one.next().transpose()?, other.next().transpose()?) {
            (None, None) => return Ok(true),
            (one, other) if one == other => {}
            _ => return Ok(false),
        }
    }
}

/// The seed, which is reached as the image's own administrator laid it out.
fn open_seed(repository: &Repository<'_>) -> io::Result<(std::fs::File, Stat)> {
    let (parent, name) = split(repository.seed.trim_start_matches('/').as_bytes());
    repository.tree.resolve_dir(parent)?.open_file(name)
}

/// Carries out a plan. What stands in a place is replaced or removed, never written through.
///
/// # Errors
/// [`IdentityError`], at the first step that failed; the others before it have been done.
pub fn apply(tree: &Tree, identity: &Identity<'_>, resets: &[Reset]) -> Result<(), IdentityError> {
    for reset in resets {
        one(tree, identity, reset).map_err(at(&reset.path))?;
    }
    Ok(())
}

fn one(tree: &Tree, identity: &Identity<'_>, reset: &Reset) -> io::Result<()> {
    let (parent, name) = split(&reset.path);
    let handle = tree.open_dir(parent)?;
    match (&reset.change, &identity.repository) {
        (Change::Remove, _) => match handle.remove_file(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
        (Change::RemoveTree, _) => remove_tree(&handle, name),
        (Change::Write(bytes), _) => {
            // Who replaced a file by something else does not say who may read its successor.
            let plain = if bytes.is_empty() { 0o600 } else { 0o644 };
            let old = handle.stat(name)?.filter(|stat| stat.kind == FileKind::Regular);
            let (mode, owner) = old.map_or((plain, (0, 0)), |stat| (stat.mode, (stat.uid, stat.gid)));
            replace(&handle, name, mode, owner, |mut file| file.write_all(bytes))
        }
        (Change::Reseed, Some(repository)) => {
            let (seed, stat) = open_seed(repository)?;
            // root:sys, as a new zone has it.
            replace(&handle, name, 0o600, (0, 3), |file| {
                CopyBuffer::default().copy(&seed, &stat, file, Transfer::Plain, &|| true).map(|_| ())
            })
        }
        (Change::Reseed, None) => Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no seed")),
    }
}

/// Puts a new file in the place of whatever is there; only a directory stays.
fn replace(
    handle: &Handle,
    name: &[u8],
    mode: u32,
    owner: (u32, u32),
    fill: impl FnOnce(&std::fs::File) -> io::Result<()>,
) -> io::Result<()> {
    remove_tree(handle, NEW)?;
    let file = handle.create_file(NEW)?;
    let made = fill(&file).and_then(|()| {
        let modified = Stat::of(&file)?.modified;
        set_attributes(&file, host::is_root().then_some(owner), mode, modified)?;
        handle.rename(NEW, name)
    });
    if made.is_err() {
        // The error to report is why it failed; the leftover has a name that says what it is.
        let _ = handle.remove_file(NEW);
    }
    made
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
