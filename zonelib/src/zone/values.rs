//! What can be asked for in a flag: sizes, processors, accounts, templates, firmware, versions.

use std::fmt;
use std::str::FromStr;

/// A value of a flag that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no {what}: {rule}", value.escape_debug())]
pub struct ValueError {
    what: &'static str,
    value: String,
    rule: &'static str,
}

fn refuse<T>(what: &'static str, value: &str, rule: &'static str) -> Result<T, ValueError> {
    Err(ValueError { what, value: value.to_owned(), rule })
}

/// Zones that can be made at once.
const MOST_ZONES: u32 = 1000;

/// How many zones are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(u32);

impl Count {
    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for Count {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && (1..=MOST_ZONES).contains(&number) => Ok(Self(number)),
            _ => refuse("number of zones", text, "it goes from 1 to 1000"),
        }
    }
}

/// A number of bytes, written with a unit: `512M`, `4G`, `1T`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    number: u64,
    unit: char,
}

impl Size {
    /// Bytes.
    #[must_use]
    pub fn bytes(self) -> u64 {
        let shift = match self.unit {
            'M' => 20,
            'G' => 30,
            _ => 40,
        };
        // A size that does not fit is refused when it is read.
        self.number << shift
    }
}

impl FromStr for Size {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        const WHAT: &str = "size";
        let unit = text.chars().next_back().map(|unit| unit.to_ascii_uppercase());
        let Some(unit @ ('M' | 'G' | 'T')) = unit else {
            return refuse(WHAT, text, "it has to end in M, G or T, such as 512M");
        };
        let digits = &text[..text.len() - 1];
        match digits.parse::<u64>() {
            Ok(number) if digits.bytes().all(|byte| byte.is_ascii_digit()) && number > 0 => {
                // 2^20 T are more than any number of bytes that can be counted.
                if number < 1 << 20 { Ok(Self { number, unit }) } else { refuse(WHAT, text, "it is too large") }
            }
            _ => refuse(WHAT, text, "there has to be a whole number above 0 before the unit"),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.number, self.unit)
    }
}

/// Processors: a number, with hundredths for a cap, or what `vcpus` of bhyve(7) takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpus {
    text: String,
    /// Hundredths of a processor.
    hundredths: u64,
    topology: bool,
}

impl Cpus {
    /// Hundredths of a processor, altogether.
    #[must_use]
    pub fn hundredths(&self) -> u64 {
        self.hundredths
    }

    /// Whether sockets, cores or threads are told, which only a virtual machine has.
    #[must_use]
    pub fn is_topology(&self) -> bool {
        self.topology
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Cpus {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        const WHAT: &str = "number of processors";
        let form = "a number such as 2 or 0.5, or for bhyve [cpus=]N[,sockets=N][,cores=N][,threads=N]";
        let whole = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok());
        let counted = |text: &str| whole(text).flatten().filter(|number| (1..=65_536).contains(number));
        if !text.contains(['=', ',']) {
            let (before, after) = text.split_once('.').unwrap_or((text, "0"));
            let digits = |text: &str, most: usize| {
                !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit())
            };
            if !digits(before, 5) || !digits(after, 2) {
                return refuse(WHAT, text, form);
            }
            let after = after.parse::<u64>().unwrap_or(0) * if after.len() == 1 { 10 } else { 1 };
            let hundredths = before.parse::<u64>().unwrap_or(0) * 100 + after;
            if hundredths == 0 {
                return refuse(WHAT, text, "it has to be more than 0");
            }
            return Ok(Self { text: text.to_owned(), hundredths, topology: false });
        }
        let mut parts = text.split(',');
        let first = parts.next().unwrap_or_default();
        let number = counted(first.strip_prefix("cpus=").unwrap_or(first));
        let known = |part: &str| {
            let split = part.split_once('=');
            split.is_some_and(|(name, count)| {
                matches!(name, "sockets" | "cores" | "threads") && counted(count).is_some()
            })
        };
        match number {
            Some(number) if parts.all(known) => {
                Ok(Self { text: text.to_owned(), hundredths: number * 100, topology: true })
            }
            _ => refuse(WHAT, text, form),
        }
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A volume to be made: its size, and the pool if it is not the root pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVolume {
    /// The pool or the dataset that it is made in.
    pub parent: Option<crate::host::DatasetName>,
    /// Its size.
    pub size: Size,
}

impl FromStr for NewVolume {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let Some((parent, size)) = text.rsplit_once(':') else {
            return Ok(Self { parent: None, size: text.parse()? });
        };
        match parent.parse() {
            Ok(parent) => Ok(Self { parent: Some(parent), size: size.parse()? }),
            Err(_) => refuse("volume to make", text, "it is SIZE or POOL:SIZE, such as tank:20G"),
        }
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ValueError;

