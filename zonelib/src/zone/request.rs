//! What is asked of `create-zone`, and whether it makes sense by itself: no look at the host.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};

use contents::names::OverlayName;
use ipnet::IpNet;

use crate::config::ZoneName;
use crate::host::DatasetName;
use crate::net::files::LxKernel;
use crate::net::{AskedAddress, Domain, FlowLimits, Ipv6Addresses, LinkName, VlanId, Wanted};

use super::configuration::{MOST_DISKS, MOST_SHARES};
use super::kind::{FromImage, Kind};
use super::values::{Count, Cpus, Firmware, Konfigure, NewVolume, Size, TemplateName, UserName};
use super::{Problems, Unread};

/// Processors of a virtual machine. Source: bhyve(7).
const MOST_VCPUS: u64 = 32;
/// What is made of directories by the system of every zone.
const TAKEN: [&str; 10] = ["/dev", "/proc", "/system", "/etc", "/bin", "/lib", "/sbin", "/usr", "/var", "/devices"];

/// A zone to be made, or several that are alike.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its name; of several, what stands before the number.
    pub zone: ZoneName,
    /// Its type.
    pub kind: Kind,
    /// How many; their names end in 1, 2 and so on.
    pub count: Option<Count>,
    /// Addresses on the network stack of the global zone.
    pub shared: Vec<AskedAddress>,
    /// Addresses on a network stack of its own, a vnic each.
    pub exclusive: Vec<AskedAddress>,
    /// Networks that it is the router of.
    pub router_for: Vec<IpNet>,
    /// IPv6 too.
    pub ipv6: bool,
    /// Limits for its vnics.
    pub flow: Option<FlowLimits>,
    /// The link for addresses that no network claims.
    pub link: Option<LinkName>,
    /// The VLAN of that link.
    pub vlan: Option<VlanId>,
    /// The domain of the names of the zones behind it.
    pub domain: Option<Domain>,
    /// The IPv6 networks behind it are global ones.
    pub routable: bool,
    /// Names elsewhere have no IPv6 addresses for the zones behind it.
    pub filter_aaaa: bool,
    /// Where the zones behind it have IPv6 addresses from.
    pub ipv6_addresses: Option<Ipv6Addresses>,
    /// Directories that are made for it.
    pub directories: Vec<PathBuf>,
    /// Directories of the global zone that it may read.
    pub read_only: Vec<PathBuf>,
    /// Directories of the global zone that it may change.
    pub read_write: Vec<PathBuf>,
    /// Datasets that it administers.
    pub datasets: Vec<DatasetName>,
    /// Accounts of the global zone that it shares.
    pub users: Vec<UserName>,
    /// Overlays that it keeps, when not all.
    pub overlays: Vec<OverlayName>,
    /// Overlays that are added.
    pub add_overlays: Vec<OverlayName>,
    /// Packages that it keeps besides.
    pub packages: Vec<String>,
    /// Packages that are added.
    pub add_packages: Vec<String>,
    /// The template that it shares instead of the global zone.
    pub template: Option<TemplateName>,
    /// What it is installed from.
    pub image: Option<PathBuf>,
    /// Its init runs nothing.
    pub blank: bool,
    /// Memory that it has or may use.
    pub memory: Option<Size>,
    /// Processors that it has or may use.
    pub cpus: Option<Cpus>,
    /// A file with public keys.
    pub ssh_key: Option<PathBuf>,
    /// What the distribution's configurator is asked for.
    pub konfigure: Vec<Konfigure>,
    /// The machine is told its name and address by cloud-init.
    pub cloud_init: bool,
    /// The same, by a seed that is made here: its brand makes none.
    pub cloud_init_iso: bool,
    /// The version that Linux claims.
    pub kernel: Option<LxKernel>,
    /// A file with a crypted password: of root in Solaris 10, of the usual account of a machine.
    pub password: Option<PathBuf>,
    /// Volumes that are made for the machine.
    pub new_volumes: Vec<NewVolume>,
    /// A volume that the machine boots.
    pub volume: Option<DatasetName>,
    /// The firmware of the machine.
    pub firmware: Option<Firmware>,
    /// The directory with the zonepaths.
    pub zones: PathBuf,
    /// Boots with the host.
    pub autoboot: bool,
    /// Booted when it is made.
    pub boot: bool,
    /// Flags that were given, but not with values that can be read: what they would have said is not missing.
    pub unread: Vec<Unread>,
}

/// One zone of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct One {
    /// Its name.
    pub name: ZoneName,
    /// As [`Request::shared`].
    pub shared: Vec<AskedAddress>,
    /// As [`Request::exclusive`].
    pub exclusive: Vec<AskedAddress>,
    /// As [`Request::datasets`].
    pub datasets: Vec<DatasetName>,
}

