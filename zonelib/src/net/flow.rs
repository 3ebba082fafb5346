//! Limits on what goes through a vnic. Source: flowadm(8).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::host::{LinkName, NetworkChange, flowadm};

/// Flows are called this, with the number of their vnic.
pub(super) const FAMILY: &str = "zflow";
/// The least that flowadm(8) takes, in kilobits a second.
const LEAST: u64 = 1200;

/// How urgent packets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowPriority {
    /// Less than others.
    Low,
    /// As others.
    Medium,
    /// More than others.
    High,
}

/// Limits, written as properties of a flow: `maxbw=5M,priority=high`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowLimits {
    /// Kilobits a second, at least 1200.
    pub maxbw_kbit: Option<u64>,
    /// How urgent it is.
    pub priority: Option<FlowPriority>,
}

/// Not limits that flowadm(8) takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no limit: {rule}", text.escape_debug())]
pub struct FlowError {
    text: String,
    rule: &'static str,
}

impl FromStr for FlowLimits {
    type Err = FlowError;

    fn from_str(text: &str) -> Result<Self, FlowError> {
        let fail = |rule| FlowError { text: text.to_owned(), rule };
        let mut limits = Self::default();
        for property in text.split(',') {
            match property.split_once('=') {
                Some(("maxbw", value)) if limits.maxbw_kbit.is_none() => {
                    limits.maxbw_kbit = Some(bandwidth(value).map_err(fail)?);
                }
                Some(("priority", value)) if limits.priority.is_none() => {
                    let priority = match value {
                        "low" => FlowPriority::Low,
                        "medium" => FlowPriority::Medium,
                        "high" => FlowPriority::High,
                        _ => return Err(fail("a priority is low, medium or high")),
                    };
                    limits.priority = Some(priority);
                }
                Some(("maxbw" | "priority", _)) => return Err(fail("a property is given twice")),
                _ => return Err(fail("write maxbw=NUMBER[K|M|G], priority=low|medium|high, or both with a comma")),
            }
        }
        Ok(limits)
    }
}

/// Megabits a second, unless it says otherwise.
fn bandwidth(text: &str) -> Result<u64, &'static str> {
    let digits = text.trim_end_matches(['K', 'M', 'G', 'k', 'm', 'g']);
    let factor = match &text[digits.len()..] {
        "K" | "k" => 1,
        "" | "M" | "m" => 1000,
        "G" | "g" => 1_000_000,
        _ => return Err("maxbw is a number with K, M or G behind it"),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number = digits.parse::<u64>().ok().filter(|_| plain).and_then(|number| number.checked_mul(factor));
    match number {
        Some(kbit) if kbit >= LEAST => Ok(kbit),
        Some(_) => Err("maxbw is at least 1200K"),
        None => Err("maxbw is a number with K, M or G behind it"),
    }
}

impl fmt::Display for FlowLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.properties().join(","))
    }
}

impl FlowLimits {
    /// As flowadm(8) is told.
    #[must_use]
    pub fn properties(&self) -> Vec<String> {
        let priority = self.priority.map(|priority| match priority {
            FlowPriority::Low => "priority=low".to_owned(),
            FlowPriority::Medium => "priority=medium".to_owned(),
            FlowPriority::High => "priority=high".to_owned(),
        });
        self.maxbw_kbit.map(flowadm::maxbw).into_iter().chain(priority).collect()
    }
}

/// A flow with limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Its name.
    pub name: String,
    /// The limits.
    #[serde(flatten)]
    pub limits: FlowLimits,
}

impl Flow {
    /// The limits of a vnic.
    #[must_use]
    pub fn of(link: &LinkName, limits: FlowLimits) -> Self {
        Self { name: format!("{FAMILY}{}", link.number().unwrap_or_default()), limits }
    }

    /// What makes it on the link with an address.
    #[must_use]
    pub fn add(&self, link: &LinkName, address: IpAddr) -> NetworkChange {
        let properties = self.limits.properties();
        NetworkChange::AddFlow { name: self.name.clone(), link: link.clone(), address, properties }
    }

    /// What takes it away.
    #[must_use]
    pub fn remove(&self, link: &LinkName, address: IpAddr) -> NetworkChange {
        let properties = self.limits.properties();
        NetworkChange::RemoveFlow { name: self.name.clone(), link: link.clone(), address, properties }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_what_flowadm_takes() {
        for (text, printed) in [
            ("maxbw=5", "maxbw=5M"),
            ("maxbw=5M,priority=high", "maxbw=5M,priority=high"),
            ("priority=low", "priority=low"),
            ("maxbw=1g", "maxbw=1G"),
            ("maxbw=1200K", "maxbw=1200K"),
        ] {
            let limits: FlowLimits = text.parse().unwrap();
            assert_eq!(limits.to_string(), printed);
            assert_eq!(printed.parse::<FlowLimits>().unwrap(), limits);
        }
        for text in [
            "",
            "maxbw",
            "maxbw=",
            "maxbw=1199K",
            "maxbw=+5M",
            "maxbw=5MM",
            "maxbw=99999999999999999999G",
            "priority=urgent",
            "maxbw=5,maxbw=6",
            "maxbw=5;priority=low",
            "cpus=2",
        ] {
            assert!(text.parse::<FlowLimits>().is_err(), "{text}");
        }
        let flow = Flow { name: "zflow0".to_owned(), limits: "maxbw=5M".parse().unwrap() };
        let text = serde_json::to_string(&flow).unwrap();
        assert_eq!(serde_json::from_str::<Flow>(&text).unwrap(), flow);
    }
}
