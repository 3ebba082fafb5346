//! `destroy-zone-template`: destroys a zone template.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(destroy_zone_template::PROGRAM, destroy_zone_template::run)
}
