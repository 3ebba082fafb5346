//! Makes the sample image: `make-sample-image DIR [--scale N] [--plain]`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use tests::sample::{self, Options};

const USAGE: &str = "usage: make-sample-image DIR [--scale N] [--plain]";

fn main() -> ExitCode {
    let Some((directory, options)) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let start = Instant::now();
    match sample::make(&directory, &options) {
        Ok(sample) => {
            println!(
                "{}: {} entries in {} packages, {} files of {} kB{}{}, {:.1} s",
                directory.display(),
                sample.entries,
                sample.packages.len(),
                sample.files,
                sample.bytes / 1024,
                if sample.owned { "" } else { ", owners not set" },
                if sample.devices { "" } else { ", no devices" },
                start.elapsed().as_secs_f64()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("make-sample-image: {}: {error}", directory.display());
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Option<(PathBuf, Options)> {
    let mut options = Options::default();
    let mut directory = None;
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--plain") => options.edge_cases = false,
            Some("--scale") => options.scale = arguments.next()?.to_str()?.parse().ok()?,
            Some(option) if option.starts_with("--") => return None,
            _ if directory.is_none() => directory = Some(PathBuf::from(argument)),
            _ => return None,
        }
    }
    Some((directory?, options))
}
