//! `verify-adm`: looks whether what zoneadm is about to do to a zone can work: the verify_adm hook of a brand.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::brand::hook(verify_adm::PROGRAM, verify_adm::run)
}
