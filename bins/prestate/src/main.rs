//! `prestate`: mounts the zone root before a zone is made ready: the prestatechange hook of a brand.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::brand::daemon_hook(prestate::PROGRAM, prestate::run)
}
