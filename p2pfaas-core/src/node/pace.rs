//! How long jobs take here, and so when one that comes now would be finished.

use smallvec::SmallVec;

use crate::defaults::EXECUTION_WEIGHT;
use crate::job::FunctionId;
use crate::peers::PeerLoad;

/// Kinds of jobs whose times are kept apart; one more has the mean of all.
const MAX_KINDS: usize = 64;

/// Means of the execution times seen, in seconds: of all jobs, and of each function and task type. The newest weighs
/// [`EXECUTION_WEIGHT`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Pace {
    mean_s: Option<f64>,
    // Mostly one or two, which then need no memory of their own.
    kinds: SmallVec<[Kind; 2]>,
}

#[derive(Debug, Clone, Copy)]
struct Kind {
    function: FunctionId,
    task_type: u16,
    mean_s: f64,
}

impl Pace {
    pub(crate) fn executed(&mut self, function: FunctionId, task_type: u16, seconds: f64) {
        let towards = |mean_s: f64| mean_s + EXECUTION_WEIGHT * (seconds - mean_s);
        self.mean_s = Some(self.mean_s.map_or(seconds, towards));
        let is_own = |kind: &&mut Kind| kind.function == function && kind.task_type == task_type;
        if let Some(kind) = self.kinds.iter_mut().find(is_own) {
            kind.mean_s = towards(kind.mean_s);
        } else if self.kinds.len() < MAX_KINDS {
            self.kinds.push(Kind { function, task_type, mean_s: seconds });
        }
    }

    /// Until a job of this kind has run; the mean of all where none has been seen, and zero before the first.
    pub(crate) fn execution_s(&self, function: FunctionId, task_type: u16) -> f64 {
        let own = self.kinds.iter().find(|kind| kind.function == function && kind.task_type == task_type);
        own.map(|kind| kind.mean_s).or(self.mean_s).unwrap_or(0.0)
    }

    /// Until a job that comes to this load gets a slot, if jobs there take as long as here: those in front of it end one after
    /// another, `slots` in a mean time. Zero where it is not known how many slots there are.
    pub(crate) fn wait_s(&self, load: PeerLoad) -> f64 {
        if load.running < load.slots || load.slots == 0 {
            return 0.0;
        }
        self.mean_s.unwrap_or(0.0) * (1.0 + f64::from(load.queued)) / f64::from(load.slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_time_and_an_unknown_one_that_of_all() {
        let mut pace = Pace::default();
        let (call, other) = (FunctionId(0), FunctionId(1));
        assert_eq!(pace.execution_s(call, 0), 0.0);
        pace.executed(call, 0, 1.0);
        pace.executed(call, 1, 2.0);
        pace.executed(call, 0, 2.0);
        assert!((pace.execution_s(call, 0) - 1.1).abs() < 1e-12);
        assert_eq!(pace.execution_s(call, 1), 2.0);
        assert!((pace.execution_s(other, 0) - 1.19).abs() < 1e-12, "1, then 1.1, then 1.19");
    }

    #[test]
    fn kinds_beyond_the_bound_have_the_time_of_all() {
        let mut pace = Pace::default();
        for function in 0..=MAX_KINDS as u32 {
            pace.executed(FunctionId(function), 0, f64::from(function));
        }
        assert_eq!(pace.execution_s(FunctionId(MAX_KINDS as u32 - 1), 0), MAX_KINDS as f64 - 1.0);
        assert_eq!(Some(pace.execution_s(FunctionId(MAX_KINDS as u32), 0)), pace.mean_s);
    }

    #[test]
    fn a_job_waits_for_those_in_front_of_it_slot_by_slot() {
        let mut pace = Pace::default();
        pace.executed(FunctionId(0), 0, 0.3);
        let wait = |running, queued, slots| pace.wait_s(PeerLoad { running, queued, slots });
        assert_eq!(wait(1, 0, 2), 0.0, "a slot is free");
        assert_eq!(wait(2, 0, 2), 0.15);
        assert_eq!(wait(2, 3, 2), 0.6);
        assert_eq!(wait(9, 9, 0), 0.0, "nothing is known of its slots");
    }
}
