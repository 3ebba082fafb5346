//! `list-zones`: lists the zones of a host.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(list_zones::PROGRAM, list_zones::run)
}
