//! What agents do and get, while they learn and after it.

use std::ops::Range;

use p2pfaas_core::policy::{LearningScheduler, PolicyKind};
use plotters::prelude::RGBColor;

use super::in_time::{band, below, height, left};
use super::legend::{Entry, Legend, Sample};
use super::over_time::{Point, buckets_each, points, run, training};
use super::plot::{Plot, Ruler, around};
use super::sheet::{Anchor, Form, Sheet, shortened};
use super::{Chart, Shown, Subject};
use crate::results::drawing::Drawn;
use crate::series::{ACTIONS, Bucket};

/// Of the actions that every node has, and of those that name a peer; Paul Tol's light scheme.
const COLOURS: [RGBColor; ACTIONS] =
    [RGBColor(238, 136, 102), RGBColor(119, 170, 221), RGBColor(238, 221, 136), RGBColor(68, 187, 153)];
const NAMES: [&str; ACTIONS] = ["reject", "run here", "probe a peer", "forward to a peer"];
/// What they mean to another policy is not known.
const NUMBERS: [&str; ACTIONS] = ["action 0", "action 1", "action 2", "actions from 3 on"];
/// Points of the run, at least.
const LEAST_POINTS: usize = 4;
const LABEL: f64 = 24.0;
const BELOW: f64 = 50.0;

/// Those whose agents chose anything.
fn deciding<'a, 'b>(subject: &'b Subject<'a>) -> Vec<&'b Shown<'a>> {
    subject.policies().filter(|shown| shown.series.has_decisions()).collect()
}

/// Training and run.
fn seconds(subject: &Subject<'_>, deciding: &[&Shown<'_>]) -> Range<f64> {
    let train_s = deciding.iter().map(|shown| shown.spec.train_s()).fold(0.0, f64::max);
    -train_s..subject.experiment.horizon_s()
}

/// How many buckets are put together for a point of the training, and of the run: stretches of about the same
/// length, so that lines are equally smooth.
fn buckets(shown: &Shown<'_>) -> [usize; 2] {
    let trained = buckets_each(shown.series.seeds().filter_map(training));
    let each = buckets_each(shown.series.seeds().filter_map(run));
    let lengths = shown.series.seeds().filter_map(|seed| {
        let as_long = (trained as f64 * seed.training.as_ref()?.axis.width_s / seed.run.axis.width_s).round();
        Some((as_long as usize).min(seed.run.axis.buckets / LEAST_POINTS))
    });
    [trained, each.max(lengths.max().unwrap_or(1))]
}

/// A value over the training and over the run, which are two lines: agents may be others after it.
fn lines(shown: &Shown<'_>, ends_s: f64, value: fn(&Bucket) -> Option<f64>) -> [Vec<Point>; 2] {
    let [trained, each] = buckets(shown);
    [
        points(shown.series.seeds(), training, trained, 0.0, value),
        points(shown.series.seeds(), run, each, ends_s, value),
    ]
}

pub(super) fn rewards(subject: &Subject<'_>) -> Drawn<Option<Chart>> {
    let reward = |bucket: &Bucket| (bucket.rewarded > 0).then(|| bucket.rewards / bucket.rewarded as f64);
    let how = "Mean reward of the jobs about which an agent was asked, by the moment when they were due. It should \
               rise in the training, and stay where it is in the run.";
    let bounds = f64::MIN..f64::MAX;
    curves(subject, ("rewards", "Rewards"), how, "reward per decision", bounds, reward)
}

pub(super) fn epsilons(subject: &Subject<'_>) -> Drawn<Option<Chart>> {
    let epsilon = |bucket: &Bucket| {
        let decisions = bucket.decisions();
        (decisions > 0).then(|| bucket.epsilons / decisions as f64)
    };
    let how = "The share of choices that agents make at random, to find out more. In the run it is 0 unless they are \
               to go on learning.";
    curves(subject, ("epsilon", "Exploration"), how, "ε (mean over decisions)", 0.0..1.0, epsilon)
}

