//! Faults at the calls of external commands.

use crate::lab::Fault;
use crate::scenario::Did;

use super::view::{Compared, View, journals};
use super::{Ends, Stage, Swept, world_zoneadm};

/// A kind of fault, by the number of the call.
type Kind = (&'static str, fn(usize) -> Fault);

const FAIL: Kind = ("failed", Fault::Fail);
const FROM: Kind = ("failed from", Fault::FailFrom);
const BEFORE: Kind = ("killed before", Fault::KillBefore);
const AFTER: Kind = ("killed after", Fault::KillAfter);
const INTERRUPT: Kind = ("interrupted before", Fault::InterruptBefore);

/// What an administrator does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Runs `zonekit-recover`, then gives the command again.
    Recover,
    /// Gives the command again.
    Again,
}

/// What is known of the program after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It has ended by itself, and had time to undo what it did.
    Undone,
    /// It may have left something.
    Something,
    /// It has left no journal, so all was done or nothing.
    AllOrNothing,
}

/// What went wrong with a check, with words about where.
type Outcome = Result<(), String>;

pub(super) fn sweep(stage: &Stage<'_>) -> Swept {
    stage.again();
    let _ = stage.scenario.give(&stage.world);
    let calls: Vec<String> = stage.lab().log().iter().map(crate::lab::Call::line).collect();
    let mut swept = Swept { calls: calls.len(), ..Swept::default() };
    for (number, line) in (1..).zip(&calls) {
        for (turn, (kind, fault)) in faults(stage, line).iter().enumerate() {
            // Each kind of fault comes at other calls.
            if (number + turn) % stage.scenario.thinned != 0 {
                continue;
            }
            let left = *kind != FAIL.0 && *kind != INTERRUPT.0;
            for remedy in remedies(stage, left && *kind != FROM.0 && !looks(line), number + turn) {
                stage.again();
                stage.lab().fault(Some(&fault(number)));
                let did = stage.scenario.give(&stage.world);
                stage.lab().fault(None);
                let name = format!("{kind} call {number} `{line}`, {remedy:?}");
                swept.note(
                    stage,
                    &name,
                    stage.remedied(did, *remedy, if left { Left::Something } else { Left::Undone }),
                );
            }
        }
    }
    recoveries(stage, calls.len(), &mut swept);
    swept
}

/// Whether a call has no effect.
fn looks(line: &str) -> bool {
    ["zfs list ", "zfs get ", "beadm list", "zoneadm list"].iter().any(|call| line.starts_with(call))
}

