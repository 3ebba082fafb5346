//! The XML in which zonecfg(8) keeps a configuration: `/etc/zones/ZONE.xml`, the `SUNWdetached.xml` of
//! a detached zone, and the file that a brand's `verify_cfg` gets. Source: `zonecfg.dtd.1`.
//!
//! Only what verifying and attaching need is read. A detached zone comes from another host: its
//! configuration is bounded, and defines no entities.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use roxmltree::{Document, Node, ParsingOptions};
use rustix::fs::{Mode, OFlags};

use crate::populate::unpack;
use crate::recipe::BrandName;
use crate::root::{FileKind, Handle, Stat};
use crate::storage::DatasetName;

use super::ZoneName;

/// The configuration of a detached zone, in its zonepath.
pub const DETACHED: &str = unpack::MANIFEST;
/// Bytes of the longest configuration that is read.
pub const XML_LIMIT: u64 = unpack::MANIFEST_LIMIT;
/// Elements and texts of the longest configuration that is read.
const NODE_LIMIT: u32 = 64 * 1024;

/// Why a configuration could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The system refused.
    #[error("{}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is none.
    #[error("{}: {problem}", file.display())]
    Whole {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A line breaks a rule.
    #[error("{}: line {line}: {problem}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// Which rule.
        problem: String,
    },
}

/// Whether a zone has a network stack of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IpType {
    /// The global zone's; what a configuration means that says nothing.
    Shared,
    /// Its own.
    Exclusive,
}

/// A file system that the zone mounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filesystem {
    /// Where the zone sees it, absolute.
    pub directory: String,
    /// What is mounted.
    pub special: String,
    /// Its type, such as `lofs`.
    pub kind: String,
    /// The raw device that is checked before.
    pub raw: Option<String>,
    /// Mount options as they stand: zonecfg(8) keeps `ro,nodevices` as one.
    pub options: Vec<String>,
}

impl Filesystem {
    /// Whether a mount option is given, by itself or among others.
    #[must_use]
    pub fn has_option(&self, option: &str) -> bool {
        self.options.iter().flat_map(|given| given.split(',')).any(|given| given.trim() == option)
    }
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The interface (shared) or link (exclusive).
    pub physical: String,
    /// The address of a zone with a shared stack.
    pub address: Option<String>,
    /// The only address of a zone with a stack of its own.
    pub allowed_address: Option<String>,
    /// The router.
    pub defrouter: Option<String>,
}

/// What the value of an [`Attr`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttrKind {
    /// Any text.
    String,
    /// A whole number.
    Int,
    /// A whole number that is not negative.
    Uint,
    /// `true` or `false`.
    Boolean,
}

/// A free attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attr {
    /// Its name.
    pub name: String,
    /// What its value is.
    pub kind: AttrKind,
    /// Its value, as it stands.
    pub value: String,
}

/// A resource control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rctl {
    /// Its name, such as `zone.max-lwps`.
    pub name: String,
    /// Its values.
    pub values: Vec<RctlValue>,
}

/// A value of a resource control, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RctlValue {
    /// Who may change it.
    pub privilege: String,
    /// The limit.
    pub limit: String,
    /// What happens at the limit.
    pub action: String,
}

/// The processors that a zone has for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuRange {
    /// At least.
    pub least: u32,
    /// At most.
    pub most: u32,
}

/// A zone's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneConfig {
    /// Its name.
    pub name: ZoneName,
    /// Its zonepath: absolute, without `.` and `..`.
    pub zonepath: PathBuf,
    /// Its brand; `None` when it has the host's default brand.
    pub brand: Option<BrandName>,
    /// Whether it boots with the host.
    pub autoboot: bool,
    /// Whether it has a network stack of its own.
    pub ip_type: IpType,
    /// What it mounts.
    pub filesystems: Vec<Filesystem>,
    /// Its networks.
    pub networks: Vec<Network>,
    /// ZFS datasets that it administers.
    pub datasets: Vec<DatasetName>,
    /// Free attributes.
    pub attrs: Vec<Attr>,
    /// Patterns of devices that it sees.
    pub devices: Vec<String>,
    /// Resource controls.
    pub rctls: Vec<Rctl>,
    /// Processors for itself.
    pub dedicated_cpu: Option<CpuRange>,
    /// Bytes of physical memory that it may use.
    pub capped_memory: Option<u64>,
    /// Its privileges, as they stand.
    pub limitpriv: Option<String>,
    /// Arguments for booting.
    pub bootargs: Option<String>,
    /// The host identifier that it sees.
    pub hostid: Option<String>,
    /// Types of file systems that it may mount besides the usual, separated by commas.
    pub fs_allowed: Option<String>,
    /// Its resource pool.
    pub pool: Option<String>,
    /// Its scheduling class.
    pub scheduling_class: Option<String>,
    /// The names of all other elements, each once, in order.
    pub others: Vec<String>,
}

