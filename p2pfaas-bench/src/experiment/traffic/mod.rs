//! The arrivals of an experiment: what `[traffic]` and `[jobs.traffic]` mean.

pub(super) mod keys;
mod traces;

use std::path::Path;

use p2pfaas_sim::arrivals::{ArrivalKind, FlashCrowd, Mmpp, Sinusoid, Traffic};

use super::problem::{At, Collector};
use super::suggest::did_you_mean;
use crate::recorded::Speeds;
use keys::{KINDS, Keys};

const RATE: &str = "jobs per second and node, 0 or more";
/// States of an MMPP.
const MAX_STATES: usize = 64;

/// What the traffic comes to.
pub(super) struct Place<'a> {
    /// The experiment file; traces are looked for beside it.
    pub path: &'a Path,
    /// `None` if something is wrong with the nodes.
    pub nodes: Option<usize>,
    pub speeds: &'a Speeds,
    pub task_types: usize,
    /// Seconds of a run; `None` if something is wrong with them.
    pub horizon_s: Option<f64>,
}

/// The traffic of a table, without shares. `None` when something is wrong; then there is a problem.
pub(super) fn resolve(
    raw: &keys::Traffic,
    of_all: bool,
    place: &Place<'_>,
    problems: &mut Collector<'_>,
) -> Option<Traffic> {
    let key = |name: &str| format!("{}.{name}", raw.path);
    let expected = format!("one of {}", KINDS.join(", "));
    match &raw.kind {
        None => problems.missing(&key("kind"), &raw.span, &expected),
        Some(at) if !KINDS.contains(&at.value.as_str()) => {
            let near = did_you_mean(&at.value, KINDS);
            problems.at(at, format!("unknown value \"{}\"{near}", at.value), &expected);
        }
        Some(at) if at.value == "recorded" && !of_all => {
            problems.at(
                at,
                "a recording has jobs of all task types",
                "such traffic as [traffic], not in [[jobs]]",
            );
            return None;
        }
        _ => {}
    }
    let kind = kind(raw, of_all, place, problems);
    let rates = match &raw.keys {
        Keys::Counts { .. }
        | Keys::Invocations { .. }
        | Keys::Stages { .. }
        | Keys::Recorded { .. }
        | Keys::NoFormat(_) => Some(Vec::new()),
        _ => rates(raw, place.nodes, problems),
    };
    Some(Traffic { kind: kind?, rates: rates?, shares: Vec::new() })
}

fn kind(
    raw: &keys::Traffic,
    of_all: bool,
    place: &Place<'_>,
    problems: &mut Collector<'_>,
) -> Option<ArrivalKind> {
    let mut values = Values { raw, problems };
    match &raw.keys {
        Keys::None => match raw.kind.as_ref()?.value.as_str() {
            "poisson" => Some(ArrivalKind::Poisson),
            "deterministic" => Some(ArrivalKind::Deterministic),
            _ => None,
        },
        Keys::Mmpp { factors, sojourns_s, common } => {
            let factor = |factor: f64| factor.is_finite() && factor >= 0.0;
            let expected = "factors of the rate, one a state, 0 or more";
            let factors = values.list("factors", factors, factor, expected);
            let expected = "mean seconds in each state, as many as factors, above 0";
            let sojourns_s = values.list("sojourns_s", sojourns_s, above_0, expected);
            let common = common.as_ref().is_some_and(|at| at.value);
            let (factors, sojourns_s) = (factors?, sojourns_s?);
            if factors.value.len() != sojourns_s.value.len() || factors.value.len() > MAX_STATES {
                let reason =
                    format!("{} factors and {} sojourns", factors.value.len(), sojourns_s.value.len());
                values.problems.at(sojourns_s, reason, &format!("as many, 1 to {MAX_STATES}"));
                return None;
            }
            let chain = Mmpp { factors: factors.value.clone(), sojourns_s: sojourns_s.value.clone(), common };
            if chain.mean_factor() == 0.0 {
                values.problems.at(factors, "no state has any traffic", "at least one factor above 0");
                return None;
            }
            Some(ArrivalKind::Mmpp(chain))
        }
        Keys::Sinusoid { period_s, amplitude, phases } => {
            let period_s = values.number("period_s", period_s, None, above_0, "seconds, above 0");
            let part = |part: f64| (0.0..=1.0).contains(&part);
            let amplitude =
                values.number("amplitude", amplitude, None, part, "a part of the rate, from 0 to 1");
            let phases = match phases {
                None => Some(Vec::new()),
                Some(_) => {
                    let expected = "parts of the period, from 0 to 1, which nodes take in turns";
                    values.list("phases", phases, part, expected).map(|at| at.value.clone())
                }
            };
            let wave = Sinusoid { period_s: period_s?, amplitude: amplitude?, phases: phases? };
            Some(ArrivalKind::Sinusoid(wave))
        }
        Keys::FlashCrowd { at_s, lasts_s, factor, ramp_s, nodes } => {
            let not_below_0 = |value: f64| value.is_finite() && value >= 0.0;
            let at_s = values.number("at_s", at_s, None, f64::is_finite, "the second when it comes");
            let lasts_s = values.number("lasts_s", lasts_s, None, not_below_0, "seconds, 0 or more");
            let expected = "what the rate is multiplied by, 0 or more";
            let factor = values.number("factor", factor, None, not_below_0, expected);
            let ramp_s = values.number("ramp_s", ramp_s, Some(0.0), not_below_0, "seconds, 0 or more");
            let nodes = match nodes {
                None => Some(None),
                Some(at) => values.indices(at, place.nodes, "nodes").map(Some),
            };
            Some(ArrivalKind::FlashCrowd(FlashCrowd {
                at_s: at_s?,
                lasts_s: lasts_s?,
                factor: factor?,
                ramp_s: ramp_s?,
                nodes: nodes?,
            }))
        }
        _ => traces::kind(values, of_all, place),
    }
}