fn curves(
    subject: &Subject<'_>,
    (key, title): (&'static str, &'static str),
    how: &str,
    name: &str,
    bounds: Range<f64>,
    value: fn(&Bucket) -> Option<f64>,
) -> Drawn<Option<Chart>> {
    let deciding = deciding(subject);
    let seconds = seconds(subject, &deciding);
    let lines: Vec<_> = deciding.iter().map(|shown| (shown, lines(shown, seconds.end, value))).collect();
    let means = lines.iter().flat_map(|(_, parts)| parts).flatten().flat_map(|point| point.range);
    let Some(range) = around(means, bounds) else { return Ok(None) };
    let mut how = String::from(how);
    if subject.several_seeds() {
        how.push_str(" Lines are means over the seeds, bands reach from the lowest to the highest.");
    }
    let legend = |form| Legend::new(form, left(form), lines.iter().map(|(shown, _)| shown.entry()));
    let height = |form| height(form, &legend(form));
    Chart::new(key, title, how, height, |sheet| {
        let legend = legend(sheet.form);
        let plot = Plot {
            left: left(sheet.form),
            top: legend.height,
            right: sheet.width - 16.0,
            bottom: sheet.height - below(sheet.form),
            x: Ruler::time(seconds.clone(), sheet.form.either(10, 5)),
            y: Ruler::even(range.clone(), 5, name),
        };
        plot.axes(sheet)?;
        mark_training(sheet, &plot, &seconds)?;
        for (shown, parts) in &lines {
            for points in parts {
                band(sheet, &plot, points, shown.colour)?;
                let line: Vec<_> = points.iter().map(|point| (point.at_s, point.mean)).collect();
                plot.curve(sheet, &line, shown.pen())?;
            }
        }
        legend.draw(sheet)
    })
}

/// Where the training ends.
fn mark_training(sheet: &Sheet<'_>, plot: &Plot, seconds: &Range<f64>) -> Drawn {
    if seconds.start < 0.0 { plot.mark_x(sheet, 0.0, "end of the training", plot.top + 9.0) } else { Ok(()) }
}

pub(super) fn actions(subject: &Subject<'_>) -> Drawn<Option<Chart>> {
    let deciding = deciding(subject);
    if deciding.is_empty() {
        return Ok(None);
    }
    let known = deciding.iter().all(|shown| shown.spec.descriptor.name == LearningScheduler::NAME);
    let names = if known { NAMES } else { NUMBERS };
    let how = "The share of each action among the choices of all agents of a policy. In the training they begin with \
               anything and end with what they think is best.";
    let seconds = seconds(subject, &deciding);
    let panel = |form: Form| LABEL + form.either(190.0, 170.0) + BELOW;
    let legend = |form: Form| {
        let entries = names
            .iter()
            .zip(COLOURS)
            .map(|(name, colour)| Entry { text: (*name).into(), sample: Sample::Square(colour) });
        Legend::new(form, left(form), entries)
    };
    let columns = |form: Form| form.either(deciding.len().min(2), 1);
    let height =
        |form: Form| legend(form).height + panel(form) * deciding.len().div_ceil(columns(form)) as f64;
    Chart::new("actions", "What agents choose", how, height, |sheet| {
        let form = sheet.form;
        let legend = legend(form);
        legend.draw(sheet)?;
        let width = sheet.width / columns(form) as f64;
        for (index, shown) in deciding.iter().enumerate() {
            let (column, row) = (index % columns(form), index / columns(form));
            let (x, y) = (column as f64 * width, legend.height + row as f64 * panel(form));
            let plot = Plot {
                left: x + left(form),
                top: y + LABEL,
                right: x + width - 16.0,
                bottom: y + panel(form) - BELOW,
                x: Ruler::time(seconds.clone(), if width > 600.0 { 10 } else { 5 }),
                y: Ruler::even(0.0..100.0, 5, "choices, %"),
            };
            plot.axes(sheet)?;
            let [trained, each] = buckets(shown);
            stacked(sheet, &plot, |value| points(shown.series.seeds(), training, trained, 0.0, value))?;
            stacked(sheet, &plot, |value| points(shown.series.seeds(), run, each, seconds.end, value))?;
            mark_training(sheet, &plot, &seconds)?;
            let text = sheet.text_height();
            let label = shortened(shown.label, width - left(form), text);
            sheet.write(&label, (plot.left, y + LABEL / 2.0), Anchor::Left)?;
        }
        Ok(())
    })
}

/// Surfaces above each other, that of the first action at the bottom.
fn stacked(
    sheet: &Sheet<'_>,
    plot: &Plot,
    points: impl Fn(&dyn Fn(&Bucket) -> Option<f64>) -> Vec<Point>,
) -> Drawn {
    let mut lower: Option<Vec<(f64, f64)>> = None;
    for (action, colour) in COLOURS.into_iter().enumerate() {
        let up_to = |bucket: &Bucket| {
            let decisions = bucket.decisions();
            let chosen: u64 = bucket.actions[..=action].iter().sum();
            (decisions > 0).then(|| 100.0 * chosen as f64 / decisions as f64)
        };
        let upper: Vec<_> = points(&up_to).iter().map(|point| (point.at_s, point.mean)).collect();
        let floor = lower.unwrap_or_else(|| upper.iter().map(|(at_s, _)| (*at_s, 0.0)).collect());
        let outline = upper.iter().chain(floor.iter().rev()).map(|point| plot.at(*point));
        if upper.len() > 1 {
            sheet.surface(&outline.collect::<Vec<_>>(), colour, 1.0)?;
        }
        lower = Some(upper);
    }
    Ok(())
}
