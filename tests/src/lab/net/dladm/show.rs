//! Tables of links. Source: `do_show_link()`, `do_show_vnic_common()`, `do_show_phys()`.

use super::super::super::options::Options;
use super::super::super::zfs::{Done, Refused};
use super::super::Call;
use super::super::model::{Class, Link};
use super::super::name::shown;
use super::super::ofmt::Format;
use super::misused;

const LONG: &[(&str, char)] =
    &[("parsable", 'p'), ("parseable", 'p'), ("persistent", 'P'), ("output", 'o'), ("link", 'l'), ("mac-address", 'm')];

/// The links that a zone sees, now or after the next boot.
fn seen(call: &mut Call<'_>, persistent: bool) -> Vec<(String, Link)> {
    let (zone, global) = (call.zone.clone(), call.is_global());
    let network = call.network();
    let links = if persistent { &network.saved } else { &network.links };
    let visible = links.iter().filter(|(_, link)| global || link.zone.as_ref() == Some(&zone));
    visible.map(|(name, link)| (name.clone(), link.clone())).collect()
}

/// A table: its fields, those that are shown where none are asked for, and its rows.
fn print(call: &mut Call<'_>, options: &Options, (fields, default): (&[&str], &str), rows: &[Vec<String>]) -> Done {
    let format = Format::new(fields, default, options.get('o'), options.has('p')).map_err(|why| call.dies(why))?;
    for line in format.lines(rows) {
        call.host.say(&line);
    }
    Ok(())
}

fn read(call: &mut Call<'_>, words: &[String], spec: &str) -> Result<(Options, Option<String>), Refused> {
    let found = Options::read(words, spec, LONG).ok().and_then(|options| {
        let name = options.one()?.map(str::to_owned);
        Some((options, name))
    });
    let (options, name) = found.ok_or_else(|| misused(call))?;
    if options.has('p') && !options.has('o') {
        return Err(call.dies("-p requires -o"));
    }
    Ok((options, name))
}

pub(super) fn links(call: &mut Call<'_>, words: &[String]) -> Done {
    let (options, name) = read(call, words, "pPo:")?;
    let mut links = seen(call, options.has('P'));
    if let Some(name) = &name {
        links.retain(|(found, _)| found == name);
        if links.is_empty() {
            return Err(call.dies(format!("link {name} is not valid: object not found")));
        }
    }
    let persistent = options.has('P');
    let mut rows = Vec::new();
    for (name, link) in links {
        let mtu = if persistent { String::new() } else { call.network().mtu(&name).to_string() };
        let state = match (persistent, link.class) {
            (true, _) => "",
            (false, Class::Etherstub) => "unknown",
            (false, _) => "up",
        };
        let over = link.over.unwrap_or_default();
        rows.push(vec![name, link.class.word().to_owned(), mtu, state.to_owned(), String::new(), over]);
    }
    print(
        call,
        &options,
        (&["link", "class", "mtu", "state", "bridge", "over"], "link,class,mtu,state,bridge,over"),
        &rows,
    )
}

/// A name of the wrong kind prints nothing, and that is no failure.
pub(super) fn vnics(call: &mut Call<'_>, words: &[String], stubs: bool) -> Done {
    let (options, name) = read(call, words, "pPo:l:")?;
    let mut links = seen(call, options.has('P'));
    if let Some(name) = &name {
        links.retain(|(found, _)| found == name);
        if links.is_empty() {
            return Err(call.dies(format!("invalid vnic name '{name}': object not found")));
        }
    }
    if let Some(over) = options.get('l') {
        if !call.network().links.contains_key(over) {
            return Err(call.dies(format!("invalid link name '{over}': object not found")));
        }
        links.retain(|(_, link)| link.over.as_deref() == Some(over));
    }
    let class = if stubs { Class::Etherstub } else { Class::Vnic };
    let row = |(name, link): (String, Link)| {
        let over = link.over.unwrap_or_default();
        let speed = if over.is_empty() { "" } else { "0" };
        vec![name, over, speed.to_owned(), shown(link.mac), link.mac_kind, link.vid.to_string()]
    };
    let rows: Vec<Vec<String>> = links.into_iter().filter(|(_, link)| link.class == class).map(row).collect();
    let fields: &[&str] = &["link", "over", "speed", "macaddress", "macaddrtype", "vid"];
    let default = if stubs { "link" } else { "link,over,speed,macaddress,macaddrtype,vid" };
    print(call, &options, (fields, default), &rows)
}

/// Unlike with others, -p without -o is refused by libofmt. Source: `do_show_vlan()`.
pub(super) fn vlans(call: &mut Call<'_>, words: &[String]) -> Done {
    let options = Options::read(words, "pPo:", LONG).map_err(|_| misused(call))?;
    let name = options.one().ok_or_else(|| misused(call))?.map(str::to_owned);
    let mut links = seen(call, options.has('P'));
    if let Some(name) = &name {
        links.retain(|(found, _)| found == name);
        match links.first() {
            None => return Err(call.dies(format!("link {name} is not valid: object not found"))),
            Some((_, link)) if !matches!(link.class, Class::Vlan | Class::Vnic) => {
                return Err(call.dies(format!("failed to show vlan {name}: object not found")));
            }
            Some(_) => {}
        }
    }
    links.retain(|(_, link)| name.is_some() || link.class == Class::Vlan);
    let row = |(name, link): (String, Link)| {
        let flags = if link.forced { "f----" } else { "-----" };
        vec![name, link.vid.to_string(), link.over.unwrap_or_default(), flags.to_owned()]
    };
    let rows: Vec<Vec<String>> = links.into_iter().map(row).collect();
    print(call, &options, (&["link", "vid", "over", "flags"], "link,vid,over,flags"), &rows)
}

pub(super) fn phys(call: &mut Call<'_>, words: &[String]) -> Done {
    let (options, name) = read(call, words, "pPo:m")?;
    let mut links = seen(call, options.has('P'));
    if let Some(name) = &name {
        links.retain(|(found, _)| found == name);
        match links.first() {
            Some((_, link)) if link.class == Class::Phys => {}
            Some(_) => return Err(call.dies(format!("invalid link name '{name}': invalid argument"))),
            None => return Err(call.dies(format!("invalid link name '{name}': object not found"))),
        }
    }
    links.retain(|(_, link)| link.class == Class::Phys);
    if options.has('m') {
        let row = |(name, link): (String, Link)| {
            let slot = "primary".to_owned();
            vec![name.clone(), slot, shown(link.mac), "yes".to_owned(), name]
        };
        let rows: Vec<Vec<String>> = links.into_iter().map(row).collect();
        return print(
            call,
            &options,
            (&["link", "slot", "address", "inuse", "client"], "link,slot,address,inuse,client"),
            &rows,
        );
    }
    let row = |(name, _): (String, Link)| {
        let text = |word: &str| word.to_owned();
        vec![name.clone(), text("Ethernet"), text("up"), text("1000"), text("full"), name]
    };
    let rows: Vec<Vec<String>> = links.into_iter().map(row).collect();
    let fields: &[&str] = &["link", "media", "state", "speed", "duplex", "device"];
    print(call, &options, (fields, "link,media,state,speed,duplex,device"), &rows)
}
