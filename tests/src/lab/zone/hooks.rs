//! Running the hooks of a brand (sections 2 and 3).

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::lab::Lab;

use super::host::{self, LOCK_HELD};
use super::index::State;
use super::{Context, Done, fail};

/// The hook did what it should.
pub(super) const OK: u8 = 0;
/// zoneadm prints its usage and fails.
pub(super) const USAGE: u8 = 253;
/// To an installation: clean up, the zone is configured as before.
pub(super) const NOT_COMPLETE: u8 = 254;
/// It failed.
pub(super) const FATAL: u8 = 255;

/// Longest line that zoneadm runs, with its end.
const LINE: usize = 1024;
/// Longest line of a state hook or of `query`.
const STATE_LINE: usize = 2048;

/// Lets the shell ignore hangups as zoneadm does, then become the hook.
const ADM: &str = r#"trap '' HUP; exec /bin/sh -c "$1""#;
/// The same, with the descriptors closed that zoneadmd has closed.
const ADMD: &str = r#"trap '' HUP; exec <&- 2>&-; exec /bin/sh -c "$1""#;

/// A call of a hook.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) lab: &'a Lab,
    pub(super) zone: &'a str,
    /// The element of config.xml.
    pub(super) hook: &'a str,
    /// With everything substituted and appended.
    pub(super) line: String,
    pub(super) state: State,
    /// Whether the zone is locked.
    pub(super) held: bool,
}

/// SIGINT, SIGTERM and SIGQUIT, which zoneadm takes no notice of while it waits for a hook.
#[derive(Debug)]
pub(super) struct Signals(Arc<AtomicBool>);

impl Signals {
    /// Takes them over, and SIGHUP for good.
    pub(super) fn take() -> Done<Self> {
        let listens = Arc::new(AtomicBool::new(true));
        for signal in [SIGINT, SIGTERM, SIGQUIT] {
            let taken = signal_hook::flag::register_conditional_default(signal, Arc::clone(&listens));
            taken.during("signals")?;
        }
        signal_hook::flag::register(SIGHUP, Arc::new(AtomicBool::new(false))).during("signals")?;
        Ok(Self(listens))
    }

    /// Leaves all signals as they are.
    pub(super) fn none() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// Does something during which they are ignored.
    pub(super) fn ignored<T>(&self, during: impl FnOnce() -> T) -> T {
        self.0.store(false, Ordering::SeqCst);
        let done = during();
        self.0.store(true, Ordering::SeqCst);
        done
    }
}

impl Call<'_> {
    /// Runs it as zoneadm does: with the caller's standard streams.
    pub(super) fn run(&self, signals: &Signals) -> Done<u8> {
        let mut command = self.command(ADM, LINE)?;
        command.env(LOCK_HELD, if self.held { "1" } else { "0" });
        let ended = signals.ignored(|| command.status()).during("/bin/sh")?;
        let status = match (ended.signal(), ended.code().and_then(|code| u8::try_from(code).ok())) {
            (None, Some(status)) => status,
            _ => {
                eprintln!("zoneadm: zone '{}': {} unexpectedly terminated due to signal", self.zone, self.hook);
                FATAL
            }
        };
        self.note(status);
        Ok(status)
    }

    /// Runs it as zoneadmd does: standard input and standard error closed, standard output kept. Gives what it
    /// printed, or what zoneadmd says of its end.
    pub(super) fn run_in_daemon(&self, environment: Option<&BTreeMap<String, String>>) -> Done<Result<String, String>> {
        let mut command = self.command(ADMD, STATE_LINE)?;
        if let Some(environment) = environment {
            command.env_clear().envs(environment).env("ZONEKIT_LAB", self.lab.root());
        }
        command.env(LOCK_HELD, "1").stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().during("/bin/sh")?;
        let mut output = Vec::new();
        if let Some(mut pipe) = child.stdout.take() {
            pipe.read_to_end(&mut output).during("/bin/sh")?;
        }
        let ended = child.wait().during("/bin/sh")?;
        let output = String::from_utf8_lossy(&output).into_owned();
        self.note(ended.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(FATAL));
        Ok(if ended.success() { Ok(output) } else { Err(output + &self.says_of(ended)) })
    }

    fn says_of(&self, ended: ExitStatus) -> String {
        match (ended.signal(), ended.code()) {
            (Some(signal), _) => format!("{} unexpectedly terminated due to signal {signal}\n", self.hook),
            (None, Some(4)) => format!("failed to exec {}\n", self.hook),
            _ => String::new(),
        }
    }

    fn command(&self, script: &str, limit: usize) -> Done<Command> {
        // exec, a blank and the end of the string count too.
        if self.line.len() + "exec ".len() + 1 > limit {
            return fail(format!("{}: the command line is too long", self.hook));
        }
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, "sh"]).arg(format!("exec {}", below(self.lab, &self.line)));
        command.current_dir("/").env("ZONEKIT_LAB", self.lab.root());
        Ok(command)
    }

    /// Puts the call down for tests.
    fn note(&self, status: u8) {
        let argv: Vec<&str> = self.line.split_ascii_whitespace().collect();
        let line = json!({
            "hook": self.hook, "zone": self.zone, "state": self.state.name(), "status": status,
            "line": self.line, "argv": argv,
        });
        if let Err(error) = host::append(&self.lab.place(".lab/hooks.log"), &format!("{line}\n")) {
            eprintln!("hooks.log: {error}");
        }
    }
}

/// The line with a program of a brand found below the lab's root.
fn below(lab: &Lab, line: &str) -> String {
    let line = line.trim_start_matches([' ', '\t', '\n']);
    match line.strip_prefix("/usr/lib/brand/") {
        Some(rest) => format!("{}/{rest}", lab.place("usr/lib/brand").display()),
        None => line.to_owned(),
    }
}
