//! `query`: tells zoneadmd which datasets a zone administers by its brand: the query hook.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::brand::daemon_hook(query::PROGRAM, query::run)
}
