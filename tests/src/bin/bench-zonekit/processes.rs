//! How many programs an installation starts, counted by strace(1).

use std::fs;
use std::io;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::measure::{Contender, make_empty, remove};
use crate::place::{Place, installed};
use crate::report::Table;

/// Programs that a command starts, itself included.
fn started(place: &Place, contender: &Contender) -> io::Result<usize> {
    for directory in &contender.fresh {
        make_empty(directory)?;
    }
    let trace = place.at("trace");
    let mut command = Command::new("strace");
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
    Ok(text.lines().filter(|line| line.contains("execve(") && line.ends_with("= 0")).count())
}

/// F: what it costs the system to make a process, once a zone.
pub(crate) fn processes(place: &Place, contenders: &[Contender]) -> io::Result<Table> {
    const TITLE: &str = "programs started";
    if !installed("strace") {
        return Ok(Table::new(TITLE, "Not counted: strace is not installed.", Vec::new(), &[]));
    }
    let mut note = "Counted once, by strace; the program itself included.".to_owned();
    let mut figures = serde_json::Map::new();
    for contender in contenders {
        let count = started(place, contender)?;
        note.push_str(&format!("\n  {:<40} {count:>6}", contender.name));
        figures.insert(contender.name.clone(), json!(count));
    }
    Ok(Table::new(TITLE, &note, Vec::new(), &[]).figures(figures.into()))
}
