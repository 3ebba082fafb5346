//! The manual page of a program: its flag table, cut into the sections that manual pages have.
//!
//! What a table says after its flags is one or more blocks, apart by an empty line. A block that begins with a heading
//! and a colon, such as `Exit status:`, becomes the section of that name; any other goes on with the description.

use clap::{Arg, Command};
use clap_mangen::Man;

use crate::programs::{Program, SECTION};
use crate::roff::Roff;

/// What pages say besides their flag tables: files, with what each is, and other pages.
struct Besides {
    files: &'static [(&'static str, &'static str)],
    see: &'static str,
}

const INSTALLING: &[(&str, &str)] = &[
    ("/usr/lib/brand/BRAND/recipe.toml", "the recipe of a brand"),
    ("/usr/lib/brand/zonekit-common", "the lists that brands share"),
    ("/etc/zonekit/brands, /etc/zonekit/prune.d", "brands of the site's own, and what it adds to the lists"),
    ("/var/sadm/install/contents", "the package database"),
];

fn besides(page: &str) -> Besides {
    match page {
        "pkgcreatezone" => {
            Besides { files: INSTALLING, see: "verify-zone(8), zoneadm(8), zonecfg(8), zonelib-sync(8), brands(7)" }
        }
        "verify-zone" => Besides { files: INSTALLING, see: "pkgcreatezone(8), pkgchk(8), zoneadm(8)" },
        "zonelib-sync" => Besides {
            files: &[
                ("/zonelib/lib", "the clone of /lib"),
                ("/zonelib/.lib.zonekit", "what the clone was made from"),
                ("/zonelib/.lib.repository", "the service repository that zones begin with"),
                ("/zonelib/.lib.repository.zonekit", "what that was made from"),
                ("/usr/lib/brand/zonekit-common", "the lists that brands share"),
            ],
            see: "pkgcreatezone(8), svccfg(8), smf(7)",
        },
        "contents-query" => Besides { files: &[], see: "verify-zone(8)" },
        "be-uuid" => Besides { files: &[], see: "beadm(8), zfs(8)" },
        "zonekit-recipe" => Besides { files: INSTALLING, see: "pkgcreatezone(8), zonelib-sync(8)" },
        _ => Besides {
            files: &[
                ("/usr/lib/brand/BRAND/config.xml", "how zoneadm(8) and zoneadmd(8) run the hooks of a brand"),
                ("/etc/zones/index", "the zones of this host, and the state of each"),
            ],
            see: "pkgcreatezone(8), zoneadm(8), zoneadmd(8), zonecfg(8), brands(7), zones(7)",
        },
    }
}

/// The sections that blocks can be, in the order of a manual page.
const SECTIONS: [(&str, &str); 5] = [
    ("examples", "EXAMPLES"),
    ("exit status", "EXIT STATUS"),
    ("environment", "ENVIRONMENT"),
    ("files", "FILES"),
    ("see also", "SEE ALSO"),
];

/// The page of a program.
#[must_use]
pub fn of(program: &Program) -> Vec<u8> {
    let command = program.command();
    let after = command.get_after_long_help().or_else(|| command.get_after_help());
    let after = after.map(ToString::to_string).unwrap_or_default();
    let blocks: Vec<Block<'_>> = after.trim().split("\n\n").map(Block::parse).collect();
    let mut roff = Roff::page(program.page, SECTION);
    roff.heading("NAME");
    roff.text(&format!("{} - {}", program.page, lower(&about(&command))));
    let man = Man::new(command.clone().subcommand_value_name("subcommand").mut_args(with_aliases));
    roff.raw(&rendered(|out| man.render_synopsis_section(out)));
    roff.raw(&rendered(|out| man.render_description_section(out)));
    for block in blocks.iter().filter(|block| block.section.is_none()) {
        roff.paragraph();
        block.write(&mut roff);
    }
    roff.raw(&rendered(|out| man.render_options_section(out)));
    subcommands(&mut roff, &command);
    let besides = besides(program.page);
    for (_, title) in SECTIONS {
        let mut mine = blocks.iter().filter(|block| block.section == Some(title)).peekable();
        let more = match title {
            "FILES" => !besides.files.is_empty(),
            "SEE ALSO" => true,
            _ => false,
        };
        if mine.peek().is_none() && !more {
            continue;
        }
        roff.heading(title);
        if title == "SEE ALSO" {
            let own = mine.map(|block| block.inline.as_str());
            roff.text(&own.chain([besides.see, "sparse-root(7), whole-root(7)"]).collect::<Vec<_>>().join(", "));
            continue;
        }
        mine.for_each(|block| block.write(&mut roff));
        if title == "FILES" {
            besides.files.iter().for_each(|(path, what)| roff.item(path, what));
        }
    }
    roff.into_bytes()
}

/// The first sentence about a program, which ends without a stop.
fn about(command: &Command) -> String {
    let about = command.get_about().or_else(|| command.get_long_about());
    about.map(ToString::to_string).unwrap_or_default().trim().trim_end_matches('.').to_owned()
}

/// Behind the name of the program a sentence goes on. A word in capitals keeps them.
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if letters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

