//! Services: a profile that has them enabled from the first boot on, and the manifest of the ingress. Source:
//! service_bundle(5), `service_bundle.dtd.1`.

use std::fmt::Write;

/// The profile of a zone, below its root. Profiles in this folder are applied after those of the system.
pub const PROFILE: &str = "etc/svc/profile/site/zonekit.xml";
/// The manifest of the ingress.
pub const INGRESS_MANIFEST: &str = "lib/svc/manifest/site/zonekit-ingress.xml";
/// The service of the ingress.
pub const INGRESS: &str = "svc:/site/zonekit-ingress:default";

/// A service that a zone of a network needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// IPv4 packets are forwarded.
    Forwarding4,
    /// IPv6 packets are forwarded. It fails where no interface has IPv6.
    Forwarding6,
    /// Sets up routes. It is told that whether routes are learned from others has been decided: else it would have them
    /// learned wherever there is no default route. Source: routeadm(8), `net-routing-setup`.
    RoutingSetup,
    /// Routes are learned from others, by in.routed(8).
    Routed,
    /// IPv6 neighbours and routers are found.
    Neighbours,
    /// IPFilter. Without a policy it reads no filter rules.
    Filter,
    /// DHCP and names.
    Dnsmasq,
    /// Names are looked up.
    DnsClient,
    /// Ways in.
    Ingress,
}

impl Service {
    /// Its name, and that of its instance.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Forwarding4 => "network/ipv4-forwarding",
            Self::Forwarding6 => "network/ipv6-forwarding",
            Self::RoutingSetup => "network/routing-setup",
            Self::Routed => "network/routing/route",
            Self::Neighbours => "network/routing/ndp",
            Self::Filter => "network/ipfilter",
            Self::Dnsmasq => "network/dnsmasq",
            Self::DnsClient => "network/dns/client",
            Self::Ingress => "site/zonekit-ingress",
        }
    }

    /// Its FMRI.
    #[must_use]
    pub fn fmri(self) -> String {
        format!("svc:/{}:default", self.name())
    }
}

/// A profile that enables or disables services.
#[must_use]
pub fn profile(services: &[(Service, bool)]) -> String {
    let mut xml = String::from(
        "<?xml version=\"1.0\"?>\n\
         <!DOCTYPE service_bundle SYSTEM \"/usr/share/lib/xml/dtd/service_bundle.dtd.1\">\n\
         <!-- Written by zonekit, which replaces this file: changes are lost. -->\n\
         <service_bundle type=\"profile\" name=\"zonekit\">\n",
    );
    for (service, enabled) in services {
        let name = service.name();
        // Writing to a string does not fail.
        let _ = writeln!(xml, "  <service name=\"{name}\" type=\"service\" version=\"1\">");
        let properties = match service {
            Service::Filter => FILTER_POLICY,
            Service::RoutingSetup => ROUTING_DECIDED,
            _ => "",
        };
        if properties.is_empty() {
            let _ = writeln!(xml, "    <instance name=\"default\" enabled=\"{enabled}\"/>");
        } else {
            let _ = writeln!(xml, "    <instance name=\"default\" enabled=\"{enabled}\">");
            xml.push_str(properties);
            xml.push_str("    </instance>\n");
        }
        xml.push_str("  </service>\n");
    }
    xml.push_str("</service_bundle>\n");
    xml
}

/// By default the service ignores the files of rules.
const FILTER_POLICY: &str = "      \
<property_group name=\"firewall_config_default\" type=\"com.sun,fw_configuration\">
        <propval name=\"policy\" type=\"astring\" value=\"custom\"/>
        <propval name=\"custom_policy_file\" type=\"astring\" value=\"/etc/ipf/ipf.conf\"/>
        <propval name=\"custom_policy_file_6\" type=\"astring\" value=\"/etc/ipf/ipf6.conf\"/>
      </property_group>
";

/// As `routeadm -d ipv4-routing` leaves it.
const ROUTING_DECIDED: &str = "      \
<property_group name=\"routeadm\" type=\"framework\">
        <propval name=\"ipv4-routing-set\" type=\"boolean\" value=\"true\"/>
      </property_group>
";

/// Where haproxy(1) may be in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaproxyPlace {
    /// Where Tribblix has it.
    Tribblix,
    /// Where others have it.
    Usual,
}

impl HaproxyPlace {
    /// All places, in the order in which they are looked at.
    pub const ALL: [Self; 2] = [Self::Tribblix, Self::Usual];

    /// Its absolute path in the zone.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Tribblix => "/opt/tribblix/haproxy/sbin/haproxy",
            Self::Usual => "/usr/sbin/haproxy",
        }
    }
}

/// The manifest of the ingress. The master process stays in the service's contract when the configuration is read again:
/// it starts new workers, and the old ones end with their connections.
#[must_use]
pub fn ingress_manifest(haproxy: HaproxyPlace) -> String {
    let (path, folder, config, pid) =
        (haproxy.path(), super::haproxy::FOLDER, super::haproxy::CONFIG, super::haproxy::PID);
    format!(
        r#"<?xml version="1.0"?>
<!DOCTYPE service_bundle SYSTEM "/usr/share/lib/xml/dtd/service_bundle.dtd.1">
<!-- Written by zonekit, which replaces this file: changes are lost. -->
<service_bundle type="manifest" name="zonekit:ingress">
  <service name="{name}" type="service" version="1">
    <create_default_instance enabled="false"/>
    <single_instance/>
    <dependency name="network" grouping="require_all" restart_on="error" type="service">
      <service_fmri value="svc:/milestone/network:default"/>
    </dependency>
    <dependency name="filesystem" grouping="require_all" restart_on="none" type="service">
      <service_fmri value="svc:/system/filesystem/local:default"/>
    </dependency>
    <exec_method type="method" name="start" exec="{path} -W -D -f /{folder}/{config} -p {pid}" timeout_seconds="60"/>
    <exec_method type="method" name="stop" exec=":kill" timeout_seconds="60"/>
    <exec_method type="method" name="refresh" exec="/usr/bin/kill -USR2 `/usr/bin/cat {pid}`" timeout_seconds="60"/>
    <stability value="Unstable"/>
    <template>
      <common_name>
        <loctext xml:lang="C">ingress to the zones behind this router</loctext>
      </common_name>
    </template>
  </service>
</service_bundle>
"#,
        name = Service::Ingress.name(),
    )
}
