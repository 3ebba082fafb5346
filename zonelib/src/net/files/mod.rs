//! The text of configuration files: records in, text out. Nothing is read or written here.
//!
//! What goes into a file is a value of a type that has no blank, quote or newline, or is quoted as the file's own
//! syntax wants. Every file says that zonekit has written it. One that others may edit too keeps their lines: ours
//! are a block in it ([`block`]).

pub mod block;
pub mod cloud_init;
pub mod dnsmasq;
pub mod haproxy;
pub mod interface;
pub mod ipf;
pub mod ipnat;
pub mod resolver;
mod routing;
pub mod smf;
pub mod sysidcfg;
mod values;

pub use routing::{Beside, Routing, RoutingError};
pub use values::{CryptedPassword, LxKernel, SshKey, Timezone, ValueError};

/// The first line of a file that is zonekit's own.
pub const HEADER: &str = "# Written by zonekit, which replaces this file: changes are lost.\n";

/// Lines as text.
fn text(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
