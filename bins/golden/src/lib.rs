//! The flags of `golden`, and what it says.

mod cli;

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use zonelib::brand::HookError;
use zonelib::brand::golden::{Fate, Image, images, prune, settle};
use zonelib::host;
use zonelib::journal::StateDir;
use zonelib::program::{self, Answer, size};

pub use cli::{Cli, Place, Verb};

/// What it is called in messages.
pub const PROGRAM: &str = "zonekit-golden";

/// Does what the flags say.
///
/// # Errors
/// [`HookError`]: the images cannot be listed.
pub fn run(cli: &Cli) -> Result<Answer, HookError> {
    host::usual_umask();
    match &cli.verb {
        Verb::List { place, parsable, json } => {
            let all = images(place.under.as_ref())?;
            let text = match (json, parsable) {
                (true, _) => {
                    format!("{}\n", json!({ "version": 1, "images": all.iter().map(data).collect::<Vec<_>>() }))
                }
                (false, true) => all.iter().map(parsable_line).collect(),
                (false, false) => table(&all),
            };
            Ok(program::answer(PROGRAM, &text, Answer::Yes))
        }
        Verb::Prune { place, dry_run, state, images: asked } => {
            if !host::is_root() && !dry_run {
                return Err(HookError::NotRoot);
            }
            let all = images(place.under.as_ref())?;
            let state = (!dry_run).then(|| state.dir());
            let answer = prune_all(&all, asked, state.as_ref());
            state.iter().for_each(settle);
            Ok(answer)
        }
    }
}

/// Without a state directory nothing is done.
fn prune_all(all: &[Image], asked: &[String], state: Option<&StateDir>) -> Answer {
    let mut answer = Answer::Yes;
    let is_asked = |image: &&Image| asked.is_empty() || asked.iter().any(|name| is_called(image, name));
    for name in asked.iter().filter(|name| !all.iter().any(|image| is_called(image, name))) {
        program::complain(PROGRAM, &format!("there is no golden image `{name}`; `{PROGRAM} list` names them"));
        answer = Answer::Failed;
    }
    for image in all.iter().filter(is_asked) {
        let fate = match state {
            Some(state) => prune(image, state),
            None => Ok(image.fate()),
        };
        match fate {
            Err(error) => {
                program::complain(PROGRAM, &format!("{}: {error}", image.dataset));
                answer = Answer::Failed;
            }
            Ok(Fate::Destroyed) => {
                let said = if state.is_some() { "was destroyed" } else { "would be destroyed" };
                program::print(&format!("{} {said}, {}\n", image.dataset, size(image.used)));
            }
            Ok(fate) if asked.is_empty() => {
                program::print(&format!("{} stays: {}\n", image.dataset, why(image, &fate)))
            }
            Ok(fate) => {
                program::complain(PROGRAM, &format!("{} stays: {}", image.dataset, why(image, &fate)));
                if answer == Answer::Yes {
                    answer = Answer::No;
                }
            }
        }
    }
    answer
}

fn is_called(image: &Image, name: &str) -> bool {
    image.name.as_str() == name || image.dataset.as_str() == name
}

fn why(image: &Image, fate: &Fate) -> String {
    match fate {
        Fate::Busy(holder) => format!("{holder} works on it"),
        Fate::Foreign => format!("`{}` is not zonekit's; destroy that first", image.foreign.join("`, `")),
        // Somebody may have cloned it after it was listed.
        _ if image.users.is_empty() => "a zone has become a clone of it".to_owned(),
        _ => format!("{} is a clone of it", image.users.join(", ")),
    }
}

fn data(image: &Image) -> Value {
    json!({
        "dataset": image.dataset.as_str(),
        "brand": image.name.brand(),
        "fingerprint": image.name.fingerprint(),
        "used": image.used,
        "created": image.created,
        "whole": image.whole,
        "users": image.users,
    })
}

fn parsable_line(image: &Image) -> String {
    let users = if image.users.is_empty() { "-".to_owned() } else { image.users.join(",") };
    let state = state(image);
    format!("{}\t{}\t{}\t{state}\t{users}\n", image.dataset, image.used, image.created)
}

fn state(image: &Image) -> &'static str {
    if image.whole { "whole" } else { "unfinished" }
}

fn table(images: &[Image]) -> String {
    let width = images.iter().map(|image| image.dataset.as_str().len()).max().unwrap_or(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut text = String::new();
    for image in images {
        let (size, age) = (size(image.used), age(now.saturating_sub(image.created)));
        let users = match &image.users[..] {
            _ if !image.whole => "unfinished".to_owned(),
            [] => "no users".to_owned(),
            users => users.join(", "),
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:width$}  {size:>11}  {age:>10}  {users}", image.dataset.as_str());
    }
    text
}

fn age(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// The flag table, for help, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_table_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn ages_are_told_in_what_people_count() {
        let cases = [(0, "0 seconds"), (1, "1 second"), (119, "119 seconds"), (120, "2 minutes"), (7200, "2 hours")];
        for (seconds, said) in cases.into_iter().chain([(172_800, "2 days"), (8_640_000, "100 days")]) {
            assert_eq!(age(seconds), said);
        }
    }
}
