//! A crowd that comes and goes.

use super::modulated::Segment;

/// The rate rises in a straight line, stays, and falls in a straight line. The crowd brings
/// `rate * (factor - 1) * (lasts_s + ramp_s)` jobs to a node, besides those that come anyway.
#[derive(Debug, Clone, PartialEq)]
pub struct FlashCrowd {
    /// When the rise begins, seconds of the run.
    pub at_s: f64,
    /// How long the rate stays at its top, seconds.
    pub lasts_s: f64,
    /// What the rate is multiplied by at its top, 0 or more.
    pub factor: f64,
    /// How long the rise takes, and the fall, seconds.
    pub ramp_s: f64,
    /// The nodes that it comes to; `None` for all.
    pub nodes: Option<Vec<u32>>,
}

impl FlashCrowd {
    /// Whether it comes to a node.
    pub fn comes_to(&self, node: u32) -> bool {
        self.nodes.as_ref().is_none_or(|nodes| nodes.contains(&node))
    }

    /// Area of what it adds to the factor, from one moment to another.
    pub(super) fn added_s(&self, begins_s: f64, ends_s: f64) -> f64 {
        let mut rates = FlashRates::new(self, begins_s);
        let (mut at_s, mut added) = (begins_s, 0.0);
        while at_s < ends_s {
            let Segment { ends_s: until_s, factor, slope, .. } = rates.next();
            let span_s = until_s.min(ends_s) - at_s;
            added += span_s * (factor - 1.0 + 0.5 * slope * span_s);
            at_s = until_s;
        }
        added
    }
}

#[derive(Debug)]
pub(super) struct FlashRates {
    /// Corners of the factor: when, and what.
    corners: [(f64, f64); 4],
    at_s: f64,
}

impl FlashRates {
    pub fn new(crowd: &FlashCrowd, begins_s: f64) -> Self {
        let FlashCrowd { at_s, lasts_s, factor, ramp_s, .. } = *crowd;
        let top_s = at_s + ramp_s;
        let falls_s = top_s + lasts_s;
        let corners = [(at_s, 1.0), (top_s, factor), (falls_s, factor), (falls_s + ramp_s, 1.0)];
        FlashRates { corners, at_s: begins_s }
    }

    pub fn next(&mut self) -> Segment {
        let ahead = self.corners.iter().position(|(corner_s, _)| *corner_s > self.at_s);
        let begins_s = self.at_s;
        let segment = match ahead {
            None => Segment { begins_s, ends_s: f64::INFINITY, factor: 1.0, slope: 0.0 },
            Some(0) => Segment { begins_s, ends_s: self.corners[0].0, factor: 1.0, slope: 0.0 },
            Some(ahead) => {
                let ((from_s, from), (to_s, to)) = (self.corners[ahead - 1], self.corners[ahead]);
                let slope = (to - from) / (to_s - from_s);
                Segment { begins_s, ends_s: to_s, factor: from + slope * (begins_s - from_s), slope }
            }
        };
        self.at_s = segment.ends_s;
        segment
    }
}
