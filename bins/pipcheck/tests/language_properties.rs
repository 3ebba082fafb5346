//! What holds for every text: nothing panics, orders are orders, and what is printed is read back the same.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::HashSet;

use pipcheck::pep::{
    DeclaredVersion, Environment, ExtraName, Marker, Metadata, Need, PreReleases, ProjectName, Requirement, Specifiers,
    Variable, Version,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Numbers, many of them where the compact form of versions ends.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0..4u32).prop_map(|number| number.to_string()),
        1 => select(vec![
            "1023", "1024", "8190", "8191", "8192", "524287", "524288", "1048575", "1048576", "20240316", "33554431",
            "33554432", "18446744073709551615", "18446744073709551616", "99999999999999999999999", "007",
        ])
        .prop_map(str::to_owned),
    ]
}

fn release() -> impl Strategy<Value = String> {
    vec(number(), 1..7).prop_map(|numbers| numbers.join("."))
}

prop_compose! {
    /// A version in some spelling.
    fn version_text()(
        epoch in option::weighted(0.1, number()),
        release in release(),
        pre in option::weighted(0.3, (select(vec!["a", "b", "rc", ".ALPHA", "-beta.", "_c", "pre", "preview-"]), number())),
        post in option::weighted(0.2, (select(vec!["-", ".post", "rev", "_r.", "post-"]), number())),
        dev in option::weighted(0.2, (select(vec![".dev", "-DEV_", "dev"]), number())),
        local in option::weighted(0.2, select(vec!["+a", "+1", "+Ubuntu-1_2", "+0.a.18446744073709551616"])),
    ) -> String {
        let labelled = |part: Option<(&str, String)>| part.map(|(label, number)| format!("{label}{number}"));
        let epoch = epoch.map(|epoch| format!("{epoch}!"));
        let parts = [epoch, Some(release), labelled(pre), labelled(post), labelled(dev), local.map(str::to_owned)];
        parts.into_iter().flatten().collect()
    }
}

fn version() -> impl Strategy<Value = Version> {
    version_text().prop_map(|text| Version::parse(&text).unwrap())
}

/// A version that is near another one.
fn near(text: &str) -> impl Strategy<Value = String> + use<> {
    let text = text.split('+').next().unwrap().to_owned();
    select(vec!["", ".0", ".1", "a1", "a1.post1", "rc1.dev1", ".dev0", ".post0", ".post1.dev1", "+l", "+l.1"]).prop_map(
        move |more| {
            if Version::parse(&format!("{text}{more}")).is_ok() { format!("{text}{more}") } else { text.clone() }
        },
    )
}

fn two_versions() -> impl Strategy<Value = (Version, Version)> {
    version_text().prop_flat_map(|text| {
        let other = prop_oneof![near(&text), version_text()];
        (Just(text), other).prop_map(|(a, b)| (Version::parse(&a).unwrap(), Version::parse(&b).unwrap()))
    })
}

fn specifier() -> impl Strategy<Value = String> {
    prop_oneof![
        (select(vec!["==", "!="]), version_text()).prop_map(|(operator, version)| format!("{operator}{version}")),
        (select(vec!["==", "!="]), release()).prop_map(|(operator, release)| format!("{operator} {release}.*")),
        (select(vec!["<", ">", "<=", ">=", "~="]), version_text()).prop_map(|(operator, version)| {
            let public = version.split('+').next().unwrap().to_owned();
            let short = operator == "~=" && Version::parse(&public).unwrap().release().len() < 2;
            if short { format!(">={public}") } else { format!("{operator}{public}") }
        }),
        "===[a-z0-9.+]{1,8}".prop_map(|text| text),
    ]
}

fn specifiers() -> impl Strategy<Value = String> {
    vec(specifier(), 0..4).prop_map(|specifiers| specifiers.join(", "))
}

fn text_literal() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["3", "3.13", "3.13.*", "dog", "posix", "sunos5", "5.11", "", "A_b", "i86pc SunOS", "it's"])
            .prop_map(|text| format!("\"{text}\"")),
        "'[ -&(-\\[\\]-~]{0,6}'".prop_map(|text| text),
        "\"(\\\\\\\\|\\\\n|\\\\x41|\\\\'|[a-z\u{e9}])*\"".prop_map(|text| text),
    ]
}

