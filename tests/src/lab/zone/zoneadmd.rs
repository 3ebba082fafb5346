//! The part of zoneadmd: what happens to a zone between installed and running (sections 6 and 7).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::brand::substitute;
use super::hooks::Call;
use super::index::{self, State};
use super::zoneadm::Adm;
use super::{Context, Done, anomaly, bring_up, fail, kernel, mounts, silent};
use crate::lab::net;

const READY: u8 = 0;
const BOOT: u8 = 1;
const HALT: u8 = 4;

/// Lines that are read when zoneadmd starts, and not again.
const READ_ONCE: [&str; 3] = ["prestatechange", "poststatechange", "query"];
/// What is left of `query`'s output.
const QUERY: usize = 1023;

/// What zoneadmd is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Ready,
    Boot,
    Halt,
    Reboot,
    /// The kernel asks, for the zone.
    InsideHalt,
    InsideReboot,
}

/// zoneadmd of one zone.
#[derive(Debug)]
pub(super) struct Daemon<'a> {
    pub(super) adm: &'a Adm,
    /// The number that the hooks are told: the state when the request arrived.
    arrival: State,
    lines: BTreeMap<String, String>,
    /// That of the zoneadm which started it.
    environment: BTreeMap<String, String>,
    /// Nobody waits for the output when the kernel asked.
    asked_by_kernel: bool,
}

/// Does what zoneadm asks zoneadmd for.
pub(super) fn request(adm: &Adm, asked: Request) -> Done {
    let state = adm.state()?;
    if state == State::Configured {
        return fail(format!("cannot manage a zone which is in state '{}'", state.name()));
    }
    let daemon = Daemon::new(adm, state, asked);
    match (asked, state) {
        (Request::Ready, State::Incomplete | State::Installed) => daemon.ready(),
        (Request::Boot, State::Incomplete | State::Installed) => daemon.up(true),
        (Request::Boot, State::Ready) => daemon.boot_or_halt(),
        (Request::Halt, State::Installed) => daemon.talk("zone is already halted"),
        (Request::Ready, State::Ready) => daemon.talk("zone is already ready"),
        (Request::Boot, State::Running) => daemon.talk("zone is already booted"),
        (Request::Ready, State::Running) => daemon.halt().and_then(|()| daemon.ready()),
        (Request::Reboot | Request::InsideReboot, State::Running) => daemon.halt().and_then(|()| daemon.up(false)),
        (Request::Halt, State::Ready | State::Running | State::ShuttingDown | State::Down)
        | (Request::InsideHalt, _) => daemon.halt(),
        _ => fail(format!("operation is invalid for zones in state '{}'", state.name())),
    }
}

impl<'a> Daemon<'a> {
    fn new(adm: &'a Adm, state: State, asked: Request) -> Self {
        let kept = kernel::get(&adm.host.lab, &adm.zone, "daemon");
        let texts = |key: &str| -> Option<BTreeMap<String, String>> {
            let object = kept.get(key)?.as_object()?;
            Some(object.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect())
        };
        let now = || {
            let line = |hook: &str| Some((hook.to_owned(), adm.brand.line(hook, &adm.zone, &adm.zonepath)?));
            READ_ONCE.into_iter().filter_map(line).collect()
        };
        let own = || {
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect()
        };
        Self {
            adm,
            arrival: if asked == Request::InsideHalt { State::ShuttingDown } else { state },
            lines: texts("lines").unwrap_or_else(now),
            environment: texts("environment").unwrap_or_else(own),
            asked_by_kernel: matches!(asked, Request::InsideHalt | Request::InsideReboot),
        }
    }

    /// Sends a line to the zoneadm that asked.
    fn talk(&self, text: &str) -> Done {
        if !self.asked_by_kernel {
            eprintln!("zone '{}': {text}", self.adm.zone);
        }
        Ok(())
    }

    /// Each line of a hook is shown with the end that it has, and one more.
    fn show(&self, output: &str) {
        for line in output.split_inclusive('\n') {
            let _ = self.talk(line);
        }
    }

    fn run(&self, hook: &str, line: String, state: State) -> Done<Result<String, String>> {
        let (lab, zone) = (&self.adm.host.lab, self.adm.zone.as_str());
        let call = Call { lab, zone, hook, line, state, held: true };
        self.adm.signals.ignored(|| call.run_in_daemon(Some(&self.environment)))
    }

    /// A state hook; true if there is none, or it succeeded.
    fn state_hook(&self, hook: &str, state: State, command: u8) -> Done<bool> {
        let Some(text) = self.lines.get(hook) else { return Ok(true) };
        let altroot = self.adm.host.altroot.as_ref().map_or(String::new(), |root| root.display().to_string());
        let line = format!("{text} {} {command} {altroot}", state.number());
        let done = self.run(hook, line, self.adm.state()?)?;
        let (Ok(output) | Err(output)) = &done;
        self.show(output);
        Ok(done.is_ok())
    }

    fn pre(&self, command: u8) -> Done<bool> {
        self.state_hook("prestatechange", self.arrival, command)
    }

    fn post(&self, state: State, command: u8) -> Done<bool> {
        self.state_hook("poststatechange", state, command)
    }

    /// `boot` or `halt`, which are read each time.
    fn plain_hook(&self, hook: &str) -> Done<bool> {
        let adm = self.adm;
        let Some(line) = adm.brand.line(hook, &adm.zone, &adm.zonepath) else { return Ok(true) };
        let done = self.run(hook, line, adm.state()?)?;
        let (Ok(output) | Err(output)) = &done;
        self.show(output);
        Ok(done.is_ok())
    }

