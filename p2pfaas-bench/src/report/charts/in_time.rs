//! The in-time share over time.

use plotters::prelude::RGBColor;

use super::legend::Legend;
use super::over_time::{Point, buckets_each, points, run};
use super::plot::{Plot, Ruler, around};
use super::sheet::{Anchor, Form, Sheet, text_width};
use super::{Chart, Subject};
use crate::results::drawing::{Drawn, FAINT};

const WARMUP: RGBColor = RGBColor(242, 242, 238);
/// How much colour a band has.
const BAND: f64 = 0.16;

pub(super) fn chart(subject: &Subject<'_>) -> Drawn<Option<Chart>> {
    let experiment = subject.experiment;
    let seeds = subject.policies().flat_map(|shown| shown.series.seeds());
    let each = buckets_each(seeds.map(|seed| &seed.run));
    let ends_s = experiment.horizon_s();
    let percent = |bucket: &crate::series::Bucket| {
        (bucket.offered > 0).then(|| 100.0 * bucket.in_time as f64 / bucket.offered as f64)
    };
    let lines: Vec<_> = subject
        .policies()
        .map(|shown| (shown, points(shown.series.seeds(), run, each, ends_s, percent)))
        .collect();
    let values = lines.iter().flat_map(|(_, points)| points.iter().flat_map(|point| point.range));
    let Some(range) = around(values, 0.0..100.0) else { return Ok(None) };
    let mut how = String::from(
        "Share of the jobs due at each moment that were answered within their deadline. Lines that keep rising \
         or falling say that the run was too short, or the warm-up.",
    );
    if subject.several_seeds() {
        how.push_str(" Lines are means over the seeds; bands reach from the lowest to the highest seed.");
    }
    if experiment.warmup_s > 0.0 {
        how.push_str(" The shaded warm-up is not counted in any other number.");
    }
    let legend = |form| Legend::new(form, left(form), lines.iter().map(|(shown, _)| shown.entry()));
    let height = |form| height(form, &legend(form));
    Chart::new("in-time", "In time, over time", how, height, |sheet| {
        let legend = legend(sheet.form);
        let plot = Plot {
            left: left(sheet.form),
            top: legend.height,
            right: sheet.width - 16.0,
            bottom: sheet.height - below(sheet.form),
            x: Ruler::time(0.0..ends_s, sheet.form.either(10, 5)),
            y: Ruler::even(range.clone(), sheet.form.either(6, 5), "jobs in time, %"),
        };
        if experiment.warmup_s > 0.0 {
            let (from, to) = ((plot.left, plot.top), (plot.x_at(experiment.warmup_s), plot.bottom));
            sheet.rectangle(from, to, WARMUP)?;
            let small = sheet.text_height() - 2.0;
            if to.0 - from.0 > text_width("warm-up", small) {
                let place = ((from.0 + to.0) / 2.0, plot.bottom - 6.0);
                sheet.write_in("warm-up", place, Anchor::Above, small, FAINT)?;
            }
        }
        plot.axes(sheet)?;
        for (shown, points) in &lines {
            band(sheet, &plot, points, shown.colour)?;
        }
        for (shown, points) in &lines {
            let line: Vec<_> = points.iter().map(|point| (point.at_s, point.mean)).collect();
            plot.curve(sheet, &line, shown.pen())?;
        }
        legend.draw(sheet)
    })
}

/// Room for the numbers and the name of the axis on the left.
pub(super) fn left(form: Form) -> f64 {
    form.either(68.0, 58.0)
}

/// A chart of the usual height under its legend.
pub(super) fn height(form: Form, legend: &Legend) -> f64 {
    legend.height + form.either(310.0, 220.0) + below(form)
}

/// Room below.
pub(super) fn below(form: Form) -> f64 {
    form.either(50.0, 46.0)
}

/// What lies between the lowest and the highest seed.
pub(super) fn band(sheet: &Sheet<'_>, plot: &Plot, points: &[Point], colour: RGBColor) -> Drawn {
    if points.len() < 2 || points.iter().all(|point| point.range[0] == point.range[1]) {
        return Ok(());
    }
    let above = points.iter().map(|point| plot.at((point.at_s, point.range[1])));
    let below = points.iter().rev().map(|point| plot.at((point.at_s, point.range[0])));
    sheet.surface(&above.chain(below).collect::<Vec<_>>(), colour, BAND)
}
