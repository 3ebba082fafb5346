#![allow(clippy::unwrap_used, reason = "tests")]

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::journal::StateDir;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pot {
    name: String,
    litres: u32,
}

impl Record for Pot {
    const KIND: &'static str = "pots";
    const VERSION: u32 = 2;

    fn key(&self) -> Key {
        Key::of(&[&self.name])
    }

    fn upgrade(_version: u32, mut fields: serde_json::Value) -> Result<Self, serde_json::Error> {
        if let Some(fields) = fields.as_object_mut() {
            fields.insert("litres".to_owned(), 1.into());
        }
        serde_json::from_value(fields)
    }
}

fn store() -> (tempfile::TempDir, Directory) {
    let dir = tempfile::tempdir().unwrap();
    let store = Directory::new(&StateDir::new(&dir.path().join("state"))).patient(Duration::ZERO);
    (dir, store)
}

fn pot(name: &str, litres: u32) -> Pot {
    Pot { name: name.to_owned(), litres }
}

#[test]
fn records_come_back_as_they_were() {
    let (dir, store) = store();
    assert_eq!(store.list::<Pot>().unwrap(), []);
    assert_eq!(store.get::<Pot>(&Key::of(&["a"])).unwrap(), None);
    store.put(&pot("b", 2), Expect::Nothing).unwrap();
    store.put(&pot("a", 1), Expect::Nothing).unwrap();
    let error = store.put(&pot("a", 5), Expect::Nothing).unwrap_err().to_string();
    assert!(error.ends_with("store/pots/a.json: is there already"), "{error}");
    store.put(&pot("b", 3), Expect::Anything).unwrap();
    assert_eq!(store.list::<Pot>().unwrap(), [pot("a", 1), pot("b", 3)]);
    let file = dir.path().join("state/store/pots/a.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "{\n  \"version\": 2,\n  \"name\": \"a\",\n  \"litres\": 1\n}\n"
    );
    assert!(store.strangers("pots").unwrap().is_empty());
    assert!(store.remove("pots", &Key::of(&["a"])).unwrap());
    assert!(!store.remove("pots", &Key::of(&["a"])).unwrap());
    assert_eq!(store.list::<Pot>().unwrap(), [pot("b", 3)]);
}

#[test]
fn what_is_no_record_is_refused_with_its_place() {
    let (dir, store) = store();
    store.put(&pot("a", 1), Expect::Nothing).unwrap();
    let file = dir.path().join("state/store/pots/a.json");
    let whole = std::fs::read(&file).unwrap();
    for (text, said) in [
        (&b""[..], "was cut off"),
        (&whole[..whole.len() / 2], "was cut off"),
        (b"{}", "it has no `version`"),
        (b"[]", "it has no `version`"),
        (b"{\"version\":\"2\"}", "it has no `version`"),
        (b"\xff\x00\x01", "is no record"),
        (b"{\"version\":2,\"name\":\"a\"}", "missing field `litres`"),
        (b"{\"version\":2,\"name\":\"a\",\"litres\":1,\"lid\":true}", "unknown field `lid`"),
        (b"{\"version\":2,\"name\":\"other\",\"litres\":1}", "is that of `other`"),
        (b"{\"version\":3,\"name\":\"a\"}", "has form 3, and this zonekit knows forms up to 2; use the zonekit"),
        (b"{\"version\":99999999999,\"name\":\"a\"}", "has form 99999999999"),
    ] {
        std::fs::write(&file, text).unwrap();
        let error = store.list::<Pot>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: ", file.display())) && error.contains(said), "{error}");
    }
    std::fs::write(&file, b"{\"version\":1,\"name\":\"a\"}").unwrap();
    assert_eq!(store.list::<Pot>().unwrap(), [pot("a", 1)]);
    std::fs::write(&file, vec![b' '; 2 << 20]).unwrap();
    assert!(store.list::<Pot>().unwrap_err().to_string().contains("is longer than 1048576 bytes"));
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &file).unwrap();
    assert!(matches!(store.list::<Pot>(), Err(StoreError::System { .. })));
}

#[test]
fn strangers_are_no_records() {
    let (dir, store) = store();
    store.put(&pot("a", 1), Expect::Nothing).unwrap();
    let folder = dir.path().join("state/store/pots");
    for name in [".a.77.new", "README", "a b.json", "a.json~"] {
        std::fs::write(folder.join(name), b"{").unwrap();
    }
    assert_eq!(store.keys("pots").unwrap(), [Key::of(&["a"])]);
    assert_eq!(store.strangers("pots").unwrap().len(), 4);
}

#[test]
fn a_change_is_undone() {
    let (_dir, store) = store();
    let key = Key::of(&["a"]);
    let made = store.undo("pots", &key).unwrap();
    store.put(&pot("a", 1), Expect::Nothing).unwrap();
    let changed = store.undo("pots", &key).unwrap();
    store.put(&pot("a", 2), Expect::Anything).unwrap();
    changed.run_for_test();
    assert_eq!(store.get(&key).unwrap(), Some(pot("a", 1)));
    store.remove("pots", &key).unwrap();
    changed.run_for_test();
    changed.run_for_test();
    assert_eq!(store.get(&key).unwrap(), Some(pot("a", 1)));
    made.run_for_test();
    made.run_for_test();
    assert_eq!(store.get::<Pot>(&key).unwrap(), None);
}

#[test]
fn one_at_a_time_hands_out_names() {
    let (_dir, store) = store();
    let held = store.hold(Space::Links).unwrap();
    let error = store.hold(Space::Links).unwrap_err().to_string();
    let own = std::process::id();
    assert_eq!(
        error,
        format!("the names of links are held by process {own}, which has not ended within 0 s; try again when it has")
    );
    let _other = store.hold(Space::Addresses).unwrap();
    drop(held);
    store.hold(Space::Links).unwrap();
}

proptest! {
    #[test]
    fn every_key_is_the_name_of_one_file(parts in proptest::collection::vec(".{0,100}", 0..4)) {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let key = Key::of(&parts);
        prop_assert!(!key.as_str().contains('/') && key.as_str().len() < 245);
        prop_assert!(!key.as_str().starts_with('.'));
    }
}
