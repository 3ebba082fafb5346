//! Environment markers (PEP 508): when a requirement counts.

pub(super) mod parse;

use std::borrow::Cow;
use std::fmt;

use super::environment::{Environment, Variable};
use super::error::ParseError;
use super::name::ExtraName;
use super::scan::Cursor;
use super::specifier::{Operator, Specifier};
use super::version::{DeclaredVersion, Version};

/// A marker.
#[derive(Clone, Debug)]
pub struct Marker<'a>(Node<'a>);

/// A part of a marker. Those of several parts know whether parentheses stood around them, which matters only for how
/// they are printed.
#[derive(Clone, Debug)]
enum Node<'a> {
    Compare(Comparison<'a>),
    All(Vec<Node<'a>>, Parentheses),
    Any(Vec<Node<'a>>, Parentheses),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parentheses {
    With,
    Without,
}

/// `python_version < "3"`.
#[derive(Clone, Debug)]
struct Comparison<'a> {
    left: Operand<'a>,
    operator: MarkerOperator,
    right: Operand<'a>,
}

#[derive(Clone, Debug)]
enum Operand<'a> {
    Variable(Variable),
    Text(Cow<'a, str>),
}

/// How a marker compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MarkerOperator {
    /// As specifiers do.
    Compare(Operator),
    /// `in`: the left text is part of the right.
    In,
    /// `not in`
    NotIn,
}

/// A comparison that has no meaning, and on which the marker depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undefined {
    /// A variable that this kind of file has not.
    #[error("`{0}` has no value in package metadata")]
    NoValue(Variable),
    /// An operator that is only for versions.
    #[error("`{0}` compares versions, and one side of it is none")]
    NotVersions(Operator),
    /// A comparison for which a set of names is no operand.
    #[error("`{0}` is a set, of which only `\"name\" in {0}` can be asked")]
    Set(Variable),
    /// A comparison of two quoted texts.
    #[error("two quoted texts are compared, and no variable")]
    NoVariable,
}

/// What makes a requirement count in an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need<'m> {
    /// It counts.
    Always,
    /// It counts if an extra of the project is asked for.
    Extras {
        /// Those that the marker names, sorted.
        named: Vec<ExtraName<'m>>,
        /// Whether any that it does not name will do too.
        others: bool,
    },
    /// It does not count, whichever extra is asked for.
    Never,
}

impl<'a> Marker<'a> {
    /// Reads a marker.
    ///
    /// # Errors
    /// [`ParseError`] if it is none, or is nested too deep.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        let mut cursor = Cursor::bounded(text)?;
        let marker = parse::marker(&mut cursor)?;
        if cursor.at_end() { Ok(marker) } else { Err(cursor.expected("`and`, `or` or the end")) }
    }

    /// Whether it holds in `environment` where `extra` is asked for, or none. What does not matter to the result is
    /// not looked at.
    ///
    /// # Errors
    /// [`Undefined`] if the result depends on a comparison without a meaning.
    pub fn evaluate(&self, environment: &Environment, extra: Option<&ExtraName<'_>>) -> Result<bool, Undefined> {
        self.0.evaluate(environment, extra.map_or("", |extra| extra.as_str()))
    }

    /// What makes it hold in `environment`.
    ///
    /// # Errors
    /// [`Undefined`] if that depends on a comparison without a meaning.
    pub fn need(&self, environment: &Environment) -> Result<Need<'_>, Undefined> {
        if self.evaluate(environment, None)? {
            return Ok(Need::Always);
        }
        let mut named = Vec::new();
        for extra in self.extras() {
            if self.evaluate(environment, Some(&extra))? {
                named.push(extra);
            }
        }
        let others = self.mentions_extra() && self.evaluate(environment, Some(&ExtraName::lenient("\0")))?;
        Ok(if named.is_empty() && !others { Need::Never } else { Need::Extras { named, others } })
    }

    /// Whether it asks for the extra.
    #[must_use]
    pub fn mentions_extra(&self) -> bool {
        self.variables().contains(&Variable::Extra)
    }

    /// The extras that it names, sorted.
    #[must_use]
    pub fn extras(&self) -> Vec<ExtraName<'_>> {
        let mut extras = Vec::new();
        self.0.visit(&mut |comparison| match (&comparison.left, &comparison.right) {
            (Operand::Variable(Variable::Extra), Operand::Text(text))
            | (Operand::Text(text), Operand::Variable(Variable::Extra)) => extras.push(ExtraName::lenient(text)),
            _ => {}
        });
        extras.sort_unstable();
        extras.dedup();
        extras
    }

    /// The variables that it asks for, in its order.
    #[must_use]
    pub fn variables(&self) -> Vec<Variable> {
        let mut variables = Vec::new();
        self.0.visit(&mut |comparison| {
            let asked = match (&comparison.left, &comparison.right) {
                (Operand::Variable(variable), _) | (_, Operand::Variable(variable)) => *variable,
                _ => return,
            };
            if !variables.contains(&asked) {
                variables.push(asked);
            }
        });
        variables
    }
}

