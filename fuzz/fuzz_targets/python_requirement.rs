//! Requirements and specifiers: what is printed is read back and means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipcheck::pep::{DeclaredVersion, Environment, Marker, Need, PreReleases, Requirement, Specifiers};

fuzz_target!(|text: &str| {
    let environment = Environment::illumos("3.13").expect("a version");
    let declared = DeclaredVersion::parse("1.2.3");
    if let Ok(specifiers) = Specifiers::parse(text)
        && specifiers.legacy().next().is_none()
    {
        let printed = specifiers.to_string();
        let again = Specifiers::parse(&printed).expect("what was printed is read");
        let contains = |specifiers: &Specifiers<'_>| specifiers.contains(&declared, PreReleases::Admit);
        assert_eq!(contains(&again), contains(&specifiers));
        assert_eq!(again.to_string(), printed);
    }
    let Ok(requirement) = Requirement::parse(text) else {
        return;
    };
    assert_eq!(requirement.raw(), text);
    if requirement.specifiers.legacy().next().is_none() {
        let printed = requirement.to_string();
        assert_eq!(Requirement::parse(&printed).expect("what was printed is read").to_string(), printed);
    }
    if let Some(marker) = &requirement.marker {
        let printed = marker.to_string();
        let again = Marker::parse(&printed).expect("what was printed is read");
        assert_eq!(again.evaluate(&environment, None), marker.evaluate(&environment, None));
        if let Ok(Need::Extras { named, .. }) = marker.need(&environment) {
            assert!(named.iter().all(|extra| marker.evaluate(&environment, Some(extra)) == Ok(true)));
        }
    }
});
