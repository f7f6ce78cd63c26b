//! What functions take: the table `function_durations_percentiles` of the Azure Functions trace of 2019.
//! It has percentiles of averages over 30 seconds, in milliseconds, without cold starts.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use rand::{Rng, RngExt};

use super::table::Table;
use super::{LeftOut, TraceError};

/// Functions of one table, some 300 bytes each while traces are checked.
const MOST_FUNCTIONS: usize = 1_000_000;
/// The columns that are read; the last seven are the percentiles.
const COLUMNS: [&str; 11] = [
    "HashOwner",
    "HashApp",
    "HashFunction",
    "Count",
    "percentile_Average_0",
    "percentile_Average_1",
    "percentile_Average_25",
    "percentile_Average_50",
    "percentile_Average_75",
    "percentile_Average_99",
    "percentile_Average_100",
];
const COUNT: usize = 3;
const FIRST_PERCENTILE: usize = 4;
/// Which parts of the runs are below the percentiles.
const PARTS: [f64; 7] = [0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0];

/// The durations of functions.
#[derive(Debug)]
pub struct Durations {
    by_function: HashMap<String, Quantiles>,
    left_out: LeftOut,
}

/// The quantile function of a duration: straight lines between percentiles.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantiles {
    /// Seconds below which 0, 1, 25, 50, 75, 99 and 100 % of the runs stay.
    pub seconds: [f64; 7],
    /// Runs that it was made of.
    pub runs: f64,
}

impl Durations {
    /// Reads a table. With `skip_bad`, broken lines are counted and left out.
    ///
    /// # Errors
    /// A file, a line or a value that is not right.
    pub fn read(path: &Path, skip_bad: bool) -> Result<Durations, TraceError> {
        let mut table = Table::open(path, COLUMNS)?;
        let mut durations =
            Durations { by_function: HashMap::new(), left_out: LeftOut { path: path.into(), lines: 0 } };
        loop {
            match durations.add(&mut table) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if skip_bad && error.is_of_a_line() => durations.left_out.lines += 1,
                Err(error) => return Err(error),
            }
        }
        match durations.by_function.len() {
            0 => Err(TraceError::File { path: path.into(), reason: "there is no function".into() }),
            _ => Ok(durations),
        }
    }

    /// Reads a line; `false` at the end.
    fn add(&mut self, table: &mut Table<11>) -> Result<bool, TraceError> {
        let Some(values) = table.next()? else { return Ok(false) };
        let mut seconds = [0.0; 7];
        for (at, percentile) in seconds.iter_mut().enumerate() {
            *percentile = values.number(FIRST_PERCENTILE + at)? / 1e3;
        }
        if let Some(at) = (1..seconds.len()).find(|at| seconds[*at] < seconds[at - 1]) {
            return Err(values.wrong(FIRST_PERCENTILE + at, "less than the percentile before it".into()));
        }
        let quantiles = Quantiles { seconds, runs: values.number(COUNT)? };
        if self.by_function.len() == MOST_FUNCTIONS {
            let reason = format!("there are more than {MOST_FUNCTIONS} functions");
            return Err(TraceError::File { path: self.left_out.path.clone(), reason });
        }
        let [owner, app, function, ..] = values.texts;
        match self.by_function.entry(name(owner, app, function)) {
            Entry::Occupied(_) => Err(values.refused("the function has a line before this one".into())),
            Entry::Vacant(place) => {
                place.insert(quantiles);
                Ok(true)
            }
        }
    }

    /// Those of a function.
    pub(super) fn of(&self, [owner, app, function]: [&str; 3]) -> Option<Quantiles> {
        self.by_function.get(&name(owner, app, function)).copied()
    }

    /// All of them, in no order.
    pub fn all(&self) -> impl Iterator<Item = &Quantiles> {
        self.by_function.values()
    }

    /// Broken lines.
    pub fn left_out(&self) -> &LeftOut {
        &self.left_out
    }
}

fn name(owner: &str, app: &str, function: &str) -> String {
    format!("{owner},{app},{function}")
}

impl Quantiles {
    /// The seconds below which a part of the runs, from 0 to 1, stays.
    pub fn at(&self, part: f64) -> f64 {
        let after = PARTS.iter().position(|end| part < *end).unwrap_or(PARTS.len() - 1).max(1);
        let (low, high) = (self.seconds[after - 1], self.seconds[after]);
        let share = (part - PARTS[after - 1]) / (PARTS[after] - PARTS[after - 1]);
        low + share.clamp(0.0, 1.0) * (high - low)
    }

    /// The mean, seconds.
    pub fn mean_s(&self) -> f64 {
        let piece = |at: usize| (PARTS[at] - PARTS[at - 1]) * 0.5 * (self.seconds[at] + self.seconds[at - 1]);
        (1..PARTS.len()).map(piece).sum()
    }

    /// Draws one, seconds.
    pub fn sample(&self, draws: &mut impl Rng) -> f64 {
        self.at(draws.random())
    }
}
