//! Properties of datasets: which there are, their values and where the values come from.
//! Source: `zfs_prop.c`, zfsprops(8).

use super::super::state::{Host, Kind, State, parent};
use super::names::is_user_property;

/// A dataset or a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Dataset(String),
    Snapshot(String, String),
}

impl Target {
    pub fn name(&self) -> String {
        match self {
            Self::Dataset(name) => name.clone(),
            Self::Snapshot(dataset, snapshot) => format!("{dataset}@{snapshot}"),
        }
    }

    pub fn dataset(&self) -> &str {
        match self {
            Self::Dataset(name) | Self::Snapshot(name, _) => name,
        }
    }

    pub fn kind(&self, state: &State) -> Kind {
        match self {
            Self::Dataset(name) => state.datasets[name].kind,
            Self::Snapshot(..) => Kind::Snapshot,
        }
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Local,
    Received,
    Inherited(String),
    Default,
    None,
}

impl Source {
    pub fn text(&self) -> String {
        match self {
            Self::Inherited(from) => format!("inherited from {from}"),
            other => other.word().to_owned(),
        }
    }

    /// As `zfs get -s` has it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Received => "received",
            Self::Inherited(_) => "inherited",
            Self::Default => "default",
            Self::None => "none",
        }
    }
}

/// What a native property is.
pub(super) struct Native {
    pub name: &'static str,
    /// Empty where the value is computed.
    pub default: &'static str,
    pub inherits: bool,
    /// `f`, `v` and `s` for the kinds that have it.
    kinds: &'static str,
    /// The values, with `|` between; empty for any, `-` for none that can be set.
    pub values: &'static str,
}

const fn computed(name: &'static str, kinds: &'static str) -> Native {
    Native { name, default: "", inherits: false, kinds, values: "-" }
}

const fn inherited(name: &'static str, default: &'static str, kinds: &'static str, values: &'static str) -> Native {
    Native { name, default, inherits: true, kinds, values }
}

const fn own(name: &'static str, default: &'static str, kinds: &'static str, values: &'static str) -> Native {
    Native { name, default, inherits: false, kinds, values }
}

const ON_OFF: &str = "on|off";

pub(super) const NATIVE: &[Native] = &[
    computed("type", "fvs"),
    computed("creation", "fvs"),
    computed("used", "fvs"),
    computed("available", "fv"),
    computed("referenced", "fvs"),
    computed("compressratio", "fvs"),
    computed("mounted", "f"),
    computed("origin", "fv"),
    own("quota", "none", "f", ""),
    own("reservation", "none", "fv", ""),
    own("volsize", "-", "v", ""),
    inherited("recordsize", "128K", "f", ""),
    inherited("mountpoint", "", "f", ""),
    inherited("sharenfs", "off", "f", ""),
    inherited("checksum", "on", "fv", ""),
    inherited("compression", "off", "fv", ""),
    inherited("atime", "on", "f", ON_OFF),
    inherited("devices", "on", "fs", ON_OFF),
    inherited("exec", "on", "fs", ON_OFF),
    inherited("setuid", "on", "fs", ON_OFF),
    inherited("readonly", "off", "fv", ON_OFF),
    inherited("zoned", "off", "f", ON_OFF),
    inherited("snapdir", "hidden", "f", "hidden|visible"),
    inherited("aclmode", "discard", "f", "discard|groupmask|passthrough|restricted"),
    inherited("aclinherit", "restricted", "f", "discard|noallow|restricted|passthrough|passthrough-x"),
    own("canmount", "on", "f", "on|off|noauto"),
    inherited("xattr", "on", "fs", ON_OFF),
    inherited("copies", "1", "fv", "1|2|3"),
    own("version", "5", "fs", ""),
    computed("utf8only", "fs"),
    computed("normalization", "fs"),
    computed("casesensitivity", "fs"),
    inherited("vscan", "off", "f", ON_OFF),
    inherited("nbmand", "off", "fs", ON_OFF),
    inherited("sharesmb", "off", "f", ""),
    own("refquota", "none", "f", ""),
    own("refreservation", "none", "fv", ""),
    computed("guid", "fvs"),
    inherited("primarycache", "all", "fvs", "all|none|metadata"),
    inherited("secondarycache", "all", "fvs", "all|none|metadata"),
    computed("usedbysnapshots", "fv"),
    computed("usedbydataset", "fv"),
    computed("usedbychildren", "fv"),
    computed("usedbyrefreservation", "fv"),
    inherited("logbias", "latency", "fv", "latency|throughput"),
    inherited("dedup", "off", "fv", ""),
    inherited("sync", "standard", "fv", "standard|always|disabled"),
    computed("written", "fvs"),
    computed("clones", "s"),
    computed("userrefs", "s"),
    computed("defer_destroy", "s"),
    own("filesystem_limit", "none", "f", ""),
    own("snapshot_limit", "none", "fv", ""),
    computed("createtxg", "fvs"),
];

