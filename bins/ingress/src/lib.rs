//! The flags of `ingress`, and what it says.

mod cli;

use std::num::NonZeroU16;

use serde_json::{Value, json};
use zonelib::host;
use zonelib::journal::{Failure, Recovered};
use zonelib::net::{Ingress, IngressKind};
use zonelib::program::{self, Answer};
use zonelib::router::RouterError;
use zonelib::router::ingress::{Done, Failed, WantedIngress, add, list, remove};

pub use cli::{Add, Cli, RouterName, Target, Verb};

/// What it is called in messages.
pub const PROGRAM: &str = "ingress";

/// Does what the flags say.
///
/// # Errors
/// [`Failed`]: nothing has changed, unless it says so.
pub fn run(cli: &Cli) -> Result<Answer, Failed> {
    host::usual_umask();
    let signals = |source| RouterError::Root { path: "signals".into(), source };
    host::watch_signals().map_err(|error| Box::new(Failure::Undone(signals(error).into())))?;
    match &cli.verb {
        Verb::Add(asked) => {
            let done = add(&wanted(asked), &asked.state.dir(), asked.dry_run, tell)?;
            Ok(report(&done, "lets in", asked.dry_run))
        }
        Verb::Remove { name, port, router, dry_run, state } => {
            let which = (name, port.map(NonZeroU16::get), router.as_ref().map(|router| &router.0));
            let done = remove(which, &state.dir(), *dry_run, tell)?;
            Ok(report(&done, "no longer lets in", *dry_run))
        }
        Verb::List { parsable, json, router, state } => {
            let mut all = list(&state.dir()).map_err(|error| Box::new(Failure::Undone(error.into())))?;
            if let Some(RouterName(router)) = router {
                all.retain(|ingress| ingress.router.zone_name() == router.zone_name());
            }
            let text = match (json, parsable) {
                (true, _) => {
                    format!("{}\n", json!({ "version": 1, "ingresses": all.iter().map(data).collect::<Vec<_>>() }))
                }
                (false, true) => all.iter().map(parsable_line).collect(),
                (false, false) => table(&all),
            };
            Ok(program::answer(PROGRAM, &text, Answer::Yes))
        }
    }
}

fn wanted(asked: &Add) -> WantedIngress {
    let (kind, host) = match (&asked.http, &asked.tls_sni) {
        (Some(host), _) => (IngressKind::Http, Some(host)),
        (_, Some(host)) => (IngressKind::Tls, Some(host)),
        (None, None) => (IngressKind::Tcp, None),
    };
    WantedIngress {
        name: asked.name.clone(),
        kind,
        host: host.cloned(),
        port: asked.port.get(),
        zone: asked.target.zone.clone(),
        zone_port: asked.target.port.get(),
        router: asked.router.as_ref().map(|router| router.0.clone()),
    }
}

fn tell(recovered: &Recovered) {
    program::tell(&format!("{PROGRAM}: what an interrupted `{}` left was put right first", recovered.operation));
}

fn report(done: &Done, verb: &str, dry: bool) -> Answer {
    let router = done.ingress.router.zone_name();
    if dry {
        let mut text = format!("would write down that {router} {verb} {}\n", sentence(&done.ingress));
        done.changes.iter().for_each(|change| text.push_str(&format!("would {}", change.text(router))));
        done.commands.iter().for_each(|command| text.push_str(&format!("would run {command}\n")));
        return program::answer(PROGRAM, &text, Answer::Yes);
    }
    if !done.running {
        program::tell(&format!("{PROGRAM}: {router} does not run; its haproxy reads this when it does"));
    }
    program::answer(PROGRAM, &format!("{router} {verb} {}\n", sentence(&done.ingress)), Answer::Yes)
}

fn kind(ingress: &Ingress) -> &'static str {
    match ingress.kind {
        IngressKind::Http => "http",
        IngressKind::Tcp => "tcp",
        IngressKind::Tls => "tls-sni",
    }
}

fn sentence(ingress: &Ingress) -> String {
    let host = ingress.host.as_ref().map(|host| format!(" for {host}")).unwrap_or_default();
    let (name, port, zone, zone_port) = (&ingress.name, ingress.port, &ingress.zone, ingress.zone_port);
    format!("`{name}`: {} at port {port}{host} to {zone}:{zone_port}", kind(ingress))
}

fn data(ingress: &Ingress) -> Value {
    json!({
        "router": ingress.router.zone_name(),
        "name": ingress.name,
        "kind": kind(ingress),
        "host": ingress.host,
        "port": ingress.port,
        "zone": ingress.zone,
        "zone_port": ingress.zone_port,
    })
}

fn fields(ingress: &Ingress) -> [String; 6] {
    let host = ingress.host.as_ref().map_or("-".to_owned(), ToString::to_string);
    [
        ingress.router.zone_name().to_owned(),
        ingress.name.to_string(),
        kind(ingress).to_owned(),
        host,
        ingress.port.to_string(),
        format!("{}:{}", ingress.zone, ingress.zone_port),
    ]
}

fn parsable_line(ingress: &Ingress) -> String {
    format!("{}\n", fields(ingress).join("\t"))
}

fn table(all: &[Ingress]) -> String {
    let rows: Vec<[String; 6]> = all.iter().map(fields).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let padded: Vec<String> = row.iter().zip(widths).map(|(field, width)| format!("{field:width$}")).collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
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
    fn targets_are_a_zone_and_a_port() {
        for text in ["web:80", "a.b-c_d:65535"] {
            assert!(text.parse::<Target>().is_ok(), "{text}");
        }
        for text in
            ["web", "web:", "web:0", "web:65536", ":80", "global:80", "we b:80", "web:80:", "web:-1", "web:+80x"]
        {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
