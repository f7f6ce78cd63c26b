//! Charts of characters, at most 80 columns wide.

use super::info::{Bar, Series};

/// Columns of a chart beside its labels.
const COLUMNS: usize = 64;
/// Lines of the rate over time.
const LINES: usize = 6;
/// Columns of the longest bar.
const BAR: usize = 40;
/// From nothing to a whole block.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Values over time as blocks: the highest value is as high as the chart.
pub(super) fn over_time(series: &Series, unit: &str, place: impl Fn(f64) -> String) -> String {
    let values = columns(&series.values);
    let most = values.iter().copied().fold(0.0, f64::max);
    let each = series.step_s * series.values.len() as f64 / values.len().max(1) as f64;
    let mut text = format!("{unit}, {} a column\n", place(each));
    let labels = [short(most), short(most / 2.0), "0".to_string()];
    let width = labels.iter().map(String::len).max().unwrap_or(0).max(6);
    let eighths =
        |value: &f64| if most > 0.0 { (value / most * (8 * LINES) as f64).round() as usize } else { 0 };
    let heights: Vec<usize> = values.iter().map(eighths).collect();
    for line in (0..LINES).rev() {
        let label = match line {
            _ if line == LINES - 1 => &labels[0],
            _ if line == LINES / 2 - 1 => &labels[1],
            _ => "",
        };
        let row: String =
            heights.iter().map(|height| BLOCKS[height.saturating_sub(8 * line).min(8)]).collect();
        text += &format!("{}\n", format!("{label:>width$} |{row}").trim_end());
    }
    text += &format!("{:>width$} +{}\n", labels[2], "-".repeat(values.len()));
    let (from, to) = (place(series.begins_s), place(series.begins_s + each * values.len() as f64));
    let gap = values.len().saturating_sub(from.chars().count() + to.chars().count()).max(1);
    text += &format!("{:>width$}  {from}{}{to}\n", "", " ".repeat(gap));
    text
}

/// A value a column, the mean of what it covers; of fewer values than columns, each has several.
fn columns(values: &[f64]) -> Vec<f64> {
    if values.len() <= COLUMNS {
        let each = COLUMNS / values.len().max(1);
        return values.iter().flat_map(|value| std::iter::repeat_n(*value, each)).collect();
    }
    let each = values.len() as f64 / COLUMNS as f64;
    let column = |column: usize| {
        let (from, to) = (column as f64 * each, (column + 1) as f64 * each);
        let last = (to.ceil() as usize).min(values.len());
        let part = |at: usize| (to.min((at + 1) as f64) - from.max(at as f64)).max(0.0) * values[at];
        (from as usize..last).map(part).sum::<f64>() / each
    };
    (0..COLUMNS).map(column).collect()
}

/// A bar a range.
pub(super) fn histogram(bars: &[Bar], place: impl Fn(f64) -> String) -> String {
    let all: f64 = bars.iter().map(|bar| bar.count).sum();
    let most = bars.iter().map(|bar| bar.count).fold(0.0, f64::max);
    let mut text = String::new();
    for bar in bars {
        let eighths = if most > 0.0 { (bar.count / most * (8 * BAR) as f64).ceil() as usize } else { 0 };
        let drawn = "#".repeat(eighths.div_ceil(8));
        let share = 100.0 * bar.count / all;
        text +=
            &format!("{:>8} - {:<8} |{drawn:<BAR$} {share:>5.1} %\n", place(bar.from_s), place(bar.below_s));
    }
    text
}

/// A number to three digits.
pub(super) fn short(number: f64) -> String {
    let digits = match number.abs() {
        0.0 => 0,
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size => (2.0 - size.log10().floor()).min(9.0) as usize,
    };
    let text = format!("{number:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}
