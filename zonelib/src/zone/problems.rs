//! All that is in the way, collected, so that it can be told at once.

use std::fmt::Display;

use super::{Unread, ZoneError};

/// What is in the way, each in words with what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Begins with values that could not be read.
    #[must_use]
    pub fn with(unread: &[Unread]) -> Self {
        Self(unread.iter().map(|unread| format!("{}: {}", unread.flag, unread.problem)).collect())
    }

    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One more; what has been said already is not said again.
    pub fn push(&mut self, problem: impl Into<String>) {
        let problem = problem.into();
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// One more, if something is wrong.
    pub(super) fn when(&mut self, wrong: bool, problem: impl FnOnce() -> String) {
        if wrong {
            self.push(problem());
        }
    }

    /// Values that are given more than once.
    pub(super) fn twice<T: PartialEq + Display>(&mut self, flags: &str, given: &[T]) {
        for (index, one) in given.iter().enumerate() {
            self.when(given[..index].contains(one), || format!("`{one}` is given twice by {flags}"));
        }
    }

    /// What came of something; when it failed, that is one more.
    pub(super) fn heed<T>(&mut self, done: Result<T, ZoneError>) -> Option<T> {
        match done {
            Ok(value) => Some(value),
            Err(error) => {
                error.problems().into_iter().for_each(|problem| self.push(problem));
                None
            }
        }
    }

    /// The value, if nothing is in the way.
    ///
    /// # Errors
    /// [`ZoneError::Problems`].
    pub(super) fn end<T>(self, value: T) -> Result<T, ZoneError> {
        if self.0.is_empty() { Ok(value) } else { Err(ZoneError::Problems(self.0)) }
    }
}
