//! Names of links, and MAC addresses as they are read and written.

use super::words::said;
use super::{Call, Refused};

/// The longest name of a link.
const LONGEST: usize = 31;

/// Source: `dladm_valid_linkname()` of libdladm.
pub(super) fn is_link(name: &str) -> bool {
    let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
    let number = &name[name.len() - digits..];
    name.len() <= LONGEST
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !number.is_empty()
        && (number == "0" || !number.starts_with('0'))
        && name.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"_.".contains(&letter))
}

/// A name for a link that is to be made. Source: `do_create_etherstub()`, `do_create_vnic()`.
pub(super) fn check(call: &mut Call<'_>, name: &str) -> Result<(), Refused> {
    if name.len() > LONGEST {
        return Err(call.dies(format!("link name too long '{name}'")));
    }
    if is_link(name) { Ok(()) } else { Err(call.dies(format!("invalid link name '{name}'"))) }
}

/// Source: `_link_aton()`: one or two hexadecimal digits a byte.
pub(super) fn mac(text: &str) -> Option<[u8; 6]> {
    let byte = |part: &str| (1..=2).contains(&part.len()).then(|| u8::from_str_radix(part, 16).ok())?;
    text.split(':').map(byte).collect::<Option<Vec<u8>>>()?.try_into().ok()
}

/// Source: `_link_ntoa()`: without leading zeros.
pub(super) fn shown(mac: Option<[u8; 6]>) -> String {
    let Some(mac) = mac else { return String::new() };
    mac.iter().map(|byte| format!("{byte:x}")).collect::<Vec<_>>().join(":")
}

impl Call<'_> {
    /// A refusal as dladm words it: the command as it was called, and what is wrong.
    pub(super) fn dies(&mut self, text: impl AsRef<str>) -> Refused {
        self.host.complain(&format!("{}: {}", self.program, text.as_ref()));
        said(1)
    }
}
