//! The flags of `global-router`, and what it says.

use clap::Parser;
use ipnet::IpNet;
use serde_json::json;
use zonelib::host;
use zonelib::journal::{Failure, Recovered};
use zonelib::net::address::network;
use zonelib::net::{Domain, Ipv6Addresses, LinkName, SegmentName, WantedGlobal};
use zonelib::program::{self, Answer, StateFlags};
use zonelib::router::RouterError;
use zonelib::router::global::{Done, Failed, Told, forget, route};

/// What it is called in messages.
pub const PROGRAM: &str = "global-router";

/// Makes the global zone the router of networks of zones
///
/// Where a host has one address only, there is none for a router zone. The global zone then gets an etherstub and a
/// gateway address for each network, translates addresses, and serves DHCP and names to the zones behind it. Its own
/// files keep what others have written in them. What comes to the global zone itself is not filtered.
#[derive(Debug, Parser)]
#[command(name = "global-router", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done; 2 not done, and everything is as before.

Examples:
  global-router -R 10.1.2.0/24 -n
  global-router -R 10.1.2.0/24 --domain zones.example
  global-router --remove 10.1.2.0/24")]
pub struct Cli {
    /// Route this network; repeat for more
    #[arg(short = 'R', long = "router-for", visible_alias = "route", value_name = "NET/LEN", value_parser = network,
        required_unless_present = "remove")]
    pub networks: Vec<IpNet>,
    /// Route this network no more; with the last one, everything is as it was before the first
    #[arg(long, value_name = "NET/LEN", value_parser = network, conflicts_with = "networks")]
    pub remove: Option<IpNet>,
    /// The interface outside [default: that of the default route]
    #[arg(long, value_name = "INTERFACE", conflicts_with = "remove")]
    pub interface: Option<LinkName>,
    /// The domain of the names of zones
    #[arg(long, value_name = "DOMAIN", conflicts_with = "remove")]
    pub domain: Option<Domain>,
    /// IPv6 networks are global ones: they are routed, not translated, and nothing gets in that is not opened
    #[arg(long, visible_alias = "routable-ipv6", conflicts_with = "remove")]
    pub routable: bool,
    /// Where zones have IPv6 addresses from: slaac, they may give themselves some in a /64, or static, they have those
    /// alone that they are given [default: slaac]
    #[arg(long, value_name = "SOURCE", conflicts_with = "remove")]
    pub ipv6_addresses: Option<Ipv6Addresses>,
    /// Leave IPv6 addresses out of the answers that zones get about names elsewhere
    #[arg(long, conflicts_with = "remove")]
    pub filter_aaaa: bool,
    /// Print what would be done, and do nothing
    #[arg(short = 'n', visible_short_alias = 'N', long)]
    pub dry_run: bool,
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
    /// Where the records are.
    #[command(flatten)]
    pub state: StateFlags,
}

/// Does what the flags say.
///
/// # Errors
/// [`Failed`]: nothing has changed, unless it says so.
pub fn run(cli: &Cli) -> Result<Answer, Failed> {
    host::usual_umask();
    let signals = |source| RouterError::Root { path: "signals".into(), source };
    host::watch_signals().map_err(|error| Box::new(Failure::Undone(signals(error).into())))?;
    let state = cli.state.dir();
    let recovered = |before: &Recovered| {
        program::tell(&format!("{PROGRAM}: what an interrupted `{}` left was put right first", before.operation));
    };
    let mut tell = |step: &str| program::tell(step);
    let done = match cli.remove {
        Some(network) => forget(&SegmentName::of(network), &state, cli.dry_run, recovered, &mut tell)?,
        None => {
            let wanted = WantedGlobal {
                networks: cli.networks.clone(),
                interface: cli.interface.clone(),
                domain: cli.domain.clone(),
                routable_ipv6: cli.routable,
                filter_aaaa: cli.filter_aaaa,
                ipv6_addresses: cli.ipv6_addresses,
            };
            route(&wanted, &state, cli.dry_run, recovered, &mut tell)?
        }
    };
    let text = if cli.json { format!("{}\n", data(&done, cli.dry_run)) } else { report(&done, cli) };
    Ok(program::answer(PROGRAM, &text, Answer::Yes))
}

fn report(done: &Done, cli: &Cli) -> String {
    if cli.dry_run {
        let commands = |told: &Told| told.commands.iter().map(|line| format!("    $ {line}\n")).collect::<String>();
        let steps = done.steps.iter().map(|told| format!("{}\n{}", told.what, commands(told)));
        return steps.chain(done.files.iter().map(|file| file.text("the global zone"))).collect();
    }
    let verb = if cli.remove.is_some() { "no longer routes" } else { "routes" };
    done.segments
        .iter()
        .flat_map(|segment| segment.networks())
        .map(|network| format!("the global zone {verb} {network}\n"))
        .collect()
}

fn data(done: &Done, dry: bool) -> serde_json::Value {
    json!({
        "version": 1,
        "done": !dry,
        "segments": done.segments,
        "steps": done.steps,
        "files": done.files,
    })
}

/// The flag table, for help, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_flag_table_is_sound() {
        crate::command().debug_assert();
    }
}
