//! The flags.

use std::num::NonZeroU16;
use std::str::FromStr;

use clap::{ArgGroup, Parser, Subcommand};
use zonelib::config::ZoneName;
use zonelib::net::{Domain, IngressName, Router};
use zonelib::program::StateFlags;

/// Lets connections from outside in to zones behind a router
///
/// The router listens at a port of its outside address and passes connections on to a zone: by the host that an
/// HTTP request asks for, by the server name that TLS asks for, or all of them. What is encrypted stays so. A change
/// is checked by the router's own haproxy before it takes the place of what runs, and no connection is lost.
#[derive(Debug, Parser)]
#[command(name = "ingress", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 done; 2 not done, and everything is as before.

Examples:
  ingress add shop 80 web:8080 --http shop.example.com
  ingress add shop 443 web:8443 --tls-sni shop.example.com
  ingress add mail 25 mail:25 --tcp
  ingress list
  ingress remove shop 80")]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Let connections in
    Add(Add),
    /// Print what is let in
    List {
        /// Print it for programs: router, name, kind, host, port and target, with tabs between
        #[arg(short = 'p', long, conflicts_with = "json")]
        parsable: bool,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
        /// Print what this router lets in
        #[arg(long, value_name = "ROUTER")]
        router: Option<RouterName>,
        /// Where the records are.
        #[command(flatten)]
        state: StateFlags,
    },
    /// Let connections in no longer
    Remove {
        /// What it is called
        #[arg(value_name = "NAME")]
        name: IngressName,
        /// The router's port, where several ingresses have this name
        #[arg(value_name = "PORT", value_parser = port)]
        port: Option<NonZeroU16>,
        /// The router, where several have it: a zone, or global
        #[arg(long, value_name = "ROUTER")]
        router: Option<RouterName>,
        /// Print what would be done, and do nothing
        #[arg(short = 'n', visible_short_alias = 'N', long)]
        dry_run: bool,
        /// Where the records are.
        #[command(flatten)]
        state: StateFlags,
    },
}

/// A way in.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("kind").required(true))]
pub struct Add {
    /// What it is called
    #[arg(value_name = "NAME")]
    pub name: IngressName,
    /// The router's port
    #[arg(value_name = "PORT", value_parser = port)]
    pub port: NonZeroU16,
    /// The zone and its port
    #[arg(value_name = "ZONE:PORT")]
    pub target: Target,
    /// HTTP requests for this host; several hosts may share a port
    #[arg(long, value_name = "HOST", group = "kind")]
    pub http: Option<Domain>,
    /// All connections to the port
    #[arg(long, group = "kind")]
    pub tcp: bool,
    /// TLS connections for this server name, which are passed on encrypted; several names may share a port
    #[arg(long, value_name = "HOST", group = "kind")]
    pub tls_sni: Option<Domain>,
    /// The router, where the zone is behind several: a zone, or global
    #[arg(long, value_name = "ROUTER")]
    pub router: Option<RouterName>,
    /// Print what would be done, and do nothing
    #[arg(short = 'n', visible_short_alias = 'N', long)]
    pub dry_run: bool,
    /// Where the records are.
    #[command(flatten)]
    pub state: StateFlags,
}

fn port(text: &str) -> Result<NonZeroU16, String> {
    text.parse().map_err(|_| format!("`{text}` is no port from 1 to 65535"))
}

/// A zone and a port of it.
#[derive(Clone, Debug)]
pub struct Target {
    /// The zone.
    pub zone: ZoneName,
    /// The port.
    pub port: NonZeroU16,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (zone, port) = text.rsplit_once(':').ok_or("it has to be a zone and its port, such as web:8080")?;
        let port = self::port(port)?;
        Ok(Self { zone: zone.parse().map_err(|error| format!("{error}"))?, port })
    }
}

/// The router: a zone, or the global one.
#[derive(Clone, Debug)]
pub struct RouterName(pub Router);

impl FromStr for RouterName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "global" {
            return Ok(Self(Router::Global));
        }
        text.parse().map(|zone| Self(Router::Zone(zone))).map_err(|error| format!("{error}"))
    }
}
