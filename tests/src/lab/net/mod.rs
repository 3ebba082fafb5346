//! The network of the host: stand-ins for the commands that make it, one file a command.
//!
//! A command of a zone is the same one, upon the stack and the root of that zone.

mod dladm;
mod flowadm;
mod ipadm;
mod ipf;
mod ipnat;
mod ippool;
mod mkisofs;
pub(crate) mod model;
mod name;
mod netstat;
mod ofmt;
pub(crate) mod packets;
mod process;
mod route;
mod routeadm;
mod routes;
mod rules;
pub(crate) mod smf;
mod stacks;
mod svcadm;
mod svccfg;
mod svcs;
mod view;
mod words;
mod zone;

use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) use view::lines;
pub(crate) use zone::{Net, boot, halt, ready};

use self::model::{GLOBAL, Kept, Network, Stack};
use super::Lab;
use super::state::Host;
use super::zfs::{Done, Refused, conclude, refused, words as utf8};

/// Where the commands are on illumos.
pub(super) const COMMANDS: &[&str] = &[
    "/usr/sbin/dladm",
    "/sbin/dladm",
    "/usr/sbin/ipadm",
    "/sbin/ipadm",
    "/usr/sbin/flowadm",
    "/sbin/flowadm",
    "/usr/sbin/route",
    "/sbin/route",
    "/usr/sbin/routeadm",
    "/sbin/routeadm",
    "/usr/bin/netstat",
    "/usr/bin/svcs",
    "/usr/sbin/ipf",
    "/usr/sbin/ipnat",
    "/usr/sbin/ippool",
    "/usr/bin/pgrep",
    "/usr/bin/pkill",
    "/usr/bin/mkisofs",
];

/// One call of a command.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub host: &'a mut Host,
    /// The command as it was called.
    pub program: String,
    /// The zone that it is about.
    pub zone: String,
    /// The zone whose stack that zone has: itself, or the global one.
    pub owner: String,
    /// What keeps the stack from boot to boot.
    pub uuid: String,
    /// The root of that zone.
    pub root: PathBuf,
    /// Whether it runs in that zone, where paths begin at its root.
    pub inside: bool,
}

impl Call<'_> {
    pub fn network(&mut self) -> &mut Network {
        &mut self.host.state.net
    }

    /// The stack of the zone.
    pub fn stack(&mut self) -> &mut Stack {
        let owner = self.owner.clone();
        self.network().stacks.entry(owner).or_default()
    }

    /// What the zone keeps.
    pub fn kept(&mut self) -> &mut Kept {
        let uuid = self.uuid.clone();
        self.network().kept.entry(uuid).or_default()
    }

    pub fn is_global(&self) -> bool {
        self.zone == GLOBAL
    }

    /// Whether the zone may change the stack: one that shares it may not.
    pub fn owns_stack(&self) -> bool {
        self.zone == self.owner
    }

    /// Where a file is that a path of the command line names.
    pub fn file(&self, path: &str) -> PathBuf {
        if self.inside { self.root.join(path.trim_start_matches('/')) } else { path.into() }
    }

    /// Makes it one about another zone, which must be running.
    pub fn turn_to(&mut self, zone: &str) -> bool {
        if zone == self.zone {
            return true;
        }
        let Some(found) = stacks::of_zone(&self.host.lab, zone) else { return false };
        zone.clone_into(&mut self.zone);
        self.owner = found.stack;
        self.uuid = found.uuid;
        self.root = found.root;
        true
    }
}

/// Runs a command of the network in a zone, and gives its exit status; none where it is no such command.
pub(super) fn command(lab: &Lab, zone: Option<&str>, name: &str, arguments: &[OsString]) -> Option<u8> {
    let act: fn(&mut Call<'_>, &[String]) -> Done = match name {
        "dladm" => dladm::dladm,
        "ipadm" => ipadm::ipadm,
        "flowadm" => flowadm::flowadm,
        "route" => route::route,
        "routeadm" => routeadm::routeadm,
        "netstat" => netstat::netstat,
        "svcs" => svcs::svcs,
        "svcadm" => svcadm::svcadm,
        "ipf" => ipf::ipf,
        "ipnat" => ipnat::ipnat,
        "ippool" => ippool::ippool,
        "pgrep" => process::pgrep,
        "pkill" => process::pkill,
        "mkisofs" => mkisofs::mkisofs,
        _ => return None,
    };
    Some(in_zone(lab, zone, name, |call| act(call, &utf8(arguments)?)))
}

/// Runs a command, named by its path, that somebody runs in a running zone. None: the lab has none of this name.
pub(super) fn in_running_zone(lab: &Lab, zone: &str, program: &OsString, arguments: &[OsString]) -> Option<u8> {
    let name = program.to_str().map(smf::base)?;
    if name == "svccfg" {
        return properties_of_services(lab, Some(zone), arguments);
    }
    if smf::DAEMONS.contains(&name) {
        let root = stacks::of_zone(lab, zone)?.root;
        return Some(packets::run_in_zone(&root, program.to_str()?, arguments));
    }
    command(lab, Some(zone), name, arguments)
}

/// Does something as a command of a zone.
fn in_zone(lab: &Lab, zone: Option<&str>, name: &str, act: impl FnOnce(&mut Call<'_>) -> Done) -> u8 {
    let program = match zone {
        Some(_) => name.to_owned(),
        None => as_called(lab, name),
    };
    conclude(lab, |host| {
        let root = host.lab.root().to_owned();
        let global = || GLOBAL.to_owned();
        let mut call =
            Call { host, program, zone: global(), owner: global(), uuid: global(), root, inside: zone.is_some() };
        if let Some(zone) = zone
            && !call.turn_to(zone)
        {
            return Err(refused(format!("the lab has no running zone {zone}")));
        }
        act(&mut call)
    })
}

/// `svccfg` with the words that change properties; none where it is asked for something else.
pub(super) fn properties_of_services(lab: &Lab, zone: Option<&str>, arguments: &[OsString]) -> Option<u8> {
    let words = utf8(arguments).ok()?;
    svccfg::is_for(&words).then(|| in_zone(lab, zone, "svccfg", |call| svccfg::svccfg(call, &words)))
}

/// The path by which the command was called, within the host.
fn as_called(lab: &Lab, name: &str) -> String {
    let called = PathBuf::from(std::env::args_os().next().unwrap_or_default());
    match called.strip_prefix(lab.root()) {
        Ok(inside) if !inside.starts_with(".lab") => format!("/{}", inside.display()),
        _ => name.to_owned(),
    }
}
