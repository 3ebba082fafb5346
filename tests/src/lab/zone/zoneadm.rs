//! `zoneadm`: its command line, what its subcommands have in common, and the small ones (section 5).

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;

use crate::lab::Lab;

use super::brand::Brand;
use super::config::Config;
use super::getopt::{Opt, getopt};
use super::hooks::{Call, OK, Signals};
use super::host::{Host, LOCK_HELD, Lock};
use super::index::{self, Entry, State};
use super::{Done, Failed, attach, boot, clone, fail, install, kernel, list, r#move, silent, verify};

/// One run of zoneadm on a zone.
#[derive(Debug)]
pub(super) struct Adm {
    pub(super) host: Host,
    pub(super) zone: String,
    /// As the index has it, below the other root if there is one.
    pub(super) zonepath: String,
    pub(super) brand: Brand,
    /// The subcommand.
    pub(super) command: String,
    pub(super) arguments: Vec<String>,
    pub(super) signals: Signals,
    held: bool,
    lock: Option<Lock>,
}

/// `zoneadm`.
#[must_use]
pub fn zoneadm(lab: &Lab, arguments: &[OsString]) -> u8 {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let arguments: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut target = None;
    match run(lab, &arguments, &mut target) {
        Ok(()) => 0,
        Err(Failed { status, message }) => {
            match target {
                _ if message.is_empty() => {}
                Some(zone) => eprintln!("zoneadm: zone '{zone}': {message}"),
                None => eprintln!("zoneadm: {message}"),
            }
            status
        }
    }
}

fn run(lab: &Lab, arguments: &[String], target: &mut Option<String>) -> Done {
    let signals = Signals::take()?;
    let (options, next) = getopt(arguments, "?u:z:R:");
    let mut host = Host::new(lab);
    let (mut zone, mut uuid) = (None, None);
    for option in options {
        match option {
            Opt::Known('z', Some(name)) => zone = Some(name),
            Opt::Known('u', Some(text)) => uuid = Some(text.to_ascii_lowercase()),
            Opt::Known('R', Some(root)) if root.starts_with('/') => host.altroot = Some(PathBuf::from(root)),
            Opt::Known('R', _) => return usage("root path must be absolute."),
            _ => return usage("usage: zoneadm [-R root] [-z zonename | -u uuid] subcommand"),
        }
    }
    let Some((command, rest)) = arguments[next..].split_first() else {
        return usage("usage: zoneadm [-R root] [-z zonename | -u uuid] subcommand");
    };
    // -u goes first, and -z is asked where no zone has that UUID.
    if let Some(uuid) = uuid {
        let known = index::read(&host)?.into_iter().find(|entry| entry.uuid == uuid);
        match (known, &zone) {
            (Some(entry), _) => zone = Some(entry.name),
            (None, None) => return fail("No such zone configured"),
            (None, Some(_)) => {}
        }
    }
    target.clone_from(&zone);
    // Section 8: the default brand is that of SUNWdefault.
    Config::read(&host.xml("SUNWdefault")).or_else(|_| fail("unable to determine default brand name"))?;
    if command == "list" {
        return list::list(&host, zone.as_deref(), rest, signals);
    }
    if command == "attach" && attach::is_dry_run(rest) {
        return attach::dry_run(&host, rest, signals);
    }
    let Some(zone) = zone else { return usage("usage: this subcommand needs a zone, -z zonename") };
    let mut adm = Adm::open(host, &zone, command, rest, signals)?;
    adm.dispatch()
}

fn usage<T>(text: &str) -> Done<T> {
    Err(Failed { status: 2, message: text.to_owned() })
}

impl Adm {
    /// Finds the zone and reads its brand.
    pub(super) fn open(host: Host, zone: &str, command: &str, rest: &[String], signals: Signals) -> Done<Self> {
        let Some(Entry { zonepath, .. }) = index::find(&host, zone)? else { return fail("No such zone configured") };
        let zonepath = match &host.altroot {
            Some(root) => format!("{}{zonepath}", root.display()),
            None => zonepath,
        };
        let config = Config::read(&host.xml(zone))?;
        let Some(brand) = Brand::open(&host.lab, config.brand()) else { return fail("missing or invalid brand") };
        Ok(Self {
            host,
            zone: zone.to_owned(),
            zonepath,
            brand,
            command: command.to_owned(),
            arguments: rest.to_vec(),
            signals,
            held: std::env::var_os(LOCK_HELD).is_some_and(|held| held == "1"),
            lock: None,
        })
    }

    fn dispatch(&mut self) -> Done {
        match self.command.as_str() {
            "verify" => verify::verify(self),
            "install" => install::install(self),
            "uninstall" => install::uninstall(self),
            "clone" => clone::clone(self),
            "attach" => attach::attach(self),
            "detach" => attach::detach(self),
            "move" => r#move::r#move(self),
            "mark" => self.mark(),
            "ready" => boot::ready(self),
            "boot" => boot::boot(self),
            "halt" => boot::halt(self),
            "reboot" => boot::reboot(self),
            "shutdown" => boot::shutdown(self),
            "sysboot" => boot::sysboot(self),
            other => usage(&format!("unknown subcommand: {other}")),
        }
    }

    /// The kernel's state, or that of the index.
    pub(super) fn state(&self) -> Done<State> {
        if let Some(state) = kernel::state(&self.host.lab, &self.zone) {
            return Ok(state);
        }
        match index::find(&self.host, &self.zone)? {
            Some(entry) => Ok(entry.state),
            None => fail("No such zone configured"),
        }
    }

    pub(super) fn set_state(&self, state: State) -> Done {
        index::set_state(&self.host, &self.zone, state)
    }

    pub(super) fn config(&self) -> Done<Config> {
        Config::read(&self.host.xml(&self.zone))
    }

    pub(super) fn lock(&mut self) -> Done {
        self.lock = self.host.lock_zone(&self.zone)?;
        self.held = true;
        Ok(())
    }

    /// Gives the lock back, if it is this process's.
    pub(super) fn unlock(&mut self) {
        if self.lock.take().is_some() {
            self.held = false;
        }
    }

    pub(super) fn say(&self, message: &str) {
        eprintln!("zoneadm: zone '{}': {message}", self.zone);
    }

    /// Ends with the usage of the subcommand.
    pub(super) fn usage<T>(&self) -> Done<T> {
        self.print_usage();
        Err(Failed { status: 2, message: String::new() })
    }

    pub(super) fn print_usage(&self) {
        eprintln!("usage:\tzoneadm -z {} {}", self.zone, self.command);
    }

    /// All that stands after the subcommand, to be appended to a hook's line.
    pub(super) fn argv(&self) -> String {
        self.arguments.iter().fold(String::new(), |line, word| line + " " + word)
    }

    /// Runs a hook; none where the brand has none.
    pub(super) fn hook(&self, hook: &str, appended: &str) -> Done<Option<u8>> {
        let Some(line) = self.brand.line(hook, &self.zone, &self.zonepath) else { return Ok(None) };
        self.call(hook, line + appended).map(Some)
    }

    fn call(&self, hook: &str, line: String) -> Done<u8> {
        let (lab, zone, state, held) = (&self.host.lab, self.zone.as_str(), self.state()?, self.held);
        Call { lab, zone, hook, line, state, held }.run(&self.signals)
    }

    /// `verify_adm`: the subcommand follows the text without a blank (section 3).
    pub(super) fn verify_adm(&self) -> Done {
        match self.hook("verify_adm", &format!("{}{}", self.command, self.argv()))? {
            None | Some(OK) => Ok(()),
            Some(_) => silent(),
        }
    }

    /// sanity_check: what every subcommand asks first.
    pub(super) fn sanity(&self, safe_while_active: bool, force: bool) -> Done {
        if self.zone == "global" {
            return fail(format!("{} operation is invalid for the global zone.", self.command));
        }
        if self.zone.starts_with("SUNW") {
            return fail(format!("{} operation is invalid for zones starting with SUNW.", self.command));
        }
        let state = self.state()?;
        if !safe_while_active && kernel::state(&self.host.lab, &self.zone).is_some() {
            return fail(format!("{} operation is invalid for {} zones.", self.command, state.name()));
        }
        let at_least = |least: State| {
            if state >= least {
                return Ok(());
            }
            fail(format!("must be {} before {}.", least.name(), self.command))
        };
        match self.command.as_str() {
            "uninstall" if state == State::Configured => fail("is already configured."),
            "install" | "clone" | "attach" if state == State::Installed => fail("is already installed."),
            "install" | "clone" if state == State::Incomplete => fail("zone is incomplete; uninstall required."),
            "attach" if state == State::Incomplete && !force => fail("zone is incomplete; uninstall required."),
            "verify" if state == State::Incomplete => fail("zone is incomplete; uninstall required."),
            "boot" if force => at_least(State::Incomplete),
            "detach" | "move" | "ready" | "boot" => at_least(State::Installed),
            "sysboot" if state != State::Installed => fail("must be installed before sysboot."),
            _ => Ok(()),
        }
    }

    /// `mark`: incomplete, or with -F anything else.
    fn mark(&mut self) -> Done {
        let (options, next) = getopt(&self.arguments, "F");
        let force = options.contains(&Opt::Known('F', None));
        let known = options.iter().all(|option| *option == Opt::Known('F', None));
        let state = match self.arguments[next..] {
            [ref word] => State::of(word).filter(|state| *state <= State::Installed),
            _ => None,
        };
        let Some(state) = state.filter(|state| known && (force || *state == State::Incomplete)) else {
            return self.usage();
        };
        self.sanity(false, false)?;
        self.verify_adm()?;
        self.lock()?;
        self.set_state(state)
    }

    /// Does what a hook's status asks for when it is no success: 253 adds the usage.
    pub(super) fn refused<T>(&self, status: u8) -> Done<T> {
        if status == super::hooks::USAGE {
            self.print_usage();
        }
        silent()
    }
}

/// How a command ended, in words.
pub(super) fn ending(status: std::process::ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, signal) => format!("signal {}", signal.unwrap_or_default()),
    }
}
