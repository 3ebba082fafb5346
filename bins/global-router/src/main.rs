//! `global-router`: makes the global zone the router of networks of zones.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(global_router::PROGRAM, global_router::run)
}
