//! Sheds load by deadline, around any policy.

use super::*;

/// The option of every policy that puts this around it.
pub(super) const SHED: Parameter = Parameter {
    name: "shed",
    default: WORDS[0],
    meaning: "late to drop a job at once that would be late: with the times of the jobs before it, where the \
              policy sends it, with its round trip and the load known there; an idle node runs any",
};
pub(super) const WORDS: [&str; 2] = ["none", "late"];

/// Drops a job that would miss its deadline where the policy within sends it (see [`Situation::expected_here`] and
/// [`Situation::expected_at`]). Nothing else is decided otherwise, and nothing of a job without a deadline.
///
/// An idle node runs a job as long as its deadline has not passed, whatever is expected: nobody waits for it, and a node that
/// ran nothing would never see that its jobs have become quicker.
pub(super) struct ShedLate {
    pub(super) policy: Box<dyn Policy>,
}

impl ShedLate {
    fn shed(situation: &Situation<'_>, decision: Decision) -> Decision {
        let Some(left) = situation.job.deadline_left else { return decision };
        let late = match &decision {
            Decision::Drop | Decision::Reject | Decision::Fail(_) => false,
            _ if left.is_zero() => true,
            Decision::Local => situation.slots.load() > 0 && situation.expected_here() > left,
            Decision::Forward(peer) => situation.expected_at(*peer) > left,
            Decision::WaitUntil(at) => at.since(situation.now) > left,
            // Nothing is known yet of where it will run.
            Decision::Probe(_) | Decision::Ask | Decision::Fallback => false,
        };
        if late { Decision::Drop } else { decision }
    }
}

impl Policy for ShedLate {
    fn descriptor(&self) -> Descriptor {
        let mut descriptor = self.policy.descriptor();
        descriptor.parameters.push(format!("{}={}", SHED.name, WORDS[1]));
        descriptor
    }

    fn full_name(&self) -> String {
        let name = self.policy.full_name();
        match name.strip_suffix(')') {
            Some(open) => format!("{open}, {}={})", SHED.name, WORDS[1]),
            None => format!("{name}({}={})", SHED.name, WORDS[1]),
        }
    }

    fn arrived(&mut self, situation: &Situation<'_>, rng: &mut dyn Rng) -> Decision {
        Self::shed(situation, self.policy.arrived(situation, rng))
    }

    fn probed(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        Self::shed(situation, self.policy.probed(situation, replies, rng))
    }

    fn waited(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        Self::shed(situation, self.policy.waited(situation, replies, rng))
    }

    fn observe(&self, situation: &Situation<'_>, observation: &mut Observation) {
        self.policy.observe(situation, observation);
    }

    fn state_space(&self, slots: &Slots) -> Option<StateSpace> {
        self.policy.state_space(slots)
    }

    fn acted(&mut self, situation: &Situation<'_>, choice: Option<Choice>, rng: &mut dyn Rng) -> Decision {
        Self::shed(situation, self.policy.acted(situation, choice, rng))
    }

    fn asks_for_offers(&self) -> bool {
        self.policy.asks_for_offers()
    }

    fn passes_on_foreign_jobs(&self) -> bool {
        self.policy.passes_on_foreign_jobs()
    }
}
