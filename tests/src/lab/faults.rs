//! What was called, and what is to go wrong.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::time::Duration;

use rustix::process::{Signal, getppid, kill_process};

use super::Lab;

/// One thing that is to go wrong. Calls count from 1, since the log was emptied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call of this number says so and has no effect.
    Fail(usize),
    /// The call of this number among those of this command says so and has no effect.
    FailOf(String, usize),
    /// Each call from this number on says so and has no effect.
    FailFrom(usize),
    /// Who makes this call is killed before it has an effect.
    KillBefore(usize),
    /// Who makes this call is killed when it had its effect.
    KillAfter(usize),
    /// Who makes this call is interrupted before it has an effect.
    InterruptBefore(usize),
    /// Each call of this command takes so many milliseconds longer.
    Slow(String, u64),
}

impl Fault {
    fn line(&self) -> String {
        match self {
            Self::Fail(number) => format!("fail {number}"),
            Self::FailOf(name, number) => format!("fail {name} {number}"),
            Self::FailFrom(number) => format!("fail-from {number}"),
            Self::KillBefore(number) => format!("kill-before {number}"),
            Self::KillAfter(number) => format!("kill-after {number}"),
            Self::InterruptBefore(number) => format!("interrupt-before {number}"),
            Self::Slow(name, time) => format!("slow {name} {time}"),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |word: &str| word.parse().ok();
        Some(match words[..] {
            ["fail", at] => Self::Fail(number(at)?),
            ["fail", name, at] => Self::FailOf(name.to_owned(), number(at)?),
            ["fail-from", at] => Self::FailFrom(number(at)?),
            ["kill-before", at] => Self::KillBefore(number(at)?),
            ["kill-after", at] => Self::KillAfter(number(at)?),
            ["interrupt-before", at] => Self::InterruptBefore(number(at)?),
            ["slow", name, time] => Self::Slow(name.to_owned(), time.parse().ok()?),
            _ => return None,
        })
    }
}

/// A call of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number, from 1.
    pub number: usize,
    /// The command.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

impl Call {
    /// The command line.
    #[must_use]
    pub fn line(&self) -> String {
        let mut words = vec![self.name.clone()];
        words.extend(self.arguments.iter().cloned());
        words.join(" ")
    }
}

/// What an accounted call is to do.
pub(super) enum Course {
    Go,
    GoAndKill,
    Fail,
    End,
}

impl Lab {
    /// Has something go wrong from now on, or nothing.
    pub fn fault(&self, fault: Option<&Fault>) {
        let place = self.own("fault");
        match fault {
            Some(fault) => fs::write(place, fault.line()).unwrap(),
            None => drop(fs::remove_file(place)),
        }
    }

    /// The calls that were made, but for those of the lab itself.
    #[must_use]
    pub fn log(&self) -> Vec<Call> {
        let text = fs::read_to_string(self.own("log")).unwrap_or_default();
        let call = |line: &str| {
            let mut fields = line.splitn(3, '\t');
            let number = fields.next()?.parse().ok()?;
            let name = fields.next()?.to_owned();
            Some(Call { number, name, arguments: serde_json::from_str(fields.next()?).ok()? })
        };
        text.lines().map(|line| call(line).unwrap()).collect()
    }

    /// Has the time that calls take written down from now on.
    ///
    /// # Panics
    /// It cannot be.
    pub fn time_calls(&self) {
        File::create(self.own("spent")).unwrap();
    }

    /// The time that calls took since then: a measurement of who makes them leaves it out, for the stand-ins
    /// copy where ZFS does not.
    #[must_use]
    pub fn time_of_calls(&self) -> Duration {
        let text = fs::read_to_string(self.own("spent")).unwrap_or_default();
        Duration::from_nanos(text.lines().filter_map(|line| line.parse::<u64>().ok()).sum())
    }

    pub(super) fn spend(&self, time: Duration) {
        if let Ok(mut spent) = File::options().append(true).open(self.own("spent")) {
            spent.write_all(format!("{}\n", time.as_nanos()).as_bytes()).unwrap();
        }
    }

    /// Forgets the calls, and counts from 1 again.
    pub fn reset_log(&self) {
        let _lock = self.lock("log.lock");
        File::create(self.own("log")).unwrap();
    }

    /// Takes note of a call, and says how it goes on.
    pub(super) fn account(&self, name: &str, arguments: &[OsString]) -> Course {
        let lock = self.lock("log.lock");
        let before = self.log();
        let number = before.len() + 1;
        let own = before.iter().filter(|call| call.name == name).count() + 1;
        let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
        let line = format!("{number}\t{name}\t{}\n", serde_json::to_string(&words).unwrap());
        let mut log = File::options().create(true).append(true).open(self.own("log")).unwrap();
        log.write_all(line.as_bytes()).unwrap();
        let fault = fs::read_to_string(self.own("fault")).ok().and_then(|line| Fault::parse(&line));
        drop(lock);
        match fault {
            Some(Fault::Fail(at)) if at == number => Course::Fail,
            Some(Fault::FailOf(of, at)) if of == name && at == own => Course::Fail,
            Some(Fault::FailFrom(at)) if at <= number => Course::Fail,
            Some(Fault::KillBefore(at)) if at == number => {
                signal_caller(Signal::KILL);
                Course::End
            }
            Some(Fault::KillAfter(at)) if at == number => Course::GoAndKill,
            Some(Fault::InterruptBefore(at)) if at == number => {
                signal_caller(Signal::INT);
                Course::Go
            }
            Some(Fault::Slow(of, time)) if of == name => {
                std::thread::sleep(Duration::from_millis(time));
                Course::Go
            }
            _ => Course::Go,
        }
    }
}

pub(super) fn signal_caller(signal: Signal) {
    if let Some(caller) = getppid() {
        // It may have gone already.
        let _ = kill_process(caller, signal);
    }
}
