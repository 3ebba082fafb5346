use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use super::*;
use crate::root::{Timestamp, Tree, clear};

struct Pair {
    dir: tempfile::TempDir,
}

impl Pair {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("from")).unwrap();
        fs::create_dir(dir.path().join("to")).unwrap();
        Self { dir }
    }

    fn from(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join("from").join(path)
    }

    fn to(&self, path: &str) -> std::path::PathBuf {
        self.dir.path().join("to").join(path)
    }

    fn handle(&self, path: &str) -> Handle {
        Tree::open(&self.dir.path().join(path)).unwrap().handle().unwrap()
    }

    fn copy(&self) -> Result<CopiedTree, CopyError> {
        copy_tree(&self.handle("from"), &self.handle("to"), &|| true)
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Kind, mode, owner, size and time of an object.
fn seen(path: &Path) -> (u32, u32, u32, u64, i64, i64) {
    let found = fs::symlink_metadata(path).unwrap();
    let size = if found.is_dir() { 0 } else { found.size() };
    (found.mode(), found.uid(), found.gid(), size, found.mtime(), found.mtime_nsec())
}

#[test]
fn a_copy_is_like_the_original() {
    let pair = Pair::new();
    fs::create_dir_all(pair.from("a/b/c")).unwrap();
    fs::create_dir_all(pair.from(".zfs/snapshot")).unwrap();
    fs::create_dir_all(pair.from("a/.zfs")).unwrap();
    fs::write(pair.from("a/file"), "content").unwrap();
    fs::write(pair.from("a/b/setid"), "x").unwrap();
    fs::hard_link(pair.from("a/file"), pair.from("a/near")).unwrap();
    fs::hard_link(pair.from("a/file"), pair.from("a/b/c/far")).unwrap();
    fs::hard_link(pair.from("a/file"), pair.from("z")).unwrap();
    symlink("../../nowhere", pair.from("a/b/link")).unwrap();
    let handle = pair.handle("from");
    handle.create_special(b"fifo", Special::Pipe).unwrap();
    mode(&pair.from("a/b/setid"), 0o4751);
    mode(&pair.from("fifo"), 0o622);
    mode(&pair.from("a/b"), 0o2555);
    let sparse = fs::File::create(pair.from("sparse")).unwrap();
    sparse.write_all_at(b"end", 8_000_000).unwrap();
    if crate::host::is_root() {
        std::os::unix::fs::chown(pair.from("a/b/setid"), Some(71), Some(8)).unwrap();
        mode(&pair.from("a/b/setid"), 0o4751);
        std::os::unix::fs::lchown(pair.from("a/b/link"), Some(71), Some(8)).unwrap();
    }
    let paths = ["a", "a/b", "a/b/c", "a/file", "a/b/setid", "a/b/link", "fifo", "sparse", "a/b/c/far"];
    for (number, path) in paths.iter().enumerate() {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let time = Timestamp { seconds: 1_000_000_000 + number as i64, nanoseconds: 5 };
        pair.handle(&format!("from/{parent}")).set_modified(name.as_bytes(), time).unwrap();
    }
    // Other things have changed these since.
    for path in ["a/b", "a"] {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        pair.handle(&format!("from/{parent}")).set_modified(name.as_bytes(), Timestamp::from_seconds(7)).unwrap();
    }
    let copied = pair.copy().unwrap();
    for path in paths {
        assert_eq!(seen(&pair.to(path)), seen(&pair.from(path)), "{path}");
    }
    assert_eq!(fs::read(pair.to("a/file")).unwrap(), b"content");
    assert_eq!(fs::read_link(pair.to("a/b/link")).unwrap(), Path::new("../../nowhere"));
    assert!(fs::metadata(pair.to("sparse")).unwrap().blocks() * 512 < 1_000_000);
    let number = fs::metadata(pair.to("a/file")).unwrap().ino();
    for path in ["a/near", "a/b/c/far", "z"] {
        assert_eq!(fs::metadata(pair.to(path)).unwrap().ino(), number, "{path}");
    }
    assert!(!pair.to(".zfs").exists() && pair.to("a/.zfs").exists());
    let expected = CopiedTree {
        files: 3,
        bytes: 7 + 1 + 8_000_003,
        directories: 4,
        symlinks: 1,
        hard_links: 3,
        special: 1,
        skipped: Vec::new(),
        skipped_count: 0,
    };
    assert_eq!(copied, expected);
}

#[test]
fn sockets_are_skipped_and_told() {
    let pair = Pair::new();
    fs::create_dir(pair.from("run")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(pair.from("run/door")).unwrap();
    let copied = pair.copy().unwrap();
    assert_eq!(copied.skipped, [Skipped { path: b"run/door".to_vec(), reason: "is a socket or a door" }]);
    assert!(pair.to("run").exists() && !pair.to("run/door").exists());
}

#[test]
fn links_lead_to_nothing_that_is_copied() {
    let pair = Pair::new();
    fs::create_dir(pair.dir.path().join("outside")).unwrap();
    fs::write(pair.dir.path().join("outside/secret"), "x").unwrap();
    symlink("../outside", pair.from("link")).unwrap();
    symlink(pair.dir.path().join("outside/secret"), pair.from("file")).unwrap();
    pair.copy().unwrap();
    assert!(fs::symlink_metadata(pair.to("link")).unwrap().is_symlink());
    assert!(fs::symlink_metadata(pair.to("file")).unwrap().is_symlink());
}

/// Deeper than there are file descriptors, and deeper than any path.
#[test]
fn deep_trees_are_copied_and_removed() {
    let pair = Pair::new();
    let mut handle = pair.handle("from");
    for _ in 0..5_000 {
        handle = handle.create_dir(b"a-directory-with-a-name").unwrap();
    }
    drop(handle.create_file(b"file").unwrap());
    assert_eq!(pair.copy().unwrap().directories, 5_000);
    let mut handle = pair.handle("to");
    for _ in 0..5_000 {
        handle = handle.open_dir(b"a-directory-with-a-name").unwrap();
    }
    assert!(handle.stat(b"file").unwrap().is_some());
    for tree in ["from", "to"] {
        clear(&pair.handle(tree)).unwrap();
        assert_eq!(fs::read_dir(pair.dir.path().join(tree)).unwrap().count(), 0);
    }
}

#[test]
fn hard_links_in_deep_trees_are_joined() {
    let pair = Pair::new();
    let mut handle = pair.handle("from");
    drop(handle.create_file(b"file").unwrap());
    for _ in 0..300 {
        let next = handle.create_dir(b"d").unwrap();
        next.link(b"name", &pair.handle("from"), b"file").unwrap();
        handle = next;
    }
    let copied = pair.copy().unwrap();
    assert_eq!((copied.files, copied.hard_links), (1, 300));
    assert_eq!(fs::metadata(pair.to("file")).unwrap().nlink(), 301);
}

#[test]
fn a_copy_into_itself_ends() {
    let pair = Pair::new();
    fs::create_dir_all(pair.from("deep/copy")).unwrap();
    let error = copy_tree(&pair.handle("from"), &pair.handle("from/deep/copy"), &|| true).unwrap_err();
    assert_eq!(error.to_string(), "deep/copy: the copy lies in the tree that is copied");
    clear(&pair.handle("from")).unwrap();
    let same = pair.handle("from");
    assert!(copy_tree(&same, &same, &|| true).is_err());
}

#[test]
fn what_is_there_already_is_not_touched() {
    let pair = Pair::new();
    fs::write(pair.from("a"), "new").unwrap();
    fs::write(pair.to("a"), "old").unwrap();
    assert_eq!(pair.copy().unwrap_err().to_string(), "the place for the copy is not empty: it has `a`");
    assert_eq!(fs::read(pair.to("a")).unwrap(), b"old");
}

#[test]
fn an_interruption_is_noticed_between_objects() {
    let pair = Pair::new();
    for name in 0..10 {
        fs::write(pair.from(&name.to_string()), "x").unwrap();
    }
    let left = Cell::new(9);
    let go_on = || {
        left.set(left.get() - 1);
        left.get() > 0
    };
    let error = copy_tree(&pair.handle("from"), &pair.handle("to"), &go_on).unwrap_err();
    assert!(matches!(error, CopyError::Interrupted), "{error}");
    assert!((1..10).contains(&fs::read_dir(pair.dir.path().join("to")).unwrap().count()));
}

/// What was listed as a file is something else when its turn comes: copied as that, and never waited for.
#[test]
fn swapped_files_are_no_trap() {
    for swapped in ["fifo", "link", "directory", "nothing"] {
        let pair = Pair::new();
        fs::write(pair.from("a"), "x").unwrap();
        fs::write(pair.from("b"), "x").unwrap();
        let go_on = || {
            if pair.to("a").exists() {
                let _ = fs::remove_file(pair.from("b"));
                let _ = match swapped {
                    "fifo" => pair.handle("from").create_special(b"b", Special::Pipe),
                    "link" => symlink("/etc/passwd", pair.from("b")),
                    "directory" => fs::create_dir(pair.from("b")),
                    _ => Ok(()),
                };
            }
            true
        };
        match copy_tree(&pair.handle("from"), &pair.handle("to"), &go_on) {
            Ok(_) => assert_eq!(seen(&pair.to("b")).0, seen(&pair.from("b")).0, "{swapped}"),
            Err(error) => {
                assert_eq!((swapped, &error.to_string()[..]), ("nothing", "b: went away while it was copied"))
            }
        }
    }
}

#[test]
fn a_directory_that_is_moved_meanwhile_is_an_error() {
    let pair = Pair::new();
    fs::create_dir_all(pair.from("a/b")).unwrap();
    fs::write(pair.from("a/b/x"), "").unwrap();
    fs::create_dir(pair.from("z")).unwrap();
    let go_on = || {
        if pair.to("a/b").exists() {
            let _ = fs::rename(pair.from("a/b"), pair.from("z/b"));
        }
        true
    };
    let error = copy_tree(&pair.handle("from"), &pair.handle("to"), &go_on).unwrap_err();
    assert!(error.to_string().starts_with("a/b: "), "{error}");
}
