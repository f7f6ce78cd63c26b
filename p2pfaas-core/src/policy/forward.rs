//! Forwards without looking (fact sheet 2.4).

use super::*;

/// Sends every job to a random peer until it has made `max_hops` hops; runs it here when there is
/// no peer for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardScheduler {
    /// Forwards that a job may see.
    pub max_hops: u32,
}

impl Policy for ForwardScheduler {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Self::NAME, [self.max_hops.to_string().as_str()])
    }

    fn arrived(&mut self, situation: &Situation<'_>, rng: &mut dyn Rng) -> Decision {
        if situation.job.hops >= self.max_hops {
            return Decision::Local;
        }
        situation.peers.any(rng).map_or(Decision::Local, Decision::Forward)
    }
}

impl PolicyKind for ForwardScheduler {
    const NAME: &str = "ForwardScheduler";
    const PARAMETERS: &[Parameter] = &[MAX_HOPS];

    fn build(values: &mut Values) -> Result<Self, PolicyError> {
        Ok(ForwardScheduler { max_hops: values.u32("max_hops")? })
    }
}

pub(super) const MAX_HOPS: Parameter =
    Parameter { name: "max_hops", default: "1", meaning: "forwards that a job may see" };
