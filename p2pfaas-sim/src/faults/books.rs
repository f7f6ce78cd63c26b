//! What becomes of each job in the whole cluster.

use p2pfaas_core::Outcome;

use super::happening::Hub;
use super::invariants::{Checked, Invariant, holds};

/// A job, wherever it is and whatever id others leave to it.
pub(super) type Lineage = usize;

pub(super) type Stories = Vec<Story>;

/// One job's story.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// Nodes of ours at whose door it was.
    pub visits: Vec<usize>,
    /// An old peer had it, which tells nothing of the path.
    pub stripped: bool,
    /// Nobody honest has brought it.
    pub forged: bool,
    /// How often its function was begun.
    pub executions: u32,
    /// Its function has answered with success.
    pub succeeded: bool,
    /// Times that old peers sent it on.
    pub resent: u32,
    /// Copies that old peers made of it.
    pub copies: u32,
    /// It is owed an outcome: it came to a node of ours from its client.
    pub accepted: bool,
    /// The node of its client broke down.
    pub lost: bool,
    pub outcomes: Vec<Outcome>,
}

impl Hub {
    /// A function begins.
    pub fn begins(&mut self, lineage: Lineage) -> Checked {
        let story = &mut self.stories[lineage];
        story.executions += 1;
        self.lived.executed += 1;
        holds(story.executions <= 1 + story.copies, Invariant::ExecutedOnce, || {
            format!(
                "job {lineage} is begun {} times, old peers made {} copies",
                story.executions, story.copies
            )
        })
    }

    /// A job is at a node's door.
    pub fn visits(&mut self, lineage: Lineage, node: usize) -> Checked {
        let story = &mut self.stories[lineage];
        let again = story.visits.contains(&node);
        story.visits.push(node);
        let path = &story.visits;
        let strict = self.truthful && !story.stripped && !story.forged;
        holds(!again || !strict, Invariant::NoReturn, || format!("job {lineage} went to nodes {path:?}"))
    }

    /// A client hears what became of its job.
    pub fn heard(&mut self, lineage: Lineage, outcome: Outcome) -> Checked {
        let story = &mut self.stories[lineage];
        story.outcomes.push(outcome);
        let heard = &story.outcomes;
        holds(heard.len() == 1, Invariant::OneOutcome, || {
            format!("the client of job {lineage} heard {heard:?}")
        })?;
        self.lived.outcome(outcome);
        Ok(())
    }

    /// Nothing is on its way any more: every client has heard.
    pub fn all_heard(&self) -> Checked {
        self.stories.iter().enumerate().try_for_each(|(lineage, story)| {
            let owed = story.accepted && !story.lost;
            holds(!owed || story.outcomes.len() == 1, Invariant::OneOutcome, || {
                format!("the client of job {lineage} never heard of it")
            })
        })
    }
}
