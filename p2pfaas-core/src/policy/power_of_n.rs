//! Power of random choices with a threshold: LL(F, T) of Beraldi and Proietti Mattia
//! ("Power of random choices made efficient for fog computing", IEEE TCC 2020; fact sheet 2.3, 2.4).

use super::forward::MAX_HOPS;
use super::*;

/// Runs a job here while the load is below `threshold`; else probes `fan_out` random peers and
/// sends the job to the least loaded of them if it is less loaded than this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerOfNScheduler {
    /// F: peers to probe.
    pub fan_out: u32,
    /// T: own load from which on peers are probed.
    pub threshold: u32,
    /// Accepted and echoed; it has no effect, as in the reference.
    pub loss: bool,
    /// Forwards that a job may see.
    pub max_hops: u32,
    /// How a peer is chosen from the answers.
    pub rule: PeerRule,
}

impl Policy for PowerOfNScheduler {
    fn descriptor(&self) -> Descriptor {
        let mut descriptor = Descriptor::new(Self::NAME, []);
        descriptor.parameters.extend([
            self.fan_out.to_string(),
            self.threshold.to_string(),
            self.loss.to_string(),
            self.max_hops.to_string(),
        ]);
        descriptor.parameters.extend(self.rule.options());
        descriptor
    }

    fn arrived(&mut self, situation: &Situation<'_>, rng: &mut dyn Rng) -> Decision {
        if situation.slots.load() < self.threshold || situation.job.hops >= self.max_hops {
            return Decision::Local;
        }
        probe(situation, self.fan_out, rng)
    }

    fn probed(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        self.rule.choose(situation.slots.load(), replies, rng).map_or(Decision::Local, Decision::Forward)
    }
}

impl PolicyKind for PowerOfNScheduler {
    const NAME: &str = "PowerOfNScheduler";
    const PARAMETERS: &[Parameter] = &[FAN_OUT, THRESHOLD, LOSS, MAX_HOPS];
    const OPTIONS: &[Parameter] = &PeerRule::OPTIONS;

    fn build(values: &mut Values) -> Result<Self, PolicyError> {
        Ok(PowerOfNScheduler {
            fan_out: values.u32("fan_out")?,
            threshold: values.u32("threshold")?,
            loss: values.bool("loss")?,
            max_hops: values.u32("max_hops")?,
            rule: PeerRule::build(values)?,
        })
    }
}

pub(super) const FAN_OUT: Parameter =
    Parameter { name: "fan_out", default: "1", meaning: "F: random peers to probe" };
pub(super) const THRESHOLD: Parameter =
    Parameter { name: "threshold", default: "2", meaning: "T: own load from which on peers are probed" };
pub(super) const LOSS: Parameter =
    Parameter { name: "loss", default: "true", meaning: "accepted, no effect (as in the reference)" };

pub(super) fn probe(situation: &Situation<'_>, fan_out: u32, rng: &mut dyn Rng) -> Decision {
    let peers = situation.peers.sample(fan_out, rng);
    if peers.is_empty() { Decision::Local } else { Decision::Probe(peers) }
}

/// How a peer is chosen from the answers to probes. The default is the right one; the other
/// values reproduce the reference (fact sheet 2.3) where an experiment needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeerRule {
    /// Option `choice=random-among-not-more-loaded`: any probed peer whose load is at most the own
    /// one, instead of the least loaded.
    pub random_among_not_more_loaded: bool,
    /// Option `failed_probe=zero`: a failed probe counts as load 0, instead of as no answer.
    pub failed_probe_is_zero: bool,
}

impl PeerRule {
    const CHOICE: [&str; 2] = ["least-loaded", "random-among-not-more-loaded"];
    const FAILED_PROBE: [&str; 2] = ["no-answer", "zero"];

    /// How it is chosen among peers, as options.
    pub(super) const OPTIONS: [Parameter; 2] = [
        Parameter {
            name: "choice",
            default: Self::CHOICE[0],
            meaning: "which of the probed peers; random-among-not-more-loaded is the old rule",
        },
        Parameter {
            name: "failed_probe",
            default: Self::FAILED_PROBE[0],
            meaning: "what a failed probe counts as; zero is the old rule",
        },
    ];

