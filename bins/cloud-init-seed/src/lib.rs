//! The flags of `cloud-init-seed`, and what it says.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, ValueHint};
use zonelib::brand::tell_recovered;
use zonelib::config::ZoneName;
use zonelib::host;
use zonelib::net::Domain;
use zonelib::program::{self, Answer, StateFlags};
use zonelib::zone::{Output, SeedPlan, SeedRequest, ZoneError};

/// What it is called in messages.
pub const PROGRAM: &str = "cloud-init-seed";

/// Writes a NoCloud seed of cloud-init for the guest of a zone
///
/// It tells the guest its name, its addresses, routes and name servers on the networks that the zone is attached to, or
/// that its configuration has by allowed-address, and who may log in. As an image (label CIDATA) a virtual machine sees
/// it as a CD: zonecfg commands for that are printed. What is there already is replaced only if it was written by this
/// program for the zone, and has not been changed since.
#[derive(Debug, Parser)]
#[command(name = "cloud-init-seed", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done; 2 it could not be done, and nothing was written.

Examples:
  cloud-init-seed -z vm --iso /zones/vm/root/seed.iso --ssh-key /root/.ssh/id_ed25519.pub
  cloud-init-seed -z vm --directory /srv/seeds/vm --user-data vm.yaml -n")]
pub struct Cli {
    /// The zone
    #[arg(short, long, value_name = "ZONE")]
    pub zone: ZoneName,
    /// Where to.
    #[command(flatten)]
    pub place: Place,
    /// Tell the guest this instead of its name, keys and password
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["ssh_key", "password_file"])]
    pub user_data: Option<PathBuf>,
    /// Let who has the key of one of these public keys log in, as root too (repeatable)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ssh_key: Vec<PathBuf>,
    /// The crypted password of the usual account of the guest
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub password_file: Option<PathBuf>,
    /// A name server, repeatable [default: the routers of the zone, else those of this host]
    #[arg(long, value_name = "ADDRESS")]
    pub name_server: Vec<IpAddr>,
    /// The domain of the guest's names [default: that of its segment]
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<Domain>,
    /// What the instance is called; a guest that is told another one sets itself up anew [default: the zone's UUID]
    #[arg(long, value_name = "ID")]
    pub instance_id: Option<String>,
    /// Replace what is there, whoever has written it
    #[arg(short, long)]
    pub force: bool,
    /// Print every file and command, and write nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where records and journals are.
    #[command(flatten)]
    pub state: StateFlags,
}

/// Where a seed goes, and in what form.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Place {
    /// Write its files into this directory
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// Write an image of it; needs mkisofs
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub iso: Option<PathBuf>,
}

/// Does what the flags say.
///
/// # Errors
/// [`ZoneError`]: nothing was written.
pub fn run(cli: &Cli) -> Result<Answer, ZoneError> {
    host::usual_umask();
    host::watch_signals().map_err(|source| ZoneError::System { path: "signals".into(), source })?;
    let request = cli.request()?;
    let state = cli.state.dir();
    let plan = if cli.dry_run {
        request.plan(&state)?
    } else {
        request.write(&state, &|found| tell_recovered(PROGRAM)(found))?
    };
    Ok(cli.answer(&plan))
}

impl Cli {
    fn request(&self) -> Result<SeedRequest, ZoneError> {
        let output = match (&self.place.directory, &self.place.iso) {
            (Some(directory), _) => Output::Directory(directory.clone()),
            (None, Some(image)) => Output::Image(image.clone()),
            (None, None) => return Err(ZoneError::Refused("give --directory or --iso".to_owned())),
        };
        Ok(SeedRequest {
            zone: self.zone.clone(),
            output,
            user_data: self.user_data.clone(),
            keys: self.ssh_key.clone(),
            password: self.password_file.clone(),
            servers: self.name_server.clone(),
            domain: self.domain.clone(),
            instance: self.instance_id.clone(),
            force: self.force,
        })
    }

    fn answer(&self, plan: &SeedPlan) -> Answer {
        if self.json {
            return program::answer_json(PROGRAM, plan);
        }
        program::answer(PROGRAM, &if self.dry_run { plan.text() } else { plan.done() }, Answer::Yes)
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