/// Subcommands, each with its own flags. They have no pages of their own.
fn subcommands(roff: &mut Roff, command: &Command) {
    let shown: Vec<&Command> =
        command.get_subcommands().filter(|one| !one.is_hide_set() && one.get_name() != "help").collect();
    if shown.is_empty() {
        return;
    }
    roff.heading("SUBCOMMANDS");
    for one in shown {
        roff.subheading(one.get_name());
        // What every subcommand takes is said once, under OPTIONS.
        let common = |flag: &Arg| flag.is_global_set() || flag.get_id() == "help";
        let shown = |flag: Arg| if common(&flag) { flag.hide(true) } else { with_aliases(flag) };
        let man = Man::new(one.clone().mut_args(shown));
        roff.raw(&without_heading(&rendered(|out| man.render_synopsis_section(out))));
        roff.paragraph();
        roff.raw(&without_heading(&rendered(|out| man.render_description_section(out))));
        roff.raw(&without_heading(&rendered(|out| man.render_options_section(out))));
    }
}

/// A flag whose other names are told as `--help` tells them: clap_mangen leaves them out.
fn with_aliases(flag: Arg) -> Arg {
    let long = flag.get_visible_aliases().into_iter().flatten().map(|long| format!("--{long}"));
    let short = flag.get_visible_short_aliases().into_iter().flatten().map(|short| format!("-{short}"));
    let names: Vec<String> = long.chain(short).collect();
    if names.is_empty() {
        return flag;
    }
    let text = flag.get_long_help().or_else(|| flag.get_help()).map(ToString::to_string).unwrap_or_default();
    let text = format!("{text} [also {}]", names.join(", "));
    flag.help(text.clone()).long_help(text)
}

fn rendered(render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> Vec<u8> {
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = render(&mut text);
    text
}

fn without_heading(section: &[u8]) -> Vec<u8> {
    let lines = section.split_inclusive(|&byte| byte == b'\n');
    lines.filter(|line| !line.starts_with(b".SH ")).flatten().copied().collect()
}

/// A block of the text after the flags.
struct Block<'t> {
    section: Option<&'static str>,
    /// What stands behind the heading, on its line and those that go on at the margin.
    inline: String,
    /// Lines that are indented, as they are.
    lines: Vec<&'t str>,
}

impl<'t> Block<'t> {
    fn parse(text: &'t str) -> Self {
        let (head, rest) = text.split_once(':').unwrap_or(("", text));
        let known = SECTIONS.iter().find(|(word, _)| {
            let head = head.to_lowercase();
            head == *word || head.strip_prefix(word).is_some_and(|more| more.starts_with(','))
        });
        let rest = if known.is_some() { rest } else { text };
        let (lines, inline): (Vec<&str>, Vec<&str>) = rest.lines().partition(|line| line.starts_with("  "));
        Self { section: known.map(|(_, title)| *title), inline: inline.join(" ").trim().to_owned(), lines }
    }

    fn write(&self, roff: &mut Roff) {
        if self.section == Some("EXIT STATUS") {
            self.statuses(roff);
            return;
        }
        if !self.inline.is_empty() {
            roff.text(&self.inline);
        }
        if !self.lines.is_empty() {
            if !self.inline.is_empty() {
                roff.paragraph();
            }
            roff.verbatim(self.lines.iter().copied());
        }
    }

    /// A status a line, or all in one line apart by `; `.
    fn statuses(&self, roff: &mut Roff) {
        let mut items: Vec<String> = Vec::new();
        let inline = self.inline.trim_end_matches('.');
        for part in inline.split("; ").chain(self.lines.iter().map(|line| line.trim())).filter(|part| !part.is_empty())
        {
            match items.last_mut() {
                Some(last) if !part.starts_with(|first: char| first.is_ascii_digit()) => {
                    *last += "; ";
                    *last += part;
                }
                _ => items.push(part.to_owned()),
            }
        }
        for item in items {
            match item.split_once(' ') {
                Some((status, meaning)) => roff.item(status, meaning.trim()),
                None => roff.text(&item),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> (Option<&'static str>, String) {
        let block = Block::parse(text);
        let mut roff = Roff::default();
        block.write(&mut roff);
        (block.section, String::from_utf8(roff.into_bytes()).unwrap())
    }

    #[test]
    fn statuses_are_told_apart_in_either_form() {
        let expected = ".TP\n\\fB0\\fR\nyes; or no\n.TP\n\\fB2\\fR\n(at once) bad\n";
        assert_eq!(written("Exit status: 0 yes; or no; 2 (at once) bad."), (Some("EXIT STATUS"), expected.to_owned()));
        assert_eq!(written("Exit status:\n  0  yes; or no\n  2  (at once) bad").1, expected);
    }

    #[test]
    fn other_blocks_go_on_with_the_description() {
        let (section, text) = written("Each line is `what: where`:\n  a  b");
        assert_eq!(section, None);
        assert_eq!(text, "Each line is \\(gawhat: where\\(ga:\n.PP\n.nf\n  a  b\n.fi\n");
    }
}
