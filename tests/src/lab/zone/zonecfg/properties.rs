//! Properties of zones and resources, and what they may be (section 8, the tables).

use std::net::{Ipv4Addr, Ipv6Addr};

/// A kind of resource.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) name: &'static str,
    /// The element; resources that are spread over others have none of their own.
    pub(super) element: &'static str,
    pub(super) properties: &'static [Property],
    /// What no two of them may have in common; nothing: there is one, or any number.
    pub(super) unique: &'static [&'static str],
    pub(super) single: bool,
}

/// A property of a resource.
#[derive(Debug)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) attribute: &'static str,
    pub(super) required: bool,
    pub(super) many: bool,
}

const fn required(name: &'static str) -> Property {
    Property { name, attribute: name, required: true, many: false }
}

const fn optional(name: &'static str) -> Property {
    Property { name, attribute: name, required: false, many: false }
}

const fn many(name: &'static str, required: bool) -> Property {
    Property { name, attribute: name, required, many: true }
}

const fn resource(name: &'static str, element: &'static str, properties: &'static [Property]) -> Resource {
    Resource { name, element, properties, unique: &[], single: false }
}

/// In the order of `export`.
pub(super) const RESOURCES: &[Resource] = &[
    Resource {
        unique: &["dir"],
        ..resource(
            "fs",
            "filesystem",
            &[
                Property { attribute: "directory", ..required("dir") },
                required("special"),
                optional("raw"),
                required("type"),
                many("options", false),
            ],
        )
    },
    Resource {
        unique: &["physical", "address", "allowed-address", "defrouter"],
        ..resource(
            "net",
            "network",
            &[optional("address"), optional("allowed-address"), required("physical"), optional("defrouter")],
        )
    },
    Resource { unique: &["match"], ..resource("device", "device", &[required("match")]) },
    Resource {
        single: true,
        ..resource(
            "capped-memory",
            "mcap",
            &[Property { attribute: "physcap", ..optional("physical") }, optional("swap"), optional("locked")],
        )
    },
    Resource { single: true, ..resource("capped-cpu", "", &[required("ncpus")]) },
    Resource { unique: &["name"], ..resource("rctl", "rctl", &[required("name"), many("value", true)]) },
    Resource {
        unique: &["name"],
        ..resource("attr", "attr", &[required("name"), required("type"), required("value")])
    },
    Resource { unique: &["name"], ..resource("dataset", "dataset", &[required("name")]) },
    Resource { single: true, ..resource("dedicated-cpu", "pset", &[required("ncpus"), optional("importance")]) },
    Resource { unique: &["user"], ..resource("admin", "admin", &[required("user"), required("auths")]) },
    Resource {
        single: true,
        ..resource("security-flags", "security-flags", &[optional("default"), optional("lower"), optional("upper")])
    },
];

impl Resource {
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        RESOURCES.iter().find(|resource| resource.name == name)
    }

    pub(super) fn property(&self, name: &str) -> Option<&'static Property> {
        let own = RESOURCES.iter().find(|resource| resource.name == self.name)?;
        own.properties.iter().find(|property| property.name == name)
    }
}

/// Global properties that are attributes of `zone`, in the order of `export` and `info`.
pub(super) const GLOBAL: &[&str] = &[
    "zonepath",
    "brand",
    "autoboot",
    "bootargs",
    "pool",
    "limitpriv",
    "scheduling-class",
    "ip-type",
    "hostid",
    "fs-allowed",
];

/// Global properties that are resource controls: the control, its action, the least value, and whether it is a size.
pub(super) const ALIASES: &[(&str, &str, &str, u64, bool)] = &[
    ("max-lwps", "zone.max-lwps", "deny", 100, false),
    ("max-processes", "zone.max-processes", "deny", 100, false),
    ("max-shm-memory", "zone.max-shm-memory", "deny", 0, true),
    ("max-shm-ids", "zone.max-shm-ids", "deny", 0, false),
    ("max-msg-ids", "zone.max-msg-ids", "deny", 0, false),
    ("max-sem-ids", "zone.max-sem-ids", "deny", 0, false),
    ("cpu-shares", "zone.cpu-shares", "none", 0, false),
];

/// What one name may look like.
pub(super) fn is_zone_name(name: &str) -> bool {
    let mut letters = name.bytes();
    letters.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || b"_.-".contains(&letter))
        && name.len() < 64
}

/// An absolute path that is more than slashes, without double and trailing ones.
pub(super) fn zonepath(value: &str) -> Option<String> {
    let parts: Vec<&str> = value.split('/').filter(|part| !part.is_empty()).collect();
    (value.starts_with('/') && !parts.is_empty()).then(|| format!("/{}", parts.join("/")))
}

/// Whether a value of a global property passes `set`.
pub(super) fn global(name: &str, value: &str) -> bool {
    match name {
        "autoboot" => ["true", "false"].contains(&value),
        "ip-type" => ["shared", "exclusive"].contains(&value),
        "bootargs" => value.len() < 256,
        "pool" => !value.starts_with("SUNW"),
        _ => true,
    }
}

pub(super) fn hostid(value: &str) -> bool {
    let digits = value.strip_prefix("0x").unwrap_or(value);
    value.len() <= 10 && u32::from_str_radix(digits, 16).is_ok_and(|number| number != u32::MAX) && !digits.contains('+')
}

pub(super) fn fs_allowed(value: &str) -> bool {
    let kind =
        |kind: &str| !kind.is_empty() && kind.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-');
    value.split(',').all(kind)
}

