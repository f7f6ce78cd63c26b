//! `network.latency_ms` and `network.bandwidth_mbps`.

use std::time::Duration;

use p2pfaas_sim::network::{Bandwidth, Coordinates, Jitter, Latency, Matrix};

use super::super::problem::{At, Collector};
use super::form::{Files, Form, NumberOrForm, Places};

/// The parameters of a latency that are numbers.
pub(super) const NUMBERS: [&str; 6] = ["mean_ms", "cv", "min_ms", "max_ms", "base_ms", "route_factor"];

/// The latency; none without the key.
pub(super) fn resolve(
    value: Option<&NumberOrForm>,
    files: &Files<'_>,
    problems: &mut Collector<'_>,
) -> Option<Latency> {
    let form = match value {
        None => return Some(Latency::default()),
        Some(NumberOrForm::Number(at)) => {
            let delay = Duration::try_from_secs_f64(at.value / 1e3);
            if delay.is_err() {
                problems.refused(at, "milliseconds, 0 or more");
            }
            return delay.ok().map(Latency::Constant);
        }
        Some(NumberOrForm::Form(form)) => form,
    };
    let base_ms = form.number("base_ms").map_or(0.0, |at| at.value);
    match (&form.kind, &form.file, &form.coordinates) {
        (Some(_), None, None) => {
            let jitter = jitter(form, problems)?;
            Some(Latency::Random { base_ms, jitter })
        }
        (None, Some(file), None) => {
            form.only("a matrix", &["file"], problems);
            files.read(file, &file.value, Matrix::read, problems).map(Latency::Matrix)
        }
        (None, None, Some(at)) => {
            form.only("a distance", &["coordinates", "route_factor", "base_ms"], problems);
            let route_factor = form.number("route_factor").map_or(1.0, |at| at.value);
            Some(Latency::Geographic { places: places(at, files, problems)?, route_factor, base_ms })
        }
        _ => {
            let reason = "not one of the forms of a latency";
            problems.at(&form.place(), reason, "a number, or a table with one of kind, file, coordinates");
            None
        }
    }
}

fn jitter(form: &Form, problems: &mut Collector<'_>) -> Option<Jitter> {
    let kind = form.kind(&Jitter::KINDS, problems)?;
    match kind {
        "exponential" => form.only(kind, &["mean_ms", "base_ms"], problems),
        "uniform" => form.only(kind, &["min_ms", "max_ms", "base_ms"], problems),
        _ => form.only(kind, &["mean_ms", "cv", "base_ms"], problems),
    }
    let mut needed = |name: &str| {
        let number = form.number(name);
        if number.is_none() {
            problems.missing(&format!("{}.{name}", form.path), &form.span, &format!("a number, for {kind}"));
        }
        number.map(|at| at.value)
    };
    match kind {
        "exponential" => Some(Jitter::Exponential { mean_ms: needed("mean_ms")? }),
        "uniform" => {
            let (min_ms, max_ms) = (needed("min_ms"), needed("max_ms"));
            Some(Jitter::Uniform { min_ms: min_ms?, max_ms: max_ms? })
        }
        _ => {
            let (mean_ms, cv) = (needed("mean_ms"), needed("cv"));
            let (mean_ms, cv) = (mean_ms?, cv?);
            Some(if kind == "gamma" {
                Jitter::Gamma { mean_ms, cv }
            } else {
                Jitter::LogNormal { mean_ms, cv }
            })
        }
    }
}

fn places(at: &At<Places>, files: &Files<'_>, problems: &mut Collector<'_>) -> Option<Vec<Coordinates>> {
    let listed = match &at.value {
        Places::File(name) => return files.read(at, name, Coordinates::read, problems),
        Places::Listed(listed) => listed,
    };
    let place = |pair: &Vec<f64>| match pair[..] {
        [latitude, longitude] => Coordinates::new(latitude, longitude),
        _ => None,
    };
    if let Some(node) = listed.iter().position(|pair| place(pair).is_none()) {
        let expected = "[latitude, longitude] with -90 to 90 and -180 to 180 degrees";
        problems.at(at, format!("the place of node {node} is not possible"), expected);
        return None;
    }
    listed.iter().map(place).collect()
}

/// The bandwidth; without the key it is no matter.
pub(super) fn bandwidth(
    value: Option<&NumberOrForm>,
    files: &Files<'_>,
    problems: &mut Collector<'_>,
) -> Option<Option<Bandwidth>> {
    match value {
        None => Some(None),
        Some(NumberOrForm::Number(at)) => Some(Some(Bandwidth::Same(at.value))),
        Some(NumberOrForm::Form(form)) => match &form.file {
            None => {
                problems.missing(&format!("{}.file", form.path), &form.span, "the name of a matrix file");
                None
            }
            Some(file) => {
                let matrix = files.read(file, &file.value, Matrix::read, problems);
                matrix.map(|matrix| Some(Bandwidth::Matrix(matrix)))
            }
        },
    }
}
