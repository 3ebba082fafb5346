//! What tests do with packets.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::super::super::Lab;
use super::super::model::{Class, Spaces};
use super::wanted::{Names, device};
use super::{daemons, inside, sweep, tools};

/// Commands that have to be here.
const NEEDED: &[&str] =
    &["ip", "nft", "conntrack", "nsenter", "unshare", "setsid", "dnsmasq", "haproxy", "udhcpc", "ping"];

/// How long an answer may take that is expected.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long one is waited for that is not to come.
const SILENCE: Duration = Duration::from_millis(700);

/// The namespaces of a lab, as long as it lasts.
#[derive(Debug)]
pub struct Packets {
    lab: Lab,
    spaces: Spaces,
}

impl Lab {
    /// Why this machine cannot carry packets; none if it can.
    #[must_use]
    pub fn no_packets() -> Option<String> {
        if !rustix::process::geteuid().is_root() {
            return Some("network namespaces need root".to_owned());
        }
        let missing: Vec<&str> = NEEDED.iter().copied().filter(|name| tools::find(name).is_none()).collect();
        if !missing.is_empty() {
            return Some(format!("not installed: {}", missing.join(", ")));
        }
        let made = Command::new("unshare").args(["--net", "--mount", "true"]).output();
        match made {
            Ok(output) if output.status.success() => None,
            Ok(output) => {
                Some(format!("no network namespaces here: {}", String::from_utf8_lossy(&output.stderr).trim()))
            }
            Err(error) => Some(format!("no network namespaces here: {error}")),
        }
    }

    /// Lets packets flow from now on, until the value is dropped.
    ///
    /// # Panics
    /// They cannot; [`Lab::no_packets`] says why.
    #[must_use]
    pub fn carry_packets(&self) -> Packets {
        sweep::stale();
        let (own, number) = unused();
        self.carry(Spaces { outside: own.clone(), own, number })
    }

    /// The same for a host that shares the outside of another. The addresses of its own NICs differ from the other's.
    ///
    /// # Panics
    /// As [`Lab::carry_packets`].
    #[must_use]
    pub fn carry_packets_beside(&self, other: &Packets) -> Packets {
        let (own, number) = unused();
        self.transact(|host| {
            let nics = host.state.net.links.values_mut().filter(|link| link.class == Class::Phys);
            for byte in nics.filter_map(|link| link.mac.as_mut()).map(|mac| &mut mac[3]) {
                *byte ^= u8::try_from(number % 255).unwrap() + 1;
            }
        });
        self.carry(Spaces { own, outside: other.spaces.outside.clone(), number })
    }

    fn carry(&self, spaces: Spaces) -> Packets {
        self.transact(|host| host.state.net.packets = Some(spaces.clone()));
        Packets { lab: self.clone(), spaces }
    }
}

/// A name that no namespace of this machine begins with, and the number in it.
fn unused() -> (String, u32) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    (format!("{}.{}.{number}", sweep::FAMILY, std::process::id()), number)
}

impl Drop for Packets {
    fn drop(&mut self) {
        // The state need not be sound: a test may have failed in the midst of a command.
        daemons::stop_all(&self.lab);
        sweep::remove(&self.spaces.own);
    }
}

