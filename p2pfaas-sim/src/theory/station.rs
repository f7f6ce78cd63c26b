//! One node alone: M/M/c/c+K, and with it M/M/1/K and M/M/K/K.

use super::error::{TheoryError, at_least_one, positive, require};

/// Places up to which a node is solved.
pub const MAX_PLACES: u32 = 10_000_000;

/// A node with exponential service and room for `slots + queue` jobs: with i jobs it serves
/// min(i, slots) times `service_per_s`.
///
/// How many jobs there are does not depend on their order, so this is also a node of `slots` cores that
/// the jobs share (processor sharing); with one core of that kind, and for a node without a queue, the
/// law of the service time does not matter either, only its mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Station {
    /// Jobs that run at once; at least 1.
    pub slots: u32,
    /// Jobs that may wait.
    pub queue: u32,
    /// Jobs that one slot serves in a second.
    pub service_per_s: f64,
}

/// The steady state of a node alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Alone {
    /// P(i jobs are there), i from 0.
    pub probabilities: Vec<f64>,
    /// P(an arrival finds no room).
    pub blocking: f64,
    /// Mean number of jobs, waiting and running.
    pub mean_number: f64,
    /// Mean number of jobs that wait for a slot.
    pub mean_waiting: f64,
    /// Mean time that a served job has waited for a slot (FIFO; under processor sharing nobody waits).
    pub mean_wait_s: f64,
    /// Mean time from arrival to end of a served job.
    pub mean_response_s: f64,
}

impl Station {
    /// M/M/1/K: one server, `places` jobs at most, which wait or share it.
    pub fn one_server(places: u32, service_per_s: f64) -> Self {
        Station { slots: 1, queue: places.saturating_sub(1), service_per_s }
    }

    /// M/M/K/K: `slots` jobs at most, each with a server of its own.
    pub fn loss(slots: u32, service_per_s: f64) -> Self {
        Station { slots, queue: 0, service_per_s }
    }

    /// Jobs that it has room for.
    pub fn places(&self) -> u32 {
        self.slots.saturating_add(self.queue)
    }

    /// Jobs that it ends in a second while it has `jobs` jobs.
    pub fn rate_per_s(&self, jobs: u32) -> f64 {
        f64::from(jobs.min(self.slots)) * self.service_per_s
    }

    /// Its steady state when `arrivals_per_s` come to it and nobody takes a job from it (fact sheet 9.4).
    ///
    /// # Errors
    /// No slots, rates that are not finite numbers above 0, more than [`MAX_PLACES`].
    pub fn alone(&self, arrivals_per_s: f64) -> Result<Alone, TheoryError> {
        self.check(MAX_PLACES, "at most 10000000")?;
        positive("the arrival rate", arrivals_per_s)?;
        let probabilities = birth_death(self.places(), |_| arrivals_per_s, |jobs| self.rate_per_s(jobs));
        let blocking = probabilities[probabilities.len() - 1];
        let mean_number = mean(&probabilities, 0);
        let mean_waiting = mean(&probabilities, self.slots);
        // By what ends, since 1 - blocking is imprecise under a heavy overload.
        let served_per_s: f64 = (0..).zip(&probabilities).map(|(jobs, p)| self.rate_per_s(jobs) * p).sum();
        Ok(Alone {
            blocking,
            mean_number,
            mean_waiting,
            mean_wait_s: mean_waiting / served_per_s,
            mean_response_s: mean_number / served_per_s,
            probabilities,
        })
    }

    pub(super) fn check(&self, most: u32, must: &'static str) -> Result<(), TheoryError> {
        at_least_one("the number of slots", self.slots)?;
        positive("the service rate", self.service_per_s)?;
        let places = u64::from(self.slots) + u64::from(self.queue);
        require(places <= u64::from(most), "the number of places", places as f64, must)
    }
}

