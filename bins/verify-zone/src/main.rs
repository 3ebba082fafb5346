//! `verify-zone`: a zone root against what its recipe says it should be.

use std::process::ExitCode;

use zonelib::program;

fn main() -> ExitCode {
    program::main(verify_zone::PROGRAM, verify_zone::run)
}
