//! How long served jobs took.

use std::ops::Range;

use super::in_time::{below, height, left};
use super::legend::Legend;
use super::plot::{Plot, Ruler, Scale, short};
use super::sheet::{Form, Sheet};
use super::{Chart, Shown, Subject};
use crate::results::drawing::Drawn;

/// Points of a curve.
const POINTS: usize = 200;
/// Deadlines that are marked at most.
const DEADLINES: usize = 3;
/// Percentiles that have names.
const NAMED: [(f64, &str); 5] = [(0.5, "50"), (0.9, "90"), (0.95, "95"), (0.99, "99"), (0.999, "99.9")];
/// Jobs that must have taken longer, for a percentile to say something.
const BEYOND: f64 = 10.0;
/// Seconds from which on the unit is not milliseconds.
const LONG_S: f64 = 20.0;

/// A unit of time: its name, and how many there are in a second.
#[derive(Clone, Copy)]
struct Unit(&'static str, f64);

fn unit(longest_s: f64) -> Unit {
    if longest_s < LONG_S { Unit("ms", 1e3) } else { Unit("s", 1.0) }
}

fn log(most: usize, seconds: &Range<f64>, Unit(name, times): Unit) -> Ruler {
    let name = format!("latency, {name} (log scale)");
    Ruler::log(times * seconds.start..times * seconds.end, most, &name)
}

/// Those of which jobs were served.
fn served<'a, 'b>(subject: &'b Subject<'a>) -> Vec<&'b Shown<'a>> {
    subject.shown.iter().filter(|shown| shown.latencies.count() > 0).collect()
}

/// From the least to the longest of these, with some room.
fn range(values: impl Iterator<Item = f64> + Clone) -> Range<f64> {
    let low = values.clone().fold(f64::MAX, f64::min);
    let high = values.fold(0.0, f64::max);
    0.9 * low..(1.1 * high).max(1.5 * low)
}

pub(super) fn distribution(subject: &Subject<'_>) -> Drawn<Option<Chart>> {
    let served = served(subject);
    if served.is_empty() {
        return Ok(None);
    }
    let quantiles = |fraction: f64| served.iter().filter_map(move |shown| shown.latencies.quantile(fraction));
    let mut deadlines: Vec<_> = subject.experiment.jobs.iter().filter_map(|job| job.deadline_s).collect();
    deadlines.sort_by(f64::total_cmp);
    deadlines.dedup();
    deadlines.truncate(DEADLINES);
    let ends: Vec<_> = quantiles(0.005).chain(quantiles(0.995)).chain(deadlines.clone()).collect();
    let seconds = range(ends.into_iter());
    let Unit(name, times) = unit(seconds.end);
    let how = "For each time on the axis below, the share of served jobs that had their answer by then, counted from \
               the instant when they were due. The further left and up, the faster. Jobs that were dropped or \
               rejected are not in it: a policy that serves fewer jobs can look faster here.";
    let curves: Vec<_> = served.iter().map(|shown| curve(shown, &seconds)).collect();
    let height = |form| height(form, &legend(form, &served));
    Chart::new("latency", "Latency of served jobs", how, height, |sheet| {
        let plot = |top| Plot {
            left: left(sheet.form),
            top,
            right: sheet.width - 16.0,
            bottom: sheet.height - below(sheet.form),
            x: log(sheet.form.either(12, 6), &seconds, Unit(name, times)),
            y: Ruler::even(0.0..100.0, 5, "served jobs, %"),
        };
        let plot = with_legend(sheet, &served, plot)?;
        for (line, deadline_s) in deadlines.iter().enumerate() {
            let deadline = times * deadline_s;
            // The curves are high up by then.
            let y = plot.bottom - 10.0 - 1.3 * sheet.text_height() * line as f64;
            plot.mark_x(sheet, deadline, &format!("deadline {} {name}", short(deadline)), y)?;
        }
        for (shown, curve) in served.iter().zip(&curves).rev() {
            let points: Vec<_> = curve.iter().map(|(at_s, share)| (times * at_s, 100.0 * share)).collect();
            plot.curve(sheet, &points, shown.pen())?;
        }
        Ok(())
    })
}

/// The cumulative share at as many latencies, within a range.
fn curve(shown: &Shown<'_>, seconds: &Range<f64>) -> Vec<(f64, f64)> {
    let fractions = (0..=POINTS).map(|point| point as f64 / POINTS as f64);
    let points = fractions.filter_map(|fraction| Some((shown.latencies.quantile(fraction)?, fraction)));
    points.filter(|(at_s, _)| seconds.contains(at_s)).collect()
}

/// How far right a percentile is: every nine has the same room.
fn nines(fraction: f64) -> f64 {
    -(1.0 - fraction).log10()
}

pub(super) fn percentiles(subject: &Subject<'_>) -> Drawn<Option<Chart>> {
    let served = served(subject);
    let lines: Vec<_> = served.iter().map(|shown| tail(shown)).collect();
    let seconds = lines.iter().flatten().map(|(_, seconds)| *seconds);
    if seconds.clone().next().is_none() {
        return Ok(None);
    }
    let seconds = range(seconds);
    let Unit(name, times) = unit(seconds.end);
    let how = format!(
        "The time within which so many percent of the served jobs were answered, towards the slowest ones on the \
         right. A line ends where fewer than {BEYOND:.0} jobs took longer."
    );
    let height = |form| height(form, &legend(form, &served));
    Chart::new("percentiles", "Percentiles of the latency", how, height, |sheet| {
        let ticks = NAMED.into_iter().map(|(fraction, text)| (nines(fraction), text.into()));
        let plot = |top| Plot {
            left: left(sheet.form),
            top,
            right: sheet.width - 20.0,
            bottom: sheet.height - below(sheet.form),
            x: Ruler {
                scale: Scale::Even(nines(0.5) - 0.05..nines(0.999) + 0.05),
                ticks: ticks.collect(),
                name: "percentile of served jobs".into(),
            },
            y: log(sheet.form.either(9, 7), &seconds, Unit(name, times)),
        };
        let plot = with_legend(sheet, &served, plot)?;
        for (shown, line) in served.iter().zip(&lines).rev() {
            let points: Vec<_> = line.iter().map(|(fraction, s)| (nines(*fraction), times * s)).collect();
            plot.curve(sheet, &points, shown.pen())?;
            let named = line.iter().filter(|(fraction, _)| NAMED.iter().any(|(named, _)| named == fraction));
            for (fraction, seconds) in named.filter(|_| !shown.spec.reference) {
                sheet.dot(plot.at((nines(*fraction), times * seconds)), 3.0, shown.colour)?;
            }
        }
        Ok(())
    })
}

/// The slower half: fractions and their latencies.
fn tail(shown: &Shown<'_>) -> Vec<(f64, f64)> {
    let steps = 60;
    let (first, last) = (nines(0.5), nines(0.999));
    let between = (1..steps)
        .map(|step| 1.0 - 10_f64.powf(-(first + (last - first) * f64::from(step) / f64::from(steps))));
    let mut fractions: Vec<_> = NAMED.iter().map(|(fraction, _)| *fraction).chain(between).collect();
    fractions.sort_by(f64::total_cmp);
    let jobs = shown.latencies.count() as f64;
    let enough = fractions.into_iter().filter(|fraction| jobs * (1.0 - fraction) >= BEYOND * 0.999);
    enough.filter_map(|fraction| Some((fraction, shown.latencies.quantile(fraction)?))).collect()
}

fn legend(form: Form, served: &[&Shown<'_>]) -> Legend {
    Legend::new(form, left(form), served.iter().map(|shown| shown.entry()))
}

/// The legend and the axes under it.
fn with_legend(sheet: &Sheet<'_>, served: &[&Shown<'_>], plot: impl FnOnce(f64) -> Plot) -> Drawn<Plot> {
    let legend = legend(sheet.form, served);
    legend.draw(sheet)?;
    let plot = plot(legend.height);
    plot.axes(sheet)?;
    Ok(plot)
}
