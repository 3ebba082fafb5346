use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;

fn tree() -> (tempfile::TempDir, Tree) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("real/deep")).unwrap();
    std::fs::write(dir.path().join("real/deep/file"), "inside").unwrap();
    std::fs::write(dir.path().join("etc"), "").unwrap();
    symlink("/real", dir.path().join("absolute")).unwrap();
    symlink("real/../../../real", dir.path().join("climbing")).unwrap();
    symlink("/etc", dir.path().join("outside")).unwrap();
    symlink("loop", dir.path().join("loop")).unwrap();
    let tree = Tree::open(dir.path()).unwrap();
    (dir, tree)
}

#[test]
fn a_planted_link_leads_nowhere() {
    let (_keep, tree) = tree();
    for path in ["outside/passwd", "absolute/deep/file", "climbing/deep/file", "../etc/passwd"] {
        assert!(tree.open_file(path.as_bytes()).is_err(), "{path}");
    }
    assert_eq!(tree.read(b"real/deep/file", 100).unwrap(), b"inside");
}

#[test]
fn resolution_treats_the_tree_as_the_root() {
    let (_keep, tree) = tree();
    for path in ["real/deep", "absolute/deep", "climbing/deep", "../../real/deep"] {
        let (file, _) = tree.resolve_dir(path.as_bytes()).unwrap().open_file(b"file").unwrap();
        assert_eq!(io::read_to_string(file).unwrap(), "inside", "{path}");
    }
    assert!(tree.resolve_dir(b"outside").is_err(), "`/etc` is the tree's own file");
    assert!(tree.resolve_dir(b"loop").is_err());
}

#[test]
fn places_are_located_inside_the_tree() {
    let (keep, tree) = tree();
    let at = |path: &str| tree.locate(path.as_bytes()).map(|found| found.strip_prefix(keep.path()).unwrap().to_owned());
    assert_eq!(at("/absolute/deep/new/one").unwrap(), Path::new("real/deep/new/one"));
    assert_eq!(at("climbing/x").unwrap(), Path::new("real/x"));
    assert_eq!(at("new").unwrap(), Path::new("new"));
    for path in ["new/../../x", "loop/x", "outside/x"] {
        assert!(at(path).is_err(), "{path}");
    }
}

#[test]
fn names_with_slashes_are_no_leaves() {
    let (_keep, tree) = tree();
    let root = tree.handle().unwrap();
    for name in [&b""[..], b".", b"..", b"real/deep", b"/etc"] {
        assert!(root.open_dir(name).is_err());
        assert!(root.create_file(name).is_err());
    }
}

#[test]
fn fifos_and_big_files_are_refused() {
    let (_keep, tree) = tree();
    let root = tree.handle().unwrap();
    root.create_special(b"fifo", Special::Pipe).unwrap();
    assert!(tree.open_file(b"fifo").is_err());
    assert_eq!(tree.read(b"real/deep/file", 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
}

#[test]
fn clear_removes_links_not_their_targets() {
    let (keep, tree) = tree();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::write(elsewhere.path().join("precious"), "x").unwrap();
    symlink(elsewhere.path(), keep.path().join("real/deep/away")).unwrap();
    clear(&tree.handle().unwrap()).unwrap();
    assert_eq!(std::fs::read_dir(keep.path()).unwrap().count(), 0);
    assert!(elsewhere.path().join("precious").exists());
}

fn copy(bytes: &[u8], transfer: Transfer) -> (Vec<u8>, Copied) {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    std::fs::write(&a, bytes).unwrap();
    let (from, to) = (File::open(&a).unwrap(), File::create(&b).unwrap());
    let stat = Stat::of(&from).unwrap();
    let copied = CopyBuffer::default().copy(&from, &stat, &to, transfer, &|| true).unwrap();
    (std::fs::read(b).unwrap(), copied)
}

#[test]
fn copies_of_every_size_are_the_same_bytes() {
    for size in [0, 1, 65_536, 65_537, 1_048_576, 3_000_001] {
        let bytes: Vec<u8> = (0..size).map(|i: u32| (i * 31 % 255) as u8).collect();
        for transfer in [Transfer::Plain, Transfer::Summed] {
            let (got, copied) = copy(&bytes, transfer);
            assert!(got == bytes, "{size} {transfer:?}");
            assert_eq!(copied.bytes, u64::from(size));
            let sum = (transfer == Transfer::Summed).then(|| contents::checksum::checksum(&bytes));
            assert_eq!(copied.checksum, sum);
        }
    }
}

#[test]
fn holes_stay_holes() {
    use std::os::unix::fs::{FileExt, MetadataExt};
    let dir = tempfile::tempdir().unwrap();
    let from = File::create_new(dir.path().join("a")).unwrap();
    from.write_all_at(b"start", 0).unwrap();
    from.write_all_at(b"middle", 4_000_000).unwrap();
    from.set_len(9_000_000).unwrap();
    let from = File::open(dir.path().join("a")).unwrap();
    for transfer in [Transfer::Plain, Transfer::Summed] {
        let path = dir.path().join(format!("{transfer:?}"));
        let to = File::create(&path).unwrap();
        let stat = Stat::of(&from).unwrap();
        CopyBuffer::default().copy(&from, &stat, &to, transfer, &|| true).unwrap();
        assert!(std::fs::read(&path).unwrap() == std::fs::read(dir.path().join("a")).unwrap());
        assert!(std::fs::metadata(&path).unwrap().blocks() * 512 < 1_000_000);
    }
}

#[test]
fn an_interrupted_copy_stops() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a"), vec![7; 3_000_000]).unwrap();
    let from = File::open(dir.path().join("a")).unwrap();
    let to = File::create(dir.path().join("b")).unwrap();
    let stat = Stat::of(&from).unwrap();
    let error = CopyBuffer::default().copy(&from, &stat, &to, Transfer::Plain, &|| false).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Interrupted);
}

#[test]
fn opening_what_is_no_directory_fails() {
    assert!(Tree::open(Path::new("/etc/passwd")).is_err());
    assert!(Tree::open(Path::new("/nonexistent")).is_err());
}
