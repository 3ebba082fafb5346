//! The flags of `be-uuid`, and what it says.

pub mod cli;

use serde_json::{Value, json};
use zonelib::host::DatasetName;
use zonelib::host::be::{self, BeError, BeUuid};
use zonelib::program::{self, Answer};

pub use cli::Cli;

/// What it is called in messages.
pub const PROGRAM: &str = "be-uuid";

/// The flag table, for help, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Does what the flags say.
///
/// # Errors
/// [`BeError`].
pub fn run(cli: &Cli) -> Result<Answer, BeError> {
    match (&cli.set, &cli.show) {
        (Some(dataset), _) => store(cli, dataset),
        (None, Some(Some(dataset))) => show_dataset(cli, dataset),
        (None, Some(None)) => show_running(cli),
        (None, None) => {
            let uuid = BeUuid::generate().to_string();
            Ok(say(cli, &uuid, json!({ "uuid": uuid }), Answer::Yes))
        }
    }
}

fn store(cli: &Cli, dataset: &DatasetName) -> Result<Answer, BeError> {
    let (uuid, old) = be::mark(dataset, cli.force)?;
    let uuid = uuid.to_string();
    if let Some(old) = &old {
        let old = old.escape_debug();
        program::complain(
            PROGRAM,
            &format!(
                "`{dataset}` had {old}; zones whose org.opensolaris.libbe:parentbe says so are not found until it is {uuid}"
            ),
        );
    }
    let data = json!({ "uuid": uuid, "dataset": dataset.as_str(), "replaced": old });
    Ok(say(cli, &uuid, data, Answer::Yes))
}

fn show_dataset(cli: &Cli, dataset: &DatasetName) -> Result<Answer, BeError> {
    let property = be::of_dataset(dataset)?;
    let more = json!({ "dataset": dataset.as_str(), "inherited": property.as_ref().map(|property| !property.own) });
    let missing = format!("`{dataset}` has no UUID; give it one with `be-uuid --set '{dataset}'`");
    show(cli, property.map(|property| property.uuid), more, &missing)
}

fn show_running(cli: &Cli) -> Result<Answer, BeError> {
    let environment = be::running()?;
    let name = environment.name.escape_debug();
    let missing = format!(
        "the running boot environment `{name}` has no UUID, so no zone can belong to it; give it one with \
         `be-uuid --set POOL/ROOT/{name}`"
    );
    show(cli, environment.uuid.clone(), json!({ "boot_environment": environment.name }), &missing)
}

fn show(cli: &Cli, uuid: Option<String>, mut more: Value, missing: &str) -> Result<Answer, BeError> {
    if let Some(uuid) = &uuid {
        uuid.parse::<BeUuid>()?;
        more["uuid"] = json!(uuid);
        return Ok(say(cli, uuid, more, Answer::Yes));
    }
    let answer = if cli.json {
        more["uuid"] = Value::Null;
        say(cli, "", more, Answer::No)
    } else {
        Answer::No
    };
    program::complain(PROGRAM, missing);
    Ok(answer)
}

/// Prints an answer in the form that was asked for.
fn say(cli: &Cli, text: &str, mut data: Value, answer: Answer) -> Answer {
    if cli.json {
        data["version"] = json!(1);
        program::answer(PROGRAM, &format!("{data}\n"), answer)
    } else {
        program::answer(PROGRAM, &format!("{text}\n"), answer)
    }
}