/// Something that answers in a namespace, until it is dropped.
#[derive(Debug)]
pub struct Server {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A line of the peer's, read with patience.
fn line(stream: &mut TcpStream) -> io::Result<String> {
    let mut text = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 && byte[0] != b'\n' {
        text.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Answers each line with `NAME PEER LINE`, until the other side has enough.
fn answer(stream: &mut TcpStream, name: &str, ended: &AtomicBool) -> io::Result<()> {
    let peer = stream.peer_addr()?.ip().to_canonical();
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut text = Vec::new();
    let mut bytes = [0; 512];
    while !ended.load(Ordering::Relaxed) {
        match stream.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => text.extend_from_slice(&bytes[..count]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => continue,
            Err(error) => return Err(error),
        }
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let asked: Vec<u8> = text.drain(..=end).collect();
            let asked = String::from_utf8_lossy(&asked).trim_end().to_owned();
            if asked.ends_with("HTTP/1.0") || asked.ends_with("HTTP/1.1") {
                let body = format!("{name} {peer}\n");
                let head = "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n";
                write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len())?;
                return Ok(());
            }
            stream.write_all(format!("{name} {peer} {asked}\n").as_bytes())?;
        }
    }
    Ok(())
}

fn serve(listener: &TcpListener, name: &str, ended: &Arc<AtomicBool>) {
    while !ended.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((mut stream, _)) => {
                let (name, ended) = (name.to_owned(), Arc::clone(ended));
                thread::spawn(move || {
                    let _ = stream.set_nonblocking(false);
                    answer(&mut stream, &name, &ended)
                });
            }
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

impl Packets {
    /// The names of the namespaces.
    #[must_use]
    pub fn spaces(&self) -> Vec<String> {
        sweep::those_of(&self.spaces.own)
    }

    /// The namespace of a zone; `outside` is that of the world.
    fn space(&self, place: &str) -> String {
        let names = Names(&self.spaces);
        if place == "outside" {
            return names.outside();
        }
        let own = self.lab.state().net.stacks.contains_key(place);
        if own { names.stack(place) } else { names.shared(place) }
    }

    /// Runs a command of this machine in the network of a zone, or `outside`.
    ///
    /// # Panics
    /// It cannot be run.
    #[must_use]
    pub fn run(&self, place: &str, name: &str, arguments: &[&str]) -> Output {
        tools::within(&self.space(place), name).args(arguments).output().unwrap()
    }

    /// Does something in the network of a zone, or `outside`.
    ///
    /// # Panics
    /// There is no such network.
    pub fn inside<T: Send>(&self, place: &str, act: impl FnOnce() -> T + Send) -> T {
        inside::inside(&self.space(place), act).unwrap()
    }

    /// Whether pings are answered.
    #[must_use]
    pub fn reaches(&self, place: &str, address: &str) -> bool {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if self.run(place, "ping", &["-n", "-c", "1", "-W", "1", address]).status.success() {
                return true;
            }
        }
        false
    }

    /// Whether no ping is answered.
    #[must_use]
    pub fn misses(&self, place: &str, address: &str) -> bool {
        let found = self.run(place, "ping", &["-n", "-c", "2", "-i", "0.2", "-W", "1", address]);
        !found.status.success()
    }

    /// Starts a server that answers each line, and each request of HTTP, with its name and the address of who asks.
    ///
    /// # Panics
    /// It cannot listen there.
    #[must_use]
    pub fn serve(&self, place: &str, name: &str, address: &str) -> Server {
        let address: SocketAddr = address.parse().unwrap();
        let listener = self.inside(place, move || TcpListener::bind(address)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let (name, end) = (name.to_owned(), Arc::clone(&ended));
        let thread = thread::spawn(move || serve(&listener, &name, &end));
        Server { ended, thread: Some(thread) }
    }

    /// A connection, if it comes about.
    ///
    /// # Errors
    /// It does not.
    ///
    /// # Panics
    /// The address is none.
    pub fn try_connect(&self, place: &str, address: &str) -> io::Result<TcpStream> {
        let address: SocketAddr = address.parse().unwrap();
        let stream = self.inside(place, move || TcpStream::connect_timeout(&address, PATIENCE))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// A connection that stays.
    ///
    /// # Panics
    /// It cannot be made.
    #[must_use]
    pub fn connect(&self, place: &str, address: &str) -> TcpStream {
        let connected = self.try_connect(place, address);
        connected.unwrap_or_else(|error| panic!("{place} to {address}: {error}\n{}", self.logs()))
    }

    /// What a server answers to a line over a connection.
    ///
    /// # Errors
    /// It does not answer.
    pub fn say(stream: &mut TcpStream, text: &str) -> io::Result<String> {
        writeln!(stream, "{text}")?;
        line(stream)
    }

    /// What a server answers, who says its name and whom it sees.
    ///
    /// # Panics
    /// It does not.
    #[must_use]
    pub fn ask(&self, place: &str, address: &str) -> String {
        let mut stream = self.connect(place, address);
        let said = Self::say(&mut stream, "hello").unwrap();
        said.trim_end_matches(" hello").to_owned()
    }

    /// Whether no connection comes about.
    ///
    /// # Panics
    /// The address is none.
    #[must_use]
    pub fn unanswered(&self, place: &str, address: &str) -> bool {
        let address: SocketAddr = address.parse().unwrap();
        let attempt = move || {
            let mut stream = TcpStream::connect_timeout(&address, SILENCE)?;
            stream.set_read_timeout(Some(SILENCE))?;
            Self::say(&mut stream, "hello")
        };
        !matches!(self.inside(place, attempt), Ok(text) if !text.is_empty())
    }

    /// Whether a datagram that is sent from elsewhere arrives.
    ///
    /// # Panics
    /// The address is none of the place.
    #[must_use]
    pub fn hears(&self, place: &str, address: &str, from: &str) -> bool {
        let address: SocketAddr = address.parse().unwrap();
        let ear = self.inside(place, move || UdpSocket::bind(address)).unwrap();
        ear.set_read_timeout(Some(SILENCE)).unwrap();
        let any = if address.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
        // Where no way is known it is refused at once.
        let _ = self.inside(from, move || UdpSocket::bind(any)?.send_to(b"hello", address));
        ear.recv(&mut [0; 16]).is_ok()
    }

    /// The whole answer to a request of HTTP for a host.
    ///
    /// # Errors
    /// There is none.
    pub fn try_get(&self, place: &str, address: &str, host: &str) -> io::Result<String> {
        let mut stream = self.try_connect(place, address)?;
        write!(stream, "GET / HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    }

    /// Asks a name server, and gives the addresses that it answers.
    ///
    /// # Panics
    /// The question cannot be asked.
    #[must_use]
    pub fn resolve(&self, place: &str, server: &str, name: &str, six: bool) -> Vec<IpAddr> {
        let server = SocketAddr::new(server.parse().unwrap(), 53);
        let question = question(name, six);
        let ask = move || -> io::Result<Vec<u8>> {
            let any = if server.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
            let socket = UdpSocket::bind(any)?;
            socket.set_read_timeout(Some(Duration::from_millis(300)))?;
            let mut bytes = [0; 1500];
            let began = Instant::now();
            loop {
                // A daemon that has only just been started does not listen yet.
                let tried = socket.send_to(&question, server).and_then(|_| socket.recv(&mut bytes));
                match tried {
                    Ok(count) => return Ok(bytes[..count].to_vec()),
                    Err(error) if began.elapsed() > PATIENCE => return Err(error),
                    Err(_) => thread::sleep(Duration::from_millis(50)),
                }
            }
        };
        addresses(&self.inside(place, ask).unwrap())
    }

    /// The lease that a zone has got by DHCP on a link: its address, router, name servers, domain and name, a line each.
    /// None: it has got none.
    #[must_use]
    pub fn lease(&self, zone: &str, link: &str) -> Option<String> {
        let found = self.lab.state().net.links.get(link).map(|found| device(link, found))?;
        let file = daemons::lease_file(&self.lab, zone, &found);
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Ok(text) = std::fs::read_to_string(&file) {
                return Some(text);
            }
            thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// Asks for a lease on a link of a zone, as something that has no address yet. None: nobody gives one.
    ///
    /// # Panics
    /// There is no such link.
    #[must_use]
    pub fn ask_for_lease(&self, zone: &str, link: &str) -> Option<String> {
        let found = self.lab.state().net.links.get(link).map(|found| device(link, found)).unwrap();
        let asked = daemons::ask_once(&self.lab, &self.space(zone), zone, &found);
        asked.then(|| self.lease(zone, link))?
    }

    /// The addresses that a link of a zone has got, those of IPv6 among them.
    ///
    /// # Panics
    /// They cannot be listed.
    #[must_use]
    pub fn addresses(&self, zone: &str, link: &str) -> Vec<IpAddr> {
        let found = self.lab.state().net.links.get(link).map(|found| device(link, found)).unwrap();
        let output = self.run(zone, "ip", &["-o", "address", "show", "dev", &found]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let address = |line: &str| line.split_whitespace().nth(3)?.split('/').next()?.parse().ok();
        text.lines().filter_map(address).collect()
    }

    /// Waits until something is so.
    ///
    /// # Panics
    /// It does not become so.
    pub fn wait(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(began.elapsed() < 2 * PATIENCE, "{what} has not come about\n{}", self.logs());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What daemons and clients have said, and what there is in each namespace: for a test that has failed.
    ///
    /// # Panics
    /// The commands that tell are not there.
    #[must_use]
    pub fn logs(&self) -> String {
        let entries = std::fs::read_dir(self.lab.own("")).into_iter().flatten().flatten();
        let is_log = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with("packets.") && name.ends_with(".log")
        };
        let logs = entries.map(|entry| entry.path()).filter(is_log);
        let said =
            logs.map(|path| format!("{}:\n{}", path.display(), std::fs::read_to_string(&path).unwrap_or_default()));
        let looks: [(&str, &[&str]); 4] =
            [("ip", &["-br", "address"]), ("ip", &["route"]), ("ip", &["-6", "route"]), ("nft", &["list", "ruleset"])];
        let seen = self.spaces().into_iter().flat_map(|space| {
            looks.map(|(name, words)| {
                let output = tools::within(&space, name).args(words).output().unwrap();
                format!("{space}: {name} {}\n{}", words.join(" "), String::from_utf8_lossy(&output.stdout))
            })
        });
        said.chain(seen).collect()
    }
}

/// A question for the addresses of a name. Source: RFC 1035, section 4.
fn question(name: &str, six: bool) -> Vec<u8> {
    let mut bytes = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.bytes());
    }
    bytes.extend([0, 0, if six { 28 } else { 1 }, 0, 1]);
    bytes
}

/// The addresses in an answer.
fn addresses(bytes: &[u8]) -> Vec<IpAddr> {
    let number = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    let mut at = 12;
    let skip_name = |mut at: usize| {
        while bytes[at] != 0 && bytes[at] & 0xc0 == 0 {
            at += 1 + usize::from(bytes[at]);
        }
        at + if bytes[at] == 0 { 1 } else { 2 }
    };
    for _ in 0..number(4) {
        at = skip_name(at) + 4;
    }
    let mut found = Vec::new();
    for _ in 0..number(6) {
        at = skip_name(at);
        let (kind, length) = (number(at), number(at + 8));
        let data = &bytes[at + 10..at + 10 + length];
        match kind {
            1 => found.push(IpAddr::from(<[u8; 4]>::try_from(data).unwrap())),
            28 => found.push(IpAddr::from(<[u8; 16]>::try_from(data).unwrap())),
            _ => {}
        }
        at += 10 + length;
    }
    found
}