fn comparison() -> impl Strategy<Value = String> {
    let variable = select(Variable::ALL.to_vec()).prop_map(|variable| variable.to_string());
    let operator = select(vec!["==", "!=", "<", ">", "<=", ">=", "~=", "===", " in ", " not in "]);
    (variable, operator, text_literal(), any::<bool>()).prop_map(|(variable, operator, text, turned)| {
        if turned { format!("{text}{operator}{variable}") } else { format!("{variable}{operator}{text}") }
    })
}

fn marker() -> impl Strategy<Value = String> {
    comparison().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (vec(inner.clone(), 2..4), select(vec![" and ", " or "])).prop_map(|(parts, word)| parts.join(word)),
            inner.prop_map(|inner| format!("( {inner} )")),
        ]
    })
}

fn requirement() -> impl Strategy<Value = String> {
    let name = "[A-Za-z0-9]([A-Za-z0-9._-]{0,8}[A-Za-z0-9])?";
    let extras = option::of(vec("[a-zA-Z][a-z0-9]{0,3}", 0..3).prop_map(|extras| format!("[{}]", extras.join(" , "))));
    let from =
        prop_oneof![specifiers(), specifiers().prop_map(|all| format!(" ({all})")), Just(" @ file:///a;b".into())];
    (name, extras, from, option::of(marker())).prop_map(|(name, extras, from, marker)| {
        let marker = marker.map(|marker| format!(" ; {marker}")).unwrap_or_default();
        format!("{name}{}{from}{marker}", extras.unwrap_or_default())
    })
}

/// Text of the characters that the parsers look at.
fn rubbish() -> impl Strategy<Value = String> {
    let word = select(vec![
        "and",
        "or",
        "not",
        "in",
        "extra",
        "os_name",
        "python_version",
        "==",
        "===",
        "~=",
        "<",
        "(",
        ")",
        "[",
        "]",
        ";",
        ",",
        "@",
        "'",
        "\"",
        "\\",
        " ",
        "1",
        "0!",
        ".",
        "*",
        ".*",
        "+",
        "-",
        "a",
        "dev",
        "post",
        "\u{e9}",
        "\0",
        "\n",
        "v",
        "9999999999999999999999",
        "Requires-Dist:",
        "Name:",
        "\r\n",
        "\t",
    ]);
    prop_oneof![vec(word, 0..24).prop_map(|words| words.concat()), any::<String>()]
}

