//! Commands outside of a resource.

use std::io::{IsTerminal, stdin};
use std::path::Path;

use super::super::brand::Brand;
use super::super::config::Config;
use super::super::host::print as put;
use super::super::index::{self, State};
use super::super::{Context, Done, fail, silent};
use super::draft::{Draft, clear_limit, set_limit};
use super::lex::{Token, Value, filters, value};
use super::print;
use super::properties::{self, ALIASES, GLOBAL, Resource};
use super::session::Session;
use super::verify;

/// One command; none is a syntax error.
pub(super) fn global(session: &mut Session, command: &str, rest: &[Token]) -> Option<Done> {
    let words: Vec<&str> = rest.iter().filter_map(word).collect();
    let plain = words.len() == rest.len();
    Some(match command {
        "create" if plain => create(session, &words)?,
        "add" => match words.as_slice() {
            [name] if plain => add(session, Resource::of(name)?),
            _ => return None,
        },
        "select" => {
            let (name, rest) = rest.split_first()?;
            select(session, Resource::of(word(name)?)?, &filters(rest)?)
        }
        "remove" => {
            let force = words.first() == Some(&"-F");
            let (name, rest) = rest[usize::from(force)..].split_first()?;
            remove(session, Resource::of(word(name)?)?, &filters(rest)?, force)
        }
        "set" => {
            let force = words.first() == Some(&"-F");
            match &rest[usize::from(force)..] {
                [Token::Word(name), Token::Sign('='), tokens @ ..] => set(session, name, value(tokens)?)?,
                _ => return None,
            }
        }
        "clear" => match words.as_slice() {
            [name] if plain => clear(session, name)?,
            _ => return None,
        },
        "info" => info(session, rest)?,
        "export" if plain => export(session, &words)?,
        "verify" if rest.is_empty() => verify::verify(session),
        "commit" if rest.is_empty() => session.commit(),
        "revert" if plain => revert(session, &words),
        "delete" if plain => delete(session, &words),
        "exit" if plain => {
            session.ended = true;
            Ok(())
        }
        "help" => {
            put("add cancel clear commit create delete end exit export help info remove revert select set verify\n");
            Ok(())
        }
        "end" | "cancel" => fail(format!("{command} command only makes sense in the resource scope.")),
        _ => return None,
    })
}

pub(super) fn word(token: &Token) -> Option<&str> {
    match token {
        Token::Word(word) => Some(word),
        Token::Sign(_) => None,
    }
}

/// `create [-F] [-b | -t TEMPLATE | -a PATH]`.
fn create(session: &mut Session, words: &[&str]) -> Option<Done> {
    let (mut force, mut template, mut attach) = (false, "SUNWdefault", None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "-F" => force = true,
            "-b" => template = "SUNWblank",
            "-t" => template = words.next()?,
            "-a" => attach = Some(*words.next()?),
            _ => return None,
        }
    }
    Some(do_create(session, force, template, attach))
}

fn do_create(session: &mut Session, force: bool, template: &str, attach: Option<&str>) -> Done {
    if session.state().is_some_and(|state| state >= State::Installed) {
        // No error: the commands that follow change the installed zone (section 8, create).
        eprintln!("Zone {} already installed; create not allowed.", session.zone);
        return Ok(());
    }
    if session.state().is_some() && !force && !stdin().is_terminal() {
        return fail(format!("Zone {} already exists; -F is needed to overwrite it.", session.zone));
    }
    let source = match attach {
        None => session.host.xml(template),
        Some(path) if Path::new(path).join("root").is_dir() => Path::new(path).join("SUNWdetached.xml"),
        Some(path) => return fail(format!("{path}/root is not a directory.")),
    };
    let mut config = Config::read(&source).or_else(|error| fail(format!("{}: {}", session.zone, error.message)))?;
    config.zone.set("name", &session.zone.clone());
    if let Some(path) = attach {
        config.zone.set("zonepath", path);
        config.zone.children.retain(|child| child.name != "package" && child.name != "patch");
    }
    session.config = Some(config);
    session.changed = true;
    Ok(())
}

