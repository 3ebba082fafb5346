//! A stand-in for svcadm(8). Source: `svcadm.c` of illumos-gate: 0, 1 for a failure, 2 for a wrong command line, and
//! with `-s` 3 for a service that ends in maintenance.

use super::super::options::Options;
use super::super::zfs::{Done, misused, refused};
use super::Call;
use super::smf::{FORWARDING6, IPFILTER, base, matches};
use super::words::said;

const USAGE: &str = "Usage: svcadm [-v] [-z zone] enable|disable|restart|refresh|clear|mark|milestone ...";

/// `svcadm`.
pub(super) fn svcadm(call: &mut Call<'_>, words: &[String]) -> Done {
    let before = Options::read(words, "vSz:", &[]).map_err(|_| misused(USAGE))?;
    if call.host.state.services_broken {
        return Err(refused("svcadm: Could not connect to repository server: no repository daemon."));
    }
    if let Some(zone) = before.get('z').map(str::to_owned)
        && (!call.is_global() || !call.turn_to(&zone))
    {
        return Err(refused(format!("svcadm: invalid zone '{zone}'")));
    }
    let Some((verb, rest)) = before.operands.split_first() else { return Err(misused(USAGE)) };
    let spec = match verb.as_str() {
        "enable" => "rstc:",
        "disable" => "stc:",
        "restart" => "drs",
        "refresh" | "clear" => "s",
        "mark" => "Its",
        "milestone" => "d",
        _ => return Err(misused(USAGE)),
    };
    let options = Options::read(rest, spec, &[]).map_err(|_| misused(USAGE))?;
    if options.operands.is_empty() {
        return Err(misused(USAGE));
    }
    if verb == "milestone" {
        return Ok(());
    }
    call.look_for_services();
    let operands = if verb == "mark" { &options.operands[1..] } else { &options.operands[..] };
    let mut status = 0;
    for pattern in operands {
        let found: Vec<String> = call.services().keys().filter(|fmri| matches(pattern, fmri)).cloned().collect();
        match &found[..] {
            [fmri] => {
                act(call, verb, fmri, &options);
                if options.has('s') && verb == "enable" && call.service(fmri).state == "maintenance" {
                    status = 3;
                }
            }
            [] => {
                call.host.complain(&format!("svcadm: Pattern '{pattern}' doesn't match any instances"));
                status = 1;
            }
            many => {
                call.host.complain(&format!("svcadm: Pattern '{pattern}' matches multiple instances:"));
                many.iter().for_each(|fmri| call.host.complain(&format!("        {fmri}")));
                status = 1;
            }
        }
    }
    if status == 0 { Ok(()) } else { Err(said(status)) }
}

fn act(call: &mut Call<'_>, verb: &str, fmri: &str, options: &Options) {
    match verb {
        "enable" | "disable" => {
            call.service(fmri).enabled = verb == "enable";
            call.settle_service(fmri);
            if !options.has('t') {
                let service = call.service(fmri).clone();
                call.kept().services.insert(fmri.to_owned(), service);
            }
        }
        "restart" => restart(call, fmri),
        "refresh" => refresh(call, fmri),
        "clear" if call.service(fmri).state == "maintenance" => {
            call.service(fmri).state.clear();
            call.settle_service(fmri);
        }
        "clear" => {
            call.host.complain(&format!("svcadm: Instance \"{fmri}\" is not in a maintenance or degraded state."))
        }
        "mark" => "maintenance".clone_into(&mut call.service(fmri).state),
        _ => {}
    }
}

/// What is disabled stays so, without a word.
fn restart(call: &mut Call<'_>, fmri: &str) {
    if call.service(fmri).state != "online" {
        return;
    }
    if fmri == IPFILTER || fmri == FORWARDING6 {
        call.service(fmri).state.clear();
        call.settle_service(fmri);
        return;
    }
    if let Some(daemon) = call.service(fmri).daemon.first().cloned() {
        let (zone, name) = (call.zone.clone(), base(&daemon).to_owned());
        call.network().signals.push((zone, "restart".to_owned(), name));
    }
}

/// The properties that were set become the running ones, and the refresh method is run, where there is one.
fn refresh(call: &mut Call<'_>, fmri: &str) {
    let service = call.service(fmri);
    service.running = service.properties.clone();
    if service.state != "online" {
        return;
    }
    if fmri == IPFILTER {
        if !call.load_filter() {
            "maintenance".clone_into(&mut call.service(fmri).state);
        }
        return;
    }
    if let Some(daemon) = call.service(fmri).daemon.first().cloned() {
        let (zone, name) = (call.zone.clone(), base(&daemon).to_owned());
        call.network().signals.push((zone, "refresh".to_owned(), name));
    }
}
