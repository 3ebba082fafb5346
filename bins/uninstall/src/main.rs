//! `uninstall`: takes away a zone root and what was made for it: the uninstall hook of a brand.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::brand::hook(uninstall::PROGRAM, uninstall::run)
}
