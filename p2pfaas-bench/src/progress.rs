//! How a run goes on, on standard error: one bar over everything, which knows the end.

use std::collections::VecDeque;
use std::io::IsTerminal;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::experiment::{Experiment, PolicySpec};
use crate::job::{JobRecord, Phase};
use crate::load::Watch;

/// The bar of most commands.
pub(crate) const BAR: &str = "{bar:28} {percent:>3} %  {msg}  ({eta} left)";

/// How a bar looks.
pub(crate) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Counts that are read while a run goes on.
#[derive(Debug, Default)]
pub struct Live {
    offered: AtomicU64,
    in_time: AtomicU64,
    /// The last seconds of the training.
    recent: Mutex<VecDeque<Second>>,
}

/// Jobs that were due in one second.
#[derive(Debug, Clone, Copy)]
struct Second {
    second: i64,
    offered: u64,
    in_time: u64,
}

/// Seconds of the training over which the live line looks back.
const RECENT_S: i64 = 5;

impl Live {
    /// Counts a job, unless it belongs to warm-up or cool-down.
    pub fn add(&self, job: &JobRecord) {
        match job.phase {
            Phase::Measured => {
                self.offered.fetch_add(1, Ordering::Relaxed);
                self.in_time.fetch_add(u64::from(job.in_time()), Ordering::Relaxed);
            }
            Phase::Training => self.add_recent(job.arrival.at_s.floor() as i64, u64::from(job.in_time())),
            Phase::Warmup | Phase::Cooldown => {}
        }
    }

    /// Jobs come in the order of their answers, which is not quite that of their arrivals.
    fn add_recent(&self, second: i64, in_time: u64) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        match recent.iter_mut().rev().find(|known| known.second == second) {
            Some(known) => (known.offered, known.in_time) = (known.offered + 1, known.in_time + in_time),
            None => recent.push_back(Second { second, offered: 1, in_time }),
        }
        let newest = recent.iter().map(|known| known.second).max().unwrap_or(second);
        recent.retain(|known| known.second > newest - RECENT_S);
    }

    fn recently_in_time(&self) -> Option<f64> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = |of: fn(&Second) -> u64| recent.iter().map(of).sum::<u64>();
        let offered = sum(|second| second.offered);
        (offered > 0).then(|| sum(|second| second.in_time) as f64 / offered as f64)
    }

    fn in_time(&self) -> Option<f64> {
        let offered = self.offered.load(Ordering::Relaxed);
        (offered > 0).then(|| self.in_time.load(Ordering::Relaxed) as f64 / offered as f64)
    }
}

/// The bar over all runs of an experiment.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// Without a terminal there is a line a run instead of a bar.
    plain: bool,
    run_s: f64,
    /// Where what is counted begins and ends.
    measured_s: Range<f64>,
    /// Where each policy's first run begins, training included.
    begins_s: Vec<f64>,
    seeds: usize,
}

impl Progress {
    /// On standard error.
    pub fn on_stderr(experiment: &Experiment) -> Progress {
        let plain = !std::io::stderr().is_terminal();
        Progress::new(experiment, ProgressDrawTarget::stderr(), plain)
    }

    /// Nowhere.
    pub fn hidden(experiment: &Experiment) -> Progress {
        Progress::new(experiment, ProgressDrawTarget::hidden(), false)
    }

    fn new(experiment: &Experiment, target: ProgressDrawTarget, plain: bool) -> Progress {
        let (run_s, seeds) = (experiment.horizon_s(), experiment.seeds.len());
        let mut end_s = 0.0;
        let begins = experiment.policies.iter().map(|policy| {
            let begins_s = end_s;
            end_s += seeds as f64 * (policy.train_s() + run_s);
            begins_s
        });
        let begins_s: Vec<_> = begins.collect();
        let bar = ProgressBar::with_draw_target(Some(milliseconds(end_s)), target);
        bar.set_style(style(BAR));
        Progress { bar, plain, run_s, measured_s: experiment.measured_s(), begins_s, seeds }
    }

