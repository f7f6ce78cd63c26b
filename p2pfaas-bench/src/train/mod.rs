//! `p2pfaas train`: an agent from records.

mod agent_config;
mod curve;
mod picture;
mod progress;
mod report;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use p2pfaas_learner::checkpoint::{Checkpoint, CheckpointError};
use p2pfaas_learner::offline::{
    Dataset, Happened, OfflineError, TrainOptions, Trained, is_off_policy, refuse_on_policy, train,
};
use p2pfaas_learner::{AgentConfig, ConfigError, Learner, ValueKind};
use tokio_util::sync::CancellationToken;

use crate::cli::TrainArgs;
use crate::traces::{self, Trace, TraceError};
use progress::Progress;

pub use agent_config::{AgentFileError, agent_config};

/// A training that cannot be done, or whose outcome cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The record cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The agent's parameters are wrong.
    #[error(transparent)]
    Agent(#[from] AgentFileError),
    /// The agent's parameters do not go together, or not with the record.
    #[error("the agent's parameters: {0}")]
    Config(#[from] ConfigError),
    /// The rule cannot learn from others.
    #[error(
        "{0}.\nChoose one with `--set rule=q-learning`, or say --as-recorded if the value of the recorded \
         behaviour is what you want"
    )]
    OnPolicy(OfflineError),
    /// The record cannot be used so.
    #[error("{error}{hint}")]
    Record {
        /// Why not.
        error: OfflineError,
        /// What to do.
        hint: &'static str,
    },
    /// The agent cannot be written.
    #[error("cannot write the agent: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// Something else cannot be written.
    #[error("cannot write {path}: {what}")]
    Write {
        /// What.
        path: PathBuf,
        /// Why not.
        what: String,
    },
}

impl TrainError {
    /// Whether what was asked for is wrong, and not what became of it.
    pub fn is_input(&self) -> bool {
        !matches!(self, TrainError::Checkpoint(_) | TrainError::Write { .. })
    }
}

/// What was done.
#[derive(Debug)]
pub struct Outcome {
    /// The table for people.
    pub text: String,
    /// Whether it was stopped before the end.
    pub stopped: bool,
}

/// Trains, and writes the agent and its learning curve. Cancelled, it writes what has been learned so far.
///
/// # Errors
/// What is wrong with the input, or cannot be written.
pub fn run(args: &TrainArgs, cancel: &CancellationToken) -> Result<Outcome, TrainError> {
    let (config, given) = read_config(args)?;
    let base = args.curve.clone().unwrap_or_else(|| with_ending(&args.out, "curve"));
    for path in [&args.out, &base] {
        prepare(path)?;
    }
    let trace = traces::load(&args.trace, args.only.as_deref())?;
    trace.tell();
    let Trace { dataset, skipped, .. } = trace;
    let streams = dataset.streams().len();
    let (training, mut judged_by) = dataset.split(args.held_out).map_err(record(""))?;
    let config = fit(config, &given, &training);
    config.check()?;
    if args.held_out == 0.0 {
        eprintln!("note: nothing is held out, so the agent is judged by what it was trained with: too well");
        judged_by = training.clone();
    }
    let mut learner = Learner::new(config, None, args.seed)?;
    let progress = Progress::on_stderr(args.epochs, training.len());
    let options = TrainOptions { epochs: args.epochs, as_recorded: args.as_recorded };
    let mut watch = |happened: Happened<'_>| {
        progress.tell(happened);
        if cancel.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let trained = train(&mut learner, &training, &judged_by, options, &mut watch);
    progress.finish();
    let trained = trained.map_err(|error| match error {
        OfflineError::Empty => {
            record("; give a longer record, or a larger part of it with --held-out")(error)
        }
        error => record("")(error),
    })?;
    let checkpoint = Checkpoint { learner, peers: Vec::new() };
    checkpoint.save(&args.out)?;
    let written = write_curve(&base, &trained)?;
    let read = report::Read { training: training.len(), held_out: judged_by.len(), streams, skipped };
    let text = report::render(&checkpoint.learner, &read, &trained, &args.out, &written, args.as_recorded);
    Ok(Outcome { text, stopped: trained.stopped })
}

/// The configuration, and the names of the parameters that were given.
fn read_config(args: &TrainArgs) -> Result<(AgentConfig, Vec<String>), TrainError> {
    let (config, given, warnings) = agent_config(args.config.as_deref(), &args.set)?;
    for warning in warnings {
        eprintln!("warning: {}", warning.0);
    }
    config.check()?;
    if !args.as_recorded {
        refuse_on_policy(config.rule).map_err(TrainError::OnPolicy)?;
    } else if is_off_policy(config.rule) {
        eprintln!(
            "note: --as-recorded matters little to {:?}, which learns its own policy",
            config.rule.name()
        );
    }
    Ok((config, given))
}

/// What the part to train with tells and nobody has given: how many actions there are, and in which range the
/// states lie. What is held out may be beyond it, as what an agent meets later.
fn fit(mut config: AgentConfig, given: &[String], training: &Dataset) -> AgentConfig {
    let is_given = |name: &str| given.iter().any(|given| given == name);
    if !is_given("actions_n") {
        config.actions_n = training.actions() as u32;
    }
    if !is_given("bounds") && config.value != ValueKind::Table {
        // A number that never changes needs some width too.
        let widened = |[low, high]: [f64; 2]| if low < high { [low, high] } else { [low, low + 1.0] };
        config.bounds = training.bounds().into_iter().map(widened).collect();
        eprintln!("note: `bounds` are what the part to train with shows: {:?}", config.bounds);
    }
    config
}

fn record(hint: &'static str) -> impl Fn(OfflineError) -> TrainError {
    move |error| TrainError::Record { error, hint }
}

/// Makes the folder of a file before hours are spent on what would be in it.
fn prepare(path: &Path) -> Result<(), TrainError> {
    let error = |what: String| TrainError::Write { path: path.into(), what };
    if path.is_dir() {
        return Err(error("it is a folder; give the name of a file".into()));
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            fs::create_dir_all(folder).map_err(|reason| error(reason.to_string()))
        }
        _ => Ok(()),
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Writes the learning curve as numbers and as a picture.
fn write_curve(base: &Path, trained: &Trained) -> Result<[PathBuf; 2], TrainError> {
    let paths = ["csv", "svg"].map(|ending| with_ending(base, ending));
    let error = |path: &PathBuf, what: String| TrainError::Write { path: path.clone(), what };
    let picture = picture::draw(&trained.curve).map_err(|what| error(&paths[1], what))?;
    for (path, text) in paths.iter().zip([curve::render(&trained.curve), picture]) {
        fs::write(path, text).map_err(|reason| error(path, reason.to_string()))?;
    }
    Ok(paths)
}
