//! METADATA and requires.txt: read whole or in pieces they say the same, and every requirement can be asked for.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use pipcheck::pep::{Metadata, Requirement, Scratch};

fuzz_target!(|text: &[u8]| {
    let mut scratch = Scratch::default();
    let metadata = Metadata::parse(text);
    let (start, end) = text.split_at(text.len() / 2);
    assert_eq!(Metadata::read(start.chain(end), &mut scratch).expect("memory does not fail"), metadata);
    let mut with_requires_txt = metadata.clone();
    with_requires_txt.add_requires_txt(text, &mut scratch).expect("memory does not fail");
    for metadata in [metadata, with_requires_txt] {
        assert!(metadata.problems().len() <= 34);
        assert!(metadata.name().is_none_or(|name| !name.is_empty() && name.trim() == name));
        for line in metadata.requires_dist() {
            assert!(!line.contains('\n'));
            let _ = Requirement::parse(line);
        }
    }
});
