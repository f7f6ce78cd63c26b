//! Seeds of draws, on the command line.

use std::str::FromStr;

use super::{FIRST_EVALUATION_SEED, range_of};

/// Seeds that are written out.
const MOST: u64 = 10_000;
/// The last one whose arrivals have numbers that every file can hold.
const LAST: u64 = 1_000_000_000_000;

/// Seeds one after the other, all for the same use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds(pub Vec<u64>);

impl FromStr for Seeds {
    type Err = String;

    /// `FIRST..LAST`, both among them, or a count: 1 to so many.
    fn from_str(text: &str) -> Result<Self, String> {
        let number =
            |text: &str| text.trim().parse::<u64>().map_err(|_| format!("\"{text}\" is not a whole number"));
        let (first, last) = match text.split_once("..") {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (1, number(text)?),
        };
        if first == 0 || last < first || last - first >= MOST || last > LAST {
            return Err(format!("expected FIRST..LAST or a count, from 1 on, at most {MOST} of them"));
        }
        if range_of(first) != range_of(last) {
            return Err(format!(
                "seeds below {FIRST_EVALUATION_SEED} are for development, all others for evaluation: one of the two"
            ));
        }
        Ok(Seeds((first..=last).collect()))
    }
}
