//! The flags of `describe-zone`, and what it says.

use clap::{CommandFactory, Parser};
use zonelib::config::ZoneName;
use zonelib::program::{self, Answer, StateFlags};
use zonelib::zone::{Description, Interface, ZoneError, describe};

/// What it is called in messages.
pub const PROGRAM: &str = "describe-zone";

/// Describes a zone: its state, addresses, networks, router, shares, and what would go with it
#[derive(Debug, Parser)]
#[command(name = "describe-zone", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done; 2 there is no such zone, or it could not be looked at.")]
pub struct Cli {
    /// The zone
    #[arg(value_name = "ZONE", required_unless_present = "zone_flag", conflicts_with = "zone_flag")]
    pub zone: Option<ZoneName>,
    /// The zone, in another way
    #[arg(short = 'z', long = "zone", value_name = "ZONE")]
    pub zone_flag: Option<ZoneName>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where records are.
    #[command(flatten)]
    pub state: StateFlags,
}

#[derive(serde::Serialize)]
struct Report<'r> {
    version: u32,
    #[serde(flatten)]
    zone: &'r Description,
}

/// Does what the flags say.
///
/// # Errors
/// [`ZoneError`].
pub fn run(cli: &Cli) -> Result<Answer, ZoneError> {
    let Some(zone) = cli.zone.as_ref().or(cli.zone_flag.as_ref()) else {
        return Err(ZoneError::Refused("no zone; give its name".to_owned()));
    };
    let found = describe(zone, &cli.state.dir())?;
    if cli.json {
        return Ok(program::answer_json(PROGRAM, &Report { version: 1, zone: &found }));
    }
    Ok(program::answer(PROGRAM, &text(&found), Answer::Yes))
}

fn text(found: &Description) -> String {
    let row = &found.row;
    let kind = row.kind.map_or_else(String::new, |kind| format!(", made as {kind}"));
    let mut text = format!("zone `{}` is {}\n", row.zone, row.state);
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            text.push_str(&format!("  {name:<12} {value}\n"));
        }
    };
    line("brand", format!("{}{kind}", row.brand));
    line("zonepath", row.zonepath.display().to_string());
    line("boots", if found.autoboot { "with the host" } else { "when it is told to" }.to_owned());
    line("network", if found.exclusive_ip { "a stack of its own" } else { "the global zone's stack" }.to_owned());
    found.interfaces.iter().for_each(|interface| line("address", of_interface(interface)));
    line("router for", found.router_for.join(", "));
    line("behind it", found.behind.join(", "));
    line("peers", found.peers.join(", "));
    found.ingresses.iter().for_each(|ingress| line("lets in", ingress.clone()));
    line("memory", found.memory.map_or_else(String::new, memory));
    line("processors", found.cpus.clone().unwrap_or_default());
    found.disks.iter().for_each(|disk| line("disk", disk.clone()));
    found.shares.iter().for_each(|share| line("shares", share.clone()));
    line("datasets", found.datasets.join(", "));
    line("users", found.users.join(", "));
    line("template", found.template.clone().unwrap_or_default());
    if let Some(operation) = &found.unfinished {
        line("unfinished", format!("`{operation}` did not end; `zonekit-recover` puts that right"));
    }
    text.push_str("  destroy-zone would:\n");
    if !found.behind.is_empty() {
        text.push_str("    refuse, for there are zones behind it\n");
    }
    found.would_refuse.iter().for_each(|why| text.push_str(&format!("    refuse: {why}\n")));
    found.would_go.iter().for_each(|line| text.push_str(&format!("    {line}\n")));
    found.would_stay.iter().for_each(|line| text.push_str(&format!("    keep {line}\n")));
    text
}

/// As zonecfg(8) has it: `1.5G`.
fn memory(bytes: u64) -> String {
    let units = [("T", 40), ("G", 30), ("M", 20), ("K", 10)];
    let Some((unit, shift)) = units.into_iter().find(|(_, shift)| bytes >> shift > 0) else {
        return bytes.to_string();
    };
    let tenths = (u128::from(bytes) * 10) >> shift;
    if tenths % 10 == 0 { format!("{}{unit}", tenths / 10) } else { format!("{}.{}{unit}", tenths / 10, tenths % 10) }
}

fn of_interface(interface: &Interface) -> String {
    let addresses =
        if interface.addresses.is_empty() { "none of its own".to_owned() } else { interface.addresses.join(", ") };
    let mut words = vec![format!("{addresses} on {}", interface.link)];
    words.extend(interface.over.as_ref().zip(interface.vlan).map(|(over, vlan)| format!("VLAN {vlan} of {over}")));
    words.extend(interface.segment.as_ref().map(|segment| format!("segment {segment}")));
    words.extend(interface.router.as_ref().map(|router| format!("router {router}")));
    words.extend(interface.mac.as_ref().map(|mac| format!("ether {mac}")));
    if !interface.flow.is_empty() {
        words.push(format!("limits {}", interface.flow.join(", ")));
    }
    words.join("; ")
}

/// The flag table, for help, manual pages and completions.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_is_as_zonecfg_has_it() {
        for (bytes, text) in [(4 << 30, "4G"), (1536 << 20, "1.5G"), (512 << 20, "512M"), (1 << 40, "1T"), (77, "77")] {
            assert_eq!(super::memory(bytes), text);
        }
    }

    #[test]
    fn the_flag_table_is_sound() {
        crate::command().debug_assert();
    }
}
