//! Learning from records: what others did and what came of it.
//!
//! A [`Dataset`] holds recorded choices as ordered streams, one for each agent that made them. [`train`]
//! takes a [`Learner`](crate::Learner) through it several times; an [`Evaluator`] estimates from a record
//! that it did not see how well it would do:
//!
//! | estimate | what it is | weak where |
//! |---|---|---|
//! | [`importance`](Evaluation::importance) | recorded rewards, weighted by how much more often the judged policy does the same | the two differ much: it scatters |
//! | [`weighted`](Evaluation::weighted) | the same, divided by the sum of the weights | few entries: it leans to the recorded mean |
//! | [`doubly_robust`](Evaluation::doubly_robust) | a model of the reward, corrected by the weighted errors of the model | probabilities *and* model are wrong |
//!
//! All three take each job as a decision of its own (a contextual bandit): the states are those that the
//! record met, and that other choices would have led to other states is *not* corrected. A policy that
//! keeps queues shorter is therefore judged on the queues of the one that was recorded.

mod behaviour;
mod evaluate;
mod interval;
mod record;
mod reward_model;
mod support;
mod td_error;
#[cfg(test)]
mod testing;
mod train;

pub use behaviour::{Behaviour, LEAST_ENTRIES, Source};
pub use evaluate::{
    ActionShare, Estimate, Evaluation, Evaluator, FEW_EFFECTIVE, FEW_EFFECTIVE_SHARE, Judged, Sources,
    agent_policy,
};
pub use record::{Dataset, MAX_ENTRIES, OfflineError, Recorded, Stream};
pub use train::{
    CurveRow, Happened, TrainOptions, Trained, is_off_policy, off_policy_rules, refuse_on_policy,
    target_epsilon, train,
};