impl Request {
    /// A zone of a type, without anything else.
    #[must_use]
    pub fn new(zone: ZoneName, kind: Kind) -> Self {
        Self {
            zone,
            kind,
            count: None,
            shared: Vec::new(),
            exclusive: Vec::new(),
            router_for: Vec::new(),
            ipv6: false,
            flow: None,
            link: None,
            vlan: None,
            domain: None,
            routable: false,
            filter_aaaa: false,
            ipv6_addresses: None,
            directories: Vec::new(),
            read_only: Vec::new(),
            read_write: Vec::new(),
            datasets: Vec::new(),
            users: Vec::new(),
            overlays: Vec::new(),
            add_overlays: Vec::new(),
            packages: Vec::new(),
            add_packages: Vec::new(),
            template: None,
            image: None,
            blank: false,
            memory: None,
            cpus: None,
            ssh_key: None,
            konfigure: Vec::new(),
            cloud_init: false,
            cloud_init_iso: false,
            kernel: None,
            password: None,
            new_volumes: Vec::new(),
            volume: None,
            firmware: None,
            zones: PathBuf::from(super::ZONES),
            autoboot: true,
            boot: true,
            unread: Vec::new(),
        }
    }

    /// Whether it has a network stack of its own.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        !self.exclusive.is_empty() || (self.ipv6 && self.shared.is_empty()) || self.kind == Kind::Lx
    }

    /// What one of its zones wants of the network; `None`: nothing.
    #[must_use]
    pub(super) fn wanted(&self, one: &One) -> Option<Wanted> {
        let none = one.shared.is_empty() && one.exclusive.is_empty() && !self.ipv6;
        (!none).then(|| Wanted {
            shared: one.shared.clone(),
            exclusive: one.exclusive.clone(),
            routes: self.router_for.clone(),
            proxy: self.kind != Kind::Router && !self.router_for.is_empty(),
            ipv6: self.ipv6,
            flow: self.flow.clone(),
            link: self.link.clone(),
            vlan: self.vlan,
            domain: self.domain.clone(),
            routable_ipv6: self.routable,
            filter_aaaa: self.filter_aaaa,
            ipv6_addresses: self.ipv6_addresses,
            ..Wanted::new(one.name.clone())
        })
    }

    /// Whether the brand of the machine makes a seed of cloud-init: who gives a key wants it there.
    #[must_use]
    pub fn brand_makes_seed(&self) -> bool {
        self.kind == Kind::Bhyve
            && !self.cloud_init_iso
            && (self.cloud_init || self.ssh_key.is_some() || self.password.is_some())
    }

    /// Whether one of these flags was given a value that cannot be read.
    pub(super) fn is_unread(&self, flags: &[&str]) -> bool {
        self.unread.iter().any(|unread| flags.contains(&unread.flag))
    }

    /// The zones, in order: addresses count up. Everything about the request that makes no sense goes to `problems`.
    pub(super) fn zones(&self, problems: &mut Problems) -> Vec<One> {
        if !self.is_unread(&["-t"]) {
            self.check_type(problems);
            self.check_packages(problems);
            self.check_machine(problems);
        }
        self.check_network(problems);
        self.check_mounts(problems);
        problems.when(!self.zones.is_absolute(), || format!("`{}` is not an absolute path", self.zones.display()));
        self.expand(problems)
    }

    fn check_type(&self, problems: &mut Problems) {
        let kind = self.kind;
        problems.when(self.image.is_none() && matches!(kind.image(), FromImage::Flag(_)), || {
            format!("a zone of type {kind} is installed from an image; give -I IMAGE")
        });
        problems.when(self.image.is_some() && kind.image() == FromImage::Never, || {
            format!("a zone of type {kind} is made from the packages of the host; leave out -I")
        });
        problems.when(self.image.as_ref().is_some_and(|image| !image.is_absolute()), || {
            "the image of -I has to be an absolute path".to_owned()
        });
        problems.when(self.blank && matches!(kind, Kind::Router | Kind::Lx | Kind::Bhyve), || {
            format!("a zone of type {kind} cannot be blank; leave out -B")
        });
        problems.when(self.template.is_some() && kind != Kind::Sparse, || {
            format!("only sparse zones share a template; leave out -T, or -t {kind}")
        });
        problems.when(self.kernel.is_some() && kind != Kind::Lx, || {
            "-L is the kernel version of lx zones; leave it out".to_owned()
        });
        problems.when(self.ssh_key.is_some() && !kind.is_illumos() && kind != Kind::Bhyve, || {
            format!("a zone of type {kind} has its own way of authorising keys; leave out -k")
        });
        problems.when(self.password.is_some() && !matches!(kind, Kind::S10 | Kind::Bhyve), || {
            format!("a zone of type {kind} gets no password; leave out --password-file")
        });
        problems.when(!self.konfigure.is_empty() && kind == Kind::Bhyve, || {
            "the configurator of -K knows no virtual machines; leave it out".to_owned()
        });
        problems.when(!self.users.is_empty() && kind == Kind::Bhyve, || {
            "a virtual machine has accounts of its own; leave out -U".to_owned()
        });
        problems.twice("-U", &self.users);
    }

    fn check_network(&self, problems: &mut Problems) {
        let kind = self.kind;
        let routes = !self.router_for.is_empty() || self.is_unread(&["-R"]);
        let exclusive = !self.exclusive.is_empty() || self.is_unread(&["-x"]);
        problems.when(!self.shared.is_empty() && !self.exclusive.is_empty(), || {
            "-i and -x exclude each other: a zone has a network stack of its own, or that of the global zone".to_owned()
        });
        problems.when(!self.shared.is_empty() && matches!(kind, Kind::Lx | Kind::Bhyve), || {
            format!("a zone of type {kind} has a network stack of its own; give -x instead of -i")
        });
        problems.when(!self.shared.is_empty() && (routes || kind == Kind::Router), || {
            "a router needs a network stack of its own; give -x instead of -i".to_owned()
        });
        problems.when(kind == Kind::Router && !routes, || {
            "a router needs a network that it is the router of; give -R NET/LEN".to_owned()
        });
        problems.when(!exclusive && (routes || kind == Kind::Router), || {
            "a router needs an address outside of its network; give -x ADDRESS".to_owned()
        });
        problems.when(routes && !matches!(kind, Kind::Router | Kind::Sparse | Kind::Whole), || {
            format!("a zone of type {kind} cannot be a router; leave out -R")
        });
        problems.when(self.flow.is_some() && !exclusive, || {
            "a flow needs a vnic; give -x ADDRESS, or leave out -F".to_owned()
        });
        problems.when(self.vlan.is_some() && (self.link.is_none() || !self.is_exclusive()), || {
            "a VLAN is one of a link, for a vnic on it; give --link LINK and -x ADDRESS, or leave out --vlan".to_owned()
        });
        let addressed = !self.shared.is_empty() || exclusive || self.ipv6 || self.is_unread(&["-i"]);
        problems.when(self.link.is_some() && self.vlan.is_none() && !addressed, || {
            "--link is the link that an address is on; give -x ADDRESS or -i ADDRESS, or leave out --link".to_owned()
        });
        problems.when(self.ipv6 && !self.shared.is_empty(), || {
            "the global zone gives out its own IPv6 addresses; give -x instead of -i, or leave out -6".to_owned()
        });
        let given = [
            ("--domain", self.domain.is_some()),
            ("--routable", self.routable),
            ("--filter-aaaa", self.filter_aaaa),
            ("--ipv6-addresses", self.ipv6_addresses.is_some()),
        ];
        let given: Vec<&str> = given.into_iter().filter_map(|(flag, is_given)| is_given.then_some(flag)).collect();
        problems.when(!routes && !given.is_empty(), || {
            format!("only a router has zones behind it; leave out {}, or give -R", given.join(" "))
        });
        let has_ipv6 = self.router_for.iter().any(|net| matches!(net, IpNet::V6(_))) || self.is_unread(&["-R"]);
        for flag in given.iter().filter(|flag| ["--routable", "--ipv6-addresses"].contains(flag)) {
            problems.when(routes && !has_ipv6, || {
                format!("{flag} is about IPv6 networks; give one by -R, or leave it out")
            });
        }
        problems.twice("-R", &self.router_for);
        let addresses = self.shared.iter().chain(&self.exclusive).map(|asked| asked.address);
        problems.twice("-i and -x", &addresses.collect::<Vec<_>>());
    }

    fn check_packages(&self, problems: &mut Problems) {
        let kind = self.kind;
        let given: Vec<&str> = [
            ("-o", self.overlays.is_empty()),
            ("-O", self.add_overlays.is_empty()),
            ("-p", self.packages.is_empty()),
            ("-P", self.add_packages.is_empty()),
        ]
        .into_iter()
        .filter_map(|(flag, empty)| (!empty).then_some(flag))
        .collect();
        problems.when(!given.is_empty() && kind == Kind::Router, || {
            format!("the packages of a router are settled; leave out {}", given.join(" "))
        });
        problems.when(!given.is_empty() && !matches!(kind, Kind::Whole | Kind::Router), || {
            format!("only whole zones have a choice of packages; leave out {}, or give -t whole", given.join(" "))
        });
        let overlays = !self.overlays.is_empty() || self.is_unread(&["-o"]);
        problems.when(!self.packages.is_empty() && !overlays, || {
            "-p adds to the overlays that are kept; give -o OVERLAY, such as -o base".to_owned()
        });
        check_package_names(self.packages.iter().chain(&self.add_packages), problems);
    }

    fn check_machine(&self, problems: &mut Problems) {
        let machine = self.kind == Kind::Bhyve;
        for (flag, given) in [
            ("-v", self.volume.is_some()),
            ("-V", !self.new_volumes.is_empty()),
            ("-f", self.firmware.is_some()),
            ("-C", self.cloud_init),
            ("--cloud-init-iso", self.cloud_init_iso),
        ] {
            problems
                .when(given && !machine, || format!("{flag} is for virtual machines; leave it out, or give -t bhyve"));
        }
        let topology = self.cpus.as_ref().filter(|cpus| cpus.is_topology() && !machine);
        problems.when(topology.is_some(), || {
            "only virtual machines have sockets, cores and threads; give -c a number".to_owned()
        });
        if !machine {
            return;
        }
        problems.when(self.cloud_init && self.cloud_init_iso, || {
            "either the brand makes the seed of cloud-init or create-zone does; leave out -C or --cloud-init-iso"
                .to_owned()
        });
        let ipv6 = self.exclusive.iter().any(|asked| asked.address.is_ipv6());
        problems.when(ipv6 && self.brand_makes_seed(), || {
            "the brand tells a machine by cloud-init of no IPv6 address and gateway; give --cloud-init-iso, not -C"
                .to_owned()
        });
        let volume = self.volume.is_some() || self.is_unread(&["-v"]);
        let disks = !self.new_volumes.is_empty() || self.is_unread(&["-V"]);
        problems.when(!volume && self.image.is_none(), || {
            "a virtual machine boots an image or a volume; give -I or -v".to_owned()
        });
        problems.when(volume && self.image.is_some(), || {
            "a virtual machine boots either an image or a volume; leave out -I or -v".to_owned()
        });
        problems.when(volume && disks, || {
            "a virtual machine has either a volume that exists or new ones; leave out -v or -V".to_owned()
        });
        problems.when(!volume && !disks, || "a virtual machine needs a disk; give -V SIZE".to_owned());
        problems.when(self.new_volumes.len() > MOST_DISKS, || {
            format!("a virtual machine has at most {MOST_DISKS} disks; leave out some -V")
        });
        problems.when(self.read_only.len() + self.read_write.len() > MOST_SHARES, || {
            format!("a virtual machine shares at most {MOST_SHARES} directories; leave out some -s or -S")
        });
        problems.when(!self.directories.is_empty(), || {
            "directories cannot be made for a virtual machine; share some by -s or -S".to_owned()
        });
        problems.when(!self.datasets.is_empty(), || {
            "a virtual machine administers no datasets of the host; leave out -D".to_owned()
        });
        let cpus = self.cpus.as_ref().map_or(100, Cpus::hundredths);
        problems.when(!cpus.is_multiple_of(100), || {
            "a virtual machine has whole processors; give -c a whole number".to_owned()
        });
        problems.when(cpus > MOST_VCPUS * 100, || format!("a virtual machine has at most {MOST_VCPUS} processors"));
    }

    fn check_mounts(&self, problems: &mut Problems) {
        let all: Vec<&PathBuf> = self.directories.iter().chain(&self.read_only).chain(&self.read_write).collect();
        for path in &all {
            if let Some(rule) = mount_rule(path, self.kind) {
                problems.push(format!("`{}` cannot be a directory of the zone: {rule}", path.display()));
            }
        }
        problems.twice("-d, -s and -S", &all.iter().map(|path| Shown(path)).collect::<Vec<_>>());
        problems.twice("-D", &self.datasets);
        let alone = self.count.is_none() && !self.is_unread(&["-n"]);
        for dataset in self.datasets.iter().filter(|name| alone && !name.as_str().contains('/')) {
            problems.push(format!("`{dataset}` is a whole pool; give -D a dataset in it"));
        }
    }

    fn expand(&self, problems: &mut Problems) -> Vec<One> {
        let Some(count) = self.count else {
            return vec![One {
                name: self.zone.clone(),
                shared: self.shared.clone(),
                exclusive: self.exclusive.clone(),
                datasets: self.datasets.clone(),
            }];
        };
        let kind = self.kind;
        let alone = matches!(kind, Kind::Router | Kind::Bhyve) || !self.router_for.is_empty();
        problems.when(alone, || {
            let what = if kind == Kind::Bhyve { "virtual machines" } else { "routers" };
            format!("{what} are made one by one; leave out -n")
        });
        let mut zones = Vec::new();
        // More would only be in the way of the first.
        let count = if alone { 1 } else { count.get() };
        for number in 0..count {
            match self.numbered(number) {
                Ok(one) => zones.push(one),
                // Those behind it are wrong in the same way.
                Err(problem) => {
                    problems.push(problem);
                    break;
                }
            }
        }
        let asked = zones.iter().flat_map(|one| one.shared.iter().chain(&one.exclusive));
        let addresses: Vec<IpAddr> = asked.map(|asked| asked.address).collect();
        if addresses.iter().collect::<BTreeSet<_>>().len() != addresses.len() {
            problems.push("the addresses count up into one another; leave more room between them");
        }
        zones
    }

    fn numbered(&self, number: u32) -> Result<One, String> {
        let name = format!("{}{}", self.zone, number + 1);
        let name: ZoneName = name.parse().map_err(|error: crate::config::ZoneNameError| error.to_string())?;
        let up = |addresses: &[AskedAddress]| -> Result<Vec<AskedAddress>, String> {
            let counted = addresses.iter().map(|asked| {
                let far = || format!("there are not {} addresses from {asked} on", number + 1);
                counted_up(*asked, number).ok_or_else(far)
            });
            counted.collect()
        };
        let datasets: Result<Vec<DatasetName>, _> =
            self.datasets.iter().map(|parent| format!("{parent}/{name}").parse()).collect();
        Ok(One {
            shared: up(&self.shared)?,
            exclusive: up(&self.exclusive)?,
            datasets: datasets.map_err(|error: crate::host::DatasetError| error.to_string())?,
            name,
        })
    }
}

