//! The environment that markers are evaluated in: stated, never asked of the machine.

use std::fmt;
use std::str::FromStr;

use super::name::ExtraName;
use super::version::{DeclaredVersion, Version, VersionError};

/// A variable that markers may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Variable {
    /// `os.name` of Python.
    OsName,
    /// `sys.platform` of Python.
    SysPlatform,
    /// The hardware, as `uname -m` prints it.
    PlatformMachine,
    /// `CPython` and its like.
    PlatformPythonImplementation,
    /// The release of the system, as `uname -r` prints it.
    PlatformRelease,
    /// The system, as `uname -s` prints it.
    PlatformSystem,
    /// The version of the system, as `uname -v` prints it.
    PlatformVersion,
    /// Python's version in two numbers.
    PythonVersion,
    /// Python's version.
    PythonFullVersion,
    /// `sys.implementation.name` of Python.
    ImplementationName,
    /// The version of the implementation.
    ImplementationVersion,
    /// The extra that was asked for.
    Extra,
    /// All extras that were asked for; only lock files have it (PEP 751).
    Extras,
    /// Dependency groups that were asked for; only lock files have it (PEP 751).
    DependencyGroups,
}

/// How many variables an environment has a text for.
const TEXTS: usize = 11;

impl Variable {
    /// All of them; first those that an environment has a text for.
    pub const ALL: [Self; 14] = [
        Self::OsName,
        Self::SysPlatform,
        Self::PlatformMachine,
        Self::PlatformPythonImplementation,
        Self::PlatformRelease,
        Self::PlatformSystem,
        Self::PlatformVersion,
        Self::PythonVersion,
        Self::PythonFullVersion,
        Self::ImplementationName,
        Self::ImplementationVersion,
        Self::Extra,
        Self::Extras,
        Self::DependencyGroups,
    ];

