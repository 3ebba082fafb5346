//! `golden`: shows the golden images of zones, and removes those that nobody uses.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(golden::PROGRAM, golden::run)
}
