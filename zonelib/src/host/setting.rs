//! What is switched on for a host as a whole, and how it was before.

use serde::{Deserialize, Serialize};

use super::{HostCommand, HostError, LinkName};

/// The service of IPFilter.
const FILTER: &str = "svc:/network/ipfilter:default";
/// Which rules it reads. Source: `/lib/svc/method/ipfilter`.
const POLICY: &str = "firewall_config_default/policy";

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
        // What cannot be looked at may have gone, which setting it knows how to tell.
        if self.current().is_ok_and(|current| current == *self) { Ok(()) } else { self.set() }
    }

    /// Sets it.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn set(&self) -> Result<(), HostError> {
        self.commands().iter().try_for_each(|command| match (command.run(), self) {
            // One that is not there forwards nothing.
            (Err(error), Self::Forwarding { on: false, .. }) if error.says("Interface does not exist") => Ok(()),
            (ran, _) => ran.map(drop),
        })
    }

    /// The commands that set it, in order.
    #[must_use]
    pub fn commands(&self) -> Vec<HostCommand> {
        let svcadm = |verb: &str, fmri: &str| HostCommand::new("/usr/sbin/svcadm").args([verb, fmri]);
        match self {
            Self::Service { fmri, enabled } => vec![svcadm(if *enabled { "enable" } else { "disable" }, fmri)],
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

fn family(ipv6: bool) -> &'static str {
    if ipv6 { "ipv6" } else { "ipv4" }
}
