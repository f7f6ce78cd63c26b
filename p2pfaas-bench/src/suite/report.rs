//! The summary, in Markdown.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::families::Told;
use super::measured::{Measured, Row};
use super::run::{BEST_KNOWN, best};
use super::scenario::Scenario;
use super::store::Line;
use crate::statistics::{Interval, Paired, mean, student};

/// A loss that is more than noise, in the share of jobs in time.
pub const CLEARLY_WORSE: f64 = 0.02;
/// The least distance between tuned static and best known of which a part can be closed.
const LEAST_GAP: f64 = 0.002;

/// One instance, by what is compared.
struct Seen<'a> {
    load: f64,
    seed: u64,
    took_s: f64,
    none: &'a Row,
    power_of_n: &'a Row,
    tuned: &'a Row,
    model: Option<&'a Row>,
    full: Option<&'a Row>,
    best: &'a Row,
    /// By label.
    learned: BTreeMap<&'a str, &'a Row>,
}

impl<'a> Seen<'a> {
    fn of((line, learned): &'a (Line, Vec<Line>)) -> Option<Seen<'a>> {
        let learned = learned.iter().flat_map(|line| &line.rows);
        Some(Seen {
            load: line.case.load,
            seed: line.case.seed,
            took_s: line.took_s,
            none: line.rows.first()?,
            power_of_n: line.rows.get(1)?,
            tuned: best(&line.rows, &[Told::Nothing])?,
            model: best(&line.rows, &[Told::Model]),
            full: best(&line.rows, &[Told::Everything]),
            best: best(&line.rows, &BEST_KNOWN)?,
            learned: learned.map(|row| (row.label.as_str(), row)).collect(),
        })
    }
}

/// What a policy is compared by, over the seeds.
fn values(seen: &[&Seen<'_>], of: impl Fn(&Seen<'_>) -> Option<f64>) -> Vec<f64> {
    seen.iter().filter_map(|seen| of(seen)).collect()
}

/// How much of the way from the tuned static policy to the best known one is gone; `None` where there is hardly any.
pub fn gap_closed(learned: f64, tuned: f64, best_known: f64) -> Option<f64> {
    let gap = best_known - tuned;
    (gap >= LEAST_GAP).then(|| (learned - tuned) / gap)
}

/// The whole text. `labels` are those of the learned policies.
pub(super) fn render(
    scenarios: &[Scenario],
    labels: &[&str],
    lines: &[(Line, Vec<Line>)],
    head: &str,
) -> String {
    let mut text = format!("# The suite of scenarios\n\n{head}\n\n");
    text.push_str(LEGEND);
    let of = |name: &str| -> Vec<Seen<'_>> {
        lines.iter().filter(|(line, _)| line.case.scenario == name).filter_map(Seen::of).collect()
    };
    let all: Vec<_> = scenarios.iter().map(|scenario| (scenario, of(&scenario.name))).collect();
    let all: Vec<_> = all.into_iter().filter(|(_, seen)| !seen.is_empty()).collect();
    baselines(&mut text, &all);
    for label in labels {
        learned(&mut text, &all, label);
        verdicts(&mut text, &all, label);
    }
    chosen(&mut text, &all);
    text
}

const LEGEND: &str = "\
All shares are of jobs in time, in percent, as means over the seeds with 95 % intervals (Student's t); differences are paired \
by seeds, in points. *Tuned static* is the best of the families that are told nothing (no co-operation, blind forwarding, \
PowerOfN with and without tau, each alone, with deadline_aware nodes and with shed=late), *model told* the best of those \
that are told rates, speeds and service times and probe, *full information* the best of those that see all nodes at once and \
free of charge (but not the jobs on their way), *best known* the best of the last two. All are chosen on the \
very instance, by arrivals that differ from those of the evaluation. *Gap closed* is (learned - tuned static) / (best known - tuned \
static), of the means; - where the best known is hardly better or worse than tuned static.

";

type All<'a, 'b> = [(&'a Scenario, Vec<Seen<'b>>)];

/// The instances of a load.
fn at_load<'a, 'b>(seen: &'a [Seen<'b>], load: f64) -> Vec<&'a Seen<'b>> {
    seen.iter().filter(|seen| seen.load == load).collect()
}

