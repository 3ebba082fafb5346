//! `info` and `export` (section 8).

use std::fmt::Write;

use super::super::config::Config;
use super::draft::{Draft, limit};
use super::properties::{ALIASES, GLOBAL, RESOURCES, Resource, print_size};

/// `info` of everything.
pub(super) fn info(config: &Config) -> String {
    let mut text = info_global(config, "zonename").unwrap_or_default();
    text.extend(GLOBAL.iter().filter_map(|name| info_global(config, name)));
    text.extend(ALIASES.iter().filter_map(|(name, ..)| info_global(config, name)));
    for resource in RESOURCES {
        text.extend(Draft::read_all(config, resource).iter().map(info_draft));
    }
    text
}

/// One global property; none where there is no such property, or an alias has no value.
pub(super) fn info_global(config: &Config, name: &str) -> Option<String> {
    if name == "zonename" {
        return Some(format!("zonename: {}\n", config.zone.text("name")));
    }
    if let Some((_, control, _, _, sized)) = ALIASES.iter().find(|(alias, ..)| *alias == name) {
        let limit = limit(config, control)?;
        let value = if *sized { print_size(limit) } else { limit.to_string() };
        return Some(format!("[{name}: {value}]\n"));
    }
    let value = match name {
        "brand" => config.brand(),
        "ip-type" if !config.exclusive() => "shared",
        _ if GLOBAL.contains(&name) => config.zone.text(name),
        _ => return None,
    };
    Some(format!("{name}: {}\n", quoted(value)))
}

/// A resource.
pub(super) fn info_draft(draft: &Draft) -> String {
    let mut text = format!("{}:\n", draft.resource.name);
    for property in draft.resource.properties {
        let name = property.name;
        let values: Vec<&str> = draft.all(name).collect();
        let optional_alias = ["capped-memory", "capped-cpu"].contains(&draft.resource.name);
        let _ = if name == "options" {
            writeln!(text, "\toptions: [{}]", values.iter().map(|value| option(value)).collect::<Vec<_>>().join(","))
        } else if property.many {
            values.iter().try_for_each(|value| writeln!(text, "\t{name}: {value}"))
        } else {
            match values.first() {
                Some(value) if optional_alias && name != "physical" => writeln!(text, "\t[{name}: {value}]"),
                Some(value) => writeln!(text, "\t{name}: {}", quoted(value)),
                None if optional_alias => Ok(()),
                None => writeln!(text, "\t{name} not specified"),
            }
        };
    }
    text
}

/// Values with blanks are in quotes.
fn quoted(value: &str) -> String {
    if value.contains([' ', '\t']) { format!("\"{value}\"") } else { value.to_owned() }
}

fn option(value: &str) -> String {
    if value.contains('=') { format!("\"{value}\"") } else { value.to_owned() }
}

/// `export`. The brand is that of the saved file.
pub(super) fn export(config: &Config, saved: Option<&Config>) -> String {
    let mut text = "create -b\n".to_owned();
    for name in GLOBAL {
        let value = match *name {
            "brand" => saved.map(Config::brand).filter(|brand| *brand != "native").unwrap_or_default(),
            "ip-type" if !config.exclusive() => "shared",
            _ => config.zone.text(name),
        };
        if !value.is_empty() {
            let _ = writeln!(text, "set {name}={value}");
        }
    }
    let shown = RESOURCES.iter().filter(|resource| resource.name != "capped-cpu");
    for draft in shown.flat_map(|resource: &'static Resource| Draft::read_all(config, resource)) {
        export_draft(&draft, &mut text);
    }
    text
}

fn export_draft(draft: &Draft, text: &mut String) {
    let memory = draft.resource.name == "capped-memory";
    // What of it is a resource control is exported as one.
    if memory && draft.get("physical").is_none() {
        return;
    }
    let _ = writeln!(text, "add {}", draft.resource.name);
    for property in draft.resource.properties {
        let name = property.name;
        if memory && name != "physical" {
            continue;
        }
        for value in draft.all(name) {
            let _ = match name {
                "options" => writeln!(text, "add options {}", option(value)),
                "value" if property.many => writeln!(text, "add value {value}"),
                _ => writeln!(text, "set {name}=\"{value}\""),
            };
        }
    }
    text.push_str("end\n");
}
