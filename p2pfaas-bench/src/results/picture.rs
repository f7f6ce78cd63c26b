//! `learning.svg`: how agents learned, and what the other policies reached.
//!
//! Two panels with one time axis: the share of jobs in time above, what the agents explored below. Time
//! 0 is the end of the training. Every line has its name beside it.

use std::ops::Range;

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::drawing::{Area, COLOURS, Drawn, FAINT, FONT, GRID, INK, Name, range, write_names};
use crate::curve::Curve;
use crate::summary::Summary;

const SIZE: (u32, u32) = (1_080, 620);
/// Heights of the heading and of the lower panel.
const HEADING: u32 = 64;
const LOWER: u32 = 170;
/// Room for the numbers of an axis, and for the names of the lines.
const LEFT: u32 = 66;
const RIGHT: u32 = 270;
/// Seconds over which the in-time share is averaged.
const WINDOW_S: i64 = 5;
type Panel<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Points = Vec<(f64, f64)>;

/// What is drawn of one policy.
struct Line<'a> {
    label: &'a str,
    colour: RGBColor,
    /// Its in-time share as it was measured, in percent.
    measured: Option<f64>,
    /// In-time share in percent, and ε, of each seed; empty when it learned nothing.
    in_time: Vec<Points>,
    epsilon: Vec<Points>,
}

