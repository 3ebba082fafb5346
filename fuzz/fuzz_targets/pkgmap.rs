//! pkgmap(5): what is read and written back reads the same, and every entry is found by its path.
#![no_main]

use std::path::Path;

use contents::Kind;
use contents::pkgmap::{MapEntry, Pkgmap};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let file = Path::new("pkgmap");
    let Ok(first) = Pkgmap::parse(file, text) else {
        return;
    };
    let written = first.to_bytes();
    let second = Pkgmap::parse(file, &written).expect("what was written is read");
    assert_eq!(second.to_bytes(), written);
    assert_eq!((first.parts(), first.blocks()), (second.parts(), second.blocks()));
    assert_eq!(first.entries().len(), second.entries().len());
    for (a, b) in first.entries().iter().zip(second.entries()) {
        same(a, b);
        let found = match a.kind() {
            Kind::Information => first.information(a.path_bytes()),
            _ => first.get(a.path_bytes()),
        };
        assert_eq!(found, Some(a));
    }
});

fn same(a: &MapEntry<'_>, b: &MapEntry<'_>) {
    assert_eq!((a.part(), a.kind(), a.class()), (b.part(), b.kind(), b.class()));
    assert_eq!((a.path_bytes(), a.target()), (b.path_bytes(), b.target()));
    assert_eq!((a.mode(), a.owner(), a.group()), (b.mode(), b.owner(), b.group()));
    assert_eq!((a.major(), a.minor()), (b.major(), b.minor()));
    assert_eq!((a.size(), a.checksum(), a.modified()), (b.size(), b.checksum(), b.modified()));
}
