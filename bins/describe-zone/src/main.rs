//! `describe-zone`: describes a zone, and what would go with it.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(describe_zone::PROGRAM, describe_zone::run)
}
