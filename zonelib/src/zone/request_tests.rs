use super::*;

fn request(kind: &str) -> Request {
    Request::new("web".parse().unwrap(), kind.parse().unwrap())
}

/// A request that is fine by itself, of each type.
fn sound(kind: &str) -> Request {
    let mut request = request(kind);
    match request.kind {
        Kind::Router => {
            request.exclusive = vec!["192.0.2.2".parse().unwrap()];
            request.router_for = vec!["10.1.1.0/24".parse().unwrap()];
        }
        Kind::Alien | Kind::Lx | Kind::S10 => request.image = Some("/images/one".into()),
        Kind::Bhyve => {
            request.image = Some("/images/one.iso".into());
            request.new_volumes = vec!["10G".parse().unwrap()];
        }
        Kind::Sparse | Kind::Whole => {}
    }
    request
}

/// Sets what a flag sets.
fn give(request: &mut Request, flag: &str, value: &str) {
    match flag {
        "-i" => request.shared.push(value.parse().unwrap()),
        "-x" => request.exclusive.push(value.parse().unwrap()),
        "-R" => request.router_for.push(value.parse().unwrap()),
        "-6" => request.ipv6 = true,
        "-F" => request.flow = Some(value.parse().unwrap()),
        "-d" => request.directories.push(value.into()),
        "-s" => request.read_only.push(value.into()),
        "-S" => request.read_write.push(value.into()),
        "-D" => request.datasets.push(value.parse().unwrap()),
        "-U" => request.users.push(value.parse().unwrap()),
        "-o" => request.overlays.push(value.parse().unwrap()),
        "-O" => request.add_overlays.push(value.parse().unwrap()),
        "-p" => request.packages.push(value.to_owned()),
        "-P" => request.add_packages.push(value.to_owned()),
        "-T" => request.template = Some(value.parse().unwrap()),
        "-I" => request.image = Some(value.into()),
        "-B" => request.blank = true,
        "-n" => request.count = Some(value.parse().unwrap()),
        "-m" => request.memory = Some(value.parse().unwrap()),
        "-c" => request.cpus = Some(value.parse().unwrap()),
        "-k" => request.ssh_key = Some(value.into()),
        "-K" => request.konfigure.push(value.parse().unwrap()),
        "-C" => request.cloud_init = true,
        "-L" => request.kernel = Some(value.parse().unwrap()),
        "-V" => request.new_volumes.push(value.parse().unwrap()),
        "-v" => request.volume = Some(value.parse().unwrap()),
        "-f" => request.firmware = Some(value.parse().unwrap()),
        "--link" => request.link = Some(value.parse().unwrap()),
        _ => panic!("{flag}"),
    }
}

/// What a type makes of flags on top of a sound request; empty: fine.
fn verdict(kind: &str, flags: &[(&str, &str)]) -> String {
    let mut request = sound(kind);
    flags.iter().for_each(|(flag, value)| give(&mut request, flag, value));
    expanded(&request).err().unwrap_or_default()
}

/// The zones of a request, or what is wrong with it.
fn expanded(request: &Request) -> Result<Vec<One>, String> {
    let mut problems = Problems::default();
    let zones = request.zones(&mut problems);
    problems.end(zones).map_err(|error| error.to_string())
}

const ADDRESS: (&str, &str) = ("-x", "10.1.1.5");
const SHARED: (&str, &str) = ("-i", "10.1.1.5");
const NET: (&str, &str) = ("-R", "10.9.0.0/16");

