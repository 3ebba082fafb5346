//! A stand-in for ipadm(8). Refusals are worded as in `ipadm.c` and `ipadm_status2str()` of illumos-gate. They go to
//! standard error without the end of the line, which goes to standard output (`die()` and `warn()` of `ipadm.c`).

mod addresses;
mod interfaces;
mod properties;

use super::super::options::Options;
use super::super::zfs::{Done, Refused};
use super::Call;
use super::words::said;

pub(super) use addresses::{address, of_mac};

const USAGE: &str = "usage:  ipadm <subcommand> <args> ...\n\
    \tcreate-if\t[-t] <interface>\n\
    \tdelete-if\t<interface>\n\
    \tshow-if\t\t[[-p] -o <field>,...] [<interface>]\n\
    \tset-ifprop\t[-t] -p <prop>=<value[,...]> -m <protocol> <interface>\n\
    \tshow-ifprop\t[[-c] -o <field>,...] [-p <prop>,...] [-m <protocol>] [interface]\n\
    \tcreate-addr\t[-t] -T static [-d] -a{local|remote}=addr[/prefixlen] <addrobj>\n\
    \tcreate-addr\t[-t] -T dhcp [-w <seconds> | forever] [-1] [-h <hostname>] <addrobj>\n\
    \tcreate-addr\t[-t] -T addrconf [-i interface-id] [-p {stateful|stateless}={yes|no}] <addrobj>\n\
    \tdelete-addr\t[-r] <addrobj>\n\
    \tshow-addr\t[[-p] -o <field>,...] [<addrobj>]\n\
    \tset-prop\t[-t] -p <prop>[+|-]=<value[,...]> <protocol>\n\
    \tshow-prop\t[[-c] -o <field>,...] [-p <prop>,...] [protocol]";

const LONG: &[(&str, char)] = &[
    ("temporary", 't'),
    ("parsable", 'p'),
    ("parseable", 'p'),
    ("output", 'o'),
    ("type", 'T'),
    ("address", 'a'),
    ("prop", 'P'),
    ("wait", 'w'),
    ("primary", '1'),
    ("reqhost", 'h'),
    ("interface-id", 'i'),
    ("down", 'd'),
    ("release", 'r'),
    ("module", 'm'),
];

/// `ipadm`.
pub(super) fn ipadm(call: &mut Call<'_>, words: &[String]) -> Done {
    let Some((verb, rest)) = words.split_first() else { return Err(misused(call)) };
    if !call.owns_stack() && !verb.starts_with("show-") {
        return Err(call.warns("Insufficient user authorizations"));
    }
    match verb.as_str() {
        "create-if" => interfaces::create(call, rest),
        "delete-if" => interfaces::delete(call, rest),
        "show-if" => interfaces::show(call, rest),
        "create-addr" => addresses::create(call, rest),
        "delete-addr" => addresses::delete(call, rest),
        "show-addr" => addresses::show(call, rest),
        "set-ifprop" => properties::set_of_interface(call, rest),
        "show-ifprop" => properties::show_of_interface(call, rest),
        "set-prop" => properties::set(call, rest),
        "show-prop" => properties::show(call, rest),
        _ => {
            call.host.complain(&format!("{}: Unknown subcommand '{verb}'", call.program));
            Err(misused(call))
        }
    }
}

fn misused(call: &mut Call<'_>) -> Refused {
    call.host.complain(USAGE);
    said(1)
}

fn read(call: &mut Call<'_>, words: &[String], spec: &str) -> Result<Options, Refused> {
    Options::read(words, spec, LONG).map_err(|_| misused(call))
}

impl Call<'_> {
    /// A refusal as ipadm words it.
    fn warns(&mut self, text: impl AsRef<str>) -> Refused {
        let program = self.program.clone();
        self.host.err.push_str(&format!("{program}: {}", text.as_ref()));
        self.host.say("");
        said(1)
    }
}
