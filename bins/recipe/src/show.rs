//! A recipe in words and as data.

use std::fmt::Write;

use serde_json::{Value, json};
use zonelib::populate::printable;
use zonelib::recipe::{Link, PruneList, PruneSet, Recipe, Share, Template};

/// A recipe in words, one line a subject.
pub(crate) fn text(recipe: &Recipe) -> String {
    let mut out = String::new();
    let mut line = |subject: &str, words: String| {
        if !words.is_empty() {
            // Writing to a string does not fail.
            let _ = writeln!(out, "{subject:12} {words}");
        }
    };
    line("brand", format!("{}: {}", recipe.name, printable(recipe.description.as_bytes())));
    line("recipe", recipe.origin.display().to_string());
    for share in &recipe.shares {
        line("shares", shared(share));
    }
    let editable = if recipe.pristine { "; editable files as they were packaged" } else { "" };
    line("copies", format!("{}{editable}", recipe.copied.join(", ")));
    line("prunes", pruned(&recipe.prune));
    line("lists", recipe.lists.iter().map(counted).collect::<Vec<_>>().join(", "));
    line("packages", packages(recipe));
    line("database", database(recipe));
    for create in &recipe.create {
        line("creates", format!("{} {:04o} {}:{}", create.path, create.mode, create.owner, create.group));
    }
    for link in &recipe.links {
        line("links", linked(link));
    }
    if let Some(smf) = &recipe.smf {
        line("services", format!("{} from {}", smf.repository, smf.seed));
        for profile in &smf.profiles {
            line("profile", linked(profile));
        }
    }
    if let Some(catalogues) = &recipe.catalogues {
        line("catalogues", format!("{} in {}", catalogues.suffixes.join(", "), catalogues.directory));
    }
    let templates = match recipe.template {
        Template::None => "none",
        Template::Source => "-T DIR fills a zone from the template DIR",
        Template::Target => "-T makes a template instead of a zone",
    };
    line("templates", templates.to_owned());
    let golden = if recipe.golden { "zones in ZFS are clones of one that is filled once" } else { "" };
    line("golden image", golden.to_owned());
    out
}

fn shared(share: &Share) -> String {
    match &share.clone {
        Some(prune) => format!("{} from {}, a clone of it without {}", share.path, share.from, pruned(prune)),
        None if share.from == share.path => share.path.clone(),
        None => format!("{} from {}", share.path, share.from),
    }
}

fn pruned(set: &PruneSet) -> String {
    match set.paths().count() {
        0 => "nothing".to_owned(),
        1 => "1 path".to_owned(),
        count => format!("{count} paths"),
    }
}

fn counted(list: &PruneList) -> String {
    format!("{} ({})", list.name, list.entries.len())
}

fn packages(recipe: &Recipe) -> String {
    let choice = if recipe.choose { "all, or those that -o and -p choose" } else { "all" };
    let scripts = if recipe.postinstall { "; postinstall scripts are run" } else { "" };
    let mut omitted = recipe.omit.clone();
    for path in &recipe.omit_owners_of {
        let but = recipe.omit_owners_except.join(", ");
        let but = if but.is_empty() { but } else { format!(" but {but}") };
        omitted.push(format!("those on {path}{but}"));
    }
    let omitted = if omitted.is_empty() { String::new() } else { format!("; no metadata of {}", omitted.join(", ")) };
    format!("{choice}{scripts}{omitted}")
}

fn database(recipe: &Recipe) -> String {
    let mut without = recipe.drop.clone();
    let pruned = recipe.prune_contents.paths().count();
    if pruned > 0 {
        without.push(format!("{pruned} pruned paths"));
    }
    if without.is_empty() { "that of the image".to_owned() } else { format!("without {}", without.join(", ")) }
}

fn linked(link: &Link) -> String {
    format!("{} -> {}", link.path, printable(link.target.as_bytes()))
}

/// A recipe as data, with every pruned path.
pub(crate) fn data(recipe: &Recipe) -> Value {
    let paths =
        |set: &PruneSet| set.paths().map(|path| String::from_utf8_lossy(&path).into_owned()).collect::<Vec<_>>();
    let links = |links: &[Link]| {
        links.iter().map(|link| json!({ "path": link.path, "target": link.target })).collect::<Vec<_>>()
    };
    let share = |share: &Share| json!({ "path": share.path, "from": share.from, "clone_prunes": share.clone.as_ref().map(paths) });
    let list = |list: &PruneList| json!({ "name": list.name, "entries": list.entries.len() });
    json!({
        "version": 1,
        "brand": recipe.name,
        "description": recipe.description,
        "recipe": recipe.origin.display().to_string(),
        "template": match recipe.template {
            Template::None => "none",
            Template::Source => "source",
            Template::Target => "target",
        },
        "golden": recipe.golden,
        "shares": recipe.shares.iter().map(share).collect::<Vec<_>>(),
        "copies": recipe.copied,
        "pristine": recipe.pristine,
        "prunes": paths(&recipe.prune),
        "lists": recipe.lists.iter().map(list).collect::<Vec<_>>(),
        "packages": {
            "choose": recipe.choose,
            "postinstall": recipe.postinstall,
            "omit": recipe.omit,
            "omit_owners_of": recipe.omit_owners_of,
            "omit_owners_except": recipe.omit_owners_except,
        },
        "contents": { "drops": recipe.drop, "prunes": paths(&recipe.prune_contents) },
        "creates": recipe.create.iter().map(|create| json!({
            "path": create.path,
            "mode": format!("{:04o}", create.mode),
            "owner": create.owner,
            "group": create.group,
        })).collect::<Vec<_>>(),
        "links": links(&recipe.links),
        "services": recipe.smf.as_ref().map(|smf| json!({
            "profiles": links(&smf.profiles),
            "seed": smf.seed,
            "repository": smf.repository,
        })),
        "catalogues": recipe.catalogues.as_ref().map(|catalogues| json!({
            "directory": catalogues.directory,
            "suffixes": catalogues.suffixes,
        })),
    })
}
