//! `beside.csv`: one line a policy, of each value what was measured, what was simulated, and the difference.

use super::{Beside, Values};
use crate::results::csv::{line, number, quoted};

type Column = (&'static str, fn(&Values) -> Option<f64>);

const COLUMNS: [Column; 4] = [
    ("in_time", |values| Some(values.in_time)),
    ("forwarded", |values| Some(values.forwarded)),
    ("dropped", |values| Some(values.dropped)),
    ("latency_mean_s", |values| values.latency_mean_s),
];

/// The whole file.
pub(super) fn render(beside: &Beside) -> String {
    let names = COLUMNS
        .iter()
        .flat_map(|(name, _)| ["measured", "simulated", "difference"].map(|side| format!("{name}_{side}")));
    let mut text = line(std::iter::once("label".to_string()).chain(names));
    for pair in &beside.policies {
        let sides = [&pair.measured, &pair.simulated, &pair.difference];
        let values = COLUMNS.iter().flat_map(|(_, value)| sides.map(|side| number(value(side))));
        text.push_str(&line(std::iter::once(quoted(&pair.label)).chain(values)));
    }
    text
}
