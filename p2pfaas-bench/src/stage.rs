//! Watches one run from beside it: where it is, what it costs, and what its agents say of themselves.

use std::ops::Range;

use crate::cost::Meter;
use crate::curve::{Curve, Glimpse};
use crate::experiment::Experiment;
use crate::load::Watch;
use crate::progress::RunProgress;
use crate::site::Nodes;
use crate::summary::CostSummary;

/// Looks at the agents once a second, and begins to count the cost when the warm-up is over.
pub(crate) struct Stage<'a> {
    pub progress: RunProgress<'a>,
    nodes: &'a dyn Nodes,
    /// Where counting begins and ends.
    measured_s: Range<f64>,
    /// Jobs go on coming when counting ends: the last answers are not waited for.
    cools_down: bool,
    /// The training goes on: the run has not begun, however long its last answers take.
    pub training: bool,
    begun: Option<Begun>,
    counted: Option<Counted>,
    glimpses: Vec<(i64, Glimpse)>,
}

/// How things stood when counting began.
struct Begun {
    meter: Meter,
    devices: CostSummary,
    fallbacks: u64,
}

/// What has come since then.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counted {
    /// What it cost, where devices are emulated and share this machine.
    pub cost: Option<CostSummary>,
    /// Decisions that a fallback policy has taken.
    pub fallbacks: u64,
}

impl<'a> Stage<'a> {
    pub fn new(progress: RunProgress<'a>, nodes: &'a dyn Nodes, experiment: &Experiment) -> Self {
        Stage {
            progress,
            nodes,
            measured_s: experiment.measured_s(),
            cools_down: experiment.cooldown_s > 0.0,
            training: false,
            begun: None,
            counted: None,
            glimpses: Vec::new(),
        }
    }

    /// What the agents have said goes into the curve of the run.
    pub fn tell(&self, curve: &mut Curve) {
        for (second, glimpse) in &self.glimpses {
            curve.note(*second, *glimpse);
        }
    }

    /// What has come since the warm-up was over, until the cool-down or now.
    pub fn counted(&self) -> Counted {
        self.counted.unwrap_or_else(|| self.count())
    }

    fn count(&self) -> Counted {
        let Some(Begun { meter, devices: before, fallbacks }) = &self.begun else {
            return Counted::default();
        };
        let (spent, now) = (meter.read(), self.devices());
        let cost = CostSummary {
            cpu_s: spent.cpu_s,
            machine_busy: spent.busy,
            executions: now.executions - before.executions,
            overruns: now.overruns - before.overruns,
        };
        Counted {
            cost: self.nodes.devices().map(|_| cost),
            fallbacks: self.nodes.fallbacks().saturating_sub(*fallbacks),
        }
    }

    fn devices(&self) -> CostSummary {
        self.nodes.devices().map_or_else(CostSummary::default, |devices| CostSummary {
            executions: devices.executions(),
            overruns: devices.overruns(),
            ..CostSummary::default()
        })
    }

    fn look(&mut self, second: f64) {
        let second = second.floor() as i64;
        if self.glimpses.last().is_none_or(|(last, _)| *last < second)
            && let Some(glimpse) = self.nodes.glimpse()
        {
            self.glimpses.push((second, glimpse));
            self.progress.epsilon = glimpse.epsilon;
        }
    }
}

impl Watch for Stage<'_> {
    fn at(&mut self, second: f64) {
        if self.training && second >= 0.0 {
            return;
        }
        if self.begun.is_none() && second >= self.measured_s.start {
            let (devices, fallbacks) = (self.devices(), self.nodes.fallbacks());
            self.begun = Some(Begun { meter: Meter::start(), devices, fallbacks });
        }
        if self.cools_down && self.counted.is_none() && second >= self.measured_s.end {
            self.counted = Some(self.count());
        }
        self.look(second);
        self.progress.at(second);
    }
}
