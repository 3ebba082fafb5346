//! Kills at moments that no external command marks.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::run;
use crate::scenario::Did;

use super::points::{Left, Remedy};
use super::{Command, Stage, Swept, journals};

/// How often it is looked whether a process has come or gone.
const LOOK: Duration = Duration::from_micros(200);

/// Kills the program of a scenario after so many parts of the time that it takes.
pub(super) fn sweep(stage: &Stage<'_>, swept: &mut Swept) {
    let moments = stage.scenario.moments;
    if moments == 0 || !Path::new("/proc/self/task").is_dir() {
        return;
    }
    stage.again();
    let whole = killed_at(stage, Duration::MAX).1;
    for moment in 0..moments {
        stage.again();
        let after = whole * u32::try_from(moment).unwrap() / u32::try_from(moments).unwrap();
        let (did, _) = killed_at(stage, after);
        let remedy = if moment % 2 == 0 { Remedy::Recover } else { Remedy::Again };
        let name = format!("killed after {after:?} of {whole:?}, {remedy:?}");
        let left = if journals(stage.lab()).is_empty() { Left::AllOrNothing } else { Left::Something };
        swept.note(stage, &name, stage.remedied(did, remedy, left));
    }
}

/// Gives the command, and kills its program after a time, unless it ends before. Also the time that it took.
fn killed_at(stage: &Stage<'_>, after: Duration) -> (Did, Duration) {
    let mut child = start(stage);
    let found = match &stage.scenario.command {
        Command::Zonekit(_) | Command::Program(_) => Some(child.id()),
        Command::Zoneadm(_) => hook(stage.scenario.program, &mut child),
    };
    let start = Instant::now();
    if let Some(pid) = found {
        while start.elapsed() < after && is_there(pid) && !ended(&mut child) {
            sleep(LOOK.min(after.saturating_sub(start.elapsed())));
        }
        if !ended(&mut child) {
            kill(pid);
        }
    }
    let took = start.elapsed();
    let ended = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (Did { code: ended.status.code().unwrap_or(-1), out: text(ended.stdout), err: text(ended.stderr) }, took)
}

fn start(stage: &Stage<'_>) -> Child {
    let lab = stage.lab();
    let mut command = match &stage.scenario.command {
        Command::Zoneadm(words) => {
            let mut command = std::process::Command::new(lab.place("/.lab/bin/zoneadm"));
            command.args(["-z", stage.scenario.zone]).args(words(&stage.world)).env_clear();
            command
        }
        Command::Zonekit(words) => zonekit(words, lab),
        Command::Program(words) => zonekit(&words(&stage.world), lab),
    };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn zonekit(words: &[String], lab: &crate::lab::Lab) -> std::process::Command {
    let mut command = std::process::Command::new(run::program(&words[0]));
    command.args(&words[1..]).env("ZONEKIT_LAB", lab.root());
    command
}

/// Waits for a hook that zoneadm(8) runs; none when it ends without.
fn hook(program: &str, zoneadm: &mut Child) -> Option<u32> {
    while !ended(zoneadm) {
        for pid in children(zoneadm.id()) {
            let runs = fs::read_link(format!("/proc/{pid}/exe"));
            let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let only_looks = words.contains("--check");
            if !only_looks && runs.is_ok_and(|path| path.file_name().is_some_and(|name| name == program)) {
                return Some(pid);
            }
        }
        sleep(LOOK);
    }
    None
}

fn ended(child: &mut Child) -> bool {
    child.try_wait().unwrap().is_some()
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<_>>()).collect()
}

/// A process that has ended and is waited for is not there any more.
fn is_there(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

/// Kills a process, and waits for the commands that it had started: an administrator is not that fast.
fn kill(pid: u32) {
    let Some(process) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    // So that it starts no more of them. It may have ended meanwhile, all the same.
    let _ = kill_process(process, Signal::STOP);
    let started = children(pid);
    let _ = kill_process(process, Signal::KILL);
    while started.iter().any(|pid| is_there(*pid)) {
        sleep(LOOK);
    }
}
