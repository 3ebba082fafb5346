//! `detach`: makes a zone root ready to be carried to another host: the detach hook of a brand.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::brand::hook(detach::PROGRAM, detach::run)
}
