//! `cloud-init-seed`: writes a seed of cloud-init for the guest of a zone.

use std::process::ExitCode;

fn main() -> ExitCode {
    zonelib::program::main(cloud_init_seed::PROGRAM, cloud_init_seed::run)
}
