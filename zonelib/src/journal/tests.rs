#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn zone() -> crate::config::ZoneName {
    "z1".parse().unwrap()
}

fn state() -> (tempfile::TempDir, StateDir) {
    let dir = tempfile::tempdir().unwrap();
    let state = StateDir::new(&dir.path().join("state"));
    (dir, state)
}

fn begin(state: &StateDir, keep: bool) -> Journal {
    let (journal, recovered) = Journal::begin(state, &zone(), "install", keep).unwrap();
    assert_eq!(recovered, None);
    journal
}

fn directory(journal: &mut Journal, path: &Path) {
    journal.step(Undo::RemoveDirectory { path: path.to_owned() }).unwrap();
    std::fs::create_dir(path).unwrap();
}

#[test]
fn a_failure_is_undone_in_reverse_and_leaves_no_journal() {
    let (dir, state) = state();
    let mut journal = begin(&state, false);
    directory(&mut journal, &dir.path().join("a"));
    directory(&mut journal, &dir.path().join("a/b"));
    assert_eq!(state.subjects().unwrap(), ["z1".parse().unwrap()]);
    journal.roll_back().unwrap();
    assert!(!dir.path().join("a").exists());
    assert_eq!(state.subjects().unwrap(), []);
}

#[test]
fn success_stays() {
    let (dir, state) = state();
    let mut journal = begin(&state, false);
    directory(&mut journal, &dir.path().join("a"));
    journal.finish().unwrap();
    assert!(dir.path().join("a").exists());
    drop(begin(&state, false));
}

#[test]
fn the_next_one_undoes_what_a_killed_one_left() {
    let (dir, state) = state();
    let mut journal = begin(&state, false);
    directory(&mut journal, &dir.path().join("a"));
    directory(&mut journal, &dir.path().join("a/b"));
    drop(journal);
    let waiting = pending(&state, &zone()).unwrap().unwrap();
    assert_eq!(waiting.steps.len(), 2);
    let (_, recovered) = Journal::begin(&state, &zone(), "uninstall", false).unwrap();
    assert_eq!(recovered.unwrap(), waiting);
    assert!(!dir.path().join("a").exists());
}

#[test]
fn what_was_kept_is_touched_by_recovery_alone() {
    let (dir, state) = state();
    let mut journal = begin(&state, true);
    directory(&mut journal, &dir.path().join("a"));
    assert!(journal.keeps());
    journal.roll_back().unwrap();
    let refused = Journal::begin(&state, &zone(), "uninstall", false).unwrap_err().to_string();
    assert!(refused.contains("`zonekit-recover z1`"), "{refused}");
    assert!(dir.path().join("a").exists());
    assert!(recover(&state, &zone()).unwrap().unwrap().undone);
    assert!(!dir.path().join("a").exists());
}

#[test]
fn an_undo_that_fails_is_reported_and_kept() {
    let (dir, state) = state();
    let mut journal = begin(&state, false);
    directory(&mut journal, &dir.path().join("a"));
    journal.step(Undo::RemoveFile { path: dir.path().join("d") }).unwrap();
    directory(&mut journal, &dir.path().join("d"));
    directory(&mut journal, &dir.path().join("c"));
    std::fs::write(dir.path().join("d/file"), "").unwrap();
    let left = journal.roll_back().unwrap_err().to_string();
    assert!(left.contains("/d: ") && left.contains("one more change"), "{left}");
    let stuck = Journal::begin(&state, &zone(), "uninstall", false).unwrap_err().to_string();
    assert!(stuck.contains("zonekit-recover z1"), "{stuck}");
    std::fs::remove_dir_all(dir.path().join("d")).unwrap();
    // What was undone before is not done again.
    assert_eq!(recover(&state, &zone()).unwrap().unwrap().steps.len(), 2);
    assert!(!dir.path().join("a").exists());
}

#[test]
fn a_long_journal_is_undone_to_the_last_step() {
    let (dir, state) = state();
    let mut journal = begin(&state, false);
    let path = dir.path().join("./".repeat(1900)).join("none");
    for _ in 0..1100 {
        journal.step(Undo::RemoveFile { path: path.clone() }).unwrap();
    }
    directory(&mut journal, &dir.path().join("a"));
    drop(journal);
    assert!(std::fs::metadata(state.journal(&(&zone()).into())).unwrap().len() > 4 << 20);
    assert_eq!(recover(&state, &zone()).unwrap().unwrap().steps.len(), 1101);
    assert!(!dir.path().join("a").exists());
}

#[test]
fn a_line_that_was_cut_off_was_never_acted_on() {
    let (dir, state) = state();
    let mut journal = begin(&state, false);
    directory(&mut journal, &dir.path().join("a"));
    drop(journal);
    let path = state.journal(&(&zone()).into());
    let whole = std::fs::read(&path).unwrap();
    for cut in [&b"{\"step\":{\"undo\":\"remove-dir"[..], b"{", b"\xff"] {
        std::fs::write(&path, [&whole[..], cut].concat()).unwrap();
        assert_eq!(pending(&state, &zone()).unwrap().unwrap().steps.len(), 1);
    }
    // The next line must not be glued to it.
    assert!(recover(&state, &zone()).unwrap().is_some());
    for cut in 0..whole.iter().position(|&byte| byte == b'\n').unwrap() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        assert_eq!(recover(&state, &zone()).unwrap(), None);
        assert!(!path.exists());
    }
}

#[test]
fn a_damaged_journal_is_named_and_left() {
    let (_dir, state) = state();
    drop(begin(&state, false));
    let path = state.journal(&(&zone()).into());
    for text in [
        "rubbish\n",
        "{}\n",
        "{\"undone\":0}\n",
        "{\"operation\":{\"version\":2,\"id\":\"\",\"zone\":\"\",\"name\":\"\",\"keep\":false}}\n",
    ] {
        std::fs::write(&path, text).unwrap();
        let error = recover(&state, &zone()).unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
        assert!(path.exists());
    }
}

#[test]
fn a_directory_is_emptied_only_if_it_is_the_same() {
    let (dir, state) = state();
    let path = dir.path().join("root");
    std::fs::create_dir(&path).unwrap();
    let stat = Stat::of(File::open(&path).unwrap()).unwrap();
    let mut journal = begin(&state, false);
    journal.step(Undo::Empty { path: path.clone(), identity: stat.identity, mode: 0o755 }).unwrap();
    std::fs::rename(&path, dir.path().join("moved")).unwrap();
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("precious"), "").unwrap();
    journal.roll_back().unwrap();
    assert!(path.join("precious").exists());
}

use crate::root::Stat;

#[test]
fn a_change_that_was_refused_is_not_undone() {
    let (dir, state) = state();
    let theirs = dir.path().join("theirs");
    std::fs::create_dir(&theirs).unwrap();
    let mut journal = begin(&state, false);
    directory(&mut journal, &dir.path().join("a"));
    journal.step(Undo::RemoveDirectory { path: theirs.clone() }).unwrap();
    journal.retract().unwrap();
    directory(&mut journal, &dir.path().join("b"));
    drop(journal);
    let recovered = recover(&state, &zone()).unwrap().unwrap();
    assert_eq!(recovered.steps.len(), 2);
    assert!(theirs.exists() && !dir.path().join("a").exists() && !dir.path().join("b").exists());
}
