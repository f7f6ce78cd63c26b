//! How long jobs of one kind take, as far as it has been seen: a mean that follows quickly, and the shape around it, which
//! follows slowly.

/// Bins of a shape, from 1/32 of the mean to 8 times the mean: three to an octave, and what is longer.
const BINS: usize = 25;
const BINS_AN_OCTAVE: f64 = 3.0;
const LOWEST: f64 = 1.0 / 32.0;
/// Executions that the shape of nobody's experience counts as: exponential.
const PRIOR: f64 = 16.0;
/// The newest execution counts in the mean as one of so many.
const MEAN_OF: f64 = 1024.0;
/// Of so many in the quick mean, which tells when times have changed.
const QUICK_MEAN_OF: f64 = 32.0;
/// By how many of its standard deviations the quick mean must be off.
const CHANGE: f64 = 5.0;
/// The newest execution counts in the shape as one of so many.
const SHAPE_OF: f64 = 512.0;

/// A law of execution times.
#[derive(Debug, Clone)]
pub(super) struct Law {
    mean_s: f64,
    log: f64,
    log_square: f64,
    quick_log: f64,
    executions: f64,
    /// Shares of the executions by their time over the mean of then.
    shares: [f64; BINS],
}

impl Default for Law {
    fn default() -> Self {
        let within = |x: f64| 1.0 - (-x).exp();
        let mut shares = [0.0; BINS];
        for (bin, share) in shares.iter_mut().enumerate() {
            let low = if bin == 0 { 0.0 } else { within(edge(bin)) };
            let high = if bin + 1 == BINS { 1.0 } else { within(edge(bin + 1)) };
            *share = high - low;
        }
        Law { mean_s: 0.0, log: 0.0, log_square: 0.0, quick_log: 0.0, executions: 0.0, shares }
    }
}

impl Law {
    /// A job has taken so long.
    pub(super) fn executed(&mut self, seconds: f64) {
        self.executions += 1.0;
        self.mean_s += (seconds - self.mean_s) / self.executions.min(MEAN_OF);
        self.watch(seconds);
        if self.mean_s <= 0.0 {
            return;
        }
        let weight = 1.0 / (PRIOR + self.executions).min(SHAPE_OF);
        self.shares.iter_mut().for_each(|share| *share *= 1.0 - weight);
        self.shares[bin(seconds / self.mean_s)] += weight;
    }

    /// Begins anew when jobs take clearly longer or shorter than before. It looks at the logarithms, of which no single job is
    /// far off.
    fn watch(&mut self, seconds: f64) {
        let log = seconds.max(1e-9).ln();
        let off = log - self.log;
        self.log += off / self.executions.min(MEAN_OF);
        self.log_square += (off * off - self.log_square) / self.executions.min(MEAN_OF);
        self.quick_log += (log - self.quick_log) / self.executions.min(QUICK_MEAN_OF);
        let deviation = (self.log_square / (2.0 * QUICK_MEAN_OF)).sqrt().max(0.05);
        if self.executions > 2.0 * QUICK_MEAN_OF && (self.quick_log - self.log).abs() > CHANGE * deviation {
            self.mean_s *= (self.quick_log - self.log).exp();
            (self.log, self.executions) = (self.quick_log, QUICK_MEAN_OF);
        }
    }

    /// The mean; `None` before the first.
    pub(super) fn mean_s(&self) -> Option<f64> {
        (self.executions > 0.0).then_some(self.mean_s)
    }

    /// The probability that a job takes no longer.
    pub(super) fn within(&self, seconds: f64) -> f64 {
        if seconds <= 0.0 {
            return 0.0;
        }
        if self.mean_s <= 0.0 {
            return 1.0;
        }
        let x = seconds / self.mean_s;
        let here = bin(x);
        let before: f64 = self.shares[..here].iter().sum();
        let (low, high) = (if here == 0 { 0.0 } else { edge(here) }, edge(here + 1));
        let part = if here + 1 == BINS { x / (x + 2.0 * low) } else { (x - low) / (high - low) };
        before + self.shares[here] * part.clamp(0.0, 1.0)
    }

    /// Times with their probabilities: the middles of the bins.
    pub(super) fn points(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let middle = |bin: usize| if bin == 0 { LOWEST * 0.8 } else { (edge(bin) + edge(bin + 1)) / 2.0 };
        self.shares.iter().enumerate().map(move |(bin, share)| (self.mean_s * middle(bin), *share))
    }

    /// The squared coefficient of variation.
    pub(super) fn variation(&self) -> f64 {
        let (mut mean, mut square) = (0.0, 0.0);
        for (seconds, share) in self.points() {
            mean += share * seconds;
            square += share * seconds * seconds;
        }
        if mean > 0.0 { (square / (mean * mean) - 1.0).max(0.0) } else { 1.0 }
    }
}

/// The lower edge of a bin, over the mean; the first begins at 0.
fn edge(bin: usize) -> f64 {
    LOWEST * ((bin as f64) / BINS_AN_OCTAVE).exp2()
}

fn bin(x: f64) -> usize {
    let place = (x / LOWEST).log2() * BINS_AN_OCTAVE;
    if place > 0.0 { (place as usize).min(BINS - 1) } else { 0 }
}
