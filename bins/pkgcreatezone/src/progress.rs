//! How far it is: a bar for people who watch, plain lines for a log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use zonelib::brand::install::Phase;
use zonelib::populate::Counters;
use zonelib::program;

/// How often the bar moves.
const TICK: Duration = Duration::from_millis(100);
const COUNTED: &str = "{spinner} {msg:20} {bar:30} {pos}/{len}  {elapsed}";
const UNCOUNTED: &str = "{spinner} {msg:20} {elapsed}";

/// Shows steps as they begin.
pub struct Progress<'c> {
    counters: &'c Counters,
    bar: Option<ProgressBar>,
    last: Mutex<&'static str>,
    ended: AtomicBool,
}

impl<'c> Progress<'c> {
    /// A bar when somebody watches, else lines.
    #[must_use]
    pub fn new(counters: &'c Counters) -> Self {
        let bar = program::watched().then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()));
        Self { counters, bar, last: Mutex::new(""), ended: AtomicBool::new(false) }
    }

    /// A step begins.
    pub fn phase(&self, phase: Phase) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last == phase.name {
            return;
        }
        *last = phase.name;
        match &self.bar {
            Some(bar) => {
                // A step that cannot be counted has no bar.
                let template = if phase.objects.is_some() { COUNTED } else { UNCOUNTED };
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style);
                }
                bar.set_message(phase.name);
                bar.set_length(phase.objects.unwrap_or(0) as u64);
            }
            None => program::tell(&format!("pkgcreatezone: {} ...", phase.name)),
        }
    }

    /// Moves the bar until [`Progress::end`]; returns at once when there is none.
    pub fn follow(&self) {
        let Some(bar) = &self.bar else { return };
        while !self.ended.load(Ordering::Relaxed) {
            bar.set_position(self.counters.objects.load(Ordering::Relaxed));
            bar.tick();
            std::thread::park_timeout(TICK);
        }
        bar.finish_and_clear();
    }

    /// The bar is taken away.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
