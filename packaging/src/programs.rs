//! Every program that is installed: the one place that lists them.
//!
//! A new program is one line in [`PROGRAMS`], and its crate one in `Cargo.toml`.

use clap::Command;

/// The section of the manual that all programs are in: they are for administrators.
pub const SECTION: &str = "8";

/// How a program is reached once it is installed in `lib/zonekit/bin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// By people: a link in `sbin`, of this name.
    Command(&'static str),
    /// By zoneadm(8): a link in the folder of each brand, of the program's own name.
    Hook,
}

/// A program.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The file that cargo builds.
    pub file: &'static str,
    /// How it is reached.
    pub reached: Reached,
    /// What its manual page is called. Hooks have everyday names, which say nothing in a manual.
    pub page: &'static str,
    table: fn() -> Command,
}

/// All of them.
pub const PROGRAMS: &[Program] = &[
    hook("pkgcreatezone", "pkgcreatezone", pkgcreatezone::command),
    hook("attach", "zonekit-attach", attach::command),
    hook("clone", "zonekit-clone", clone::command),
    hook("detach", "zonekit-detach", detach::command),
    hook("poststate", "zonekit-poststate", poststate::command),
    hook("prestate", "zonekit-prestate", prestate::command),
    hook("query", "zonekit-query", query::command),
    hook("uninstall", "zonekit-uninstall", uninstall::command),
    hook("verify-adm", "zonekit-verify-adm", verify_adm::command),
    hook("verify-cfg", "zonekit-verify-cfg", verify_cfg::command),
    command("zonekit-recover", zonekit_recover::command),
    command("zonekit", zonekit::command),
    command("create-zone", create_zone::command),
    command("destroy-zone", destroy_zone::command),
    command("list-zones", list_zones::command),
    command("describe-zone", describe_zone::command),
    command("create-zone-template", create_zone_template::command),
    command("destroy-zone-template", destroy_zone_template::command),
    command("list-zone-templates", list_zone_templates::command),
    command("zone-ssh", zone_ssh::command),
    command("cloud-init-seed", cloud_init_seed::command),
    command("zonelib-sync", zonelib_sync::command),
    command("zone-update", zone_update::command),
    command("contents-query", contents_query::command),
    command("verify-zone", verify_zone::command),
    command("be-uuid", be_uuid::command),
    command("pipcheck", pipcheck::command),
    command("global-router", global_router::command),
    command("ingress", ingress::command),
    command("net-attach", net_attach::command),
    command("net-detach", net_detach::command),
    command("net-list", net_list::command),
    command("net-peer", net_peer::command),
    renamed("golden", "zonekit-golden", golden::command),
    renamed("recipe", "zonekit-recipe", recipe::command),
    renamed("store", "zonekit-store", store::command),
];

const fn hook(file: &'static str, page: &'static str, table: fn() -> Command) -> Program {
    Program { file, reached: Reached::Hook, page, table }
}

const fn command(file: &'static str, table: fn() -> Command) -> Program {
    renamed(file, file, table)
}

/// A command whose file has too everyday a name for `sbin`.
const fn renamed(file: &'static str, name: &'static str, table: fn() -> Command) -> Program {
    Program { file, reached: Reached::Command(name), page: name, table }
}

impl Program {
    /// What it is run as.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.reached {
            Reached::Command(name) => name,
            Reached::Hook => self.file,
        }
    }

    /// The flag table that it parses with, complete, under the name that it is run as.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = (self.table)().name(self.name()).bin_name(self.name()).display_name(self.name());
        command.build();
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `zonekit NAME` reaches each that people call.
    #[test]
    fn zonekit_runs_every_command() {
        let called = |program: &&Program| program.reached != Reached::Hook && program.file != "zonekit";
        let mut files: Vec<&str> = PROGRAMS.iter().filter(called).map(|program| program.file).collect();
        let mut known: Vec<&str> = zonekit::PROGRAMS.iter().map(|(_, file, _)| *file).collect();
        files.sort_unstable();
        known.sort_unstable();
        assert_eq!(files, known);
    }
}
