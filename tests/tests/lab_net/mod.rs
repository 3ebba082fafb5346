//! A lab whose commands of the network are asked one by one.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, reason = "tests; each uses a part")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tests::lab::Lab;
use tests::run::Scratch;

/// What a command answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub struct Net {
    pub scratch: Scratch,
    pub lab: Lab,
}

impl Net {
    pub fn new() -> Self {
        let scratch = Scratch::new();
        let lab = Lab::create(&scratch.join("host"));
        Self { scratch, lab }
    }

    /// Runs a command line by the path that the command has on illumos.
    pub fn run(&self, line: &str) -> Said {
        let mut words = line.split_whitespace();
        let path = words.next().unwrap();
        let mut command = Command::new(self.lab.place(path));
        let done = command.args(words).env_clear().stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { code: done.status.code().unwrap(), out: text(&done.stdout), err: text(&done.stderr) }
    }

    /// What it prints, where it succeeds and has nothing to complain of.
    #[track_caller]
    pub fn ok(&self, line: &str) -> String {
        let said = self.run(line);
        assert!(said.code == 0 && said.err.is_empty(), "{line}: {said:?}");
        said.out
    }

    /// It is refused so, and nothing has changed then.
    #[track_caller]
    pub fn refuses(&self, line: &str, code: i32, err: &str) {
        let before = self.lab.snapshot_of_state(&[]);
        let said = self.run(line);
        assert_eq!((said.code, said.err.as_str()), (code, err), "{line}: {said:?}");
        assert_eq!(before.difference(&self.lab.snapshot_of_state(&[])), "", "{line}");
    }

    /// A file beside the host.
    pub fn file(&self, text: &str) -> PathBuf {
        let path = self.scratch.join("file");
        fs::write(&path, text).unwrap();
        path
    }
}
