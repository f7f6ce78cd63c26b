//! The power of d choices among very many servers (Vvedenskaya, Dobrushin, Karpelevich 1996;
//! Mitzenmacher 1996; fact sheet, anchors B6.1).

use super::error::{TheoryError, at_least_one, positive};

/// The supermarket model: each job looks at `choices` random servers of very many and joins the
/// shortest of their endless queues.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Supermarket {
    choices: f64,
    load: f64,
}

impl Supermarket {
    /// `choices` servers to look at, each with arrivals of `load` in a mean service time.
    ///
    /// # Errors
    /// No choices; a load that is not above 0 and below 1.
    pub fn new(choices: u32, load: f64) -> Result<Self, TheoryError> {
        at_least_one("the number of choices", choices)?;
        positive("the load", load)?;
        if load >= 1.0 {
            return Err(TheoryError::Overloaded { load });
        }
        Ok(Supermarket { choices: f64::from(choices), load })
    }

    /// Share of the servers with at least `jobs` jobs: load^((d^jobs - 1) / (d - 1)).
    pub fn at_least(&self, jobs: u32) -> f64 {
        let mut exponent = 0.0;
        for _ in 0..jobs {
            exponent = self.choices * exponent + 1.0;
            // Also ends the loop where further jobs change nothing.
            if self.load.powf(exponent) == 0.0 {
                return 0.0;
            }
        }
        self.load.powf(exponent)
    }

    /// Mean time from arrival to end, in mean service times.
    pub fn mean_response(&self) -> f64 {
        if self.choices == 1.0 {
            return 1.0 / (1.0 - self.load);
        }
        let (mut sum, mut exponent, mut term) = (0.0, 0.0, 1.0);
        while term > f64::EPSILON * sum / 4.0 {
            sum += term;
            exponent = self.choices * (exponent + 1.0);
            term = self.load.powf(exponent);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn response_times_are_the_printed_table() {
        let table = [
            (0.50, [2.0, 1.265686, 1.125244, 1.031250]),
            (0.70, [3.333333, 1.614454, 1.356842, 1.168093]),
            (0.80, [5.0, 1.947363, 1.580886, 1.328918]),
            (0.90, [10.0, 2.614057, 2.027856, 1.632881]),
            (0.95, [20.0, 3.383046, 2.535133, 1.988772]),
            (0.99, [100.0, 5.431997, 3.857847, 2.901683]),
        ];
        for (load, row) in table {
            for (choices, known) in [1, 2, 3, 5].into_iter().zip(row) {
                let value = Supermarket::new(choices, load).unwrap().mean_response();
                assert!((value - known).abs() < 5.1e-7, "{choices} choices, load {load}: {value}");
            }
        }
    }

    #[test]
    fn queues_are_as_long_as_printed() {
        let market = Supermarket::new(2, 0.9).unwrap();
        let known = [1.0, 0.9, 0.729, 0.4783, 0.2059, 0.03815, 1.310e-3, 1.545e-6];
        for (jobs, known) in (0..).zip(known) {
            let value = market.at_least(jobs);
            assert!((value / known - 1.0).abs() < 5e-4, "{jobs}: {value}");
        }
        assert_eq!(market.at_least(u32::MAX), 0.0);
    }

    #[test]
    fn what_means_nothing_is_refused() {
        assert!(matches!(Supermarket::new(2, 1.0), Err(TheoryError::Overloaded { .. })));
        assert!(matches!(Supermarket::new(0, 0.5), Err(TheoryError::Parameter { .. })));
        assert!(matches!(Supermarket::new(2, f64::NAN), Err(TheoryError::Parameter { .. })));
    }

    proptest! {
        #[test]
        fn the_mean_is_the_sum_of_the_queues_and_choice_helps(choices in 1_u32..8, load in 0.01_f64..0.95) {
            let market = Supermarket::new(choices, load).unwrap();
            let number: f64 = (1..700).map(|jobs| market.at_least(jobs)).sum();
            prop_assert!((number / load / market.mean_response() - 1.0).abs() < 1e-9);
            let more = Supermarket::new(choices + 1, load).unwrap();
            prop_assert!(more.mean_response() < market.mean_response());
        }
    }
}
