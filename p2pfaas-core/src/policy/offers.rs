//! Sends a job where it is worth most, by what nodes have learned of themselves (see [`crate::offers`]).

use rand::RngExt;

use super::descriptor::bad;
use super::power_of_n::probe;
use super::*;

/// Runs a job here while its own offer is worth enough; else asks random peers for theirs, and sends the job to whom it is
/// worth most. A job that takes more from later ones than it brings, wherever it ran, is rejected, unless it has no deadline.
///
/// A peer that makes no offer (an old one, or one of another policy) counts as if it were a node like this one, at the load
/// that it tells.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferScheduler {
    /// F: peers to probe.
    pub fan_out: u32,
    /// Peers are probed only while the own offer is worth less.
    pub enough: f32,
    /// A job leaves only for an offer that is worth more than the own by this: it has a way to go.
    pub stay: f32,
    /// Offers that are worth less than the best by at most this are as good: one of them is drawn. Everybody sees the same best
    /// one, and those that come at once are in each other's way.
    pub near: f32,
}

impl OfferScheduler {
    fn best(&self, situation: &Situation<'_>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        let worth = |reply: &ProbeReply| {
            let as_here = || situation.offer_of_one_like_this(reply.load?, 2 * reply.round_trip);
            reply.offer.or_else(as_here).map(|offer| offer.worth())
        };
        let own = situation.offer_here().map(|offer| offer.worth());
        let Some(best) = replies.iter().filter_map(worth).chain(own).reduce(f32::max) else {
            return Decision::Local;
        };
        let has_deadline = situation.job.deadline_left.is_some();
        if best <= 0.0 && has_deadline {
            return Decision::Reject;
        }
        if own.is_some_and(|own| own == best || own > 0.0 && own >= best - self.stay) {
            return Decision::Local;
        }
        let good = |reply: &&ProbeReply| {
            worth(reply).is_some_and(|worth| worth == best || worth > 0.0 && worth >= best - self.near)
        };
        let count = replies.iter().filter(good).count();
        let drawn = if count > 1 { rng.random_range(0..count) } else { 0 };
        match replies.iter().filter(good).nth(drawn) {
            Some(reply) => Decision::Forward(reply.peer),
            None => Decision::Local,
        }
    }
}

impl Policy for OfferScheduler {
    fn descriptor(&self) -> Descriptor {
        let mut descriptor = Descriptor::new(Self::NAME, [self.fan_out.to_string().as_str()]);
        for (option, value) in [(&ENOUGH, self.enough), (&STAY, self.stay), (&NEAR, self.near)] {
            if option.default.parse() != Ok(value) {
                descriptor.parameters.push(format!("{}={value}", option.name));
            }
        }
        descriptor
    }

    fn arrived(&mut self, situation: &Situation<'_>, rng: &mut dyn Rng) -> Decision {
        let enough = || situation.offer_here().is_some_and(|offer| offer.worth() >= self.enough);
        if situation.job.hops > 0 || enough() {
            return Decision::Local;
        }
        match probe(situation, self.fan_out, rng) {
            Decision::Local => self.best(situation, &[], rng),
            decision => decision,
        }
    }

    fn probed(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        self.best(situation, replies, rng)
    }

    fn asks_for_offers(&self) -> bool {
        true
    }
}

const ENOUGH: Parameter = Parameter {
    name: "enough",
    default: "0.4",
    meaning: "peers are asked only while a job is worth less here: 1 is a job that is in time for sure and harms nobody",
};
const STAY: Parameter = Parameter {
    name: "stay",
    default: "0.03",
    meaning: "a job leaves only for an offer that is worth more than the own by this",
};
const NEAR: Parameter = Parameter {
    name: "near",
    default: "0.1",
    meaning: "one of the offers is drawn that are worth less than the best by at most this",
};

impl PolicyKind for OfferScheduler {
    const NAME: &str = "OfferScheduler";
    const PARAMETERS: &[Parameter] =
        &[Parameter { name: "fan_out", default: "5", meaning: "F: random peers to ask for an offer" }];
    const OPTIONS: &[Parameter] = &[ENOUGH, STAY, NEAR];

    fn build(values: &mut Values) -> Result<Self, PolicyError> {
        let fan_out = values.u32("fan_out")?;
        let mut number = |option: &Parameter| {
            let text = values.optional(option.name).unwrap_or_else(|| option.default.into());
            let number = text.parse().ok().filter(|number: &f32| number.is_finite());
            number.ok_or_else(|| bad(option.name, "a number", &text))
        };
        Ok(OfferScheduler { fan_out, enough: number(&ENOUGH)?, stay: number(&STAY)?, near: number(&NEAR)? })
    }
}
