//! How many programs an installation starts, counted by strace(1).

use std::fs;
use std::io;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::measure::{Contender, make_empty, remove};
use crate::place::{Place, installed};
use crate::report::Table;

/// Programs that a command starts, itself included.
pub(crate) fn started(place: &Place, contender: &Contender) -> io::Result<usize> {
    for directory in &contender.fresh {
        make_empty(directory)?;
    }
    let trace = place.at("trace");
    let mut command = Command::new("strace");
    if let Some(lab) = &contender.lab {
        command.env("ZONEKIT_LAB", lab);
    }
    command.args(["-f", "-qq", "-e", "trace=execve", "-o"]).arg(&trace).args(&contender.command);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    for directory in &contender.fresh {
        remove(directory)?;
    }
    if !status.success() {
        return Err(io::Error::other(format!("{}: {status}", contender.name)));
    }
    let text = fs::read_to_string(&trace)?;
    fs::remove_file(&trace)?;
    // A call that another process came between is told in two lines, of which the second has the result.
    let ended = |line: &&str| line.contains("execve(") || line.contains("execve resumed");
    Ok(text.lines().filter(ended).filter(|line| line.ends_with("= 0")).count())
}

/// F: what it costs the system to make a process, once a zone.
pub(crate) fn processes(place: &Place, contenders: &[Contender], counted: &[(String, usize)]) -> io::Result<Table> {
    const TITLE: &str = "programs started";
    if !installed("strace") {
        return Ok(Table::new(TITLE, "Not counted: strace is not installed.", Vec::new(), &[]));
    }
    let mut note = "Counted once, by strace; the program itself included.".to_owned();
    let mut figures = serde_json::Map::new();
    let mut counts = counted.to_vec();
    for contender in contenders {
        counts.push((contender.name.clone(), started(place, contender)?));
    }
    for (name, count) in counts {
        note.push_str(&format!("\n  {name:<40} {count:>6}"));
        figures.insert(name, json!(count));
    }
    Ok(Table::new(TITLE, &note, Vec::new(), &[]).figures(figures.into()))
}
