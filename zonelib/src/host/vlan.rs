//! Numbers of virtual networks on a link.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The number of a VLAN: 1 to 4094. Source: dladm(8), `create-vlan -v`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct VlanId(u16);

/// Not the number of a VLAN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no VLAN: a number from 1 to 4094", .0.escape_debug())]
pub struct VlanIdError(String);

impl TryFrom<u16> for VlanId {
    type Error = VlanIdError;

    fn try_from(number: u16) -> Result<Self, VlanIdError> {
        if (1..=4094).contains(&number) { Ok(Self(number)) } else { Err(VlanIdError(number.to_string())) }
    }
}

impl FromStr for VlanId {
    type Err = VlanIdError;

    fn from_str(text: &str) -> Result<Self, VlanIdError> {
        let plain = text.bytes().all(|digit| digit.is_ascii_digit());
        let number = text.parse::<u16>().ok().filter(|_| plain).ok_or_else(|| VlanIdError(text.to_owned()))?;
        number.try_into()
    }
}

impl From<VlanId> for u16 {
    fn from(vlan: VlanId) -> Self {
        vlan.0
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_that_dladm_takes() {
        for text in ["1", "7", "4094"] {
            assert_eq!(text.parse::<VlanId>().unwrap().to_string(), text);
        }
        for text in ["", "0", "4095", "65543", "-1", "+7", "7 ", "x"] {
            assert!(text.parse::<VlanId>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<VlanId>("4095").is_err());
    }
}
