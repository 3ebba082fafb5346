//! Tables, for people and for programs. Source: `ofmt_open()` and `ofmt_print_field()` of libofmt: in parsable output
//! fields are joined by colons, colons and backslashes in a value get a backslash, and where one field is asked for
//! nothing is escaped.

/// How a table is asked for.
#[derive(Debug)]
pub(super) struct Format {
    fields: Vec<usize>,
    heads: Vec<String>,
    parsable: bool,
}

impl Format {
    /// The fields of `wanted` among those that are known. Without any it is `default`.
    pub fn new(known: &[&str], default: &str, wanted: Option<&str>, parsable: bool) -> Result<Self, String> {
        if parsable && wanted.is_none() {
            return Err("output field(s) must be specified with -p".to_owned());
        }
        if parsable && wanted == Some("all") {
            return Err("\"-o all\" is invalid with -p".to_owned());
        }
        let text = match wanted {
            Some("all") => known.join(","),
            Some(wanted) => wanted.to_lowercase(),
            None => default.to_owned(),
        };
        let mut fields = Vec::new();
        for name in text.split(',') {
            match known.iter().position(|field| *field == name) {
                Some(index) => fields.push(index),
                None => return Err(format!("unknown output field: `{name}'")),
            }
        }
        let heads = fields.iter().map(|index| known[*index].to_uppercase()).collect();
        Ok(Self { fields, heads, parsable })
    }

    /// The lines of a table whose rows have a value for every known field.
    pub fn lines(&self, rows: &[Vec<String>]) -> Vec<String> {
        let pick = |row: &Vec<String>| -> Vec<String> { self.fields.iter().map(|index| row[*index].clone()).collect() };
        let rows: Vec<Vec<String>> = rows.iter().map(pick).collect();
        if self.parsable {
            return rows.iter().map(|row| joined(row)).collect();
        }
        let shown = |value: &String| if value.is_empty() { "--".to_owned() } else { value.clone() };
        let mut table = vec![self.heads.clone()];
        table.extend(rows.iter().map(|row| row.iter().map(shown).collect()));
        let width = |column: usize| table.iter().map(|row| row[column].len() + 1).max().unwrap_or_default();
        let widths: Vec<usize> = (0..self.fields.len()).map(width).collect();
        let line = |row: &Vec<String>| -> String {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<String>().trim_end().to_owned()
        };
        table.iter().map(line).collect()
    }
}

fn joined(row: &[String]) -> String {
    match row {
        [one] => one.clone(),
        many => many.iter().map(|value| value.replace('\\', "\\\\").replace(':', "\\:")).collect::<Vec<_>>().join(":"),
    }
}
