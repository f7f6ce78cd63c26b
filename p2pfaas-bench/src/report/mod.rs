//! `report.html`: what came out of an experiment, as a page in one file that needs no network, and each of its
//! charts as a file of its own for papers.

mod charts;
mod comparisons;
mod html;
mod page;
mod png;
mod tables;

use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;

use crate::experiment::Experiment;
use crate::results::{Folder, WriteError};
use crate::series::PolicySeries;
use crate::summary::{PolicyRuns, PolicySummary, Summary};
use charts::{Chart, Shown, Subject};
use png::Painter;

const PAGE: &str = "report.html";
const CHARTS: &str = "charts";

/// What a report tells of.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The experiment, with the references that stand beside its policies.
    pub experiment: &'a Experiment,
    /// Its numbers.
    pub summary: &'a Summary,
    /// The runs of each policy of the experiment, in their order; those that were never begun may be missing.
    pub runs: &'a [PolicyRuns],
    /// What they did over time, in the same order.
    pub series: &'a [PolicySeries],
}

impl Report<'_> {
    /// Writes `report.html`, and `charts/*.svg` and `charts/*.png`.
    ///
    /// # Errors
    /// A chart cannot be drawn, or a file not be written.
    pub fn write(&self, folder: &Folder) -> Result<(), WriteError> {
        let failed = |path: &Path, error: Box<dyn Error>| WriteError {
            path: path.into(),
            source: io::Error::other(error.to_string()),
        };
        let page = folder.path().join(PAGE);
        let charts = charts::all(&self.subject()).map_err(|error| failed(&page, error))?;
        let directory = folder.path().join(CHARTS);
        if !charts.is_empty() {
            let made = fs::create_dir_all(&directory);
            made.map_err(|source| WriteError { path: directory.clone(), source })?;
        }
        let painter = Painter::new();
        for chart in &charts {
            folder.write(&format!("{CHARTS}/{}.svg", chart.key), &chart.wide)?;
            let path = directory.join(chart.key).with_extension("png");
            let png = painter.paint(&chart.wide).map_err(|error| failed(&path, error.into()))?;
            fs::write(&path, png).map_err(|source| WriteError { path, source })?;
        }
        let learning = self.experiment.policies.iter().any(|policy| policy.learns());
        // Where nobody learned in the end, there is none.
        let learning = learning.then(|| fs::read_to_string(folder.learning_picture()).ok()).flatten();
        folder.write(PAGE, &self.page(&charts, learning.as_deref()))
    }

    fn page(&self, charts: &[Chart], learning: Option<&str>) -> String {
        page::render(self.experiment, self.summary, charts, learning)
    }

    fn subject(&self) -> Subject<'_> {
        let summaries = || self.summary.policies.iter().chain(&self.summary.references);
        let colours = charts::colours(self.summary.policies.len());
        let shown = summaries().zip(colours).filter_map(|(summary, colour)| {
            let place = self.place(summary)?;
            Some(Shown {
                label: &summary.label,
                colour,
                spec: &self.experiment.policies[place],
                summary,
                series: self.series.get(place)?,
                latencies: self.runs.get(place)?.latencies(),
            })
        });
        Subject { experiment: self.experiment, shown: shown.collect() }
    }

    /// The place of a policy in the experiment: labels are unique.
    fn place(&self, summary: &PolicySummary) -> Option<usize> {
        self.experiment.policies.iter().position(|policy| policy.label == summary.label)
    }
}

#[cfg(test)]
mod tests;