/// The stationary law of a chain on 0..=last that goes up from i at `birth(i)`, 0 or more, and down at
/// `death(i)`, above 0. Its products start at the most likely state, so that none overflows.
pub(super) fn birth_death(last: u32, birth: impl Fn(u32) -> f64, death: impl Fn(u32) -> f64) -> Vec<f64> {
    // First as logarithms, to find that state.
    let mut logs = Vec::with_capacity(last as usize + 1);
    let mut log = 0.0;
    logs.push(log);
    for state in 1..=last {
        log += (birth(state - 1) / death(state)).ln();
        logs.push(log);
    }
    let peak = (0..=last).max_by(|a, b| logs[*a as usize].total_cmp(&logs[*b as usize])).unwrap_or(0);
    let mut law = vec![0.0; logs.len()];
    law[peak as usize] = 1.0;
    for state in peak + 1..=last {
        law[state as usize] = law[state as usize - 1] * (birth(state - 1) / death(state));
    }
    for state in (0..peak).rev() {
        law[state as usize] = law[state as usize + 1] * (death(state + 1) / birth(state));
    }
    let total: f64 = law.iter().sum();
    law.iter_mut().for_each(|p| *p /= total);
    law
}

/// Mean of what exceeds `from`.
pub(super) fn mean(law: &[f64], from: u32) -> f64 {
    law.iter().enumerate().skip(from as usize).map(|(state, p)| (state as f64 - f64::from(from)) * p).sum()
}

#[cfg(test)]
mod tests {
    use super::super::erlang::{erlang_b, pooled};
    use super::*;
    use proptest::prelude::*;

    /// Fact sheet (anchors) B6.2.
    #[test]
    fn one_server_gives_the_printed_table() {
        let loads = [0.5, 0.7, 0.8, 0.9, 0.95, 1.0, 1.1, 1.5];
        let table: [(u32, [(f64, f64); 8]); 5] = [
            (
                1,
                [
                    (0.33333333, 1.0),
                    (0.41176471, 1.0),
                    (0.44444444, 1.0),
                    (0.47368421, 1.0),
                    (0.48717949, 1.0),
                    (0.5, 1.0),
                    (0.52380952, 1.0),
                    (0.6, 1.0),
                ],
            ),
            (
                2,
                [
                    (0.14285714, 1.333333),
                    (0.22374429, 1.411765),
                    (0.26229508, 1.444444),
                    (0.29889299, 1.473684),
                    (0.31638913, 1.487179),
                    (0.33333333, 1.5),
                    (0.36555891, 1.523810),
                    (0.47368421, 1.6),
                ],
            ),
            (
                4,
                [
                    (0.03225806, 1.733333),
                    (0.08658180, 2.069483),
                    (0.12184674, 2.224932),
                    (0.16021587, 2.368712),
                    (0.18002600, 2.435931),
                    (0.2, 2.5),
                    (0.23981589, 2.618832),
                    (0.38388626, 2.984615),
                ],
            ),
            (
                10,
                [
                    (0.00048852, 1.990225),
                    (0.00864520, 3.042647),
                    (0.02349286, 3.797098),
                    (0.05081373, 4.646601),
                    (0.06942684, 5.078693),
                    (0.09090909, 5.5),
                    (0.13996649, 6.274539),
                    (0.33723208, 8.176476),
                ],
            ),
            (
                20,
                [
                    (4.8e-7, 1.999981),
                    (0.00023951, 3.317362),
                    (0.00232731, 4.766726),
                    (0.01365139, 7.231935),
                    (0.02718115, 8.823755),
                    (0.04761905, 10.5),
                    (0.10511308, 13.491925),
                    (0.33340018, 18.006016),
                ],
            ),
        ];
        for (places, row) in table {
            for (load, (blocking, response)) in loads.iter().zip(row) {
                let found = Station::one_server(places, 1.0).alone(*load).unwrap();
                assert!((found.blocking - blocking).abs() < 5.1e-9, "{places}, {load}: {found:?}");
                assert!((found.mean_response_s - response).abs() < 5.1e-7, "{places}, {load}: {found:?}");
            }
        }
    }

