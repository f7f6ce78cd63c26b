//! Bugs that can be planted between a node and the world, to see that they are found.

use std::str::FromStr;

use p2pfaas_core::{Effect, Event, Forward, ForwardAnswer};

use super::invariants::Invariant;
use super::life::Life;

/// A bug that a node or its driver might have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// A job that a peer had no room for is answered twice, if others wait in the queue.
    AnswersTwice,
    /// A job whose turn comes because there are more slots now is never run.
    ForgetsSlot,
    /// From the second hop on the path is not sent along.
    ForgetsPath,
    /// A job whose forward had no answer is run by the sender.
    RunsAgain,
    /// One wake-up of 37 never comes.
    LosesWake,
    /// An experience is handed over twice, if its job ended by a time-out.
    LearnsTwice,
    /// Of every fifth forward that had no answer nobody is told.
    SwallowsFailure,
}

impl Planted {
    /// All of them.
    pub const ALL: [Planted; 7] = [
        Planted::AnswersTwice,
        Planted::ForgetsSlot,
        Planted::ForgetsPath,
        Planted::RunsAgain,
        Planted::LosesWake,
        Planted::LearnsTwice,
        Planted::SwallowsFailure,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Planted::AnswersTwice => "answers-twice",
            Planted::ForgetsSlot => "forgets-slot",
            Planted::ForgetsPath => "forgets-path",
            Planted::RunsAgain => "runs-again",
            Planted::LosesWake => "loses-wake",
            Planted::LearnsTwice => "learns-twice",
            Planted::SwallowsFailure => "swallows-failure",
        }
    }

    /// The promise that it breaks.
    pub fn breaks(self) -> Invariant {
        match self {
            Planted::AnswersTwice => Invariant::OneAnswer,
            Planted::ForgetsSlot => Invariant::Slots,
            Planted::ForgetsPath => Invariant::NoReturn,
            Planted::RunsAgain => Invariant::ExecutedOnce,
            Planted::LosesWake => Invariant::Quiet,
            Planted::LearnsTwice => Invariant::Learning,
            Planted::SwallowsFailure => Invariant::Conservation,
        }
    }

    pub(super) fn spoil_effects(self, life: &Life, event: &Event, effects: &mut Vec<Effect>) {
        match self {
            Planted::AnswersTwice if life.node.slots().queued() > 0 => {
                let dropped_there = |effect: &&Effect| {
                    let Effect::Answer { outcome, forwarded_to, .. } = effect else { return false };
                    *outcome == p2pfaas_core::Outcome::Dropped && forwarded_to.is_some()
                };
                let again = effects.iter().find(dropped_there).cloned();
                effects.extend(again);
            }
            Planted::ForgetsSlot if matches!(event, Event::SetCapacity(_)) => {
                effects.retain(|effect| !matches!(effect, Effect::Execute { .. }));
            }
            Planted::LearnsTwice if *event == Event::Wake => {
                let again = effects.iter().find(|effect| matches!(effect, Effect::Learn { .. })).cloned();
                effects.splice(0..0, again);
            }
            Planted::SwallowsFailure
                if matches!(event, Event::Forwarded { answer: ForwardAnswer::NoAnswer, .. }) =>
            {
                let rare = life.seen.forwards_failed.is_multiple_of(5) && effects.len() == 1;
                effects.retain(|effect| !rare || !matches!(effect, Effect::Answer { .. }));
            }
            _ => {}
        }
    }

    pub(super) fn spoil_forward(self, forward: &mut Forward) {
        if self == Planted::ForgetsPath && forward.hops >= 2 {
            forward.visited.clear();
        }
    }

    pub(super) fn spoil_event(self, event: &mut Event) {
        if let (Planted::RunsAgain, Event::Forwarded { answer, .. }) = (self, event)
            && *answer == ForwardAnswer::NoAnswer
        {
            *answer = ForwardAnswer::NotTaken;
        }
    }

    pub(super) fn loses_wake(self, alarm: u64) -> bool {
        self == Planted::LosesWake && alarm % 37 == 36
    }
}

/// A name that no planted bug has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no bug is called {got:?}; known are {}", Planted::ALL.map(Planted::name).join(", "))]
pub struct UnknownBug {
    got: String,
}

impl FromStr for Planted {
    type Err = UnknownBug;

    fn from_str(text: &str) -> Result<Self, UnknownBug> {
        let found = Planted::ALL.into_iter().find(|bug| bug.name() == text);
        found.ok_or_else(|| UnknownBug { got: text.chars().take(40).collect() })
    }
}
