//! `beside.svg`: a line a policy, on which what was measured and what was simulated are two points; on the
//! left the share of jobs in time, on the right the share that was forwarded.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Beside, Values};
use crate::results::drawing::{Area, COLOURS, Drawn, FAINT, FONT, GRID, INK, range};

const WIDTH: u32 = 960;
const HEADING: u32 = 66;
/// Room for the labels, for the numbers of an axis, and for one policy.
const LEFT: u32 = 200;
const BELOW: u32 = 44;
const ROW: u32 = 34;
/// Letters of a label.
const LONGEST: usize = 26;
const MEASURED: RGBColor = COLOURS[0];
const SIMULATED: RGBColor = COLOURS[1];

/// The picture's text.
pub(super) fn render(experiment: &str, beside: &Beside) -> Result<String, String> {
    let mut text = String::new();
    draw(experiment, beside, &mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

fn draw(experiment: &str, beside: &Beside, text: &mut String) -> Drawn {
    let height = ROW * (beside.policies.len() as u32).max(1);
    let root = SVGBackend::with_string(text, (WIDTH, HEADING + height + BELOW)).into_drawing_area();
    root.fill(&WHITE)?;
    let title = format!("{experiment}: simulated and {}", beside.measured_name());
    root.draw(&Text::new(title, (16, 12), (FONT, 20).into_font().color(&INK)))?;
    for (x, colour, name) in [(22, MEASURED, beside.measured_name()), (22 + 100, SIMULATED, "simulated")] {
        root.draw(&Circle::new((x, 48), 5, colour.filled()))?;
        root.draw(&Text::new(name, (x + 10, 42), (FONT, 13).into_font().color(&INK)))?;
    }
    let (_, panels) = root.split_vertically(HEADING);
    let (labels, panels) = panels.split_horizontally(LEFT);
    for (row, pair) in beside.policies.iter().enumerate() {
        let font = (FONT, 14).into_font().color(&INK).pos(Pos::new(HPos::Right, VPos::Center));
        let label: String = pair.label.chars().take(LONGEST).collect();
        let at = (LEFT as i32 - 10, (ROW * row as u32 + ROW / 2) as i32);
        labels.draw(&Text::new(label, at, font))?;
    }
    let (left, right) = panels.split_horizontally((WIDTH - LEFT) / 2);
    panel(&left, beside, "jobs in time, %", |values| 100.0 * values.in_time)?;
    panel(&right, beside, "jobs forwarded, %", |values| 100.0 * values.forwarded)?;
    root.present()?;
    Ok(())
}

fn panel(area: &Area<'_>, beside: &Beside, name: &str, value: fn(&Values) -> f64) -> Drawn {
    let pairs = || beside.policies.iter().map(|pair| (value(&pair.measured), value(&pair.simulated)));
    let all: Vec<_> = pairs().flat_map(|(measured, simulated)| [measured, simulated]).collect();
    let shares = if all.is_empty() { 0.0..100.0 } else { range(all.into_iter(), 10.0) };
    let rows = beside.policies.len().max(1) as f64;
    let mut builder = ChartBuilder::on(area);
    builder.x_label_area_size(BELOW).margin_right(24);
    // The first policy is on top.
    let mut chart = builder.build_cartesian_2d(shares.clone(), 0.0..rows)?;
    let label = || (FONT, 13).into_font().color(&INK);
    let mut mesh = chart.configure_mesh();
    mesh.bold_line_style(GRID).light_line_style(TRANSPARENT).axis_style(FAINT).label_style(label());
    mesh.axis_desc_style(label()).disable_y_mesh().x_labels(6).x_desc(name);
    mesh.x_label_formatter(&|share| format!("{share:.0}")).draw()?;
    for (row, (measured, simulated)) in pairs().enumerate() {
        let y = rows - row as f64 - 0.5;
        let line = |ends: [f64; 2]| PathElement::new(ends.map(|x| (x, y)).to_vec(), GRID.stroke_width(1));
        chart.draw_series([line([shares.start, shares.end])])?;
        let between = vec![(measured, y), (simulated, y)];
        chart.draw_series([PathElement::new(between, FAINT.stroke_width(2))])?;
        chart.draw_series([Circle::new((measured, y), 6, MEASURED.filled())])?;
        chart.draw_series([Circle::new((simulated, y), 4, SIMULATED.filled())])?;
    }
    Ok(())
}
