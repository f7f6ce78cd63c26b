//! Eligibility traces: which weights have lately had a part in what was done.

use serde::{Deserialize, Serialize};

/// Traces at most; beyond it the smallest are dropped.
pub const MAX_TRACES: usize = 16_384;
/// A trace smaller than this is dropped.
pub const LEAST_TRACE: f64 = 1e-4;

/// The trace of one weight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The feature that the weight belongs to.
    pub feature: u32,
    /// And the action.
    pub action: u32,
    /// How much the weight is changed.
    pub size: f64,
}

/// The traces of all weights whose trace is not too small, in the order of features and actions.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Traces {
    traces: Vec<Trace>,
    #[serde(skip)]
    merged: Vec<Trace>,
}

impl Traces {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.traces.clear();
    }

    /// Forgets those of one feature.
    pub fn forget(&mut self, feature: u32) {
        self.traces.retain(|trace| trace.feature != feature);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Trace> {
        self.traces.iter()
    }

    /// One step on: all traces shrink by `decay`, and those of the features of the state and the action
    /// taken in it are added to, or replaced. Leaves `active` in the order of features.
    pub fn step(&mut self, decay: f64, active: &mut [(u32, f64)], action: u32, replace: bool) {
        active.sort_unstable_by_key(|(feature, _)| *feature);
        self.merged.clear();
        let mut old = self.traces.iter().map(|trace| Trace { size: trace.size * decay, ..*trace }).peekable();
        for (feature, x) in active.iter() {
            let here = (*feature, action);
            while let Some(trace) = old.next_if(|trace| (trace.feature, trace.action) < here) {
                keep(&mut self.merged, trace);
            }
            let before = match old.next_if(|trace| (trace.feature, trace.action) == here) {
                Some(trace) => trace.size,
                // The same feature twice: tiles that share their weights.
                None => match self.merged.pop_if(|trace| (trace.feature, trace.action) == here) {
                    Some(trace) => trace.size,
                    None => 0.0,
                },
            };
            let size = if replace { *x } else { before + x };
            keep(&mut self.merged, Trace { feature: *feature, action, size });
        }
        old.for_each(|trace| keep(&mut self.merged, trace));
        std::mem::swap(&mut self.traces, &mut self.merged);
        if self.traces.len() > MAX_TRACES {
            self.drop_smallest();
        }
    }

    fn drop_smallest(&mut self) {
        let excess = self.traces.len() - MAX_TRACES;
        let by_size = |one: &Trace, other: &Trace| one.size.abs().total_cmp(&other.size.abs());
        self.traces.select_nth_unstable_by(excess, by_size);
        self.traces.drain(..excess);
        self.traces.sort_unstable_by_key(|trace| (trace.feature, trace.action));
    }
}

fn keep(traces: &mut Vec<Trace>, trace: Trace) {
    if trace.size.abs() >= LEAST_TRACE {
        traces.push(trace);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(traces: &Traces) -> Vec<(u32, u32, f64)> {
        traces.iter().map(|trace| (trace.feature, trace.action, trace.size)).collect()
    }

    #[test]
    fn traces_shrink_and_are_replaced_or_added_to() {
        for (replace, again) in [(true, 1.0), (false, 1.25)] {
            let mut traces = Traces::default();
            traces.step(0.5, &mut [(7, 1.0)], 1, replace);
            traces.step(0.5, &mut [(3, 1.0)], 0, replace);
            assert_eq!(sizes(&traces), [(3, 0, 1.0), (7, 1, 0.5)]);
            traces.step(0.5, &mut [(7, 1.0)], 1, replace);
            assert_eq!(sizes(&traces), [(3, 0, 0.5), (7, 1, again)]);
        }
    }

    #[test]
    fn a_feature_may_come_twice_in_one_state() {
        let mut traces = Traces::default();
        traces.step(0.5, &mut [(7, 1.0), (7, 1.0)], 0, true);
        assert_eq!(sizes(&traces), [(7, 0, 1.0)]);
        traces.step(0.5, &mut [(7, 1.0), (7, 1.0)], 0, false);
        assert_eq!(sizes(&traces), [(7, 0, 2.5)]);
    }

    #[test]
    fn a_trace_that_is_too_small_is_dropped() {
        let mut traces = Traces::default();
        traces.step(0.9, &mut [(0, 1.0)], 0, true);
        for _ in 0..200 {
            traces.step(0.9, &mut [], 0, true);
        }
        assert_eq!(sizes(&traces), []);
    }

    #[test]
    fn beyond_the_bound_the_smallest_are_dropped() {
        let mut traces = Traces::default();
        for feature in 0..MAX_TRACES as u32 + 10 {
            traces.step(1.0 - 1e-5, &mut [(feature, 1.0)], 0, true);
        }
        assert_eq!(traces.iter().count(), MAX_TRACES);
        assert_eq!(traces.iter().next().map(|trace| trace.feature), Some(10));
    }
}
