//! `net-peer`: lets zones behind two routers reach each other.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(net_peer::PROGRAM, net_peer::run)
}
