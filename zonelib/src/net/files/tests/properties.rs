//! No name, however odd, makes a line of its own or ends one early.

use proptest::prelude::*;

use super::*;
use crate::config::ZoneName;
use crate::net::{Domain, IngressName, LinkName, MacAddress};

/// Any text, and text that is nearly a name.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,80}",
        "[a-zA-Z0-9._ \n\r\t\"'#;:{}%$/\\\\-]{0,70}",
        "[a-z][a-zA-Z0-9._-]{0,62}",
        "[a-z]{1,8}[0-9]{1,3}\n?"
    ]
}

fn safe(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':' | b'/'))
}

fn changed(zone: &ZoneName, domain: &Domain, link: &LinkName, mac: MacAddress, name: &IngressName) -> Sample {
    let mut sample = rich();
    for segment in &mut sample.segments {
        segment.domain = Some(domain.clone());
        segment.inside = Some(link.clone());
        segment.outside.as_mut().unwrap().interface = link.clone();
    }
    for attachment in sample.attachments.iter_mut().filter(|attachment| attachment.zone.as_str() == "web") {
        (attachment.zone, attachment.link, attachment.mac) = (zone.clone(), link.clone(), Some(mac));
    }
    for ingress in sample.ingresses.iter_mut().filter(|ingress| ingress.zone.as_str() == "web") {
        ingress.zone = zone.clone();
        ingress.name = name.clone();
        ingress.host = Some(domain.clone());
    }
    sample
}

/// The lines of all files, with how many words each has.
fn shape(files: &BTreeMap<String, String>) -> Vec<Vec<usize>> {
    let mut shapes: Vec<Vec<usize>> =
        files.values().map(|text| text.lines().map(|line| line.split_whitespace().count()).collect()).collect();
    shapes.sort_unstable();
    shapes
}

proptest! {
    #[test]
    fn names_that_are_taken_have_nothing_in_them_that_files_know(text in text()) {
        for taken in [
            text.parse::<ZoneName>().map(|name| name.to_string()).ok(),
            text.parse::<Domain>().map(|name| name.to_string()).ok(),
            text.parse::<LinkName>().map(|name| name.to_string()).ok(),
            text.parse::<IngressName>().map(|name| name.to_string()).ok(),
            text.parse::<Timezone>().map(|name| name.as_str().replace('+', "")).ok(),
            text.parse::<ZoneName>().map(|name| crate::net::HostName::of(&name).to_string()).ok(),
        ].into_iter().flatten() {
            prop_assert!(!taken.is_empty() && safe(&taken), "{taken:?}");
        }
        for taken in [
            text.parse::<SshKey>().map(|key| key.as_str().to_owned()).ok(),
            text.parse::<CryptedPassword>().map(|password| password.as_str().to_owned()).ok(),
        ].into_iter().flatten() {
            prop_assert!(!taken.chars().any(char::is_control), "{taken:?}");
        }
    }

    #[test]
    fn files_keep_their_shape_whatever_the_names(
        zone in "[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}",
        domain in "[a-z0-9]{1,20}(\\.[a-z0-9]{1,20}){0,3}\\.[a-z]{1,20}",
        link in "[a-z_][a-z_.]{0,20}[1-9][0-9]{0,2}",
        mac in any::<[u8; 3]>(),
        name in "[a-zA-Z0-9][a-zA-Z0-9_.-]{0,40}",
    ) {
        let Ok(zone) = zone.parse::<ZoneName>() else { return Ok(()) };
        // These have names of their own in the sample, or one name less.
        prop_assume!(!["rt1", "mail", "www"].contains(&zone.as_str()) && !zone.as_str().ends_with(&domain));
        prop_assume!(name != "blog");
        let (domain, link, name) = (domain.parse().unwrap(), link.parse().unwrap(), name.parse().unwrap());
        let sample = changed(&zone, &domain, &link, MacAddress::for_vnic(mac), &name);
        let usual = changed(&"web".parse().unwrap(), &"zones.example".parse().unwrap(), &"znic1".parse().unwrap(),
            MacAddress::for_vnic([0, 0, 5]), &"shop".parse().unwrap());
        prop_assert_eq!(shape(&router_files(&sample)), shape(&router_files(&usual)));
        let (own, other) = (zone_files(&sample, zone.as_str()), zone_files(&usual, "web"));
        for file in ["network-config", "meta-data", "user-data", "sysidcfg", "resolv.conf", "ndpd.conf"] {
            let [one, other] = [&own, &other].map(|files| files[file].lines().count());
            // A link whose name is too long for Linux is not renamed.
            let less = usize::from(file == "network-config" && link.as_str().len() > 15);
            prop_assert_eq!(one + less, other, "{}", &own[file]);
        }
    }
}
