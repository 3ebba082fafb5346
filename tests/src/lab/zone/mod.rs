//! Stand-ins for `zoneadm`, `zonecfg` and `zlogin`, with zoneadmd's part in the first of them.
//!
//! What they do, in which order, and what they refuse is the brand protocol of illumos as of mid-2021. The
//! numbers of sections in comments are those of the project's collection of facts about it.

mod anomaly;
mod attach;
mod boot;
mod brand;
mod bring_up;
mod build;
mod clone;
mod config;
mod getopt;
mod hooks;
mod host;
mod index;
mod install;
mod kernel;
mod list;
mod mounts;
mod r#move;
mod verify;
mod zoneadm;
mod zoneadmd;
mod zonecfg;
mod zonepath;

use std::ffi::OsString;
use std::fmt::Display;

use super::{Lab, net};

pub use zoneadm::zoneadm;
pub use zonecfg::{zonecfg, zonecfg_words};

/// Why a command ends: its exit status, and what is left to say.
#[derive(Debug)]
pub(crate) struct Failed {
    status: u8,
    message: String,
}

pub(crate) type Done<T = ()> = Result<T, Failed>;

/// A failure to tell, with the exit status 1 (section 1).
fn fail<T>(message: impl Into<String>) -> Done<T> {
    Err(Failed { status: 1, message: message.into() })
}

/// A failure of which everything has been said.
fn silent<T>() -> Done<T> {
    fail("")
}

/// Adds what was being done to an error.
trait Context<T> {
    fn during(self, what: impl Display) -> Done<T>;
}

impl<T, E: Display> Context<T> for Result<T, E> {
    fn during(self, what: impl Display) -> Done<T> {
        self.or_else(|error| fail(format!("{what}: {error}")))
    }
}

impl Lab {
    /// The zones that the kernel knows, each with its state.
    #[must_use]
    pub fn active_zones(&self) -> Vec<(String, String)> {
        kernel::zones(self).into_iter().map(|zone| (zone.name, zone.state.name().to_owned())).collect()
    }
}

/// `zlogin ZONE COMMAND ...`: runs the commands of the network in a running zone; of others it notes that it was asked
/// to run them.
#[must_use]
pub fn zlogin(lab: &Lab, arguments: &[OsString]) -> u8 {
    let words: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let flags = words.iter().take_while(|word| word.starts_with('-')).count();
    let Some(zone) = words.get(flags) else {
        eprintln!("usage: zlogin [-S] zonename [utility [argument ...]]");
        return 2;
    };
    match kernel::state(lab, zone) {
        Some(index::State::Running) => {}
        _ => {
            eprintln!("zlogin: zone '{zone}' is not running");
            return 1;
        }
    }
    let line = serde_json::json!({ "zone": zone, "words": &words[flags + 1..] });
    if let Err(error) = host::append(&lab.place(".lab/zlogin.log"), &format!("{line}\n")) {
        eprintln!("zlogin: {error}");
        return 1;
    }
    match arguments.get(flags + 1..) {
        Some([program, rest @ ..]) => net::in_running_zone(lab, zone, program, rest).unwrap_or(0),
        _ => 0,
    }
}
