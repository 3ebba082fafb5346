//! A stand-in for zfs(8). Refusals are worded as in `zfs_main.c` and libzfs of illumos-gate.

mod adjust;
mod create;
mod destroy;
mod list;
pub(crate) mod mount;
mod names;
mod properties;
mod rename;
mod snapshot;
mod stream;

use std::ffi::OsString;
use std::io::{Read, Write};

pub(crate) use properties::{Source, Target, mountpoint, value};

use super::Lab;
use super::options::{Misread, Options};
use super::state::{Host, Kind};

/// Why a command stops.
#[derive(Debug)]
pub(crate) struct Refused {
    pub status: u8,
    pub text: String,
}

pub(crate) type Done = Result<(), Refused>;

/// A refusal with exit status 1.
pub(crate) fn refused(text: impl Into<String>) -> Refused {
    Refused { status: 1, text: text.into() }
}

/// A wrong command line, exit status 2 (zfs(8), exit status).
pub(crate) fn misused(text: impl Into<String>) -> Refused {
    Refused { status: 2, text: text.into() + "\nusage: see zfs(8)" }
}

/// Some of it failed and was complained about already.
pub(crate) fn failed() -> Refused {
    refused("")
}

/// Options and operands, in the words of zfs(8) when they are not as they have to be.
pub(crate) fn options(arguments: &[String], spec: &str) -> Result<Options, Refused> {
    Options::read(arguments, spec, &[]).map_err(|misread| {
        misused(match misread {
            Misread::Missing(option) => format!("missing argument for '{option}' option"),
            Misread::Unknown(option) | Misread::Surplus(option) => format!("invalid option '{option}'"),
        })
    })
}

/// As many operands as there are names for them.
pub(crate) fn operands<'o, const N: usize>(options: &'o Options, names: [&str; N]) -> Result<[&'o str; N], Refused> {
    if let Some(missing) = names.get(options.operands.len()) {
        return Err(misused(format!("missing {missing} argument")));
    }
    options.exactly().ok_or_else(|| misused("too many arguments"))
}

/// The words of a command line, which the lab takes in UTF-8 alone.
pub(crate) fn words(arguments: &[OsString]) -> Result<Vec<String>, Refused> {
    let word = |word: &OsString| word.to_str().map(str::to_owned);
    arguments.iter().map(word).collect::<Option<_>>().ok_or_else(|| refused("the lab reads UTF-8 only"))
}

/// Runs a command upon the state, writes what it says, and gives its exit status.
pub(crate) fn conclude(lab: &Lab, act: impl FnOnce(&mut Host) -> Done) -> u8 {
    let (done, host) = lab.transact(act);
    // A reader that has gone is no concern of a stand-in.
    let _ = std::io::stdout().lock().write_all(&host.out);
    let mut err = host.err;
    let status = match done {
        Ok(()) => 0,
        Err(refused) => {
            if !refused.text.is_empty() {
                err.push_str(&refused.text);
                err.push('\n');
            }
            refused.status
        }
    };
    let _ = std::io::stderr().lock().write_all(err.as_bytes());
    status
}

/// `zfs`.
pub(crate) fn zfs(lab: &Lab, arguments: &[OsString]) -> u8 {
    let mut stream = Vec::new();
    if arguments.first().is_some_and(|verb| verb == "receive" || verb == "recv") {
        // Before the lock is taken: who sends has to write it first.
        let _ = std::io::stdin().lock().read_to_end(&mut stream);
    }
    conclude(lab, |host| run(host, &words(arguments)?, &stream))
}

fn run(host: &mut Host, words: &[String], stream: &[u8]) -> Done {
    let Some((verb, rest)) = words.split_first() else { return Err(misused("missing command")) };
    match verb.as_str() {
        "list" => list::list(host, rest),
        "get" => list::get(host, rest),
        "set" => adjust::set(host, rest),
        "inherit" => adjust::inherit(host, rest),
        "create" => create::create(host, rest),
        "clone" => create::clone(host, rest),
        "promote" => create::promote(host, rest),
        "destroy" => destroy::destroy(host, rest),
        "snapshot" | "snap" => snapshot::snapshot(host, rest),
        "rollback" => snapshot::rollback(host, rest),
        "hold" => snapshot::hold(host, rest),
        "release" => snapshot::release(host, rest),
        "holds" => snapshot::holds(host, rest),
        "rename" => rename::rename(host, rest),
        "mount" => mount::mount(host, rest),
        "unmount" | "umount" => mount::unmount(host, rest),
        "send" => stream::send(host, rest),
        "receive" | "recv" => stream::receive(host, rest, stream),
        _ => Err(misused(format!("unrecognized command '{verb}'"))),
    }
}

/// Bytes that an empty dataset takes.
const EMPTY: u64 = 24 << 10;

impl Host {
    /// The target of this name.
    ///
    /// # Errors
    /// The name is none, there is no such thing, or it is not of these kinds: the wording of
    /// `zfs_open()`.
    pub fn open(&self, name: &str, kinds: &[Kind]) -> Result<Target, Refused> {
        let cannot = |why: &str| refused(format!("cannot open '{name}': {why}"));
        names::check(name, kinds).map_err(|why| cannot(&why))?;
        let target = match name.split_once('@') {
            Some((dataset, snapshot)) => Target::Snapshot(dataset.to_owned(), snapshot.to_owned()),
            None => Target::Dataset(name.to_owned()),
        };
        if !self.state.exists(name) {
            return Err(cannot("dataset does not exist"));
        }
        if !kinds.contains(&target.kind(&self.state)) {
            return Err(cannot("operation not applicable to datasets of this type"));
        }
        Ok(target)
    }

    pub fn open_filesystem(&self, name: &str) -> Result<String, Refused> {
        self.open(name, &[Kind::Filesystem]).map(|target| target.name())
    }

    pub fn open_dataset(&self, name: &str) -> Result<String, Refused> {
        self.open(name, &[Kind::Filesystem, Kind::Volume]).map(|target| target.name())
    }

    /// Whether so many bytes more still fit in the pool of a dataset.
    pub fn fits(&self, name: &str, more: u64) -> bool {
        let pool = name.split(['/', '@']).next().unwrap_or_default();
        let Some(limit) = self.state.pools.get(pool).and_then(|pool| pool.limit) else { return true };
        self.used_below(pool) + more + EMPTY <= limit
    }

    /// The bytes that a dataset, its snapshots and what is below it take, roughly.
    pub fn used_below(&self, name: &str) -> u64 {
        self.state.below(name).iter().map(|name| self.used(name)).sum()
    }

    fn used(&self, name: &str) -> u64 {
        let snapshots: u64 =
            self.state.datasets[name].snapshots.iter().map(|found| super::tree::size(&self.frozen(found.id))).sum();
        EMPTY + self.referenced(name) + snapshots
    }

    /// The bytes of the files in a dataset.
    pub fn referenced(&self, name: &str) -> u64 {
        let id = self.state.datasets[name].id;
        let place = match self.state.mount_of(name).map(|index| &self.state.mounts[index]) {
            Some(mount) if mount.content.is_some() => mount.path.clone(),
            _ => self.store(id),
        };
        super::tree::size(&place)
    }
}
