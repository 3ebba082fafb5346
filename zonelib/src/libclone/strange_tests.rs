//! Clones and places that are not as this program leaves them.

use super::*;

/// A file beside everything, which nothing may change.
fn precious(world: &World) -> PathBuf {
    let dir = world.dir.path().join("precious");
    fs::create_dir_all(dir.join("in")).unwrap();
    fs::write(dir.join("file"), "precious").unwrap();
    fs::write(dir.join("in/file"), "precious").unwrap();
    dir
}

fn refused(world: &World, at: &Path, words: &str) {
    let before = tree::marks(world.dir.path());
    let error = world.sync_while(at, &|| true).unwrap_err().to_string();
    assert!(error.starts_with(&*at.to_string_lossy()) && error.contains(words), "{error}");
    assert_eq!(tree::touched(&before, &tree::marks(world.dir.path())), [""; 0], "{words}");
}

#[test]
fn whatever_is_in_the_usual_place_becomes_a_clone() {
    let world = World::new();
    let precious = precious(&world);
    let at = world.usual();
    let before = tree::marks(&precious);
    let strange: [(&str, &dyn Fn()); 16] = [
        ("an empty directory", &|| fs::create_dir_all(&at).unwrap()),
        ("a file for a directory", &|| fs::write(at.join("sub"), "x").unwrap()),
        ("a link for a directory", &|| symlink(&precious, at.join("sub")).unwrap()),
        ("a link for a file", &|| symlink(precious.join("file"), at.join("libc.so.1")).unwrap()),
        ("a fifo for a file", &|| mkfifo(&at.join("libc.so.1"))),
        ("a fifo for a directory", &|| mkfifo(&at.join("sub"))),
        ("a full directory for a file", &|| fs::create_dir_all(at.join("libc.so.1/a/b")).unwrap()),
        ("a directory for a link", &|| fs::create_dir_all(at.join("libc.so/a")).unwrap()),
        ("a link to itself", &|| symlink("libc.so.1", at.join("libc.so.1")).unwrap()),
        ("junk", &|| {
            fs::create_dir_all(at.join("junk/deep/deeper")).unwrap();
            fs::write(at.join("junk/deep/file"), "x").unwrap();
            symlink(&precious, at.join("junk/deep/link")).unwrap();
        }),
        ("a new file that was left", &|| fs::write(at.join(".zonekit-new"), "half").unwrap()),
        ("a new link that was left", &|| symlink(precious.join("file"), at.join(".zonekit-new")).unwrap()),
        ("a new directory that was left", &|| fs::create_dir_all(at.join(".zonekit-new/x")).unwrap()),
        ("the original, linked", &|| fs::hard_link(world.image.at("/lib/libc.so.1"), at.join("libc.so.1")).unwrap()),
        ("other modes", &|| {
            fs::create_dir(at.join("sub")).unwrap();
            fs::set_permissions(at.join("sub"), fs::Permissions::from_mode(0o4777)).unwrap();
            fs::set_permissions(&at, fs::Permissions::from_mode(0o700)).unwrap();
        }),
        ("an unreadable record", &|| fs::write(at.with_file_name(".lib.zonekit"), b"\xff\0 = [").unwrap()),
    ];
    for (what, prepare) in strange {
        let _ = fs::remove_dir_all(at.parent().unwrap());
        fs::create_dir_all(&at).unwrap();
        prepare();
        assert!(!world.sync(&at).current, "{what}");
        world.assert_fresh(&at, what);
        assert!(tree::touched(&before, &tree::marks(&precious)).is_empty(), "{what}");
    }
    // The original was not written through the link that the clone once was.
    world.image.write();
    assert_eq!(fs::read(world.image.at("/lib/libc.so.1")).unwrap(), b"libc");
}

/// Small changes to a clone that was whole, and whose record then says that it is not.
#[test]
fn whatever_becomes_of_a_clone_can_be_undone() {
    let world = World::new();
    let at = world.usual();
    let spoil: [(&str, &dyn Fn()); 9] = [
        ("other bytes of the same size and time", &|| {
            fs::write(at.join("libc.so.1"), "LIBC").unwrap();
            set_time(&at.join("libc.so.1"), PACKAGED);
        }),
        ("a time", &|| set_time(&at.join("libc.so.1"), 5)),
        ("the time of a link", &|| set_time(&at.join("libc.so"), 5)),
        ("the time of a directory", &|| set_time(&at.join("sub/deep"), 5)),
        ("two files that became one", &|| {
            fs::remove_file(at.join("svc/manifest/kept.xml")).unwrap();
            fs::hard_link(at.join("svc/manifest/alone.xml"), at.join("svc/manifest/kept.xml")).unwrap();
        }),
        ("one file that became two", &|| {
            fs::remove_file(at.join("libm.so")).unwrap();
            fs::copy(at.join("libc.so.1"), at.join("libm.so")).unwrap();
        }),
        ("a mode of a fifo", &|| fs::set_permissions(at.join("sub/pipe"), fs::Permissions::from_mode(0o777)).unwrap()),
        ("everything went", &|| {
            fs::remove_dir_all(&at).unwrap();
            fs::create_dir(&at).unwrap();
        }),
        ("a file that grew", &|| fs::write(at.join("sub/big"), "x".repeat(5_000_000)).unwrap()),
    ];
    for (what, spoil) in spoil {
        world.sync(&at);
        spoil();
        fs::write(at.with_file_name(".lib.zonekit"), "changing = true\nfingerprint = ''\n").unwrap();
        assert_eq!(world.state(&at), State::Unfinished, "{what}");
        world.sync(&at);
        world.assert_fresh(&at, what);
    }
    let everything = [("as if never made", false), ("gone", true)];
    for (what, wholly) in everything {
        fs::remove_dir_all(&at).unwrap();
        if !wholly {
            fs::create_dir(&at).unwrap();
        }
        assert_eq!(world.state(&at), State::Absent, "{what}");
        world.sync(&at);
        world.assert_fresh(&at, what);
    }
}

