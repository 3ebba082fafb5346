//! A fault at every step of a command: what a host is like afterwards, after recovery, and when the
//! command is given again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "for tests, which end by panics")]

mod moments;
mod points;
mod view;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::lab::Lab;
use crate::scenario::{Did, World};

pub use view::{Compared, View, journals};

/// What becomes of a zone whose command has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It may be left incomplete by zoneadm(8), and is configured again after `uninstall -F`.
    Incomplete,
    /// It goes on from where it was; nothing that is gone comes back.
    Forward,
    /// It is as before, or as it was to be.
    AsBefore,
    /// Nothing is undone, and giving the command again finishes it. The exit status 1 is a success of which
    /// there is something to tell.
    GoesOn,
    /// The same, and a hook that it runs goes forward by a journal of its own.
    GoesForward,
}

/// A command that zoneadm(8) or an administrator gives, and what comes before.
pub struct Scenario {
    /// For people.
    pub name: String,
    /// The zone that it is given for.
    pub zone: &'static str,
    /// The program that is killed at moments, without its path.
    pub program: &'static str,
    /// Brings a new host to where the command is given.
    pub prepare: Box<dyn Fn(&World) + Send + Sync>,
    /// Gives the command.
    pub command: Command,
    /// What becomes of the zone when that fails.
    pub ends: Ends,
    /// Commands that also lead to a state that is as good: what a zone is like that was halted again.
    pub also: &'static [&'static [&'static str]],
    /// What finishes it when all was done and nobody was told; without words the command itself.
    pub told_nobody: &'static [&'static str],
    /// Kills at moments that no external command marks.
    pub moments: usize,
    /// Tries every remedy after every fault; else they take turns.
    pub thorough: bool,
    /// Every call has its faults when this is 1; else each call has one kind of them less often.
    pub thinned: usize,
}

/// What makes the words of a command line on a host.
pub type Words = dyn Fn(&World) -> Vec<String> + Send + Sync;

/// How a command is given.
pub enum Command {
    /// `zoneadm -z ZONE ...`
    Zoneadm(Box<Words>),
    /// A program of zonekit with its arguments.
    Zonekit(Vec<String>),
    /// The same, whose arguments tell places on the host.
    Program(Box<Words>),
}

impl std::fmt::Debug for Scenario {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// What a sweep has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// External commands that the command runs.
    pub calls: usize,
    /// Faults that were tried.
    pub points: usize,
    /// What was not as it should be.
    pub wrong: Vec<String>,
}

/// Sweeps over scenarios side by side, or over those with `SWEEP_ONLY` in their names, and tells what each has found as
/// it comes: whoever breaks something wants to see the first of it.
///
/// # Panics
/// Something was not as it should be.
pub fn side_by_side(all: Vec<Scenario>) -> Vec<(Scenario, Swept)> {
    let only = std::env::var("SWEEP_ONLY").unwrap_or_default();
    let waiting = Mutex::new(all.into_iter().filter(|scenario| scenario.name.contains(&only)));
    let done = Mutex::new(Vec::new());
    let next = || waiting.lock().unwrap().next();
    let work = || {
        while let Some(scenario) = next() {
            let start = std::time::Instant::now();
            let swept = scenario.sweep();
            let (calls, points, time) = (swept.calls, swept.points, start.elapsed().as_secs_f64());
            say(&format!("{scenario:?}: {calls} calls, {points} points, {time:.1} s, {} wrong", swept.wrong.len()));
            swept.wrong.iter().for_each(|line| say(&format!("{line}\n")));
            done.lock().unwrap().push((scenario, swept));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(work);
        }
    });
    let done: Vec<(Scenario, Swept)> = done.into_inner().unwrap();
    let points: usize = done.iter().map(|(_, swept)| swept.points).sum();
    say(&format!("swept {points} points"));
    let wrong: usize = done.iter().map(|(_, swept)| swept.wrong.len()).sum();
    assert!(wrong == 0, "{wrong} of {points} points are wrong");
    done
}

