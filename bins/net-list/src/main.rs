//! `net-list`: shows the networks of zones.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(net_list::PROGRAM, net_list::run)
}
