//! `be-uuid`: the UUID of a boot environment.

use std::process::ExitCode;

use zonelib::program;

fn main() -> ExitCode {
    program::main(be_uuid::PROGRAM, be_uuid::run)
}
