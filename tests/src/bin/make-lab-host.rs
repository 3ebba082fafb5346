//! Makes a pretend illumos host to try zones on: `make-lab-host DIR`. Or has one that was made before get the next
//! release of its packages: `make-lab-host --upgrade DIR`.

use std::path::Path;
use std::process::ExitCode;

use tests::scenario::{self, World};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match &arguments[..] {
        [word, directory] if word == "--upgrade" => scenario::upgrade(Path::new(directory)),
        [directory] if !directory.to_string_lossy().starts_with('-') => {
            println!("{}", World::at(Path::new(directory)).lab.root().display());
        }
        _ => {
            eprintln!("usage: make-lab-host [--upgrade] DIR");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
