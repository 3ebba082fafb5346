//! What a user of the language half notices: messages, leniency, bounds, and the files that real distributions have.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::io::{self, Read};

use pipcheck::pep::{
    DeclaredVersion, Environment, ExtraName, Marker, Metadata, Need, PreReleases, ProblemKind, Reason, Requirement,
    Scratch, Specifiers, Undefined, Variable,
};

fn illumos() -> Environment {
    Environment::illumos("3.13").unwrap()
}

#[track_caller]
fn refused(text: &str, message: &str) {
    assert_eq!(Requirement::parse(text).unwrap_err().to_string(), message, "{text}");
}

#[test]
fn a_refused_requirement_says_why_and_where() {
    refused("", "expected the name of a project, found the end (column 1)");
    refused("-e .", "expected the name of a project, found `-` (column 1)");
    refused("foo.", "expected a letter or digit at the end of a name, found the end (column 5)");
    refused("foo bar", "expected `[` and extras, a version specifier, `@`, `;` or the end, found `b` (column 5)");
    refused("foo[a", "`[` is not closed (column 4)");
    refused("foo[a b]", "expected `,` or `]`, found `b` (column 7)");
    refused("foo[a,]", "expected the name of an extra, found `]` (column 7)");
    refused("foo (>=1", "`(` is not closed (column 5)");
    refused("foo>=2004d", "`2004d` is not a version (PEP 440) (column 6)");
    refused("foo>=1.0.org1,<2", "`1.0.org1` is not a version (PEP 440) (column 6)");
    refused("foo~=1", "`~=` needs a version of at least two numbers, `1` has one (column 6)");
    refused("foo==1.0a1.*", "`.*` may follow only the numbers of a release, after `==` or `!=` (column 6)");
    refused("foo==1.0+x.*", "`.*` may follow only the numbers of a release, after `==` or `!=` (column 6)");
    refused("foo>=1.0+x", "a local version (`+...`) may follow only `==` or `!=` (column 6)");
    refused("foo @ ", "expected an address, found the end (column 7)");
    refused("foo; os_nam == 'a'", "`os_nam` is no marker variable; text has to be quoted (column 6)");
    refused(
        "foo; os_name = 'a'",
        "expected an operator: one of `<=`, `<`, `!=`, `==`, `>=`, `>`, `~=`, `===`, `in`, `not in`, found `=` (column 14)",
    );
    refused("foo; (os_name == 'a'", "`(` is not closed (column 6)");
    refused("foo; os_name == 'a", "`'` is not closed (column 17)");
    refused("foo; os_name == '\\x'", "an escape that is no character in quoted text (column 17)");
    refused("caf\u{e9}\u{2028}", "expected a letter or digit at the end of a name, found `\u{e9}` (column 4)");
    refused("foo; extra == 'a' \n", "expected `and`, `or` or the end, found `\\n` (column 19)");
}

/// The legacy forms that the specifiers need, and whether they take a version.
#[track_caller]
fn lenient(text: &str, forms: &[&str], version: &str, contained: bool) {
    let specifiers = Specifiers::parse(text).unwrap();
    let told: Vec<String> = specifiers.legacy().map(|(one, why)| format!("{one}: {why}")).collect();
    assert_eq!(told, forms, "{text}");
    assert_eq!(specifiers.contains(&DeclaredVersion::parse(version), PreReleases::Admit), contained, "{text}");
}

