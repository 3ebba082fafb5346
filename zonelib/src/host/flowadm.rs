//! Limits on what goes through a link, as flowadm(8) keeps them.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::parsable::{self, ListError};
use super::{HostCommand, HostError, LinkName};

const FLOWADM: &str = "/usr/sbin/flowadm";

/// A flow of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFlow {
    /// Its name.
    pub name: String,
    /// The link whose packets are meant.
    pub link: String,
    /// Those from and to these addresses of the link; `None`: others are meant.
    pub local: Option<IpNet>,
    /// What is set, such as `maxbw=5M`, by name.
    pub properties: Vec<String>,
}

/// All flows of this host. Runs two commands.
///
/// # Errors
/// [`ListError`].
pub fn flows() -> Result<Vec<HostFlow>, ListError> {
    let mut flows =
        parsable::list(&HostCommand::new(FLOWADM).args(["show-flow", "-p", "-o", "flow,link,ipaddr"]), flow)?;
    if flows.is_empty() {
        return Ok(flows);
    }
    // Here -c is for parsable output.
    let show = HostCommand::new(FLOWADM).args(["show-flowprop", "-c", "-o", "flow,property,value"]);
    let mut properties: HashMap<String, Vec<String>> = HashMap::new();
    for (name, property) in parsable::list(&show, property)? {
        properties.entry(name).or_default().extend(property);
    }
    for flow in &mut flows {
        flow.properties = properties.remove(&flow.name).unwrap_or_default();
        flow.properties.sort_unstable();
    }
    Ok(flows)
}

/// Addresses have spaces behind them. Source: `dladm_flow_attr_ip2str()`.
fn flow(line: &str) -> Option<HostFlow> {
    let [name, link, address] = parsable::fields(line)?;
    let local = address.trim().strip_prefix("LCL:").and_then(|net| net.parse().ok());
    (!name.is_empty()).then(|| HostFlow { name, link, local, properties: Vec::new() })
}

/// The name of a flow, and a property in the form in which it is set; `None` when it is not.
fn property(line: &str) -> Option<(String, Option<String>)> {
    let [name, property, value] = parsable::fields(line)?;
    let value = match value.trim() {
        "" | "--" | "?" => None,
        megabits if property == "maxbw" => Some(maxbw(kilobits(megabits)?)),
        value => Some(format!("{property}={value}")),
    };
    Some((name, value))
}

/// The property for so many kilobits a second, in the largest unit that has no fraction.
#[must_use]
pub fn maxbw(kilobits: u64) -> String {
    match (kilobits % 1_000_000, kilobits % 1000) {
        (0, _) => format!("maxbw={}G", kilobits / 1_000_000),
        (_, 0) => format!("maxbw={}M", kilobits / 1000),
        _ => format!("maxbw={kilobits}K"),
    }
}

/// Of megabits with three digits behind the point, or none. Source: `dladm_bw2str()`.
fn kilobits(megabits: &str) -> Option<u64> {
    let (whole, part) = megabits.split_once('.').unwrap_or((megabits, "000"));
    let part = part.parse::<u64>().ok().filter(|_| part.len() == 3)?;
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(part)
}

/// The command that adds a flow of what is from and to an address, with properties such as `maxbw=5M`.
#[must_use]
pub fn add_flow(name: &str, link: &LinkName, address: IpAddr, properties: &[String]) -> HostCommand {
    let flowadm = HostCommand::new(FLOWADM).args(["add-flow", "-l", link.as_str(), "-a"]);
    flowadm.arg(format!("local_ip={address}")).arg("-p").arg(properties.join(",")).arg(name)
}

/// The command that takes a flow away.
#[must_use]
pub fn remove_flow(name: &str) -> HostCommand {
    HostCommand::new(FLOWADM).arg("remove-flow").arg(name)
}

/// Whether flowadm(8) refused because there is something of that name.
#[must_use]
pub fn exists_already(error: &HostError) -> bool {
    error.says("already exists")
}

/// Whether flowadm(8) refused because there is nothing of that name.
#[must_use]
pub fn is_missing(error: &HostError) -> bool {
    error.says("not found")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_flows() {
        let found = flow(r"zflow2:znic2:LCL\:10.1.1.5/32  ").unwrap();
        assert_eq!((found.link.as_str(), found.local.unwrap().to_string().as_str()), ("znic2", "10.1.1.5/32"));
        assert_eq!(flow(r"six:znic2:LCL\:fd00\:1\:\:5/128  ").unwrap().local, Some("fd00:1::5/128".parse().unwrap()));
        assert_eq!(flow(r"far:znic2:RMT\:10.1.1.5/32  ").unwrap().local, None);
        assert_eq!(flow("web:znic2:").unwrap().local, None);
        assert_eq!(flow("web:znic2"), None);
    }

    #[test]
    fn properties_are_as_they_are_set() {
        for (line, set) in [
            ("f:maxbw:    5", Some("maxbw=5M")),
            ("f:maxbw:    1.500", Some("maxbw=1500K")),
            ("f:maxbw:0.512", Some("maxbw=512K")),
            ("f:maxbw:--", None),
            ("f:priority:", None),
            ("f:priority:low", Some("priority=low")),
        ] {
            assert_eq!(property(line), Some(("f".to_owned(), set.map(str::to_owned))), "{line}");
        }
        for line in ["f:maxbw", "f:maxbw:fast", "f:maxbw:1.5", "f:maxbw:-1"] {
            assert_eq!(property(line), None, "{line}");
        }
    }
}
