//! Asks an agent (fact sheet 2.4, LearningScheduler). The agent is outside; see [`crate::agent`].

use super::*;

/// Asks an agent about every job of a client. Jobs of peers run here.
///
/// State: `[type, running_0 .. running_n-1, queued_0 .. queued_n-1]` over the first `n` task types, or
/// what the option `state` names.
/// Actions: 0 reject; 1 run here; 2 probe one random peer and forward if it is less loaded;
/// 3 + i forward to the peer with number i. An agent that has no answer is passed over: the node's
/// fallback policy decides.
#[derive(Debug, Clone, PartialEq)]
pub struct LearningScheduler {
    /// n: task types in the state.
    pub task_types: u32,
    /// Option `fallback=none`: fail the job (402, 405) when the agent has no answer or names a peer
    /// that is not there, as in the reference.
    pub fallback: bool,
    /// Option `state=...`: what the learner sees.
    pub encoder: Encoder,
}

const FALLBACK: [&str; 2] = ["policy", "none"];

/// Actions that every node has, before those that name a peer.
pub struct FixedActions;

impl FixedActions {
    /// Reject the job.
    pub const REJECT: u32 = 0;
    /// Run it here.
    pub const LOCAL: u32 = 1;
    /// Probe one random peer.
    pub const PROBE: u32 = 2;
    /// Forward to the first peer; the others follow.
    pub const FIRST_PEER: u32 = 3;
}

impl LearningScheduler {
    /// Load of the task types that the state has.
    fn own_load(&self, slots: &Slots) -> u32 {
        slots.by_type().iter().take(self.task_types as usize).map(|count| count.running + count.queued).sum()
    }

    fn without_agent(&self, failure: Failure) -> Decision {
        if self.fallback { Decision::Fallback } else { Decision::Fail(failure) }
    }
}

impl Policy for LearningScheduler {
    fn descriptor(&self) -> Descriptor {
        let mut descriptor = Descriptor::new(Self::NAME, [self.task_types.to_string().as_str()]);
        if !self.fallback {
            descriptor.parameters.push(format!("fallback={}", FALLBACK[1]));
        }
        if self.encoder != Encoder::default() {
            descriptor.parameters.push(format!("state={}", self.encoder));
        }
        descriptor
    }

    fn arrived(&mut self, situation: &Situation<'_>, _: &mut dyn Rng) -> Decision {
        if situation.job.from_client { Decision::Ask } else { Decision::Local }
    }

    fn observe(&self, situation: &Situation<'_>, observation: &mut Observation) {
        self.encoder.encode(self.task_types, situation, &mut observation.state);
        observation.mask.resize(FixedActions::FIRST_PEER as usize + situation.peers.known(), false);
        observation.mask[FixedActions::REJECT as usize] = true;
        observation.mask[FixedActions::LOCAL as usize] = true;
        for peer in situation.peers.iter() {
            observation.mask[(FixedActions::FIRST_PEER + peer.0) as usize] = true;
            observation.mask[FixedActions::PROBE as usize] = true;
        }
    }

    fn state_space(&self, slots: &Slots) -> Option<StateSpace> {
        Some(self.encoder.space(self.task_types, slots.capacity()))
    }

    fn acted(&mut self, situation: &Situation<'_>, choice: Option<Choice>, rng: &mut dyn Rng) -> Decision {
        let Some(choice) = choice else { return self.without_agent(Failure::NoAction) };
        match choice.action {
            FixedActions::REJECT => Decision::Reject,
            FixedActions::LOCAL => Decision::Local,
            FixedActions::PROBE => super::power_of_n::probe(situation, 1, rng),
            forward => match PeerId(forward - FixedActions::FIRST_PEER) {
                peer if situation.peers.contains(peer) => Decision::Forward(peer),
                _ => self.without_agent(Failure::NoSuchPeer),
            },
        }
    }

    fn probed(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        let own = self.own_load(situation.slots);
        PeerRule::default().choose(own, replies, rng).map_or(Decision::Local, Decision::Forward)
    }
}

impl PolicyKind for LearningScheduler {
    const NAME: &str = "LearningScheduler";
    const PARAMETERS: &[Parameter] =
        &[Parameter { name: "task_types", default: "1", meaning: "task types in the state" }];
    const OPTIONS: &[Parameter] = &[
        Parameter {
            name: "state",
            default: "reference",
            meaning: "what the agent sees: a + between any of type, running, queued, load, free, room, \
                      time_left, rate, peer_loads:K, peer_ages:K, round_trips:K, each with /STEP if a table \
                      is to take steps of that size; reference is type+running+queued",
        },
        Parameter {
            name: "fallback",
            default: FALLBACK[0],
            meaning: "what follows when the agent gives no action: the fallback policy, or none to fail",
        },
    ];

    fn build(values: &mut Values) -> Result<Self, PolicyError> {
        let task_types = values.u32("task_types")?;
        if task_types > u32::from(crate::defaults::TASK_TYPES) {
            return Err(PolicyError::BadValue {
                parameter: "task_types".into(),
                expected: format!("at most {}", crate::defaults::TASK_TYPES),
                got: task_types.to_string(),
            });
        }
        Ok(LearningScheduler {
            task_types,
            fallback: values.one_of("fallback", &FALLBACK)? == FALLBACK[0],
            encoder: match values.optional("state") {
                None => Encoder::default(),
                Some(text) => text.parse()?,
            },
        })
    }
}
