//! Sends a job where it is worth most, by what nodes have learned of themselves (see [`crate::offers`]).

use rand::RngExt;

use super::power_of_n::{FAN_OUT, probe};
use super::*;

/// Asks random peers for offers, and sends the job to the node whose offer is worth most; rejects a job that takes more from
/// later ones than it brings, wherever it ran.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferScheduler {
    /// F: peers to probe.
    pub fan_out: u32,
    /// Peers are probed while the own offer is worth less.
    pub enough: f64,
    /// By how much a peer's offer must be worth more than the own.
    pub margin: f64,
}

impl OfferScheduler {
    fn best(&self, own: Option<Offer>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        let mut best = own.map_or(f32::NEG_INFINITY, |offer| offer.worth() + self.margin as f32);
        let (mut equals, mut peer) = (0, None);
        let mut any = own.is_some();
        for reply in replies {
            let Some(offer) = reply.offer else { continue };
            any = true;
            let worth = offer.worth();
            if worth > best || worth == best && peer.is_some() {
                equals = if worth > best { 1 } else { equals + 1 };
                best = worth;
                if equals == 1 || rng.random_range(0..equals) == 0 {
                    peer = Some(reply.peer);
                }
            }
        }
        match peer {
            _ if any && best <= crate::offers::knob("FLOOR", 0.0) as f32 => Decision::Reject,
            Some(peer) => Decision::Forward(peer),
            None => Decision::Local,
        }
    }
}

impl Policy for OfferScheduler {
    fn descriptor(&self) -> Descriptor {
        let mut descriptor = Descriptor::new(Self::NAME, [self.fan_out.to_string().as_str()]);
        descriptor.parameters.push(format!("enough={}", self.enough));
        descriptor.parameters.push(format!("margin={}", self.margin));
        descriptor
    }

    fn asks_for_offers(&self) -> bool {
        true
    }

    fn arrived(&mut self, situation: &Situation<'_>, rng: &mut dyn Rng) -> Decision {
        if situation.job.hops > 0 {
            return Decision::Local;
        }
        match situation.offer_here() {
            Some(own) if f64::from(own.worth()) >= self.enough => Decision::Local,
            own => match probe(situation, self.fan_out, rng) {
                Decision::Local => self.best(own, &[], rng),
                decision => decision,
            },
        }
    }

    fn probed(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        self.best(situation.offer_here(), replies, rng)
    }
}

impl PolicyKind for OfferScheduler {
    const NAME: &str = "OfferScheduler";
    const PARAMETERS: &[Parameter] = &[FAN_OUT];
    const OPTIONS: &[Parameter] = &[
        Parameter { name: "enough", default: "1", meaning: "peers are probed while the own offer is worth less" },
        Parameter { name: "margin", default: "0", meaning: "by how much a peer's offer must be worth more" },
    ];

    fn build(values: &mut Values) -> Result<Self, PolicyError> {
        let number = |values: &mut Values, name: &'static str, default: f64| {
            values.optional(name).map_or(default, |text| text.parse().unwrap_or(default))
        };
        Ok(OfferScheduler {
            fan_out: values.u32("fan_out")?,
            enough: number(values, "enough", 1.0),
            margin: number(values, "margin", 0.0),
        })
    }
}
