//! `ingress`: lets connections from outside in to zones behind a router.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(ingress::PROGRAM, ingress::run)
}
