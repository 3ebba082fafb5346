//! What is printed: text for people, JSON for programs.

mod findings;
mod show;

use serde::Serialize;

pub use findings::{Section, findings_text};
pub use show::{Style, Tone, count, harmless, harmless_json};

/// The version of the JSON that is printed. It grows when something that was there changes its meaning.
pub const FORMAT: u32 = 1;

/// Data as JSON, for a terminal or for a program.
///
/// # Errors
/// The data cannot be JSON; those here can.
pub fn json(data: &impl Serialize, style: Style) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(data)?;
    let text = if style.width.is_some() { harmless_json(&text) } else { text };
    Ok(text + "\n")
}
