//! A resource while it is open, and its way from and to the elements of the configuration.

use super::super::config::{Config, Element};
use super::properties::{Resource, cpu_range, ncpus, print_size, size};

/// The resource controls behind `capped-memory`.
const MEMORY: [(&str, &str); 2] = [("swap", "zone.max-swap"), ("locked", "zone.max-locked-memory")];
const CPU_CAP: &str = "zone.cpu-cap";

/// A resource's properties, in the order in which they were given.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) resource: &'static Resource,
    pub(super) values: Vec<(String, String)>,
    /// Where it is among the elements of the zone, when it was selected.
    pub(super) place: Option<usize>,
}

impl Draft {
    pub(super) fn new(resource: &'static Resource) -> Self {
        Self { resource, values: Vec::new(), place: None }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.values.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn set(&mut self, name: &str, value: String) {
        match self.values.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.values.push((name.to_owned(), value)),
        }
    }

    /// All of one kind, in the order of the configuration.
    pub(super) fn read_all(config: &Config, resource: &'static Resource) -> Vec<Self> {
        match resource.name {
            "capped-cpu" => {
                let Some(limit) = limit(config, CPU_CAP) else { return Vec::new() };
                let value = format!("{}.{:02}", limit / 100, limit % 100);
                return vec![Self { resource, values: vec![("ncpus".into(), value)], place: None }];
            }
            "capped-memory" => return memory(config, resource),
            _ => {}
        }
        let elements = config.zone.children.iter().enumerate().filter(|(_, child)| child.name == resource.element);
        elements.map(|(place, element)| Self::read(config, resource, element, place)).collect()
    }

    fn read(config: &Config, resource: &'static Resource, element: &Element, place: usize) -> Self {
        let mut draft = Self { resource, values: Vec::new(), place: Some(place) };
        for property in resource.properties.iter().filter(|property| !property.many) {
            if let Some(value) = element.get(property.attribute) {
                draft.set(property.name, value.to_owned());
            }
        }
        for child in &element.children {
            if child.name == "fsoption" {
                draft.values.push(("options".into(), child.text("name").to_owned()));
            } else {
                draft.values.push(("value".into(), complex(child)));
            }
        }
        if resource.name == "dedicated-cpu" {
            let (low, high) = (element.text("ncpu_min"), element.text("ncpu_max"));
            draft.set("ncpus", if low == high { low.to_owned() } else { format!("{low}-{high}") });
            if let Some(pool) = config.zone.all("tmp_pool").next() {
                draft.set("importance", pool.text("importance").to_owned());
            }
        }
        draft
    }

    /// Puts it into the configuration: at its place, or at the end.
    pub(super) fn write(&self, config: &mut Config) {
        match self.resource.name {
            "capped-cpu" => {
                if let Some(limit) = self.get("ncpus").and_then(ncpus) {
                    set_limit(config, CPU_CAP, limit, "deny");
                }
            }
            "capped-memory" => self.write_memory(config),
            "dedicated-cpu" => self.write_cpu(config),
            _ => {
                let element = self.element();
                match self.place {
                    Some(place) if place < config.zone.children.len() => config.zone.children[place] = element,
                    _ => config.zone.children.push(element),
                }
            }
        }
    }

    fn element(&self) -> Element {
        let mut element = Element::new(self.resource.element);
        for (name, value) in &self.values {
            let Some(property) = self.resource.property(name) else { continue };
            if !property.many {
                element.set(property.attribute, value);
                continue;
            }
            let mut child = Element::new(if name == "options" { "fsoption" } else { "rctl-value" });
            if name == "options" {
                child.set("name", value);
            } else {
                for pair in value.trim_matches(['(', ')']).split(',') {
                    let (key, part) = pair.split_once('=').unwrap_or((pair, ""));
                    child.set(key, part);
                }
            }
            element.children.push(child);
        }
        element
    }

    fn write_memory(&self, config: &mut Config) {
        config.zone.children.retain(|child| child.name != "mcap");
        if let Some(bytes) = self.get("physical").and_then(size) {
            let mut element = Element::new("mcap");
            element.set("physcap", &bytes.to_string());
            config.zone.children.push(element);
        }
        for (name, control) in MEMORY {
            match self.get(name).and_then(size) {
                Some(bytes) => set_limit(config, control, bytes, "deny"),
                None => clear_limit(config, control),
            }
        }
    }

    fn write_cpu(&self, config: &mut Config) {
        config.zone.children.retain(|child| !["pset", "tmp_pool"].contains(&child.name.as_str()));
        if let Some((low, high)) = self.get("ncpus").and_then(cpu_range) {
            let mut element = Element::new("pset");
            element.set("ncpu_min", &low.to_string());
            element.set("ncpu_max", &high.to_string());
            config.zone.children.push(element);
        }
        if let Some(importance) = self.get("importance") {
            let mut element = Element::new("tmp_pool");
            element.set("importance", importance);
            config.zone.children.push(element);
        }
    }

    /// Takes it out of the configuration.
    pub(super) fn remove(&self, config: &mut Config) {
        match (self.resource.name, self.place) {
            ("capped-cpu", _) => clear_limit(config, CPU_CAP),
            ("capped-memory" | "dedicated-cpu", _) => Self::new(self.resource).write(config),
            (_, Some(place)) if place < config.zone.children.len() => drop(config.zone.children.remove(place)),
            _ => {}
        }
    }
}

fn memory(config: &Config, resource: &'static Resource) -> Vec<Draft> {
    let mut draft = Draft::new(resource);
    if let Some(cap) = config.zone.all("mcap").next() {
        draft.set("physical", print_size(cap.text("physcap").parse().unwrap_or_default()));
    }
    for (name, control) in MEMORY {
        if let Some(bytes) = limit(config, control) {
            draft.set(name, print_size(bytes));
        }
    }
    if draft.values.is_empty() { Vec::new() } else { vec![draft] }
}

fn complex(child: &Element) -> String {
    format!("(priv={},limit={},action={})", child.text("priv"), child.text("limit"), child.text("action"))
}

/// The limit of a resource control, when it has one value that is privileged.
pub(super) fn limit(config: &Config, control: &str) -> Option<u64> {
    let element = config.zone.all("rctl").find(|element| element.text("name") == control)?;
    match element.children.as_slice() {
        [value] => value.text("limit").parse().ok(),
        _ => None,
    }
}

/// Gives a resource control one value.
pub(super) fn set_limit(config: &mut Config, control: &str, limit: u64, action: &str) {
    let mut value = Element::new("rctl-value");
    value.set("priv", "privileged");
    value.set("limit", &limit.to_string());
    value.set("action", action);
    let old = config.zone.children.iter_mut().find(|child| child.name == "rctl" && child.text("name") == control);
    match old {
        Some(element) => element.children = vec![value],
        None => {
            let mut element = Element::new("rctl");
            element.set("name", control);
            element.children.push(value);
            config.zone.children.push(element);
        }
    }
}

/// Takes a resource control away.
pub(super) fn clear_limit(config: &mut Config, control: &str) {
    config.zone.children.retain(|child| child.name != "rctl" || child.text("name") != control);
}
