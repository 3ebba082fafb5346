//! Figures as tables for people and as JSON for programs.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::measure::Row;
use crate::place::Place;

/// Something to be reached, and whether it was.
pub(crate) struct Goal {
    pub(crate) text: String,
    pub(crate) value: String,
    pub(crate) met: bool,
}

/// A limit on figures of a table.
pub(crate) enum Target {
    /// The median wall time of one row by that of another.
    Ratio(&'static str, &'static str, f64),
    /// The median wall time in seconds.
    Wall(&'static str, f64),
    /// The peak memory in MB.
    Memory(&'static str, u64),
}

impl Target {
    pub(crate) fn ratio(subject: &'static str, peer: &'static str, limit: f64) -> Self {
        Self::Ratio(subject, peer, limit)
    }

    pub(crate) fn wall(subject: &'static str, limit: f64) -> Self {
        Self::Wall(subject, limit)
    }

    pub(crate) fn memory(subject: &'static str, limit: u64) -> Self {
        Self::Memory(subject, limit)
    }

    /// Nothing when what it compares was not measured.
    fn goal(&self, rows: &[Row]) -> Option<Goal> {
        let row = |name: &str| rows.iter().find(|row| row.name == name);
        Some(match *self {
            Self::Ratio(subject, peer, limit) => {
                let ratio = quotient(row(subject)?.wall()?, row(peer)?.wall()?);
                let text = format!("{subject}: at most {limit} x {peer}");
                Goal { text, value: format!("{ratio:.2} x"), met: ratio <= limit }
            }
            Self::Wall(subject, limit) => {
                let wall = row(subject)?.wall()?.as_secs_f64();
                let text = format!("{subject}: at most {limit} s");
                Goal { text, value: format!("{wall:.3} s"), met: wall <= limit }
            }
            Self::Memory(subject, limit) => {
                let memory = megabytes(row(subject)?.memory()?);
                let text = format!("{subject}: below {limit} MB");
                Goal { text, value: format!("{memory:.0} MB"), met: memory < limit as f64 }
            }
        })
    }
}

fn quotient(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 * 1024.0 / 1e6
}

/// One comparison.
pub(crate) struct Table {
    title: String,
    note: String,
    rows: Vec<Row>,
    /// The rows that all others are compared with.
    subjects: Vec<String>,
    goals: Vec<Goal>,
    figures: Value,
}

impl Table {
    pub(crate) fn new(title: &str, note: &str, rows: Vec<Row>, subjects: &[&str]) -> Self {
        let subjects = subjects.iter().map(ToString::to_string).collect();
        Self { title: title.to_owned(), note: note.to_owned(), rows, subjects, goals: Vec::new(), figures: Value::Null }
    }

    pub(crate) fn targets<const N: usize>(mut self, targets: [Target; N]) -> Self {
        let goals = targets.iter().filter_map(|target| target.goal(&self.rows));
        self.goals.extend(goals);
        self
    }

    pub(crate) fn goal(mut self, goal: Goal) -> Self {
        self.goals.push(goal);
        self
    }

    /// Figures of another kind than rows.
    pub(crate) fn figures(mut self, figures: Value) -> Self {
        self.figures = figures;
        self
    }

    fn print(&self) {
        println!("\n== {}\n{}", self.title, self.note);
        if !self.rows.is_empty() {
            self.print_rows();
        }
        let width = self.goals.iter().map(|goal| goal.text.len()).max().unwrap_or(0);
        for goal in &self.goals {
            println!("  target: {:<width$} {:>9}  {}", goal.text, goal.value, if goal.met { "met" } else { "NOT MET" });
        }
    }

    fn print_rows(&self) {
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
        print!("  {:width$}  {:>8}  {:^17}  {:>8}  {:>7}", "", "wall s", "shortest longest", "cpu s", "peak MB");
        for number in 1..=self.subjects.len() {
            print!("  {:>6}", format!("({number})/it"));
        }
        println!();
        for row in &self.rows {
            let number = self.subjects.iter().position(|subject| *subject == row.name);
            let mark = number.map_or_else(|| "  ".to_owned(), |number| format!("({})", number + 1));
            if let Some(failure) = &row.failure {
                println!("{mark:>3} {:width$}  FAILED: {failure}", row.name);
                continue;
            }
            let (Some(wall), Some(cpu), Some(memory), Some((from, to))) =
                (row.wall(), row.cpu(), row.memory(), row.range())
            else {
                continue;
            };
            let seconds = |time: Duration| time.as_secs_f64();
            print!(
                "{mark:>3} {:width$} {:9.3}  {:8.3} {:8.3}  {:8.3}  {:7.1}",
                row.name,
                seconds(wall),
                seconds(from),
                seconds(to),
                seconds(cpu),
                megabytes(memory)
            );
            for subject in &self.subjects {
                let ours = self.rows.iter().find(|row| row.name == *subject).and_then(Row::wall);
                print!("  {:>6}", ours.map_or_else(String::new, |ours| format!("{:.2}", quotient(ours, wall))));
            }
            println!();
        }
    }

    fn json(&self) -> Value {
        let seconds = |time: Duration| time.as_secs_f64();
        let row = |row: &Row| {
            let (walls, cpus): (Vec<f64>, Vec<f64>) =
                row.samples.iter().map(|sample| (seconds(sample.wall), seconds(sample.cpu))).unzip();
            json!({
                "name": row.name,
                "failure": row.failure,
                "wall": row.wall().map(seconds),
                "cpu": row.cpu().map(seconds),
                "peak_kb": row.memory(),
                "walls": walls,
                "cpus": cpus,
            })
        };
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        let goals: Vec<Value> = self
            .goals
            .iter()
            .map(|goal| json!({ "target": goal.text, "value": goal.value, "met": goal.met }))
            .collect();
        json!({ "title": self.title, "note": self.note, "rows": rows, "figures": self.figures, "targets": goals })
    }
}

/// All tables of a run. Each is printed as soon as it is there.
pub(crate) struct Report {
    about: Value,
    tables: Vec<Value>,
    complete: bool,
}

impl Report {
    pub(crate) fn new(arguments: &Arguments, place: &Place) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        println!(
            "Image: {}. A whole-root zone of it has {} nodes and {:.2} GB of files.\n\
             Below {}; {processors} processors; in turn, warm, median of {} (1 MB is 1,000,000 bytes).",
            arguments.about,
            place.nodes,
            place.bytes as f64 / 1e9,
            arguments.work.display(),
            place.rounds
        );
        if place.rounds == 1 {
            println!("One round says that it works, not how fast it is.");
        }
        let about = json!({
            "image": arguments.about,
            "nodes": place.nodes,
            "bytes": place.bytes,
            "processors": processors,
            "rounds": place.rounds,
        });
        Self { about, tables: Vec::new(), complete: true }
    }

    pub(crate) fn table(&mut self, table: Table) {
        table.print();
        self.complete &= table.rows.iter().all(|row| row.failure.is_none());
        self.tables.push(table.json());
    }

    pub(crate) fn write_json(&self, file: Option<&Path>) -> io::Result<()> {
        let Some(file) = file else { return Ok(()) };
        let all = json!({ "version": 1, "about": self.about, "tables": self.tables });
        std::fs::write(file, format!("{all:#}\n"))
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))
    }

    /// Everything that was to be measured was.
    pub(crate) fn complete(&self) -> bool {
        self.complete
    }
}
