//! The wire protocol of the reference (its facts are in the fact sheet, sections 1 and 4 to 6):
//! requests as its clients and peers send them, and what they must get.

mod configuration;
mod discovery;
mod endpoints;
mod errors;
mod headers;
mod interface;
mod metrics;
mod openfaas;
mod peer_answers;
mod peer_requests;

use super::support::*;

/// Names and values.
type Headers<'a> = &'a [(&'a str, &'a str)];

/// A head without what every answer has, in the order of its names; times that are not zero as
/// `%f` (six decimals) or `N` (a number of a JSON list).
fn shape(answer: &Answer) -> Vec<String> {
    let left_out = |line: &&str| !line.starts_with("Date: ") && !line.starts_with("Connection: ");
    let mut lines: Vec<String> = answer.head.lines().filter(left_out).map(line_shape).collect();
    lines.sort();
    lines
}

fn line_shape(line: &str) -> String {
    let (name, value) = line.split_once(": ").expect("a header");
    let six_decimals = |text: &str| {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        !whole.is_empty() && decimals.len() == 6 && (whole.to_string() + decimals).parse::<u64>().is_ok()
    };
    let list = value.strip_prefix('[').and_then(|value| value.strip_suffix(']'));
    let shape = match list {
        _ if !name.starts_with("X-P2pfaas-Timing-") || name.ends_with("-Messages") => value.to_string(),
        None if six_decimals(value) => "%f".to_string(),
        Some(number) if six_decimals(number) => "[%f]".to_string(),
        Some(_) => {
            let numbers: Vec<f64> = serde_json::from_str(value).expect("a JSON list of numbers");
            assert!(numbers.iter().all(|number| *number >= 0.0), "{line}");
            let words = numbers.iter().map(|number| if *number == 0.0 { "0" } else { "N" });
            format!("[{}]", words.collect::<Vec<_>>().join(","))
        }
        None => panic!("not a time: {line}"),
    };
    format!("{name}: {shape}")
}
