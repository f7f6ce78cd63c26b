//! What is told at the end of a training.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use p2pfaas_learner::Learner;
use p2pfaas_learner::offline::Trained;

use crate::evaluate;

/// What was read.
pub(super) struct Read {
    pub training: usize,
    pub held_out: usize,
    pub streams: usize,
    pub skipped: u64,
}

/// The table, what to beware of, and what to do next.
pub(super) fn render(
    learner: &Learner,
    read: &Read,
    trained: &Trained,
    out: &Path,
    curve: &[PathBuf; 2],
    as_recorded: bool,
) -> String {
    let counters = learner.counters();
    let config = learner.config();
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _ = writeln!(
        text,
        "record:  {} choices in {} streams to train with, {} held out; {} rows without a choice",
        read.training, read.streams, read.held_out, read.skipped
    );
    let epochs = trained.curve.last().map_or(0.0, |row| row.epoch);
    let stopped = if trained.stopped { " (stopped)" } else { "" };
    let _ = write!(
        text,
        "agent:   {} with {}, {} experiences trained in {:.2} epochs{stopped}",
        config.value.name(),
        config.rule.name(),
        counters.trained,
        epochs
    );
    if counters.states > 0 {
        let _ = write!(text, ", {} states", counters.states);
    }
    if counters.states_evicted > 0 {
        let _ = write!(text, " ({} more had no room: raise max_states)", counters.states_evicted);
    }
    text.push('\n');
    if let (Some(first), Some(last)) = (trained.curve.first(), trained.curve.last()) {
        let error = |error: Option<f64>| error.map_or_else(|| "-".into(), |error| format!("{error:.4}"));
        let _ = writeln!(
            text,
            "TD error: {} before, {} now (held out, RMS)",
            error(first.td_error),
            error(last.td_error)
        );
        text.push('\n');
        text.push_str(&evaluate::render(&last.evaluation, &[]));
    }
    if as_recorded {
        text.push_str(
            "note: trained as recorded: its values are those of the recorded behaviour, and its best actions one \
             step better than that\n",
        );
    }
    let _ = writeln!(text, "\nwritten: {}, {}, {}", out.display(), curve[0].display(), curve[1].display());
    let _ = writeln!(
        text,
        "It begins with epsilon {} where it learns on (`--set epsilon_start=...`); frozen, it takes its best \
         actions only.",
        config.epsilon_start
    );
    text
}
