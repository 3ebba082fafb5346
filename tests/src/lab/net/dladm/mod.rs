//! A stand-in for dladm(8). Refusals are worded as in `dladm.c` and `dladm_status2str()` of illumos-gate.

mod links;
mod properties;
mod show;

use super::super::zfs::{Done, Refused};
use super::Call;
use super::words::said;

pub(super) use properties::bandwidth;

const USAGE: &str = "usage:  dladm <subcommand> <args> ...\n\
    \x20 rename-link   <oldlink> <newlink>\n\
    \x20 show-link     [-pP] [-o <field>,..] [-s [-i <interval>]] [<link>]\n\
    \x20 set-linkprop  [-t] -p <prop>=<value>[,...] <name>\n\
    \x20 reset-linkprop [-t] [-p <prop>,...] <name>\n\
    \x20 show-linkprop [-cP] [-o <field>,..][-p <prop>,...] <name>\n\
    \x20 show-phys     [-m | -H | -P] [[-p] [-o <field>,..] [<link>]\n\
    \x20 create-vlan   [-ft] -l <link> -v <vid> [link]\n\
    \x20 delete-vlan   [-t] <link>\n\
    \x20 show-vlan     [-pP] [-o <field>,..] [<link>]\n\
    \x20 create-vnic   [-t] -l <link> [-m <value> | auto | {factory -n <slot-id>} | {random [-r <prefix>]}]\n\
    \x20 delete-vnic   [-t] <vnic-link>\n\
    \x20 show-vnic     [-pP] [-l <link>] [-s [-i <interval>]] [<link>]\n\
    \x20 create-etherstub [-t] <link>\n\
    \x20 delete-etherstub [-t] <link>\n\
    \x20 show-etherstub [-t] [<link>]";

/// `dladm`.
pub(super) fn dladm(call: &mut Call<'_>, words: &[String]) -> Done {
    let Some((verb, rest)) = words.split_first() else { return Err(misused(call)) };
    let changes = !verb.starts_with("show-");
    if changes && !call.is_global() {
        return Err(call.dies(format!("{verb}: permission denied")));
    }
    match verb.as_str() {
        "create-etherstub" => links::create_etherstub(call, rest),
        "delete-etherstub" => links::delete_etherstub(call, rest),
        "create-vnic" => links::create_vnic(call, rest),
        "delete-vnic" => links::delete_vnic(call, rest),
        "create-vlan" => links::create_vlan(call, rest),
        "delete-vlan" => links::delete_vlan(call, rest),
        "show-vlan" => show::vlans(call, rest),
        "rename-link" => links::rename(call, rest),
        "show-etherstub" => show::vnics(call, rest, true),
        "show-vnic" => show::vnics(call, rest, false),
        "show-link" => show::links(call, rest),
        "show-phys" => show::phys(call, rest),
        "set-linkprop" => properties::set(call, rest),
        "reset-linkprop" => properties::reset(call, rest),
        "show-linkprop" => properties::show(call, rest),
        _ => Err(call.dies(format!("unknown subcommand '{verb}'")).after(USAGE, call)),
    }
}

/// A command line that is none.
fn misused(call: &mut Call<'_>) -> Refused {
    call.host.complain(USAGE);
    said(1)
}

impl Refused {
    fn after(self, more: &str, call: &mut Call<'_>) -> Self {
        call.host.complain(more);
        self
    }
}
