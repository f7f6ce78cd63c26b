//! The input of the functions that take time.

use std::time::Duration;

use serde::Deserialize;

use crate::executor::FunctionAnswer;

/// When the body says nothing.
const DEFAULT_S: f64 = 0.1;
/// One call must not keep a slot for ever.
const MAX_S: f64 = 60.0;

/// Reads a body: nothing, a number of seconds as text, or `{"seconds": 0.25}`. Other fields of
/// the object are left alone, so that a load generator may send its own. Else says why not.
pub(super) fn seconds(body: &[u8]) -> Result<Duration, String> {
    #[derive(Deserialize)]
    struct Input {
        #[serde(default = "default_seconds")]
        seconds: f64,
    }

    let wrong = || format!(r#"expected seconds from 0 to {MAX_S}, as a number or as {{"seconds": 0.25}}"#);
    let seconds = match body.trim_ascii() {
        b"" => DEFAULT_S,
        json if json.starts_with(b"{") => serde_json::from_slice::<Input>(json).map_err(|_| wrong())?.seconds,
        text => std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or_else(wrong)?,
    };
    if (0.0..=MAX_S).contains(&seconds) { Ok(Duration::from_secs_f64(seconds)) } else { Err(wrong()) }
}

/// The answer of a function that has taken its time.
pub(super) fn done(taken: Duration) -> FunctionAnswer {
    let body = serde_json::json!({ "seconds": taken.as_secs_f64() }).to_string();
    FunctionAnswer::ok("application/json", body)
}

fn default_seconds() -> f64 {
    DEFAULT_S
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_from_text_and_json() {
        let read = |body: &str| seconds(body.as_bytes()).map(|span| span.as_secs_f64()).ok();
        assert_eq!(read(""), Some(0.1));
        assert_eq!(read(" 2\n"), Some(2.0));
        assert_eq!(read("0.25"), Some(0.25));
        assert_eq!(read(r#"{"seconds": 0.5, "id": 7}"#), Some(0.5));
        assert_eq!(read("{}"), Some(0.1));
        assert_eq!(read("60"), Some(60.0));
    }

    #[test]
    fn what_is_no_time_or_too_long_is_refused_with_the_reason() {
        for body in ["x", "-1", "NaN", "inf", "60.1", "{", r#"{"seconds": "1"}"#, "1 2"] {
            let why = r#"expected seconds from 0 to 60, as a number or as {"seconds": 0.25}"#;
            assert_eq!(seconds(body.as_bytes()), Err(why.to_string()), "{body}");
        }
        assert!(seconds(&[0xff]).is_err());
    }
}
