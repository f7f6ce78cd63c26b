//! How busy nodes are over time.

use super::heat::{self, BAR, LABEL, cells, places};
use super::plot::{Plot, Ruler, Scale};
use super::sheet::{Anchor, Form, Sheet, shortened};
use super::{Chart, Shown, Subject};
use crate::experiment::Experiment;
use crate::results::drawing::Drawn;
use crate::series::{NodeCounts, Rows};

/// Cells of all policies together, at most: beyond them, columns are fewer.
const CELLS: usize = 12_000;
const LEFT: f64 = 56.0;
const BELOW: f64 = 50.0;

pub(super) fn chart(subject: &Subject<'_>) -> Drawn<Option<Chart>> {
    let policies: Vec<_> =
        subject.policies().filter_map(|shown| Some((shown, shown.series.nodes()?))).collect();
    let Some((_, first)) = policies.first() else { return Ok(None) };
    let rows = first.rows;
    let columns = |form: Form| form.either(2.min(policies.len()), 1);
    let mut how = String::from(
        "How many of a node's slots ran jobs that were served, on average: yellow nodes are full, dark ones idle. \
         Bright and dark rows beside each other are load that a policy leaves where it came.",
    );
    if rows.each > 1 {
        how.push_str(&format!(" A row stands for {} nodes.", rows.each));
    }
    if subject.several_seeds() {
        how.push_str(" Means over the seeds.");
    }
    let picture = |form: Form| LABEL + row_height(form, rows) * rows.count() as f64 + BELOW;
    let height = |form: Form| BAR + picture(form) * policies.len().div_ceil(columns(form)) as f64;
    Chart::new("node-load", "How busy the nodes are", how, height, |sheet| {
        let form = sheet.form;
        heat::bar(sheet, LEFT, "100 %", "of the slots busy")?;
        let places = places(form, columns(form), picture(form), policies.len());
        for ((shown, nodes), place) in policies.iter().zip(places) {
            let cells = policies.len() * rows.count();
            let columns = (CELLS / cells.max(1)).clamp(10, form.either(60, 40));
            let busy = busy(subject.experiment, shown, nodes, columns);
            panel(sheet, subject.experiment, shown.label, rows, &busy, place)?;
        }
        Ok(())
    })
}

fn row_height(form: Form, rows: Rows) -> f64 {
    (form.either(170.0, 150.0) / rows.count() as f64).clamp(3.0, 22.0)
}

/// Shares of the slots, row by row.
fn busy(
    experiment: &Experiment,
    shown: &Shown<'_>,
    nodes: &NodeCounts,
    columns: usize,
) -> Vec<Vec<Option<f64>>> {
    let (axis, rows) = (nodes.axis, nodes.rows);
    let each = axis.buckets.div_ceil(columns);
    // Where a run was ended, nothing was idle: nothing was there.
    let ends = shown.series.seeds().map(|seed| {
        seed.run.buckets.iter().rposition(|bucket| bucket.offered > 0).map_or(0, |last| last + 1)
    });
    let ends: Vec<_> = ends.collect();
    let share = |row: usize, first: usize| {
        let buckets = first..(first + each).min(axis.buckets);
        let runs = ends.iter().filter(|end| **end > first).count();
        let length_s = axis.begin_s(buckets.end).min(experiment.horizon_s()) - axis.begin_s(first);
        let slots: u32 = rows.of(row).map(|node| experiment.nodes[node].slots).sum();
        let busy_s: f64 = buckets.map(|bucket| nodes.busy_s(row, bucket)).sum();
        let room_s = runs as f64 * length_s * f64::from(slots);
        (room_s > 0.0).then(|| busy_s / room_s)
    };
    let row = |row| (0..axis.buckets).step_by(each).map(|first| share(row, first)).collect();
    (0..rows.count()).map(row).collect()
}

fn panel(
    sheet: &Sheet<'_>,
    experiment: &Experiment,
    label: &str,
    rows: Rows,
    busy: &[Vec<Option<f64>>],
    (left, top, width): (f64, f64, f64),
) -> Drawn {
    let height = row_height(sheet.form, rows) * rows.count() as f64;
    let plot = Plot {
        left: left + LEFT,
        top: top + LABEL,
        right: left + width - 14.0,
        bottom: top + LABEL + height,
        x: Ruler::time(0.0..experiment.horizon_s(), 5),
        y: node_ruler(rows, height, "node"),
    };
    plot.axes(sheet)?;
    cells(sheet, (plot.left, plot.top), (plot.right - plot.left, height), busy)?;
    let text = sheet.text_height();
    sheet.write(&shortened(label, width - LEFT, text), (plot.left, top + LABEL / 2.0 + 1.0), Anchor::Left)
}

/// Numbers of nodes, from the top; as many as there is room for.
pub(super) fn node_ruler(rows: Rows, height: f64, name: &str) -> Ruler {
    let count = rows.count();
    let room = (height / 16.0).floor().max(1.0) as usize;
    let each = count.div_ceil(room);
    let ticks = (0..count).step_by(each).map(|row| {
        // The first row is on top, and its number at its middle.
        (count as f64 - row as f64 - 0.5, (row * rows.each).to_string())
    });
    Ruler { scale: Scale::Even(0.0..count as f64), ticks: ticks.collect(), name: name.into() }
}
