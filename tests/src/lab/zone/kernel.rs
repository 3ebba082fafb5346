//! What the kernel knows of zones: `.lab/kernel.json`.

use std::fs;

use serde_json::{Map, Value, json};

use crate::lab::Lab;

use super::host::{lock_file, replace};
use super::index::State;
use super::{Context, Done, fail};

/// A zone of the kernel.
#[derive(Clone, Debug)]
pub(super) struct Active {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) state: State,
}

fn load(lab: &Lab) -> Map<String, Value> {
    let text = fs::read_to_string(lab.place(".lab/kernel.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Changes what is known of one zone, under a lock. `Value::Null` stands for a zone that is not there.
fn update<T>(lab: &Lab, zone: &str, change: impl FnOnce(&mut Value, u64) -> Done<T>) -> Done<T> {
    let directory = lab.place(".lab");
    fs::create_dir_all(&directory).during(directory.display())?;
    let _lock = lock_file(&directory.join("kernel.lock"))?;
    let mut kernel = load(lab);
    let next = kernel.get("next_id").and_then(Value::as_u64).unwrap_or(1);
    let mut known = kernel.get("zones").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut value = known.remove(zone).unwrap_or_default();
    let new = value.is_null();
    let done = change(&mut value, next)?;
    if !value.is_null() {
        known.insert(zone.to_owned(), value);
    }
    let used = new && known.contains_key(zone);
    kernel.insert("next_id".into(), json!(next + u64::from(used)));
    kernel.insert("zones".into(), Value::Object(known));
    replace(&lab.place(".lab/kernel.json"), &format!("{:#}\n", Value::Object(kernel)))?;
    Ok(done)
}

/// The zones of the kernel, by their id.
pub(super) fn zones(lab: &Lab) -> Vec<Active> {
    let kernel = load(lab);
    let known = kernel.get("zones").and_then(Value::as_object);
    let active = |(name, value): (&String, &Value)| {
        let state = State::of(value.get("state")?.as_str()?)?;
        Some(Active { id: value.get("id")?.as_u64()?, name: name.clone(), state })
    };
    let mut zones: Vec<Active> = known.into_iter().flatten().filter_map(active).collect();
    zones.sort_by_key(|zone| zone.id);
    zones
}

/// A zone's state in the kernel, if it is there.
pub(super) fn state(lab: &Lab, zone: &str) -> Option<State> {
    zones(lab).into_iter().find(|active| active.name == zone).map(|active| active.state)
}

/// Something that is kept with a zone of the kernel.
pub(super) fn get(lab: &Lab, zone: &str, key: &str) -> Value {
    load(lab).get("zones").and_then(|zones| zones.get(zone)).and_then(|zone| zone.get(key)).cloned().unwrap_or_default()
}

/// Creates a zone in the kernel (zone_create).
pub(super) fn create(lab: &Lab, zone: &str, root: &str, datasets: &[String]) -> Done {
    update(lab, zone, |value, id| {
        if !value.is_null() {
            return fail("unable to create zone: File exists");
        }
        *value = json!({ "id": id, "state": "ready", "root": root, "datasets": datasets });
        Ok(())
    })
}

/// Keeps something with a zone of the kernel.
pub(super) fn set(lab: &Lab, zone: &str, key: &str, kept: Value) -> Done {
    update(lab, zone, |value, _| match value.as_object_mut() {
        Some(object) => {
            object.insert(key.to_owned(), kept);
            Ok(())
        }
        None => fail("no such zone in the kernel"),
    })
}

/// Takes a zone out of the kernel.
pub(super) fn destroy(lab: &Lab, zone: &str) -> Done {
    update(lab, zone, |value, _| {
        *value = Value::Null;
        Ok(())
    })
}
