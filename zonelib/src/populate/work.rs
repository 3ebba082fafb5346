//! Tasks that make more tasks, shared out among threads.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A stack of tasks. The last one pushed is the first one taken, so that a tree is walked depth first
/// and few of its directories are open at a time.
pub(super) struct Stack<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    tasks: Vec<T>,
    working: usize,
    stopped: bool,
}

impl<T: Send> Stack<T> {
    pub(super) fn new(first: T) -> Self {
        Self { state: Mutex::new(State { tasks: vec![first], working: 0, stopped: false }), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds tasks.
    pub(super) fn push(&self, tasks: impl IntoIterator<Item = T>) {
        let mut state = self.lock();
        let before = state.tasks.len();
        state.tasks.extend(tasks);
        let more = state.tasks.len() - before;
        drop(state);
        if more > 0 {
            self.changed.notify_all();
        }
    }

    /// No task is started any more.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Runs tasks on `threads` threads until there are none left, each thread with a `tool` of its own.
    pub(super) fn run<U>(&self, threads: usize, tool: impl Fn() -> U + Sync, work: impl Fn(&mut U, T) + Sync) {
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| self.drain(&mut tool(), &work));
            }
            self.drain(&mut tool(), &work);
        });
    }

    fn drain<U>(&self, tool: &mut U, work: &impl Fn(&mut U, T)) {
        while let Some(task) = self.take() {
            work(tool, task);
            let mut state = self.lock();
            state.working -= 1;
            if state.working == 0 && state.tasks.is_empty() {
                self.changed.notify_all();
            }
        }
    }

    fn take(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(task) = state.tasks.pop() {
                state.working += 1;
                return Some(task);
            }
            if state.working == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_task_is_done_once() {
        for threads in [1, 2, 8] {
            let done = AtomicUsize::new(0);
            let stack = Stack::new(10u32);
            stack.run(
                threads,
                || (),
                |(), level| {
                    done.fetch_add(1, Ordering::Relaxed);
                    stack.push((0..2).filter(|_| level > 0).map(|_| level - 1));
                },
            );
            assert_eq!(done.into_inner(), 2047);
        }
    }

    #[test]
    fn stopping_ends_the_run() {
        let stack = Stack::new(());
        stack.run(
            4,
            || (),
            |(), ()| {
                stack.push([(), ()]);
                stack.stop();
            },
        );
    }
}
