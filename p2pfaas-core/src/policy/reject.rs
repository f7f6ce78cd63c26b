//! Rejects every job (fact sheet 2.4). In the reference it exists by header only.

use super::*;

/// Rejects every job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectScheduler;

impl Policy for RejectScheduler {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Self::NAME, [])
    }

    fn arrived(&mut self, _: &Situation<'_>, _: &mut dyn Rng) -> Decision {
        Decision::Reject
    }
}

impl PolicyKind for RejectScheduler {
    const NAME: &str = "RejectScheduler";
    const PARAMETERS: &[Parameter] = &[];

    fn build(_: &mut Values) -> Result<Self, PolicyError> {
        Ok(RejectScheduler)
    }
}
