//! Names of domains, of hosts and of ways in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::config::ZoneName;

/// Bytes of the longest domain name. Source: RFC 1035, 2.3.4.
const DOMAIN_LIMIT: usize = 253;
/// Bytes of the longest part of a domain name.
const LABEL_LIMIT: usize = 63;

/// Not a name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no {kind}: {rule}", text.escape_debug())]
pub struct NameError {
    text: String,
    kind: &'static str,
    rule: &'static str,
}

impl NameError {
    fn new(text: &str, kind: &'static str, rule: &'static str) -> Self {
        Self { text: text.chars().take(300).collect(), kind, rule }
    }
}

macro_rules! text_form {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.to_string()
            }
        }
    };
}

/// A domain name such as `zones.example`: letters, digits and hyphens in parts. It is kept in lower case.
/// Source: RFC 1123, 2.1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);

impl Domain {
    /// The name, without a dot at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Domain {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let plain = |label: &str| label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let rule = if text.is_empty() || text.split('.').any(str::is_empty) {
            "it has an empty part"
        } else if text.len() > DOMAIN_LIMIT {
            "it has more than 253 characters"
        } else if text.split('.').any(|label| label.len() > LABEL_LIMIT) {
            "one of its parts has more than 63 characters"
        } else if !text.split('.').all(plain) {
            "only letters, digits, `-` and `.` are allowed"
        } else if text.split('.').any(|label| label.starts_with('-') || label.ends_with('-')) {
            "one of its parts starts or ends with `-`"
        } else if text.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
            "it ends in a number, like an address"
        } else {
            return Ok(Self(text.to_ascii_lowercase()));
        };
        Err(NameError::new(text, "domain name", rule))
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_form!(Domain);

/// What a way in is called: letters, digits, `.`, `_` and `-`, a letter or digit first. haproxy(1) takes it as the
/// name of a proxy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IngressName(String);

impl IngressName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IngressName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let rule = if !text.starts_with(|first: char| first.is_ascii_alphanumeric()) {
            "it has to start with a letter or a digit"
        } else if !text.bytes().all(plain) {
            "only letters, digits, `.`, `_` and `-` are allowed"
        } else if text.len() > LABEL_LIMIT {
            "it has more than 63 characters"
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(NameError::new(text, "name of an ingress", rule))
    }
}

impl fmt::Display for IngressName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_form!(IngressName);

/// What a zone is called in DNS: its name, in lower case, with `-` for what a host name cannot have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

impl HostName {
    /// The host name of a zone. Zones whose names differ only in what DNS cannot tell apart get the same one.
    #[must_use]
    pub fn of(zone: &ZoneName) -> Self {
        let parts = zone.as_str().split('.').map(|part| part.replace('_', "-").trim_matches('-').to_ascii_lowercase());
        let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
        // A name that ends in a number is read as an address.
        let number = parts.last().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        Self(parts.join(if number { "-" } else { "." }))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without its domain.
    #[must_use]
    pub fn label(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }

    /// All names by which the zone is found in a domain, the full one first. One that would be longer than DNS allows
    /// is not among them.
    #[must_use]
    pub fn in_domain(&self, domain: Option<&Domain>) -> Vec<String> {
        let own = self.0.clone();
        let mut names = match domain {
            Some(domain) if own.ends_with(&format!(".{domain}")) => vec![own, self.label().to_owned()],
            Some(domain) => vec![format!("{own}.{domain}"), own],
            None => vec![own],
        };
        names.retain(|name| name.len() <= DOMAIN_LIMIT);
        names
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_those_of_the_internet() {
        for (text, kept) in [
            ("Zones.Example", "zones.example"),
            ("a", "a"),
            ("1a.2b.c3", "1a.2b.c3"),
            (&"x".repeat(63), &*"x".repeat(63)),
        ] {
            assert_eq!(text.parse::<Domain>().unwrap().as_str(), kept);
        }
        for text in ["", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "a b", "a\nb", "10.1.2.3", "ü.de", &"x".repeat(64)]
        {
            assert!(text.parse::<Domain>().is_err(), "{text}");
        }
        let long = vec!["x".repeat(60); 5].join(".");
        assert!(long.parse::<Domain>().is_err());
    }

    #[test]
    fn zones_have_names_in_dns() {
        for (zone, host, names) in [
            ("web", "web", vec!["web.zones.example", "web"]),
            ("Web_1", "web-1", vec!["web-1.zones.example", "web-1"]),
            ("a_", "a", vec!["a.zones.example", "a"]),
            ("db.zones.example", "db.zones.example", vec!["db.zones.example", "db"]),
            ("www.other.example", "www.other.example", vec!["www.other.example.zones.example", "www.other.example"]),
            ("a.-.b..", "a.b", vec!["a.b.zones.example", "a.b"]),
            ("10.1.2.3", "10-1-2-3", vec!["10-1-2-3.zones.example", "10-1-2-3"]),
        ] {
            let name = HostName::of(&zone.parse().unwrap());
            assert_eq!(name.as_str(), host);
            assert_eq!(name.in_domain(Some(&"zones.example".parse().unwrap())), names);
        }
        assert_eq!(HostName::of(&"web".parse().unwrap()).in_domain(None), ["web"]);
    }
}