impl<'a> Node<'a> {
    fn evaluate(&self, environment: &Environment, extra: &str) -> Result<bool, Undefined> {
        let (parts, deciding) = match self {
            Self::Compare(comparison) => return comparison.evaluate(environment, extra),
            Self::All(parts, _) => (parts, false),
            Self::Any(parts, _) => (parts, true),
        };
        let mut result = Ok(!deciding);
        for part in parts {
            match part.evaluate(environment, extra) {
                Ok(value) if value == deciding => return Ok(value),
                Ok(_) => {}
                undefined => result = result.and(undefined),
            }
        }
        result
    }

    fn visit<'m>(&'m self, each: &mut impl FnMut(&'m Comparison<'a>)) {
        match self {
            Self::Compare(comparison) => each(comparison),
            Self::All(parts, _) | Self::Any(parts, _) => parts.iter().for_each(|part| part.visit(each)),
        }
    }
}

impl Comparison<'_> {
    fn evaluate(&self, environment: &Environment, extra: &str) -> Result<bool, Undefined> {
        match (&self.left, &self.right) {
            (Operand::Variable(variable), _) if variable.is_set() => Err(match environment.set_of(*variable) {
                Some(_) => Undefined::Set(*variable),
                None => Undefined::NoValue(*variable),
            }),
            (Operand::Text(name), Operand::Variable(variable)) if variable.is_set() => {
                self.member(name, *variable, environment)
            }
            // The right side of two variables is its own name, as in the reference implementation.
            (Operand::Variable(variable), right) => {
                let left = environment.get(*variable).unwrap_or(extra);
                let version = environment.version(*variable).filter(|_| variable.is_version());
                self.compare(*variable, left, version, right.text())
            }
            (Operand::Text(text), Operand::Variable(variable)) => {
                let right = environment.get(*variable).unwrap_or(extra);
                let version = variable.is_version().then(|| DeclaredVersion::known(text, Version::parse(text).ok()));
                self.compare(*variable, text, version, right)
            }
            (Operand::Text(_), Operand::Text(_)) => Err(Undefined::NoVariable),
        }
    }

    fn member(&self, name: &str, set: Variable, environment: &Environment) -> Result<bool, Undefined> {
        let names = environment.set_of(set).ok_or(Undefined::NoValue(set))?;
        let contained = names.iter().any(|member| **member == *ExtraName::lenient(name).as_str());
        match self.operator {
            MarkerOperator::In => Ok(contained),
            MarkerOperator::NotIn => Ok(!contained),
            MarkerOperator::Compare(_) => Err(Undefined::Set(set)),
        }
    }

    /// Compares two texts: as versions if there is a `version` that `left` is or was meant to be, and `right` is one.
    fn compare(
        &self,
        variable: Variable,
        left: &str,
        version: Option<DeclaredVersion<'_>>,
        right: &str,
    ) -> Result<bool, Undefined> {
        let operator = match self.operator {
            MarkerOperator::In => return Ok(contains(variable, right, left)),
            MarkerOperator::NotIn => return Ok(!contains(variable, right, left)),
            MarkerOperator::Compare(operator) => operator,
        };
        if let Some(version) = version
            && let Some(specifier) = Specifier::exactly(operator, right)
        {
            return Ok(specifier.contains(&version));
        }
        match operator {
            Operator::Equal | Operator::LessEqual | Operator::GreaterEqual => Ok(equal(variable, left, right)),
            Operator::NotEqual => Ok(!equal(variable, left, right)),
            Operator::Less | Operator::Greater => Ok(false),
            Operator::Compatible | Operator::Identical => Err(Undefined::NotVersions(operator)),
        }
    }
}

