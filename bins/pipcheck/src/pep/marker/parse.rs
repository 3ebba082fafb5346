//! Reading markers.

use std::borrow::Cow;

use super::{Comparison, Marker, MarkerOperator, Node, Operand, Parentheses};
use crate::pep::environment::Variable;
use crate::pep::error::{ParseError, Reason};
use crate::pep::scan::Cursor;
use crate::pep::specifier::Operator;

/// How many parentheses may be open at once. Real markers have up to three; one of thousands would exhaust the stack.
pub(in crate::pep) const MAX_NESTING: usize = 100;

/// Reads the marker that is next, and the blanks after it.
pub(in crate::pep) fn marker<'a>(cursor: &mut Cursor<'a>) -> Result<Marker<'a>, ParseError> {
    any(cursor, 0).map(Marker)
}

fn any<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Result<Node<'a>, ParseError> {
    joined(cursor, "or", |cursor| joined(cursor, "and", |cursor| atom(cursor, depth), Node::All), Node::Any)
}

/// Reads parts with `word` between them.
fn joined<'a>(
    cursor: &mut Cursor<'a>,
    word: &str,
    part: impl Fn(&mut Cursor<'a>) -> Result<Node<'a>, ParseError>,
    join: fn(Vec<Node<'a>>, Parentheses) -> Node<'a>,
) -> Result<Node<'a>, ParseError> {
    let first = part(cursor)?;
    if !eat_word(cursor, word) {
        return Ok(first);
    }
    let mut parts = vec![first, part(cursor)?];
    while eat_word(cursor, word) {
        parts.push(part(cursor)?);
    }
    Ok(join(parts, Parentheses::Without))
}

fn atom<'a>(cursor: &mut Cursor<'a>, depth: usize) -> Result<Node<'a>, ParseError> {
    cursor.blanks();
    let open = *cursor;
    if !cursor.eat(b'(') {
        return comparison(cursor).map(Node::Compare);
    }
    if depth == MAX_NESTING {
        return Err(open.error(Reason::Nesting));
    }
    let inner = any(cursor, depth + 1)?;
    if !cursor.eat(b')') {
        return Err(if cursor.at_end() {
            open.error(Reason::Unclosed('('))
        } else {
            cursor.expected("`and`, `or` or `)`")
        });
    }
    cursor.blanks();
    Ok(match inner {
        Node::Compare(comparison) => Node::Compare(comparison),
        Node::All(parts, _) => Node::All(parts, Parentheses::With),
        Node::Any(parts, _) => Node::Any(parts, Parentheses::With),
    })
}

fn comparison<'a>(cursor: &mut Cursor<'a>) -> Result<Comparison<'a>, ParseError> {
    let left = operand(cursor)?;
    cursor.blanks();
    let operator = operator(cursor)?;
    cursor.blanks();
    let right = operand(cursor)?;
    cursor.blanks();
    Ok(Comparison { left, operator, right })
}

fn operand<'a>(cursor: &mut Cursor<'a>) -> Result<Operand<'a>, ParseError> {
    let start = *cursor;
    if let Some(quote @ (b'"' | b'\'')) = cursor.peek() {
        cursor.skip(1);
        let text = cursor.take_chars(|character| character != char::from(quote));
        if !cursor.eat(quote) {
            return Err(start.error(Reason::Unclosed(char::from(quote))));
        }
        return unquoted(text).map(Operand::Text).map_err(|reason| start.error(Reason::Quoted(reason)));
    }
    let word = cursor.take_chars(|character| is_word(character) || character == '.');
    if word.is_empty() {
        return Err(start.expected("a marker variable or quoted text"));
    }
    match Variable::from_marker(word) {
        Some(variable) => Ok(Operand::Variable(variable)),
        None => Err(start.error(Reason::UnknownVariable(word.to_owned()))),
    }
}

fn operator(cursor: &mut Cursor<'_>) -> Result<MarkerOperator, ParseError> {
    const EXPECTED: &str = "an operator: one of `<=`, `<`, `!=`, `==`, `>=`, `>`, `~=`, `===`, `in`, `not in`";
    if let Some(operator) = Operator::scan(cursor) {
        return Ok(MarkerOperator::Compare(operator));
    }
    let start = *cursor;
    if eat_word(cursor, "in") {
        return Ok(MarkerOperator::In);
    }
    if eat_word(cursor, "not") {
        cursor.blanks();
        if eat_word(cursor, "in") {
            return Ok(MarkerOperator::NotIn);
        }
    }
    Err(start.expected(EXPECTED))
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Passes `word` if it is next and ends there.
fn eat_word(cursor: &mut Cursor<'_>, word: &str) -> bool {
    let start = cursor.position();
    let next = cursor.eat_str(word) && !cursor.next_char().is_some_and(is_word);
    if !next {
        cursor.rewind(start);
    }
    next
}

/// The text that Python reads between quotes.
fn unquoted(text: &str) -> Result<Cow<'_, str>, &'static str> {
    if text.contains(['\n', '\r']) {
        return Err("a line break");
    }
    if text.contains('\0') {
        return Err("a NUL character");
    }
    let Some((before, mut rest)) = text.split_once('\\') else {
        return Ok(Cow::Borrowed(text));
    };
    let mut plain = before.to_owned();
    loop {
        rest = escape(rest, &mut plain)?;
        match rest.split_once('\\') {
            Some((before, after)) => {
                plain.push_str(before);
                rest = after;
            }
            None => {
                plain.push_str(rest);
                return Ok(Cow::Owned(plain));
            }
        }
    }
}

/// Appends the character that a backslash and the beginning of `rest` stand for; returns what follows.
fn escape<'a>(rest: &'a str, plain: &mut String) -> Result<&'a str, &'static str> {
    const NOT_A_CHARACTER: &str = "an escape that is no character";
    let mut characters = rest.chars();
    let letter = characters.next().ok_or("a backslash before the closing quote")?;
    let (digits, radix) = match letter {
        'x' => (2, 16),
        'u' => (4, 16),
        'U' => (8, 16),
        '0'..='7' => {
            characters = rest.chars();
            (rest.bytes().take(3).take_while(|byte| (b'0'..b'8').contains(byte)).count(), 8)
        }
        'N' => return Err("a character by its name"),
        letter => {
            match letter {
                '\\' | '\'' | '"' => plain.push(letter),
                'a' => plain.push('\u{7}'),
                'b' => plain.push('\u{8}'),
                'f' => plain.push('\u{c}'),
                'n' => plain.push('\n'),
                'r' => plain.push('\r'),
                't' => plain.push('\t'),
                'v' => plain.push('\u{b}'),
                // Python warns of an escape that it does not know, and keeps the backslash.
                other => plain.extend(['\\', other]),
            }
            return Ok(characters.as_str());
        }
    };
    let number = characters.as_str().get(..digits).ok_or(NOT_A_CHARACTER)?;
    let code = if number.starts_with(['+', '-']) { None } else { u32::from_str_radix(number, radix).ok() };
    plain.push(code.and_then(char::from_u32).ok_or(NOT_A_CHARACTER)?);
    Ok(&characters.as_str()[digits..])
}
