//! A host for a test to begin with, its boot environments, and what a test does to it by hand.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::Lab;
use super::net::{self, model::Network};
use super::state::{Host, Kind, Mount, Pool, State, now};
use super::zfs::{Done, Refused, conclude, misused, operands, options, refused, words};
use crate::run;

/// Where the commands are on illumos.
const COMMANDS: &[&str] = &[
    "/usr/sbin/zfs",
    "/sbin/zfs",
    "/usr/sbin/mount",
    "/sbin/mount",
    "/usr/sbin/umount",
    "/sbin/umount",
    "/usr/sbin/beadm",
    "/sbin/beadm",
    "/usr/sbin/svccfg",
    "/usr/sbin/svcadm",
    "/usr/bin/pkgadm",
    "/usr/sbin/pkgadm",
    "/usr/bin/zonename",
    "/sbin/zonename",
    "/usr/bin/zap",
    "/usr/sbin/zoneadm",
    "/usr/sbin/zonecfg",
    "/usr/sbin/zlogin",
    "/usr/sbin/prtconf",
    "/usr/sbin/psrinfo",
];

const UUID: &str = "org.opensolaris.libbe:uuid";
const POLICY: &str = "org.opensolaris.libbe:policy";
const ENVIRONMENTS: &str = "rpool/ROOT";

/// The UUID of the boot environment that a new host runs.
pub(crate) const FIRST_UUID: &str = "3a8f3a5e-4c0d-4b8e-9d53-6f0c1d2e3f40";

impl Lab {
    /// Makes a host in a directory, which is made where it is not there. It has the pool `rpool`, runs
    /// the boot environment `tribblix`, and has `rpool/zones` mounted on `ROOT/zones`.
    ///
    /// # Panics
    /// It cannot be made; the program `lab` has not been built.
    #[must_use]
    pub fn create(root: &Path) -> Self {
        fs::create_dir_all(root).unwrap();
        let lab = Self::at(&root.canonicalize().unwrap());
        for directory in ["data", "snap", "under", "bin"] {
            fs::create_dir_all(lab.own(directory)).unwrap();
        }
        let program = run::program("lab");
        for path in COMMANDS.iter().chain(net::COMMANDS) {
            let place = lab.place(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            symlink(&program, &place).unwrap();
            let quiet = lab.own("bin").join(place.file_name().unwrap());
            if !quiet.exists() {
                symlink(&program, quiet).unwrap();
            }
        }
        for directory in ["etc", "etc/inet", "etc/zones", "zones", "var/run", "tmp", "usr/lib/brand"] {
            fs::create_dir_all(lab.place(directory)).unwrap();
        }
        lab.transact(begin);
        lab
    }

    /// Runs a command of the host without accounting for it.
    ///
    /// # Panics
    /// It cannot be run.
    pub fn run(&self, name: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.own("bin").join(name));
        command.args(arguments).env_clear().stdin(Stdio::null()).output().unwrap()
    }

    /// Runs `zfs` without accounting for it.
    pub fn zfs(&self, arguments: &[&str]) -> Output {
        self.run("zfs", arguments)
    }

