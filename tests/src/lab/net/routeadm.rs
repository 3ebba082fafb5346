//! A stand-in for routeadm(8). Source: `routeadm.c` of illumos-gate.

use super::super::options::Options;
use super::super::zfs::{Done, Refused, refused};
use super::Call;
use super::smf::{RIPNG, ROUTED, ROUTING_SET, ROUTING_SETUP};

const OPTIONS: &[&str] = &["ipv4-routing", "ipv6-routing", "ipv4-forwarding", "ipv6-forwarding"];

/// `routeadm`: `-p [OPTION]`, `-e` and `-d` with `-u`, or the table.
pub(super) fn routeadm(call: &mut Call<'_>, words: &[String]) -> Done {
    let usage = || refused("usage: routeadm [-p [option]]\n       routeadm [-u] [-e option] [-d option]");
    let options = Options::read(words, "pR:e:d:us:", &[]).map_err(|_| usage())?;
    if options.has('p') {
        return show(call, options.one().ok_or_else(usage)?);
    }
    if words.is_empty() {
        call.host.say("              Configuration   Current              Current");
        call.host.say("                     Option   Configuration        System State");
        for option in OPTIONS {
            let (persistent, current) = states(call, option)?;
            call.host.say(&format!("{option:>27}   {persistent:<20} {current}"));
        }
        return Ok(());
    }
    if !call.owns_stack() {
        return Err(refused("routeadm: insufficient privileges"));
    }
    for (letter, option) in options.each().map(|(letter, text)| (letter, text.to_owned())).collect::<Vec<_>>() {
        if letter == 'u' {
            continue;
        }
        let service = fmri(&option)?;
        call.service(&service).enabled = letter == 'e';
        if option == "ipv4-routing" {
            call.service(ROUTING_SETUP).properties.insert(ROUTING_SET.to_owned(), "true".to_owned());
            let kept = call.service(ROUTING_SETUP).clone();
            call.kept().services.insert(ROUTING_SETUP.to_owned(), kept);
        }
        let kept = call.service(&service).clone();
        call.kept().services.insert(service, kept);
    }
    if options.has('u') {
        for option in OPTIONS {
            call.settle_service(&fmri(option)?);
        }
    }
    Ok(())
}

/// The service that an option is about; those of routing are whatever `routing-svcs` names.
fn fmri(option: &str) -> Result<String, Refused> {
    match option {
        "ipv4-routing" => Ok(ROUTED.to_owned()),
        "ipv6-routing" => Ok(RIPNG.to_owned()),
        _ if OPTIONS.contains(&option) => Ok(format!("svc:/network/{option}:default")),
        _ => Err(refused(format!("routeadm: invalid option: {option}"))),
    }
}

fn states(call: &mut Call<'_>, option: &str) -> Result<(&'static str, &'static str), Refused> {
    let word = |on: bool| if on { "enabled" } else { "disabled" };
    let service = call.service(&fmri(option)?).clone();
    let current = match option.strip_suffix("-forwarding") {
        Some(family) => call.stack().forwards(family),
        None => service.state == "online",
    };
    Ok((word(service.enabled), word(current)))
}

fn show(call: &mut Call<'_>, asked: Option<&str>) -> Done {
    if let Some(option) = asked {
        fmri(option)?;
    }
    for option in OPTIONS.iter().filter(|option| asked.is_none_or(|asked| asked == **option)) {
        let (persistent, current) = states(call, option)?;
        let name = if asked.is_some() { String::new() } else { format!("{option} ") };
        call.host.say(&format!("{name}persistent={persistent} default=disabled current={current}"));
    }
    Ok(())
}
