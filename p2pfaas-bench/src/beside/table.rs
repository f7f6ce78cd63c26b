//! The two-column table.

use comfy_table::{CellAlignment, Table};

use super::{Beside, Values};
use crate::table::STYLE;

/// The table, the largest differences, and what is to be known.
pub(crate) fn render(beside: &Beside) -> String {
    let name = beside.measured_name();
    let mut header = vec!["policy".to_string()];
    for value in ["in time %", "forwarded %", "dropped %", "mean ms"] {
        header.extend([format!("{value}\n{name}"), "\nsim".into(), "\ndiff.".into()]);
    }
    let mut table = Table::new();
    table.load_style(STYLE).set_header(header);
    for pair in &beside.policies {
        let mut row = vec![pair.label.clone()];
        for (value, scale) in COLUMNS {
            let number = |values: &Values| value(values).map(|value| scale * value);
            row.push(number(&pair.measured).map_or_else(|| "-".into(), |number| format!("{number:.1}")));
            row.push(number(&pair.simulated).map_or_else(|| "-".into(), |number| format!("{number:.1}")));
            row.push(number(&pair.difference).map_or_else(|| "-".into(), |number| format!("{number:+.1}")));
        }
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
        column.set_padding((1, 0));
    }
    let mut text = format!("{table}\n");
    let largest = |value| beside.largest(value).map(|share| 100.0 * share);
    if let (Some(in_time), Some(forwarded)) =
        (largest(|values| values.in_time), largest(|values| values.forwarded))
    {
        text.push_str(&format!(
            "largest differences: {in_time:.1} percentage points in time, {forwarded:.1} forwarded\n"
        ));
    }
    for note in &beside.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}

type Value = fn(&Values) -> Option<f64>;

/// Values, and what they are multiplied by.
const COLUMNS: [(Value, f64); 4] = [
    (|values| Some(values.in_time), 100.0),
    (|values| Some(values.forwarded), 100.0),
    (|values| Some(values.dropped), 100.0),
    (|values| values.latency_mean_s, 1e3),
];
