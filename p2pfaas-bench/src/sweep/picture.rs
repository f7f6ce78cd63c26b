//! `sweep.svg`: the in-time share of each policy over the first key that is varied in numbers, with its
//! 95 % confidence interval as a band.
//!
//! Where more is varied, everything else has its first value.

use std::ops::Range;

use plotters::prelude::*;
use serde::Deserialize;

use crate::experiment::Product;
use crate::results::drawing::{COLOURS, Drawn, FAINT, FONT, GRID, INK, Name, range, write_names};

const SIZE: (u32, u32) = (1_000, 560);
const HEADING: u32 = 64;
/// Room for the numbers of the axes, and for the names of the lines.
const LEFT: u32 = 66;
const BELOW: u32 = 46;
const RIGHT: u32 = 250;
/// How much colour a band has.
const BAND: f64 = 0.16;
/// Points beyond which a line needs no dots.
const MANY: usize = 40;

/// What of a finished point is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    point: usize,
    policies: Vec<Policy>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Policy {
    label: String,
    name: String,
    in_time: f64,
    ci95: Ci,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Ci {
    in_time: Option<[f64; 2]>,
}

impl Part {
    /// Out of a point's `summary.json`.
    pub fn read(point: usize, summary: &[u8]) -> Result<Part, String> {
        #[derive(Deserialize)]
        struct Whole {
            policies: Vec<Policy>,
        }
        let Whole { policies } = serde_json::from_slice(summary).map_err(|error| error.to_string())?;
        Ok(Part { point, policies })
    }
}

/// One policy: its share, and both ends of its interval, in percent, from left to right.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
    band: Vec<(f64, [f64; 2])>,
}

/// The picture's text; `None` where nothing is varied in numbers.
pub(super) fn render(experiment: &str, product: &Product, parts: &[Part]) -> Result<Option<String>, String> {
    let numeric = |vary: &super::Vary| {
        vary.values.len() > 1 && vary.values.iter().all(|value| value.number().is_some())
    };
    let Some(axis) = product.0.iter().position(numeric) else { return Ok(None) };
    let lines = lines(product, axis, parts);
    let mut text = String::new();
    draw(&lines, experiment, product, axis, &mut text).map_err(|error| error.to_string())?;
    Ok(Some(text))
}

fn lines(product: &Product, axis: usize, parts: &[Part]) -> Vec<Line> {
    let first = product.choices(0);
    let mut lines: Vec<Line> = Vec::new();
    for part in parts {
        let choices = product.choices(part.point);
        let others = choices.iter().zip(&first).enumerate().filter(|(place, _)| *place != axis);
        let on_line = others.into_iter().all(|(_, (choice, first))| choice == first);
        let (true, Some(x)) = (on_line, choices.get(axis).and_then(|choice| choice.number())) else {
            continue;
        };
        for (index, policy) in part.policies.iter().enumerate() {
            if lines.len() <= index {
                lines.push(Line { name: policy.label.clone(), points: Vec::new(), band: Vec::new() });
            }
            let line = &mut lines[index];
            // Without a label of its own, a policy is called by its parameters, of which one may be varied.
            if line.name != policy.label {
                line.name = policy.name.split('(').next().unwrap_or_default().into();
            }
            line.points.push((x, 100.0 * policy.in_time));
            line.band.extend(policy.ci95.in_time.map(|ends| (x, ends.map(|end| 100.0 * end))));
        }
    }
    for line in &mut lines {
        line.points.sort_by(|left, right| left.0.total_cmp(&right.0));
        line.band.sort_by(|left, right| left.0.total_cmp(&right.0));
    }
    lines
}

