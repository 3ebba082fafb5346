//! Findings to put up with: known, accepted, and written down with a reason.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::check::{Finding, Kind};
use crate::pep::ProjectName;
use crate::read::PythonVersion;

/// A day of the Gregorian calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "DateText")]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A text that is no date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no date; write it as 2027-01-31")]
pub struct BadDate(String);

/// Dates stand in TOML with or without quotes.
#[derive(Deserialize)]
#[serde(untagged)]
enum DateText {
    Date(toml::value::Datetime),
    Text(String),
}

impl TryFrom<DateText> for Date {
    type Error = BadDate;

    fn try_from(text: DateText) -> Result<Self, BadDate> {
        match text {
            DateText::Date(date) => date.to_string().parse(),
            DateText::Text(text) => text.parse(),
        }
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Date {
    type Err = BadDate;

    fn from_str(text: &str) -> Result<Self, BadDate> {
        let bad = || BadDate(text.to_owned());
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts.as_slice() else { return Err(bad()) };
        let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) || !digits(day, 2) {
            return Err(bad());
        }
        let number = |part: &str| part.parse::<u16>().map_err(|_| bad());
        let (year, month, day) = (number(year)?, number(month)? as u8, number(day)? as u8);
        if (1..=12).contains(&month) && (1..=days(year, month)).contains(&day) {
            Ok(Self { year, month, day })
        } else {
            Err(bad())
        }
    }
}

fn is_leap(year: u16) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

impl Date {
    /// The day that the clock of this machine shows.
    #[must_use]
    pub fn today() -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self::after(seconds / 86_400)
    }

    /// The day so many days after 1970-01-01.
    fn after(mut left: u64) -> Self {
        let mut date = Self { year: 1970, month: 1, day: 1 };
        loop {
            let year = if is_leap(date.year) { 366 } else { 365 };
            if left < year || date.year == u16::MAX {
                break;
            }
            left -= year;
            date.year += 1;
        }
        while left >= u64::from(days(date.year, date.month)) && date.month < 12 {
            left -= u64::from(days(date.year, date.month));
            date.month += 1;
        }
        date.day += left.min(30) as u8;
        date
    }
}

/// One entry of a waiver file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The distribution, or the package, that the finding is about.
    pub distribution: String,
    /// The requirement: as it is in the metadata, or only the project that is required. All if there is none.
    pub requirement: Option<String>,
    /// What is found; anything if there is none.
    pub kind: Option<Kind>,
    /// The Python that it is for; any if there is none.
    pub python: Option<String>,
    /// Why it is put up with.
    pub reason: String,
    /// The last day that it counts.
    pub expires: Option<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaiverFile {
    #[serde(default)]
    waiver: Vec<Waiver>,
}

/// A waiver file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`{}`: {problem}", path.display())]
pub struct WaiverError {
    path: PathBuf,
    problem: String,
}

/// A finding that is put up with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Waived {
    /// What was found.
    pub finding: Finding,
    /// Why it is put up with.
    pub reason: String,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Date>,
}

/// The waivers of a run, and whether each was of use.
#[derive(Debug, Default)]
pub struct Waivers {
    entries: Vec<(Waiver, PathBuf)>,
    used: Vec<bool>,
    today: Option<Date>,
}

impl Waivers {
    /// Reads waiver files. `today` is what expiry dates are compared with; the clock's day if there is none.
    ///
    /// # Errors
    /// [`WaiverError`]: a file cannot be read, or is not as it should be.
    pub fn read(paths: &[PathBuf], today: Option<Date>) -> Result<Self, WaiverError> {
        let mut entries = Vec::new();
        for path in paths {
            let failed = |problem: String| WaiverError { path: path.clone(), problem };
            let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
            let file: WaiverFile = toml::from_str(&text).map_err(|error| failed(one_line(&error)))?;
            for waiver in file.waiver {
                waiver.check().map_err(failed)?;
                entries.push((waiver, path.clone()));
            }
        }
        let used = vec![false; entries.len()];
        Ok(Self { entries, used, today: Some(today.unwrap_or_else(Date::today)) })
    }

    /// Takes those findings out that are put up with. A finding whose waiver has expired stays, and says so.
    pub fn apply(&mut self, findings: &mut Vec<Finding>, python: Option<&PythonVersion>) -> Vec<Waived> {
        let mut waived = Vec::new();
        findings.retain_mut(|finding| {
            let mut expired = None;
            for (index, (waiver, _)) in self.entries.iter().enumerate() {
                if !waiver.matches(finding, python) {
                    continue;
                }
                self.used[index] = true;
                match waiver.expires {
                    Some(date) if Some(date) < self.today => expired = Some(date),
                    expires => {
                        let (finding, reason) = (finding.clone(), waiver.reason.clone());
                        waived.push(Waived { finding, reason, expires });
                        return false;
                    }
                }
            }
            if let Some(date) = expired {
                finding.message.push_str(&format!(" (its waiver expired on {date})"));
            }
            true
        });
        waived
    }

