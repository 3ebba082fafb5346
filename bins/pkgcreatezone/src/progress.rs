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
        let bar = program::watched().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} {msg:20} {bar:30} {pos}/{len}  {elapsed}");
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar
        });
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