/// Which flags each type takes; `x` for refused. In the order of `KINDS`.
#[test]
fn each_type_takes_its_flags() {
    let kinds = ["sparse", "whole", "router", "alien", "lx", "s10", "bhyve"];
    let table: [(&[(&str, &str)], &str); 26] = [
        (&[SHARED], "..x.x.x"),
        (&[ADDRESS], "......."),
        (&[ADDRESS, NET], "...xxxx"),
        (&[NET], "xx.xxxx"),
        (&[("-6", "")], "......."),
        (&[ADDRESS, ("-F", "maxbw=10M")], "......."),
        (&[("-d", "/data")], "......x"),
        (&[("-s", "/export/home")], "......."),
        (&[("-S", "/export/home")], "......."),
        (&[("-D", "tank/web")], "......x"),
        (&[("-U", "joe")], "......x"),
        (&[("-o", "base")], "x.xxxxx"),
        (&[("-O", "base")], "x.xxxxx"),
        (&[("-P", "TRIBssh")], "x.xxxxx"),
        (&[("-o", "base"), ("-p", "TRIBssh")], "x.xxxxx"),
        (&[("-T", "one")], ".xxxxxx"),
        (&[("-I", "/images/two.iso")], "xxx...."),
        (&[("-B", "")], "..x.x.x"),
        (&[("-n", "3")], "..x...x"),
        (&[("-m", "1G"), ("-c", "2")], "......."),
        (&[("-k", "/root/key.pub")], "....xx."),
        (&[("-K", "timezone=UTC")], "......x"),
        (&[("-C", "")], "xxxxxx."),
        (&[("-L", "4.4.15")], "xxxx.xx"),
        (&[("-V", "20G")], "xxxxxx."),
        (&[("-f", "BHYVE_CSM")], "xxxxxx."),
    ];
    for (flags, expected) in table {
        for (kind, mark) in kinds.iter().zip(expected.chars()) {
            let said = verdict(kind, flags);
            assert_eq!(said.is_empty(), mark == '.', "-t {kind} {flags:?}: {said:?}");
        }
    }
}

/// A type, flags with their values, and words of the reason.
type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], &'c str);

