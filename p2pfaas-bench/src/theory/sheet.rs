//! Lines of named values, as a table or as JSON.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use serde_json::{Map, Value};

const STYLE: TableStyle = TableStyle { row_separator: LineStyle::none(), ..UTF8_HORIZONTAL_ONLY };

/// One line: names, which JSON has as they are and the table's header as words, and values.
pub(super) type Line = Vec<(&'static str, Value)>;

/// All lines; each has the same names.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    lines: Vec<Line>,
    notes: Vec<&'static str>,
}

impl Sheet {
    pub(super) fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// A remark that people find below the table.
    pub(super) fn note(&mut self, note: &'static str) {
        self.notes.push(note);
    }

    pub(super) fn json(self) -> String {
        let lines = self.lines.into_iter().map(|line| {
            Value::Object(
                line.into_iter().map(|(name, value)| (name.to_string(), value)).collect::<Map<_, _>>(),
            )
        });
        // Names, numbers and texts: there is nothing that JSON could not hold.
        serde_json::to_string_pretty(&Value::Array(lines.collect())).unwrap_or_default() + "\n"
    }

    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        // Never fitted to the terminal: numbers that are broken over lines cannot be read.
        table.load_style(STYLE);
        if let Some(first) = self.lines.first() {
            table.set_header(first.iter().map(|(name, _)| name.replace('_', "\n")));
        }
        for line in &self.lines {
            table.add_row(line.iter().map(|(_, value)| cell(value)));
        }
        for column in table.column_iter_mut() {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let mut text = format!("{table}\n");
        for note in &self.notes {
            text.push_str(note);
            text.push('\n');
        }
        text
    }
}

/// Digits of a number that is printed as it is.
const SHORT: usize = 7;

/// Short numbers as they are; else six digits behind the point, or an exponent where these would tell nothing.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or_default();
            let whole = number.to_string();
            match number.abs() {
                _ if whole.len() <= SHORT => whole,
                size if !(1e-4..1e9).contains(&size) => format!("{number:.4e}"),
                _ => format!("{number:.6}"),
            }
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_has_words_above_its_numbers_and_json_has_all_digits() {
        let mut sheet = Sheet::default();
        sheet.add(vec![("mean_wait_s", json!(1.0 / 3.0)), ("nodes", json!(4)), ("waiting", Value::Null)]);
        sheet.add(vec![("mean_wait_s", json!(3.5e-90)), ("nodes", json!(12)), ("waiting", json!(0.25))]);
        sheet.note("a remark");
        let text = sheet.table();
        for part in ["mean", "0.333333", "3.5000e-90", " - ", " 0.25 ", "a remark\n"] {
            assert!(text.contains(part), "{text}");
        }
        let json: Value = serde_json::from_str(&sheet.json()).unwrap();
        assert_eq!(json[0]["mean_wait_s"], json!(1.0 / 3.0));
        assert_eq!(json[1]["nodes"], json!(12));
    }
}
