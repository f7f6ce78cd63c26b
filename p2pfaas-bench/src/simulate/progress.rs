//! One bar over all runs, which knows the end: the virtual seconds that are to be lived through.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::experiment::{Experiment, PolicySpec};
use crate::progress::{BAR, milliseconds, style};
use crate::tally::Counts;

/// Policies whose share is told while runs go on.
const TOLD: usize = 4;

/// The bar.
#[derive(Debug)]
pub struct SimProgress {
    bar: ProgressBar,
    /// Without a terminal there are lines instead of a bar.
    plain: bool,
    runs: usize,
    done: AtomicUsize,
    /// One a policy, where all runs are of one experiment.
    live: Vec<Live>,
}

/// Counts of all runs of a policy, read while they go on.
#[derive(Debug)]
struct Live {
    label: String,
    offered: AtomicU64,
    in_time: AtomicU64,
}

impl SimProgress {
    /// Over the runs of one experiment, on standard error.
    pub fn on_stderr(experiment: &Experiment) -> SimProgress {
        let live = |policy: &PolicySpec| Live {
            label: policy.label.clone(),
            offered: AtomicU64::new(0),
            in_time: AtomicU64::new(0),
        };
        let runs = experiment.policies.len() * experiment.seeds.len();
        SimProgress {
            live: experiment.policies.iter().map(live).collect(),
            ..SimProgress::over(virtual_s(experiment), runs)
        }
    }

    /// Over so many virtual seconds in so many runs, on standard error.
    pub fn over(virtual_s: f64, runs: usize) -> SimProgress {
        let plain = !std::io::stderr().is_terminal();
        SimProgress::new(virtual_s, runs, ProgressDrawTarget::stderr(), plain)
    }

    /// Nowhere.
    pub fn hidden() -> SimProgress {
        SimProgress::new(0.0, 0, ProgressDrawTarget::hidden(), false)
    }

    fn new(virtual_s: f64, runs: usize, target: ProgressDrawTarget, plain: bool) -> SimProgress {
        let bar = ProgressBar::with_draw_target(Some(milliseconds(virtual_s)), target);
        bar.set_style(style(BAR));
        SimProgress { bar, plain, runs, done: AtomicUsize::new(0), live: Vec::new() }
    }

    /// For a run of a policy of this experiment.
    pub fn gauge(&self, experiment: &Experiment, policy: usize) -> Gauge<'_> {
        let train_s = experiment.policies.get(policy).map_or(0.0, PolicySpec::train_s);
        Gauge {
            progress: self,
            live: self.live.get(policy),
            begins_s: -train_s,
            ends_s: experiment.horizon_s(),
            told_ms: 0,
            told: (0, 0),
        }
    }

    /// Writes a line above the bar.
    pub fn tell(&self, line: &str) {
        if self.plain {
            eprintln!("{line}");
        } else {
            self.bar.println(line);
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn message(&self) -> String {
        let runs = format!("{}/{} runs", self.done.load(Ordering::Relaxed), self.runs);
        let shares: Vec<_> = self.live.iter().filter_map(Live::share).take(TOLD).collect();
        match shares.is_empty() {
            true => runs,
            false => format!("{runs}  in time: {}", shares.join(", ")),
        }
    }
}

impl Live {
    fn share(&self) -> Option<String> {
        let offered = self.offered.load(Ordering::Relaxed);
        let share = 100.0 * self.in_time.load(Ordering::Relaxed) as f64 / offered as f64;
        (offered > 0).then(|| format!("{} {share:.1} %", self.label))
    }
}

/// The bar's view of one run.
#[derive(Debug)]
pub struct Gauge<'a> {
    progress: &'a SimProgress,
    live: Option<&'a Live>,
    begins_s: f64,
    ends_s: f64,
    /// What has been told of it, in virtual milliseconds and in counts.
    told_ms: u64,
    told: (u64, u64),
}

impl Gauge<'_> {
    /// It has come so far.
    pub(super) fn at(&mut self, second: f64, counts: &Counts) {
        let reached_ms = milliseconds(second.min(self.ends_s) - self.begins_s);
        self.progress.bar.inc(reached_ms.saturating_sub(self.told_ms));
        self.told_ms = self.told_ms.max(reached_ms);
        if let Some(live) = self.live {
            let now = (counts.offered, counts.in_time);
            live.offered.fetch_add(now.0 - self.told.0, Ordering::Relaxed);
            live.in_time.fetch_add(now.1 - self.told.1, Ordering::Relaxed);
            self.told = now;
        }
        if !self.progress.bar.is_hidden() {
            self.progress.bar.set_message(self.progress.message());
        }
    }

    /// It is over.
    pub(super) fn done(&mut self, counts: &Counts, stopped: bool) {
        if !stopped {
            self.progress.done.fetch_add(1, Ordering::Relaxed);
            self.at(self.ends_s, counts);
        }
        if let (true, Some(share)) = (self.progress.plain, self.live.and_then(Live::share)) {
            let (done, runs) = (self.progress.done.load(Ordering::Relaxed), self.progress.runs);
            eprintln!("{done}/{runs} runs  in time: {share}");
        }
    }
}

/// The seconds that all runs of an experiment take together, trainings included.
pub(crate) fn virtual_s(experiment: &Experiment) -> f64 {
    let runs = experiment.policies.iter().map(|policy| policy.train_s() + experiment.horizon_s());
    experiment.seeds.len() as f64 * runs.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::experiment;

    #[test]
    fn the_bar_moves_by_the_virtual_time_of_all_runs_and_tells_live_shares() {
        let experiment = experiment(
            "[cluster]\nnodes = 1\n[traffic]\nkind = \"poisson\"\nrate = 1\n[[jobs]]\nfunction = \"echo\"\n\
             [[policy]]\nname = \"NoScheduler\"\nlabel = \"none\"\n[[policy]]\nname = \"LearningScheduler\"\n\
             [policy.agent]\ntrain_s = 90\n[run]\nduration_s = 10\nseeds = [1, 2]\n",
        );
        assert_eq!(virtual_s(&experiment), 2.0 * (10.0 + 100.0));
        let mut progress = SimProgress::on_stderr(&experiment);
        progress.bar = ProgressBar::hidden();
        progress.plain = false;
        let mut none = progress.gauge(&experiment, 0);
        let mut learned = progress.gauge(&experiment, 1);
        learned.at(-45.0, &Counts::default());
        none.at(4.0, &Counts { offered: 3, in_time: 1, ..Counts::default() });
        none.at(6.0, &Counts { offered: 8, in_time: 6, ..Counts::default() });
        assert_eq!(progress.bar.position(), 51_000);
        assert_eq!(progress.message(), "0/4 runs  in time: none 75.0 %");
        none.done(&Counts { offered: 8, in_time: 6, ..Counts::default() }, false);
        learned.done(&Counts::default(), true);
        assert_eq!(progress.bar.position(), 55_000);
        assert!(progress.message().starts_with("1/4 runs"));
    }
}