/// A size with K, M, G or T, fractions allowed.
pub(super) fn size(value: &str) -> Option<u64> {
    let unit = value.chars().last()?;
    let shift = match unit.to_ascii_uppercase() {
        'K' => 10,
        'M' => 20,
        'G' => 30,
        'T' => 40,
        _ => return value.parse().ok(),
    };
    let digits = &value[..value.len() - 1];
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: u64 = whole.parse().ok()?;
    let mut bytes = whole.checked_mul(1 << shift)?;
    if !part.is_empty() {
        let power = 10u64.checked_pow(u32::try_from(part.len()).ok()?)?;
        let part: u64 = part.parse().ok()?;
        bytes += u64::try_from(u128::from(part) * (1u128 << shift) / u128::from(power)).ok()?;
    }
    Some(bytes)
}

/// A size as `info` and `export` print it: rounded to a tenth of a unit.
pub(super) fn print_size(bytes: u64) -> String {
    let units = [("T", 40), ("G", 30), ("M", 20), ("K", 10)];
    let Some((unit, shift)) = units.into_iter().find(|(_, shift)| bytes >> shift > 0) else { return bytes.to_string() };
    let tenths = (u128::from(bytes) * 10 + (1u128 << (shift - 1))) >> shift;
    if tenths.is_multiple_of(10) {
        format!("{}{unit}", tenths / 10)
    } else {
        format!("{}.{}{unit}", tenths / 10, tenths % 10)
    }
}

/// Hundredths of a CPU.
pub(super) fn ncpus(value: &str) -> Option<u64> {
    let (whole, part) = value.split_once('.').unwrap_or((value, ""));
    if part.len() > 2 || !part.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let part: u64 = format!("{part:0<2}").parse().ok()?;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    Some(whole * 100 + part).filter(|number| *number > 0)
}

/// `N` or `N-M`.
pub(super) fn cpu_range(value: &str) -> Option<(u32, u32)> {
    let (low, high) = value.split_once('-').unwrap_or((value, value));
    let (low, high) = (low.parse().ok()?, high.parse().ok()?);
    (low > 0 && low <= high).then_some((low, high))
}

/// An address, with all that slips through (section 8, net rules): what is no literal may be a host's name.
pub(in crate::lab::zone) fn is_address(value: &str) -> bool {
    let (address, prefix) = match value.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (value, None),
    };
    let digits = prefix.map(|prefix| prefix.bytes().take_while(u8::is_ascii_digit).count());
    let length = |limit: u32| match (prefix, digits) {
        (Some(prefix), Some(digits)) => prefix[..digits].parse::<u32>().is_ok_and(|length| length <= limit),
        _ => false,
    };
    if address.parse::<Ipv4Addr>().is_ok() {
        return prefix.is_none() || length(32);
    }
    if address.contains(':') {
        return address.parse::<Ipv6Addr>().is_ok() && length(128);
    }
    address.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && address.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"-.".contains(&letter))
}

/// A router is an address or the name of a host: a length is of no use, but draws only a warning.
fn is_router(value: &str) -> bool {
    let bare = value.split('/').next().unwrap_or_default();
    bare.parse::<Ipv6Addr>().is_ok() || is_address(bare)
}

/// A link by the rules of the kind of IP stack.
pub(super) fn is_link(value: &str, exclusive: bool) -> bool {
    let number = value.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let digits = value.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (stem, unit) = value.split_at(value.len() - digits);
    if !exclusive {
        return !stem.is_empty() && !unit.is_empty() && !value.contains(':') && !number.is_empty();
    }
    value.len() <= 31
        && !unit.is_empty()
        && (unit == "0" || !unit.starts_with('0'))
        && stem.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && stem.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"_.".contains(&letter))
}

/// Whether a value of a resource's property passes `set`.
pub(super) fn property(resource: &str, name: &str, value: &str, exclusive: bool) -> bool {
    match (resource, name) {
        ("fs", "dir" | "raw") => value.starts_with('/'),
        ("fs", "type") => !value.contains('/'),
        ("net", "physical") => is_link(value, exclusive),
        ("net", "address" | "allowed-address") => is_address(value),
        ("net", "defrouter") => is_router(value),
        ("rctl", "name") => value.strip_prefix("zone.").is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|letter| letter.is_ascii_alphabetic() || letter == b'-')
        }),
        ("attr", "name") => {
            value.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
                && value.bytes().all(|letter| letter.is_ascii_alphanumeric() || b".-".contains(&letter))
        }
        ("attr", "type") => ["string", "int", "uint", "boolean"].contains(&value),
        ("capped-memory", "physical") => size(value).is_some_and(|bytes| bytes >= 1 << 20),
        ("capped-memory", "swap") => size(value).is_some_and(|bytes| bytes >= 50 << 20),
        ("capped-memory", "locked") => size(value).is_some(),
        ("capped-cpu", "ncpus") => ncpus(value).is_some(),
        ("dedicated-cpu", "ncpus") => cpu_range(value).is_some(),
        ("dedicated-cpu", "importance") => value.parse::<u32>().is_ok(),
        ("security-flags", _) => value.split(',').all(|flag| {
            let flag = flag.strip_prefix(['!', '-']).unwrap_or(flag);
            ["aslr", "forbidnullmap", "noexecstack", "all", "none", "default"].contains(&flag)
        }),
        _ => true,
    }
}

/// Whether an attr's value is of its type.
pub(super) fn attr_value(kind: &str, value: &str) -> bool {
    match kind {
        "int" => value.parse::<i64>().is_ok(),
        "uint" => value.parse::<u64>().is_ok(),
        "boolean" => ["true", "false"].contains(&value),
        _ => value.len() < 256,
    }
}

/// Whether a dataset can have this name.
pub(super) fn is_dataset(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"-_.: ".contains(&letter))
    };
    name.len() < 256
        && name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && name.split('/').all(part)
}
