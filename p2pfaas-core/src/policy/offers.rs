//! Sends a job where it is worth most, by what nodes have learned of themselves (see [`crate::offers`]).

use rand::RngExt;

use super::descriptor::bad;
use super::power_of_n::probe;
use super::*;

/// Runs a job here while its own offer is worth enough; else asks random peers for theirs, and sends the job to whom it is
/// worth most. A job that takes more from later ones than it brings, wherever it ran, is rejected.
///
/// A peer that makes no offer (an old one, or one of another policy) counts as if it were a node like this one, at the load
/// that it tells.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferScheduler {
    /// F: peers to probe.
    pub fan_out: u32,
    /// Peers are probed only while the own offer is worth less.
    pub enough: f32,
}

impl OfferScheduler {
    fn best(situation: &Situation<'_>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        let own = situation.offer_here();
        let (mut best, mut equals, mut peer) = (own.map(|offer| offer.worth()), 0, None);
        for reply in replies {
            let as_here = || situation.offer_of_one_like_this(reply.load?, 2 * reply.round_trip);
            let Some(worth) = reply.offer.or_else(as_here).map(|offer| offer.worth()) else { continue };
            if best.is_none_or(|best| worth > best) {
                (best, equals, peer) = (Some(worth), 1, Some(reply.peer));
            } else if best == Some(worth) && peer.is_some() {
                equals += 1;
                if rng.random_range(0..equals) == 0 {
                    peer = Some(reply.peer);
                }
            }
        }
        match (best, peer) {
            (Some(worth), _) if worth <= 0.0 => Decision::Reject,
            (_, Some(peer)) => Decision::Forward(peer),
            (_, None) => Decision::Local,
        }
    }
}

impl Policy for OfferScheduler {
    fn descriptor(&self) -> Descriptor {
        let mut descriptor = Descriptor::new(Self::NAME, [self.fan_out.to_string().as_str()]);
        if self.enough != ENOUGH {
            descriptor.parameters.push(format!("enough={}", self.enough));
        }
        descriptor
    }

    fn arrived(&mut self, situation: &Situation<'_>, rng: &mut dyn Rng) -> Decision {
        let enough = || situation.offer_here().is_some_and(|offer| offer.worth() >= self.enough);
        if situation.job.hops > 0 || enough() {
            return Decision::Local;
        }
        match probe(situation, self.fan_out, rng) {
            Decision::Local => Self::best(situation, &[], rng),
            decision => decision,
        }
    }

    fn probed(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        Self::best(situation, replies, rng)
    }

    fn asks_for_offers(&self) -> bool {
        true
    }
}

const ENOUGH: f32 = 0.4;

impl PolicyKind for OfferScheduler {
    const NAME: &str = "OfferScheduler";
    const PARAMETERS: &[Parameter] =
        &[Parameter { name: "fan_out", default: "3", meaning: "F: random peers to ask for an offer" }];
    const OPTIONS: &[Parameter] = &[Parameter {
        name: "enough",
        default: "0.4",
        meaning: "peers are asked only while a job is worth less here: 1 is a job that is in time for sure and harms \
                  nobody",
    }];

    fn build(values: &mut Values) -> Result<Self, PolicyError> {
        let fan_out = values.u32("fan_out")?;
        let enough = match values.optional("enough") {
            None => ENOUGH,
            Some(text) => match text.parse() {
                Ok(enough) if f32::is_finite(enough) => enough,
                _ => return Err(bad("enough", "a number", &text)),
            },
        };
        Ok(OfferScheduler { fan_out, enough })
    }
}
