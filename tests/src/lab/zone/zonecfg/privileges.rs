//! `limitpriv` (section 8, global properties).

use std::collections::BTreeSet;

use super::super::brand::Brand;
use super::super::config::Config;

/// What every process has.
const BASIC: [&str; 9] = [
    "file_link_any",
    "file_read",
    "file_write",
    "net_access",
    "proc_exec",
    "proc_fork",
    "proc_info",
    "proc_session",
    "proc_secflags",
];

/// The other privileges of illumos, privileges(7).
const MORE: &[&str] = &[
    "contract_event",
    "contract_identity",
    "contract_observer",
    "cpc_cpu",
    "dtrace_kernel",
    "dtrace_proc",
    "dtrace_user",
    "file_chown",
    "file_chown_self",
    "file_dac_execute",
    "file_dac_read",
    "file_dac_search",
    "file_dac_write",
    "file_downgrade_sl",
    "file_flag_set",
    "file_owner",
    "file_setid",
    "file_upgrade_sl",
    "graphics_access",
    "graphics_map",
    "hyprlofs_control",
    "ipc_dac_read",
    "ipc_dac_write",
    "ipc_owner",
    "net_bindmlp",
    "net_icmpaccess",
    "net_mac_aware",
    "net_mac_implicit",
    "net_observability",
    "net_privaddr",
    "net_rawaccess",
    "proc_audit",
    "proc_chroot",
    "proc_clock_highres",
    "proc_lock_memory",
    "proc_owner",
    "proc_prioup",
    "proc_priocntl",
    "proc_setid",
    "proc_taskid",
    "proc_zone",
    "sys_acct",
    "sys_admin",
    "sys_audit",
    "sys_config",
    "sys_devices",
    "sys_dl_config",
    "sys_flow_config",
    "sys_iptun_config",
    "sys_ip_config",
    "sys_ipc_config",
    "sys_linkdir",
    "sys_mount",
    "sys_net_config",
    "sys_nfs",
    "sys_ppp_config",
    "sys_res_bind",
    "sys_res_config",
    "sys_resource",
    "sys_smb",
    "sys_suser_compat",
    "sys_time",
    "sys_trans_label",
    "virt_manage",
    "win_colormap",
    "win_config",
    "win_dac_read",
    "win_dac_write",
    "win_devices",
    "win_dga",
    "win_downgrade_sl",
    "win_fontpath",
    "win_mac_read",
    "win_mac_write",
    "win_selection",
    "win_upgrade_sl",
    "xvm_control",
];

/// Whether the zone's privileges are known, allowed and sufficient; otherwise the one that is not.
pub(in crate::lab::zone) fn check(config: &Config, brand: &Brand) -> Result<(), String> {
    let text = config.zone.get("limitpriv").filter(|text| !text.is_empty()).unwrap_or("default");
    let kind = if config.exclusive() { "exclusive" } else { "shared" };
    let named = |set: &str| -> BTreeSet<&str> {
        let fits =
            |kept: &&super::super::brand::Privilege| kept.set == set && (kept.ip_type == "all" || kept.ip_type == kind);
        brand.privileges.iter().filter(fits).map(|privilege| privilege.name.as_str()).collect()
    };
    let mut held = BTreeSet::new();
    for (index, word) in text.split(',').enumerate() {
        if index == 0 && word == "default" {
            held.extend(named("default"));
            held.extend(BASIC);
            continue;
        }
        let name = word.strip_prefix(['!', '-']).unwrap_or(word);
        if !BASIC.contains(&name) && !MORE.contains(&name) {
            return Err(name.to_owned());
        }
        if name == word {
            held.insert(name);
        } else {
            held.remove(name);
        }
    }
    let prohibited = named("prohibited");
    if let Some(name) = held.intersection(&prohibited).next() {
        return Err((*name).to_owned());
    }
    let required = named("required");
    required.difference(&held).next().map_or(Ok(()), |name| Err((*name).to_owned()))
}