fn illumos() -> Environment {
    Environment::illumos("3.13.15").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_normal_form_of_a_version_is_the_same_version(text in version_text()) {
        let version = Version::parse(&text).unwrap();
        let normal = version.to_string();
        let again = Version::parse(&normal).unwrap();
        prop_assert_eq!(&again, &version);
        prop_assert_eq!(again.to_string(), normal);
        prop_assert_eq!(again.release(), version.release());
        prop_assert!(version.public() <= version);
        prop_assert_eq!(version.base().release(), version.release());
        prop_assert_eq!(version.is_prerelease(), version.pre().is_some() || version.dev().is_some());
    }

    #[test]
    fn zeros_at_the_end_of_a_release_do_not_matter((version, zeros) in (release(), 0..6usize)) {
        let longer = format!("{version}{}", ".0".repeat(zeros));
        let (a, b) = (Version::parse(&version).unwrap(), Version::parse(&longer).unwrap());
        prop_assert_eq!(&a, &b);
        prop_assert_eq!(HashSet::from([a, b]).len(), 1);
    }

    #[test]
    fn the_order_of_versions_is_one((a, b) in two_versions(), c in version()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        if a == b {
            prop_assert_eq!(HashSet::from([a.clone(), b.clone()]).len(), 1);
        }
        let mut sorted = [a, b, c];
        sorted.sort();
        prop_assert!(sorted[0] <= sorted[1] && sorted[1] <= sorted[2] && sorted[0] <= sorted[2]);
    }

    #[test]
    fn operators_agree_with_each_other((a, b) in two_versions()) {
        let public = b.public();
        let text = a.to_string();
        let declared = DeclaredVersion::parse(&text);
        let holds = |operator: &str| {
            let text = format!("{operator}{public}");
            Specifiers::parse(&text).unwrap().contains(&declared, PreReleases::Admit)
        };
        prop_assert_eq!(holds("=="), !holds("!="));
        prop_assert_eq!(holds("=="), a.public() == public);
        prop_assert_eq!(holds("<="), a.public() <= public);
        prop_assert_eq!(holds(">="), a >= public);
        prop_assert!(!holds("<") || a < public);
        prop_assert!(!holds(">") || a > public);
        for (one, opposite) in [("<", ">="), (">", "<=")] {
            prop_assert!(!(holds(one) && holds(opposite)));
        }
        if public.release().len() > 1 {
            let mut series: Vec<String> = public.release().iter().map(ToString::to_string).collect();
            series.pop();
            let prefix = format!("=={}!{}.*", public.epoch(), series.join("."));
            let within = Specifiers::parse(&prefix).unwrap().contains(&declared, PreReleases::Admit);
            prop_assert_eq!(holds("~="), within && a >= public);
        }
    }

    #[test]
    fn no_version_passes_above_the_ceiling(specifiers in specifiers(), version in version_text()) {
        let specifiers = Specifiers::parse(&specifiers).unwrap();
        let declared = DeclaredVersion::parse(&version);
        if let Some(ceiling) = specifiers.ceiling()
            && specifiers.contains(&declared, PreReleases::Admit)
        {
            let public = declared.version().unwrap().public();
            let below = if ceiling.inclusive { public <= ceiling.version.public() } else { public < ceiling.version };
            prop_assert!(below, "{:?}", ceiling);
        }
    }

    #[test]
    fn specifiers_are_all_asked(text in specifiers(), version in version_text()) {
        let specifiers = Specifiers::parse(&text).unwrap();
        prop_assert!(specifiers.legacy().next().is_none());
        let declared = DeclaredVersion::parse(&version);
        let each = specifiers.iter().all(|one| {
            let text = one.to_string();
            Specifiers::parse(&text).unwrap().contains(&declared, PreReleases::Admit)
        });
        prop_assert_eq!(specifiers.contains(&declared, PreReleases::Admit), each);
        prop_assert_eq!(specifiers.rejecting(&declared).is_none(), each);
        let admitted = !declared.version().unwrap().is_prerelease();
        prop_assert_eq!(specifiers.contains(&declared, PreReleases::Refuse), each && admitted);
        let printed = specifiers.to_string();
        let again = Specifiers::parse(&printed).unwrap();
        prop_assert_eq!(again.contains(&declared, PreReleases::Admit), each);
        prop_assert_eq!(again.to_string(), printed);
    }

    #[test]
    fn a_printed_marker_means_the_same(text in marker(), extra in option::of("[a-zA-Z_.]{1,3}")) {
        let marker = Marker::parse(&text).unwrap();
        let printed = marker.to_string();
        let again = Marker::parse(&printed).unwrap();
        prop_assert_eq!(&again.to_string(), &printed);
        let extra = extra.as_deref().map(ExtraName::lenient);
        prop_assert_eq!(again.evaluate(&illumos(), extra.as_ref()), marker.evaluate(&illumos(), extra.as_ref()));
        prop_assert_eq!(again.variables(), marker.variables());
    }

    #[test]
    fn a_need_is_what_evaluating_finds(text in marker(), other in "[a-z]{12}") {
        let marker = Marker::parse(&text).unwrap();
        let evaluate = |extra: Option<&ExtraName<'_>>| marker.evaluate(&illumos(), extra);
        let Ok(need) = marker.need(&illumos()) else {
            return Ok(());
        };
        prop_assert_eq!(need == Need::Always, evaluate(None) == Ok(true));
        let mentioned = marker.extras();
        match need {
            Need::Always => {}
            Need::Never => {
                for extra in mentioned.iter().chain([&ExtraName::lenient(&other)]) {
                    prop_assert_eq!(evaluate(Some(extra)), Ok(false));
                }
            }
            Need::Extras { named, others } => {
                prop_assert!(marker.mentions_extra());
                for extra in &mentioned {
                    prop_assert_eq!(evaluate(Some(extra)), Ok(named.contains(extra)));
                }
                prop_assert_eq!(evaluate(Some(&ExtraName::lenient(&other))), Ok(others));
            }
        }
    }

    #[test]
    fn and_and_or_are_those_of_logic(a in marker(), b in marker()) {
        let evaluate = |text: &str| Marker::parse(text).unwrap().evaluate(&illumos(), None);
        let (one, two) = (evaluate(&a), evaluate(&b));
        let both = evaluate(&format!("({a}) and ({b})"));
        let either = evaluate(&format!("({a}) or ({b})"));
        if let (Ok(one), Ok(two)) = (one, two) {
            prop_assert_eq!(both, Ok(one && two));
            prop_assert_eq!(either, Ok(one || two));
        }
        // What is undefined matters only where the other side does not decide.
        prop_assert_eq!(both == Ok(false), one == Ok(false) || two == Ok(false));
        prop_assert_eq!(either == Ok(true), one == Ok(true) || two == Ok(true));
    }

    #[test]
    fn a_printed_requirement_is_the_same(text in requirement()) {
        let requirement = Requirement::parse(&text).unwrap();
        prop_assert_eq!(requirement.raw(), &text);
        let printed = requirement.to_string();
        let again = Requirement::parse(&printed).unwrap();
        prop_assert_eq!(again.to_string(), printed.clone());
        prop_assert_eq!(&again.name, &requirement.name);
        prop_assert_eq!(again.url, requirement.url);
        prop_assert_eq!(again.marker.is_some(), requirement.marker.is_some());
    }

    #[test]
    fn nothing_panics(text in rubbish(), bytes in vec(any::<u8>(), 0..64)) {
        let declared = DeclaredVersion::parse(&text);
        if let Some(version) = declared.version() {
            prop_assert_eq!(&Version::parse(&version.to_string()).unwrap(), version);
        }
        if let Ok(specifiers) = Specifiers::parse(&text) {
            let _ = (specifiers.contains(&declared, PreReleases::WhenMentioned), specifiers.ceiling(), specifiers.to_string());
        }
        if let Ok(marker) = Marker::parse(&text) {
            let _ = (marker.need(&illumos()), marker.to_string());
        }
        match Requirement::parse(&text) {
            Ok(requirement) => prop_assert!(ProjectName::parse(requirement.name.raw()).is_ok()),
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.column), "{error}"),
        }
        for bytes in [text.as_bytes(), &bytes] {
            let mut metadata = Metadata::parse(bytes);
            metadata.add_requires_txt(bytes, &mut Default::default()).unwrap();
            let _ = metadata.requires_dist().map(Requirement::parse).count();
        }
    }

    #[test]
    fn headers_are_read_alike_however_they_are_written(
        requirements in vec(requirement(), 0..6),
        crlf in any::<bool>(),
        fold in any::<bool>(),
        mark in any::<bool>(),
    ) {
        let mut text = String::from(if mark { "\u{feff}" } else { "" });
        text.push_str("Metadata-Version: 2.1\nNAME: a\nVersion:1\nSummary: x\n\tName: b\n");
        for requirement in &requirements {
            let folded = if fold { requirement.replacen(" ; ", "\n   ; ", 1) } else { requirement.clone() };
            text.push_str(&format!("Requires-dist:  {folded} \n"));
        }
        text.push_str("\nName: c\nRequires-Dist: not this\n");
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let metadata = Metadata::parse(text.as_bytes());
        prop_assert_eq!((metadata.name(), metadata.version()), (Some("a"), Some("1")));
        let plain: Vec<String> = metadata.requires_dist().map(str::to_owned).collect();
        prop_assert_eq!(plain, requirements.iter().map(|text| text.trim().to_owned()).collect::<Vec<_>>());
        prop_assert_eq!(metadata.problems().len(), usize::from(mark));
        // One byte at a time.
        let slow = Metadata::read(OneByOne(text.as_bytes()), &mut Default::default()).unwrap();
        prop_assert_eq!(slow, metadata);
    }
}

/// A file that gives one byte at a time.
struct OneByOne<'a>(&'a [u8]);

impl std::io::Read for OneByOne<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let end = buffer.len().min(1);
        self.0.read(&mut buffer[..end])
    }
}
