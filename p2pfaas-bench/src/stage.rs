//! Watches one run from beside it: where it is, what it costs, and what its agents say of themselves.

use crate::cost::Meter;
use crate::curve::{Curve, Glimpse};
use crate::embedded::Cluster;
use crate::load::Watch;
use crate::progress::RunProgress;
use crate::summary::CostSummary;

/// Looks at the agents once a second, and begins to count the cost when the warm-up is over.
pub(crate) struct Stage<'a> {
    pub progress: RunProgress<'a>,
    cluster: &'a Cluster,
    warmup_s: f64,
    /// The training goes on: the run has not begun, however long its last answers take.
    pub training: bool,
    counted: Option<Begun>,
    glimpses: Vec<(i64, Glimpse)>,
}

/// How things stood when counting began.
struct Begun {
    meter: Meter,
    devices: CostSummary,
    fallbacks: u64,
}

impl<'a> Stage<'a> {
    pub fn new(progress: RunProgress<'a>, cluster: &'a Cluster, warmup_s: f64) -> Self {
        Stage { progress, cluster, warmup_s, training: false, counted: None, glimpses: Vec::new() }
    }

    /// What the agents have said goes into the curve of the run.
    pub fn tell(&self, curve: &mut Curve) {
        for (second, glimpse) in &self.glimpses {
            curve.note(*second, *glimpse);
        }
    }

    /// What it cost since the warm-up was over.
    pub fn cost(&self) -> CostSummary {
        let Some(Begun { meter, devices: before, .. }) = &self.counted else { return CostSummary::default() };
        let (spent, now) = (meter.read(), self.devices());
        CostSummary {
            cpu_s: spent.cpu_s,
            machine_busy: spent.busy,
            executions: now.executions - before.executions,
            overruns: now.overruns - before.overruns,
        }
    }

    /// Decisions that the fallback policy has taken since then.
    pub fn fallbacks(&self) -> u64 {
        self.counted.as_ref().map_or(0, |begun| self.cluster.fallbacks() - begun.fallbacks)
    }

    fn devices(&self) -> CostSummary {
        let devices = self.cluster.counts();
        CostSummary {
            executions: devices.executions(),
            overruns: devices.overruns(),
            ..CostSummary::default()
        }
    }

    fn look(&mut self, second: f64) {
        let second = second.floor() as i64;
        if self.glimpses.last().is_none_or(|(last, _)| *last < second)
            && let Some(glimpse) = self.cluster.glimpse()
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
        if self.counted.is_none() && second >= self.warmup_s {
            let (devices, fallbacks) = (self.devices(), self.cluster.fallbacks());
            self.counted = Some(Begun { meter: Meter::start(), devices, fallbacks });
        }
        self.look(second);
        self.progress.at(second);
    }
}