/// After a call that only looks is the same as before it.
fn faults(stage: &Stage<'_>, line: &str) -> &'static [Kind] {
    if stage.scenario.thorough || !looks(line) { &[FAIL, FROM, BEFORE, AFTER, INTERRUPT] } else { &[FAIL, BEFORE] }
}

/// What an administrator does: both, or one in turn.
fn remedies(stage: &Stage<'_>, both: bool, turn: usize) -> &'static [Remedy] {
    match turn % 2 {
        _ if both && stage.scenario.thorough => &[Remedy::Recover, Remedy::Again],
        0 => &[Remedy::Recover],
        _ => &[Remedy::Again],
    }
}

/// Faults in the recovery itself: of the operation that was killed last of all, when it had most to undo.
fn recoveries(stage: &Stage<'_>, calls: usize, swept: &mut Swept) {
    let killed = |number: usize| {
        stage.again();
        stage.lab().fault(Some(&Fault::KillAfter(number)));
        let did = stage.scenario.give(&stage.world);
        stage.lab().fault(None);
        (did, journals(stage.lab()).iter().map(|path| std::fs::metadata(path).unwrap().len()).sum::<u64>())
    };
    let longest = (1..=calls).map(|number| (killed(number).1, number)).max();
    let Some((1.., longest)) = longest else { return };
    killed(longest);
    stage.lab().reset_log();
    stage.world.zonekit("zonekit-recover", &[]).well();
    let lines: Vec<String> = stage.lab().log().iter().map(crate::lab::Call::line).collect();
    for (number, line) in (1..).zip(&lines) {
        let faults = if stage.scenario.thorough { &[FAIL, BEFORE, AFTER][..] } else { &[FAIL, AFTER] };
        for (turn, (kind, fault)) in faults.iter().enumerate() {
            if (number + turn) % stage.scenario.thinned != 0 {
                continue;
            }
            let (did, _) = killed(longest);
            stage.lab().reset_log();
            stage.lab().fault(Some(&fault(number)));
            let _ = stage.world.zonekit("zonekit-recover", &[]);
            stage.lab().fault(None);
            let name = format!("killed after call {longest}, recovery {kind} call {number} `{line}`");
            swept.note(stage, &name, stage.remedied(did, Remedy::Recover, Left::Something));
        }
    }
}

impl Swept {
    pub(super) fn note(&mut self, stage: &Stage<'_>, name: &str, outcome: Outcome) {
        self.points += 1;
        let trouble = stage.trouble();
        let outcome = outcome.and(if trouble.is_empty() { Ok(()) } else { Err(trouble) });
        if let Err(why) = outcome {
            self.wrong.push(format!("{}: {name}: {why}", stage.scenario.name));
        }
    }
}

impl Stage<'_> {
    fn compare(&self, expected: &View, times: bool, shared: bool) -> Outcome {
        match expected.differences(&View::of(self.lab()), Compared { times, shared }) {
            none if none.is_empty() => Ok(()),
            lines => Err(format!("\n{lines}")),
        }
    }

    /// Whether it is as after the command.
    fn is_finished(&self) -> Outcome {
        self.no_journals()?;
        self.compare(self.finished(), false, true)
    }

    /// Whether it is as before the command, or in a state that is as good as that after it.
    fn is_good(&self) -> Outcome {
        // What zoneadmd writes into a zone that it makes ready is written again.
        let times = self.scenario.also.is_empty();
        let Err(why) = self.compare(&self.start, times, false) else { return Ok(()) };
        let fits = |good: &View| self.compare(good, false, true).is_ok();
        if self.good.iter().any(fits) { Ok(()) } else { Err(format!("neither as before nor finished: {why}")) }
    }

    fn no_journals(&self) -> Outcome {
        match &journals(self.lab())[..] {
            [] => Ok(()),
            [first, ..] => Err(format!("a journal is left: {}", std::fs::read_to_string(first).unwrap_or_default())),
        }
    }

    /// What comes after a fault, up to the end that the command was to have.
    pub(super) fn remedied(&self, did: Did, remedy: Remedy, left: Left) -> Outcome {
        if self.scenario.succeeded(&did) {
            return self.is_finished().map_err(|why| format!("it succeeded, and {why}\n{}{}", did.out, did.err));
        }
        if left == Left::Undone && !matches!(self.scenario.ends, Ends::Forward | Ends::GoesForward) {
            self.no_journals()?;
        }
        let said = |why: String| format!("{why}\n{}{}", did.out, did.err);
        let again = self.put_right(remedy, left).map_err(said)?;
        if self.is_finished().is_ok() {
            return Ok(());
        }
        let did = match again {
            [] => self.scenario.give(&self.world),
            words => world_zoneadm(&self.world, self.scenario.zone, words),
        };
        if !self.scenario.succeeded(&did) {
            self.succeeds("the command again", &did).map_err(said)?;
        }
        self.is_finished().map_err(|why| said(format!("the command, given again: {why}")))
    }

    /// Does what an administrator does before the command is given again, and looks how it is then. Gives the
    /// words that lead on; none are the command itself.
    fn put_right(&self, remedy: Remedy, left: Left) -> Result<&'static [&'static str], String> {
        if remedy == Remedy::Recover {
            self.succeeds("zonekit-recover", &self.world.zonekit("zonekit-recover", &[]))?;
            self.no_journals()?;
        }
        let zone = self.scenario.zone;
        match self.scenario.ends {
            Ends::Incomplete => {
                if View::of(self.lab()).is_incomplete(zone) {
                    self.succeeds("uninstall -F", &world_zoneadm(&self.world, zone, &["uninstall", "-F"]))?;
                    self.no_journals()?;
                }
                self.is_good()?;
            }
            Ends::Forward if remedy == Remedy::Recover => {
                let now = View::of(self.lab());
                if !now.same_pool(&self.start) && !now.same_pool(self.finished()) {
                    self.compare(&self.start, false, true)?;
                }
            }
            Ends::AsBefore if self.no_journals().is_ok() => match self.is_good() {
                Err(_) if left == Left::AllOrNothing => return Ok(self.scenario.told_nobody),
                good => good?,
            },
            Ends::Forward | Ends::AsBefore | Ends::GoesOn | Ends::GoesForward => {}
        }
        Ok(&[])
    }

    fn succeeds(&self, what: &str, did: &Did) -> Outcome {
        if did.code == 0 { Ok(()) } else { Err(format!("{what}: exit status {}: {}{}", did.code, did.out, did.err)) }
    }
}