/// A package may be updated without a change of size or time.
#[test]
fn an_update_of_the_same_size_and_time_is_seen() {
    let mut world = World::new();
    let at = world.usual();
    world.sync(&at);
    world.image.file("/lib/libc.so.1", "l1bc").write();
    assert_eq!(world.state(&at), State::Stale);
    world.sync(&at);
    assert_eq!(fs::read(at.join("libc.so.1")).unwrap(), b"l1bc");
    assert_eq!(inode(&at.join("libm.so")), inode(&at.join("libc.so.1")));
}

#[test]
fn what_is_no_directory_of_its_own_is_refused() {
    let world = World::new();
    let precious = precious(&world);
    let at = world.usual();
    fs::create_dir_all(at.parent().unwrap()).unwrap();
    symlink(&precious, &at).unwrap();
    refused(&world, &at, "is a symbolic link");
    assert!(world.with(&at, |clone| clone.state()).is_err());
    fs::remove_file(&at).unwrap();
    symlink("/nonexistent", &at).unwrap();
    refused(&world, &at, "is a symbolic link");
    fs::remove_file(&at).unwrap();
    fs::write(&at, "file").unwrap();
    refused(&world, &at, "is no directory");
}

/// Everything in a clone that belongs to nothing goes, so it matters where it is.
#[test]
fn a_place_that_is_somebody_elses_is_refused() {
    let mut world = World::new();
    let precious = precious(&world);
    refused(&world, &precious, "holds something that is no clone of /lib");
    refused(&world, &world.image.at("/lib"), "is no place for a clone of");
    refused(&world, world.image.path(), "is no place for a clone of");
    refused(&world, world.dir.path(), "is no place for a clone of");
    refused(&world, &world.image.at("/lib/sub/lib"), "is no place for a clone of");
    refused(&world, &world.image.at("/usr"), "packages deliver `/usr/lib/outside`");
    symlink(".", world.image.at("/zonelib")).unwrap();
    refused(&world, &world.usual(), "is no place for a clone of");
    fs::remove_file(world.image.at("/zonelib")).unwrap();
    // Packaged directories are fine: the clone's own is one.
    world.image.directory("/zonelib").directory("/zonelib/lib").write();
    world.sync(&world.usual());
}

/// A wrong image must not empty the clone of the right one.
#[test]
fn an_image_without_the_directory_empties_no_clone() {
    let world = World::new();
    let at = world.usual();
    world.sync(&at);
    let mut other = World::new();
    other.image.remove("/lib").write();
    let before = tree::marks(&at);
    let error = other.sync_while(&at, &|| true).unwrap_err().to_string();
    assert!(error.contains("is left as it is") && error.contains("/lib"), "{error}");
    assert!(tree::touched(&before, &tree::marks(&at)).is_empty());
    assert_eq!(world.state(&at), State::Current);
    // A clone of nothing is a directory with nothing in it, and that is current.
    let own = other.usual();
    other.sync(&own);
    assert_eq!(other.state(&own), State::Current);
}

#[test]
fn a_record_that_cannot_be_replaced_is_an_error_that_names_it() {
    let world = World::new();
    let at = world.usual();
    fs::create_dir_all(at.with_file_name(".lib.zonekit")).unwrap();
    assert_eq!(world.state(&at), State::Unfinished);
    let error = world.sync_while(&at, &|| true).unwrap_err().to_string();
    assert!(error.contains(".lib.zonekit: "), "{error}");
    assert_eq!(world.state(&at), State::Unfinished);
    let left: Vec<_> = fs::read_dir(at.parent().unwrap()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

/// Copied files are compared with the database when that is asked for, also in place.
#[test]
fn what_is_not_as_packaged_is_noticed() {
    let mut world = World::new();
    let at = world.usual();
    world.sync(&at);
    world.image.file("/lib/libc.so.1", "l1bc");
    world.image.line(format!("/lib/libc.so.1 f none 0644 root bin {} SUNWcs", measures("other"))).write();
    let counters = Counters::default();
    let settings = Settings { jobs: 1, verify: true, go_on: &|| true, counters: &counters };
    let synced = world.with(&at, |clone| clone.sync(&settings)).unwrap();
    assert_eq!(synced.applied.mismatches.len(), 1);
    assert_eq!(synced.applied.mismatches[0].difference, "size 4, packaged 5");
}
