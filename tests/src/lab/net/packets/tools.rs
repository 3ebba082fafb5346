//! The commands of Linux.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// Where a command is; stand-ins are run without `PATH`.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]
        .iter()
        .map(|directory| PathBuf::from(directory).join(name))
        .find(|path| path.is_file())
}

pub(super) fn tool(name: &str) -> Command {
    let path = find(name).unwrap_or_else(|| panic!("packets need the command `{name}`"));
    let mut command = Command::new(path);
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
    command
}

/// Feeds a command.
fn feed(mut command: Command, text: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that refuses may have stopped to read.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    child.wait_with_output().unwrap()
}

fn complain(what: &str, text: &str, output: &Output) {
    assert!(output.status.success(), "{what}: {}\n{text}", String::from_utf8_lossy(&output.stderr));
}

/// Lines for `ip -batch` in a namespace.
pub(super) fn ip(space: &str, lines: &str, must: bool) {
    let mut command = tool("ip");
    command.args(["-n", space]);
    if !must {
        command.arg("-force");
    }
    command.args(["-batch", "-"]);
    let output = feed(command, lines);
    if must {
        complain(&format!("ip -n {space}"), lines, &output);
    }
}

/// `ip netns`.
pub(super) fn space(words: &[&str]) {
    let output = tool("ip").arg("netns").args(words).output().unwrap();
    complain("ip netns", &words.join(" "), &output);
}

/// Removes a namespace, with whatever still runs in it.
pub(super) fn remove_space(space: &str) {
    let listed = tool("ip").args(["netns", "pids", space]).output().unwrap();
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let own = std::process::id().to_string();
    for pid in text.split_whitespace().filter(|pid| **pid != own) {
        super::daemons::kill(pid, rustix::process::Signal::KILL);
    }
    let _ = tool("ip").args(["netns", "delete", space]).output();
}

/// A command that runs in a namespace.
pub(super) fn within(space: &str, name: &str) -> Command {
    let mut command = tool("nsenter");
    command.arg(format!("--net=/run/netns/{space}")).arg(find(name).unwrap_or_else(|| name.into()));
    command
}

/// Replaces a table of rules as a whole; an empty text removes it. The family is in its name, as nft writes it.
pub(super) fn nft(space: &str, table: &str, text: &str) {
    let mut whole = format!("table {table}\ndelete table {table}\n");
    if !text.is_empty() {
        whole += &format!("table {table} {{\n{text}}}\n");
    }
    let mut command = within(space, "nft");
    command.args(["-f", "-"]);
    complain(&format!("nft in {space}"), &whole, &feed(command, &whole));
}

pub(super) fn forget_sessions(space: &str) {
    // One that has none says so, and fails.
    let _ = within(space, "conntrack").arg("-F").output();
}
