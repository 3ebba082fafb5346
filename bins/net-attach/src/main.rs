//! `net-attach`: wires a zone to the networks that its addresses are on.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(net_attach::PROGRAM, net_attach::run)
}