    /// Up from installed: ready, then boot. What fails is halted; a reboot's ready is not.
    fn up(&self, recover: bool) -> Done {
        if let Err(error) = self.ready() {
            self.talk_of(&error)?;
            if recover {
                let _ = self.halt().or_else(|error| self.talk_of(&error));
            }
            return silent();
        }
        self.boot_or_halt()
    }

    fn boot_or_halt(&self) -> Done {
        let Err(error) = self.boot() else { return Ok(()) };
        self.talk_of(&error)?;
        let _ = self.halt().or_else(|error| self.talk_of(&error));
        silent()
    }

    fn talk_of(&self, error: &super::Failed) -> Done {
        if error.message.is_empty() { Ok(()) } else { self.talk(&error.message) }
    }

    /// zone_ready.
    fn ready(&self) -> Done {
        if !self.pre(READY)? {
            return silent();
        }
        let mut done = self.create();
        if done.is_ok() && !self.post(self.arrival, READY)? {
            done = silent();
        }
        if done.is_err() {
            self.post(State::Ready, HALT)?;
        }
        done
    }

    /// Everything between the two hooks of ready. What fails leaves no zone in the kernel.
    fn create(&self) -> Done {
        let adm = self.adm;
        let (lab, zone) = (&adm.host.lab, adm.zone.as_str());
        let root = Path::new(&adm.zonepath).join("root");
        fs::copy(adm.host.xml(zone), adm.host.place(&format!("var/run/zones/{zone}.snapshot.xml")))
            .during("snapshot")?;
        let config = adm.config()?;
        let mut datasets: Vec<String> = config.zone.all("dataset").map(|found| found.text("name").into()).collect();
        datasets.extend(self.query()?);
        bring_up::check_root(adm, &root)?;
        kernel::create(lab, zone, &root.display().to_string(), &datasets)?;
        let daemon = json!({ "lines": self.lines, "environment": self.environment });
        let done = kernel::set(lab, zone, "daemon", daemon).and_then(|()| bring_up::ready(adm, &config, &root));
        if done.is_err() {
            let _ = self.unmount();
            net::halt(lab, zone);
            kernel::destroy(lab, zone)?;
        }
        done
    }

    /// The datasets that the brand delegates: one line, and something in it.
    fn query(&self) -> Done<Option<String>> {
        let Some(text) = self.lines.get("query") else { return Ok(None) };
        let output = match self.run("query", format!("{text} datasets"), self.adm.state()?)? {
            Ok(output) => output,
            Err(said) => {
                self.show(&said);
                return fail("the query hook failed");
            }
        };
        if output.is_empty() || output.contains('\n') || output.len() > QUERY {
            anomaly::record(
                &self.adm.host.lab,
                &format!("{}: query: one line without its end expected: {output:?}", self.adm.zone),
            );
            return fail("the query hook has not printed one line without its end");
        }
        Ok(Some(output))
    }

    /// zone_bootup.
    fn boot(&self) -> Done {
        if !self.pre(BOOT)? {
            return silent();
        }
        let mut done = self.start();
        if done.is_ok() && !self.post(self.arrival, BOOT)? {
            done = silent();
        }
        if done.is_err() {
            self.post(State::Running, HALT)?;
        }
        done
    }

    fn start(&self) -> Done {
        let adm = self.adm;
        let root = Path::new(&adm.zonepath).join("root");
        bring_up::mount_inside(adm, &root)?;
        bring_up::check_init(adm, &root)?;
        if !self.plain_hook("boot")? {
            return fail("the boot hook failed");
        }
        kernel::set(&adm.host.lab, &adm.zone, "state", json!(State::Running.name()))?;
        let config = adm.config()?;
        net::boot(&adm.host.lab, &adm.zone, config.exclusive(), &root, &bring_up::nets(&config));
        Ok(())
    }

    /// zone_halt.
    fn halt(&self) -> Done {
        if !self.pre(HALT)? {
            return silent();
        }
        self.tear_down()?;
        if self.post(self.arrival, HALT)? { Ok(()) } else { silent() }
    }

    /// vplat_teardown, which needs a zone in the kernel.
    fn tear_down(&self) -> Done {
        let (lab, zone) = (&self.adm.host.lab, self.adm.zone.as_str());
        if kernel::state(lab, zone).is_none() {
            return fail("unable to get zoneid: Invalid argument");
        }
        kernel::set(lab, zone, "state", json!(State::ShuttingDown.name()))?;
        if !self.plain_hook("halt")? {
            return fail("the halt hook failed");
        }
        self.unmount()?;
        net::halt(lab, zone);
        kernel::destroy(lab, zone)
    }

    /// Undoes the mounts of ready and boot, the last one first.
    fn unmount(&self) -> Done {
        let (lab, zone) = (&self.adm.host.lab, self.adm.zone.as_str());
        let made = kernel::get(lab, zone, "mounts");
        for mount in made.as_array().into_iter().flatten().rev().filter_map(Value::as_str) {
            mounts::remove(lab, mount)?;
        }
        Ok(())
    }
}

/// The index that a zone sees of itself.
pub(super) fn own_index(adm: &Adm) -> Done<String> {
    let uuid = index::find(&adm.host, &adm.zone)?.map(|entry| entry.uuid).unwrap_or_default();
    Ok(format!("{}:installed:/:{uuid}\n", adm.zone))
}

/// Where a mount of the platform goes, below the zone's root.
pub(super) fn inside(root: &Path, directory: &str) -> PathBuf {
    root.join(directory.trim_start_matches('/'))
}

/// A text of the platform with the zone put in, and its zonepath where that is allowed.
pub(super) fn put_in(adm: &Adm, text: &str, zonepath: bool) -> String {
    substitute(text, &adm.zone, zonepath.then_some(adm.zonepath.as_str()))
}
