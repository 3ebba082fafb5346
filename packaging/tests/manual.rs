//! Manual pages and completions say what the programs take.

#![allow(clippy::unwrap_used, reason = "for tests, which end by panics")]

use std::path::Path;
use std::process::Command as Process;

use clap::Command;
use clap_complete::Shell;
use packaging::brand_page::Brand;
use packaging::programs::{PROGRAMS, Program};
use packaging::{completion, page};

/// The flags of a command and of its subcommands, as they are typed; two spellings of one flag are two.
fn flags(command: &Command) -> Vec<String> {
    let mut all = Vec::new();
    for flag in command.get_arguments().filter(|flag| !flag.is_hide_set()) {
        all.extend(flag.get_long().map(|long| format!("--{long}")));
        all.extend(flag.get_short().map(|short| format!("-{short}")));
        all.extend(flag.get_visible_aliases().into_iter().flatten().map(|long| format!("--{long}")));
        all.extend(flag.get_visible_short_aliases().into_iter().flatten().map(|short| format!("-{short}")));
    }
    command.get_subcommands().flat_map(flags).for_each(|flag| all.push(flag));
    all.sort();
    all.dedup();
    all
}

/// A page as it is read.
fn readable(page: &[u8]) -> String {
    let text = String::from_utf8(page.to_vec()).unwrap();
    text.replace("\\-", "-").replace("\\fB", "").replace("\\fI", "").replace("\\fR", "")
}

/// Whether a flag stands in a text as a word of its own, so that `-n` is not found in `--no`.
fn has_word(text: &str, flag: &str) -> bool {
    let part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    text.match_indices(flag).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + flag.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

fn every_program(check: impl Fn(&Program, &[String])) {
    assert!(!PROGRAMS.is_empty());
    for program in PROGRAMS {
        let flags = flags(&program.command());
        assert!(flags.contains(&"--help".to_owned()), "{}", program.file);
        check(program, &flags);
    }
}

#[test]
fn every_flag_is_in_the_manual_page() {
    every_program(|program, flags| {
        let text = readable(&page::of(program));
        for flag in flags {
            assert!(has_word(&text, flag), "{flag} is not in {}(8)", program.page);
        }
    });
}

#[test]
fn every_flag_is_in_the_completions() {
    every_program(|program, flags| {
        for shell in [Shell::Bash, Shell::Zsh] {
            let text = String::from_utf8(completion::of(program, shell)).unwrap();
            for flag in flags {
                assert!(has_word(&text, flag), "{flag} is not in the {shell} completion of {}", program.name());
            }
            assert!(text.contains(program.name()));
        }
    });
}

/// What programs for networks share has one name in all of them: that of `create-zone`.
#[test]
fn networks_have_one_vocabulary() {
    let command = |file: &str| PROGRAMS.iter().find(|program| program.file == file).unwrap().command();
    let named = |command: &Command, short: char| -> Option<Vec<String>> {
        let has = |flag: &&clap::Arg| flag.get_short_and_visible_aliases().is_some_and(|all| all.contains(&short));
        let flag = command.get_arguments().find(has)?;
        Some(flag.get_long_and_visible_aliases().unwrap_or_default().into_iter().map(str::to_owned).collect())
    };
    let create = command("create-zone");
    for file in ["net-attach", "global-router"] {
        for short in ['x', 'i', 'R', 'F', '6'] {
            let Some(names) = named(&command(file), short) else { continue };
            assert_eq!(named(&create, short).unwrap()[..], names[..1], "-{short} of {file}");
        }
        for long in ["domain", "ipv6-addresses"] {
            assert!(flags(&command(file)).contains(&format!("--{long}")), "{file} --{long}");
        }
    }
    let dry = |command: &Command| ['n', 'N'].map(|short| named(command, short).is_some_and(|all| all == ["dry-run"]));
    for file in ["net-attach", "net-detach", "net-peer", "global-router", "destroy-zone"] {
        assert_eq!(dry(&command(file)), [true, true], "{file}");
    }
    let ingress = command("ingress");
    for verb in ["add", "remove"] {
        assert_eq!(dry(ingress.find_subcommand(verb).unwrap()), [true, true], "ingress {verb}");
    }
    // There -n is how many zones.
    assert_eq!(dry(&create), [false, true]);
}

#[test]
fn every_page_has_the_sections_that_people_look_for() {
    every_program(|program, _| {
        let text = readable(&page::of(program));
        let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
        let headings: Vec<&str> = headings.iter().map(|heading| heading.trim_matches('"')).collect();
        for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"] {
            assert_eq!(headings.iter().filter(|one| **one == heading).count(), 1, "{heading} in {}(8)", program.page);
        }
        assert!(text.contains(&format!("\n{} - ", program.page)), "{}", program.page);
    });
}

