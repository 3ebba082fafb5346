//! The flags: those of the reference, with a long name each.

use std::convert::Infallible;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Parser, ValueHint};
use contents::names::OverlayName;
use ipnet::IpNet;
use zonelib::config::ZoneName;
use zonelib::host::DatasetName;
use zonelib::net::files::LxKernel;
use zonelib::net::{AskedAddress, Domain, FlowLimits, Ipv6Addresses, LinkName, VlanId, address};
use zonelib::program::StateFlags;
use zonelib::zone::{
    Count, Cpus, Firmware, Given, Kind, Konfigure, NewVolume, Reading, Request, Size, TemplateName, UserName, ZONES,
};

const EXAMPLES: &str = "Examples:
  create-zone -z router1 -t router -x 192.0.2.10 -R 10.1.1.0/24
  create-zone -z web -x 10.1.1.5
  create-zone -z build -t whole -o develop -i 192.0.2.11 -d /work -m 4G -c 2
  create-zone -z node -n 8 -x 10.1.1.20
  create-zone -z vm -t bhyve -x 10.1.1.6 -I /images/debian.iso -V 20G -m 2G -c 2 -k /root/.ssh/id_ed25519.pub

Exit status: 0 done; 2 the arguments make no sense, something was in the way, or it failed and was undone.";

