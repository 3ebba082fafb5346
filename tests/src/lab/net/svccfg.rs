//! `svccfg -s FMRI setprop GROUP/NAME = TYPE: VALUE`, and `listprop`, `delprop`, `refresh` beside it. Source: `svccfg`
//! (8) of illumos-gate.

use super::super::options::Options;
use super::super::zfs::{Done, misused, refused};
use super::Call;
use super::smf::matches;

/// Whether a command line is one of these.
pub(super) fn is_for(words: &[String]) -> bool {
    words.iter().any(|word| word == "-s")
}

/// `svccfg -s FMRI ...`.
pub(super) fn svccfg(call: &mut Call<'_>, words: &[String]) -> Done {
    let usage = || {
        misused("Usage:\tsvccfg [-v] [-z zone] [-s FMRI] [-f file]\n\tsvccfg [-v] [-z zone] [-s FMRI] <command> [args]")
    };
    let options = Options::read(words, "vs:z:f:", &[]).map_err(|_| usage())?;
    if call.host.state.services_broken {
        return Err(refused("svccfg: Could not connect to repository server: No such file or directory."));
    }
    if let Some(zone) = options.get('z').map(str::to_owned)
        && (!call.is_global() || !call.turn_to(&zone))
    {
        return Err(refused(format!("svccfg: invalid zone '{zone}'")));
    }
    call.look_for_services();
    let pattern = options.get('s').unwrap_or_default().to_owned();
    let Some(fmri) = call.services().keys().find(|fmri| matches(&pattern, fmri)).cloned() else {
        return Err(refused(format!("svccfg: Pattern '{pattern}' doesn't match any instances or services")));
    };
    let line = options.operands.join(" ");
    let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
    match verb {
        "setprop" => set(call, &fmri, rest),
        "delprop" => match call.service(&fmri).properties.remove(rest.trim()) {
            Some(_) => Ok(()),
            None => Err(refused("svccfg: No such property group or property.")),
        },
        "listprop" => {
            let wanted = rest.trim().to_owned();
            for (name, value) in call.service(&fmri).properties.clone() {
                if wanted.is_empty() || name.starts_with(&wanted) {
                    call.host.say(&format!("{name} astring  {value}"));
                }
            }
            Ok(())
        }
        "refresh" => {
            let service = call.service(&fmri);
            service.running = service.properties.clone();
            Ok(())
        }
        _ => Err(refused(format!("svccfg: the lab does not know `{verb}`"))),
    }
}

fn set(call: &mut Call<'_>, fmri: &str, text: &str) -> Done {
    let wrong = || refused("svccfg: Syntax error.");
    let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
    let rest = rest.trim();
    let (kind, value) = match rest.split_once(':') {
        Some((kind, value)) if kind.bytes().all(|letter| letter.is_ascii_lowercase()) => (Some(kind), value.trim()),
        _ => (None, rest),
    };
    let known = ["astring", "ustring", "boolean", "integer", "count", "fmri", "host", "net_address", "time"];
    if kind.is_some_and(|kind| !known.contains(&kind)) {
        return Err(refused("svccfg: unknown property type"));
    }
    let name = name.trim();
    let Some((group, _)) = name.split_once('/') else { return Err(wrong()) };
    let service = call.service(fmri);
    let has_group = service.properties.keys().any(|known| known.starts_with(&format!("{group}/")));
    if !has_group {
        return Err(refused(format!("svccfg: Could not find property group \"{group}\".")));
    }
    if kind.is_none() && !service.properties.contains_key(name) {
        return Err(refused("svccfg: Type required for new properties."));
    }
    service.properties.insert(name.to_owned(), value.trim_matches('"').to_owned());
    let kept = service.clone();
    call.kept().services.insert(fmri.to_owned(), kept);
    Ok(())
}
