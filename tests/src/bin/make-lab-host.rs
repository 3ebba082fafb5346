//! Makes a pretend illumos host to try zones on: `make-lab-host DIR`.

use std::path::PathBuf;
use std::process::ExitCode;

use tests::scenario::World;

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: make-lab-host DIR");
        return ExitCode::from(2);
    };
    let world = World::at(&directory);
    println!("{}", world.lab.root().display());
    ExitCode::SUCCESS
}