/// Makes a zone, with its network, and boots it
///
/// The address says which network the zone is on, and everything follows: the link, the router, name and
/// address service. Everything is checked before anything is made; what fails is undone. -N tells what would be done.
#[derive(Debug, Parser)]
#[command(name = "create-zone", version, disable_version_flag = true, max_term_width = 100)]
#[command(arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    /// Its name; with -n what stands before the number
    #[arg(short = 'z', long, value_name = "ZONE")]
    pub zone: Given<ZoneName>,
    /// sparse, whole, router, alien, lx, s10 or bhyve
    #[arg(short = 't', long = "type", value_name = "TYPE", default_value = "sparse")]
    pub kind: Given<Kind>,
    /// Address on the network stack of the global zone (repeatable)
    #[arg(short = 'i', long, value_name = "ADDRESS", help_heading = "Network")]
    pub shared_ip: Vec<Given<AskedAddress>>,
    /// Address on a network stack of its own, on a vnic (repeatable)
    #[arg(short = 'x', long, value_name = "ADDRESS", help_heading = "Network")]
    pub exclusive_ip: Vec<Given<AskedAddress>>,
    /// Be the router of this network; needs -x (repeatable)
    #[arg(short = 'R', long, value_name = "NET/LEN", value_parser = network, help_heading = "Network")]
    pub router_for: Vec<Given<IpNet>>,
    /// IPv6 too: a link-local address, and those that a router announces
    #[arg(short = '6', long, help_heading = "Network")]
    pub ipv6: bool,
    /// Limit its vnics by a flow, such as maxbw=100M,priority=low; needs -x
    #[arg(short = 'F', long, value_name = "PROPERTIES", help_heading = "Network")]
    pub flow: Option<Given<FlowLimits>>,
    /// The link for its addresses, where no network claims them
    #[arg(long, value_name = "LINK", help_heading = "Network")]
    pub link: Option<Given<LinkName>>,
    /// The VLAN of that link, where no link of this host is that VLAN
    #[arg(long, value_name = "VID", requires = "link", help_heading = "Network")]
    pub vlan: Option<Given<VlanId>>,
    /// Domain of the names of the zones behind it; needs -R
    #[arg(long, value_name = "DOMAIN", help_heading = "Network")]
    pub domain: Option<Given<Domain>>,
    /// The IPv6 networks of -R are global ones: routed, not translated, and closed but for what is opened
    #[arg(long, help_heading = "Network")]
    pub routable: bool,
    /// Where zones behind it have IPv6 addresses from: slaac, they may give themselves some in a /64, or static, they
    /// have those alone that they are given; needs -R [default: slaac]
    #[arg(long, value_name = "SOURCE", help_heading = "Network")]
    pub ipv6_addresses: Option<Ipv6Addresses>,
    /// Leave IPv6 addresses out of the answers that zones behind it get about names elsewhere; needs -R
    #[arg(long, help_heading = "Network")]
    pub filter_aaaa: bool,
    /// Make a directory for it, which only it sees (repeatable)
    #[arg(short = 'd', long = "directory", value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Files")]
    pub directories: Vec<PathBuf>,
    /// Share a directory of the global zone, which it can only read (repeatable)
    #[arg(short = 's', long = "share", value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Files")]
    pub read_only: Vec<PathBuf>,
    /// Share a directory of the global zone, which it can change (repeatable)
    #[arg(short = 'S', long = "share-writable", value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Files")]
    pub read_write: Vec<PathBuf>,
    /// Let it administer a dataset, which is made if it is missing; with -n one for each in this (repeatable)
    #[arg(short = 'D', long = "dataset", value_name = "DATASET", help_heading = "Files")]
    pub datasets: Vec<Given<DatasetName>>,
    /// Share an account of the global zone with its home, and let it manage the zone (repeatable)
    #[arg(short = 'U', long = "user", value_name = "USER", value_hint = ValueHint::Username)]
    pub users: Vec<Given<UserName>>,
    /// whole: keep only these overlays, what they require, and base (repeatable)
    #[arg(short = 'o', long = "overlay", value_name = "OVERLAY", help_heading = "Packages")]
    pub overlays: Vec<Given<OverlayName>>,
    /// whole: add this overlay (repeatable)
    #[arg(short = 'O', long = "add-overlay", value_name = "OVERLAY", help_heading = "Packages")]
    pub add_overlays: Vec<Given<OverlayName>>,
    /// whole: keep this package too; needs -o (repeatable)
    #[arg(short = 'p', long = "package", value_name = "PACKAGE", help_heading = "Packages")]
    pub packages: Vec<String>,
    /// whole: add this package (repeatable)
    #[arg(short = 'P', long = "add-package", value_name = "PACKAGE", help_heading = "Packages")]
    pub add_packages: Vec<String>,
    /// sparse: share this template instead of the global zone
    #[arg(short = 'T', long, value_name = "TEMPLATE", help_heading = "Packages")]
    pub template: Option<Given<TemplateName>>,
    /// alien, lx, s10, bhyve: what it is installed from, or boots
    #[arg(short = 'I', long, value_name = "IMAGE", value_hint = ValueHint::FilePath)]
    pub image: Option<PathBuf>,
    /// Its init runs nothing
    #[arg(short = 'B', long)]
    pub blank: bool,
    /// Make N zones, with addresses that count up: all of them, or none
    #[arg(short = 'n', long = "number", value_name = "N")]
    pub count: Option<Given<Count>>,
    /// Memory: what it may use, or what a virtual machine has
    #[arg(short = 'm', long, value_name = "SIZE", help_heading = "Limits")]
    pub memory: Option<Given<Size>>,
    /// Processors: what it may use, such as 0.5, or what a virtual machine has
    #[arg(short = 'c', long, value_name = "CPUS", help_heading = "Limits")]
    pub cpus: Option<Given<Cpus>>,
    /// Let who has the key of one of these public keys log in as root
    #[arg(short = 'k', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ssh_key: Option<PathBuf>,
    /// Have the configurator of the distribution set up something (repeatable)
    #[arg(short = 'K', long, value_name = "ACTION=ARGUMENT")]
    pub konfigure: Vec<Given<Konfigure>>,
    /// bhyve: tell the machine its name and address by cloud-init
    #[arg(short = 'C', long, help_heading = "Virtual machines and Linux")]
    pub cloud_init: bool,
    /// bhyve: the same, with a CD that is made here, for brands that make none; needs mkisofs
    #[arg(long, help_heading = "Virtual machines and Linux")]
    pub cloud_init_iso: bool,
    /// lx: the version that Linux claims [default: 4.4.15]
    #[arg(short = 'L', long, value_name = "VERSION", help_heading = "Virtual machines and Linux")]
    pub kernel: Option<Given<LxKernel>>,
    /// s10, bhyve: a file with the crypted password of root, or of the usual account of a machine with cloud-init
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Virtual machines and Linux")]
    pub password_file: Option<PathBuf>,
    /// bhyve: make a disk; the first one is booted (repeatable)
    #[arg(short = 'V', long = "new-volume", value_name = "[POOL:]SIZE", help_heading = "Virtual machines and Linux")]
    pub new_volumes: Vec<Given<NewVolume>>,
    /// bhyve: the disk, which exists
    #[arg(short = 'v', long, value_name = "VOLUME", help_heading = "Virtual machines and Linux")]
    pub volume: Option<Given<DatasetName>>,
    /// bhyve: its firmware [default: BHYVE_RELEASE]
    #[arg(short = 'f', long, value_name = "FIRMWARE", help_heading = "Virtual machines and Linux")]
    pub firmware: Option<Given<Firmware>>,
    /// Arguments of zones that zonekit does not make, to say so
    #[arg(short = 'a', hide = true, value_name = "APPSTACK")]
    pub appstack: Vec<String>,
    /// See `-a`
    #[arg(short = 'A', hide = true, value_name = "FILE")]
    pub appstack_file: Vec<String>,
    /// Directory with the zonepaths
    #[arg(long, value_name = "DIR", default_value = ZONES, value_hint = ValueHint::DirPath)]
    pub zones: PathBuf,
    /// Do not boot it with the host
    #[arg(long)]
    pub no_autoboot: bool,
    /// Do not boot it now
    #[arg(long)]
    pub no_boot: bool,
    /// Print what would be done, with every command and every file, and do nothing
    #[arg(short = 'N', long)]
    pub dry_run: bool,
    /// Print the plan, or what was done, as JSON
    #[arg(long)]
    pub json: bool,
    /// Leave everything as it is when it fails, for inspection; zonekit-recover clears it
    #[arg(long)]
    pub keep: bool,
    /// Print version
    #[arg(long, action = ArgAction::Version)]
    pub version: Option<bool>,
    /// Where records are.
    #[command(flatten)]
    pub state: StateFlags,
}

