//! No co-operation: every job runs where it arrives (fact sheet 2.4).

use super::*;

/// Runs every job here. With `loss` it drops a job when no slot is free, whatever the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoScheduler {
    /// Drop instead of queueing.
    pub loss: bool,
}

impl Policy for NoScheduler {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Self::NAME, [self.loss.to_string().as_str()])
    }

    /// The reference shows no parameters here.
    fn full_name(&self) -> String {
        Self::NAME.to_string()
    }

    fn arrived(&mut self, situation: &Situation<'_>, _: &mut dyn Rng) -> Decision {
        if self.loss && situation.slots.free() == 0 { Decision::Drop } else { Decision::Local }
    }
}

impl PolicyKind for NoScheduler {
    const NAME: &str = "NoScheduler";
    const PARAMETERS: &[Parameter] =
        &[Parameter { name: "loss", default: "false", meaning: "drop when no slot is free, never queue" }];

    fn build(values: &mut Values) -> Result<Self, PolicyError> {
        Ok(NoScheduler { loss: values.bool("loss")? })
    }
}
