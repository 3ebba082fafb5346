//! `poststate`: mounts the zone root again after a zone was halted: the poststatechange hook of a brand.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::brand::daemon_hook(poststate::PROGRAM, poststate::run)
}
