//! The daemons of zones, and DHCP clients: those of this machine, with the files of the zone.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::super::super::Lab;
use super::super::smf::base;
use super::super::stacks;
use super::tools::{find, tool, within};

/// How long a daemon may take to end.
const PATIENCE: Duration = Duration::from_secs(3);

/// A daemon of a zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Daemon {
    pub space: String,
    pub zone: String,
    pub name: String,
    pub arguments: Vec<String>,
    pub root: PathBuf,
    /// How often it was started anew.
    pub restarts: usize,
}

/// Puts the files of a zone ($1) where a program of this machine looks for them, and runs it. What the zone replaces is
/// seen replaced, for links lead to it; what it lacks of /etc is this machine's. /var/run is new, as after a boot.
pub(super) const IN_ZONE: &str = r#"
set -eu
root=$1
shift
mount -t tmpfs -o mode=755 none /mnt
mkdir /mnt/zone /mnt/host /mnt/etc /mnt/var
mount --bind "$root" /mnt/zone
mount --bind /etc /mnt/host
for file in /mnt/zone/etc/* /mnt/zone/etc/.[!.]*; do
    [ ! -e "$file" ] && [ ! -h "$file" ] || ln -s "$file" /mnt/etc/
done
for name in passwd group nsswitch.conf ld.so.cache ld.so.conf services protocols localtime; do
    [ -e "/mnt/etc/$name" ] || [ -h "/mnt/etc/$name" ] || ln -s "/mnt/host/$name" /mnt/etc/
done
for file in /mnt/zone/var/*; do
    [ ! -e "$file" ] || case ${file##*/} in run | tmp | lib) ;; *) ln -s "$file" /mnt/var/ ;; esac
done
mkdir -p /mnt/var/run /mnt/var/tmp /mnt/var/lib/misc
mount --bind /mnt/var /var
mount --bind /mnt/etc /etc
exec "$@"
"#;

impl Daemon {
    fn pid_file(&self, lab: &Lab) -> PathBuf {
        pid_file(lab, &self.zone, &self.name)
    }

    /// Runs it in the foreground, so that its number is known.
    pub fn start(&self, lab: &Lab) {
        let Some(program) = find(&self.name) else { panic!("packets need the daemon `{}`", self.name) };
        let log = lab.own(&format!("packets.{}.{}.log", self.zone, self.name));
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let mut command = tool("setsid");
        command.arg("nsenter").arg(format!("--net=/run/netns/{}", self.space));
        command.args(["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", IN_ZONE, "sh"]);
        command.arg(&self.root).arg(program).args(self.foreground());
        command.stdout(file.try_clone().unwrap()).stderr(file).stdin(Stdio::null()).current_dir("/");
        launch(command, &self.pid_file(lab));
        self.wait_until_it_heeds_signals(lab);
    }

    /// A start method ends when its daemon is at work, and nothing else is done to the service before.
    fn wait_until_it_heeds_signals(&self, lab: &Lab) {
        let signal = if self.name == "haproxy" { Signal::USR2 } else { Signal::HUP };
        let bit = 1_u64 << (signal.as_raw() - 1);
        let number = fs::read_to_string(self.pid_file(lab)).unwrap_or_default();
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let status = fs::read_to_string(format!("/proc/{number}/status")).unwrap_or_default();
            let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            if caught.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap_or_default() & bit != 0) {
                return;
            }
            if caught.is_none() || status.contains("State:\tZ") {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        lab.violation(&format!("{} of zone {} does not run", self.name, self.zone));
    }

    fn foreground(&self) -> Vec<String> {
        let own =
            |word: &&String| !matches!(word.as_str(), "-D" | "-d" | "--no-daemon" | "-k" | "--keep-in-foreground");
        let mut words: Vec<String> = self.arguments.iter().filter(own).cloned().collect();
        if self.name == "dnsmasq" {
            let more = ["--keep-in-foreground", "--pid-file=", "--log-facility=-", "--user=root", "--group="];
            words.extend(more.map(str::to_owned));
        }
        words
    }

    pub fn stop(&self, lab: &Lab) {
        stop(&self.pid_file(lab));
    }
}

/// Runs a program in a zone that is no daemon then, such as `haproxy -c`: this machine's, with the files of the zone, and
/// gives its exit status. Where this machine has none, or this is not root, it succeeds.
pub(in super::super) fn run_in_zone(root: &Path, program: &str, arguments: &[OsString]) -> u8 {
    if stacks::inside(root, program).is_none() {
        eprintln!("{program}: not found");
        return 127;
    }
    let Some(real) = find(base(program)).filter(|_| rustix::process::geteuid().is_root()) else { return 0 };
    let mut command = tool("unshare");
    command.args(["--mount", "--propagation", "private", "/bin/sh", "-c", IN_ZONE, "sh"]).arg(root).arg(real);
    let status = command.args(arguments).status().unwrap();
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// Starts what goes on when the command that starts it has ended, and notes its number.
#[expect(clippy::zombie_processes, reason = "it is to outlive this process")]
fn launch(mut command: Command, file: &Path) {
    let child = command.spawn().unwrap();
    fs::write(file, child.id().to_string()).unwrap();
}

fn pid_file(lab: &Lab, zone: &str, name: &str) -> PathBuf {
    lab.own(&format!("packets.{zone}.{name}.pid"))
}

/// Ends all that was started for a lab, those among it that are not yet where they are to run.
pub(super) fn stop_all(lab: &Lab) {
    let entries = fs::read_dir(lab.own("")).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_number = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("packets.") && name.ends_with(".pid")
    };
    for file in entries.filter(is_number) {
        kill_started(&fs::read_to_string(&file).unwrap_or_default(), Signal::KILL);
    }
}