#[test]
fn what_makes_no_sense_is_refused_with_its_reason() {
    let cases: &[Case] = &[
        ("sparse", &[SHARED, ("-x", "10.1.1.6")], "-i and -x exclude each other"),
        ("sparse", &[("-F", "maxbw=1000M")], "a flow needs a vnic"),
        ("sparse", &[SHARED, ("-F", "maxbw=1000M")], "a flow needs a vnic"),
        ("sparse", &[ADDRESS, ("-x", "10.1.1.5")], "`10.1.1.5` is given twice"),
        ("sparse", &[ADDRESS, NET, NET], "`10.9.0.0/16` is given twice"),
        ("sparse", &[ADDRESS, NET, ("-n", "2")], "routers are made one by one"),
        ("sparse", &[("--link", "e1000g0")], "give -x ADDRESS or -i ADDRESS, or leave out --link"),
        ("sparse", &[SHARED, ("-6", "")], "give -x instead of -i, or leave out -6"),
        ("sparse", &[SHARED, NET], "a router needs a network stack of its own"),
        ("whole", &[("-p", "TRIBssh")], "-p adds to the overlays that are kept; give -o"),
        ("whole", &[("-P", "-R")], "`-R` is no package"),
        ("whole", &[("-P", "a b")], "`a b` is no package"),
        ("alien", &[("-I", "image.tar")], "has to be an absolute path"),
        ("sparse", &[("-d", "data")], "is not an absolute path"),
        ("sparse", &[("-d", "/a/../b")], "is not an absolute path without `..`"),
        ("sparse", &[("-d", "/a//b")], "has a `/` or a `.` too many"),
        ("sparse", &[("-s", "/data/")], "has a `/` or a `.` too many"),
        ("sparse", &[("-s", "/")], "the root of the zone"),
        ("sparse", &[("-S", "/etc")], "the system of the zone is there"),
        ("sparse", &[("-s", "/usr/local")], "what it shares read-only"),
        ("whole", &[("-s", "/proc/self")], "the system of the zone is there"),
        ("sparse", &[("-s", "/a\"b")], "no way to say its quotes"),
        ("sparse", &[("-s", "/a\nb")], "no way to say its quotes, commas or control characters"),
        ("sparse", &[("-s", "/data"), ("-S", "/data")], "`/data` is given twice by -d, -s and -S"),
        ("sparse", &[("-D", "tank/a"), ("-D", "tank/a")], "`tank/a` is given twice by -D"),
        ("sparse", &[("-D", "tank")], "`tank` is a whole pool"),
        ("sparse", &[("-U", "joe"), ("-U", "joe")], "`joe` is given twice by -U"),
        ("sparse", &[("-c", "cpus=2,cores=2")], "only virtual machines have sockets"),
        ("bhyve", &[("-c", "1.5")], "has whole processors"),
        ("bhyve", &[("-c", "33")], "at most 32 processors"),
        ("bhyve", &[("-v", "tank/disk")], "either an image or a volume"),
        ("sparse", &[("-n", "3"), ("-x", "223.255.255.254")], "there are not 3 addresses from 223.255.255.254 on"),
        ("sparse", &[("-n", "3"), ("-x", "10.1.1.2"), ("-x", "10.1.1.4")], "count up into one another"),
    ];
    for (kind, flags, words) in cases {
        let said = verdict(kind, flags);
        assert!(said.contains(words), "-t {kind} {flags:?}: `{words}` expected: {said:?}");
        assert!(!said.contains('\n') || words.contains("control"), "{said:?}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let said = verdict("sparse", &[("-B", ""), ("-L", "4.4"), ("-F", "maxbw=1000M"), ("-o", "base")]);
    for words in ["-L is the kernel version", "a flow needs a vnic", "only whole zones have a choice of packages"] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn what_could_not_be_read_is_not_missing() {
    let unread = |kind: &str, flag: &'static str, flags: &[(&str, &str)]| {
        let mut request = request(kind);
        flags.iter().for_each(|(flag, value)| give(&mut request, flag, value));
        request.unread.push(Unread { flag, problem: "is none".to_owned() });
        expanded(&request).err().unwrap_or_default()
    };
    assert_eq!(unread("router", "-x", &[NET]), "");
    assert_eq!(unread("router", "-R", &[ADDRESS]), "");
    assert_eq!(unread("sparse", "-x", &[("-F", "maxbw=10M")]), "");
    assert_eq!(unread("sparse", "-x", &[("--link", "e1000g0")]), "");
    assert_eq!(unread("sparse", "-i", &[("--link", "e1000g0")]), "");
    assert_eq!(unread("whole", "-o", &[("-p", "TRIBssh")]), "");
    assert_eq!(unread("bhyve", "-v", &[]), "");
    assert_eq!(unread("bhyve", "-V", &[("-I", "/images/one.iso")]), "");
    assert_eq!(unread("sparse", "-n", &[("-D", "tank")]), "");
    // Of a type that could not be read nothing is known that it takes.
    assert_eq!(unread("sparse", "-t", &[("-C", ""), ("-o", "base"), ("-I", "/images/one.iso")]), "");
    assert!(unread("sparse", "-t", &[("-d", "data")]).contains("is not an absolute path"));
}

#[test]
fn a_machine_needs_something_to_boot_and_a_disk() {
    let mut machine = request("bhyve");
    assert!(expanded(&machine).unwrap_err().contains("boots an image or a volume"));
    machine.volume = Some("tank/disk".parse().unwrap());
    assert_eq!(expanded(&machine).unwrap().len(), 1);
    machine.new_volumes = vec!["1G".parse().unwrap()];
    assert!(expanded(&machine).unwrap_err().contains("leave out -v or -V"));
}

#[test]
fn several_zones_have_numbers_and_addresses_that_count_up() {
    let mut request = sound("sparse");
    request.count = Some("3".parse().unwrap());
    request.exclusive = vec!["10.1.1.254/16".parse().unwrap(), "fd00::ffff".parse().unwrap()];
    request.datasets = vec!["tank".parse().unwrap()];
    let zones = expanded(&request).unwrap();
    let shown: Vec<String> = zones
        .iter()
        .map(|one| format!("{} {} {} {}", one.name, one.exclusive[0], one.exclusive[1], one.datasets[0]))
        .collect();
    assert_eq!(
        shown,
        [
            "web1 10.1.1.254/16 fd00::ffff tank/web1",
            "web2 10.1.1.255/16 fd00::1:0 tank/web2",
            "web3 10.1.2.0/16 fd00::1:1 tank/web3"
        ]
    );
    request.zone = "x".repeat(63).parse().unwrap();
    assert!(expanded(&request).unwrap_err().contains("more than 63 characters"));
}

#[test]
fn a_zone_has_its_own_stack_where_it_needs_one() {
    let mut plain = sound("sparse");
    assert!(!plain.is_exclusive());
    plain.ipv6 = true;
    assert!(plain.is_exclusive());
    plain.shared = vec!["10.1.1.5".parse().unwrap()];
    assert!(!plain.is_exclusive());
    assert!(sound("lx").is_exclusive() && sound("router").is_exclusive());
}