fn equal(variable: Variable, left: &str, right: &str) -> bool {
    if variable == Variable::Extra { ExtraName::lenient(left) == ExtraName::lenient(right) } else { left == right }
}

fn contains(variable: Variable, whole: &str, part: &str) -> bool {
    if variable == Variable::Extra {
        ExtraName::lenient(whole).as_str().contains(ExtraName::lenient(part).as_str())
    } else {
        whole.contains(part)
    }
}

impl Operand<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Variable(variable) => variable.as_str(),
            Self::Text(text) => text,
        }
    }
}

impl fmt::Display for MarkerOperator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Compare(operator) => operator.as_str(),
            Self::In => "in",
            Self::NotIn => "not in",
        })
    }
}

/// As it follows "it counts".
impl fmt::Display for Need<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => formatter.write_str("always"),
            Self::Never => formatter.write_str("never"),
            Self::Extras { named, others } => {
                let mut names: Vec<&str> = named.iter().map(ExtraName::as_str).collect();
                let article = if names.is_empty() { "" } else { "the extra " };
                names.extend(others.then_some("any extra that is not named"));
                write!(formatter, "with {article}{}", names.join(" or "))
            }
        }
    }
}

/// In double quotes, with no more parentheses than matter, and extras normalised.
impl fmt::Display for Marker<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.print(formatter, true)
    }
}

impl Node<'_> {
    fn print(&self, formatter: &mut fmt::Formatter<'_>, outermost: bool) -> fmt::Result {
        let (parts, word, parentheses) = match self {
            Self::Compare(comparison) => return write!(formatter, "{comparison}"),
            Self::All(parts, parentheses) => (parts, " and ", *parentheses),
            Self::Any(parts, parentheses) => (parts, " or ", *parentheses),
        };
        let enclosed = !outermost && parentheses == Parentheses::With;
        formatter.write_str(if enclosed { "(" } else { "" })?;
        for (index, part) in parts.iter().enumerate() {
            formatter.write_str(if index == 0 { "" } else { word })?;
            part.print(formatter, false)?;
        }
        formatter.write_str(if enclosed { ")" } else { "" })
    }
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = match (&self.left, &self.right) {
            (Operand::Variable(left), _) => *left == Variable::Extra,
            (_, Operand::Variable(right)) => *right == Variable::Extra || right.is_set(),
            _ => false,
        };
        self.left.print(formatter, named)?;
        write!(formatter, " {} ", self.operator)?;
        self.right.print(formatter, named)
    }
}

impl Operand<'_> {
    /// `name`: whether a text here is a name of an extra.
    fn print(&self, formatter: &mut fmt::Formatter<'_>, name: bool) -> fmt::Result {
        let text = match self {
            Self::Variable(variable) => return formatter.write_str(variable.as_str()),
            Self::Text(text) if name => &*ExtraName::lenient(text).as_str().to_owned(),
            Self::Text(text) => text,
        };
        let quote = if text.contains('"') { '\'' } else { '"' };
        write!(formatter, "{quote}")?;
        for character in text.chars() {
            match character {
                '\\' => formatter.write_str("\\\\")?,
                '\'' | '"' if character == quote => write!(formatter, "\\x{:02x}", u32::from(character))?,
                '\0' | '\n' | '\r' => write!(formatter, "\\x{:02x}", u32::from(character))?,
                other => write!(formatter, "{other}")?,
            }
        }
        write!(formatter, "{quote}")
    }
}
