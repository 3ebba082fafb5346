//! Stand-ins for pgrep(1) and pkill(1), which find the daemons of services that are online. Source: `pgrep.c` of
//! illumos-gate: exit status 1 where nothing matches, 2 for a wrong command line.

use super::super::options::Options;
use super::super::zfs::{Done, misused};
use super::Call;
use super::smf::base;
use super::words::said;

/// `pgrep`.
pub(super) fn pgrep(call: &mut Call<'_>, words: &[String]) -> Done {
    for (_, _, number) in found(call, words)? {
        call.host.say(&number.to_string());
    }
    Ok(())
}

/// `pkill`: a signal, by name or number, comes first.
pub(super) fn pkill(call: &mut Call<'_>, words: &[String]) -> Done {
    let named = words.first().and_then(|word| word.strip_prefix('-')).filter(|name| signal(name).is_some());
    let rest = if named.is_some() { &words[1..] } else { words };
    let name = named.and_then(signal).unwrap_or("TERM");
    for (zone, process, _) in found(call, rest)? {
        call.network().signals.push((zone, name.to_owned(), process));
    }
    Ok(())
}

fn signal(name: &str) -> Option<&'static str> {
    let known = [("HUP", "1"), ("INT", "2"), ("KILL", "9"), ("USR1", "16"), ("USR2", "17"), ("TERM", "15")];
    let bare = name.strip_prefix("SIG").unwrap_or(name);
    known.into_iter().find(|(known, number)| *known == bare || *number == bare).map(|(known, _)| known)
}

type Process = (String, String, u64);

/// The zone, the name and the number of each process that is meant.
fn found(call: &mut Call<'_>, words: &[String]) -> Result<Vec<Process>, super::Refused> {
    let usage = || misused("Usage: pgrep [-flvx] [-z zonelist] [pattern]");
    let options = Options::read(words, "flnovxz:u:U:P:", &[]).map_err(|_| usage())?;
    let [pattern] = options.exactly().ok_or_else(usage)?;
    let zones: Option<Vec<&str>> = options.get('z').map(|text| text.split(',').collect());
    let (own, global) = (call.zone.clone(), call.is_global());
    if let Some(unknown) = zones.iter().flatten().find(|zone| super::stacks::of_zone(&call.host.lab, zone).is_none()) {
        call.host.complain(&format!("pgrep: invalid zone name '{unknown}'"));
        return Err(said(2));
    }
    let mut found = Vec::new();
    for (number, (zone, services)) in call.network().services.iter().enumerate() {
        let seen = (global || *zone == own) && zones.as_ref().is_none_or(|zones| zones.contains(&zone.as_str()));
        let online = services.values().filter(|service| service.state == "online" && !service.daemon.is_empty());
        for (index, service) in online.enumerate().filter(|_| seen) {
            let name = base(&service.daemon[0]);
            let fits = if options.has('x') { name == pattern } else { name.contains(pattern) };
            if fits {
                found.push((zone.clone(), name.to_owned(), 1000 + 100 * number as u64 + index as u64));
            }
        }
    }
    if found.is_empty() { Err(said(1)) } else { Ok(found) }
}
