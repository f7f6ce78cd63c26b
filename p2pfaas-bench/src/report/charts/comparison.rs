//! The policies beside each other, with their intervals.

use super::plot::{Plot, Ruler, Scale, around};
use super::sheet::{Anchor, Form, Pen, Sheet, shortened};
use super::{Chart, Shown, Subject};
use crate::results::drawing::{Drawn, FAINT, INK};
use crate::statistics::Interval;
use crate::summary::PolicySummary;

/// What is compared.
struct Measure {
    name: &'static str,
    value: fn(&PolicySummary) -> Option<f64>,
    interval: fn(&PolicySummary) -> Option<Interval>,
    /// From fractions or seconds to what is written.
    times: f64,
    most: f64,
}

const MEASURES: [Measure; 3] = [
    Measure {
        name: "in time, % of jobs",
        value: |policy| Some(policy.in_time),
        interval: |policy| policy.ci95.in_time,
        times: 100.0,
        most: 100.0,
    },
    Measure {
        name: "dropped, % of jobs",
        value: |policy| Some(policy.dropped),
        interval: |policy| policy.ci95.dropped,
        times: 100.0,
        most: 100.0,
    },
    Measure {
        name: "mean latency, ms",
        value: |policy| policy.latency_s.mean,
        interval: |policy| policy.ci95.latency_mean_s,
        times: 1e3,
        most: f64::MAX,
    },
];

const NUMBERS: f64 = 52.0;
const TOP: f64 = 12.0;

fn row(form: Form) -> f64 {
    form.either(26.0, 23.0)
}

/// Height of the rows of one panel.
fn rows(form: Form, subject: &Subject<'_>) -> f64 {
    let apart = if subject.policies().count() < subject.shown.len() { 0.5 } else { 0.0 };
    row(form) * (subject.shown.len() as f64 + apart)
}

pub(super) fn chart(subject: &Subject<'_>) -> Drawn<Option<Chart>> {
    let mut how = String::from(
        "Points are what was measured over all jobs after the warm-up, whiskers their 95 % confidence intervals. \
         Intervals that do not touch differ; of those that overlap a little the paired comparison says more.",
    );
    if subject.policies().count() < subject.shown.len() {
        how.push_str(
            " Rings are references that see all nodes, at once and for nothing: no policy of a real cluster can \
             do that.",
        );
    }
    let height = |form: Form| {
        let panel = TOP + rows(form, subject) + below(form);
        panel * form.either(1.0, MEASURES.len() as f64)
    };
    Chart::new("comparison", "The policies compared", how, height, |sheet| {
        let form = sheet.form;
        let labels = form.either(196.0, 132.0);
        for (index, measure) in MEASURES.iter().enumerate() {
            let index = index as f64;
            let (left, top, right) = match form {
                Form::Wide => {
                    let width = (sheet.width - labels) / MEASURES.len() as f64;
                    let left = labels + index * width;
                    (left + 10.0, TOP, left + width - NUMBERS)
                }
                Form::Narrow => {
                    let top = index * sheet.height / MEASURES.len() as f64 + TOP;
                    (labels, top, sheet.width - NUMBERS)
                }
            };
            if form == Form::Narrow || index == 0.0 {
                write_labels(sheet, subject, labels - 12.0, top)?;
            }
            panel(sheet, subject, measure, (left, top, right))?;
        }
        Ok(())
    })
}

fn below(form: Form) -> f64 {
    form.either(48.0, 46.0)
}

/// The policies and the heights of their middles.
fn places<'a, 'b>(
    form: Form,
    subject: &'b Subject<'a>,
    top: f64,
) -> impl Iterator<Item = (f64, &'b Shown<'a>)> {
    let place = move |(index, shown): (usize, &'b Shown<'a>)| {
        let apart = if shown.spec.reference { 0.5 } else { 0.0 };
        (top + row(form) * (index as f64 + 0.5 + apart), shown)
    };
    subject.shown.iter().enumerate().map(place)
}

fn write_labels(sheet: &Sheet<'_>, subject: &Subject<'_>, right: f64, top: f64) -> Drawn {
    for (y, shown) in places(sheet.form, subject, top) {
        let colour = if shown.spec.reference { FAINT } else { INK };
        let height = sheet.text_height();
        let label = shortened(shown.label, right - 4.0, height);
        sheet.write_in(&label, (right, y), Anchor::Right, height, colour)?;
    }
    Ok(())
}

fn panel(
    sheet: &Sheet<'_>,
    subject: &Subject<'_>,
    measure: &Measure,
    (left, top, right): (f64, f64, f64),
) -> Drawn {
    let value = |shown: &Shown<'_>| (measure.value)(shown.summary).map(|value| measure.times * value);
    let interval =
        |shown: &Shown<'_>| (measure.interval)(shown.summary).map(|ends| ends.map(|end| measure.times * end));
    let all = subject
        .shown
        .iter()
        .flat_map(|shown| value(shown).into_iter().chain(interval(shown).into_iter().flatten()));
    let range = around(all, 0.0..measure.most).unwrap_or(0.0..1.0);
    let plot = Plot {
        left,
        top,
        right,
        bottom: top + rows(sheet.form, subject),
        x: Ruler::even(range, 4, measure.name),
        y: Ruler { scale: Scale::Even(0.0..1.0), ticks: Vec::new(), name: String::new() },
    };
    plot.axes(sheet)?;
    for (y, shown) in places(sheet.form, subject, top) {
        let Some(value) = value(shown) else { continue };
        if let Some([low, high]) = interval(shown) {
            let (low, high) = (plot.x_at(low), plot.x_at(high));
            let pen = Pen::solid(shown.colour, 2.0);
            sheet.line(&[(low, y), (high, y)], pen)?;
            for end in [low, high] {
                sheet.line(&[(end, y - 4.0), (end, y + 4.0)], pen)?;
            }
        }
        let place = (plot.x_at(value), y);
        match shown.spec.reference {
            true => sheet.ring(place, 4.0, shown.colour)?,
            false => sheet.dot(place, 4.5, shown.colour)?,
        }
        let text = if value < 999.95 { format!("{value:.1}") } else { format!("{value:.0}") };
        let colour = if shown.spec.reference { FAINT } else { INK };
        let height = sheet.text_height() - 1.0;
        sheet.write_in(&text, (right + NUMBERS - 6.0, y), Anchor::Right, height, colour)?;
    }
    Ok(())
}