fn pid(text: &str) -> Option<Pid> {
    Pid::from_raw(text.trim().parse().ok()?)
}

/// What runs under the number of something that was started: what starts it, and then it itself.
const STARTED: &[&str] = &["lab", "setsid", "nsenter", "unshare", "sh", "dnsmasq", "haproxy", "udhcpc"];

/// The process that a text names, unless the number has become that of another since.
fn started(text: &str) -> Option<Pid> {
    let command = fs::read_to_string(format!("/proc/{}/comm", text.trim())).ok()?;
    pid(text).filter(|_| STARTED.contains(&command.trim()))
}

fn kill_started(text: &str, signal: Signal) {
    if let Some(pid) = started(text) {
        let _ = kill_process(pid, signal);
    }
}

pub(super) fn kill(number: &str, signal: Signal) {
    if let Some(pid) = pid(number) {
        let _ = kill_process(pid, signal);
    }
}

/// Ends what a file names, and waits for that.
fn stop(file: &PathBuf) {
    let Ok(text) = fs::read_to_string(file) else { return };
    if let Some(pid) = started(&text) {
        let began = Instant::now();
        let _ = kill_process(pid, Signal::TERM);
        while lives(pid) && began.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = kill_process(pid, Signal::KILL);
    }
    let _ = fs::remove_file(file);
}

/// One that has ended and that nobody has asked about yet lives no more.
fn lives(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let zombie = status.is_ok_and(|text| text.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')));
    !zombie && test_kill_process(pid).is_ok()
}

/// Sends a signal that a command has sent: zone, signal, process.
pub(super) fn signal(lab: &Lab, (zone, what, process): &(String, String, String)) {
    let Ok(text) = fs::read_to_string(pid_file(lab, zone, process)) else { return };
    let signal = match (what.as_str(), process.as_str()) {
        ("HUP", _) => Signal::HUP,
        // As the refresh method of its manifest does it.
        ("USR2", _) | ("refresh", "haproxy") => Signal::USR2,
        ("refresh", _) => Signal::HUP,
        ("USR1", _) => Signal::USR1,
        ("INT", _) => Signal::INT,
        ("TERM", _) => Signal::TERM,
        ("KILL", _) => Signal::KILL,
        // That is another daemon then.
        _ => return,
    };
    kill_started(&text, signal);
}

/// What a client does with its lease.
const LEASE: &str = r#"#!/bin/sh
case $1 in
bound | renew)
    ip address replace "$ip/$mask" dev "$interface"
    ip route delete default dev "$interface" 2>/dev/null
    for router in $router; do ip route add default via "$router" dev "$interface" && break; done
    printf 'address %s/%s\nrouter %s\ndns %s\ndomain %s\nhostname %s\n' "$ip" "$mask" "$router" "$dns" "$domain" "$hostname" >"$LEASE.new"
    mv "$LEASE.new" "$LEASE"
    ;;
deconfig) ip address flush dev "$interface" scope global ;;
esac
"#;

fn client_name(device: &str) -> String {
    format!("dhcp.{device}")
}

/// Where a client writes down its lease.
pub(super) fn lease_file(lab: &Lab, zone: &str, device: &str) -> PathBuf {
    lab.own(&format!("packets.{zone}.{device}.lease"))
}

pub(super) fn start_client(lab: &Lab, space: &str, zone: &str, device: &str) {
    let script = lab.own("packets.lease");
    write_script(&script).unwrap();
    let _ = fs::remove_file(lease_file(lab, zone, device));
    let mut command = tool("setsid");
    command.arg("nsenter").arg(format!("--net=/run/netns/{space}"));
    command.arg(find("udhcpc").unwrap_or_else(|| panic!("packets need a DHCP client: `udhcpc`")));
    command.args(["-f", "-i", device, "-t", "20", "-T", "1", "-A", "1", "-s"]).arg(&script);
    command.env("LEASE", lease_file(lab, zone, device));
    let log = File::options().create(true).append(true).open(lab.own(&format!("packets.{zone}.{device}.log"))).unwrap();
    command.stdout(log.try_clone().unwrap()).stderr(log).current_dir("/");
    launch(command, &pid_file(lab, zone, &client_name(device)));
}

/// Asks for a lease once; whether there was one.
pub(super) fn ask_once(lab: &Lab, space: &str, zone: &str, device: &str) -> bool {
    let script = lab.own("packets.lease");
    write_script(&script).unwrap();
    let mut command = within(space, "udhcpc");
    command.args(["-f", "-q", "-n", "-i", device, "-t", "3", "-T", "1", "-s"]).arg(&script);
    command.env("LEASE", lease_file(lab, zone, device)).output().unwrap().status.success()
}

/// One that runs already reads it, so it is replaced.
fn write_script(path: &PathBuf) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|text| text == LEASE) {
        return Ok(());
    }
    let beside = path.with_extension(format!("{}", std::process::id()));
    fs::write(&beside, LEASE)?;
    fs::set_permissions(&beside, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    fs::rename(beside, path)
}

pub(super) fn stop_client(lab: &Lab, zone: &str, device: &str) {
    stop(&pid_file(lab, zone, &client_name(device)));
    let _ = fs::remove_file(lease_file(lab, zone, device));
}
