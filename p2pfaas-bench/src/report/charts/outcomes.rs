//! What became of the jobs of each task type.

use plotters::prelude::{RGBColor, WHITE};

use super::legend::{Entry, Legend, Sample};
use super::plot::{Plot, Ruler, Scale};
use super::sheet::{Anchor, Form, Sheet, shortened, text_width};
use super::{Chart, Shown, Subject};
use crate::experiment::JobType;
use crate::results::drawing::Drawn;
use crate::series::{FATES, MAX_TYPES};

/// In the order of the fates; Paul Tol's light scheme.
const COLOURS: [RGBColor; FATES.len()] = [
    RGBColor(68, 187, 153),
    RGBColor(238, 221, 136),
    RGBColor(238, 136, 102),
    RGBColor(153, 170, 221),
    RGBColor(120, 120, 120),
    RGBColor(221, 221, 221),
];
const HEADING: f64 = 24.0;
const BELOW: f64 = 50.0;

fn row(form: Form) -> f64 {
    form.either(22.0, 20.0)
}

pub(super) fn chart(subject: &Subject<'_>) -> Drawn<Option<Chart>> {
    let types = subject.experiment.jobs.len();
    if types < 2 {
        return Ok(None);
    }
    let shown: Vec<_> = subject.policies().filter(|shown| !shown.series.types().is_empty()).collect();
    let Some(kinds) = shown.first().map(|shown| shown.series.types().len()) else { return Ok(None) };
    let mut how = String::from(
        "Of the jobs of each task type, the shares that were answered in time, answered late, dropped for want of \
         room, rejected by the policy, or failed. Bars of one type can be compared across policies.",
    );
    if types > MAX_TYPES {
        how.push_str(&format!(
            " The last row of bars stands for all types from number {} on.",
            MAX_TYPES - 1
        ));
    }
    let group = |form: Form| HEADING + row(form) * shown.len() as f64;
    let legend = |form: Form| {
        let there = FATES.iter().zip(COLOURS).enumerate().filter(|(fate, _)| {
            shown.iter().any(|shown| shown.series.types().iter().any(|counts| counts[*fate] > 0))
        });
        let entries =
            there.map(|(_, (name, colour))| Entry { text: (*name).into(), sample: Sample::Square(colour) });
        Legend::new(form, 16.0, entries)
    };
    let height = |form: Form| legend(form).height + group(form) * kinds as f64 + BELOW;
    Chart::new("outcomes", "What became of the jobs of each type", how, height, |sheet| {
        let (form, legend) = (sheet.form, legend(sheet.form));
        let left = form.either(196.0, 132.0);
        let plot = Plot {
            left,
            top: legend.height,
            right: sheet.width - 20.0,
            bottom: sheet.height - BELOW,
            x: Ruler::even(0.0..100.0, form.either(10, 5), "jobs of the type, %"),
            y: Ruler { scale: Scale::Even(0.0..1.0), ticks: Vec::new(), name: String::new() },
        };
        plot.axes(sheet)?;
        legend.draw(sheet)?;
        for (kind, job) in subject.experiment.jobs.iter().take(kinds).enumerate() {
            let top = plot.top + group(form) * kind as f64;
            let title = shortened(&title(job), sheet.width - 24.0, sheet.text_height());
            // The axis does not go through it.
            let end = 20.0 + text_width(&title, sheet.text_height());
            sheet.rectangle((12.0, top + 1.0), (end, top + HEADING - 1.0), WHITE)?;
            sheet.write(&title, (16.0, top + HEADING / 2.0), Anchor::Left)?;
            for (index, shown) in shown.iter().enumerate() {
                let y = top + HEADING + row(form) * (index as f64 + 0.5);
                bar(sheet, &plot, shown, kind, y)?;
            }
        }
        Ok(())
    })
}

fn title(job: &JobType) -> String {
    let deadline = job.deadline_s.map_or("no deadline".into(), |deadline_s| {
        format!("deadline {} ms", super::plot::short(1e3 * deadline_s))
    });
    format!("{} ({deadline})", job.name)
}

fn bar(sheet: &Sheet<'_>, plot: &Plot, shown: &Shown<'_>, kind: usize, y: f64) -> Drawn {
    let (text, half) = (sheet.text_height() - 1.0, row(sheet.form) / 2.0 - 2.5);
    let label = shortened(shown.label, plot.left - 14.0, text);
    sheet.write_in(&label, (plot.left - 8.0, y), Anchor::Right, text, crate::results::drawing::INK)?;
    let counts = shown.series.types()[kind];
    let all = counts.iter().sum::<u64>().max(1) as f64;
    let mut before = 0.0;
    for (count, colour) in counts.into_iter().zip(COLOURS).filter(|(count, _)| *count > 0) {
        let share = 100.0 * count as f64 / all;
        let (from, to) = (plot.x_at(before), plot.x_at(before + share));
        sheet.rectangle((from, y - half), (to, y + half), colour)?;
        before += share;
    }
    Ok(())
}
