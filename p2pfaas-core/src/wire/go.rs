//! Numbers and words as Go's standard library writes and reads them, for byte compatibility.

use std::fmt::Write;
use std::time::Duration;

/// `%f`: six decimals.
pub fn format_f(seconds: f64) -> String {
    format!("{seconds:.6}")
}

/// A list of `%f` numbers joined by commas, without spaces: the learner's state.
pub fn format_f_list(numbers: &[f64]) -> String {
    let mut text = String::with_capacity(numbers.len() * 9);
    for (index, number) in numbers.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        let _ = write!(text, "{comma}{number:.6}");
    }
    text
}

/// A JSON array of numbers, as `encoding/json` writes it: shortest form that reads back the same,
/// no `.0`, an exponent below 1e-6 and from 1e21 on.
pub fn json_numbers(numbers: impl IntoIterator<Item = f64>) -> String {
    let mut text = String::from("[");
    for (index, number) in numbers.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        let size = number.abs();
        let _ = if size != 0.0 && !(1e-6..1e21).contains(&size) {
            let digits = format!("{number:e}");
            let (mantissa, exponent) = digits.split_once('e').unwrap_or((&digits, "0"));
            match exponent.strip_prefix('-') {
                Some(exponent) => write!(text, "{mantissa}e-{exponent}"),
                None => write!(text, "{mantissa}e+{exponent}"),
            }
        } else {
            write!(text, "{number}")
        };
    }
    text.push(']');
    text
}

/// `strconv.ParseBool`.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// `time.ParseDuration`, without negative spans: `10s`, `200ms`, `1.5s`, `1m30s`, `0`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut seconds = 0.0_f64;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (digits, behind) = rest.split_at(number);
        let unit = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
        let scale = match &behind[..unit] {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += digits.parse::<f64>().ok()? * scale;
        rest = &behind[unit..];
    }
    if text.is_empty() { None } else { Duration::try_from_secs_f64(seconds).ok() }
}

/// A span in whole milliseconds, as the reference echoes it; one that is none in nanoseconds, so
/// that it is read back the same.
pub fn format_duration_ms(span: Duration) -> String {
    if span.subsec_nanos().is_multiple_of(1_000_000) {
        format!("{}ms", span.as_millis())
    } else {
        format!("{}ns", span.as_nanos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        assert_eq!(format_f(0.1), "0.100000");
        assert_eq!(format_f_list(&[0.0, 2.0, 10.0]), "0.000000,2.000000,10.000000");
        assert_eq!(json_numbers([]), "[]");
        assert_eq!(json_numbers([0.0, 0.25, 3.0, 0.000123]), "[0,0.25,3,0.000123]");
        assert_eq!(json_numbers([1.5e-7, 1e21, 1e-6]), "[1.5e-7,1e+21,0.000001]");
    }

    #[test]
    fn spans_are_read_as_go_reads_them() {
        let read = |text| parse_duration(text).map(|span| span.as_nanos());
        assert_eq!(read("10s"), Some(10_000_000_000));
        assert_eq!(read("200ms"), Some(200_000_000));
        assert_eq!(read("1.5s"), Some(1_500_000_000));
        assert_eq!(read("1m30s"), Some(90_000_000_000));
        assert_eq!(read("0"), Some(0));
        for text in ["", "5", "s", "1x", "-1s", "1.2.3s", "1s2"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(format_duration_ms(Duration::from_millis(1500)), "1500ms");
        assert_eq!(format_duration_ms(Duration::from_micros(1500)), "1500000ns");
    }

    #[test]
    fn booleans_are_read_as_go_reads_them() {
        assert_eq!(["1", "T", "True"].map(parse_bool), [Some(true); 3]);
        assert_eq!(["0", "f", "FALSE"].map(parse_bool), [Some(false); 3]);
        assert_eq!(["", "yes", "tRUE"].map(parse_bool), [None; 3]);
    }
}
