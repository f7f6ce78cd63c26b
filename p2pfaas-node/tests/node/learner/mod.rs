//! The loop of learning: act, run, reward, train, keep; with the agent in the node, and beside it.

mod here;
mod old_learner;
mod own_learner;
mod there;

use p2pfaas_node::{LearnerPlace, Settings};

use super::support::*;

/// A node that asks a learner about its clients' jobs.
fn asking(place: LearnerPlace) -> Settings {
    Settings { learner: place, ..settings("LearningScheduler", &["1"]) }
}

fn learning(answer: &Answer, what: &str) -> Option<String> {
    answer.header(&format!("X-P2pfaas-Scheduler-Learning-{what}")).map(str::to_string)
}
