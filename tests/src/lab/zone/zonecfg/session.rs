//! One run of zonecfg: commands in, errors told, a configuration saved.

use super::super::Done;
use super::super::config::Config;
use super::super::host::Host;
use super::super::index::{self, State};
use super::super::{fail, kernel};
use super::draft::Draft;
use super::lex::{Statement, Token, statements};
use super::{commands, scope, verify};

/// Where the commands come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// `-f`: the first error ends the reading.
    File(String),
    Words,
    Input,
}

/// The state of a run.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) host: Host,
    /// The name under which the zone is saved.
    pub(super) zone: String,
    mode: Mode,
    line: usize,
    pub(super) config: Option<Config>,
    pub(super) changed: bool,
    pub(super) open: Option<Draft>,
    pub(super) saw_error: bool,
    pub(super) ended: bool,
}

impl Session {
    pub(super) fn new(host: Host, zone: &str, mode: Mode) -> Self {
        Self {
            host,
            zone: zone.to_owned(),
            mode,
            line: 0,
            config: None,
            changed: false,
            open: None,
            saw_error: false,
            ended: false,
        }
    }

    /// Runs commands, and saves what is left unsaved; gives the exit status.
    pub(super) fn run(mut self, text: &str) -> u8 {
        for statement in statements(text) {
            self.statement(&statement);
            if self.ended || (self.saw_error && matches!(self.mode, Mode::File(_))) {
                break;
            }
        }
        self.clean_up();
        u8::from(self.saw_error)
    }

    fn statement(&mut self, statement: &Statement) {
        self.line = statement.line;
        let done = match statement.tokens.split_first() {
            Some((Token::Word(word), rest)) => {
                let word = word.clone();
                if self.open.is_some() {
                    scope::resource(self, &word, rest)
                } else {
                    commands::global(self, &word, rest)
                }
            }
            _ => Some(self.syntax(statement.tokens.first())),
        };
        match done {
            None => drop(self.syntax(statement.tokens.get(1).or(statement.tokens.first()))),
            Some(Err(error)) if !error.message.is_empty() => self.error(&error.message),
            Some(Err(_)) => self.saw_error = true,
            Some(Ok(())) => {}
        }
    }

    fn syntax(&mut self, token: Option<&Token>) -> Done {
        let text = match token {
            Some(Token::Word(word)) => word.clone(),
            Some(Token::Sign(sign)) => sign.to_string(),
            None => String::new(),
        };
        self.saw_error = true;
        eprintln!("syntax error on line {} at '{text}'", self.line);
        eprintln!(
            "usage: add cancel clear commit create delete end exit export help info remove revert select set verify"
        );
        Ok(())
    }

    /// An error that has to do with what a command means.
    pub(super) fn error(&mut self, message: &str) {
        self.saw_error = true;
        if let Mode::File(path) = &self.mode {
            eprintln!("On line {} of {path}:", self.line);
        }
        eprintln!("{message}");
    }

    /// What comes at the end of the input: an uncommitted, valid configuration is saved whatever went wrong before.
    fn clean_up(&mut self) {
        if let Some(open) = self.open.take() {
            self.error(&format!("{} resource specification incomplete.", open.resource.name));
            return;
        }
        if self.changed
            && let Err(error) = self.commit()
        {
            if error.message.is_empty() {
                self.saw_error = true;
            } else {
                self.error(&error.message);
            }
        }
    }

    /// The configuration that is worked on; read from its file at first use.
    pub(super) fn config(&mut self) -> Done<&mut Config> {
        if self.config.is_none() {
            match Config::read(&self.host.xml(&self.zone)) {
                Ok(config) => self.config = Some(config),
                Err(error) => {
                    return fail(format!(
                        "{}: {}\nUse 'create' to begin configuring a new zone.",
                        self.zone, error.message
                    ));
                }
            }
        }
        self.config.as_mut().map_or_else(|| fail("no configuration"), Ok)
    }

    /// The saved state, of which there is none for a new zone.
    pub(super) fn state(&self) -> Option<State> {
        let saved = index::find(&self.host, &self.zone).ok().flatten().map(|entry| entry.state);
        kernel::state(&self.host.lab, &self.zone).or(saved)
    }

    /// Verifies and saves: first the document, then the index.
    pub(super) fn commit(&mut self) -> Done {
        verify::verify(self)?;
        let zone = self.zone.clone();
        let host = self.host.clone();
        let config = self.config()?.clone();
        let name = config.zone.text("name").to_owned();
        if name != zone && host.xml(&name).exists() {
            return fail(format!("{zone}: Zone name already in use"));
        }
        let before = std::fs::read(host.xml(&name)).ok();
        config.save(&host.xml(&name))?;
        if let Err(error) = index::put(&host, &zone, &name, config.zonepath()) {
            let _ = match before {
                Some(text) => std::fs::write(host.xml(&name), text),
                None => std::fs::remove_file(host.xml(&name)),
            };
            return fail(format!("{zone}: {}", error.message));
        }
        if name != zone {
            let _ = std::fs::remove_file(host.xml(&zone));
            self.zone = name;
        }
        self.changed = false;
        Ok(())
    }
}
