//! A stand-in for svcs(1): `-H`, `-a`, `-o`, `-z`, with patterns. Source: `svcs.c` of illumos-gate.

use super::super::options::Options;
use super::super::zfs::{Done, misused, refused};
use super::Call;
use super::model::Service;
use super::smf::matches;
use super::words::said;

/// `svcs`.
pub(super) fn svcs(call: &mut Call<'_>, words: &[String]) -> Done {
    let usage = || misused("Usage: svcs [-aHpv] [-o col[,col ... ]] [-z zone] [<FMRI> ...]");
    let options = Options::read(words, "aHpvxo:z:", &[]).map_err(|_| usage())?;
    if let Some(zone) = options.get('z').map(str::to_owned)
        && (!call.is_global() || !call.turn_to(&zone))
    {
        return Err(refused(format!("svcs: invalid zone '{zone}'")));
    }
    call.look_for_services();
    if options.has('x') {
        for (fmri, service) in call.services().clone().iter().filter(|(_, service)| service.state == "maintenance") {
            call.host.say(&format!("{fmri}\n State: {}", service.state));
        }
        return Ok(());
    }
    let columns: Vec<String> =
        options.get('o').unwrap_or("state,stime,fmri").split(',').map(str::to_lowercase).collect();
    if let Some(unknown) =
        columns.iter().find(|name| !["state", "stime", "fmri", "sta", "zone", "nsta"].contains(&name.as_str()))
    {
        return Err(misused(format!("svcs: Unknown column \"{unknown}\"")));
    }
    let services = call.services().clone();
    let named = !options.operands.is_empty();
    let mut failed = false;
    for pattern in &options.operands {
        if !services.keys().any(|fmri| matches(pattern, fmri)) {
            call.host.complain(&format!("svcs: Pattern '{pattern}' doesn't match any instances"));
            failed = true;
        }
    }
    let shown = |(fmri, service): &(&String, &Service)| {
        if named {
            options.operands.iter().any(|pattern| matches(pattern, fmri))
        } else {
            options.has('a') || service.enabled
        }
    };
    let headless = options.has('H') || (named && failed);
    if !headless {
        let head: Vec<String> = columns.iter().map(|name| name.to_uppercase()).collect();
        call.host.say(&line(&head));
    }
    let zone = call.zone.clone();
    for (fmri, service) in services.iter().filter(shown) {
        let cell = |column: &String| match column.as_str() {
            "state" | "nsta" => service.state.clone(),
            "sta" => service.state.chars().take(2).collect::<String>().to_uppercase(),
            "stime" => "12:00:00".to_owned(),
            "zone" => zone.clone(),
            _ => fmri.clone(),
        };
        let cells: Vec<String> = columns.iter().map(cell).collect();
        call.host.say(&line(&cells));
    }
    if failed { Err(said(1)) } else { Ok(()) }
}

/// The last column is as wide as it is.
fn line(cells: &[String]) -> String {
    let last = cells.len().saturating_sub(1);
    let cell = |(index, cell): (usize, &String)| if index == last { cell.clone() } else { format!("{cell:<14} ") };
    cells.iter().enumerate().map(cell).collect()
}