impl ZoneConfig {
    /// Reads a configuration. `file` is what messages call it.
    ///
    /// # Errors
    /// [`ConfigError`]: it is longer than [`XML_LIMIT`], no XML, defines entities, or breaks a rule of
    /// zonecfg(8).
    pub fn parse(file: &Path, bytes: &[u8]) -> Result<Self, ConfigError> {
        let whole = |problem: &str| ConfigError::Whole { file: file.to_owned(), problem: problem.to_owned() };
        if bytes.len() as u64 > XML_LIMIT {
            return Err(whole("is longer than 1 MiB, which no zone's configuration is"));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
            ConfigError::Line { file: file.to_owned(), line, problem: "is not UTF-8".to_owned() }
        })?;
        // zonecfg writes none, and a few lines of them can stand for gigabytes.
        if let Some(at) = text.find("<!ENTITY") {
            let line = 1 + text[..at].matches('\n').count();
            let problem = "entities are not allowed in a zone's configuration".to_owned();
            return Err(ConfigError::Line { file: file.to_owned(), line, problem });
        }
        let options = ParsingOptions { allow_dtd: true, nodes_limit: NODE_LIMIT, entity_resolver: None };
        let document = Document::parse_with_options(text, options).map_err(|error| {
            let (line, problem) = (error.pos().row as usize, without_place(&error));
            ConfigError::Line { file: file.to_owned(), line, problem }
        })?;
        Reader { file, document: &document }.zone()
    }

    /// Reads the configuration in a file, whose path is the administrator's word.
    ///
    /// # Errors
    /// [`ConfigError`]; a file that is none is refused, not waited for.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(file, flags, Mode::empty()).map_err(io::Error::from);
        let bytes = opened.and_then(|fd| bounded(File::from(fd)));
        Self::parse(file, &bytes.map_err(|source| ConfigError::Read { file: file.to_owned(), source })?)
    }

    /// Reads the configuration of a detached zone, [`DETACHED`], in its zonepath; `None` when there is
    /// none. Follows no symbolic link.
    ///
    /// # Errors
    /// As [`ZoneConfig::read`].
    pub fn read_detached(zonepath: &Handle, called: &Path) -> Result<Option<Self>, ConfigError> {
        let file = called.join(DETACHED);
        let bytes = match zonepath.open_file(DETACHED.as_bytes()) {
            Ok((opened, _)) => bounded(opened),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => Err(error),
        };
        match bytes {
            Ok(bytes) => Self::parse(&file, &bytes).map(Some),
            Err(source) => Err(ConfigError::Read { file, source }),
        }
    }
}

