//! The steps of an installation, and how long they take.

use std::time::{Duration, Instant};

use crate::populate::Counters;

/// A step that begins.
#[derive(Clone, Copy, Debug)]
pub struct Phase {
    /// Its name, as in the report.
    pub name: &'static str,
    /// Objects to make, where that is known.
    pub objects: Option<usize>,
}

/// Who is told how far it is.
pub struct Watch<'w> {
    /// Called when a step begins.
    pub phase: &'w (dyn Fn(Phase) + Sync),
    /// Counts while it runs.
    pub counters: &'w Counters,
}

/// Steps and how long they take.
pub(super) struct Clock<'w> {
    pub(super) watch: &'w Watch<'w>,
    phases: Vec<(&'static str, Duration)>,
    current: Option<(&'static str, Instant)>,
}

impl<'w> Clock<'w> {
    pub(super) fn new(watch: &'w Watch<'w>) -> Self {
        Self { watch, phases: Vec::new(), current: None }
    }

    pub(super) fn phase(&mut self, name: &'static str, objects: Option<usize>) {
        self.end();
        (self.watch.phase)(Phase { name, objects });
        self.current = Some((name, Instant::now()));
    }

    fn end(&mut self) {
        if let Some((name, since)) = self.current.take() {
            self.phases.push((name, since.elapsed()));
        }
    }

    pub(super) fn finish(&mut self) -> Vec<(&'static str, Duration)> {
        self.end();
        std::mem::take(&mut self.phases)
    }
}
