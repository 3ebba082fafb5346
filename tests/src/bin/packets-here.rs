//! Says whether tests send packets on this machine, and if not, why.

use tests::lab::Lab;

fn main() {
    match Lab::no_packets() {
        None => println!("tests send packets between network namespaces"),
        Some(why) => println!("*\n* SKIPPED: tests that send packets between zones: {why}\n*"),
    }
}