#[derive(PartialEq)]
struct Shown<'p>(&'p Path);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.display().fmt(f)
    }
}

/// Packages are named to programs of others.
pub(super) fn check_package_names<'n>(names: impl Iterator<Item = &'n String>, problems: &mut Problems) {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '+' | '.' | '_');
    for name in names {
        let valid = name.chars().all(plain) && name.starts_with(|first: char| first.is_ascii_alphanumeric());
        problems.when(!valid || name.len() > 256, || format!("`{}` is no package", name.escape_debug()));
    }
}

/// The address so many further on; `None` where there is none that a host can have.
fn counted_up(asked: AskedAddress, by: u32) -> Option<AskedAddress> {
    let address = match asked.address {
        IpAddr::V4(address) => IpAddr::V4(u32::from(address).checked_add(by)?.into()),
        IpAddr::V6(address) => IpAddr::V6(u128::from(address).checked_add(by.into())?.into()),
    };
    AskedAddress { address, ..asked }.to_string().parse().ok()
}

/// Bytes of the longest directory of a zone, which leaves as many for the zonepath as PATH_MAX, 1,024, has more.
const LONGEST: usize = 768;
/// Bytes of the longest name of a file. Source: `NAME_MAX`, limits.h.
const LONGEST_NAME: usize = 255;

