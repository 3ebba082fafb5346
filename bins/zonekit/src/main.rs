//! `zonekit`: runs the programs of zonekit by name.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(zonekit::PROGRAM, zonekit::run)
}
