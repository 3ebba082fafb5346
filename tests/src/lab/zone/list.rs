//! `list` (section 4).

use std::fmt::Write;

use super::config::Config;
use super::getopt::{Opt, getopt};
use super::hooks::Signals;
use super::host::{Host, print};
use super::index::{self, State};
use super::zoneadm::Adm;
use super::{Done, Failed, fail, kernel};

struct Row {
    id: Option<u64>,
    name: String,
    state: State,
    zonepath: String,
    uuid: String,
    brand: String,
    exclusive: bool,
}

/// `list [-cinpv]`.
pub(super) fn list(host: &Host, zone: Option<&str>, arguments: &[String], signals: Signals) -> Done {
    let (options, next) = getopt(arguments, "?cinpv");
    let has = |letter| options.contains(&Opt::Known(letter, None));
    if next < arguments.len() || options.iter().any(|option| matches!(option, Opt::Unknown(_))) || has('?') {
        return Err(Failed { status: 2, message: "usage: list [-cinpv]".into() });
    }
    if has('p') && has('v') {
        return fail("-p and -v are mutually exclusive.");
    }
    let rows: Vec<Row> = match zone {
        Some(zone) => {
            if zone != "global" {
                Adm::open(host.clone(), zone, "list", arguments, signals)?.verify_adm()?;
            }
            let row = rows(host)?.into_iter().find(|row| row.name == zone);
            match row {
                Some(row) => vec![row],
                None => return fail("No such zone configured"),
            }
        }
        None => {
            let shown = |row: &Row| match row.state {
                _ if row.id.is_some() || has('c') => true,
                state => has('i') && state == State::Installed,
            };
            rows(host)?.into_iter().filter(shown).filter(|row| !has('n') || row.name != "global").collect()
        }
    };
    let mut text = String::new();
    if has('v') {
        let _ = writeln!(text, "{:>4} {:<16} {:<10} {:<30} {:<8} {:<6}", "ID", "NAME", "STATUS", "PATH", "BRAND", "IP");
    }
    for row in &rows {
        row.print(has('p'), has('v'), &mut text);
    }
    print(&text);
    Ok(())
}

/// The zones of the kernel in its order, then those of the index in its.
fn rows(host: &Host) -> Done<Vec<Row>> {
    let entries = index::read(host)?;
    let uuid = entries.iter().find(|entry| entry.name == "global").map(|entry| entry.uuid.clone());
    let mut rows = vec![Row {
        id: Some(0),
        name: "global".into(),
        state: State::Running,
        zonepath: "/".into(),
        uuid: uuid.unwrap_or_default(),
        brand: Config::read(&host.xml("SUNWdefault"))?.brand().to_owned(),
        exclusive: false,
    }];
    let active = if host.altroot.is_some() { Vec::new() } else { kernel::zones(&host.lab) };
    let in_kernel = |name: &str| active.iter().find(|zone| zone.name == name);
    let first = active.iter().filter_map(|zone| entries.iter().find(|entry| entry.name == zone.name));
    let then = entries.iter().filter(|entry| in_kernel(&entry.name).is_none() && entry.name != "global");
    for entry in first.chain(then) {
        let config = match Config::read(&host.xml(&entry.name)) {
            Ok(config) => config,
            Err(error) => {
                eprintln!("zoneadm: zone '{}': {}", entry.name, error.message);
                continue;
            }
        };
        let known = in_kernel(&entry.name);
        rows.push(Row {
            id: known.map(|zone| zone.id),
            name: entry.name.clone(),
            state: known.map_or(entry.state, |zone| zone.state),
            zonepath: entry.zonepath.clone(),
            uuid: entry.uuid.clone(),
            brand: config.brand().to_owned(),
            exclusive: config.exclusive(),
        });
    }
    Ok(rows)
}

impl Row {
    fn print(&self, parsable: bool, verbose: bool, text: &mut String) {
        let id = self.id.map_or("-".to_owned(), |id| id.to_string());
        let kind = if self.exclusive { "excl" } else { "shared" };
        let (name, state, path, brand) = (&self.name, self.state.name(), &self.zonepath, &self.brand);
        let _ = if parsable {
            let escaped = path.replace(':', "\\:");
            writeln!(text, "{id}:{name}:{state}:{escaped}:{}:{brand}:{kind}", self.uuid)
        } else if verbose {
            writeln!(text, "{id:>4} {name:<16} {state:<10} {path:<30} {brand:<8} {kind:<6}")
        } else {
            writeln!(text, "{name}")
        };
    }
}
