//! Names and addresses of data links.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `MAXLINKNAMELEN` of dlpi(7P), with its NUL.
const NAME_LIMIT: usize = 32;

/// The name of a data link, such as `net0` or `zrstub12`. Source: `dladm_valid_linkname()` of libdladm,
/// which zonecfg(8) uses too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LinkName(String);

/// Not a name that dladm(8) takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no name of a data link: {rule}", name.escape_debug())]
pub struct LinkNameError {
    name: String,
    rule: &'static str,
}

impl LinkName {
    /// The link of a family with a number, such as `znic` and 3.
    ///
    /// # Errors
    /// [`LinkNameError`]: the family is no beginning of a name.
    pub fn numbered(family: &str, number: u32) -> Result<Self, LinkNameError> {
        format!("{family}{number}").parse()
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What precedes the number.
    #[must_use]
    pub fn family(&self) -> &str {
        self.0.trim_end_matches(|letter: char| letter.is_ascii_digit())
    }

    /// The number at its end; `None` when it is larger than any that zonekit gives.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        self.0[self.family().len()..].parse().ok()
    }
}

impl FromStr for LinkName {
    type Err = LinkNameError;

    fn from_str(name: &str) -> Result<Self, LinkNameError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        let family = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let number = &name[family.len()..];
        let rule = if name.is_empty() {
            "it is empty"
        } else if !name.bytes().all(plain) {
            "only letters, digits, `_` and `.` are allowed"
        } else if name.len() >= NAME_LIMIT {
            "it has more than 31 characters"
        } else if family.is_empty() || name.starts_with(|letter: char| letter.is_ascii_digit()) {
            "it may not start with a digit"
        } else if number.is_empty() {
            "it has to end in a number"
        } else if number.len() > 1 && number.starts_with('0') {
            "the number at its end may not start with 0"
        } else {
            return Ok(Self(name.to_owned()));
        };
        Err(LinkNameError { name: name.to_owned(), rule })
    }
}

impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for LinkName {
    type Error = LinkNameError;

    fn try_from(name: String) -> Result<Self, LinkNameError> {
        name.parse()
    }
}

impl From<LinkName> for String {
    fn from(name: LinkName) -> Self {
        name.0
    }
}

/// The Ethernet address of a link. Printed with two digits a byte, as dnsmasq(8) and cloud-init want it;
/// read in that form and in that of dladm(8), which leaves out leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddress([u8; 6]);

/// Not the address of one link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no Ethernet address of a link: {rule}", text.escape_debug())]
pub struct MacAddressError {
    text: String,
    rule: &'static str,
}

impl MacAddress {
    /// The prefix of the addresses that vnics get. Source: dladm(8), `create-vnic -m random`.
    const PREFIX: [u8; 3] = [0x02, 0x08, 0x20];

    /// An address for a vnic from three bytes.
    #[must_use]
    pub fn for_vnic(own: [u8; 3]) -> Self {
        let [a, b, c] = Self::PREFIX;
        let [d, e, f] = own;
        Self([a, b, c, d, e, f])
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; 6] {
        self.0
    }

    /// As dladm(8) prints it: `2:8:20:4:5:f`.
    #[must_use]
    pub fn unpadded(self) -> String {
        self.0.map(|byte| format!("{byte:x}")).join(":")
    }
}

impl FromStr for MacAddress {
    type Err = MacAddressError;

    fn from_str(text: &str) -> Result<Self, MacAddressError> {
        let fail = |rule| MacAddressError { text: text.to_owned(), rule };
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|part| (1..=2).contains(&part.len()));
            let digits = part.filter(|part| part.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            *byte = value.ok_or_else(|| fail("it has to be six hexadecimal numbers with colons between"))?;
        }
        if parts.next().is_some() {
            return Err(fail("it has more than six numbers"));
        }
        if bytes[0] & 1 == 1 {
            return Err(fail("it is a multicast address"));
        }
        if bytes == [0; 6] {
            return Err(fail("it is all zeros"));
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.map(|byte| format!("{byte:02x}")).join(":"))
    }
}

impl TryFrom<String> for MacAddress {
    type Error = MacAddressError;

    fn try_from(text: String) -> Result<Self, MacAddressError> {
        text.parse()
    }
}

impl From<MacAddress> for String {
    fn from(address: MacAddress) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_names_follow_the_rules_of_dladm() {
        for name in ["net0", "a.1", "_0", "zrstub12", "net_router.0", "a10", &format!("{}9", "x".repeat(30))] {
            assert!(name.parse::<LinkName>().is_ok(), "{name}");
        }
        let long = format!("{}9", "x".repeat(31));
        for name in ["", "net01", "net00", "stub", "2net0", "12", "my-net0", "net0 ", "nét0", "net0\n", "a/0", &long] {
            assert!(name.parse::<LinkName>().is_err(), "{name:?}");
        }
        let link: LinkName = "net_router.120".parse().unwrap();
        assert_eq!((link.family(), link.number()), ("net_router.", Some(120)));
        assert_eq!("a99999999999".parse::<LinkName>().unwrap().number(), None);
    }

    #[test]
    fn both_forms_of_an_ethernet_address_are_one() {
        let address: MacAddress = "2:8:20:4:5:f".parse().unwrap();
        assert_eq!(address.to_string(), "02:08:20:04:05:0f");
        assert_eq!(address.unpadded(), "2:8:20:4:5:f");
        assert_eq!("02:08:20:04:05:0F".parse::<MacAddress>().unwrap(), address);
        for text in
            ["", "2:8:20:4:5", "2:8:20:4:5:f:1", "2:8:20:4:5:100", "1:0:0:0:0:0", "0:0:0:0:0:0", "+2:8:20:4:5:f"]
        {
            assert!(text.parse::<MacAddress>().is_err(), "{text}");
        }
    }
}
