//! What modules are checked for: a platform and a Python, stated and never taken from this machine.

use std::str::FromStr;

use clap::ValueEnum;

use crate::pep::{Environment, Variable, VersionError};
use crate::read::PythonVersion;

/// A platform, by the marker variables that it sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Platform {
    /// `sys_platform` sunos5, `platform_system` SunOS, `platform_machine` i86pc
    #[default]
    Illumos,
    /// `sys_platform` linux, `platform_system` Linux, `platform_machine` x86_64
    Linux,
    /// `sys_platform` darwin, `platform_system` Darwin, `platform_machine` arm64
    Macos,
    /// `sys_platform` win32, `platform_system` Windows, `platform_machine` AMD64, `os_name` nt
    Windows,
}

impl Platform {
    /// The variables that differ from those of illumos.
    fn variables(self) -> &'static [(Variable, &'static str)] {
        match self {
            Self::Illumos => &[],
            Self::Linux => &[
                (Variable::SysPlatform, "linux"),
                (Variable::PlatformSystem, "Linux"),
                (Variable::PlatformMachine, "x86_64"),
                (Variable::PlatformRelease, ""),
                (Variable::PlatformVersion, ""),
            ],
            Self::Macos => &[
                (Variable::SysPlatform, "darwin"),
                (Variable::PlatformSystem, "Darwin"),
                (Variable::PlatformMachine, "arm64"),
                (Variable::PlatformRelease, ""),
                (Variable::PlatformVersion, ""),
            ],
            Self::Windows => &[
                (Variable::OsName, "nt"),
                (Variable::SysPlatform, "win32"),
                (Variable::PlatformSystem, "Windows"),
                (Variable::PlatformMachine, "AMD64"),
                (Variable::PlatformRelease, ""),
                (Variable::PlatformVersion, ""),
            ],
        }
    }
}

/// `NAME=VALUE`: a marker variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Which.
    pub variable: Variable,
    /// Its value.
    pub value: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
        let variable = name.parse::<Variable>().map_err(|_| {
            let names: Vec<String> = Variable::ALL.iter().map(ToString::to_string).collect();
            format!("no such marker variable; there are {}", names.join(", "))
        })?;
        Ok(Self { variable, value: value.to_owned() })
    }
}

/// The environment of a Python.
///
/// # Errors
/// [`VersionError`]: the version of Python is none by PEP 440.
pub fn environment(
    platform: Platform,
    assignments: &[Assignment],
    python: &PythonVersion,
) -> Result<Environment, VersionError> {
    let mut environment = Environment::illumos(&python.to_string())?;
    for (variable, value) in platform.variables() {
        environment.set(*variable, value);
    }
    for assignment in assignments {
        environment.set(assignment.variable, &assignment.value);
    }
    Ok(environment)
}