/// Bash reads every completion, and offers what the flag table has.
#[test]
fn bash_completes() {
    let program = PROGRAMS.iter().find(|program| program.file == "verify-zone").unwrap();
    let scratch = tempfile::tempdir().unwrap();
    for program in PROGRAMS {
        std::fs::write(scratch.path().join(program.name()), completion::of(program, Shell::Bash)).unwrap();
    }
    let script = r#"for file in *; do . ./$file || exit 1; done
        COMP_WORDS=(verify-zone --ig); COMP_CWORD=1
        set -- $(complete -p verify-zone); while [ "$1" != -F ]; do shift; done
        "$2" verify-zone --ig verify-zone; echo "${COMPREPLY[*]}""#;
    let ran = Process::new("bash").args(["-c", script]).current_dir(scratch.path()).output();
    let Ok(ran) = ran else {
        eprintln!("there is no bash here; {} was not completed", program.name());
        return;
    };
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), "--ignore-edited\n", "{}", String::from_utf8_lossy(&ran.stderr));
}

fn brands() -> Vec<Brand> {
    Brand::all(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()).unwrap()
}

#[test]
fn pages_of_brands_say_what_their_recipes_say() {
    let brands = brands();
    assert_eq!(brands.iter().map(|brand| brand.name.as_str()).collect::<Vec<_>>(), ["sparse-root", "whole-root"]);
    for brand in &brands {
        let text = readable(&brand.page().unwrap());
        let recipe = &brand.recipe;
        let paths = recipe.shares.iter().map(|share| &share.path).chain(&recipe.copied);
        for path in paths.chain(recipe.create.iter().map(|create| &create.path)) {
            assert!(text.contains(path.as_str()), "{path} is not in {}(7)", brand.name);
        }
        for hook in &brand.hooks {
            assert!(text.contains(hook.line.trim()), "{} is not in {}(7)", hook.element, brand.name);
        }
        for letter in brand.install_options.chars().filter(|letter| *letter != ':') {
            assert!(has_word(&text, &format!("-{letter}")), "-{letter} is not in {}(7)", brand.name);
        }
    }
}

/// Both brands have every hook, in their own folder and with their own name, in the form that zoneadm appends to.
#[test]
fn hooks_are_written_as_zoneadm_completes_them() {
    for brand in brands() {
        let line = |element: &str| {
            let hook = brand.hooks.iter().find(|hook| hook.element == element);
            hook.unwrap_or_else(|| panic!("{element} of {}", brand.name)).line.clone()
        };
        let (name, folder) = (&brand.name, format!("/usr/lib/brand/{}", brand.name));
        assert_eq!(line("install"), format!("{folder}/pkgcreatezone -b {name} -z %z -R %R"));
        for element in ["attach", "detach", "clone", "uninstall"] {
            assert_eq!(line(element), format!("{folder}/{element} -b {name} -z %z -R %R"));
        }
        assert_eq!(line("verify_cfg"), format!("{folder}/verify-cfg -b {name}"));
        assert_eq!(line("verify_adm"), format!("{folder}/verify-adm -b {name} %z %R "));
        assert_eq!(line("sysboot"), format!("{folder}/prestate -b {name} %z %R 2 0"));
        assert_eq!(line("prestatechange"), format!("{folder}/prestate -b {name} %z %R"));
        assert_eq!(line("poststatechange"), format!("{folder}/poststate -b {name} %z %R"));
        assert_eq!(line("query"), format!("{folder}/query -b {name} %z %R"));
    }
}

/// What `config.xml` names is installed.
#[test]
fn every_hook_is_a_program() {
    for brand in brands() {
        for hook in &brand.hooks {
            let known = PROGRAMS.iter().any(|program| program.file == hook.program());
            assert!(known, "{} of {}: {}", hook.element, brand.name, hook.line);
        }
    }
}
