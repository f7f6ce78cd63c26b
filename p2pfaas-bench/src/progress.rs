//! How a run goes on, on standard error: one bar over everything, which knows the end.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::experiment::Experiment;
use crate::job::JobRecord;
use crate::load::Watch;

/// Counts that are read while a run goes on.
#[derive(Debug, Default)]
pub struct Live {
    offered: AtomicU64,
    in_time: AtomicU64,
}

impl Live {
    /// Counts a job, unless it belongs to the warm-up.
    pub fn add(&self, job: &JobRecord) {
        if !job.warmup {
            self.offered.fetch_add(1, Ordering::Relaxed);
            self.in_time.fetch_add(u64::from(job.in_time()), Ordering::Relaxed);
        }
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
    warmup_s: f64,
    runs: usize,
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
        let runs = experiment.policies.len() * experiment.seeds.len();
        let bar =
            ProgressBar::with_draw_target(Some(milliseconds(runs as f64 * experiment.horizon_s())), target);
        let style = "{bar:28} {percent:>3} %  {msg}  ({eta} left)";
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Progress { bar, plain, run_s: experiment.horizon_s(), warmup_s: experiment.warmup_s, runs }
    }

    /// Begins run number `index`, from 0.
    pub fn run(&self, index: usize, label: &str, seed: u64, live: Arc<Live>) -> RunProgress<'_> {
        let title = format!("{}/{} {label}, seed {seed}", index + 1, self.runs);
        self.bar.set_message(format!("{title}: starting"));
        RunProgress { progress: self, before_s: index as f64 * self.run_s, title, live }
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
    before_s: f64,
    title: String,
    live: Arc<Live>,
}

impl RunProgress<'_> {
    /// The run is over.
    pub fn done(&self) {
        if self.progress.plain {
            eprintln!("{}: {}", self.title, self.in_time());
        }
    }

    fn in_time(&self) -> String {
        self.live.in_time().map_or_else(|| "-".into(), |share| format!("{:.1} % in time", 100.0 * share))
    }
}

impl Watch for RunProgress<'_> {
    fn at(&mut self, second: f64) {
        let Progress { bar, run_s, warmup_s, .. } = self.progress;
        let position = milliseconds(self.before_s + second.min(*run_s));
        // Called for every job: the text is only made when the eye could see a change.
        if bar.is_hidden() || position < bar.position() + GLANCE_MS {
            return;
        }
        let phase = match second {
            second if second < *warmup_s => "warming up".into(),
            second if second < *run_s => self.in_time(),
            _ => format!("{}, last answers", self.in_time()),
        };
        bar.set_message(format!("{}: {phase}", self.title));
        bar.set_position(position);
    }
}

const GLANCE_MS: u64 = 100;

fn milliseconds(seconds: f64) -> u64 {
    Duration::try_from_secs_f64(seconds).map_or(0, |span| span.as_millis() as u64)
}
