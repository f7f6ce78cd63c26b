//! The learning curve as a picture.

use std::ops::Range;

use p2pfaas_learner::offline::{CurveRow, Estimate};
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;

const SIZE: (u32, u32) = (860, 720);
const AGENT: RGBColor = RGBColor(0x1b, 0x6c, 0xa8);
const WEIGHTED: RGBColor = RGBColor(0xd9, 0x7b, 0x1c);
const RECORDED: RGBColor = RGBColor(0x55, 0x55, 0x55);
const ERROR: RGBColor = RGBColor(0x8a, 0x3b, 0x8f);
const GRID: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);

/// How much colour the interval's band has.
const BAND: f64 = 0.16;
const DASH: u32 = 7;
const GAP: u32 = 5;
/// Points beyond which a line needs no dots.
const MANY: usize = 60;
const LEGEND_HEIGHT: u32 = 44;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;
type Point = (f64, f64);

/// As SVG: above, what the agent would gain a job; below, its TD error.
///
/// # Errors
/// It cannot be drawn.
pub(super) fn draw(curve: &[CurveRow]) -> Result<String, String> {
    let mut text = String::new();
    draw_on(&SVGBackend::with_string(&mut text, SIZE).into_drawing_area(), curve)
        .map_err(|error| error.to_string())?;
    Ok(text)
}

fn draw_on(area: &Area<'_>, curve: &[CurveRow]) -> Drawn {
    area.fill(&WHITE)?;
    let (above, below) = area.split_vertically((SIZE.1 as f64 * 0.6) as u32);
    // Stopped at once, it has no length.
    let end = curve.last().map_or(0.0, |row| row.epoch);
    let end = if end > 0.0 { end } else { 1.0 };
    rewards(&above, curve, end)?;
    errors(&below, curve, end)?;
    area.present()?;
    Ok(())
}

fn rewards(area: &Area<'_>, curve: &[CurveRow], end: f64) -> Drawn {
    let robust = of(curve, |row| row.evaluation.doubly_robust);
    let weighted = of(curve, |row| row.evaluation.weighted);
    let recorded = of(curve, |row| Some(row.evaluation.recorded));
    let band: Vec<Point> = band(&robust);
    let lines = [&robust, &weighted, &recorded];
    let values = lines.iter().flat_map(|line| line.iter().map(|(_, one)| one.value));
    let range = around(values.chain(band.iter().map(|point| point.1)));
    let area =
        area.titled("Held-out reward a job: what the agent's best actions would gain", ("sans-serif", 19))?;
    let (above, below) = area.split_vertically(LEGEND_HEIGHT);
    legend(&above)?;
    let mut chart = ChartBuilder::on(&below)
        .margin(14)
        .margin_top(4)
        .x_label_area_size(42)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..end, range)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .x_desc("epochs (passes over the training part)")
        .y_desc("mean reward a job")
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 15))
        .x_label_formatter(&|epoch| short(*epoch))
        .y_label_formatter(&|reward| short(*reward))
        .draw()?;
    chart.draw_series(std::iter::once(Polygon::new(band, AGENT.mix(BAND))))?;
    let dashes = recorded.iter().map(|(epoch, one)| (*epoch, one.value));
    chart.draw_series(DashedLineSeries::new(dashes, DASH, GAP, RECORDED.stroke_width(2)))?;
    for (line, colour, width) in [(&weighted, WEIGHTED, 1), (&robust, AGENT, 2)] {
        let points = || line.iter().map(|(epoch, one)| (*epoch, one.value));
        chart.draw_series(LineSeries::new(points(), colour.stroke_width(width)))?;
        let dots = points().take(if line.len() > MANY { 0 } else { MANY });
        chart.draw_series(dots.map(|point| Circle::new(point, width + 1, colour.filled())))?;
    }
    Ok(())
}

/// What the lines mean, above them: in the picture it would hide some.
fn legend(area: &Area<'_>) -> Drawn {
    let row = LEGEND_HEIGHT as i32 / 2;
    let places = [(90, row / 2), (90, row / 2 + row), (400, row / 2), (400, row / 2 + row)];
    let labels = [
        "the agent, doubly robust",
        "its 95 % interval",
        "the agent, weighted importance sampling",
        "the recorded behaviour itself",
    ];
    for ((x, y), label) in places.into_iter().zip(labels) {
        let style = ("sans-serif", 14).into_font().into_text_style(area);
        area.draw(&Text::new(label, (x + 32, y - 7), style))?;
    }
    let [robust, band, weighted, recorded] = places.map(|(x, y)| [(x, y), (x + 24, y)]);
    area.draw(&PathElement::new(robust, AGENT.stroke_width(2)))?;
    let [(left, y), (right, _)] = band;
    area.draw(&Rectangle::new([(left, y - 5), (right, y + 5)], AGENT.mix(BAND).filled()))?;
    area.draw(&PathElement::new(weighted, WEIGHTED.stroke_width(1)))?;
    area.draw(&DashedPathElement::new(recorded, DASH, GAP, RECORDED.stroke_width(2)))?;
    Ok(())
}

fn errors(area: &Area<'_>, curve: &[CurveRow], end: f64) -> Drawn {
    let points: Vec<Point> = curve.iter().filter_map(|row| Some((row.epoch, row.td_error?))).collect();
    let range = around(points.iter().map(|point| point.1));
    let mut chart = ChartBuilder::on(area)
        .caption("Held-out TD error (what chance leaves of it cannot be learned away)", ("sans-serif", 17))
        .margin(14)
        .x_label_area_size(42)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..end, range)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .y_labels(6)
        .x_desc("epochs (passes over the training part)")
        .y_desc("RMS error (in reward)")
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 15))
        .x_label_formatter(&|epoch| short(*epoch))
        .y_label_formatter(&|error| short(*error))
        .draw()?;
    chart.draw_series(LineSeries::new(points.clone(), ERROR.stroke_width(2)))?;
    let dots = points.iter().take(if points.len() > MANY { 0 } else { MANY });
    chart.draw_series(dots.map(|point| Circle::new(*point, 3, ERROR.filled())))?;
    Ok(())
}

fn of(curve: &[CurveRow], estimate: fn(&CurveRow) -> Option<Estimate>) -> Vec<(f64, Estimate)> {
    curve.iter().filter_map(|row| Some((row.epoch, estimate(row)?))).collect()
}

/// Along the upper ends, and back along the lower ones.
fn band(line: &[(f64, Estimate)]) -> Vec<Point> {
    let end = |(epoch, one): &(f64, Estimate), end: usize| Some((*epoch, one.ci95?[end]));
    let above = line.iter().filter_map(|point| end(point, 1));
    above.chain(line.iter().rev().filter_map(|point| end(point, 0))).collect()
}

/// A range that holds these with some room.
fn around(values: impl Iterator<Item = f64>) -> Range<f64> {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) = finite
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return 0.0..1.0;
    }
    let room = ((high - low) * 0.08).max(high.abs().max(1e-6) * 1e-3);
    low - room..high + room
}

/// Without the zeros that say nothing.
fn short(number: f64) -> String {
    let text = format!("{number:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}
