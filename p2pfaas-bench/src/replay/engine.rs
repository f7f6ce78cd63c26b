//! Runs with the arrivals, service times and agents of recorded ones.

use std::collections::BTreeMap;

use p2pfaas_sim::arrivals::Traffic;

use crate::experiment::{AgentSpec, Experiment, PolicySpec};
use crate::simulate::{Ended, Engine, EngineError, Watcher};

/// An engine that gets what was recorded of each run.
#[derive(Debug)]
pub struct Replay<'a, E> {
    pub(super) engine: E,
    /// By policy and seed.
    pub(super) runs: &'a BTreeMap<(String, u64), Run>,
}

/// What one run takes from its recording.
#[derive(Debug)]
pub(super) struct Run {
    pub traffic: Traffic,
    pub agent: Option<AgentSpec>,
}

impl<E: Engine> Engine for Replay<'_, E> {
    /// A run that was not recorded counts nothing.
    fn run(
        &self,
        experiment: &Experiment,
        policy: &PolicySpec,
        seed: u64,
        watcher: &mut Watcher<'_>,
    ) -> Result<Ended, EngineError> {
        let Some(run) = self.runs.get(&(policy.label.clone(), seed)) else { return Ok(Ended::default()) };
        let experiment = Experiment { traffic: vec![run.traffic.clone()], ..experiment.clone() };
        let policy = PolicySpec { agent: run.agent.clone(), ..policy.clone() };
        self.engine.run(&experiment, &policy, seed, watcher)
    }
}
