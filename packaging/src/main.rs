//! `zonekit-package`: lays zonekit out, and packages it.

use std::process::ExitCode;

use packaging::cli;
use zonelib::program;

fn main() -> ExitCode {
    program::main(cli::PROGRAM, cli::run)
}
