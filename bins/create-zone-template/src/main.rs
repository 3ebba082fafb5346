//! `create-zone-template`: makes a template that sparse zones share.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(create_zone_template::PROGRAM, create_zone_template::run)
}
