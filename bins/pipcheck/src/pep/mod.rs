//! The language of Python packaging: names, versions, specifiers, markers, requirements and the headers of METADATA.
//!
//! Pure reading and comparing; nothing here opens a file, knows of a machine, or panics on any input. What is read
//! comes from files that anybody may have written, so sizes, nesting and time are bounded.

mod environment;
mod error;
mod marker;
mod metadata;
mod name;
mod number;
mod requirement;
mod requires_txt;
mod scan;
mod specifier;
mod version;

pub use environment::{Environment, UnknownVariable, Variable};
pub use error::{ParseError, Reason};
pub use marker::{Marker, MarkerOperator, Need, Undefined};
pub use metadata::{Metadata, Problem, ProblemKind, Scratch};
pub use name::{ExtraName, NameError, ProjectName};
pub use number::Number;
pub use requirement::Requirement;
pub use specifier::{Legacy, Operator, PreReleases, Specifier, Specifiers};
pub use version::{DeclaredVersion, PreRelease, Version, VersionError};
