//! Who gave jobs to whom.

use plotters::prelude::RGBColor;

use super::heat::{self, BAR, LABEL, cells, ink_on, places};
use super::load::node_ruler;
use super::plot::{Plot, Ruler, Scale};
use super::sheet::{Anchor, Form, Sheet, shortened};
use super::{Chart, Subject};
use crate::results::drawing::Drawn;
use crate::series::{NodeCounts, Rows};

const LEFT: f64 = 52.0;
const BELOW: f64 = 50.0;
const RIGHT: f64 = 10.0;
const STAYED: RGBColor = RGBColor(205, 205, 205);
/// A cell in which a number can be read, pixels.
const READABLE: f64 = 25.0;

pub(super) fn chart(subject: &Subject<'_>) -> Drawn<Option<Chart>> {
    let all = subject.policies().filter_map(|shown| Some((shown, shown.series.nodes()?)));
    let all: Vec<_> = all.map(|(shown, nodes)| (shown, nodes, most(nodes))).collect();
    let policies: Vec<_> = all.iter().filter(|(_, _, most)| *most > 0.0).collect();
    let Some((_, first, _)) = policies.first() else { return Ok(None) };
    let rows = first.rows;
    let most = policies.iter().map(|(_, _, most)| *most).fold(0.0, f64::max);
    let columns = |form: Form| policies.len().min(form.either(3, 1));
    let side =
        |form: Form| (form.width() / form.either(3.0, 1.0) - LEFT - RIGHT).min(form.either(240.0, 270.0));
    let picture = |form: Form| LABEL + side(form) + BELOW;
    let height = |form: Form| BAR + picture(form) * policies.len().div_ceil(columns(form)) as f64;
    let mut how = String::from(
        "A row is the node at which jobs were due, a column the node that ran them; the colour is the share of the \
         row's jobs. What stayed where it came is grey. A bright column is a node that works for the others.",
    );
    if rows.each > 1 {
        how.push_str(&format!(
            " A row or column stands for {} nodes, which also share what stayed.",
            rows.each
        ));
    }
    let alone: Vec<_> =
        all.iter().filter(|(_, _, most)| *most == 0.0).map(|(shown, ..)| shown.label).collect();
    if !alone.is_empty() {
        how.push_str(&format!(" Not shown, as nothing was forwarded: {}.", alone.join(", ")));
    }
    Chart::new("forwarding", "Who forwards to whom", how, height, |sheet| {
        let form = sheet.form;
        heat::bar(sheet, LEFT, &format!("{:.0} %", 100.0 * most), "of the jobs of the first node")?;
        let places = places(form, form.either(3, 1), picture(form), policies.len());
        for ((shown, nodes, _), (left, top, _)) in policies.iter().zip(places) {
            matrix(sheet, shown.label, nodes, most, (left + LEFT, top), side(form))?;
        }
        Ok(())
    })
}

/// The largest share that did not stay.
fn most(nodes: &NodeCounts) -> f64 {
    let count = nodes.rows.count();
    let pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
    let away = pairs.filter(|(from, to)| from != to);
    away.filter_map(|(from, to)| nodes.share(from, to)).fold(0.0, f64::max)
}

fn matrix(
    sheet: &Sheet<'_>,
    label: &str,
    nodes: &NodeCounts,
    most: f64,
    (left, top): (f64, f64),
    side: f64,
) -> Drawn {
    let rows = nodes.rows;
    let count = rows.count();
    let plot = Plot {
        left,
        top: top + LABEL,
        right: left + side,
        bottom: top + LABEL + side,
        x: columns(rows, side),
        y: node_ruler(rows, side, "due at node"),
    };
    plot.axes(sheet)?;
    let share = |from: usize, to: usize| nodes.share(from, to).filter(|_| from != to);
    let shares = |from| (0..count).map(|to| share(from, to).map(|share| share / most)).collect();
    let shares: Vec<Vec<Option<f64>>> = (0..count).map(shares).collect();
    cells(sheet, (plot.left, plot.top), (side, side), &shares)?;
    let cell = side / count as f64;
    for (from, row) in shares.iter().enumerate() {
        let corner = |row: usize| (plot.left + cell * row as f64, plot.top + cell * row as f64);
        sheet.rectangle(corner(from), corner(from + 1), STAYED)?;
        for (to, of_most) in row.iter().enumerate().filter(|_| cell >= READABLE) {
            let middle = (plot.left + cell * (to as f64 + 0.5), plot.top + cell * (from as f64 + 0.5));
            let stayed = nodes.share(from, to).filter(|_| from == to);
            let told = stayed.map(|share| (share, RGBColor(60, 60, 60)));
            let told = told.or(of_most.map(|of_most| (of_most * most, ink_on(of_most))));
            if let Some((share, ink)) = told {
                sheet.write_in(&format!("{:.0}", 100.0 * share), middle, Anchor::Middle, 11.0, ink)?;
            }
        }
    }
    let text = sheet.text_height();
    sheet.write(&shortened(label, side, text), (plot.left, top + LABEL / 2.0 + 1.0), Anchor::Left)
}

/// Numbers of nodes from the left.
fn columns(rows: Rows, side: f64) -> Ruler {
    let each = rows.count().div_ceil((side / 28.0).floor().max(1.0) as usize);
    let ticks = (0..rows.count()).step_by(each).map(|row| (row as f64 + 0.5, (row * rows.each).to_string()));
    Ruler { scale: Scale::Even(0.0..rows.count() as f64), ticks: ticks.collect(), name: "ran at node".into() }
}
