//! PowerOfN on old information: the study of schedule lag (Beraldi et al., "On the impact of
//! stale information", Computer Networks 210, 2022; fact sheet 2.4).

use super::forward::MAX_HOPS;
use super::power_of_n::{FAN_OUT, LOSS, THRESHOLD, probe};
use super::*;
use crate::wire::go;

/// As [`PowerOfNScheduler`], but it acts only when `tau` has passed since the probes were sent, on
/// what they said then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerOfNSchedulerTau {
    /// F: peers to probe.
    pub fan_out: u32,
    /// T: own load from which on peers are probed.
    pub threshold: u32,
    /// Accepted and echoed; it has no effect, as in the reference.
    pub loss: bool,
    /// Forwards that a job may see.
    pub max_hops: u32,
    /// Age of the information when it is acted upon.
    pub tau: Duration,
    /// Option `own_load=running`: the own queue is not counted, as in the reference.
    pub own_load_is_running: bool,
    /// How a peer is chosen from the answers.
    pub rule: PeerRule,
}

const OWN_LOAD: [&str; 2] = ["running-and-queued", "running"];

impl PowerOfNSchedulerTau {
    fn own_load(&self, slots: &Slots) -> u32 {
        if self.own_load_is_running { slots.running() } else { slots.load() }
    }
}

impl Policy for PowerOfNSchedulerTau {
    fn descriptor(&self) -> Descriptor {
        let mut descriptor = Descriptor::new(Self::NAME, []);
        descriptor.parameters.extend([
            self.fan_out.to_string(),
            self.threshold.to_string(),
            self.loss.to_string(),
            self.max_hops.to_string(),
            go::format_duration_ms(self.tau),
        ]);
        if self.own_load_is_running {
            descriptor.parameters.push(format!("own_load={}", OWN_LOAD[1]));
        }
        descriptor.parameters.extend(self.rule.options());
        descriptor
    }

    fn arrived(&mut self, situation: &Situation<'_>, rng: &mut dyn Rng) -> Decision {
        if self.own_load(situation.slots) < self.threshold || situation.job.hops >= self.max_hops {
            return Decision::Local;
        }
        probe(situation, self.fan_out, rng)
    }

    fn probed(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        let ripe = situation.job.probing_started.unwrap_or(situation.now) + self.tau;
        if situation.now < ripe {
            return Decision::WaitUntil(ripe);
        }
        self.waited(situation, replies, rng)
    }

    fn waited(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        let own = self.own_load(situation.slots);
        self.rule.choose(own, replies, rng).map_or(Decision::Local, Decision::Forward)
    }
}

impl PolicyKind for PowerOfNSchedulerTau {
    const NAME: &str = "PowerOfNSchedulerTau";
    const PARAMETERS: &[Parameter] = &[
        FAN_OUT,
        THRESHOLD,
        LOSS,
        MAX_HOPS,
        Parameter { name: "tau", default: "0s", meaning: "age of the loads when they are acted upon" },
    ];
    const OPTIONS: &[Parameter] = &[
        PeerRule::OPTIONS[0],
        PeerRule::OPTIONS[1],
        Parameter {
            name: "own_load",
            default: OWN_LOAD[0],
            meaning: "what counts as own load; running is the old rule",
        },
    ];

    fn build(values: &mut Values) -> Result<Self, PolicyError> {
        Ok(PowerOfNSchedulerTau {
            fan_out: values.u32("fan_out")?,
            threshold: values.u32("threshold")?,
            loss: values.bool("loss")?,
            max_hops: values.u32("max_hops")?,
            tau: values.duration("tau")?,
            own_load_is_running: values.one_of("own_load", &OWN_LOAD)? == OWN_LOAD[1],
            rule: PeerRule::build(values)?,
        })
    }
}
