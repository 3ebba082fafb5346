//! What makes a running router read its files again, each time in the way that keeps connections.
//!
//! Files of a router's zone are read by programs of that zone only: its root user may have written anything into
//! them. Source: zlogin(1), pkill(1), svcadm(8), ipnat(8), ipf(8), route(8).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{HostCommand, HostError};

/// Exit status of pkill(1) where no process is called so.
const NO_PROCESS: i32 = 1;
/// Exit status of `route add` where the route is there already.
const ROUTE_EXISTS: i32 = 17;
/// Exit status of `route delete` where there is no such route.
const NO_ROUTE: i32 = 3;

/// What is read again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "reread", rename_all = "kebab-case")]
pub enum Reread {
    /// Names and addresses of zones.
    Names,
    /// The configuration of dnsmasq, for which it starts anew.
    Dnsmasq,
    /// Rules of address translation. Sessions go on.
    Translation,
    /// Rules of the filter: both files, or neither. States stay.
    Filter,
    /// A route, in the words of `route add`.
    AddRoute {
        /// The words.
        words: String,
    },
    /// A route that is there no longer.
    DeleteRoute {
        /// The words.
        words: String,
    },
    /// The configuration of the ingress, which runs only when there is one.
    Ingress {
        /// There is one.
        runs: bool,
    },
}

/// Where the files of a router are, within its zone.
const IPNAT_CONF: &str = "/etc/ipf/ipnat.conf";
const IPF_CONF: &str = "/etc/ipf/ipf.conf";
const IPF6_CONF: &str = "/etc/ipf/ipf6.conf";
const INGRESS_MANIFEST: &str = "/lib/svc/manifest/site/zonekit-ingress.xml";
const INGRESS: &str = "svc:/site/zonekit-ingress:default";
const DNSMASQ: &str = "svc:/network/dnsmasq:default";

/// How long a program or service of a zone is waited for: its root user may have put anything in its place.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command that runs in a running zone, or in the global one.
#[must_use]
pub fn in_zone(zone: Option<&str>, program: &str, arguments: &[&str]) -> HostCommand {
    match zone {
        Some(zone) => HostCommand::new("/usr/sbin/zlogin").args([zone, program]).args(arguments).within(PATIENCE),
        None => HostCommand::new(program).args(arguments),
    }
}

/// A file of the router, as a command in its zone names it.
fn file(zone: Option<&str>, path: &str) -> String {
    match zone {
        Some(_) => path.to_owned(),
        None => super::place(path).display().to_string(),
    }
}

/// A command about the services of a zone.
fn service_command(zone: Option<&str>, program: &str, arguments: &[&str]) -> HostCommand {
    let command = HostCommand::new(program);
    match zone {
        Some(zone) => command.args(["-z", zone]).args(arguments).within(PATIENCE),
        None => command.args(arguments),
    }
}

fn svcadm(zone: Option<&str>, arguments: &[&str]) -> HostCommand {
    service_command(zone, "/usr/sbin/svcadm", arguments)
}