#[test]
fn old_forms_of_specifiers_are_read_with_a_warning() {
    let prefix = "`.*` may follow only `==` or `!=`; read without it";
    lenient(">=2.0.*", &[&format!(">=2.0.*: {prefix}")], "2.0", true);
    lenient("<3.*,>=2", &[&format!("<3.*: {prefix}")], "3.0", false);
    lenient("!=3.0*", &["!=3.0*: `*` without a dot before it; read as `.*`"], "3.0.4", false);
    lenient(">=1 <2", &["<2: no comma before it; read as if there were one"], "2.1", false);
    lenient(">='2.7'", &[">=2.7: the version is quoted; read without the quotes"], "2.7", true);
    lenient(">=1,<2,", &[], "1.5", true);
    for text in ["~=2.0.*", ">=1a*", ">1<", "=1", ">='1", "1.0"] {
        assert!(Specifiers::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_version_that_is_none_satisfies_only_its_own_text() {
    let declared = DeclaredVersion::parse(" 2004d ");
    assert_eq!((declared.text(), declared.version()), ("2004d", None));
    let contains = |text| Specifiers::parse(text).unwrap().contains(&declared, PreReleases::Admit);
    assert!(contains("===2004D") && contains(""));
    assert!(!contains(">=0") && !contains("!=1") && !contains("===2004"));
}

#[test]
fn pre_releases_are_a_matter_of_policy() {
    let specifiers = Specifiers::parse(">=1.0,<3").unwrap();
    let naming = Specifiers::parse(">=1.0a1,<3").unwrap();
    let declared = DeclaredVersion::parse("2.0rc1");
    assert!(specifiers.contains(&declared, PreReleases::Admit));
    assert!(!specifiers.contains(&declared, PreReleases::WhenMentioned));
    assert!(naming.contains(&declared, PreReleases::WhenMentioned));
    assert!(!naming.contains(&declared, PreReleases::Refuse));
    assert!(!Specifiers::parse("!=1.0a1").unwrap().mention_prerelease());
}

#[test]
fn the_ceiling_is_the_tightest_bound() {
    let ceiling = |text: &str| {
        let specifiers = Specifiers::parse(text).unwrap();
        specifiers.ceiling().map(|bound| (bound.specifier.to_string(), bound.version.to_string(), bound.inclusive))
    };
    let bound = |specifier: &str, version: &str, inclusive| Some((specifier.into(), version.into(), inclusive));
    assert_eq!(ceiling(">=1,!=3,>0"), None);
    assert_eq!(ceiling("<3,~=1.4.2"), bound("~=1.4.2", "1.5", false));
    assert_eq!(ceiling("<=2,<2"), bound("<2", "2", false));
    assert_eq!(ceiling("==1.*,<9"), bound("==1.*", "2", false));
    assert_eq!(
        ceiling("~=1!1.18446744073709551615.0"),
        bound("~=1!1.18446744073709551615.0", "1!1.18446744073709551616", false)
    );
}

#[test]
fn the_environment_is_that_of_illumos_unless_it_is_set() {
    let mut environment = illumos();
    let told = |environment: &Environment, marker: &str| Marker::parse(marker).unwrap().evaluate(environment, None);
    for holds in [
        "sys_platform == 'sunos5' and platform_system == 'SunOS' and os_name == 'posix'",
        "platform_machine == 'i86pc' and implementation_name == 'cpython'",
        "python_version == '3.13' and python_full_version == '3.13.0' and implementation_version >= '3.13'",
        "platform_python_implementation == 'CPython' and platform_release == '5.11'",
    ] {
        assert_eq!(told(&environment, holds), Ok(true), "{holds}");
    }
    environment.set(Variable::PlatformMachine, "sun4v");
    environment.set_python("3.14.0b2+").unwrap();
    assert_eq!(told(&environment, "platform_machine == 'sun4v' and python_version > '3.13'"), Ok(true));
    assert_eq!(told(&environment, "python_full_version < '3.14'"), Ok(false));
    assert_eq!(told(&environment, "python_full_version > '3.14.0b1'"), Ok(true));
    assert_eq!("python_implementation".parse(), Ok(Variable::PlatformPythonImplementation));
    assert!("platform".parse::<Variable>().is_err());
    assert!(Environment::illumos("three").is_err());
}

#[test]
fn what_needs_a_requirement_is_told() {
    let need = |marker: &str| Marker::parse(marker).unwrap().need(&illumos()).map(|need| format!("{need}"));
    let told = |text: &str| Ok(text.to_owned());
    assert_eq!(need("python_version > '3'"), told("always"));
    assert_eq!(need("extra == 'b' or extra == 'A'"), told("with the extra a or b"));
    assert_eq!(need("extra == 'b' and os_name == 'nt'"), told("never"));
    assert_eq!(need("extra != ''"), told("with any extra that is not named"));
    assert_eq!(need("extra == 'a' or extra not in 'b'"), told("with the extra a or any extra that is not named"));
    assert_eq!(need("extra != '' and extra != 'x'"), told("with any extra that is not named"));
    assert_eq!(need("'x' in extras"), Err(Undefined::NoValue(Variable::Extras)));
    assert_eq!(need("os_name == 'nt' and 'x' in extras"), told("never"));
    assert_eq!(need("os_name ~= '1.0'").unwrap_err().to_string(), "`~=` compares versions, and one side of it is none");
    assert_eq!(need("'a' == 'a'"), Err(Undefined::NoVariable));
    let marker = Marker::parse("extra == 'Foo.Bar'").unwrap();
    assert_eq!(marker.need(&illumos()), Ok(Need::Extras { named: vec![ExtraName::lenient("foo-bar")], others: false }));
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("foo; {}os_name == 'a'{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Requirement::parse(&nested(100)).is_ok());
    for depth in [101, 3_000] {
        let text = nested(depth);
        let error = Requirement::parse(&text).unwrap_err();
        assert_eq!((error.reason, error.column), (Reason::Nesting, 106));
    }
}

#[test]
fn length_is_bounded() {
    let long = "(".repeat(5_000_000);
    assert_eq!(Marker::parse(&long).unwrap_err().reason, Reason::TooLong);
    assert_eq!(Requirement::parse(&long).unwrap_err().to_string(), "it is longer than 8 KiB (column 1)");
    assert_eq!(Specifiers::parse(&">=1,".repeat(10_000)).unwrap_err().reason, Reason::TooLong);
    let all = ">=1,".repeat(2_000);
    assert_eq!(Specifiers::parse(&all).unwrap().to_string(), ">=1");
}

const TYPICAL: &str = "Metadata-Version: 2.4\nName: Foo.Bar\nVersion: 1.0\nSummary: a: b\nRequires-Python: >=3.9\n\
    Requires-Dist: a>=1\nRequires-Dist: b ; extra == 'x'\nProvides-Extra: x\n\nName: not this\n";

fn kinds(metadata: &Metadata) -> Vec<(usize, ProblemKind)> {
    metadata.problems().iter().map(|problem| (problem.line, problem.kind)).collect()
}

#[test]
fn headers_are_read_and_the_description_is_not() {
    let metadata = Metadata::parse(TYPICAL.as_bytes());
    assert_eq!((metadata.name(), metadata.version()), (Some("Foo.Bar"), Some("1.0")));
    assert_eq!(metadata.requires_python(), Some(">=3.9"));
    assert_eq!(metadata.requires_dist().collect::<Vec<_>>(), ["a>=1", "b ; extra == 'x'"]);
    assert_eq!(metadata.provides_extra().collect::<Vec<_>>(), ["x"]);
    assert_eq!(kinds(&metadata), []);
}

#[test]
fn bad_headers_are_told_and_the_rest_is_read() {
    let metadata = Metadata::parse(
        b"\xef\xbb\xbfName : foo\nno colon here\nVersion: 1\nVersion: 2\nRequires-Dist:\n a\n >=1,\n\t<2\n  \n\
          Requires-Dist: caf\xe9\nAuthor: Ren\xe9\nRequires-Python:\n",
    );
    assert_eq!((metadata.name(), metadata.version(), metadata.requires_python()), (Some("foo"), Some("1"), None));
    assert_eq!(metadata.requires_dist().collect::<Vec<_>>(), ["a >=1, <2", "caf\u{e9}"]);
    assert_eq!(
        kinds(&metadata),
        [
            (1, ProblemKind::ByteOrderMark),
            (1, ProblemKind::BlankBeforeColon),
            (2, ProblemKind::NoColon),
            (4, ProblemKind::Repeated("Version")),
            (10, ProblemKind::NotUtf8("Requires-Dist")),
        ]
    );
    assert_eq!(metadata.problems()[3].to_string(), "line 4: `Version` is there more than once; the first counts");
}

#[test]
fn a_file_that_is_no_metadata_has_few_problems_and_no_name() {
    for bytes in [&b"\0\x01\xff\n".repeat(10_000)[..], b"", b"\n\nName: foo\n", b"\x7fELF"] {
        let metadata = Metadata::parse(bytes);
        assert_eq!((metadata.name(), metadata.version()), (None, None));
        assert!(metadata.problems().len() <= 17);
    }
    let last = *Metadata::parse(&b"x\n".repeat(100)).problems().last().unwrap();
    assert_eq!((last.line, last.kind), (17, ProblemKind::More));
}

/// A file that never ends, and counts what is read of it.
struct Endless<'a> {
    start: &'a [u8],
    line: &'a [u8],
    read: usize,
}

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for byte in &mut *buffer {
            let at = self.read;
            *byte = *self.start.get(at).unwrap_or_else(|| &self.line[(at - self.start.len()) % self.line.len()]);
            self.read += 1;
        }
        Ok(buffer.len())
    }
}

#[test]
fn only_the_headers_are_read_of_a_file() {
    let mut file = Endless { start: TYPICAL.as_bytes(), line: b"a long description\n", read: 0 };
    let metadata = Metadata::read(&mut file, &mut Scratch::default()).unwrap();
    assert_eq!(metadata, Metadata::parse(TYPICAL.as_bytes()));
    assert!(file.read <= 8 << 10);
}

#[test]
fn headers_without_an_end_are_cut_off() {
    for line in [&b"Requires-Dist: aaaaaaaaaaaaaaaaaaaaa\n"[..], b"Name: b\n", b" folded\n", b"x", b"\xff:\xff\n"] {
        let mut file = Endless { start: b"Name: a\nVersion: 1\n", line, read: 0 };
        let metadata = Metadata::read(&mut file, &mut Scratch::default()).unwrap();
        assert_eq!(metadata.name(), Some("a"));
        assert!(
            metadata.problems().iter().any(|problem| matches!(problem.kind, ProblemKind::TooLong | ProblemKind::More))
        );
        assert!(file.read <= 2 << 20);
    }
}

#[test]
fn ten_thousand_requirements_are_read() {
    let mut text = String::from("Name: a\nVersion: 1\n");
    for number in 0..10_000 {
        text.push_str(&format!(
            "Requires-Dist: project-{number} (>=1.{number},<2) ; python_version >= '3.9' and extra == 'e{number}'\n"
        ));
    }
    text.push('\n');
    let metadata = Metadata::read(text.as_bytes(), &mut Scratch::default()).unwrap();
    let requirements = metadata.requires_dist().map(|text| Requirement::parse(text).unwrap());
    let extras = requirements.map(|requirement| requirement.marker.unwrap().need(&illumos()).unwrap().to_string());
    assert_eq!(extras.last().as_deref(), Some("with the extra e9999"));
    assert_eq!(kinds(&metadata), []);
}

/// Headers that end at every place around the pieces in which files are read.
#[test]
fn the_end_of_the_headers_is_found_wherever_it_is() {
    for ending in ["\n", "\r\n"] {
        for length in (8 << 10) - 40..(8 << 10) + 8 {
            let start = format!("Name: a{ending}Keywords: ");
            let text =
                format!("{start}{}{ending}Version: 1{ending}{ending}Version: 2", "k".repeat(length - start.len()));
            let metadata = Metadata::read(text.as_bytes(), &mut Scratch::default()).unwrap();
            assert_eq!((metadata.version(), metadata.problems()), (Some("1"), &[][..]), "{length}");
        }
    }
}

#[test]
fn requires_txt_says_what_requires_dist_would() {
    let mut metadata = Metadata::parse(b"Name: a\nVersion: 1\n");
    let text = b"b>=1\n\n# a comment\n[test]\npytest\n\n[:python_version < \"3\"]\nfutures\n\n[t_e:os_name == 'nt']\nc; extra == 'x'\n";
    metadata.add_requires_txt(&text[..], &mut Scratch::default()).unwrap();
    assert_eq!(
        metadata.requires_dist().collect::<Vec<_>>(),
        [
            "b>=1",
            "pytest ; extra == \"test\"",
            "futures ; python_version < \"3\"",
            "c ; (extra == 'x') and (os_name == 'nt') and extra == \"t_e\"",
        ]
    );
    assert_eq!(metadata.provides_extra().collect::<Vec<_>>(), ["test", "t_e"]);
    assert_eq!((metadata.name(), metadata.version()), (Some("a"), Some("1")));
    // setuptools writes both since it writes Requires-Dist.
    let before = Metadata::parse(TYPICAL.as_bytes());
    let mut after = before.clone();
    after.add_requires_txt(&text[..], &mut Scratch::default()).unwrap();
    assert_eq!(after, before);
}

#[test]
fn a_failing_read_is_an_error() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("bad sector"))
        }
    }
    assert_eq!(Metadata::read(Failing, &mut Scratch::default()).unwrap_err().to_string(), "bad sector");
}