    /// Fact sheet (P2PFaaS) 9.4, column "no balancing".
    #[test]
    fn a_node_with_slots_and_a_queue_gives_the_printed_numbers() {
        let node = Station { slots: 4, queue: 4, service_per_s: 1.0 };
        for (arrivals, blocking, response) in [(3.6, 0.096636, 1.332), (4.0, 0.138528, 1.402)] {
            let found = node.alone(arrivals).unwrap();
            assert!((found.blocking - blocking).abs() < 5.1e-7, "{found:?}");
            assert!((found.mean_response_s - response).abs() < 5.1e-4, "{found:?}");
        }
    }

    #[test]
    fn a_long_queue_is_the_endless_one() {
        let node = Station { slots: 3, queue: 2_000, service_per_s: 2.0 };
        let (found, endless) = (node.alone(5.4).unwrap(), pooled(3, 5.4, 2.0).unwrap());
        assert!((found.mean_wait_s - endless.mean_wait_s).abs() < 1e-11);
        assert!((found.mean_number - endless.mean_number).abs() < 1e-10);
    }

    #[test]
    fn large_nodes_and_loads_overflow_nothing() {
        let node = Station { slots: 100_000, queue: 100_000, service_per_s: 1.0 };
        for arrivals in [1e-3, 5e4, 1e5, 3e5, 1e12] {
            let found = node.alone(arrivals).unwrap();
            assert!(found.probabilities.iter().all(|p| (0.0..=1.0).contains(p)), "{arrivals}");
            assert!(
                found.mean_response_s >= 1.0 - 1e-12 && found.mean_response_s <= 2.0 + 1e-9,
                "{arrivals}"
            );
        }
        let loss = Station::loss(100_000, 1.0).alone(101_000.0).unwrap().blocking;
        assert!((loss / erlang_b(100_000, 101_000.0).unwrap() - 1.0).abs() < 1e-10);
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let node = Station { slots: 2, queue: 1, service_per_s: 1.0 };
        assert!(matches!(node.alone(0.0), Err(TheoryError::Parameter { what: "the arrival rate", .. })));
        let wrong = [
            Station { slots: 0, ..node },
            Station { queue: u32::MAX, ..node },
            Station { service_per_s: f64::NAN, ..node },
        ];
        for station in wrong {
            assert!(matches!(station.alone(1.0), Err(TheoryError::Parameter { .. })), "{station:?}");
        }
    }

    proptest! {
        #[test]
        fn a_steady_state_is_a_law_and_what_comes_in_goes_out(
            slots in 1_u32..40, queue in 0_u32..40, service in 0.1_f64..9.0, load in 0.01_f64..4.0,
        ) {
            let node = Station { slots, queue, service_per_s: service };
            let arrivals = load * f64::from(slots) * service;
            let found = node.alone(arrivals).unwrap();
            prop_assert!((found.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            for (jobs, pair) in (1..).zip(found.probabilities.windows(2)) {
                let (up, down) = (arrivals * pair[0], node.rate_per_s(jobs) * pair[1]);
                prop_assert!((up - down).abs() <= 1e-12 * up, "{up} and {down}");
            }
            let accepted = arrivals * (1.0 - found.blocking);
            prop_assert!((found.mean_number / accepted / found.mean_response_s - 1.0).abs() < 1e-10);
            prop_assert!((found.mean_response_s - found.mean_wait_s - 1.0 / service).abs() < 1e-10);
        }

        #[test]
        fn a_node_without_a_queue_is_erlang_b(slots in 1_u32..60, load in 0.01_f64..4.0) {
            let offered = load * f64::from(slots);
            let blocking = Station::loss(slots, 1.0).alone(offered).unwrap().blocking;
            let known = erlang_b(slots, offered).unwrap();
            prop_assert!((blocking / known - 1.0).abs() < 1e-11, "{blocking} and {known}");
        }
    }
}
