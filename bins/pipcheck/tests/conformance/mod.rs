//! Rows of conformance: what the reference implementation says of a text, beside what we say.
//!
//! A row is a JSON object; `suite` says what is asked, the other members are as the suite's function reads them.

use pipcheck::pep::{
    DeclaredVersion, Environment, ExtraName, Marker, Metadata, PreReleases, ProblemKind, ProjectName, Requirement,
    Specifiers, Variable, Version,
};
use serde_json::{Map, Value};

/// What is different: a text that says how.
pub type Difference = Option<String>;

/// The environments that rows name, by their names.
pub type Environments = Map<String, Value>;

/// Compares one row; none if there is no difference.
///
/// # Panics
/// If there is no such suite.
pub fn difference(suite: &str, row: &Value, environments: &Environments) -> Difference {
    match suite {
        "canonver" => canonical_version(row),
        "compare" => compare(row),
        "contains" => contains(row),
        "evaluate" | "evaluate-ext" => evaluate(row),
        "isnormal" => is_normal(row),
        "marker" => marker(row),
        "metadata" => metadata(row),
        "name" => name(row),
        "real-requirements" => requirement(row).or_else(|| need(row, environments)),
        "requirement" => requirement(row),
        "specifier" | "specifierset" => specifier(row),
        "version" => version(row),
        other => panic!("no such suite: {other}"),
    }
}

/// The member as text, `""` if there is none.
pub fn text<'r>(row: &'r Value, member: &str) -> &'r str {
    row[member].as_str().unwrap_or_default()
}

fn input(row: &Value) -> &str {
    text(row, "input")
}

fn is_ok(row: &Value) -> bool {
    row["ok"].as_bool().unwrap()
}

/// Says what differs between two values.
fn differ<T: Clone + Into<Value>>(what: &str, ours: &T, theirs: &Value) -> Difference {
    let ours: Value = ours.clone().into();
    (ours != *theirs).then(|| format!("{what}: we say {ours}, they {theirs}"))
}

fn accepted<T, E: ToString>(row: &Value, ours: Result<T, E>) -> Result<T, Difference> {
    match (ours, is_ok(row)) {
        (Ok(value), true) => Ok(value),
        (Err(_), false) => Err(None),
        (Ok(_), false) => Err(Some("we accept it".to_owned())),
        (Err(error), true) => Err(Some(format!("we refuse it: {}", error.to_string()))),
    }
}

macro_rules! accepted {
    ($row:expr, $ours:expr) => {
        match accepted($row, $ours) {
            Ok(value) => value,
            Err(difference) => return difference,
        }
    };
}

fn number(number: &pipcheck::pep::Number) -> Value {
    number.to_string().parse::<serde_json::Number>().unwrap().into()
}

fn version(row: &Value) -> Difference {
    let version = accepted!(row, Version::parse(input(row)));
    let pre = version.pre().map(|(kind, value)| Value::from(vec![kind.to_string().into(), number(&value)]));
    let release: Vec<Value> = version.release().iter().map(number).collect();
    let optional = |value: Option<pipcheck::pep::Number>| value.as_ref().map(number);
    differ("str", &version.to_string(), &row["str"])
        .or_else(|| differ("epoch", &number(&version.epoch()), &row["epoch"]))
        .or_else(|| differ("release", &release, &row["release"]))
        .or_else(|| differ("pre", &pre, &row["pre"]))
        .or_else(|| differ("post", &optional(version.post()), &row["post"]))
        .or_else(|| differ("dev", &optional(version.dev()), &row["dev"]))
        .or_else(|| differ("local", &version.local(), &row["local"]))
        .or_else(|| differ("public", &version.public().to_string(), &row["public"]))
        .or_else(|| differ("base", &version.base().to_string(), &row["base"]))
        .or_else(|| differ("prerelease", &version.is_prerelease(), &row["prerelease"]))
        .or_else(|| differ("postrelease", &version.is_postrelease(), &row["postrelease"]))
        .or_else(|| (Version::parse(&version.to_string()).as_ref() != Ok(&version)).then(|| "no round trip".to_owned()))
}

