//! `verify-cfg`: looks whether the configuration of a zone makes sense for its brand: the verify_cfg hook.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::brand::hook(verify_cfg::PROGRAM, verify_cfg::run)
}