fn above_0(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

fn rates(raw: &keys::Traffic, nodes: Option<usize>, problems: &mut Collector<'_>) -> Option<Vec<f64>> {
    let good = |rate: &f64| rate.is_finite() && *rate >= 0.0;
    let (rates, span) = match (&raw.rate, &raw.rates) {
        (Some(_), Some(rates)) => {
            problems.at(rates, format!("given together with {}.rate", raw.path), "one of the two");
            return None;
        }
        (None, None) => {
            let expected = format!("{RATE}; or rates = [...], one a node");
            problems.missing(&format!("{}.rate", raw.path), &raw.span, &expected);
            return None;
        }
        (Some(rate), None) if !good(&rate.value) => {
            problems.refused(rate, RATE);
            return None;
        }
        (Some(rate), None) => (vec![rate.value; nodes?], &rate.span),
        (None, Some(rates)) => {
            let mut right = true;
            for (node, _) in rates.value.iter().enumerate().filter(|(_, rate)| !good(rate)) {
                problems.at(rates, format!("the rate of node {node} is not possible"), RATE);
                right = false;
            }
            if let Some(nodes) = nodes.filter(|nodes| *nodes != rates.value.len()) {
                let reason = format!("{} rates for {nodes} nodes", rates.value.len());
                problems.at(rates, reason, "one rate a node");
                right = false;
            }
            if !right {
                return None;
            }
            (rates.value.clone(), &rates.span)
        }
    };
    if rates.iter().all(|rate| *rate == 0.0) {
        problems.add(&raw.path, span, "no node has any traffic", "at least one rate above 0");
    }
    Some(rates)
}

/// Takes the values of a table's keys.
struct Values<'a, 'b> {
    raw: &'a keys::Traffic,
    problems: &'a mut Collector<'b>,
}

impl<'a> Values<'a, '_> {
    fn missing(&mut self, name: &str, expected: &str) {
        self.problems.missing(&format!("{}.{name}", self.raw.path), &self.raw.span, expected);
    }

    fn number(
        &mut self,
        name: &str,
        at: &Option<At<f64>>,
        default: Option<f64>,
        good: impl Fn(f64) -> bool,
        expected: &str,
    ) -> Option<f64> {
        match at {
            None if default.is_some() => default,
            None => {
                self.missing(name, expected);
                None
            }
            Some(at) if good(at.value) => Some(at.value),
            Some(at) => {
                self.problems.refused(at, expected);
                None
            }
        }
    }

    /// A list that is there and not empty.
    fn list(
        &mut self,
        name: &str,
        at: &'a Option<At<Vec<f64>>>,
        good: impl Fn(f64) -> bool,
        expected: &str,
    ) -> Option<&'a At<Vec<f64>>> {
        match at {
            None => {
                self.missing(name, expected);
                None
            }
            Some(at) if !at.value.is_empty() && at.value.iter().all(|value| good(*value)) => Some(at),
            Some(at) => {
                self.problems.refused(at, expected);
                None
            }
        }
    }

    /// Numbers of nodes or task types, each below a count.
    fn indices<T: TryFrom<u64>>(
        &mut self,
        at: &At<Vec<u64>>,
        count: Option<usize>,
        of: &str,
    ) -> Option<Vec<T>> {
        let count = count? as u64;
        let small = |index: &u64| (*index < count).then(|| T::try_from(*index).ok()).flatten();
        let indices: Option<Vec<_>> = at.value.iter().map(small).collect();
        if indices.as_ref().is_none_or(Vec::is_empty) {
            self.problems.refused(at, &format!("numbers of {of}, from 0 to {}", count.saturating_sub(1)));
            return None;
        }
        indices
    }
}

/// What can only be said once it is known how long is trained and run.
pub(super) fn fits(
    raw: &keys::Traffic,
    traffic: &Traffic,
    train_s: f64,
    horizon_s: f64,
    problems: &mut Collector<'_>,
) {
    traces::fits(raw, traffic, train_s, horizon_s, problems);
}

#[cfg(test)]
mod tests;
