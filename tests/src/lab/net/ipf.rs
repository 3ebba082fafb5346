//! A stand-in for ipf(8), and the grammar of ipf.conf(5). Source: `ipf.c` and `ipf_y.y` of illumos-gate.

use std::fs;

use ipnet::IpNet;

use super::super::options::Options;
use super::super::zfs::{Done, refused};
use super::Call;
use super::ipnat::{filter, turn_to};
use super::rules::{Family, Tokens, Wrong, is_interface, only_blank, port};
use super::words::said;

/// A rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Rule {
    /// `pass`, `block`, `log`, `count`.
    pub action: String,
    /// What a blocked packet is answered with: `rst`, or an ICMP message.
    pub answer: Option<String>,
    pub out: bool,
    pub quick: bool,
    pub on: Option<String>,
    pub protocol: Option<String>,
    pub from: Endpoint,
    pub to: Endpoint,
    pub flags: Option<String>,
    pub icmp_type: Option<String>,
    pub keep_state: bool,
    /// What comes after, as it stands.
    pub more: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Endpoint {
    pub not: bool,
    pub who: Who,
    pub ports: Option<Ports>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Who {
    #[default]
    Any,
    Net(IpNet),
    Pool(String),
    /// `IF/32`: the address of an interface that the rule is on.
    Interface(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ports {
    Is(String, u16),
    /// Both ends are in it.
    Range(u16, u16),
    Between(u16, u16),
    Outside(u16, u16),
}

/// Reads a file, up to the first mistake. A list of ports stands for a rule each.
pub(super) fn parse(text: &str, six: bool) -> (Vec<Rule>, Option<Wrong>) {
    let mut rules = Vec::new();
    if only_blank(text) {
        return (rules, Some(format!("syntax error error at \"\", line {}", text.lines().count())));
    }
    let family = if six { Family::Six } else { Family::Four };
    let mut tokens = Tokens::new(text);
    let mut begun = false;
    while tokens.peek().is_some() {
        if tokens.take(";") || tokens.definition() {
            continue;
        }
        if tokens.take("set") {
            if begun {
                return (rules, Some(tokens.wrong("syntax error")));
            }
            while tokens.peek().is_some_and(|text| text != ";") {
                tokens.next();
            }
            continue;
        }
        begun = true;
        match rule(&mut tokens, family) {
            Ok(more) => rules.extend(more),
            Err(wrong) => return (rules, Some(wrong)),
        }
    }
    (rules, None)
}

fn rule(tokens: &mut Tokens, family: Family) -> Result<Vec<Rule>, Wrong> {
    let mut rule = Rule::default();
    if tokens.peek().is_some_and(|text| text.starts_with('@')) {
        tokens.next();
    }
    action(tokens, &mut rule)?;
    if tokens.take("log") {
        while ["body", "first", "or-block"].iter().any(|word| tokens.take(word)) {}
        if tokens.take("level") {
            tokens.word()?;
        }
    }
    rule.quick = tokens.take("quick");
    if tokens.take("on") {
        rule.on = Some(interfaces(tokens)?);
    }
    for word in ["dup-to", "fastroute", "reply-to"] {
        if tokens.take(word) {
            tokens.word()?;
        }
    }
    for word in ["tos", "ttl"] {
        if tokens.take(word) {
            tokens.word()?;
        }
    }
    if tokens.take("proto") {
        rule.protocol = Some(protocol(tokens)?);
    }
    let (from, to) = endpoints(tokens, family, rule.on.as_deref())?;
    rest(tokens, &mut rule)?;
    let mut rules = Vec::new();
    for from in &from {
        for to in &to {
            rules.push(Rule { from: from.clone(), to: to.clone(), ..rule.clone() });
        }
    }
    Ok(rules)
}

fn action(tokens: &mut Tokens, rule: &mut Rule) -> Result<(), Wrong> {
    for word in ["pass", "block", "log", "count", "auth", "preauth"] {
        if tokens.take(word) {
            word.clone_into(&mut rule.action);
            break;
        }
    }
    if rule.action.is_empty() {
        return Err(tokens.wrong("syntax error"));
    }
    if rule.action == "block" {
        if tokens.take("return-rst") {
            rule.answer = Some("rst".to_owned());
        } else if tokens.take("return-icmp") || tokens.take("return-icmp-as-dest") {
            rule.answer = Some("port-unr".to_owned());
            if tokens.take("(") {
                rule.answer = Some(tokens.word()?);
                tokens.want(")")?;
            }
        }
    }
    rule.out = tokens.is("out");
    if tokens.take("in") || tokens.take("out") { Ok(()) } else { Err(tokens.wrong("syntax error")) }
}

/// A logical interface stands for its physical one.
fn interfaces(tokens: &mut Tokens) -> Result<String, Wrong> {
    let Some(text) = tokens.peek().filter(|text| is_interface(text)) else { return Err(tokens.wrong("syntax error")) };
    tokens.next();
    if tokens.take(",") {
        tokens.word()?;
    }
    Ok(text.split(':').next().unwrap_or_default().to_owned())
}

const PROTOCOLS: &[&str] =
    &["ip", "icmp", "igmp", "tcp", "udp", "tcp/udp", "gre", "esp", "ah", "ipv6-icmp", "ipv6", "sctp", "ospf", "vrrp"];

fn protocol(tokens: &mut Tokens) -> Result<String, Wrong> {
    let wrong = tokens.wrong("unknown protocol");
    let text = tokens.word()?.to_lowercase();
    if PROTOCOLS.contains(&text.as_str()) || text.parse::<u8>().is_ok() { Ok(text) } else { Err(wrong) }
}

type Both = (Vec<Endpoint>, Vec<Endpoint>);

/// `all`, or `from ... to ...`, of which one may be left out.
fn endpoints(tokens: &mut Tokens, family: Family, on: Option<&str>) -> Result<Both, Wrong> {
    let any = || vec![Endpoint::default()];
    if tokens.take("all") {
        return Ok((any(), any()));
    }
    let (with_from, mut from, mut to) = (tokens.take("from"), any(), any());
    if with_from {
        from = endpoint(tokens, family, on)?;
    }
    let with_to = tokens.take("to");
    if with_to {
        to = endpoint(tokens, family, on)?;
    }
    if with_from || with_to { Ok((from, to)) } else { Err(tokens.wrong("syntax error")) }
}

fn endpoint(tokens: &mut Tokens, family: Family, on: Option<&str>) -> Result<Vec<Endpoint>, Wrong> {
    let not = tokens.take("!");
    let who = match tokens.peek() {
        // Only ports.
        Some(text) if text.eq_ignore_ascii_case("port") => Who::Any,
        Some(text) if text.starts_with("pool/") || text.starts_with("hash/") => {
            let number = text.split_once('/').map(|(_, number)| number.to_owned()).unwrap_or_default();
            if number.parse::<u32>().is_err() {
                return Err(tokens.wrong("syntax error"));
            }
            tokens.next();
            Who::Pool(number)
        }
        Some(text) if on.is_some_and(|on| text.split('/').next() == Some(on)) => {
            tokens.next();
            Who::Interface(on.unwrap_or_default().to_owned())
        }
        _ => tokens.net(family)?.map_or(Who::Any, Who::Net),
    };
    if !tokens.take("port") {
        return Ok(vec![Endpoint { not, who, ports: None }]);
    }
    let list = ports(tokens)?;
    Ok(list.into_iter().map(|ports| Endpoint { not, who: who.clone(), ports: Some(ports) }).collect())
}

fn ports(tokens: &mut Tokens) -> Result<Vec<Ports>, Wrong> {
    let sign = tokens.peek().unwrap_or_default();
    if ["=", "!=", "<", ">", "<=", ">=", "eq", "ne", "lt", "gt", "le", "ge"].contains(&sign.as_str()) {
        tokens.next();
        if sign == "=" && tokens.take("(") {
            let mut list = Vec::new();
            loop {
                list.push(Ports::Is("=".to_owned(), number(tokens)?));
                if tokens.take(")") {
                    return Ok(list);
                }
                tokens.want(",")?;
            }
        }
        return Ok(vec![Ports::Is(sign, number(tokens)?)]);
    }
    if let Some((first, last)) = sign.split_once(':') {
        let range = port(first).zip(port(last));
        let (first, last) = range.ok_or_else(|| tokens.wrong("syntax error"))?;
        tokens.next();
        return Ok(vec![Ports::Range(first, last)]);
    }
    let first = number(tokens)?;
    if tokens.take("><") {
        return Ok(vec![Ports::Between(first, number(tokens)?)]);
    }
    if tokens.take("<>") {
        return Ok(vec![Ports::Outside(first, number(tokens)?)]);
    }
    Err(tokens.wrong("syntax error"))
}

fn number(tokens: &mut Tokens) -> Result<u16, Wrong> {
    let wrong = tokens.wrong("syntax error");
    port(&tokens.word()?).ok_or(wrong)
}

fn rest(tokens: &mut Tokens, rule: &mut Rule) -> Result<(), Wrong> {
    loop {
        if tokens.take("flags") {
            rule.flags = Some(tokens.word()?);
        } else if tokens.take("icmp-type") {
            rule.icmp_type = Some(tokens.word()?);
            if tokens.take("code") {
                tokens.word()?;
            }
        } else if tokens.take("with") || tokens.take("and") {
            while tokens.take("no") || tokens.take("not") {}
            rule.more.push(format!("with {}", tokens.word()?));
        } else if tokens.take("keep") {
            keep(tokens, rule)?;
        } else if tokens.take("head") || tokens.take("group") {
            rule.more.push(format!("group {}", tokens.word()?));
        } else {
            return Ok(());
        }
    }
}

fn keep(tokens: &mut Tokens, rule: &mut Rule) -> Result<(), Wrong> {
    if tokens.take("frags") {
        rule.more.push("keep frags".to_owned());
    } else {
        tokens.want("state")?;
        rule.keep_state = true;
    }
    if tokens.take("(") {
        while !tokens.take(")") {
            if tokens.next().is_none() {
                return Err(tokens.wrong("syntax error"));
            }
        }
    }
    Ok(())
}

impl Endpoint {
    fn text(&self, six: bool) -> String {
        let who = match &self.who {
            Who::Any if six => "::/0".to_owned(),
            Who::Any => "any".to_owned(),
            Who::Net(net) => net.to_string(),
            Who::Pool(number) => format!("pool/{number}"),
            Who::Interface(name) => format!("{name}/32"),
        };
        let ports = match &self.ports {
            None => String::new(),
            Some(Ports::Is(sign, port)) => format!(" port {sign} {port}"),
            Some(Ports::Range(first, last)) => format!(" port {first}:{last}"),
            Some(Ports::Between(first, last)) => format!(" port {first} >< {last}"),
            Some(Ports::Outside(first, last)) => format!(" port {first} <> {last}"),
        };
        format!("{}{who}{ports}", if self.not { "!" } else { "" })
    }
}

impl Rule {
    /// As `ipf -nv` prints it.
    pub fn text(&self, six: bool) -> String {
        let mut words = vec![self.action.clone()];
        match self.answer.as_deref() {
            Some("rst") => words.push("return-rst".to_owned()),
            Some(code) => words.push(format!("return-icmp({code})")),
            None => {}
        }
        words.push(if self.out { "out" } else { "in" }.to_owned());
        if self.quick {
            words.push("quick".to_owned());
        }
        words.extend(self.on.iter().flat_map(|on| ["on".to_owned(), on.clone()]));
        words.extend(self.protocol.iter().flat_map(|name| ["proto".to_owned(), name.clone()]));
        if self.from == Endpoint::default() && self.to == Endpoint::default() {
            words.push("all".to_owned());
        } else {
            words.push(format!("from {} to {}", self.from.text(six), self.to.text(six)));
        }
        if let Some(flags) = &self.flags {
            let whole = if flags.contains('/') { flags.clone() } else { format!("{flags}/FSRPAU") };
            words.push(format!("flags {whole}"));
        }
        words.extend(self.icmp_type.iter().map(|kind| format!("icmp-type {kind}")));
        if self.keep_state {
            words.push("keep state".to_owned());
        }
        words.extend(self.more.iter().cloned());
        words.join(" ")
    }
}

/// `ipf`, whose options take effect in their order. A last operand names a zone.
pub(super) fn ipf(call: &mut Call<'_>, words: &[String]) -> Done {
    let usage = || {
        refused("usage: ipf [-6AdDEGInoPrsvVyzZ] [-l block|pass|nomatch] [-cc] [-F i|o|a|s|S] [-f filename] [zonename]")
    };
    let options = Options::read(words, "6AdDEf:F:GIl:noPrRsT:vVyzZ", &[]).map_err(|_| usage())?;
    if let Some(zone) = options.one().ok_or_else(usage)?.map(str::to_owned) {
        turn_to(call, &zone)?;
    }
    if !options.has('n') && !call.owns_stack() {
        return Err(refused("open device: Permission denied"));
    }
    let (mut six, mut inactive, outer) = (false, false, options.has('G'));
    let (dry, loud, remove) = (options.has('n'), options.has('v'), options.has('r'));
    for (letter, argument) in options.each().map(|(letter, text)| (letter, text.to_owned())).collect::<Vec<_>>() {
        match letter {
            '6' => six = true,
            'I' => inactive = true,
            'A' => inactive = false,
            's' if !dry => {
                let filter = filter(call, outer);
                std::mem::swap(&mut filter.active, &mut filter.inactive);
                std::mem::swap(&mut filter.active6, &mut filter.inactive6);
                call.host.say("Set 0 now inactive");
            }
            'F' if !dry => flush(call, outer, (six, inactive), &argument)?,
            'f' => load(call, &argument, outer, (six, inactive), (dry, loud, remove))?,
            _ => {}
        }
    }
    Ok(())
}

fn set<'a>(call: &'a mut Call<'_>, outer: bool, (six, inactive): (bool, bool)) -> &'a mut Vec<String> {
    let filter = filter(call, outer);
    match (six, inactive) {
        (false, false) => &mut filter.active,
        (false, true) => &mut filter.inactive,
        (true, false) => &mut filter.active6,
        (true, true) => &mut filter.inactive6,
    }
}

fn flush(call: &mut Call<'_>, outer: bool, which: (bool, bool), what: &str) -> Done {
    match what {
        "S" | "s" => filter(call, outer).flushed_states += 1,
        "a" => set(call, outer, which).clear(),
        "i" | "o" => {
            let way = format!(" {}", if what == "o" { "out" } else { "in" });
            set(call, outer, which).retain(|rule| !rule.contains(&way));
        }
        _ => return Err(refused(format!("ipf: unknown flush option {what}"))),
    }
    Ok(())
}

fn load(
    call: &mut Call<'_>,
    name: &str,
    outer: bool,
    which: (bool, bool),
    (dry, loud, remove): (bool, bool, bool),
) -> Done {
    let Ok(bytes) = fs::read(call.file(name)) else {
        call.host.complain(&format!("fopen({name}) failed: No such file or directory"));
        return Ok(());
    };
    let (rules, wrong) = parse(&String::from_utf8_lossy(&bytes), which.0);
    for (index, rule) in rules.iter().enumerate() {
        let text = rule.text(which.0);
        if loud {
            call.host.say(&text);
        }
        if dry {
            continue;
        }
        let loaded = set(call, outer, which);
        match (remove, loaded.iter().position(|found| *found == text)) {
            (true, Some(at)) => drop(loaded.remove(at)),
            (true, None) => call.host.complain(&format!("{}:ioctl(delete rule): No such process", index + 1)),
            (false, Some(_)) => call.host.complain(&format!("{}:ioctl(add/insert rule): File exists", index + 1)),
            (false, None) => loaded.push(text),
        }
    }
    match wrong {
        Some(wrong) => {
            call.host.complain(&wrong);
            Err(said(1))
        }
        None => Ok(()),
    }
}
