//! Looks at a file.

use std::path::{Path, PathBuf};

use p2pfaas_sim::arrivals::{Counts, Durations, Invocations, Loading, Memory, Profile, Stages, TraceError};

use super::info::{Burstiness, Info, MemoryOfApps, Rate, Series};
use super::times::Times;
use super::{Format, jobs};
use crate::recorded::{self, Speeds, Wanted};

/// Quantiles of a function that stand for its jobs.
const DRAWS: u32 = 100;
/// Seconds of a stage, if the experiment says nothing else.
const STAGE_S: f64 = 60.0;

/// How to look at it.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Its format, if it is not to be guessed.
    pub format: Option<Format>,
    /// What the functions of `azure-2019` take.
    pub durations: Option<PathBuf>,
    /// What their apps allocate.
    pub memory: Option<PathBuf>,
    /// Of a jobs file, the policy.
    pub policy: Option<String>,
    /// Of a jobs file, the seed.
    pub seed: Option<u64>,
    /// Broken lines are counted and left out.
    pub skip_bad: bool,
}

/// Looks at a trace. `each` hears of every job that is read, with the number of all.
///
/// # Errors
/// A file, a line or a value that is not right.
pub fn look(path: &Path, asked: &Asked, each: &mut dyn FnMut(u64)) -> Result<Info, TraceError> {
    let format = asked.format.map_or_else(|| Format::guess(path), Ok)?;
    let mut info = Info::new(path.display().to_string(), format);
    match format {
        Format::Recorded => {
            let wanted = Wanted { policy: asked.policy.clone(), seed: asked.seed, skip_bad: asked.skip_bad };
            let trace = recorded::open(path, &wanted, usize::MAX, usize::MAX, &Speeds::default())?;
            jobs::fill(&mut info, &*trace, each)?;
        }
        Format::Azure2021 => {
            let trace = Invocations::check(path, 1, asked.skip_bad)?;
            jobs::fill(&mut info, &trace, each)?;
            (info.nodes, info.functions, info.apps) = (None, Some(trace.functions()), Some(trace.apps()));
        }
        Format::Azure2019 => counts(&mut info, path, asked)?,
        Format::Azure2019Durations => durations(&mut info, &Durations::read(path, asked.skip_bad)?),
        Format::Azure2019Memory => memory(&mut info, &Memory::read(path, asked.skip_bad)?),
        Format::K6 => stages(&mut info, &Stages::read(path, 1)?),
        Format::Profile => profile(&mut info, &Profile::check(&[path.into()], 1.0, asked.skip_bad)?)?,
    }
    Ok(info)
}

fn counts(info: &mut Info, path: &Path, asked: &Asked) -> Result<(), TraceError> {
    let table = asked.durations.as_ref().map(|path| Durations::read(path, asked.skip_bad)).transpose()?;
    let loading = Loading { durations: table.as_ref(), skip_bad: asked.skip_bad };
    let counts = Counts::check(path, 1, &loading)?;
    let minutes = counts.minutes();
    let all: u64 = minutes.iter().sum();
    let lasts_s = counts.lasts_s();
    let most = minutes.iter().max().copied().unwrap_or(0);
    let mean = all as f64 / minutes.len() as f64;
    let variance =
        minutes.iter().map(|calls| (*calls as f64 - mean).powi(2)).sum::<f64>() / minutes.len() as f64;
    info.jobs = Some(all as f64);
    info.span_s = Some([0.0, lasts_s]);
    info.functions = Some(counts.functions());
    info.rate = Some(Rate { mean: all as f64 / lasts_s, peak: Some(most as f64 / 60.0) });
    info.burstiness = Some(Burstiness {
        dispersion_per_second: None,
        dispersion_per_minute: (mean > 0.0).then(|| variance / mean),
        gap_variation: None,
    });
    let values = minutes.iter().map(|calls| *calls as f64 / 60.0).collect();
    info.over_time = Some(Series { begins_s: 0.0, step_s: 60.0, values });
    info.notes.push("it has calls a minute: where in its minute a call is, the experiment says".into());
    if let Some(table) = &table {
        durations(info, table);
        info.notes.push(format!(
            "{} of {} functions have durations",
            counts.with_durations(),
            counts.functions()
        ));
    }
    if let Some(path) = &asked.memory {
        memory(info, &Memory::read(path, asked.skip_bad)?);
    }
    // Those of the durations have been counted.
    info.broken_lines += counts.left_out().first().map_or(0, |left_out| left_out.lines);
    Ok(())
}

/// Each function counts the same, by the quantiles of its durations.
fn durations(info: &mut Info, table: &Durations) {
    let mut times = Times::default();
    let mut functions = 0;
    for quantiles in table.all() {
        functions += 1;
        (0..DRAWS).for_each(|draw| times.add(quantiles.at((f64::from(draw) + 0.5) / f64::from(DRAWS))));
    }
    info.durations = times.durations("functions", functions).map(|mut durations| {
        durations.known = functions;
        durations.histogram.iter_mut().for_each(|bar| bar.count /= f64::from(DRAWS));
        durations
    });
    info.functions.get_or_insert(functions as usize);
    info.broken_lines += table.left_out().lines;
    info.notes.push("durations are percentiles of averages over 30 s: single calls scatter more".into());
}

fn memory(info: &mut Info, memory: &Memory) {
    let apps = memory.averages_mb.len();
    info.memory = Some(MemoryOfApps {
        apps,
        mean_mb: memory.averages_mb.iter().sum::<f64>() / apps as f64,
        median_mb: memory.averages_mb[apps / 2],
        highest_mb: memory.averages_mb[apps - 1],
        highest_p99_mb: memory.highest_p99_mb,
    });
    info.broken_lines += memory.left_out.lines;
}

fn stages(info: &mut Info, stages: &Stages) {
    let lasts_s = stages.stages() as f64 * STAGE_S;
    let rate = |stage: usize| stages.jobs(stage as f64 * STAGE_S, (stage + 1) as f64 * STAGE_S) / STAGE_S;
    let values: Vec<f64> = (0..stages.stages()).map(rate).collect();
    let all = stages.jobs(0.0, lasts_s);
    info.jobs = Some(all);
    info.span_s = Some([0.0, lasts_s]);
    info.functions = Some(stages.functions().len());
    info.nodes = Some(stages.node_names().len());
    info.rate = Some(Rate { mean: all / lasts_s, peak: values.iter().copied().reduce(f64::max) });
    info.over_time = Some(Series { begins_s: 0.0, step_s: STAGE_S, values });
    info.notes.push(format!("it has rates: a stage is taken to last {STAGE_S} s, as without stage_s"));
}

fn profile(info: &mut Info, profile: &Profile) -> Result<(), TraceError> {
    let values = profile.values(0)?;
    let peak = values.iter().copied().reduce(f64::max);
    info.rate = Some(Rate { mean: profile.mean(0), peak });
    info.over_time = Some(Series { begins_s: 0.0, step_s: 1.0, values });
    info.broken_lines += profile.left_out().iter().map(|left_out| left_out.lines).sum::<u64>();
    Ok(())
}
