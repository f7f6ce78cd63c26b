//! `p2pfaas evaluate`: what a record says of an agent; and `p2pfaas agent`: what an agent is.

mod agent;
mod report;

use std::path::PathBuf;

use p2pfaas_learner::checkpoint::{Checkpoint, CheckpointError};
use p2pfaas_learner::offline::{Behaviour, Evaluation, Evaluator, OfflineError, agent_policy};
use p2pfaas_learner::value::Value;
use p2pfaas_learner::{AgentConfig, Learner};
use serde::Serialize;

use crate::cli::EvaluateArgs;
use crate::traces::{self, Trace, TraceError};

pub use agent::describe;
pub use report::render;

/// An evaluation that cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The record cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The agent cannot be read.
    #[error(transparent)]
    Agent(#[from] CheckpointError),
    /// The record cannot be used so.
    #[error(transparent)]
    Record(#[from] OfflineError),
    /// The record is of another policy.
    #[error(
        "the states of the record have {found} numbers and those of {agent} have {known}: the record is of \
         another policy or another cluster"
    )]
    States {
        /// The agent's file.
        agent: PathBuf,
        /// What the agent knows.
        known: usize,
        /// What the record has.
        found: usize,
    },
}

/// What was found, as JSON tells it.
#[derive(Debug, Serialize)]
struct Told<'a> {
    agent: &'a PathBuf,
    epsilon: f64,
    trained: u64,
    skipped: u64,
    caution: &'static str,
    intervals: &'static str,
    config: &'a AgentConfig,
    #[serde(flatten)]
    evaluation: &'a Evaluation,
}

/// Judges an agent by a record, and returns what to print.
///
/// # Errors
/// What is wrong with the input.
pub fn run(args: &EvaluateArgs) -> Result<String, EvaluateError> {
    let Checkpoint { learner, peers } = Checkpoint::load(&args.agent)?;
    let trace = traces::load(&args.trace, args.only.as_deref())?;
    trace.tell();
    let Trace { dataset, skipped, .. } = trace;
    let found = dataset.state_len();
    if let Some(known) = state_len(&learner).filter(|known| *known != found) {
        return Err(EvaluateError::States { agent: args.agent.clone(), known, found });
    }
    let behaviour = Behaviour::of([&dataset]);
    let (_, last) = match args.last {
        Some(part) if part < 1.0 => dataset.split(part)?,
        _ => (Default::default(), dataset),
    };
    let evaluation = Evaluator::new(&last, &behaviour)?.evaluate(&mut agent_policy(&learner, args.epsilon));
    if args.json {
        let told = Told {
            agent: &args.agent,
            epsilon: args.epsilon,
            trained: learner.counters().trained,
            skipped,
            caution: report::CAUTION,
            intervals: report::INTERVALS,
            config: learner.config(),
            evaluation: &evaluation,
        };
        // Numbers, texts and lists: there is nothing that JSON could not hold.
        return Ok(serde_json::to_string_pretty(&told).unwrap_or_default() + "\n");
    }
    Ok(render(&evaluation, &peers))
}

/// Numbers of a state as the agent knows it; `None` if it knows none.
fn state_len(learner: &Learner) -> Option<usize> {
    let of_space = learner.space().map(|space| space.features.len());
    let of_bounds = Some(learner.config().bounds.len()).filter(|length| *length > 0);
    let of_table = match &learner.values().first {
        Value::Table(table) => table.rows().next().map(|(state, _)| state.len()),
        _ => None,
    };
    of_space.or(of_bounds).or(of_table)
}