fn add(session: &mut Session, resource: &'static Resource) -> Done {
    let config = session.config()?;
    if resource.single && !Draft::read_all(config, resource).is_empty() {
        return fail(format!("The {} resource already exists.", resource.name));
    }
    let other = match resource.name {
        "dedicated-cpu" => "capped-cpu",
        "capped-cpu" => "dedicated-cpu",
        _ => "",
    };
    if let Some(other) = Resource::of(other)
        && !Draft::read_all(config, other).is_empty()
    {
        return fail(format!("{} and {}: Incompatible settings", resource.name, other.name));
    }
    session.open = Some(Draft::new(resource));
    Ok(())
}

/// Those of a kind that have these values.
fn matching(config: &Config, resource: &'static Resource, filters: &[(String, String)]) -> Vec<Draft> {
    let fits = |draft: &Draft| filters.iter().all(|(name, value)| draft.get(name) == Some(value));
    Draft::read_all(config, resource).into_iter().filter(fits).collect()
}

fn select(session: &mut Session, resource: &'static Resource, filters: &[(String, String)]) -> Done {
    let mut found = matching(session.config()?, resource, filters);
    if found.len() > 1 {
        return fail(format!("More than one {} resource matches: Insufficient specification", resource.name));
    }
    match found.pop() {
        Some(draft) if resource.single || !filters.is_empty() => {
            session.open = Some(draft);
            Ok(())
        }
        Some(_) => fail("Insufficient specification"),
        None => fail(format!("{}: No such {} resource", session.zone, resource.name)),
    }
}

fn remove(session: &mut Session, resource: &'static Resource, filters: &[(String, String)], force: bool) -> Done {
    let found = matching(session.config()?, resource, filters);
    if found.is_empty() {
        return fail(format!("{}: No such {} resource", session.zone, resource.name));
    }
    if found.len() > 1 && !force {
        return fail(format!("{} {} resources match; -F is needed to remove them all.", found.len(), resource.name));
    }
    let config = session.config()?;
    found.iter().rev().for_each(|draft| draft.remove(config));
    session.changed = true;
    Ok(())
}

/// `set` of a global property.
fn set(session: &mut Session, name: &str, value: Value) -> Option<Done> {
    let Value::Simple(value) = value else {
        return Some(fail(format!("{name}: a simple value was expected.")));
    };
    let alias = ALIASES.iter().find(|(alias, ..)| *alias == name);
    if let Some((_, control, action, least, sized)) = alias {
        let limit = if *sized { properties::size(&value) } else { value.parse().ok() };
        return Some(match (limit, session.config()) {
            (_, Err(error)) => Err(error),
            (Some(limit), Ok(config)) if limit >= *least => {
                set_limit(config, control, limit, action);
                session.changed = true;
                Ok(())
            }
            _ => fail(format!("{name} {value}: Specified property is invalid")),
        });
    }
    if name != "zonename" && !GLOBAL.contains(&name) {
        return None;
    }
    Some(set_attribute(session, name, &value))
}

fn set_attribute(session: &mut Session, name: &str, value: &str) -> Done {
    session.config()?;
    let installed = session.state().is_some_and(|state| state >= State::Installed);
    if installed && ["zonepath", "brand"].contains(&name) {
        // No error either (section 8, create).
        eprintln!("Zone {} already installed; {name} cannot be set.", session.zone);
        return Ok(());
    }
    let altroot = session.host.altroot.clone();
    let lab = session.host.lab.clone();
    let taken = name == "zonename" && value != session.zone && session.host.xml(value).exists();
    let active = session.state().is_some_and(|state| state >= State::Ready);
    let config = session.config()?;
    let stored = match name {
        "zonename" if active => return fail("the zone is active; its name cannot be changed."),
        "zonename" if taken => return fail(format!("{value}: Zone name already in use")),
        "zonename" if !properties::is_zone_name(value) || value.starts_with("SUNW") => {
            return fail(format!("{value}: Bogus zone name"));
        }
        "zonepath" => {
            let Some(path) = properties::zonepath(value) else {
                return fail(format!("zonepath {value}: Specified property is invalid"));
            };
            match altroot.map(|root| Path::new(&path).strip_prefix(root).map(|rest| format!("/{}", rest.display()))) {
                None => path,
                Some(Ok(rest)) => rest,
                Some(Err(_)) => return fail("Bad document property"),
            }
        }
        _ if properties::global(name, value) => value.to_owned(),
        _ => return fail(format!("{name} {value}: Specified property is invalid")),
    };
    if name == "ip-type" && value == "exclusive" {
        let allowed = Brand::open(&lab, config.brand()).is_none_or(|brand| brand.allows_exclusive);
        if !allowed {
            return fail("ip-type exclusive is not allowed by the brand.");
        }
    }
    match name {
        "ip-type" if value == "shared" => config.zone.clear("ip-type"),
        "zonename" => config.zone.set("name", &stored),
        _ => config.zone.set(name, &stored),
    }
    session.changed = true;
    Ok(())
}

