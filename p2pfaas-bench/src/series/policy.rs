//! The series of all runs of a policy.

use std::collections::BTreeMap;

use super::{FATES, NodeCounts, RunSeries, Timeline};

/// What is kept of each seed.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedSeries {
    /// The training, where there was one.
    pub training: Option<Timeline>,
    /// The run.
    pub run: Timeline,
}

/// The runs of one policy, put together as they end, in whatever order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PolicySeries {
    /// By the place of the seed.
    seeds: BTreeMap<usize, SeedSeries>,
    sums: Option<(NodeCounts, Vec<[u64; FATES.len()]>)>,
}

impl PolicySeries {
    /// Adds the run under the seed with this place in the list of seeds.
    pub fn add(&mut self, place: usize, run: RunSeries) {
        let RunSeries { training, run, nodes, types } = run;
        self.seeds.insert(place, SeedSeries { training, run });
        match &mut self.sums {
            None => self.sums = Some((nodes, types)),
            Some((all, kinds)) => {
                all.merge(&nodes);
                for (all, these) in kinds.iter_mut().flatten().zip(types.iter().flatten()) {
                    *all += these;
                }
            }
        }
    }

    /// Of each seed, in their order.
    pub fn seeds(&self) -> impl ExactSizeIterator<Item = &SeedSeries> {
        self.seeds.values()
    }

    /// Where jobs ran, over all seeds.
    pub fn nodes(&self) -> Option<&NodeCounts> {
        self.sums.as_ref().map(|(nodes, _)| nodes)
    }

    /// What became of the jobs of each task type, over all seeds.
    pub fn types(&self) -> &[[u64; FATES.len()]] {
        self.sums.as_ref().map_or(&[], |(_, types)| types)
    }

    /// Whether agents chose anything.
    pub fn has_decisions(&self) -> bool {
        let timelines = self.seeds().flat_map(|seed| seed.training.iter().chain([&seed.run]));
        timelines.flat_map(|timeline| &timeline.buckets).any(|bucket| bucket.decisions() > 0)
    }
}