/// Also when the test succeeds.
fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// A host that is brought back to the same state again and again.
struct Stage<'s> {
    scenario: &'s Scenario,
    world: World,
    pristine: PathBuf,
    start: View,
    /// The state after the command, and others that are as good.
    good: Vec<View>,
}

impl Scenario {
    /// Sweeps it: every fault at every call, faults in the recovery itself, and kills at moments between.
    ///
    /// # Panics
    /// The command fails without a fault.
    #[must_use]
    pub fn sweep(&self) -> Swept {
        let stage = Stage::set(self);
        let mut swept = points::sweep(&stage);
        moments::sweep(&stage, &mut swept);
        swept
    }

    fn succeeded(&self, did: &Did) -> bool {
        did.code == 0 || did.code == 1 && self.ends == Ends::GoesOn
    }

    fn give(&self, world: &World) -> Did {
        match &self.command {
            Command::Zoneadm(words) => zoneadm(world, self.zone, &words(world)),
            Command::Zonekit(words) => zonekit(world, words),
            Command::Program(words) => zonekit(world, &words(world)),
        }
    }
}

fn zonekit(world: &World, words: &[String]) -> Did {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    world.zonekit(words[0], &words[1..])
}

fn zoneadm(world: &World, zone: &str, words: &[String]) -> Did {
    let words = words.iter().map(String::as_str);
    world.run("zoneadm", &["-z", zone].into_iter().chain(words).collect::<Vec<_>>())
}

impl<'s> Stage<'s> {
    fn set(scenario: &'s Scenario) -> Self {
        let world = World::new();
        (scenario.prepare)(&world);
        world.lab.reset_log();
        let pristine = world.beside("pristine");
        crate::lab::copy_tree(world.lab.root(), &pristine).unwrap();
        let start = View::of(&world.lab);
        let mut stage = Self { scenario, world, pristine, start, good: Vec::new() };
        stage.again();
        let did = scenario.give(&stage.world);
        assert!(scenario.succeeded(&did), "{scenario:?} without a fault: {did:#?}");
        assert_eq!(stage.trouble(), "", "{scenario:?} without a fault");
        stage.good.push(View::of(&stage.world.lab));
        assert_ne!(stage.start.differences(stage.finished(), Compared::default()), "", "{scenario:?} does nothing");
        if scenario.ends == Ends::Forward {
            assert_eq!(stage.finished().traces_of(scenario.zone), Vec::<&str>::new(), "{scenario:?}");
        }
        if !scenario.also.is_empty() {
            stage.again();
            for words in scenario.also {
                world_zoneadm(&stage.world, scenario.zone, words).well();
            }
            stage.good.push(View::of(&stage.world.lab));
        }
        stage
    }

    fn lab(&self) -> &Lab {
        &self.world.lab
    }

    /// Brings the host back to the start.
    fn again(&self) {
        // A command that a killed program had started may be writing still.
        let gone = (0..100).any(|_| {
            let gone = fs::remove_dir_all(self.lab().root()).is_ok();
            if !gone {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            gone
        });
        assert!(gone, "{} cannot be removed", self.lab().root().display());
        crate::lab::copy_tree(&self.pristine, self.lab().root()).unwrap();
    }

    fn finished(&self) -> &View {
        &self.good[0]
    }

    /// What must never happen on a host, whatever goes wrong; empty when nothing of it has.
    fn trouble(&self) -> String {
        let lab = self.lab();
        let mut all = lab.violations();
        for entry in fs::read_dir(lab.place("/.lab/anomalies")).into_iter().flatten() {
            all.push(fs::read_to_string(entry.unwrap().path()).unwrap());
        }
        all.join("; ")
    }
}

fn world_zoneadm(world: &World, zone: &str, words: &[&str]) -> Did {
    zoneadm(world, zone, &words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
}
