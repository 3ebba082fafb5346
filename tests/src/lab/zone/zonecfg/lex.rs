//! The words of a command file (section 8, lexical rules).

/// A word or a sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Sign(char),
}

/// A command with the number of its line.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) line: usize,
    pub(super) tokens: Vec<Token>,
}

/// Cuts a text into commands. What is last and has no end is dropped.
pub(super) fn statements(text: &str) -> Vec<Statement> {
    let mut found = Vec::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if line.trim_start_matches([' ', '\t']).starts_with('#') {
            continue;
        }
        let ended = line.ends_with('\n');
        let (commands, unended) = cut(line.trim_end_matches('\n'));
        let count = commands.len();
        for (number, tokens) in commands.into_iter().enumerate() {
            let last = number + 1 == count;
            if !tokens.is_empty() && (!last || ended || !unended) {
                found.push(Statement { line: index + 1, tokens });
            }
        }
    }
    found
}

/// The commands of a line, and whether the last one lacks its `;`.
fn cut(line: &str) -> (Vec<Vec<Token>>, bool) {
    let (mut commands, mut tokens, mut word) = (Vec::new(), Vec::new(), String::new());
    let mut depth = 0;
    let mut letters = line.chars().peekable();
    let flush = |word: &mut String, tokens: &mut Vec<Token>| {
        if !word.is_empty() {
            tokens.push(Token::Word(std::mem::take(word)));
        }
    };
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' => flush(&mut word, &mut tokens),
            '"' => {
                flush(&mut word, &mut tokens);
                let mut quoted = String::new();
                for inner in letters.by_ref().take_while(|inner| *inner != '"') {
                    quoted.push(inner);
                }
                tokens.push(Token::Word(quoted));
            }
            ';' => {
                flush(&mut word, &mut tokens);
                commands.push(std::mem::take(&mut tokens));
                depth = 0;
            }
            '=' | '[' | ']' | '(' | ')' => {
                flush(&mut word, &mut tokens);
                tokens.push(Token::Sign(letter));
                depth += i32::from(matches!(letter, '[' | '('));
                depth -= i32::from(matches!(letter, ']' | ')'));
            }
            ',' if depth > 0 => {
                flush(&mut word, &mut tokens);
                tokens.push(Token::Sign(','));
            }
            other => word.push(other),
        }
    }
    flush(&mut word, &mut tokens);
    let unended = !tokens.is_empty();
    if unended {
        commands.push(tokens);
    }
    (commands, unended)
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Simple(String),
    Complex(Vec<(String, String)>),
    List(Vec<String>),
}

/// Reads a value that ends the command.
pub(super) fn value(tokens: &[Token]) -> Option<Value> {
    match tokens {
        [Token::Word(word)] => Some(Value::Simple(word.clone())),
        [Token::Sign('['), inner @ .., Token::Sign(']')] => {
            if inner.is_empty() {
                return Some(Value::List(Vec::new()));
            }
            let words = inner.split(|token| *token == Token::Sign(','));
            let word = |part: &[Token]| match part {
                [Token::Word(word)] => Some(word.clone()),
                _ => None,
            };
            words.map(word).collect::<Option<_>>().map(Value::List)
        }
        [Token::Sign('('), inner @ .., Token::Sign(')')] => {
            let pair = |part: &[Token]| match part {
                [Token::Word(name), Token::Sign('='), Token::Word(value)] => Some((name.clone(), value.clone())),
                _ => None,
            };
            let pairs: Vec<_> = inner.split(|token| *token == Token::Sign(',')).map(pair).collect::<Option<_>>()?;
            (pairs.len() <= 3).then_some(Value::Complex(pairs))
        }
        _ => None,
    }
}

/// Up to three `name=value`.
pub(super) fn filters(tokens: &[Token]) -> Option<Vec<(String, String)>> {
    let (parts, rest) = tokens.as_chunks::<3>();
    if !rest.is_empty() || parts.len() > 3 {
        return None;
    }
    let filter = |part: &[Token; 3]| match part {
        [Token::Word(name), Token::Sign('='), Token::Word(value)] => Some((name.clone(), value.clone())),
        _ => None,
    };
    parts.iter().map(filter).collect()
}
