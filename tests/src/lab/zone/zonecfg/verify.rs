//! `verify`, which every commit begins with (section 8).

use std::fs;

use super::super::brand::Brand;
use super::super::config::Config;
use super::super::hooks::{Call, OK, Signals};
use super::super::host::random_bytes;
use super::super::index::State;
use super::super::{Context, Done, fail};
use super::draft::{Draft, limit};
use super::privileges;
use super::properties::{self, Resource};
use super::session::Session;

/// Verifies, and tells the first reason against it.
pub(super) fn verify(session: &mut Session) -> Done {
    let config = session.config()?.clone();
    let zone = session.zone.clone();
    if zone == "global" {
        return Ok(());
    }
    check(session, &config).or_else(|error| fail(format!("Zone {zone} failed to verify\n{zone}: {}", error.message)))
}

fn check(session: &Session, config: &Config) -> Done {
    if config.zonepath().is_empty() {
        return fail("zonepath: Required resource missing");
    }
    let lab = &session.host.lab;
    let Some(brand) = Brand::open(lab, config.brand()) else {
        return fail(format!("brand {} is unknown", config.brand()));
    };
    if config.exclusive() && !brand.allows_exclusive {
        return fail("ip-type exclusive is not allowed by the brand");
    }
    brand_hook(session, config, &brand)?;
    privileges::check(config, &brand).or_else(|name| fail(format!("{name}: invalid privilege")))?;
    let text = |name: &str| config.zone.get(name).filter(|value| !value.is_empty());
    if text("hostid").is_some_and(|value| !properties::hostid(value)) {
        return fail("hostid: Specified property is invalid");
    }
    if text("fs-allowed").is_some_and(|value| !properties::fs_allowed(value)) {
        return fail("fs-allowed: Specified property is invalid");
    }
    resources(config)
}

/// `verify_cfg`: its text is not substituted, and gets the path of a dump.
fn brand_hook(session: &Session, config: &Config, brand: &Brand) -> Done {
    let Some(text) = brand.text("verify_cfg") else { return Ok(()) };
    let suffix: String = random_bytes::<4>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    let dump = format!("/tmp/zonecfg_verify.{suffix}");
    config.save(dump.as_ref())?;
    let (lab, zone, hook) = (&session.host.lab, session.zone.as_str(), "verify_cfg");
    let state = session.state().unwrap_or(State::Configured);
    let line = format!("{text} {dump}");
    let status = Call { lab, zone, hook, line, state, held: false }.run(&Signals::none());
    fs::remove_file(&dump).during(&dump)?;
    if status? == OK { Ok(()) } else { fail("brand-specific error") }
}

fn resources(config: &Config) -> Done {
    for net in drafts(config, "net") {
        network(config, &net)?;
    }
    for dataset in drafts(config, "dataset") {
        let name = dataset.get("name").unwrap_or_default();
        if !properties::is_dataset(name) {
            return fail(format!("{name}: invalid dataset name"));
        }
    }
    for fs in drafts(config, "fs") {
        if fs.get("dir").is_none_or(|dir| !dir.starts_with('/')) {
            return fail("fs: dir is no absolute path");
        }
    }
    let pools = !drafts(config, "dedicated-cpu").is_empty();
    if pools && (!config.zone.text("pool").is_empty() || limit(config, "zone.cpu-shares").is_some()) {
        return fail("dedicated-cpu: Incompatible settings");
    }
    let scheduling = config.zone.text("scheduling-class");
    if pools && !scheduling.is_empty() && scheduling == "FSS" {
        return fail("dedicated-cpu and scheduling-class: Incompatible settings");
    }
    Ok(())
}

fn drafts(config: &Config, resource: &str) -> Vec<Draft> {
    Resource::of(resource).map(|resource| Draft::read_all(config, resource)).unwrap_or_default()
}

/// The net rules that hold for the configuration as a whole.
fn network(config: &Config, net: &Draft) -> Done {
    let exclusive = config.exclusive();
    let link = net.get("physical").unwrap_or_default();
    if !properties::is_link(link, exclusive) {
        return fail(format!("{link}: invalid network interface name"));
    }
    if exclusive && net.get("address").is_some() {
        return fail("address cannot be specified for an exclusive IP type");
    }
    if !exclusive && net.get("address").is_none() {
        return fail("address: Required property missing");
    }
    if !exclusive && net.get("allowed-address").is_some() {
        return fail("allowed-address cannot be specified for a shared IP type");
    }
    if exclusive && net.get("defrouter").is_some() {
        let same = |other: &Draft| other.get("physical") == Some(link) && other.get("allowed-address").is_some();
        if !drafts(config, "net").iter().any(same) {
            return fail("defrouter cannot be specified without an allowed-address");
        }
    }
    Ok(())
}
