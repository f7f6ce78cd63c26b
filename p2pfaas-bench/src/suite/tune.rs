//! Grid search by successive halving: all candidates with one run, the best third with more.

/// A round: how many of the candidates take part, as a part of all, at least, and with how many runs more each.
struct Round {
    one_of: usize,
    at_least: usize,
    runs: u64,
}

/// The whole grid once, the best third with one run more, the best ninth with three more.
const ROUNDS: [Round; 3] = [
    Round { one_of: 1, at_least: 1, runs: 1 },
    Round { one_of: 3, at_least: 3, runs: 1 },
    Round { one_of: 9, at_least: 2, runs: 3 },
];

/// The best of a family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tuned {
    /// Its place among the candidates.
    pub best: usize,
    /// Its mean share of jobs in time over its tuning runs.
    pub score: f64,
    /// Runs of all candidates together.
    pub runs: u64,
}

/// Runs of one candidate that comes through to the end. Their numbers are 1 and up; that of the evaluation is 0.
pub const RUNS_OF_THE_BEST: u64 = 5;

/// Runs that tuning a family of so many candidates takes.
pub fn budget(candidates: usize) -> u64 {
    ROUNDS.iter().map(|round| round.takes(candidates) as u64 * round.runs).sum()
}

impl Round {
    fn takes(&self, candidates: usize) -> usize {
        candidates.div_ceil(self.one_of).max(self.at_least).min(candidates)
    }
}

/// Finds the best of so many candidates. `score` runs one of them under the arrivals of this number, and says the share of
/// jobs in time; `None` ends the search.
///
/// # Errors
/// A run that cannot be made.
pub fn tune<E>(
    candidates: usize,
    mut score: impl FnMut(usize, u64) -> Result<Option<f64>, E>,
) -> Result<Option<Tuned>, E> {
    let mut left: Vec<(usize, f64)> = (0..candidates).map(|candidate| (candidate, 0.0)).collect();
    let (mut first_run, mut runs) = (1, 0);
    for round in &ROUNDS {
        left.truncate(round.takes(candidates));
        for (candidate, sum) in &mut left {
            for run in first_run..first_run + round.runs {
                let Some(share) = score(*candidate, run)? else { return Ok(None) };
                *sum += share;
                runs += 1;
            }
        }
        first_run += round.runs;
        // Stable: of equals the first of the grid.
        left.sort_by(|(_, left), (_, right)| right.total_cmp(left));
    }
    let best =
        left.first().map(|(best, sum)| Tuned { best: *best, score: sum / (first_run - 1) as f64, runs });
    Ok(best)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn the_best_is_found_within_the_budget_and_never_by_the_arrivals_of_the_evaluation() {
        for count in [1, 2, 5, 40, 200] {
            let seen = RefCell::new(Vec::new());
            let found = tune(count, |candidate, run| {
                seen.borrow_mut().push(run);
                // A little noise, which differs from run to run.
                let noise = ((candidate as u64 * 7 + run * 13) % 10) as f64 * 1e-4;
                Ok::<_, Infallible>(Some(1.0 - (candidate as f64 - 3.0).abs() / 100.0 + noise))
            });
            let found = found.unwrap().unwrap();
            assert_eq!(found.best, 3.min(count - 1), "of {count}");
            assert_eq!(found.runs, budget(count));
            assert_eq!(seen.borrow().len() as u64, found.runs);
            assert!(seen.borrow().iter().all(|run| (1..=RUNS_OF_THE_BEST).contains(run)));
        }
        assert_eq!(budget(200), 200 + 67 + 3 * 23);
    }

    #[test]
    fn one_lucky_run_does_not_win() {
        let found = tune(9, |candidate, run| {
            Ok::<_, Infallible>(Some(match (candidate, run) {
                (4, 1) => 1.0,
                (4, _) => 0.2,
                (7, _) => 0.8,
                _ => 0.5,
            }))
        });
        let found = found.unwrap().unwrap();
        assert_eq!(found.best, 7);
        assert!((found.score - 0.8).abs() < 1e-12, "{}", found.score);
    }

    #[test]
    fn a_search_that_is_ended_finds_nothing() {
        let mut left = 5;
        let found = tune(9, |_, _| {
            left -= 1;
            Ok::<_, Infallible>((left > 0).then_some(0.5))
        });
        assert_eq!(found, Ok(None));
        assert_eq!(tune(0, |_, _| Ok::<_, Infallible>(Some(1.0))), Ok(None));
    }
}