/// Texts are canonical if they are the same version; ours have the zeros that were written.
fn canonical_version(row: &Value) -> Difference {
    match (Version::parse(input(row)), Version::parse(text(row, "result"))) {
        (Ok(ours), Ok(theirs)) => (ours != theirs).then(|| format!("{ours} and {theirs} differ")),
        (Err(_), Err(_)) => None,
        _ => Some("only one is a version".to_owned()),
    }
}

fn compare(row: &Value) -> Difference {
    let (a, b) = (Version::parse(text(row, "a")).unwrap(), Version::parse(text(row, "b")).unwrap());
    let ours = match text(row, "op") {
        "eq" => a == b,
        "ne" => a != b,
        "lt" => a < b,
        "le" => a <= b,
        "gt" => a > b,
        "ge" => a >= b,
        other => panic!("no such operator: {other}"),
    };
    differ("result", &ours, &row["result"])
}

/// Specifiers that are read without leniency.
fn strictly(text: &str) -> Result<Specifiers<'_>, String> {
    let specifiers = Specifiers::parse(text).map_err(|error| error.to_string())?;
    let legacy = specifiers.legacy().next().map(|(_, legacy)| legacy.to_string());
    legacy.map_or(Ok(specifiers), Err)
}

fn specifier(row: &Value) -> Difference {
    let specifiers = strictly(input(row)).and_then(|specifiers| {
        let single = row.get("operator").is_some() || !is_ok(row);
        if single && specifiers.is_empty() { Err("there is none".to_owned()) } else { Ok(specifiers) }
    });
    let specifiers = accepted!(row, specifiers);
    let first = specifiers.iter().next().filter(|_| row.get("operator").is_some());
    differ("str", &specifiers.to_string(), &row["str"])
        .or_else(|| differ("operator", &first?.operator().as_str(), &row["operator"]))
        .or_else(|| differ("version", &first?.text(), &row["version"]))
}

fn contains(row: &Value) -> Difference {
    let specifiers = match strictly(text(row, "spec")) {
        Ok(specifiers) => specifiers,
        Err(error) => return Some(format!("we refuse the specifier: {error}")),
    };
    // Without a word on pre-releases one that is asked for alone is admitted.
    let admitted = row["prereleases"].as_bool().or(row["spec_prereleases"].as_bool()).unwrap_or(true);
    let policy = if admitted { PreReleases::Admit } else { PreReleases::Refuse };
    let declared = DeclaredVersion::parse(text(row, "version"));
    differ("result", &specifiers.contains(&declared, policy), &row["result"])
}

fn marker(row: &Value) -> Difference {
    let marker = accepted!(row, Marker::parse(input(row)));
    differ("str", &marker.to_string(), &row["str"]).or_else(|| {
        let again = Marker::parse(text(row, "str")).map(|again| again.to_string());
        (again.as_deref() != Ok(text(row, "str"))).then(|| "no round trip".to_owned())
    })
}

/// The environment of an object of variables. The extra, which is no part of it, apart.
fn environment(object: &Value) -> (Environment, String) {
    let mut environment = Environment::illumos("3.13").unwrap();
    let mut extra = String::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        let list = value.as_array().map(|list| list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","));
        let value = list.as_deref().or(value.as_str()).unwrap_or_default();
        match name.parse::<Variable>() {
            Ok(Variable::Extra) => value.clone_into(&mut extra),
            Ok(variable) => environment.set(variable, value),
            Err(_) => {}
        }
    }
    (environment, extra)
}

fn evaluate(row: &Value) -> Difference {
    let mut merged = row.get("base").cloned().unwrap_or_else(|| Value::Object(Map::new()));
    if let (Some(merged), Some(own)) = (merged.as_object_mut(), row["env"].as_object()) {
        if row["context"] == "lock_file" {
            merged.extend([("extras".to_owned(), "".into()), ("dependency_groups".to_owned(), "".into())]);
        }
        merged.extend(own.clone());
    }
    let (environment, extra) = environment(&merged);
    let extra = Some(ExtraName::lenient(&extra)).filter(|extra| !extra.as_str().is_empty());
    let marker = match Marker::parse(text(row, "marker")) {
        Ok(marker) => marker,
        Err(error) => return Some(format!("we refuse the marker: {error}")),
    };
    match (marker.evaluate(&environment, extra.as_ref()), row.get("error")) {
        (Ok(ours), None) => differ("result", &ours, &row["result"]),
        (Err(_), Some(_)) => None,
        (Ok(ours), Some(error)) => Some(format!("result: we say {ours}, they fail with {error}")),
        (Err(error), None) => Some(format!("we say that it is undefined: {error}")),
    }
}

