//! `zonelib-sync`: builds /zonelib and keeps it up to date.

use std::process::ExitCode;

use zonelib::program;

fn main() -> ExitCode {
    program::main(zonelib_sync::PROGRAM, zonelib_sync::run)
}
