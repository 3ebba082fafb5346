//! The flags of `net-attach`, and what it says.

use std::convert::Infallible;

use clap::Parser;
use ipnet::IpNet;
use serde::Serialize;
use zonelib::brand::tell_recovered;
use zonelib::config::ZoneName;
use zonelib::host;
use zonelib::net::{AskedAddress, Domain, FlowLimits, Ipv6Addresses, LinkName, Opening, VlanId, Wanted, address};
use zonelib::program::{self, Answer, StateFlags};
use zonelib::zone::{Attach, Configuring, Wiring, ZoneError};

/// What it is called in messages.
pub const PROGRAM: &str = "net-attach";

/// Wires a zone to the networks that its addresses are on
///
/// An address on a segment gets the zone a vnic on its etherstub (-x), or a place on its shared link (-i); one
/// on a network of this host gets it a vnic on, or a place on, the link of that. The zone's configuration and files
/// follow, and so does the router of the segment.
#[derive(Debug, Parser)]
#[command(name = "net-attach", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done; 2 it could not be done, and nothing of it is left.

Examples:
  net-attach -z web -x 10.1.2.5 -n
  net-attach -z web -x 10.1.2.5 -F maxbw=50M
  net-attach -z box -x 10.1.2.6 --print >box.zonecfg")]
pub struct Cli {
    /// The zone
    #[arg(short, long, value_name = "ZONE")]
    pub zone: ZoneName,
    /// An address on a network stack of its own, repeatable; a vnic for each network
    #[arg(short = 'x', long, visible_alias = "exclusive", value_name = "ADDRESS")]
    pub exclusive_ip: Vec<AskedAddress>,
    /// An address on the global zone's stack, repeatable
    #[arg(short = 'i', long, visible_alias = "shared", value_name = "ADDRESS",
        conflicts_with_all = ["exclusive_ip", "ipv6"])]
    pub shared_ip: Vec<AskedAddress>,
    /// IPv6 addresses that the zone gives itself
    #[arg(short = '6', long)]
    pub ipv6: bool,
    /// A network that the zone routes by its administrator's doing, repeatable
    #[arg(short = 'R', long, visible_alias = "route", value_name = "NET/LEN", value_parser = address::network,
        requires = "exclusive_ip")]
    pub router_for: Vec<IpNet>,
    /// The domain of the names of zones on those networks
    #[arg(long, value_name = "DOMAIN", requires = "router_for")]
    pub domain: Option<Domain>,
    /// Where zones on those networks have IPv6 addresses from: slaac, they may give themselves some in a /64, or static,
    /// they have those alone that they are given [default: slaac]
    #[arg(long, value_name = "SOURCE", requires = "router_for")]
    pub ipv6_addresses: Option<Ipv6Addresses>,
    /// Limits for each vnic: maxbw=NUMBER[K|M|G], priority=low|medium|high, or both with a comma
    #[arg(short = 'F', long, value_name = "LIMITS", requires = "exclusive_ip")]
    pub flow: Option<FlowLimits>,
    /// The link for addresses that are on no known network
    #[arg(long, value_name = "LINK")]
    pub link: Option<LinkName>,
    /// The VLAN of that link, where no link of this host is that VLAN
    #[arg(long, value_name = "VID", requires = "link", conflicts_with = "shared_ip")]
    pub vlan: Option<VlanId>,
    /// A port that the router lets in to the zone, tcp/443 or udp/53, repeatable
    #[arg(long, value_name = "PORT")]
    pub open: Vec<Opening>,
    /// Leave the zone's configuration alone, and print what zonecfg(8) has to be told
    #[arg(long)]
    pub print: bool,
    /// Print what would be done, and do nothing
    #[arg(short = 'n', visible_short_alias = 'N', long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where records and journals are.
    #[command(flatten)]
    pub state: StateFlags,
}

/// Does what the flags say.
///
/// # Errors
/// None: what is in the way, or what is left, is told here, a line each.
pub fn run(cli: &Cli) -> Result<Answer, Infallible> {
    Ok(attach(cli).unwrap_or_else(|error| program::refuse(PROGRAM, &error.problems(), cli.json)))
}

fn attach(cli: &Cli) -> Result<Answer, ZoneError> {
    host::usual_umask();
    host::watch_signals().map_err(|source| ZoneError::System { path: "signals".into(), source })?;
    let attach =
        Attach { wanted: cli.wanted(), configuring: if cli.print { Configuring::Left } else { Configuring::Done } };
    let state = cli.state.dir();
    let wiring = if cli.dry_run {
        attach.plan(&state)?
    } else {
        attach.run(&state, &program::tell, &|found| tell_recovered(PROGRAM)(found))?
    };
    Ok(cli.answer(&wiring))
}

impl Cli {
    fn wanted(&self) -> Wanted {
        Wanted {
            shared: self.shared_ip.clone(),
            exclusive: self.exclusive_ip.clone(),
            routes: self.router_for.clone(),
            proxy: true,
            ipv6: self.ipv6,
            flow: self.flow.clone(),
            link: self.link.clone(),
            vlan: self.vlan,
            domain: self.domain.clone(),
            ipv6_addresses: self.ipv6_addresses,
            openings: self.open.clone(),
            ..Wanted::new(self.zone.clone())
        }
    }

    fn answer(&self, wiring: &Wiring) -> Answer {
        if self.json {
            #[derive(Serialize)]
            struct Data<'d> {
                version: u32,
                #[serde(flatten)]
                wiring: &'d Wiring,
            }
            return program::answer_json(PROGRAM, &Data { version: 1, wiring });
        }
        wiring.notes.iter().for_each(|note| program::tell(&format!("note: {note}")));
        let text = if self.dry_run { wiring.text() } else { wiring.zonecfg_text() };
        program::answer(PROGRAM, &text, Answer::Yes)
    }
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
