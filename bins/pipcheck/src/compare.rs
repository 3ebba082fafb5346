//! What two lists of findings have in common, and what not.

use std::collections::{HashMap, HashSet};

use crate::check::Finding;

/// Two lists of findings, compared: a finding is the same if it is about the same, whatever the versions and words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// What only the new list has.
    pub new: Vec<Finding>,
    /// What only the old list has.
    pub gone: Vec<Finding>,
    /// What both have, as the new list has it.
    pub unchanged: Vec<Finding>,
}

impl Difference {
    /// Compares, in the order of the lists. Of what one list has more often, the rest is new or gone.
    #[must_use]
    pub fn between(old: Vec<Finding>, new: Vec<Finding>) -> Self {
        let mut is_gone = vec![true; old.len()];
        let mut left: HashMap<_, Vec<usize>> = HashMap::with_capacity(old.len());
        for (number, finding) in old.iter().enumerate().rev() {
            left.entry(finding.key()).or_default().push(number);
        }
        let was_there: Vec<bool> = new
            .iter()
            .map(|finding| {
                let number = left.get_mut(&finding.key()).and_then(Vec::pop);
                number.inspect(|number| is_gone[*number] = false).is_some()
            })
            .collect();
        let mut difference = Self::default();
        for (finding, was_there) in new.into_iter().zip(was_there) {
            if was_there { difference.unchanged.push(finding) } else { difference.new.push(finding) }
        }
        difference.gone = old.into_iter().zip(is_gone).filter(|(_, gone)| *gone).map(|(finding, _)| finding).collect();
        difference
    }

    /// What is gone, without what is only wrong in another way now: a requirement of which something new is found.
    pub fn repaired(&self) -> impl Iterator<Item = &Finding> {
        let about = |finding: &'_ Finding| Some((finding.distribution.clone(), finding.requirement.clone()?));
        let wrong: HashSet<_> = self.new.iter().filter_map(about).collect();
        self.gone.iter().filter(move |gone| about(gone).is_none_or(|about| !wrong.contains(&about)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Kind;

    fn finding(kind: Kind, requirement: &str, message: &str) -> Finding {
        let requirement = Some(requirement.to_owned());
        Finding { requirement, ..Finding::about(kind, "foo", None, message.to_owned()) }
    }

    #[test]
    fn findings_are_compared_by_what_they_are_about_and_counted() {
        let old = vec![
            finding(Kind::Missing, "a", "old words"),
            finding(Kind::Missing, "b", ""),
            finding(Kind::Missing, "b", ""),
            finding(Kind::Incompatible, "c", ""),
            finding(Kind::Missing, "d", ""),
        ];
        let new = vec![
            finding(Kind::Missing, "a", "new words"),
            finding(Kind::Missing, "b", ""),
            finding(Kind::Missing, "c", ""),
        ];
        let difference = Difference::between(old, new);
        assert_eq!(difference.new, [finding(Kind::Missing, "c", "")]);
        assert_eq!(
            difference.gone,
            [finding(Kind::Missing, "b", ""), finding(Kind::Incompatible, "c", ""), finding(Kind::Missing, "d", "")]
        );
        assert_eq!(difference.unchanged[0].message, "new words");
        let repaired: Vec<&str> = difference.repaired().filter_map(|it| it.requirement.as_deref()).collect();
        assert_eq!(repaired, ["b", "d"]);
    }
}
