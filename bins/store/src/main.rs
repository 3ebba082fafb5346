//! `store`: checks what zonekit remembers of networks, and takes over what zap remembers.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(store::PROGRAM, store::run)
}
