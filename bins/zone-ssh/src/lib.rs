//! The flags of `zone-ssh`, and what it runs.

use clap::{CommandFactory, Parser};
use zonelib::config::ZoneName;
use zonelib::host::HostCommand;
use zonelib::program::{Answer, StateFlags};
use zonelib::zone::{UserName, ZoneError, reach};

/// What it is called in messages.
pub const PROGRAM: &str = "zone-ssh";

const SSH: &str = "/usr/bin/ssh";

/// Options of ssh(1) for hosts whose keys are neither known nor kept. Source: ssh_config(5).
const NO_HOST_KEYS: [&str; 2] = ["UserKnownHostsFile=/dev/null", "StrictHostKeyChecking=no"];

fn is_about_host_keys(option: &str) -> bool {
    let name = option.split(|letter: char| letter == '=' || letter.is_ascii_whitespace()).next().unwrap_or_default();
    NO_HOST_KEYS.iter().filter_map(|known| known.split_once('=')).any(|(known, _)| known.eq_ignore_ascii_case(name))
}

/// What ssh(1) needs of the caller's environment.
const VARIABLES: [&str; 10] =
    ["HOME", "USER", "LOGNAME", "TERM", "LANG", "LC_ALL", "TZ", "DISPLAY", "XAUTHORITY", "SSH_AUTH_SOCK"];

/// Logs in to a zone by ssh, through its router when it is behind one
///
/// Zones come and go, and others take their addresses: host keys are neither checked nor kept, those of routers
/// either. With -o StrictHostKeyChecking=VALUE or -o UserKnownHostsFile=FILE, ssh does with both as it is set up to.
#[derive(Debug, Parser)]
#[command(name = "zone-ssh", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Exit status: that of ssh(1), which is 255 for its own errors; 2 there is no such zone, or no way to it."
)]
pub struct Cli {
    /// Forward this port of the zone to the same port here
    #[arg(short = 'T', long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub tunnel: Option<u16>,
    /// Option of ssh, before those of zone-ssh (repeatable)
    #[arg(short = 'o', long = "option", value_name = "NAME=VALUE")]
    pub options: Vec<String>,
    /// Print the command, and do not run it
    #[arg(short = 'N', long)]
    pub dry_run: bool,
    /// Where records are.
    #[command(flatten)]
    pub state: StateFlags,
    /// The zone, and the account in it
    #[arg(value_name = "[USER@]ZONE")]
    pub target: Target,
    /// A command to run there
    #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// A zone, and an account in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    user: Option<UserName>,
    zone: ZoneName,
}

impl std::str::FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (user, zone) = match text.rsplit_once('@') {
            Some((user, zone)) => {
                (Some(user.parse().map_err(|error: zonelib::zone::ValueError| error.to_string())?), zone)
            }
            None => (None, text),
        };
        let zone = zone.parse().map_err(|error: zonelib::config::ZoneNameError| error.to_string())?;
        Ok(Self { user, zone })
    }
}

/// Does what the flags say.
///
/// # Errors
/// [`ZoneError`]: there is no way to the zone, or ssh cannot be run.
pub fn run(cli: &Cli) -> Result<Answer, ZoneError> {
    let reach = reach(&cli.target.zone, &cli.state.dir())?;
    let mut ssh = HostCommand::new(SSH);
    for option in &cli.options {
        ssh = ssh.args(["-o", option]);
    }
    if reach.is_old {
        ssh = ssh.args(["-o", "KexAlgorithms=+diffie-hellman-group1-sha1"]);
    }
    let checked = cli.options.iter().any(|option| is_about_host_keys(option));
    if !checked {
        ssh = NO_HOST_KEYS.iter().fold(ssh, |ssh, option| ssh.args(["-o", option]));
    }
    if let Some(through) = reach.through {
        ssh = if checked {
            // What is in brackets is an address, whatever colons are in it.
            let through = if through.is_ipv6() { format!("[{through}]") } else { through.to_string() };
            ssh.args(["-J", &through])
        } else {
            // Options are not heeded for the host of -J.
            let [file, check] = NO_HOST_KEYS;
            ssh.arg("-o").arg(format!("ProxyCommand={SSH} -o {file} -o {check} -W [%h]:%p {through}"))
        };
    }
    if let Some(port) = cli.tunnel {
        ssh = ssh.args(["-L", &format!("{port}:localhost:{port}")]);
    }
    if let Some(user) = &cli.target.user {
        ssh = ssh.args(["-l", user.as_str()]);
    }
    ssh = ssh.arg("--").arg(reach.address.to_string()).args(&cli.command);
    if cli.dry_run {
        return Ok(zonelib::program::answer(PROGRAM, &format!("{}\n", ssh.line()), Answer::Yes));
    }
    Err(ssh.replace_this_process(&VARIABLES).into())
}

/// The flag table, for help, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_table_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn a_target_is_a_zone_with_or_without_an_account() {
        let target = "joe@web".parse::<Target>().unwrap();
        assert_eq!((target.user.unwrap().as_str(), target.zone.as_str()), ("joe", "web"));
        assert_eq!("web".parse::<Target>().unwrap().user, None);
        for text in ["", "@web", "joe@", "-oProxyCommand=x@web", "global", "a@b@c d"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
