//! `zonekit-recover`: puts right what an operation on a zone left that did not end.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(zonekit_recover::PROGRAM, zonekit_recover::run)
}
