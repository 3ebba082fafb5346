//! Values of flags as they were given. The parser of a command line ends at the first that it cannot read; with
//! these all of them are told.

use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;

/// The value of a flag: read, or why not.
#[derive(Clone, Debug)]
pub struct Given<T>(Result<T, String>);

impl<T> Given<T> {
    /// Reads one by a function, for types that have several forms.
    ///
    /// # Errors
    /// None: what cannot be read is told by [`Reading`].
    pub fn by<E: Display>(read: fn(&str) -> Result<T, E>, text: &str) -> Result<Self, Infallible> {
        Ok(Self(read(text).map_err(|error| error.to_string())))
    }
}

impl<T: FromStr<Err: Display>> FromStr for Given<T> {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Self::by(T::from_str, text)
    }
}

/// A flag with a value that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The flag.
    pub flag: &'static str,
    /// What is wrong with its value.
    pub problem: String,
}

/// Takes the values out of flags, and remembers those that are none.
#[derive(Debug, Default)]
pub struct Reading {
    /// Flags with values that could not be read.
    pub unread: Vec<Unread>,
}

impl Reading {
    /// A flag that can have no value here.
    pub fn refuse(&mut self, flag: &'static str, problem: &str) {
        self.unread.push(Unread { flag, problem: problem.to_owned() });
    }

    /// The value of a flag.
    pub fn one<T: Clone>(&mut self, flag: &'static str, given: &Given<T>) -> Option<T> {
        match &given.0 {
            Ok(value) => Some(value.clone()),
            Err(problem) => {
                self.refuse(flag, problem);
                None
            }
        }
    }

    /// The value of a flag that may be left out.
    pub fn maybe<T: Clone>(&mut self, flag: &'static str, given: Option<&Given<T>>) -> Option<T> {
        given.and_then(|given| self.one(flag, given))
    }

    /// The values of a flag that can be repeated.
    pub fn all<T: Clone>(&mut self, flag: &'static str, given: &[Given<T>]) -> Vec<T> {
        given.iter().filter_map(|given| self.one(flag, given)).collect()
    }
}
