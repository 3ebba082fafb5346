//! `attach`: takes a zone root into this host: the attach hook of a brand.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::brand::hook(attach::PROGRAM, attach::run)
}
