//! `zone-ssh`: logs in to a zone by ssh, through its router.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(zone_ssh::PROGRAM, zone_ssh::run)
}