    /// Begins run number `index`, from 0.
    pub fn run(&self, index: usize, policy: &PolicySpec, seed: u64, live: Arc<Live>) -> RunProgress<'_> {
        let runs = self.begins_s.len() * self.seeds;
        let title = format!("{}/{runs} {}, seed {seed}", index + 1, policy.label);
        self.bar.set_message(format!("{title}: starting"));
        let train_s = policy.train_s();
        let first_s = self.begins_s.get(index / self.seeds).copied().unwrap_or(0.0);
        let before_s = first_s + (index % self.seeds) as f64 * (train_s + self.run_s);
        RunProgress {
            progress: self,
            begins_s: before_s + train_s,
            train_s,
            title,
            live,
            epsilon: 0.0,
            told_s: 0.0,
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The bar while one run goes on.
#[derive(Debug)]
pub struct RunProgress<'a> {
    progress: &'a Progress,
    /// Where the run begins, after its training.
    begins_s: f64,
    train_s: f64,
    title: String,
    live: Arc<Live>,
    /// The agents' ε now.
    pub epsilon: f64,
    /// Seconds of the training when the last plain line was written.
    told_s: f64,
}

impl RunProgress<'_> {
    /// The run is over.
    pub fn done(&self) {
        if self.progress.plain {
            eprintln!("{}: {}", self.title, self.in_time());
        }
    }

    fn in_time(&self) -> String {
        percent(self.live.in_time())
    }

    fn training(&self, trained_s: f64) -> String {
        let (share, train_s) = (percent(self.live.recently_in_time()), self.train_s);
        let epsilon = self.epsilon;
        format!("training {trained_s:.0}/{train_s:.0} s: {share} (last {RECENT_S} s), ε {epsilon:.2}")
    }

    fn tell_training(&mut self, second: f64) {
        let trained_s = self.train_s + second;
        if self.progress.plain && second < 0.0 && trained_s >= self.told_s + PLAIN_S {
            self.told_s = trained_s;
            eprintln!("{}: {}", self.title, self.training(trained_s));
        }
    }
}

impl Watch for RunProgress<'_> {
    fn at(&mut self, second: f64) {
        self.tell_training(second);
        let Progress { bar, run_s, measured_s, .. } = self.progress;
        let position = milliseconds(self.begins_s + second.min(*run_s));
        // Called for every job: the text is only made when the eye could see a change.
        if bar.is_hidden() || position < bar.position() + GLANCE_MS {
            return;
        }
        let phase = match second {
            second if second < 0.0 => self.training(self.train_s + second),
            second if second < measured_s.start => "warming up".into(),
            second if second < measured_s.end => self.in_time(),
            second if second < *run_s => format!("{}, cooling down", self.in_time()),
            _ => format!("{}, last answers", self.in_time()),
        };
        bar.set_message(format!("{}: {phase}", self.title));
        bar.set_position(position);
    }
}

const GLANCE_MS: u64 = 100;
/// Seconds between two lines of a training where there is no terminal.
const PLAIN_S: f64 = 10.0;

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".into(), |share| format!("{:.1} % in time", 100.0 * share))
}

pub(crate) fn milliseconds(seconds: f64) -> u64 {
    Duration::try_from_secs_f64(seconds).map_or(0, |span| span.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Outcome;
    use crate::testing::{experiment, record};

    fn live_line() -> String {
        let experiment = experiment(
            "[cluster]\nnodes = 1\n[traffic]\nkind = \"poisson\"\nrate = 1\n[[jobs]]\nfunction = \"echo\"\n\
             [[policy]]\nname = \"NoScheduler\"\n[[policy]]\nname = \"LearningScheduler\"\nlabel = \"learned\"\n\
             [policy.agent]\ntrain_s = 90\n[run]\nduration_s = 10\nseeds = [1, 2]\n",
        );
        let progress = Progress::hidden(&experiment);
        let live = Arc::new(Live::default());
        for (at_s, outcome) in [
            (-80.0, Outcome::Dropped),
            (-58.0, Outcome::Served),
            (-56.5, Outcome::Dropped),
            (-57.0, Outcome::Served),
        ] {
            let mut job = record(0, at_s, outcome, Some(at_s));
            job.phase = Phase::Training;
            live.add(&job);
        }
        let mut run = progress.run(3, &experiment.policies[1], 2, live);
        // Two runs of 10 s, and one of 100 s.
        assert_eq!(run.begins_s, 20.0 + 100.0 + 90.0);
        run.epsilon = 0.413;
        format!("{}: {}", run.title, run.training(90.0 - 56.0))
    }

    #[test]
    fn the_live_line_of_a_training_tells_the_last_seconds_only() {
        assert_eq!(live_line(), "4/4 learned, seed 2: training 34/90 s: 66.7 % in time (last 5 s), ε 0.41");
    }
}