    /// The waivers that matched nothing, in words.
    #[must_use]
    pub fn unmatched(&self) -> Vec<String> {
        let unused = self.entries.iter().zip(&self.used).filter(|(_, used)| !**used);
        unused.map(|((waiver, path), _)| format!("`{}`: {waiver} matches nothing any more", path.display())).collect()
    }
}

/// The words of a TOML error on one line.
pub(crate) fn one_line(error: &toml::de::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Waiver {
    fn check(&self) -> Result<(), String> {
        if self.reason.trim().is_empty() {
            return Err(format!("{self} has no reason"));
        }
        if let Some(python) = &self.python {
            python.parse::<PythonVersion>().map_err(|error| format!("{self}: {error}"))?;
        }
        Ok(())
    }

    fn matches(&self, finding: &Finding, python: Option<&PythonVersion>) -> bool {
        let same = |a: &str, b: &str| a == b || ProjectName::lenient(a) == ProjectName::lenient(b);
        let about = same(&self.distribution, &finding.distribution);
        let kind = self.kind.is_none_or(|kind| kind == finding.kind);
        let wanted = self.python.as_ref().and_then(|python| python.parse::<PythonVersion>().ok());
        let here = wanted.is_none_or(|wanted| python.is_none_or(|python| wanted.is_same_as(python)));
        let required = self.requirement.as_ref().is_none_or(|wanted| {
            finding.requirement.as_ref().is_some_and(|text| squeezed(text) == squeezed(wanted))
                || finding.dependency.as_ref().is_some_and(|name| same(name, wanted))
        });
        about && kind && here && required
    }
}

/// Blanks mean nothing in a requirement.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

impl fmt::Display for Waiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the waiver for `{}`", self.distribution)?;
        match &self.requirement {
            Some(requirement) => write!(f, " and `{requirement}`"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(distribution: &str, requirement: &str, dependency: &str) -> Finding {
        Finding {
            requirement: Some(requirement.to_owned()),
            dependency: Some(dependency.to_owned()),
            ..Finding::about(Kind::Incompatible, distribution, None, "it does not fit".to_owned())
        }
    }

    fn waivers(text: &str) -> Result<Waivers, WaiverError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Waivers::read(&[file.path().to_owned()], Some("2027-01-31".parse().unwrap()))
    }

    #[test]
    fn dates() {
        assert_eq!(Date::after(0).to_string(), "1970-01-01");
        assert_eq!(Date::after(19_782).to_string(), "2024-02-29");
        assert_eq!(Date::after(20_787).to_string(), "2026-11-30");
        for bad in ["2027-02-29", "2027-1-1", "27-01-01", "2027-13-01", "2027-00-01", "2027-01-+1", ""] {
            assert!(bad.parse::<Date>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_put_up_with_and_until_when() {
        let mut waivers = waivers(
            "[[waiver]]\ndistribution = 'AWS_cli'\nrequirement = 'docutils <=0.19'\nreason = 'a'\n\
             [[waiver]]\ndistribution = 'pelican'\nkind = 'incompatible'\nreason = 'b'\nexpires = 2027-01-31\n\
             [[waiver]]\ndistribution = 'rsa'\nreason = 'c'\nexpires = '2027-01-30'\n\
             [[waiver]]\ndistribution = 'gone'\nrequirement = 'x'\nreason = 'd'\n\
             [[waiver]]\ndistribution = 'pelican'\nkind = 'missing'\nreason = 'e'\n",
        )
        .unwrap();
        let mut findings = vec![
            finding("aws-cli", "docutils<=0.19", "docutils"),
            finding("aws-cli", "rsa<4.8", "rsa"),
            finding("pelican", "docutils>=0.22", "docutils"),
            finding("rsa", "pyasn1", "pyasn1"),
        ];
        let waived = waivers.apply(&mut findings, None);
        let reasons: Vec<_> = waived.iter().map(|waived| waived.reason.as_str()).collect();
        assert_eq!(reasons, ["a", "b"]);
        let left: Vec<_> = findings.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(left, ["it does not fit", "it does not fit (its waiver expired on 2027-01-30)"]);
        let unmatched = waivers.unmatched();
        assert_eq!(unmatched.len(), 2, "{unmatched:?}");
        assert!(unmatched[0].ends_with("the waiver for `gone` and `x` matches nothing any more"));
    }

    #[test]
    fn bad_files_are_refused() {
        for (text, word) in [
            ("[[waiver]]\ndistribution = 'x'\n", "reason"),
            ("[[waiver]]\ndistribution = 'x'\nreason = ' '\n", "has no reason"),
            ("[[waiver]]\ndistribution = 'x'\nreason = 'y'\nuntil = 1\n", "until"),
            ("[[waiver]]\ndistribution = 'x'\nreason = 'y'\nexpires = '2027'\n", "no date"),
            ("[[waiver]]\ndistribution = 'x'\nreason = 'y'\npython = 'three'\n", "no version of Python"),
            ("waiver = 1", "waiver"),
        ] {
            let error = waivers(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