impl Reread {
    /// What is read again, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Names => "names and addresses".to_owned(),
            Self::Dnsmasq => "the configuration of dnsmasq".to_owned(),
            Self::Translation => "the rules of address translation".to_owned(),
            Self::Filter => "the rules of the filter".to_owned(),
            Self::AddRoute { words } => format!("a new route ({words})"),
            Self::DeleteRoute { words } => format!("that a route has gone ({words})"),
            Self::Ingress { .. } => "the ingress".to_owned(),
        }
    }

    /// Whether the file is one that would be taken. Nothing changes.
    ///
    /// # Errors
    /// [`HostError`], with what is wrong with it.
    pub fn check(&self, zone: Option<&str>) -> Result<(), HostError> {
        let [ipnat, ipf, ipf6] = [IPNAT_CONF, IPF_CONF, IPF6_CONF].map(|path| file(zone, path));
        let checks: &[(&str, &[&str])] = match self {
            Self::Translation => &[("/usr/sbin/ipnat", &["-n", "-f", &ipnat])],
            Self::Filter => &[("/usr/sbin/ipf", &["-n", "-f", &ipf]), ("/usr/sbin/ipf", &["-6", "-n", "-f", &ipf6])],
            Self::Dnsmasq => &[("/usr/sbin/dnsmasq", &["--test"])],
            _ => &[],
        };
        checks.iter().try_for_each(|(program, arguments)| in_zone(zone, program, arguments).run().map(drop))
    }

    /// Whether the error of a check is about what the file says. Source: `yyerror()` of IPFilter, `die()` of dnsmasq.
    #[must_use]
    pub fn is_refusal(error: &HostError) -> bool {
        error.says("error at \"") || error.says(" at line ")
    }

    /// What has it read, in order. Whether the service of the ingress is there is looked at.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn commands(&self, zone: Option<&str>) -> Result<Vec<HostCommand>, HostError> {
        Ok(match self {
            Self::Names => {
                let pkill = HostCommand::new("/usr/bin/pkill").args(["-HUP", "-x"]);
                vec![pkill.args(["-z", zone.unwrap_or("global"), "dnsmasq"])]
            }
            Self::Dnsmasq => vec![svcadm(zone, &["restart", DNSMASQ])],
            // -C drops rules and leaves sessions; with -F it would drop these too.
            Self::Translation => vec![in_zone(zone, "/usr/sbin/ipnat", &["-C", "-f", &file(zone, IPNAT_CONF)])],
            Self::Filter => {
                // The set that is not in use is filled, and takes over at the end.
                let [four, six] = [IPF_CONF, IPF6_CONF].map(|path| file(zone, path));
                let ipf: [&[&str]; 5] =
                    [&["-I", "-Fa"], &["-6", "-I", "-Fa"], &["-I", "-f", &four], &["-6", "-I", "-f", &six], &["-s"]];
                ipf.map(|arguments| in_zone(zone, "/usr/sbin/ipf", arguments)).into()
            }
            Self::AddRoute { words } => vec![route(zone, "add", words)],
            Self::DeleteRoute { words } => vec![route(zone, "delete", words)],
            Self::Ingress { runs } => ingress(zone, *runs)?,
        })
    }

    /// The exit status of a command for which nothing is left to do.
    fn done_already(&self) -> Option<i32> {
        match self {
            // It does not run, and will read them when it starts.
            Self::Names => Some(NO_PROCESS),
            Self::AddRoute { .. } => Some(ROUTE_EXISTS),
            Self::DeleteRoute { .. } => Some(NO_ROUTE),
            _ => None,
        }
    }

    /// Has it read.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn run(&self, zone: Option<&str>) -> Result<(), HostError> {
        for command in self.commands(zone)? {
            match command.run_heeding() {
                Err(HostError::Failed { status, .. })
                    if status.code().is_some() && status.code() == self.done_already() => {}
                ran => heed(&command, &ran?)?,
            }
        }
        Ok(())
    }
}

fn route(zone: Option<&str>, verb: &str, words: &str) -> HostCommand {
    let arguments: Vec<&str> = ["-n", verb].into_iter().chain(words.split(' ')).collect();
    in_zone(zone, "/usr/sbin/route", &arguments)
}

/// Rules that the kernel does not take are told, and are no failure to the command; one that is there twice is there.
fn heed(command: &HostCommand, said: &str) -> Result<(), HostError> {
    let refused = |line: &&str| line.contains(":ioctl(") && !line.contains("File exists");
    let refused: Vec<&str> = said.lines().map(str::trim).filter(refused).collect();
    if refused.is_empty() {
        return Ok(());
    }
    Err(HostError::Partly { line: command.line(), said: refused.join("; ") })
}

fn ingress(zone: Option<&str>, runs: bool) -> Result<Vec<HostCommand>, HostError> {
    let svcs = service_command(zone, "/usr/bin/svcs", &["-H", "-o", "state", INGRESS]);
    let state = match svcs.run() {
        Ok(out) => Some(String::from_utf8_lossy(&out).trim().trim_end_matches('*').to_owned()),
        // The service has not been imported yet.
        Err(HostError::Failed { .. }) => None,
        Err(error) => return Err(error),
    };
    Ok(match state.as_deref() {
        None if !runs => Vec::new(),
        None => vec![
            in_zone(zone, "/usr/sbin/svccfg", &["import", &file(zone, INGRESS_MANIFEST)]),
            svcadm(zone, &["enable", INGRESS]),
        ],
        Some("online") if runs => vec![svcadm(zone, &["refresh", INGRESS])],
        Some("maintenance") if runs => vec![svcadm(zone, &["clear", INGRESS])],
        Some(_) => vec![svcadm(zone, &[if runs { "enable" } else { "disable" }, INGRESS])],
    })
}