    /// What `zfs` answers where it has to succeed.
    ///
    /// # Panics
    /// It failed.
    pub fn zfs_ok(&self, arguments: &[&str]) -> String {
        let output = self.zfs(arguments);
        assert!(output.status.success(), "zfs {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Adds a boot environment, which is not the running one. An empty UUID stands for none.
    pub fn add_be(&self, name: &str, uuid: &str) {
        self.transact(|host| add_environment(host, name, uuid));
    }

    /// Lets the host run another of its boot environments, as after a reboot.
    ///
    /// # Panics
    /// There is none of this name.
    pub fn run_be(&self, name: &str) {
        let root = format!("{ENVIRONMENTS}/{name}");
        self.transact(|host| {
            assert!(host.state.datasets.contains_key(&root), "no boot environment {name}");
            host.state.mounts[0].special.clone_from(&root);
            host.state.next_boot = root;
        });
    }

    /// The UUID of the boot environment that the host runs; empty if it has none.
    #[must_use]
    pub fn running_uuid(&self) -> String {
        let state = self.state();
        state.datasets[&state.mounts[0].special].local.get(UUID).cloned().unwrap_or_default()
    }

    /// Takes a command away from the host.
    pub fn remove_command(&self, name: &str) {
        for path in COMMANDS
            .iter()
            .chain(net::COMMANDS)
            .filter(|path| Path::new(path).file_name().is_some_and(|found| found == name))
        {
            let _ = fs::remove_file(self.place(path));
        }
    }

    /// Marks a dataset as in use, or not: it cannot be unmounted without force, nor destroyed.
    ///
    /// # Panics
    /// There is no such dataset.
    pub fn busy(&self, dataset: &str, busy: bool) {
        self.transact(|host| host.state.datasets.get_mut(dataset).unwrap().busy = busy);
    }

    /// Lets no more than so many bytes into a pool; none for no such limit. Nothing can be made in a
    /// pool that lets 0 in.
    ///
    /// # Panics
    /// There is no such pool.
    pub fn limit_pool(&self, pool: &str, bytes: Option<u64>) {
        self.transact(|host| host.state.pools.get_mut(pool).unwrap().limit = bytes);
    }

    /// Adds a pool, with its file system mounted on `ROOT/NAME`.
    pub fn add_pool(&self, name: &str) {
        self.transact(|host| add_pool(host, name, &format!("{}/{name}", host.lab.root().display())));
    }

    /// Lets svccfg(8) fail whatever it is asked, or not.
    pub fn break_services(&self, broken: bool) {
        self.transact(|host| host.state.services_broken = broken);
    }

    /// Notes what no host would have let happen, such as the removal of a directory that something is
    /// mounted on.
    pub(crate) fn violation(&self, what: &str) {
        let mut all = self.violations();
        all.push(what.to_owned());
        fs::write(self.own("violations"), all.join("\n")).unwrap();
    }

    /// What happened that no host would have let happen.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        let text = fs::read_to_string(self.own("violations")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}

fn begin(host: &mut Host) {
    let root = host.lab.root().display().to_string();
    host.state = State { net: Network::begin().unwrap(), ..State::default() };
    add_pool(host, "rpool", &format!("{root}/rpool"));
    add(host, ENVIRONMENTS, &[("mountpoint", "legacy")]);
    add_environment(host, "tribblix", FIRST_UUID);
    let special = format!("{ENVIRONMENTS}/tribblix");
    host.state.next_boot.clone_from(&special);
    let options = "rw,devices,setuid,nonbmand,exec,xattr,atime".to_owned();
    let path = PathBuf::from("/");
    host.state
        .mounts
        .insert(0, Mount { special, path, kind: "zfs".to_owned(), options, time: now(), content: None, serial: 0 });
    add(host, "rpool/zones", &[("mountpoint", &format!("{root}/zones"))]);
    host.mount_dataset("rpool/zones", "", false).map_err(|error| error.text).unwrap();
}

fn add_pool(host: &mut Host, name: &str, mountpoint: &str) {
    let serial = host.state.next();
    host.state.pools.insert(name.to_owned(), Pool { guid: State::guid(serial), limit: None });
    add(host, name, &[("mountpoint", mountpoint)]);
    host.mount_dataset(name, "", false).map_err(|error| error.text).unwrap();
}

fn add(host: &mut Host, name: &str, properties: &[(&str, &str)]) {
    let mut dataset = host.state.new_dataset(Kind::Filesystem);
    dataset.local = properties.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    host.empty_store(dataset.id).unwrap();
    host.state.datasets.insert(name.to_owned(), dataset);
}

/// Source: section 11 of the facts of the brand protocol.
fn add_environment(host: &mut Host, name: &str, uuid: &str) {
    let mut properties = vec![("mountpoint", "/"), ("canmount", "noauto"), (POLICY, "static")];
    if !uuid.is_empty() {
        properties.push((UUID, uuid));
    }
    add(host, &format!("{ENVIRONMENTS}/{name}"), &properties);
}

/// `beadm`: `list`, `mount` and `unmount`. Source: beadm(8), section 12 of the facts of the brand
/// protocol.
pub(super) fn beadm(lab: &Lab, arguments: &[OsString]) -> u8 {
    conclude(lab, |host| {
        let words = words(arguments)?;
        match words.split_first() {
            Some((verb, rest)) if verb == "list" => list_environments(host, rest),
            Some((verb, rest)) if verb == "mount" => {
                let options = options(rest, "s:")?;
                let [name, place] = operands(&options, ["BE name", "mountpoint"])?;
                let root = environment(host, name)?;
                fs::create_dir_all(place).map_err(|error| refused(error.to_string()))?;
                let options = host.options(&root, "");
                host.attach(&root, Path::new(place), &options, false)
                    .map_err(|why| refused(format!("Unable to mount {name}.\n{why}")))
            }
            Some((verb, rest)) if verb == "unmount" || verb == "umount" => {
                let options = options(rest, "f")?;
                let [name] = operands(&options, ["BE name"])?;
                let root = environment(host, name)?;
                host.unmount_dataset(&root, options.has('f'))
            }
            _ => Err(misused("beadm: list, mount or unmount")),
        }
    })
}

fn environment(host: &Host, name: &str) -> Result<String, Refused> {
    let root = format!("{ENVIRONMENTS}/{name}");
    let found = host.state.datasets.contains_key(&root);
    if found { Ok(root) } else { Err(refused(format!("{name} does not exist or appear to be a valid BE."))) }
}

fn list_environments(host: &mut Host, words: &[String]) -> Done {
    let options = options(words, "adsH")?;
    let names = match &options.operands[..] {
        [] => host.state.children(ENVIRONMENTS),
        [name] => vec![environment(host, name)?],
        _ => return Err(misused("too many arguments")),
    };
    if options.has('H') {
        for root in names {
            let line = environment_line(host, &root);
            host.say(&line);
        }
        return Ok(());
    }
    host.say("BE       Active Mountpoint Space  Policy Created");
    for root in names {
        let line = environment_line(host, &root).replace(';', " ");
        host.say(&line);
    }
    Ok(())
}

fn environment_line(host: &Host, root: &str) -> String {
    let dataset = &host.state.datasets[root];
    let property = |name: &str| dataset.local.get(name).cloned().unwrap_or_default();
    let mounted = host.state.mount_of(root).map(|index| &host.state.mounts[index]);
    let running = mounted.is_some_and(|mount| mount.path == Path::new("/"));
    let active = match (running, host.state.next_boot == root) {
        (true, true) => "NR",
        (true, false) => "N",
        (false, true) => "R",
        (false, false) => "",
    };
    let place = mounted.map(|mount| mount.path.display().to_string()).unwrap_or_default();
    let name = root.rsplit('/').next().unwrap_or_default();
    let (uuid, policy, used) = (property(UUID), property(POLICY), host.used_below(root));
    format!("{name};{uuid};{active};{place};{used};{policy};{}", dataset.creation)
}
