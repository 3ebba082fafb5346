//! A stand-in for ippool(8), and the grammar of ippool.conf(5). Source: `ippool.c` and `ippool_y.y` of illumos-gate.

use std::fs;

use super::super::options::Options;
use super::super::zfs::{Done, refused};
use super::Call;
use super::ipnat::{filter, turn_to};
use super::rules::{Family, Tokens, Wrong, only_blank};
use super::words::said;

/// A table of addresses.
#[derive(Debug, PartialEq)]
pub(super) struct Pool {
    pub role: String,
    pub kind: String,
    /// Its number or its name.
    pub label: String,
    pub members: Vec<String>,
}

pub(super) fn parse(text: &str) -> Result<Vec<Pool>, Wrong> {
    if only_blank(text) {
        return Err(format!("syntax error error at \"\", line {}", text.lines().count()));
    }
    let mut tokens = Tokens::new(text);
    let mut pools = Vec::new();
    while tokens.peek().is_some() {
        if !tokens.definition() {
            pools.push(pool(&mut tokens)?);
        }
    }
    Ok(pools)
}

fn pool(tokens: &mut Tokens) -> Result<Pool, Wrong> {
    tokens.want("table")?;
    let (mut role, mut kind, mut label) = (String::new(), String::new(), String::new());
    while !tokens.is("{") {
        let word = tokens.word()?.to_lowercase();
        tokens.want("=")?;
        let wrong = tokens.wrong("syntax error");
        let value = tokens.word()?;
        match word.as_str() {
            "role" if ["ipf", "nat", "auth", "count"].contains(&value.as_str()) => role = value,
            "type" if ["tree", "hash"].contains(&value.as_str()) => kind = value,
            "number" if value.parse::<u32>().is_ok() => label = value,
            "name" => label = value,
            "size" | "seed" if kind == "hash" && value.parse::<u32>().is_ok() => {}
            _ => return Err(wrong),
        }
    }
    if role.is_empty() || kind.is_empty() {
        return Err(tokens.wrong("syntax error"));
    }
    tokens.want("{")?;
    let members = members(tokens, &kind)?;
    tokens.want(";")?;
    Ok(Pool { role, kind, label, members })
}

/// `{ }` is refused, `{ ; }` is an empty table.
fn members(tokens: &mut Tokens, kind: &str) -> Result<Vec<String>, Wrong> {
    let mut members = Vec::new();
    if tokens.take(";") {
        tokens.want("}")?;
        return Ok(members);
    }
    loop {
        let not = tokens.take("!");
        if not && kind == "hash" {
            return Err(tokens.wrong("syntax error"));
        }
        let net = tokens.net(Family::Both)?;
        let net = net.map_or("0.0.0.0/0".to_owned(), |net| net.to_string());
        members.push(format!("{}{net}", if not { "!" } else { "" }));
        let more = tokens.take(";") || tokens.take(",");
        if tokens.take("}") {
            return Ok(members);
        }
        if !more {
            return Err(tokens.wrong("syntax error"));
        }
    }
}

/// `ippool`. The first option says what it does; those that go with it come after.
pub(super) fn ippool(call: &mut Call<'_>, words: &[String]) -> Done {
    let first = words.first().map(String::as_str).unwrap_or_default();
    let spec = match first.get(..2) {
        Some("-f") => "dnvuf:z:G:R",
        Some("-F") => "FdvVo:t:z:G:",
        Some("-l") => "ldm:M:N:o:Rt:vz:G:",
        _ => {
            let letter = first.trim_start_matches('-').chars().next().unwrap_or_default();
            return Err(refused(format!("ippool: invalid option -- {letter}")));
        }
    };
    let options = Options::read(words, spec, &[]).map_err(|_| refused("Usage:\tippool -f <filename> [-dnuv]"))?;
    if let Some(zone) = options.get('z').or_else(|| options.get('G')).map(str::to_owned) {
        turn_to(call, &zone)?;
    }
    let outer = options.has('G');
    if options.has('F') {
        let pools = &mut filter(call, outer).pools;
        let count = pools.len();
        pools.clear();
        call.host.say(&format!("{count} objects flushed"));
        return Ok(());
    }
    if options.has('l') {
        for (label, members) in filter(call, outer).pools.clone() {
            call.host.say(&format!("table role = ipf type = tree number = {label}\n\t{{ {}; }};", members.join("; ")));
        }
        return Ok(());
    }
    let name = options.get('f').unwrap_or_default().to_owned();
    let Ok(bytes) = fs::read(call.file(&name)) else {
        call.host.complain(&format!("fopen({name}) failed: No such file or directory"));
        return Err(said(255));
    };
    let pools = match parse(&String::from_utf8_lossy(&bytes)) {
        Ok(pools) => pools,
        Err(wrong) => {
            call.host.complain(&wrong);
            return Err(said(1));
        }
    };
    for pool in pools {
        if options.has('v') {
            let (role, kind, label) = (&pool.role, &pool.kind, &pool.label);
            let members = pool.members.join("; ");
            call.host.say(&format!("table role = {role} type = {kind} number = {label}\n\t{{ {members}; }};"));
        }
        if !options.has('n') {
            filter(call, outer).pools.insert(pool.label, pool.members);
        }
    }
    Ok(())
}
