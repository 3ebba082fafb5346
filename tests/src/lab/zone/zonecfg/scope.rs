//! Commands while a resource is open.

use super::super::host::print as put;
use super::super::{Done, fail};
use super::commands::word;
use super::draft::Draft;
use super::lex::{Token, Value, value};
use super::print;
use super::properties::{self, Property};
use super::session::Session;

/// One command; none is a syntax error.
pub(super) fn resource(session: &mut Session, command: &str, rest: &[Token]) -> Option<Done> {
    let exclusive = match session.config() {
        Ok(config) => config.exclusive(),
        Err(error) => return Some(Err(error)),
    };
    let draft = session.open.as_mut()?;
    Some(match (command, rest) {
        ("set", [Token::Word(name), Token::Sign('='), tokens @ ..]) => set(draft, name, value(tokens)?, exclusive)?,
        ("clear", [Token::Word(name)]) => {
            let property = draft.resource.property(name)?;
            if property.required {
                fail(format!("{name}: clearing it is not allowed."))
            } else {
                draft.values.retain(|(known, _)| known != name);
                Ok(())
            }
        }
        ("add", [Token::Word(name), tokens @ ..]) => add(draft, name, value(tokens)?)?,
        ("remove", [Token::Word(name), tokens @ ..]) => remove(draft, name, value(tokens)?)?,
        ("info", []) => {
            put(&print::info_draft(draft));
            Ok(())
        }
        ("end", []) => end(session),
        ("cancel", []) => {
            session.open = None;
            Ok(())
        }
        ("exit", words) if words.iter().all(|token| word(token).is_some()) => {
            session.ended = true;
            Ok(())
        }
        ("help", _) => {
            put("add cancel clear end exit help info remove set\n");
            Ok(())
        }
        ("verify" | "commit", []) => fail(format!("{} resource specification incomplete.", draft.resource.name)),
        ("create" | "delete" | "revert" | "select" | "export", _) => {
            fail(format!("{command} command only makes sense in the global scope."))
        }
        _ => return None,
    })
}

fn set(draft: &mut Draft, name: &str, value: Value, exclusive: bool) -> Option<Done> {
    let property = draft.resource.property(name)?;
    match value {
        Value::List(values) if property.many && (name == "options" || values.is_empty()) => {
            draft.values.retain(|(known, _)| known != name);
            draft.values.extend(values.into_iter().map(|value| (name.to_owned(), value)));
            return Some(Ok(()));
        }
        Value::Simple(value) if !property.many => {
            if !properties::property(draft.resource.name, name, &value, exclusive) {
                return Some(fail(format!("{name} {value}: Specified property is invalid")));
            }
            if name == "defrouter" && value.contains('/') {
                eprintln!("WARNING: a default router has no prefix length: {value}");
            }
            draft.set(name, value);
        }
        _ => return Some(fail(format!("{name}: a value of another form was expected."))),
    }
    Some(Ok(()))
}

/// The values that are meant, in the form in which a draft keeps them.
fn several(property: &Property, value: Value) -> Done<Vec<String>> {
    match value {
        Value::Simple(value) if property.name == "options" => Ok(vec![value]),
        Value::List(values) if property.name == "options" => Ok(values),
        Value::Complex(pairs) if property.name == "value" => {
            let part = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
            let (Some(class), Some(limit), Some(action)) = (part("priv"), part("limit"), part("action")) else {
                return fail("an rctl value has priv, limit and action.");
            };
            if class != "privileged" || limit.parse::<u64>().is_err() || !["none", "deny"].contains(&action) {
                return fail(format!("(priv={class},limit={limit},action={action}): Specified property is invalid"));
            }
            Ok(vec![format!("(priv={class},limit={limit},action={action})")])
        }
        _ => fail(format!("{}: a value of another form was expected.", property.name)),
    }
}

fn add(draft: &mut Draft, name: &str, value: Value) -> Option<Done> {
    let property = draft.resource.property(name)?;
    if !property.many {
        return Some(fail(format!("{name} takes one value: use set.")));
    }
    Some(several(property, value).map(|values| {
        draft.values.extend(values.into_iter().map(|value| (name.to_owned(), value)));
    }))
}

fn remove(draft: &mut Draft, name: &str, value: Value) -> Option<Done> {
    let property = draft.resource.property(name)?;
    if !property.many {
        return Some(fail(format!("{name} takes one value: use clear.")));
    }
    Some(several(property, value).and_then(|values| {
        for value in values {
            let place = draft.values.iter().position(|(known, old)| known == name && *old == value);
            match place {
                Some(place) => drop(draft.values.remove(place)),
                None => return fail(format!("{name} {value}: No such entry")),
            }
        }
        Ok(())
    }))
}

/// `end`: everything that is required, nothing twice.
fn end(session: &mut Session) -> Done {
    let Some(draft) = session.open.clone() else { return Ok(()) };
    let resource = draft.resource;
    for property in resource.properties.iter().filter(|property| property.required) {
        if draft.get(property.name).is_none() {
            return fail(format!("{}: required property not specified", property.name));
        }
    }
    if resource.name == "capped-memory" && draft.values.is_empty() {
        return fail("capped-memory: at least one of physical, swap and locked: Required property missing");
    }
    let bytes = |name: &str| draft.get(name).and_then(properties::size);
    if let (Some(locked), Some(physical)) = (bytes("locked"), bytes("physical"))
        && resource.name == "capped-memory"
        && locked > physical
    {
        return fail("locked must not be more than physical: Incompatible settings");
    }
    if resource.name == "attr" {
        let (kind, value) = (draft.get("type").unwrap_or_default(), draft.get("value").unwrap_or_default());
        if !properties::attr_value(kind, value) {
            return fail(format!("{value} is no value of type {kind}."));
        }
    }
    let config = session.config()?;
    let same = |other: &Draft| {
        !resource.unique.is_empty()
            && other.place != draft.place
            && resource.unique.iter().all(|name| other.get(name) == draft.get(name))
    };
    if Draft::read_all(config, resource).iter().any(same) {
        return fail(format!("A {} resource with the same values already exists.", resource.name));
    }
    draft.write(config);
    session.open = None;
    session.changed = true;
    Ok(())
}