    /// As markers call it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OsName => "os_name",
            Self::SysPlatform => "sys_platform",
            Self::PlatformMachine => "platform_machine",
            Self::PlatformPythonImplementation => "platform_python_implementation",
            Self::PlatformRelease => "platform_release",
            Self::PlatformSystem => "platform_system",
            Self::PlatformVersion => "platform_version",
            Self::PythonVersion => "python_version",
            Self::PythonFullVersion => "python_full_version",
            Self::ImplementationName => "implementation_name",
            Self::ImplementationVersion => "implementation_version",
            Self::Extra => "extra",
            Self::Extras => "extras",
            Self::DependencyGroups => "dependency_groups",
        }
    }

    /// The variable of that name, also of a name that markers had before PEP 508.
    pub(super) fn from_marker(name: &str) -> Option<Self> {
        let current = match name {
            "os.name" => "os_name",
            "sys.platform" => "sys_platform",
            "platform.version" => "platform_version",
            "platform.machine" => "platform_machine",
            "platform.python_implementation" | "python_implementation" => "platform_python_implementation",
            current => current,
        };
        Self::ALL.into_iter().find(|variable| variable.as_str() == current)
    }

    /// Whether comparisons with it are comparisons of versions where the other side is one.
    #[must_use]
    pub fn is_version(self) -> bool {
        matches!(
            self,
            Self::PythonVersion | Self::PythonFullVersion | Self::ImplementationVersion | Self::PlatformRelease
        )
    }

    /// Whether it is a set of names and not a text.
    #[must_use]
    pub fn is_set(self) -> bool {
        matches!(self, Self::Extras | Self::DependencyGroups)
    }

    /// Where an environment keeps its text.
    fn slot(self) -> Option<usize> {
        Some(self as usize).filter(|slot| *slot < TEXTS)
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// No marker variable has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no marker variable")]
pub struct UnknownVariable(pub String);

impl FromStr for Variable {
    type Err = UnknownVariable;

    fn from_str(name: &str) -> Result<Self, UnknownVariable> {
        Self::from_marker(name).ok_or_else(|| UnknownVariable(name.to_owned()))
    }
}

/// What each variable stands for.
#[derive(Clone, Debug)]
pub struct Environment {
    texts: [Box<str>; TEXTS],
    /// The versions that the texts are; none where no marker asks for a version, or the text is none.
    versions: [Option<Version>; TEXTS],
    extras: Option<Vec<Box<str>>>,
    groups: Option<Vec<Box<str>>>,
}

impl Environment {
    /// `CPython` on illumos on x86, of a Python version such as `3.13` (taken for 3.13.0) or `3.13.15`.
    ///
    /// # Errors
    /// [`VersionError`] if that is no version.
    pub fn illumos(python: &str) -> Result<Self, VersionError> {
        let mut environment =
            Self { texts: Default::default(), versions: Default::default(), extras: None, groups: None };
        environment.set_python(python)?;
        for (variable, text) in [
            (Variable::OsName, "posix"),
            (Variable::SysPlatform, "sunos5"),
            (Variable::PlatformMachine, "i86pc"),
            (Variable::PlatformPythonImplementation, "CPython"),
            (Variable::PlatformRelease, "5.11"),
            (Variable::PlatformSystem, "SunOS"),
            (Variable::PlatformVersion, "illumos"),
            (Variable::ImplementationName, "cpython"),
        ] {
            environment.set(variable, text);
        }
        Ok(environment)
    }

    /// Sets all that follow from the version of Python, the version of the implementation too.
    ///
    /// # Errors
    /// [`VersionError`] if that is no version.
    pub fn set_python(&mut self, python: &str) -> Result<(), VersionError> {
        let release = Version::parse(repaired(python).as_ref())?.release();
        let number = |index: usize| release.get(index).map_or_else(|| "0".to_owned(), ToString::to_string);
        let short = format!("{}.{}", number(0), number(1));
        let full = if release.len() < 3 { format!("{short}.0") } else { python.to_owned() };
        self.set(Variable::PythonVersion, &short);
        self.set(Variable::PythonFullVersion, &full);
        self.set(Variable::ImplementationVersion, &full);
        Ok(())
    }

    /// Sets one variable. An environment has no text for `extra`, which is asked for with each evaluation; for the sets
    /// that lock files have, `text` is names with commas between them.
    pub fn set(&mut self, variable: Variable, text: &str) {
        let names = || text.split(',').map(|name| ExtraName::lenient(name.trim()).as_str().into()).collect();
        match variable {
            Variable::Extras => self.extras = Some(names()),
            Variable::DependencyGroups => self.groups = Some(names()),
            _ => {}
        }
        let Some(slot) = variable.slot() else {
            return;
        };
        let text = if variable == Variable::PythonFullVersion { repaired(text) } else { text.into() };
        self.versions[slot] = Some(variable).filter(|v| v.is_version()).and_then(|_| Version::parse(&text).ok());
        self.texts[slot] = text.into();
    }

    /// What a variable stands for. Sets, and `extra`, have no text.
    #[must_use]
    pub fn get(&self, variable: Variable) -> Option<&str> {
        self.texts.get(variable.slot()?).map(AsRef::as_ref)
    }

    /// The version that a variable stands for.
    pub(super) fn version(&self, variable: Variable) -> Option<DeclaredVersion<'_>> {
        let slot = variable.slot()?;
        Some(DeclaredVersion::known(&self.texts[slot], self.versions[slot].clone()))
    }

    /// The names in a set; none if the environment has no such set.
    pub(super) fn set_of(&self, variable: Variable) -> Option<&[Box<str>]> {
        match variable {
            Variable::Extras => self.extras.as_deref(),
            Variable::DependencyGroups => self.groups.as_deref(),
            _ => None,
        }
    }
}

/// Python that was built from a working copy says `3.13.0+`, which is no version.
fn repaired(python: &str) -> std::borrow::Cow<'_, str> {
    if python.ends_with('+') { format!("{python}local").into() } else { python.into() }
}
