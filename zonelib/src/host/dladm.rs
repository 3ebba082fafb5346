//! Data links, as dladm(8) lets one have them.

use super::parsable::{self, ListError};
use super::{HostCommand, HostError, LinkName, MacAddress, VlanId};

const DLADM: &str = "/usr/sbin/dladm";

/// What a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkClass {
    /// A network card.
    Physical,
    /// Several of them as one.
    Aggregation,
    /// A virtual network on another link.
    Vlan,
    /// A virtual network card on another link.
    Vnic,
    /// What takes the place of a switch.
    Etherstub,
    /// A tunnel, bridge or something newer.
    Other,
}

/// A data link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// What it is.
    pub class: LinkClass,
    /// Bytes of its largest packet.
    pub mtu: Option<u32>,
    /// Whether it is down. Nothing is known of what has no carrier.
    pub down: bool,
    /// The links that it is on.
    pub over: Vec<String>,
}

/// A virtual network card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vnic {
    /// Its name.
    pub name: String,
    /// The link that it is on.
    pub over: String,
    /// Its Ethernet address.
    pub mac: Option<MacAddress>,
    /// The VLAN of that link that it is in.
    pub vlan: Option<VlanId>,
}

impl Vnic {
    /// Whether it is the one that was made with these: on one link no two are alike in both.
    #[must_use]
    pub fn is(&self, mac: MacAddress, vlan: Option<VlanId>) -> bool {
        self.mac == Some(mac) && self.vlan == vlan
    }
}

/// A link that is one VLAN of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vlan {
    /// Its name.
    pub name: String,
    /// The number of the VLAN.
    pub id: VlanId,
    /// The link that it is on.
    pub over: String,
}

/// The Ethernet address that a network card brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The name of its link.
    pub link: String,
    /// The address.
    pub mac: MacAddress,
}

/// All network cards of this host that have an address.
///
/// # Errors
/// [`ListError`].
pub fn cards() -> Result<Vec<Card>, ListError> {
    let command = HostCommand::new(DLADM).args(["show-phys", "-m", "-p", "-o", "link,slot,address"]);
    let found = parsable::list(&command, |line| parsable::fields::<3>(line).map(card))?;
    Ok(found.into_iter().flatten().collect())
}

/// Cards have slots for more addresses, which vnics may use. Some have no Ethernet address.
fn card([link, slot, mac]: [String; 3]) -> Option<Card> {
    (slot == "primary").then(|| mac.parse().ok()).flatten().map(|mac| Card { link, mac })
}

/// All links of this host.
///
/// # Errors
/// [`ListError`].
pub fn links() -> Result<Vec<Link>, ListError> {
    parsable::list(&HostCommand::new(DLADM).args(["show-link", "-p", "-o", "link,class,mtu,state,over"]), link)
}

fn link(line: &str) -> Option<Link> {
    let [name, class, mtu, state, over] = parsable::fields(line)?;
    let class = match class.as_str() {
        "phys" => LinkClass::Physical,
        "aggr" => LinkClass::Aggregation,
        "vlan" => LinkClass::Vlan,
        "vnic" => LinkClass::Vnic,
        "etherstub" => LinkClass::Etherstub,
        _ => LinkClass::Other,
    };
    let over = over.split([' ', ',']).filter(|name| !matches!(*name, "" | "--" | "?")).map(str::to_owned).collect();
    (!name.is_empty()).then(|| Link { name, class, mtu: mtu.parse().ok(), down: state == "down", over })
}

/// All vnics of this host.
///
/// # Errors
/// [`ListError`].
pub fn vnics() -> Result<Vec<Vnic>, ListError> {
    parsable::list(&show_vnic(), vnic)
}

/// All links of this host that are VLANs.
///
/// # Errors
/// [`ListError`].
pub fn vlans() -> Result<Vec<Vlan>, ListError> {
    parsable::list(&HostCommand::new(DLADM).args(["show-vlan", "-p", "-o", "link,vid,over"]), vlan)
}

fn vlan(line: &str) -> Option<Vlan> {
    let [name, id, over] = parsable::fields(line)?;
    (!name.is_empty() && !over.is_empty()).then_some(Vlan { name, id: id.parse().ok()?, over })
}

/// One vnic; `None` when no link has that name, or one that is no vnic.
///
/// # Errors
/// [`ListError`].
pub fn vnic_called(name: &LinkName) -> Result<Option<Vnic>, ListError> {
    match parsable::list(&show_vnic().arg(name.as_str()), vnic) {
        Ok(found) => Ok(found.into_iter().next()),
        Err(ListError::Host(error)) if error.says("object not found") => Ok(None),
        Err(error) => Err(error),
    }
}

