//! How many jobs there were, in small stretches of a run: what its warm-up is seen by.

/// Stretches of equal length into which a run is cut, warm-up included.
pub const STRETCHES: usize = 1_000;

/// The number of jobs that have come and are not answered, over time, in memory that does not grow with
/// them: a job changes two stretches, however long it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct InSystem {
    stretch_s: f64,
    /// By how much the number is more after each stretch than before it.
    change: Vec<i64>,
    /// What those that come or go within a stretch add to its area, in job seconds.
    area_s: Vec<f64>,
}

impl InSystem {
    /// Nobody is there yet, in a run of so many seconds.
    pub fn new(horizon_s: f64) -> InSystem {
        InSystem {
            stretch_s: horizon_s.max(f64::MIN_POSITIVE) / STRETCHES as f64,
            change: vec![0; STRETCHES],
            area_s: vec![0.0; STRETCHES],
        }
    }

    /// Adds a job that came at a second of the run and was answered so many seconds later.
    pub fn add(&mut self, at_s: f64, latency_s: f64) {
        self.step(at_s, 1);
        self.step(at_s + latency_s, -1);
    }

    /// The number changes; after the end of the run nobody looks.
    fn step(&mut self, at_s: f64, by: i8) {
        let stretch = (at_s / self.stretch_s) as usize;
        if let (Some(change), Some(area_s)) = (self.change.get_mut(stretch), self.area_s.get_mut(stretch)) {
            *change += i64::from(by);
            *area_s += f64::from(by) * ((stretch + 1) as f64 * self.stretch_s - at_s);
        }
    }

    /// Seconds of a stretch.
    pub fn stretch_s(&self) -> f64 {
        self.stretch_s
    }

    /// The mean number of jobs in each stretch.
    pub fn means(&self) -> Vec<f64> {
        let mut there = 0;
        let means = self.change.iter().zip(&self.area_s).map(|(change, area_s)| {
            let before = there;
            there += change;
            before as f64 + area_s / self.stretch_s
        });
        means.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_counts_in_every_stretch_by_the_time_that_it_was_there() {
        // Stretches of 10 ms.
        let mut jobs = InSystem::new(10.0);
        jobs.add(0.005, 0.02);
        jobs.add(0.012, 0.004);
        jobs.add(9.995, 100.0);
        let means = jobs.means();
        let expected = [0.5, 1.4, 0.5, 0.0];
        assert!(means.iter().zip(expected).all(|(left, right)| (left - right).abs() < 1e-9), "{means:?}");
        assert!((means[999] - 0.5).abs() < 1e-9);
        assert_eq!((means.len(), jobs.stretch_s()), (STRETCHES, 0.01));
    }

    #[test]
    fn over_a_run_it_is_the_rate_times_the_time_of_a_job() {
        // Little's law, exact when nobody is there at the end.
        let mut jobs = InSystem::new(50.0);
        for job in 0..300 {
            jobs.add(0.1 * f64::from(job), 0.01 * f64::from(job % 170));
        }
        let total: f64 = (0..300).map(|job| 0.01 * f64::from(job % 170)).sum();
        let area = jobs.means().iter().sum::<f64>() * jobs.stretch_s();
        assert!((area - total).abs() < 1e-9, "{area} instead of {total}");
    }
}
