//! `create-zone`: makes zones, with their network.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(create_zone::PROGRAM, create_zone::run)
}