/// Short names. Source: `zfs_prop.c`, the column names of `zfs list`.
pub(super) fn native(name: &str) -> Option<&'static Native> {
    let name = match name {
        "avail" => "available",
        "refer" => "referenced",
        "ratio" => "compressratio",
        "compress" => "compression",
        "recsize" => "recordsize",
        "rdonly" => "readonly",
        "refreserv" => "refreservation",
        "reserv" => "reservation",
        "usedsnap" => "usedbysnapshots",
        "usedds" => "usedbydataset",
        "usedchild" => "usedbychildren",
        "usedrefreserv" => "usedbyrefreservation",
        other => other,
    };
    NATIVE.iter().find(|native| native.name == name)
}

impl Native {
    pub fn is_of(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind.word()[..1])
    }
}

/// The value of a property and its source; none where the target has no such property.
pub(crate) fn value(host: &Host, target: &Target, property: &str, exact: bool) -> Option<(String, Source)> {
    let state = &host.state;
    if is_user_property(property) {
        return stored(state, target, property, true);
    }
    let native = native(property)?;
    let kind = target.kind(state);
    if !native.is_of(kind) {
        return None;
    }
    if native.name == "mountpoint" {
        return Some(mountpoint(state, target.dataset()));
    }
    if native.values == "-" {
        return Some((super::list::computed(host, target, native.name, exact)?, Source::None));
    }
    let found = stored(state, target, native.name, native.inherits);
    let (text, source) = found.unwrap_or_else(|| (native.default.to_owned(), Source::Default));
    // The property is shown exactly with -p alone, as `none` is 0 and 128K is 131072 then.
    Some((if exact { plain(&text) } else { text }, source))
}

fn plain(text: &str) -> String {
    match text {
        "none" => "0".to_owned(),
        "128K" => "131072".to_owned(),
        other => other.to_owned(),
    }
}

/// A value as it was stored: the target's own, else that of the next dataset above that has one.
fn stored(state: &State, target: &Target, property: &str, inherits: bool) -> Option<(String, Source)> {
    if let Target::Snapshot(..) = target
        && let Some(found) = state.snapshot(&target.name()).and_then(|snapshot| snapshot.local.get(property))
    {
        return Some((found.clone(), Source::Local));
    }
    let mut at = Some(target.dataset());
    while let Some(name) = at {
        let dataset = &state.datasets[name];
        let here = matches!(target, Target::Dataset(own) if own == name);
        let received = dataset.received.get(property).filter(|_| !dataset.hidden.contains(property));
        let found = dataset.local.get(property).map(|text| (text, Source::Local));
        if let Some((text, source)) = found.or_else(|| received.map(|text| (text, Source::Received))) {
            return Some((text.clone(), if here { source } else { Source::Inherited(name.to_owned()) }));
        }
        at = if inherits || !here { parent(name) } else { None };
        if !inherits && !here {
            return None;
        }
    }
    None
}

/// Where a file system is to be mounted: the value of the one that sets it, and what of the name comes
/// after that one.
pub(crate) fn mountpoint(state: &State, name: &str) -> (String, Source) {
    let found = stored(state, &Target::Dataset(name.to_owned()), "mountpoint", true);
    match found {
        Some((text, Source::Inherited(from))) if text != "none" && text != "legacy" => {
            let below = name[from.len()..].to_owned();
            (format!("{}{below}", text.trim_end_matches('/')), Source::Inherited(from))
        }
        Some(found) => found,
        None => (format!("/{name}"), Source::Default),
    }
}

impl Host {
    /// A property of a dataset that has it.
    pub fn get(&self, name: &str, property: &str) -> String {
        value(self, &Target::Dataset(name.to_owned()), property, false).map_or_else(|| "-".to_owned(), |(text, _)| text)
    }

    pub fn is_zoned(&self, name: &str) -> bool {
        self.get(name, "zoned") == "on"
    }

    /// Where `zfs mount` would mount it, and whether that is not its own choice. Source:
    /// `zfs_is_mountable()`.
    pub fn mountable(&self, name: &str) -> Option<(String, Source)> {
        if self.state.datasets[name].kind != Kind::Filesystem {
            return None;
        }
        let (place, source) = mountpoint(&self.state, name);
        let fixed = place != "none" && place != "legacy" && self.get(name, "canmount") != "off" && !self.is_zoned(name);
        fixed.then_some((place, source))
    }
}
