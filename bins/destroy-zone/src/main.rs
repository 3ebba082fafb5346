//! `destroy-zone`: destroys a zone with all that was made for it.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(destroy_zone::PROGRAM, destroy_zone::run)
}
