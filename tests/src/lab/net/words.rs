//! What the stand-ins of the network say, and lists that they read.

use super::super::zfs::Refused;

/// A refusal of which everything has been said.
pub(super) fn said(status: u8) -> Refused {
    Refused { status, text: String::new() }
}

/// `name=value,name=value`. None: no such list.
pub(super) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let pair = |word: &str| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    text.split(',').map(pair).collect()
}
