//! The charts of a report. Each is drawn twice, for wide and for narrow screens: text that is only made smaller
//! cannot be read.

mod agents;
mod comparison;
mod forwarding;
mod heat;
mod in_time;
mod latency;
mod legend;
mod load;
mod outcomes;
mod over_time;
mod plot;
mod sheet;

use plotters::prelude::RGBColor;

use crate::distribution::Distribution;
use crate::experiment::{Experiment, PolicySpec};
use crate::results::drawing::{COLOURS, Drawn};
use crate::series::PolicySeries;
use crate::summary::PolicySummary;
use legend::{Entry, Sample};
use sheet::{Form, Pen, Sheet};

/// Greys of what is not a policy of the file.
const REFERENCES: [RGBColor; 3] = [RGBColor(90, 90, 90), RGBColor(140, 140, 140), RGBColor(175, 175, 175)];

/// A chart.
#[derive(Debug, Clone)]
pub(super) struct Chart {
    /// Its name in files and addresses.
    pub key: &'static str,
    pub title: &'static str,
    /// How to read it.
    pub how: String,
    /// As SVG.
    pub wide: String,
    pub narrow: String,
}

impl Chart {
    fn new(
        key: &'static str,
        title: &'static str,
        how: impl Into<String>,
        height: impl Fn(Form) -> f64,
        draw: impl Fn(&Sheet<'_>) -> Drawn,
    ) -> Drawn<Option<Chart>> {
        let one = |form| sheet::draw(form, height(form), &draw);
        let (wide, narrow) = (one(Form::Wide)?, one(Form::Narrow)?);
        Ok(Some(Chart { key, title, how: how.into(), wide, narrow }))
    }
}

/// A policy with all that is known of it.
pub(super) struct Shown<'a> {
    pub label: &'a str,
    pub colour: RGBColor,
    pub spec: &'a PolicySpec,
    pub summary: &'a PolicySummary,
    pub series: &'a PolicySeries,
    pub latencies: &'a Distribution,
}

impl Shown<'_> {
    /// References are thin and dashed.
    fn pen(&self) -> Pen {
        match self.spec.reference {
            true => Pen { colour: self.colour, width: 1.3, dashed: true },
            false => Pen::solid(self.colour, 2.0),
        }
    }

    fn entry(&self) -> Entry {
        Entry { text: self.label.into(), sample: Sample::Line(self.pen()) }
    }
}

/// The colours of so many policies and references, in their order: a policy has the same in all charts.
pub(super) fn colours(policies: usize) -> impl Iterator<Item = RGBColor> {
    COLOURS.into_iter().cycle().take(policies).chain(REFERENCES.into_iter().cycle())
}

/// What charts are of.
pub(super) struct Subject<'a> {
    pub experiment: &'a Experiment,
    /// Policies of the file, then references.
    pub shown: Vec<Shown<'a>>,
}

impl<'a> Subject<'a> {
    fn policies(&self) -> impl Iterator<Item = &Shown<'a>> {
        self.shown.iter().filter(|shown| !shown.spec.reference)
    }

    fn several_seeds(&self) -> bool {
        self.shown.iter().any(|shown| shown.summary.per_seed.len() > 1)
    }
}

/// All that there is something to show in.
///
/// # Errors
/// One cannot be drawn.
pub(super) fn all(subject: &Subject<'_>) -> Drawn<Vec<Chart>> {
    if subject.shown.is_empty() {
        return Ok(Vec::new());
    }
    let charts = [
        comparison::chart(subject)?,
        in_time::chart(subject)?,
        latency::distribution(subject)?,
        latency::percentiles(subject)?,
        outcomes::chart(subject)?,
        load::chart(subject)?,
        forwarding::chart(subject)?,
        agents::rewards(subject)?,
        agents::actions(subject)?,
        agents::epsilons(subject)?,
    ];
    Ok(charts.into_iter().flatten().collect())
}