            fn from_str(text: &str) -> Result<Self, ValueError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.to_owned())) } else { refuse($what, text, $rule) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn is_plain(text: &str, more: &[u8], most: usize) -> bool {
    text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric() || first == b'_')
        && text.len() <= most
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
}

name!(
    /// The name of an account. Source: passwd(5).
    UserName,
    "account",
    "at most 32 letters, digits, `_`, `.` and `-`, of which the first is no `-` or `.`",
    |text| is_plain(text, b"_.-", 32)
);

name!(
    /// The name of a zone template, as in `/etc/zones/TRIBtemplate-NAME.xml`.
    TemplateName,
    "name of a template",
    "at most 40 letters, digits, `_`, `.` and `-`, of which the first is no `-` or `.`",
    |text| is_plain(text, b"_.-", 40)
);

impl TemplateName {
    /// Stands for a name that could not be read, while everything else is looked at.
    #[must_use]
    pub fn unread() -> Self {
        Self("unread".to_owned())
    }
}

name!(
    /// The name of a firmware in `/usr/share/bhyve/firmware`, without `.fd`.
    Firmware,
    "firmware",
    "at most 64 letters, digits, `_`, `.` and `-`, of which the first is no `-` or `.`",
    |text| is_plain(text, b"_.-", 64)
);

name!(
    /// What the configurator of the distribution is asked for: `ACTION=ARGUMENT`.
    Konfigure,
    "request to the configurator",
    "it is ACTION=ARGUMENT, the action of letters, digits, `_` and `-`, without control characters",
    |text| {
        text.split_once('=').is_some_and(|(action, _)| is_plain(action, b"_-", 64))
            && text.len() <= 1024
            && !text.contains(char::is_control)
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let cases = [("1M", 1 << 20), ("4G", 4 << 30), ("2t", 2 << 40), ("512m", 512 << 20)];
        for (text, bytes) in cases {
            assert_eq!(text.parse::<Size>().unwrap().bytes(), bytes, "{text}");
        }
        assert_eq!("4g".parse::<Size>().unwrap().to_string(), "4G");
        for text in
            ["", "4", "G", "4K", "0G", "-4G", "+4G", "1.5G", "4GB", "9999999999T", "99999999999999999999G", "4ü"]
        {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_of_zones() {
        assert_eq!(["1", "8", "1000"].map(|text| text.parse::<Count>().unwrap().get()), [1, 8, 1000]);
        for text in ["", "0", "1001", "-1", "+1", "1.5", "eight", "99999999999"] {
            assert!(text.parse::<Count>().is_err(), "{text}");
        }
    }

    #[test]
    fn processors() {
        let cases = [
            ("2", 200, false),
            ("0.5", 50, false),
            ("1.25", 125, false),
            ("cpus=4,sockets=2,cores=2", 400, true),
            ("4,threads=2", 400, true),
            ("cpus=4", 400, true),
        ];
        for (text, hundredths, topology) in cases {
            let cpus: Cpus = text.parse().unwrap();
            assert_eq!((cpus.hundredths(), cpus.is_topology()), (hundredths, topology), "{text}");
        }
        for text in ["", "0", "0.00", "-1", "1.234", ".5", "2.", "a", "cpus=0", "cpus=2,x=1", "2,", "=2", "999999"] {
            assert!(text.parse::<Cpus>().is_err(), "{text}");
        }
    }

    #[test]
    fn volumes_and_names() {
        let volume: NewVolume = "tank/vm:20G".parse().unwrap();
        assert_eq!((volume.parent.unwrap().as_str(), volume.size.bytes()), ("tank/vm", 20 << 30));
        assert_eq!("20G".parse::<NewVolume>().unwrap().parent, None);
        for text in ["", ":20G", "tank:", "a@b:1G", "tank:20"] {
            assert!(text.parse::<NewVolume>().is_err(), "{text}");
        }
        for name in ["ptribble", "a", "_x", "a.b-c"] {
            assert!(name.parse::<UserName>().is_ok(), "{name}");
        }
        for name in ["", "-f", ".", "..", "a:b", "a b", "ü", &"x".repeat(33), "a/b", "a\n"] {
            assert!(
                name.parse::<UserName>().is_err() && name.parse::<TemplateName>().is_err() || name.len() == 33,
                "{name}"
            );
        }
        assert!("timezone=UTC".parse::<Konfigure>().is_ok());
        for text in ["", "timezone", "=x", "a/b=c", "../x=y", "-z=x", "a=b\nc"] {
            assert!(text.parse::<Konfigure>().is_err(), "{text}");
        }
    }
}