fn loads(seen: &[Seen<'_>]) -> Vec<f64> {
    let mut loads: Vec<_> = seen.iter().map(|seen| seen.load).collect();
    loads.sort_by(f64::total_cmp);
    loads.dedup();
    loads
}

fn baselines(text: &mut String, all: &All<'_, '_>) {
    text.push_str("## Without learning\n\n");
    text.push_str("| scenario | load | seeds | none | PowerOfN(1, 2) | tuned static | model told | full information | best known | tuned - PowerOfN(1, 2) | model told - tuned | probes a job | Jain |\n");
    text.push_str("|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (scenario, seen) in all {
        for load in loads(seen) {
            let seen = at_load(seen, load);
            let share = |of: &dyn Fn(&Seen<'_>) -> Option<f64>| with_interval(&values(&seen, of));
            let in_time = |row: &Row| Some(row.measured.in_time);
            let cells = [
                scenario.name.clone(),
                load.to_string(),
                seen.len().to_string(),
                share(&|seen| in_time(seen.none)),
                share(&|seen| in_time(seen.power_of_n)),
                share(&|seen| in_time(seen.tuned)),
                share(&|seen| in_time(seen.model?)),
                share(&|seen| in_time(seen.full?)),
                share(&|seen| in_time(seen.best)),
                difference(&pairs(&seen, |seen| Some((in_time(seen.tuned)?, in_time(seen.power_of_n)?)))),
                difference(&pairs(&seen, |seen| Some((in_time(seen.model?)?, in_time(seen.tuned)?)))),
                average(&seen, |seen| Some(seen.tuned.measured.probes_per_job), 2),
                average(&seen, |seen| Some(seen.tuned.measured.jain), 3),
            ];
            row(text, &cells);
        }
    }
    text.push('\n');
}

fn learned(text: &mut String, all: &All<'_, '_>, label: &str) {
    let _ = writeln!(text, "## {label}\n");
    text.push_str("| scenario | load | seeds | in time | tuned static | best known | learned - tuned static | learned - model told | gap closed | probes a job (tuned static) | worst node (tuned static) | Jain (tuned static) |\n");
    text.push_str("|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (scenario, seen) in all {
        for load in loads(seen) {
            let mut seen = at_load(seen, load);
            seen.retain(|seen| seen.learned.contains_key(label));
            if seen.is_empty() {
                continue;
            }
            let ours = |seen: &Seen<'_>| seen.learned.get(label).map(|row| row.measured);
            let in_time = |row: &Row| row.measured.in_time;
            let beside = |of: fn(&Measured) -> f64, digits: usize| {
                let own = average(&seen, |seen| ours(seen).map(|measured| of(&measured)), digits);
                format!("{own} ({})", average(&seen, |seen| Some(of(&seen.tuned.measured)), digits))
            };
            let cells = [
                scenario.name.clone(),
                load.to_string(),
                seen.len().to_string(),
                with_interval(&values(&seen, |seen| Some(ours(seen)?.in_time))),
                with_interval(&values(&seen, |seen| Some(in_time(seen.tuned)))),
                with_interval(&values(&seen, |seen| Some(in_time(seen.best)))),
                difference(&pairs(&seen, |seen| Some((ours(seen)?.in_time, in_time(seen.tuned))))),
                difference(&pairs(&seen, |seen| Some((ours(seen)?.in_time, in_time(seen.model?))))),
                percent(gap(&seen, label)),
                beside(|measured| measured.probes_per_job, 2),
                beside(|measured| measured.worst_node, 3),
                beside(|measured| measured.jain, 3),
            ];
            row(text, &cells);
        }
    }
    text.push('\n');
}

/// Of the means over these instances.
fn gap(seen: &[&Seen<'_>], label: &str) -> Option<f64> {
    let ours = mean(&values(seen, |seen| seen.learned.get(label).map(|row| row.measured.in_time)))?;
    let tuned = mean(&values(seen, |seen| Some(seen.tuned.measured.in_time)))?;
    gap_closed(ours, tuned, mean(&values(seen, |seen| Some(seen.best.measured.in_time)))?)
}

/// One line a scenario, over all loads.
fn verdicts(text: &mut String, all: &All<'_, '_>, label: &str) {
    let _ = writeln!(text, "### {label}: over all loads\n");
    text.push_str(
        "| scenario | instances | learned - tuned static | verdict | gap closed |\n|---|---|---|---|---|\n",
    );
    let (mut worst, mut every): (Option<(f64, String)>, Vec<&Seen<'_>>) = (None, Vec::new());
    for (scenario, seen) in all {
        let here: Vec<_> = seen.iter().filter(|seen| seen.learned.contains_key(label)).collect();
        if here.is_empty() {
            continue;
        }
        let differences = by_seed(&here, label);
        let cells = [
            scenario.name.clone(),
            here.len().to_string(),
            difference(&differences),
            verdict(&differences).into(),
            percent(gap(&here, label)),
        ];
        row(text, &cells);
        for load in loads(seen) {
            let here = at_load(seen, load);
            let differences = values(&here, |seen| {
                Some(seen.learned.get(label)?.measured.in_time - seen.tuned.measured.in_time)
            });
            let Some(mean) = mean(&differences) else { continue };
            if worst.as_ref().is_none_or(|(least, _)| mean < *least) {
                worst = Some((mean, format!("{} at load {load}", scenario.name)));
            }
        }
        every.extend(here);
    }
    let Some((least, place)) = worst else { return };
    let all = gap(&every, label)
        .map_or_else(String::new, |gap| format!(" Gap closed over all: {}.", percent(Some(gap))));
    let how = if least < -CLEARLY_WORSE { "yes" } else { "no" };
    let _ = writeln!(
        text,
        "\nMore than {CLEARLY_WORSE} below tuned static anywhere: {how}; the least is {} at {place}.{all}\n",
        points(least)
    );
}

/// Loads of one draw are no independent values: each seed counts with its mean.
fn by_seed(seen: &[&Seen<'_>], label: &str) -> Vec<(f64, f64)> {
    let mut seeds: BTreeMap<u64, Vec<&Seen<'_>>> = BTreeMap::new();
    seen.iter().for_each(|seen| seeds.entry(seen.seed).or_default().push(seen));
    let pair = |seen: Vec<&Seen<'_>>| {
        let ours = mean(&values(&seen, |seen| Some(seen.learned.get(label)?.measured.in_time)))?;
        Some((ours, mean(&values(&seen, |seen| Some(seen.tuned.measured.in_time)))?))
    };
    seeds.into_values().filter_map(pair).collect()
}

/// By the interval of the paired difference.
fn verdict(pairs: &[(f64, f64)]) -> &'static str {
    match Paired::of(pairs.iter().copied()) {
        None => "one seed does not tell",
        Some(Paired { ci95: [low, _], .. }) if low > 0.0 => "wins",
        Some(Paired { ci95: [_, high], .. }) if high < 0.0 => "loses",
        Some(_) => "no difference",
    }
}

/// Which policies tuning has found, and how long it took.
fn chosen(text: &mut String, all: &All<'_, '_>) {
    text.push_str("## What tuning has found\n\n| scenario | load | tuned static | model told | best known | s an instance |\n|---|---|---|---|---|---|\n");
    for (scenario, seen) in all {
        for load in loads(seen) {
            let seen = at_load(seen, load);
            let names = |of: &dyn Fn(&Seen<'_>) -> Option<String>| {
                let mut counts: BTreeMap<String, usize> = BTreeMap::new();
                seen.iter()
                    .filter_map(|seen| of(seen))
                    .for_each(|name| *counts.entry(name).or_default() += 1);
                let mut counts: Vec<_> = counts.into_iter().collect();
                counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
                let told = |(name, count): (String, usize)| {
                    if count > 1 { format!("{count} x {name}") } else { name }
                };
                counts.into_iter().map(told).collect::<Vec<_>>().join("; ")
            };
            let cells = [
                scenario.name.clone(),
                load.to_string(),
                names(&|seen| Some(seen.tuned.policy.clone())),
                names(&|seen| Some(seen.model?.policy.clone())),
                names(&|seen| Some(seen.best.policy.clone())),
                average(&seen, |seen| Some(seen.took_s), 1),
            ];
            row(text, &cells);
        }
    }
}

fn row(text: &mut String, cells: &[String]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

fn pairs(seen: &[&Seen<'_>], of: impl Fn(&Seen<'_>) -> Option<(f64, f64)>) -> Vec<(f64, f64)> {
    seen.iter().filter_map(|seen| of(seen)).collect()
}

fn with_interval(values: &[f64]) -> String {
    let Some(mean) = mean(values) else { return "-".into() };
    let half =
        student(values).map_or_else(String::new, |[low, high]| format!(" ±{:.1}", 50.0 * (high - low)));
    format!("{:.1}{half}", 100.0 * mean)
}

fn average(seen: &[&Seen<'_>], of: impl Fn(&Seen<'_>) -> Option<f64>, digits: usize) -> String {
    mean(&values(seen, of)).map_or_else(|| "-".into(), |mean| format!("{mean:.digits$}"))
}

fn difference(pairs: &[(f64, f64)]) -> String {
    let alone = || mean(&pairs.iter().map(|(left, right)| left - right).collect::<Vec<_>>());
    match Paired::of(pairs.iter().copied()) {
        Some(Paired { difference, ci95, .. }) => format!("{} {}", points(difference), interval(ci95)),
        None => alone().map_or_else(|| "-".into(), points),
    }
}

fn interval([low, high]: Interval) -> String {
    format!("[{}, {}]", points(low), points(high))
}

fn points(share: f64) -> String {
    format!("{:+.1}", 100.0 * share)
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".into(), |share| format!("{:.0} %", 100.0 * share))
}