/// The bytes of a regular file, and one more than is allowed when it is longer.
fn bounded(file: File) -> io::Result<Vec<u8>> {
    if Stat::of(&file)?.kind != FileKind::Regular {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(XML_LIMIT + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What the parser says, without the place that it puts at the end.
fn without_place(error: &roxmltree::Error) -> String {
    let text = error.to_string();
    let place = format!(" at {}", error.pos());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

struct Reader<'r> {
    file: &'r Path,
    document: &'r Document<'r>,
}

impl Reader<'_> {
    fn error(&self, node: Node<'_, '_>, problem: String) -> ConfigError {
        let line = self.document.text_pos_at(node.range().start).row as usize;
        ConfigError::Line { file: self.file.to_owned(), line, problem }
    }

    /// An attribute that may be missing; empty is the same, as in the DTD.
    fn optional(node: Node<'_, '_>, name: &str) -> Option<String> {
        node.attribute(name).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    fn required(&self, node: Node<'_, '_>, name: &str) -> Result<String, ConfigError> {
        Self::optional(node, name)
            .ok_or_else(|| self.error(node, format!("`{}` has no `{name}`", node.tag_name().name())))
    }

    /// A required attribute of a type.
    fn typed<T: FromStr>(&self, node: Node<'_, '_>, name: &str) -> Result<T, ConfigError>
    where
        T::Err: std::fmt::Display,
    {
        self.required(node, name)?.parse().map_err(|error: T::Err| self.error(node, error.to_string()))
    }

    fn number<T: FromStr>(&self, node: Node<'_, '_>, name: &str) -> Result<T, ConfigError> {
        let text = self.required(node, name)?;
        text.parse().map_err(|_| self.error(node, format!("`{name}` is `{}`, not a number", text.escape_debug())))
    }

    /// One of a few words.
    fn word<T: Copy>(&self, node: Node<'_, '_>, name: &str, words: &[(&str, T)]) -> Result<T, ConfigError> {
        let text = self.required(node, name)?;
        words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.error(node, format!("`{name}` is `{}`, not one of {}", text.escape_debug(), known.join(", ")))
        })
    }

    /// A required path: absolute, without `..`.
    fn path(&self, node: Node<'_, '_>, name: &str) -> Result<String, ConfigError> {
        let text = self.required(node, name)?;
        let normal = Path::new(&text).components().all(|part| !matches!(part, Component::ParentDir));
        if !text.starts_with('/') || !normal || text.contains(char::is_control) {
            let problem = format!("`{name}` is `{}`, not an absolute path without `..`", text.escape_debug());
            return Err(self.error(node, problem));
        }
        Ok(text)
    }

    fn zone(&self) -> Result<ZoneConfig, ConfigError> {
        let zone = self.document.root_element();
        if zone.tag_name().name() != "zone" {
            let name = zone.tag_name().name();
            return Err(self.error(zone, format!("describes a `{name}`, not a zone")));
        }
        let zonepath = self.path(zone, "zonepath")?;
        let brand = Self::optional(zone, "brand").map(|brand| brand.parse()).transpose();
        let ip_type = match zone.attribute("ip-type") {
            None | Some("") => IpType::Shared,
            Some(_) => self.word(zone, "ip-type", &[("shared", IpType::Shared), ("exclusive", IpType::Exclusive)])?,
        };
        let mut config = ZoneConfig {
            name: self.typed(zone, "name")?,
            zonepath: Path::new(&zonepath).components().collect(),
            brand: brand.map_err(|error: crate::recipe::RecipeError| self.error(zone, error.to_string()))?,
            autoboot: self.word(zone, "autoboot", &[("true", true), ("false", false)])?,
            ip_type,
            filesystems: Vec::new(),
            networks: Vec::new(),
            datasets: Vec::new(),
            attrs: Vec::new(),
            devices: Vec::new(),
            rctls: Vec::new(),
            dedicated_cpu: None,
            capped_memory: None,
            limitpriv: Self::optional(zone, "limitpriv"),
            bootargs: Self::optional(zone, "bootargs"),
            hostid: Self::optional(zone, "hostid"),
            fs_allowed: Self::optional(zone, "fs-allowed"),
            pool: Self::optional(zone, "pool"),
            scheduling_class: Self::optional(zone, "scheduling-class"),
            others: Vec::new(),
        };
        for node in zone.children().filter(Node::is_element) {
            self.element(node, &mut config)?;
        }
        Ok(config)
    }

    fn element(&self, node: Node<'_, '_>, config: &mut ZoneConfig) -> Result<(), ConfigError> {
        match node.tag_name().name() {
            "filesystem" => config.filesystems.push(self.filesystem(node)?),
            "network" => config.networks.push(Network {
                physical: self.required(node, "physical")?,
                address: Self::optional(node, "address"),
                allowed_address: Self::optional(node, "allowed-address"),
                defrouter: Self::optional(node, "defrouter"),
            }),
            "dataset" => config.datasets.push(self.typed(node, "name")?),
            "attr" => config.attrs.push(self.attr(node)?),
            "device" => config.devices.push(self.required(node, "match")?),
            "rctl" => config.rctls.push(self.rctl(node)?),
            "pset" => {
                let least = self.number(node, "ncpu_min")?;
                config.dedicated_cpu = Some(CpuRange { least, most: self.number(node, "ncpu_max")? });
            }
            "mcap" => config.capped_memory = Some(self.number(node, "physcap")?),
            other if !config.others.iter().any(|known| known == other) => config.others.push(other.to_owned()),
            _ => {}
        }
        Ok(())
    }

    fn filesystem(&self, node: Node<'_, '_>) -> Result<Filesystem, ConfigError> {
        let options = node.children().filter(|child| child.has_tag_name("fsoption"));
        Ok(Filesystem {
            directory: self.path(node, "directory")?,
            special: self.required(node, "special")?,
            kind: self.required(node, "type")?,
            raw: Self::optional(node, "raw"),
            options: options.map(|option| self.required(option, "name")).collect::<Result<_, _>>()?,
        })
    }

    fn attr(&self, node: Node<'_, '_>) -> Result<Attr, ConfigError> {
        let kinds = [
            ("string", AttrKind::String),
            ("int", AttrKind::Int),
            ("uint", AttrKind::Uint),
            ("boolean", AttrKind::Boolean),
        ];
        Ok(Attr {
            name: self.required(node, "name")?,
            kind: self.word(node, "type", &kinds)?,
            value: Self::optional(node, "value").unwrap_or_default(),
        })
    }

    fn rctl(&self, node: Node<'_, '_>) -> Result<Rctl, ConfigError> {
        let value = |node| {
            Ok(RctlValue {
                privilege: self.required(node, "priv")?,
                limit: self.required(node, "limit")?,
                action: self.required(node, "action")?,
            })
        };
        let values = node.children().filter(|child| child.has_tag_name("rctl-value"));
        Ok(Rctl { name: self.required(node, "name")?, values: values.map(value).collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
#[path = "xml_tests.rs"]
mod tests;
