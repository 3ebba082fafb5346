//! `net-detach`: takes a zone from its networks.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(net_detach::PROGRAM, net_detach::run)
}
