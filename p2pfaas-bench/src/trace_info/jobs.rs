//! Traces that know every single job.

use std::collections::HashSet;

use p2pfaas_sim::arrivals::{Recording, TraceError};

use super::info::{Burstiness, Info, Rate};
use super::times::Times;
use super::windows::{Bins, Windows};

/// Reads the jobs once, in order; `each` hears of every one, with the number of all.
pub(super) fn fill(
    info: &mut Info,
    recording: &dyn Recording,
    each: &mut dyn FnMut(u64),
) -> Result<(), TraceError> {
    let (first_s, count) = (recording.first_s(), recording.count());
    let (mut seconds, mut minutes) = (Windows::new(first_s, 1.0), Windows::new(first_s, 60.0));
    let (mut bins, mut gaps, mut times) = (Bins::new(first_s), Gaps::default(), Times::default());
    let (mut nodes, mut task_types) = (HashSet::new(), HashSet::new());
    let mut last_s = first_s;
    for job in recording.open()? {
        let job = job?;
        seconds.add(job.at_s);
        minutes.add(job.at_s);
        bins.add(job.at_s);
        gaps.add(job.at_s - last_s);
        last_s = job.at_s;
        nodes.insert(job.node);
        task_types.extend(job.task_type);
        job.service_s.into_iter().for_each(|service_s| times.add(service_s));
        each(count);
    }
    let lasts_s = last_s - first_s;
    info.jobs = Some(count as f64);
    info.span_s = Some([first_s, last_s]);
    info.nodes = Some(nodes.len());
    info.functions = (!task_types.is_empty()).then_some(task_types.len());
    info.rate = (lasts_s > 0.0).then(|| Rate { mean: count as f64 / lasts_s, peak: minutes.peak() });
    info.burstiness = Some(Burstiness {
        dispersion_per_second: seconds.dispersion(),
        dispersion_per_minute: minutes.dispersion(),
        gap_variation: gaps.variation(),
    });
    info.durations = times.durations("jobs", count);
    info.over_time = Some(bins.series());
    info.broken_lines += recording.left_out().map_or(0, |left_out| left_out.lines);
    Ok(())
}

/// Gaps between jobs: mean and variance as they come (Welford).
#[derive(Debug, Default)]
struct Gaps {
    jobs: u64,
    mean_s: f64,
    squares: f64,
}

impl Gaps {
    /// The gap before a job; that of the first does not count.
    fn add(&mut self, gap_s: f64) {
        if self.jobs > 0 {
            let off_s = gap_s - self.mean_s;
            self.mean_s += off_s / self.jobs as f64;
            self.squares += off_s * (gap_s - self.mean_s);
        }
        self.jobs += 1;
    }

    fn variation(&self) -> Option<f64> {
        let gaps = self.jobs.saturating_sub(1);
        (gaps > 1 && self.mean_s > 0.0).then(|| (self.squares / gaps as f64).sqrt() / self.mean_s)
    }
}