/// Which rule a path breaks that is to be mounted in a zone.
fn mount_rule(path: &Path, kind: Kind) -> Option<&'static str> {
    let normal = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    let Some(text) = path.to_str() else { return Some("it is not UTF-8") };
    // Compared with what it is made of: `/a//b` and `/a/./b` would be other names of `/a/b`.
    let plain: PathBuf = path.components().collect();
    if !text.starts_with('/') || !normal {
        Some("it is not an absolute path without `..`")
    } else if plain.as_os_str() != path.as_os_str() {
        Some("it has a `/` or a `.` too many")
    } else if text.len() > LONGEST || text.split('/').any(|name| name.len() > LONGEST_NAME) {
        Some("it is too long: a name has at most 255 bytes, and all of it 768, for the zonepath comes before it")
    } else if path.parent().is_none() {
        Some("it is the root of the zone")
    } else if TAKEN.contains(&text) || ["/dev", "/proc", "/system"].iter().any(|top| path.starts_with(top)) {
        Some("the system of the zone is there")
    } else if text.contains(['"', ',']) || text.contains(char::is_control) {
        Some("a zone's configuration has no way to say its quotes, commas or control characters")
    } else if kind == Kind::Sparse && ["/usr", "/lib", "/sbin"].iter().any(|shared| path.starts_with(shared)) {
        Some("a sparse zone cannot make it in what it shares read-only")
    } else {
        None
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
