//! Counts in windows of time, of instants that come in order.

use super::info::Series;

/// Bins of a series at most.
const MOST_BINS: usize = 4096;

/// Jobs in windows one after the other; whole windows count, also empty ones.
#[derive(Debug)]
pub(super) struct Windows {
    width_s: f64,
    begins_s: f64,
    /// The window that goes on, and its jobs.
    number: u64,
    jobs: u64,
    sum: f64,
    squares: f64,
    most: u64,
}

impl Windows {
    pub fn new(begins_s: f64, width_s: f64) -> Self {
        Windows { width_s, begins_s, number: 0, jobs: 0, sum: 0.0, squares: 0.0, most: 0 }
    }

    pub fn add(&mut self, at_s: f64) {
        self.until(at_s);
        self.jobs += 1;
    }

    /// Ends the windows before an instant.
    pub fn until(&mut self, at_s: f64) {
        let number = ((at_s - self.begins_s) / self.width_s).max(0.0) as u64;
        if number > self.number {
            self.close();
            self.number = number;
        }
    }

    fn close(&mut self) {
        let jobs = self.jobs as f64;
        self.sum += jobs;
        self.squares += jobs * jobs;
        self.most = self.most.max(self.jobs);
        self.jobs = 0;
    }

    /// Variance over mean; `None` of fewer than two windows, or without a job.
    pub fn dispersion(&self) -> Option<f64> {
        let windows = self.number as f64;
        let mean = self.sum / windows;
        (self.number > 1 && self.sum > 0.0).then(|| (self.squares / windows - mean * mean).max(0.0) / mean)
    }

    /// Jobs per second of the window with the most.
    pub fn peak(&self) -> Option<f64> {
        (self.number > 0).then(|| self.most as f64 / self.width_s)
    }
}

/// Counts over time in a bounded number of bins: they become twice as long when there are too many.
#[derive(Debug)]
pub(super) struct Bins {
    begins_s: f64,
    width_s: f64,
    counts: Vec<u64>,
}

impl Bins {
    pub fn new(begins_s: f64) -> Self {
        Bins { begins_s, width_s: 1.0 / 16.0, counts: Vec::new() }
    }

    pub fn add(&mut self, at_s: f64) {
        // An infinite number never gets smaller, and a file may say anything.
        let mut bin = ((at_s - self.begins_s) / self.width_s).clamp(0.0, f64::MAX);
        while bin >= MOST_BINS as f64 {
            self.counts = self.counts.chunks(2).map(|pair| pair.iter().sum()).collect();
            self.width_s *= 2.0;
            bin /= 2.0;
        }
        let bin = bin as usize;
        if bin >= self.counts.len() {
            self.counts.resize(bin + 1, 0);
        }
        self.counts[bin] += 1;
    }

    /// Jobs per second.
    pub fn series(&self) -> Series {
        let values = self.counts.iter().map(|count| *count as f64 / self.width_s).collect();
        Series { begins_s: self.begins_s, step_s: self.width_s, values }
    }
}
