//! Stand-ins for prtconf(8) and psrinfo(8), as far as zones ask: a machine with 8 GB and four processors, of
//! which one is off.

use std::ffi::OsString;

/// `prtconf -m`: megabytes.
pub(super) fn prtconf(arguments: &[OsString]) -> u8 {
    if arguments == ["-m"] {
        println!("8192");
        return 0;
    }
    eprintln!("prtconf: the lab knows only -m");
    1
}

/// `psrinfo`: a line each.
pub(super) fn psrinfo(arguments: &[OsString]) -> u8 {
    if !arguments.is_empty() {
        eprintln!("usage: psrinfo [-r propname] [-v] [-p] [processor_id ...]");
        return 2;
    }
    for number in 0..4 {
        let state = if number == 3 { "off-line" } else { "on-line" };
        println!("{number}\t{state}   since 06/30/2026 10:00:0{number}");
    }
    0
}