fn requirement(row: &Value) -> Difference {
    let strict = Requirement::parse(input(row)).map_err(|error| error.to_string()).and_then(|requirement| {
        let legacy = requirement.specifiers.legacy().next().map(|(_, legacy)| legacy.to_string());
        legacy.map_or(Ok(requirement), Err)
    });
    let requirement = accepted!(row, strict);
    let mut extras: Vec<&str> = requirement.extras.iter().map(ExtraName::raw).collect();
    extras.sort_unstable();
    extras.dedup();
    differ("name", &requirement.name.raw(), &row["name"])
        .or_else(|| differ("extras", &extras, &row["extras"]))
        .or_else(|| differ("specifier", &requirement.specifiers.to_string(), &row["specifier"]))
        .or_else(|| differ("url", &requirement.url, &row["url"]))
        .or_else(|| differ("marker", &requirement.marker.as_ref().map(ToString::to_string), &row["marker"]))
        .or_else(|| differ("str", &requirement.to_string(), &row["str"]))
}

/// For each environment, with which extras the requirement counts.
fn need(row: &Value, environments: &Environments) -> Difference {
    let requirement = Requirement::parse(input(row)).unwrap();
    let marker = requirement.marker.as_ref();
    environments.iter().find_map(|(name, variables)| {
        let (environment, _) = environment(variables);
        row.get(format!("eval_{name}"))?.as_object()?.iter().find_map(|(extra, result)| {
            let extra = Some(ExtraName::lenient(extra)).filter(|extra| !extra.as_str().is_empty());
            let ours = marker.is_none_or(|marker| marker.evaluate(&environment, extra.as_ref()) == Ok(true));
            differ(&format!("on {name} with {extra:?}"), &ours, result)
        })
    })
}

fn name(row: &Value) -> Difference {
    if row["args"]["validate"].as_bool() == Some(true) {
        let name = accepted!(row, ProjectName::parse(input(row)));
        return differ("result", &name.as_str(), &row["result"]);
    }
    differ("result", &ExtraName::lenient(input(row)).as_str(), &row["result"])
}

fn is_normal(row: &Value) -> Difference {
    let normal = ProjectName::parse(input(row)).is_ok_and(|name| name.as_str() == input(row));
    differ("result", &normal, &row["result"])
}

/// A header that may be there once and is there twice is unparsed to them; to us the first counts.
fn metadata(row: &Value) -> Difference {
    let bytes: Vec<u8> = if row["bytes"].as_bool() == Some(true) {
        input(row).chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect()
    } else {
        input(row).as_bytes().to_vec()
    };
    let metadata = Metadata::parse(&bytes);
    let single = |member: &str, header: &str, ours: Option<&str>| match row["unparsed"].get(header) {
        Some(values) => differ(header, &ours, &values[0]).or_else(|| {
            let told = metadata.problems().iter().any(
                |problem| matches!(problem.kind, ProblemKind::Repeated(name) if name.eq_ignore_ascii_case(header)),
            );
            (!told).then(|| format!("{header}: we say nothing of there being two"))
        }),
        None => differ(header, &ours, &row["raw"][member]),
    };
    let list = |member: &str, ours: Vec<&str>| {
        let theirs = row["raw"].get(member).cloned().unwrap_or_else(|| Value::Array(Vec::new()));
        differ(member, &ours, &theirs)
    };
    single("name", "name", metadata.name())
        .or_else(|| single("version", "version", metadata.version()))
        .or_else(|| single("requires_python", "requires-python", metadata.requires_python()))
        .or_else(|| list("requires_dist", metadata.requires_dist().collect()))
        .or_else(|| list("provides_extra", metadata.provides_extra().collect()))
}
