//! What is switched on for a host as a whole, and how it was before.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{HostCommand, HostError, LinkName};

/// The service of IPFilter.
const FILTER: &str = "svc:/network/ipfilter:default";
/// Which rules it reads. Source: `/lib/svc/method/ipfilter`.
const POLICY: &str = "firewall_config_default/policy";

/// How long a service may take that reads its rules again.
const PATIENCE: Duration = Duration::from_secs(60);

/// A setting with a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "setting", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Setting {
    /// Whether a service is enabled.
    Service {
        /// Its FMRI.
        fmri: String,
        /// It is.
        enabled: bool,
    },
    /// The policy of IPFilter: `custom` has it read files of rules.
    FilterPolicy {
        /// Its name.
        policy: String,
    },
    /// Whether an interface forwards packets.
    Forwarding {
        /// The interface.
        link: LinkName,
        /// IPv6 packets, rather than those of IPv4.
        ipv6: bool,
        /// It does.
        on: bool,
    },
}

impl Setting {
    /// What it is set to, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Service { fmri, enabled: true } => format!("enable {fmri}"),
            Self::Service { fmri, enabled: false } => format!("disable {fmri}"),
            Self::FilterPolicy { policy } => format!("set the policy of {FILTER} to `{policy}`"),
            Self::Forwarding { link, ipv6, on } => {
                let family = if *ipv6 { "IPv6" } else { "IPv4" };
                format!("turn {family} forwarding {} on `{link}`", if *on { "on" } else { "off" })
            }
        }
    }

    /// The same setting with the value that it has now.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn current(&self) -> Result<Self, HostError> {
        let word = |out: Vec<u8>| {
            let text = String::from_utf8_lossy(&out).into_owned();
            text.split_whitespace().next_back().unwrap_or_default().to_owned()
        };
        Ok(match self {
            Self::Service { fmri, .. } => {
                let state = word(HostCommand::new("/usr/bin/svcs").args(["-H", "-o", "state", fmri]).run()?);
                Self::Service { fmri: fmri.clone(), enabled: state.trim_end_matches('*') != "disabled" }
            }
            Self::FilterPolicy { .. } => {
                let listed = HostCommand::new("/usr/sbin/svccfg").args(["-s", FILTER, "listprop", POLICY]).run()?;
                Self::FilterPolicy { policy: word(listed) }
            }
            Self::Forwarding { link, ipv6, .. } => {
                let arguments = ["show-ifprop", "-c", "-o", "current", "-p", "forwarding", "-m", family(*ipv6)];
                let shown = HostCommand::new("/usr/sbin/ipadm").args(arguments).arg(link.as_str()).run()?;
                Self::Forwarding { link: link.clone(), ipv6: *ipv6, on: word(shown) == "on" }
            }
        })
    }

    /// Sets it, unless it is so: an interface that is there for this boot only, say, cannot be told anything for longer.
    ///
    /// # Errors
    /// The command refused.
    pub fn ensure(&self) -> Result<(), HostError> {
        // What cannot be looked at may have gone, which setting it knows how to tell. A service that did not come up
        // before does not have to now.
        if self.current().is_ok_and(|current| current == *self) { Ok(()) } else { self.run(&self.told(false)) }
    }

    /// Sets it, and waits until that is done: whoever loads rules meanwhile would do so at the same time as the service.
    ///
    /// # Errors
    /// [`HostError`]; a service has not come up.
    pub fn set(&self) -> Result<(), HostError> {
        self.run(&self.commands())?;
        if let Self::FilterPolicy { .. } = self { settle(FILTER) } else { Ok(()) }
    }

    fn run(&self, commands: &[HostCommand]) -> Result<(), HostError> {
        commands.iter().try_for_each(|command| match (command.run(), self) {
            // One that is not there forwards nothing.
            (Err(error), Self::Forwarding { on: false, .. }) if error.says("Interface does not exist") => Ok(()),
            (ran, _) => ran.map(drop),
        })
    }

    /// The commands that set it, in order.
    #[must_use]
    pub fn commands(&self) -> Vec<HostCommand> {
        self.told(true)
    }

    fn told(&self, waiting: bool) -> Vec<HostCommand> {
        let svcadm = |verb: &str, fmri: &str| HostCommand::new("/usr/sbin/svcadm").args([verb, fmri]);
        match self {
            Self::Service { fmri, enabled } => {
                let verb = HostCommand::new("/usr/sbin/svcadm").arg(if *enabled { "enable" } else { "disable" });
                let verb = if waiting { verb.arg("-s") } else { verb };
                vec![verb.arg(fmri)]
            }
            Self::FilterPolicy { policy } => {
                let arguments = ["-s", FILTER, "setprop", POLICY, "=", "astring:", policy];
                vec![HostCommand::new("/usr/sbin/svccfg").args(arguments), svcadm("refresh", FILTER)]
            }
            Self::Forwarding { link, ipv6, on } => {
                let value = if *on { "forwarding=on" } else { "forwarding=off" };
                let arguments = ["set-ifprop", "-m", family(*ipv6), "-p", value, link.as_str()];
                vec![HostCommand::new("/usr/sbin/ipadm").args(arguments)]
            }
        }
    }
}

/// Waits until a service is in transition no longer: `svcadm refresh` does not. Source: svcs(1), `STATE`.
fn settle(fmri: &str) -> Result<(), HostError> {
    let until = Instant::now() + PATIENCE;
    let svcs = HostCommand::new("/usr/bin/svcs").args(["-H", "-o", "state", fmri]);
    while svcs.run()?.trim_ascii_end().ends_with(b"*") && Instant::now() < until && !super::interrupted() {
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn family(ipv6: bool) -> &'static str {
    if ipv6 { "ipv6" } else { "ipv4" }
}