    pub(super) fn build(values: &mut Values) -> Result<Self, PolicyError> {
        Ok(PeerRule {
            random_among_not_more_loaded: values.one_of("choice", &Self::CHOICE)? == Self::CHOICE[1],
            failed_probe_is_zero: values.one_of("failed_probe", &Self::FAILED_PROBE)?
                == Self::FAILED_PROBE[1],
        })
    }

    pub(super) fn options(self) -> impl Iterator<Item = String> {
        let choice = self.random_among_not_more_loaded.then(|| format!("choice={}", Self::CHOICE[1]));
        let failed = self.failed_probe_is_zero.then(|| format!("failed_probe={}", Self::FAILED_PROBE[1]));
        choice.into_iter().chain(failed)
    }

    /// The peer to which a job goes from a node with load `own`; `None` when nobody is less loaded.
    pub(super) fn choose(self, own: u32, replies: &[ProbeReply], rng: &mut dyn Rng) -> Option<PeerId> {
        if replies.iter().all(|reply| reply.load.is_none()) {
            return None;
        }
        let load = |reply: &ProbeReply| match reply.load {
            Some(load) => Some(load.total()),
            None => self.failed_probe_is_zero.then_some(0),
        };
        let least = replies.iter().filter_map(load).min().filter(|least| *least < own)?;
        let bound = if self.random_among_not_more_loaded { own } else { least };
        pick(replies.iter().filter(|reply| load(reply).is_some_and(|load| load <= bound)), rng)
    }
}

/// One of a few, each equally likely.
fn pick<'a>(candidates: impl Iterator<Item = &'a ProbeReply> + Clone, rng: &mut dyn Rng) -> Option<PeerId> {
    use rand::RngExt;
    let count = candidates.clone().count();
    let index = if count > 1 { rng.random_range(0..count) } else { 0 };
    candidates.map(|reply| reply.peer).nth(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    fn replies(loads: &[Option<u32>]) -> Vec<ProbeReply> {
        let reply = |(index, load): (usize, &Option<u32>)| ProbeReply {
            peer: PeerId(index as u32),
            load: load.map(|running| PeerLoad { running, queued: 0, slots: 4 }),
            offer: None,
            answered: true,
            round_trip: Duration::ZERO,
        };
        loads.iter().enumerate().map(reply).collect()
    }

    fn shares(rule: PeerRule, own: u32, loads: &[Option<u32>]) -> Vec<u32> {
        let replies = replies(loads);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut counts = vec![0; loads.len() + 1];
        for _ in 0..3_000 {
            let chosen = rule.choose(own, &replies, &mut rng);
            counts[chosen.map_or(loads.len(), |peer| peer.0 as usize)] += 1;
        }
        counts
    }

    #[test]
    fn the_least_loaded_wins_and_ties_are_broken_at_random() {
        let rule = PeerRule::default();
        assert_eq!(shares(rule, 3, &[Some(2), Some(1), Some(3)]), [0, 3_000, 0, 0]);
        let tied = shares(rule, 3, &[Some(1), Some(1), Some(2)]);
        assert!(tied[0].abs_diff(1_500) < 150 && tied[0] + tied[1] == 3_000, "{tied:?}");
    }

    #[test]
    fn nobody_is_chosen_who_is_not_less_loaded() {
        assert_eq!(shares(PeerRule::default(), 2, &[Some(2), Some(5)]), [0, 0, 3_000]);
        assert_eq!(shares(PeerRule::default(), 0, &[Some(0)]), [0, 3_000]);
    }

    #[test]
    fn a_failed_probe_is_no_answer_unless_the_reference_is_reproduced() {
        assert_eq!(shares(PeerRule::default(), 3, &[None, Some(2)]), [0, 3_000, 0]);
        let zero = PeerRule { failed_probe_is_zero: true, ..PeerRule::default() };
        assert_eq!(shares(zero, 3, &[None, Some(2)]), [3_000, 0, 0]);
        assert_eq!(shares(zero, 3, &[None, None]), [0, 0, 3_000]);
    }

    #[test]
    fn the_reference_rule_draws_among_all_that_are_not_more_loaded() {
        let rule = PeerRule { random_among_not_more_loaded: true, ..PeerRule::default() };
        let counts = shares(rule, 2, &[Some(1), Some(2), Some(3)]);
        assert!(counts[0].abs_diff(1_500) < 150 && counts[0] + counts[1] == 3_000, "{counts:?}");
        assert_eq!(shares(rule, 2, &[Some(2), Some(2)]), [0, 0, 3_000]);
    }
}