fn clear(session: &mut Session, name: &str) -> Option<Done> {
    if let Some((_, control, ..)) = ALIASES.iter().find(|(alias, ..)| *alias == name) {
        return Some(session.config().map(|config| clear_limit(config, control)).map(|()| session.changed = true));
    }
    if ["zonename", "zonepath", "brand"].contains(&name) {
        return Some(fail(format!("{name} cannot be cleared.")));
    }
    if !GLOBAL.contains(&name) {
        return None;
    }
    Some(
        session
            .config()
            .map(|config| if name == "autoboot" { config.zone.set(name, "false") } else { config.zone.clear(name) })
            .map(|()| session.changed = true),
    )
}

fn info(session: &mut Session, rest: &[Token]) -> Option<Done> {
    let config = match session.config() {
        Ok(config) => config.clone(),
        Err(error) => return Some(Err(error)),
    };
    let Some((first, rest)) = rest.split_first() else {
        put(&print::info(&config));
        return Some(Ok(()));
    };
    let name = word(first)?;
    if let Some(resource) = Resource::of(name) {
        let filters = filters(rest)?;
        let found = matching(&config, resource, &filters);
        if found.is_empty() && (!filters.is_empty() || !resource.single) {
            put(&format!("No such {name} resource.\n"));
        }
        found.iter().for_each(|draft| put(&print::info_draft(draft)));
        return Some(Ok(()));
    }
    let known = name == "zonename" || GLOBAL.contains(&name) || ALIASES.iter().any(|(alias, ..)| *alias == name);
    if !known || !rest.is_empty() {
        return None;
    }
    put(&print::info_global(&config, name).unwrap_or_default());
    Some(Ok(()))
}

fn export(session: &mut Session, words: &[&str]) -> Option<Done> {
    let file = match words {
        [] => None,
        ["-f", file] => Some(*file),
        _ => return None,
    };
    let saved = Config::read(&session.host.xml(&session.zone)).ok();
    Some(session.config().and_then(|config| {
        let text = print::export(config, saved.as_ref());
        match file {
            Some(file) => std::fs::write(file, text).during(file),
            None => {
                put(&text);
                Ok(())
            }
        }
    }))
}

fn revert(session: &mut Session, words: &[&str]) -> Done {
    if !words.contains(&"-F") && !stdin().is_terminal() {
        return fail("Input not from terminal and -F not specified: revert refused.");
    }
    session.config = None;
    session.changed = false;
    session.config().map(drop)
}

fn delete(session: &mut Session, words: &[&str]) -> Done {
    if !words.contains(&"-F") && !stdin().is_terminal() {
        return fail("Input not from terminal and -F not specified: delete refused.");
    }
    let Some(state) = session.state() else { return fail(format!("{}: No such zone configured", session.zone)) };
    if state >= State::Ready {
        return fail(format!("Zone {} is {}; delete not allowed.", session.zone, state.name()));
    }
    index::remove(&session.host, &session.zone)?;
    session.config = None;
    session.changed = false;
    let path = session.host.xml(&session.zone);
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => silent(),
        Err(error) => fail(format!("{}: {error}", path.display())),
    }
}
