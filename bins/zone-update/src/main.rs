//! `zone-update`: zones that follow the packages of the global zone.

use std::process::ExitCode;

use zonelib::program;

fn main() -> ExitCode {
    program::main(zone_update::PROGRAM, zone_update::run)
}
