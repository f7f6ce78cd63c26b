//! How long a job of a task type takes on a device of speed 1.

use std::path::Path;
use std::sync::Arc;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1, Gamma, LogNormal};

use crate::arrivals::{Lines, TraceError};

/// Times that are kept of one file at most: 80 MB.
const MOST_TIMES: usize = 10_000_000;

/// A distribution of service times; all parameters are positive.
#[derive(Debug, Clone, PartialEq)]
pub enum Service {
    /// Exponential.
    Exponential {
        /// Mean, seconds.
        mean_s: f64,
    },
    /// Always the same.
    Deterministic {
        /// The time, seconds.
        mean_s: f64,
    },
    /// Log-normal.
    LogNormal {
        /// Mean, seconds (not that of the logarithm).
        mean_s: f64,
        /// Standard deviation over mean.
        cv: f64,
    },
    /// Gamma.
    Gamma {
        /// Mean, seconds.
        mean_s: f64,
        /// Standard deviation over mean.
        cv: f64,
    },
    /// Times that were seen, all as likely.
    Empirical(Times),
}

/// Service times that were seen; cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    times_s: Arc<[f64]>,
    mean_s: f64,
}

/// Times that cannot be service times.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum TimesError {
    /// There is none.
    #[error("there is no time")]
    Empty,
    /// One is not possible.
    #[error("{0} is not a time in seconds, 0 or more")]
    Impossible(f64),
    /// More than memory is granted for.
    #[error("there are more than {MOST_TIMES} times")]
    TooMany,
}

impl Times {
    /// Times in seconds, 0 or more.
    ///
    /// # Errors
    /// There is none, there are too many, or one is not possible.
    pub fn new(times_s: Vec<f64>) -> Result<Times, TimesError> {
        if let Some(wrong) = times_s.iter().find(|time_s| !(time_s.is_finite() && **time_s >= 0.0)) {
            return Err(TimesError::Impossible(*wrong));
        }
        match times_s.len() {
            0 => Err(TimesError::Empty),
            count if count > MOST_TIMES => Err(TimesError::TooMany),
            count => {
                let mean_s = times_s.iter().map(|time_s| time_s / count as f64).sum();
                Ok(Times { times_s: times_s.into(), mean_s })
            }
        }
    }

    /// Reads a file with a time in seconds on each line; the first line may be a heading.
    ///
    /// # Errors
    /// The file or a line is not right.
    pub fn read(path: &Path) -> Result<Times, TraceError> {
        let mut lines = Lines::open(path)?;
        let mut times_s = Vec::new();
        while let Some(line) = lines.next()? {
            let wrong = |reason| TraceError::Line { path: path.into(), line: line.number, reason };
            match line.text.trim().parse::<f64>() {
                Ok(time_s) if time_s.is_finite() && time_s >= 0.0 => times_s.push(time_s),
                Err(_) if line.number == 1 && !line.text.trim().is_empty() => {}
                _ => {
                    let reason = format!("{:?} is not a time in seconds, 0 or more", line.text);
                    return Err(wrong(reason));
                }
            }
            if times_s.len() > MOST_TIMES {
                return Err(wrong(TimesError::TooMany.to_string()));
            }
        }
        let file = |error: TimesError| TraceError::File { path: path.into(), reason: error.to_string() };
        Times::new(times_s).map_err(file)
    }

    /// The times, seconds, in the order in which they were given.
    pub fn times_s(&self) -> &[f64] {
        &self.times_s
    }
}

impl Service {
    /// Names in experiment files.
    pub const KINDS: [&str; 5] = ["exponential", "deterministic", "lognormal", "gamma", "empirical"];

    /// Its mean, seconds.
    pub fn mean_s(&self) -> f64 {
        match self {
            Service::Exponential { mean_s }
            | Service::Deterministic { mean_s }
            | Service::LogNormal { mean_s, .. }
            | Service::Gamma { mean_s, .. } => *mean_s,
            Service::Empirical(times) => times.mean_s,
        }
    }

    /// Draws a time, seconds. Parameters outside their range give the mean.
    pub fn sample(&self, rng: &mut impl Rng) -> f64 {
        match *self {
            Service::Deterministic { mean_s } => mean_s,
            Service::Exponential { mean_s } => rng.sample::<f64, _>(Exp1) * mean_s,
            Service::LogNormal { mean_s, cv } => {
                LogNormal::from_mean_cv(mean_s, cv).map_or(mean_s, |law| law.sample(rng))
            }
            Service::Gamma { mean_s, cv } => {
                let shape = 1.0 / (cv * cv);
                Gamma::new(shape, mean_s / shape).map_or(mean_s, |law| law.sample(rng))
            }
            Service::Empirical(ref times) => times.times_s[rng.random_range(0..times.times_s.len())],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::{Purpose, generator};

    #[test]
    fn samples_have_the_mean_and_deviation_that_was_asked_for() {
        let laws = [
            (Service::Exponential { mean_s: 0.2 }, 0.2),
            (Service::Deterministic { mean_s: 0.2 }, 0.0),
            (Service::LogNormal { mean_s: 0.2, cv: 0.5 }, 0.1),
            (Service::Gamma { mean_s: 0.2, cv: 0.5 }, 0.1),
            (Service::Empirical(Times::new(vec![0.1, 0.3, 0.3, 0.1]).unwrap()), 0.1),
        ];
        for (law, sd) in laws {
            let mut rng = generator(1, Purpose::Demand, 0);
            let count = 200_000;
            let draws: Vec<_> = (0..count).map(|_| law.sample(&mut rng)).collect();
            let mean = draws.iter().sum::<f64>() / count as f64;
            let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / count as f64;
            assert!((mean - 0.2).abs() < 0.002, "{law:?}: mean {mean}");
            assert!((variance.sqrt() - sd).abs() < 0.003, "{law:?}: deviation {}", variance.sqrt());
        }
    }

    #[test]
    fn recorded_times_are_drawn_as_often_as_they_are_there() {
        let law = Service::Empirical(Times::new(vec![1.0, 2.0, 2.0, 4.0]).unwrap());
        assert_eq!(law.mean_s(), 2.25);
        let mut rng = generator(1, Purpose::Demand, 0);
        let draws: Vec<_> = (0..40_000).map(|_| law.sample(&mut rng)).collect();
        for (time_s, share) in [(1.0, 0.25), (2.0, 0.5), (4.0, 0.25)] {
            let seen = draws.iter().filter(|draw| **draw == time_s).count() as f64 / 40_000.0;
            assert!((seen - share).abs() < 0.0125, "{time_s}: {seen}");
        }
    }

    #[test]
    fn times_are_read_with_or_without_a_heading_and_a_broken_line_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("times.csv");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Times::read(&path).map_err(|error| error.to_string())
        };
        assert_eq!(read("seconds\n0.5\r\n1e-1\n").unwrap().times_s(), [0.5, 0.1]);
        assert_eq!(read("0.5\n0").unwrap().times_s(), [0.5, 0.0]);
        for (text, part) in [
            ("0.5\nslow\n", ":2: \"slow\" is not a time"),
            ("-1\n", ":1: \"-1\" is not a time"),
            ("0.5\ninf\n", ":2: \"inf\" is not a time"),
            ("0.5\n\n0.5\n", ":2: \"\" is not a time"),
            ("seconds\n", ": there is no time"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(part), "{text:?}: {error}");
        }
        assert_eq!(
            Times::new(vec![1.0, f64::NAN]).unwrap_err().to_string(),
            "NaN is not a time in seconds, 0 or more"
        );
    }
}
