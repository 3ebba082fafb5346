//! Measures zonekit beside other ways of copying the same files. `tests/bench` runs it and says how.

mod arguments;
mod cases;
mod database;
mod golden;
mod measure;
mod place;
mod processes;
mod report;

use std::io;
use std::process::ExitCode;

use arguments::{Arguments, USAGE};
use place::Place;
use report::Report;

fn main() -> ExitCode {
    let mut given = std::env::args_os().skip(1);
    if std::env::args_os().nth(1).is_some_and(|first| first == measure::ONE) {
        given.next();
        return measure::one(&given.collect::<Vec<_>>());
    }
    let arguments = match Arguments::read(given) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("bench-zonekit: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench-zonekit: {error}");
            ExitCode::FAILURE
        }
    }
}

/// False when something could not be run; how long things take is no failure.
fn run(arguments: &Arguments) -> io::Result<bool> {
    let place = Place::prepare(arguments)?;
    let mut report = Report::new(arguments, &place);
    report.table(cases::whole_root(&place)?);
    report.table(cases::sparse_root(&place)?);
    report.table(cases::planning(&place)?);
    report.table(cases::parsing(&place)?);
    report.table(cases::archive(&place)?);
    let (table, counted) = golden::golden(&place)?;
    report.table(table);
    report.table(cases::programs(&place, &counted)?);
    if let Some(other) = &arguments.other {
        report.table(cases::elsewhere(&place, other)?);
    }
    report.write_json(arguments.json.as_deref())?;
    Ok(report.complete())
}