/// The picture's text.
pub(super) fn render(curves: &[Curve], summary: &Summary) -> Result<String, String> {
    let mut text = String::new();
    draw(&lines(curves, summary), summary, &mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

/// In the order of the file, as in all pictures, so that a policy has one colour.
fn lines<'a>(curves: &'a [Curve], summary: &'a Summary) -> Vec<Line<'a>> {
    let mut labels: Vec<&str> = Vec::new();
    let measured = summary.policies.iter().map(|policy| policy.label.as_str());
    for label in measured.chain(curves.iter().map(|curve| curve.policy.as_str())) {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    let line = |(index, label): (usize, &'a str)| {
        let of = |curve: &&Curve| curve.policy == label && curve.bins().next().is_some();
        let policy = summary.policies.iter().find(|policy| policy.label == label);
        let percent = |points: Points| points.into_iter().map(|(at, share)| (at, 100.0 * share)).collect();
        Line {
            label,
            colour: COLOURS[index % COLOURS.len()],
            measured: policy.map(|policy| 100.0 * policy.in_time),
            in_time: curves.iter().filter(of).map(|curve| percent(curve.in_time(WINDOW_S))).collect(),
            epsilon: curves.iter().filter(of).map(Curve::epsilon).collect(),
        }
    };
    labels.into_iter().enumerate().map(line).collect()
}

fn draw(lines: &[Line<'_>], summary: &Summary, text: &mut String) -> Drawn {
    let learned = || lines.iter().flat_map(|line| &line.in_time).flatten();
    let measured = || lines.iter().filter_map(|line| line.measured);
    let time = range(learned().map(|(at, _)| *at), 1.0);
    let share = range(learned().map(|(_, share)| *share).chain(measured()), 10.0);
    let epsilons = lines.iter().flat_map(|line| &line.epsilon).flatten();
    let epsilon = 0.0..epsilons.map(|(_, epsilon)| *epsilon).fold(1.0, f64::max);

    let root = SVGBackend::with_string(text, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    heading(&root, lines, summary)?;
    let (_, panels) = root.split_vertically(HEADING);
    let (upper, lower) = panels.split_vertically(SIZE.1 - HEADING - LOWER);

    let mut upper = panel(&upper, time.clone(), share.clone(), 10)?;
    axes(&mut upper, "jobs in time", |share| format!("{share:.0} %"), None)?;
    end_of_training(&mut upper, &time, &share)?;
    write_phases(&root, &upper, &time, &share)?;
    let mut names = Vec::new();
    for line in lines {
        let told = line.measured.map_or_else(|| "not measured".into(), |share| format!("{share:.1} %"));
        let mean = mean(&line.in_time);
        if let (true, Some(share)) = (mean.is_empty(), line.measured) {
            let across = [(time.start, share), (time.end, share)];
            upper.draw_series(DashedLineSeries::new(across, 6, 4, line.colour.stroke_width(1)))?;
        }
        if line.in_time.len() > 1 {
            for seed in &line.in_time {
                curve(&mut upper, seed, line.colour.mix(0.35).stroke_width(1))?;
            }
        }
        curve(&mut upper, &mean, line.colour.stroke_width(3))?;
        let end = line.measured.or(mean.last().map(|(_, share)| *share));
        names.extend(end.map(|end| Name {
            end: upper.backend_coord(&(time.end, end)),
            colour: line.colour,
            text: format!("{} {told}", line.label),
        }));
    }
    write_names(&root, names, HEADING as i32..(SIZE.1 - LOWER) as i32)?;

    let mut lower = panel(&lower, time.clone(), epsilon.clone(), 46)?;
    axes(&mut lower, "ε", |epsilon| format!("{epsilon:.1}"), Some("seconds (training before 0)"))?;
    end_of_training(&mut lower, &time, &epsilon)?;
    for line in lines {
        curve(&mut lower, &mean(&line.epsilon), line.colour.stroke_width(2))?;
    }
    root.present()?;
    Ok(())
}

fn heading(root: &Area<'_>, lines: &[Line<'_>], summary: &Summary) -> Drawn {
    let title = format!("{}: agents learn to schedule", summary.experiment);
    root.draw(&Text::new(title, (LEFT as i32 + 12, 14), (FONT, 20).into_font().color(&INK)))?;
    let seeds = lines.iter().map(|line| line.in_time.len()).max().unwrap_or(0);
    let thin = if seeds > 1 { format!("; thin: one seed, thick: mean of {seeds}") } else { String::new() };
    let how = format!(
        "solid: learning, mean over {WINDOW_S} s{thin}; dashed: not learning; numbers: as measured after training"
    );
    root.draw(&Text::new(how, (LEFT as i32 + 12, 40), (FONT, 13).into_font().color(&FAINT)))?;
    Ok(())
}

fn panel<'a, 'b>(area: &Area<'b>, time: Range<f64>, values: Range<f64>, below: u32) -> Drawn<Panel<'a, 'b>> {
    let area = area.margin(4, 0, 12, RIGHT);
    let mut builder = ChartBuilder::on(&area);
    builder.y_label_area_size(LEFT).x_label_area_size(below);
    Ok(builder.build_cartesian_2d(time, values)?)
}

fn axes(panel: &mut Panel<'_, '_>, name: &str, number: fn(&f64) -> String, time: Option<&str>) -> Drawn {
    let text = || (FONT, 13).into_font().color(&INK);
    let second = |second: &f64| format!("{second:.0}");
    let mut mesh = panel.configure_mesh();
    mesh.bold_line_style(GRID).light_line_style(TRANSPARENT).axis_style(FAINT).label_style(text());
    mesh.axis_desc_style(text()).y_desc(name).y_label_formatter(&number).x_labels(10).y_labels(6);
    match time {
        Some(time) => mesh.x_desc(time).x_label_formatter(&second).draw()?,
        None => mesh.x_label_formatter(&|_| String::new()).draw()?,
    }
    Ok(())
}

/// A vertical line, where there is something on both sides of it.
fn end_of_training(panel: &mut Panel<'_, '_>, time: &Range<f64>, values: &Range<f64>) -> Drawn {
    if time.start >= 0.0 {
        return Ok(());
    }
    let line = [(0.0, values.start), (0.0, values.end)];
    panel.draw_series(LineSeries::new(line, INK.stroke_width(1)))?;
    Ok(())
}

fn write_phases(root: &Area<'_>, panel: &Panel<'_, '_>, time: &Range<f64>, values: &Range<f64>) -> Drawn {
    if time.start >= 0.0 {
        return Ok(());
    }
    let (x, y) = panel.backend_coord(&(0.0, values.end));
    for (text, x, side) in [("training", x - 8, HPos::Right), ("run", x + 8, HPos::Left)] {
        let font = (FONT, 13).into_font().color(&FAINT).pos(Pos::new(side, VPos::Bottom));
        root.draw(&Text::new(text, (x, y - 3), font))?;
    }
    Ok(())
}

fn curve(panel: &mut Panel<'_, '_>, points: &[(f64, f64)], style: ShapeStyle) -> Drawn {
    // Agents are others after the training: no line leads from one to the other.
    for part in points.chunk_by(|left, right| (left.0 < 0.0) == (right.0 < 0.0)) {
        panel.draw_series(LineSeries::new(part.iter().copied(), style))?;
    }
    Ok(())
}

/// The mean over the seeds, at instants that all of them have.
fn mean(seeds: &[Points]) -> Points {
    let Some((first, others)) = seeds.split_first() else { return Vec::new() };
    let at = |points: &Points, at: f64| points.iter().find(|point| point.0 == at).map(|point| point.1);
    let mean_at = |(second, value): &(f64, f64)| {
        let others = others.iter().map(|points| at(points, *second)).collect::<Option<Vec<_>>>()?;
        Some((*second, (value + others.iter().sum::<f64>()) / (1.0 + others.len() as f64)))
    };
    first.iter().filter_map(mean_at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Outcome, Phase};
    use crate::tally::Counted;
    use crate::testing::{record, summary};

    fn learned(label: &str, seed: u64) -> Curve {
        let mut curve = Curve::new(label, seed);
        for second in -20..5 {
            let mut job = record(0, f64::from(second), Outcome::Served, Some(f64::from(second)));
            job.phase = if second < 0 { Phase::Training } else { Phase::Measured };
            curve.add(&Counted::from(&job), None);
        }
        curve
    }

    #[test]
    fn every_policy_has_its_name_and_what_was_measured_in_the_picture() {
        let curves = [learned("quick & clever", 1), learned("quick & clever", 2)];
        let picture = render(&curves, &summary()).unwrap();
        assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"), "{picture}");
        for part in ["quick &amp; clever not measured", "a 40.0 %", "mean of 2", "jobs in time", "training"] {
            assert!(picture.contains(part), "{part}: {picture}");
        }
    }

    #[test]
    fn a_mean_over_seeds_is_of_the_instants_that_all_of_them_have() {
        let seeds = [vec![(0.5, 1.0), (1.5, 2.0)], vec![(0.5, 3.0)]];
        assert_eq!(mean(&seeds), [(0.5, 2.0)]);
        assert_eq!(mean(&[]), []);
    }
}