fn draw(lines: &[Line], experiment: &str, product: &Product, axis: usize, text: &mut String) -> Drawn {
    let values = product.0[axis].values.iter().filter_map(|value| value.number());
    let xs = values.fold(f64::MAX..f64::MIN, |range, x| range.start.min(x)..range.end.max(x));
    let shares = lines.iter().flat_map(|line| {
        line.points.iter().map(|(_, share)| *share).chain(line.band.iter().flat_map(|(_, ends)| *ends))
    });
    let shares: Vec<_> = shares.collect();
    let ys = if shares.is_empty() { 0.0..100.0 } else { range(shares.into_iter(), 5.0) };

    let root = SVGBackend::with_string(text, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let title = format!("{experiment}: jobs in time over {}", product.0[axis].key);
    root.draw(&Text::new(title, (LEFT as i32 + 12, 14), (FONT, 20).into_font().color(&INK)))?;
    let faint = (FONT, 13).into_font().color(&FAINT);
    root.draw(&Text::new(subtitle(product, axis), (LEFT as i32 + 12, 40), faint))?;

    let (_, panel) = root.split_vertically(HEADING);
    let panel = panel.margin(4, 6, 12, RIGHT);
    let mut builder = ChartBuilder::on(&panel);
    builder.y_label_area_size(LEFT).x_label_area_size(BELOW);
    let mut chart = builder.build_cartesian_2d(xs.clone(), ys)?;
    let label = || (FONT, 13).into_font().color(&INK);
    let step = step(&xs);
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(FAINT)
        .label_style(label())
        .axis_desc_style(label())
        .x_labels(10)
        .y_labels(8)
        .x_desc(&product.0[axis].key)
        .y_desc("jobs in time")
        .x_label_formatter(&|x| number(*x, step))
        .y_label_formatter(&|share| format!("{share:.0} %"))
        .draw()?;
    let mut names = Vec::new();
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let upper = line.band.iter().map(|(x, [_, high])| (*x, *high));
        let lower = line.band.iter().rev().map(|(x, [low, _])| (*x, *low));
        let outline: Vec<_> = upper.chain(lower).collect();
        chart.draw_series([Polygon::new(outline, colour.mix(BAND))])?;
    }
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        chart.draw_series(LineSeries::new(line.points.iter().copied(), colour.stroke_width(2)))?;
        if line.points.len() <= MANY {
            let dot = |point: &(f64, f64)| Circle::new(*point, 3, colour.filled());
            chart.draw_series(line.points.iter().map(dot))?;
        }
        names.extend(line.points.last().map(|(x, share)| Name {
            end: chart.backend_coord(&(*x, *share)),
            colour: *colour,
            text: line.name.clone(),
        }));
    }
    write_names(&root, names, HEADING as i32..(SIZE.1 - BELOW) as i32)?;
    root.present()?;
    Ok(())
}

fn subtitle(product: &Product, axis: usize) -> String {
    let first = product.choices(0);
    let others = product.0.iter().zip(first).enumerate().filter(|(place, _)| *place != axis);
    let others: Vec<_> = others
        .map(|(_, (vary, choice))| format!("{} = {} (of {})", vary.key, choice.text(), vary.values.len()))
        .collect();
    let with = if others.is_empty() { String::new() } else { format!("; {}", others.join(", ")) };
    format!("band: 95 % confidence interval{with}")
}

fn step(range: &Range<f64>) -> f64 {
    (range.end - range.start) / 10.0
}

/// As many decimals as the distance between two labels needs.
fn number(value: f64, step: f64) -> String {
    let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(point: usize, in_time: f64) -> Part {
        let policy = |label: &str, in_time: f64| {
            let ends = [in_time - 0.02, in_time + 0.02];
            Policy { label: label.into(), name: "A(1)".into(), in_time, ci95: Ci { in_time: Some(ends) } }
        };
        Part { point, policies: vec![policy("none", in_time), policy("p & q", in_time + 0.1)] }
    }

    fn product(varies: &[&str]) -> Product {
        Product(varies.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn lines_go_over_the_first_numeric_key_and_all_else_has_its_first_value() {
        let product =
            product(&["traffic.kind=poisson,deterministic", "traffic.rate=4,2", "cluster.slots=1..2"]);
        let parts: Vec<_> = (0..8).map(|point| part(point, 0.5 + 0.01 * point as f64)).collect();
        let lines = lines(&product, 1, &parts);
        let rounded = |line: &Line| line.points.iter().map(|(x, y)| (*x, y.round())).collect::<Vec<_>>();
        assert_eq!(rounded(&lines[0]), [(2.0, 52.0), (4.0, 50.0)]);
        assert_eq!(lines[1].name, "p & q");
        let picture = render("tiny", &product, &parts).unwrap().unwrap();
        for word in
            ["tiny: jobs in time over traffic.rate", "traffic.kind = poisson (of 2)", "p &amp; q", "polygon"]
        {
            assert!(picture.contains(word), "{word}: {picture}");
        }
    }

    #[test]
    fn without_a_numeric_key_there_is_no_picture() {
        assert_eq!(
            render("tiny", &product(&["traffic.kind=poisson,deterministic"]), &[part(0, 0.5)]),
            Ok(None)
        );
    }

    #[test]
    fn a_policy_whose_parameters_are_varied_is_called_by_its_kind() {
        let mut parts = [part(0, 0.5), part(1, 0.6)];
        parts[0].policies[0].label = "A(1)".into();
        parts[1].policies[0].label = "A(2)".into();
        let lines = lines(&product(&["policy.0.threshold=1,2"]), 0, &parts);
        assert_eq!((lines[0].name.as_str(), lines[1].name.as_str()), ("A", "p & q"));
    }
}