impl Cli {
    /// What is asked for.
    #[must_use]
    pub fn request(&self) -> Request {
        let mut reading = Reading::default();
        let read = &mut reading;
        // Without a name, or a type, everything else can be looked at all the same.
        let zone = read.one("-z", &self.zone).unwrap_or_else(ZoneName::unread);
        let kind = read.one("-t", &self.kind).unwrap_or(Kind::Whole);
        let request = Request {
            count: read.maybe("-n", self.count.as_ref()),
            shared: read.all("-i", &self.shared_ip),
            exclusive: read.all("-x", &self.exclusive_ip),
            router_for: read.all("-R", &self.router_for),
            ipv6: self.ipv6,
            flow: read.maybe("-F", self.flow.as_ref()),
            link: read.maybe("--link", self.link.as_ref()),
            vlan: read.maybe("--vlan", self.vlan.as_ref()),
            domain: read.maybe("--domain", self.domain.as_ref()),
            routable: self.routable,
            ipv6_addresses: self.ipv6_addresses,
            filter_aaaa: self.filter_aaaa,
            directories: self.directories.clone(),
            read_only: self.read_only.clone(),
            read_write: self.read_write.clone(),
            datasets: read.all("-D", &self.datasets),
            users: read.all("-U", &self.users),
            overlays: read.all("-o", &self.overlays),
            add_overlays: read.all("-O", &self.add_overlays),
            packages: self.packages.clone(),
            add_packages: self.add_packages.clone(),
            template: read.maybe("-T", self.template.as_ref()),
            image: self.image.clone(),
            blank: self.blank,
            memory: read.maybe("-m", self.memory.as_ref()),
            cpus: read.maybe("-c", self.cpus.as_ref()),
            ssh_key: self.ssh_key.as_deref().map(absolute),
            konfigure: read.all("-K", &self.konfigure),
            cloud_init: self.cloud_init,
            cloud_init_iso: self.cloud_init_iso,
            kernel: read.maybe("-L", self.kernel.as_ref()),
            password: self.password_file.as_deref().map(absolute),
            new_volumes: read.all("-V", &self.new_volumes),
            volume: read.maybe("-v", self.volume.as_ref()),
            firmware: read.maybe("-f", self.firmware.as_ref()),
            zones: self.zones.clone(),
            autoboot: !self.no_autoboot,
            boot: !self.no_boot,
            ..Request::new(zone, kind)
        };
        if !(self.appstack.is_empty() && self.appstack_file.is_empty()) {
            reading.refuse(
                "-a and -A",
                "they are about zones of type `appstack`, which zonekit does not make; leave them out",
            );
        }
        Request { unread: reading.unread, ..request }
    }
}

fn network(text: &str) -> Result<Given<IpNet>, Infallible> {
    Given::by(address::network, text)
}

/// As seen from the directory that the program was called in.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
