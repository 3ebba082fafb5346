//! contents(5): what is read and written back reads the same, and every entry is found by its path.
#![no_main]

use std::path::Path;

use contents::{Contents, Entry, PackageRef};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let file = Path::new("contents");
    let Ok(first) = Contents::parse(file, text) else {
        return;
    };
    let written = first.to_bytes();
    let second = Contents::parse(file, &written).expect("what was written is read");
    assert_eq!(second.to_bytes(), written);
    assert_eq!(first.entries().len(), second.entries().len());
    for (a, b) in first.entries().iter().zip(second.entries()) {
        same(a, b);
        assert_eq!(first.get(a.path_bytes()), Some(a));
        assert!(first.below(a.path_bytes()).any(|entry| entry == a));
    }
    assert!(first.sorted().map(Entry::path_bytes).is_sorted());
});

fn same(a: &Entry<'_>, b: &Entry<'_>) {
    assert_eq!((a.path_bytes(), a.target(), a.kind(), a.class()), (b.path_bytes(), b.target(), b.kind(), b.class()));
    assert_eq!((a.mode(), a.owner(), a.group()), (b.mode(), b.owner(), b.group()));
    assert_eq!((a.major(), a.minor()), (b.major(), b.minor()));
    assert_eq!((a.size(), a.checksum(), a.modified()), (b.size(), b.checksum(), b.modified()));
    let packages: Vec<PackageRef<'_>> = a.packages().collect();
    assert!(!packages.is_empty());
    assert_eq!(packages, b.packages().collect::<Vec<_>>());
    assert_eq!(a.line_before_packages(), &a.line()[..a.line_before_packages().len()]);
}
