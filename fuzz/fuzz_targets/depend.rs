//! depend(5): what is read and written back reads the same.
#![no_main]

use std::path::Path;

use contents::depend::Dependencies;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let file = Path::new("depend");
    let Ok(first) = Dependencies::parse(file, text) else {
        return;
    };
    let written = first.to_bytes();
    let second = Dependencies::parse(file, &written).expect("what was written is read");
    assert_eq!(first, second);
    // Entries by themselves are the whole.
    let parts: Vec<u8> =
        first.entries().iter().flat_map(|entry| Dependencies::from_iter([entry.clone()]).to_bytes()).collect();
    assert_eq!(parts, written);
});