fn show_vnic() -> HostCommand {
    HostCommand::new(DLADM).args(["show-vnic", "-p", "-o", "link,over,macaddress,vid"])
}

fn vnic(line: &str) -> Option<Vnic> {
    let [name, over, mac, vid] = parsable::fields(line)?;
    // 0 is none.
    (!name.is_empty()).then(|| Vnic { name, over, mac: mac.parse().ok(), vlan: vid.parse().ok() })
}

/// The command that makes an etherstub.
#[must_use]
pub fn create_etherstub(name: &LinkName) -> HostCommand {
    HostCommand::new(DLADM).arg("create-etherstub").arg(name.as_str())
}

/// The command that takes away an etherstub that nothing is on.
#[must_use]
pub fn delete_etherstub(name: &LinkName) -> HostCommand {
    HostCommand::new(DLADM).arg("delete-etherstub").arg(name.as_str())
}

/// The command that sets the bytes of a link's largest packet.
#[must_use]
pub fn set_mtu(name: &LinkName, mtu: u32) -> HostCommand {
    HostCommand::new(DLADM).args(["set-linkprop", "-p"]).arg(format!("mtu={mtu}")).arg(name.as_str())
}

/// The command that makes a vnic, in a VLAN of the link or in none.
#[must_use]
pub fn create_vnic(name: &LinkName, over: &LinkName, mac: MacAddress, vlan: Option<VlanId>) -> HostCommand {
    let mut dladm = HostCommand::new(DLADM).args(["create-vnic", "-l", over.as_str(), "-m"]).arg(mac.to_string());
    if let Some(vlan) = vlan {
        dladm = dladm.arg("-v").arg(vlan.to_string());
    }
    dladm.arg(name.as_str())
}

/// The command that takes away a vnic that nobody uses.
#[must_use]
pub fn delete_vnic(name: &LinkName) -> HostCommand {
    HostCommand::new(DLADM).arg("delete-vnic").arg(name.as_str())
}

/// Whether dladm(8) refused because there is something of that name.
#[must_use]
pub fn exists_already(error: &HostError) -> bool {
    error.says("object already exists")
}

/// Whether dladm(8) refused because there is nothing of that name.
#[must_use]
pub fn is_missing(error: &HostError) -> bool {
    error.says("object not found") || error.says("invalid link name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_links() {
        let found = link("net0:phys:1500:up:").unwrap();
        assert_eq!((found.class, found.mtu, found.down, found.over.len()), (LinkClass::Physical, Some(1500), false, 0));
        let found = link("znic0:vnic:9000:down:zrstub0").unwrap();
        assert_eq!((found.class, found.down, &found.over[..]), (LinkClass::Vnic, true, &["zrstub0".to_owned()][..]));
        assert_eq!(link("aggr0:aggr:1500:up:net0 net1").unwrap().over, ["net0", "net1"]);
        assert_eq!(link("x0:overlay:?:unknown:").unwrap().class, LinkClass::Other);
        assert_eq!(link("net0:phys"), None);
        assert_eq!(link(":phys:1:up:"), None);
    }

    #[test]
    fn lines_of_cards() {
        let read = |line: &str| parsable::fields::<3>(line).and_then(card).map(|card| card.mac.to_string());
        assert_eq!(read(r"net0:primary:0\:c\:29\:1\:2\:3").as_deref(), Some("00:0c:29:01:02:03"));
        assert_eq!(read(r"net0:1:0\:c\:29\:1\:2\:4"), None);
        assert_eq!(read("ibp0:primary:"), None);
    }

    #[test]
    fn lines_of_vnics() {
        let found = vnic(r"znic0:zrstub0:2\:8\:20\:4\:5\:f:0").unwrap();
        assert_eq!((found.mac.unwrap().to_string().as_str(), found.vlan), ("02:08:20:04:05:0f", None));
        assert_eq!(vnic("znic0:net0::7").unwrap().vlan, "7".parse().ok());
        assert_eq!(vnic("znic0:zrstub0:2:8:20:4:5:f"), None);
    }

    #[test]
    fn lines_of_vlans() {
        let found = vlan("net7:7:net0").unwrap();
        assert_eq!((found.name.as_str(), u16::from(found.id), found.over.as_str()), ("net7", 7, "net0"));
        for line in ["net7:0:net0", "net7:7", "net7:7:", ":7:net0"] {
            assert_eq!(vlan(line), None, "{line}");
        }
    }
}
