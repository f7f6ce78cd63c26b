//! Policies of somebody's own: what a node keeps in order whatever they say, and what is found out about them.

use std::time::Duration;

use p2pfaas_core::agent::{Choice, Observation};
use p2pfaas_core::policy::*;
use p2pfaas_core::{Failure, PeerId, Time};
use p2pfaas_sim::faults::{Invariant, Suspect, Trial, Violation};
use rand::RngExt;

/// Says anything, at any time.
struct Wild;

impl Wild {
    fn anything(situation: &Situation<'_>, rng: &mut dyn Rng) -> Decision {
        match rng.random_range(0..14) {
            0..=2 => Decision::Local,
            3 => Decision::Drop,
            4 => Decision::Reject,
            5 | 6 => situation.peers.any(rng).map_or(Decision::Local, Decision::Forward),
            7 => Decision::Forward(PeerId(rng.random_range(0..12))),
            8 => Decision::Forward(PeerId(u32::MAX)),
            9 => Decision::Probe(situation.peers.sample(3, rng)),
            10 => Decision::WaitUntil(situation.now + Duration::from_micros(rng.random_range(0..9_000))),
            11 => Decision::WaitUntil(Time::ZERO),
            12 => Decision::Ask,
            _ if rng.random() => Decision::Fallback,
            _ => Decision::Fail(Failure::NoSuchPeer),
        }
    }
}

impl Policy for Wild {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Wild::NAME, [])
    }
    fn arrived(&mut self, situation: &Situation<'_>, rng: &mut dyn Rng) -> Decision {
        Wild::anything(situation, rng)
    }
    fn probed(&mut self, situation: &Situation<'_>, _: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        Wild::anything(situation, rng)
    }
    fn waited(&mut self, situation: &Situation<'_>, _: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        Wild::anything(situation, rng)
    }
    fn observe(&self, situation: &Situation<'_>, observation: &mut Observation) {
        observation.state.push(f64::from(situation.slots.load()));
    }
    fn acted(&mut self, situation: &Situation<'_>, _: Option<Choice>, rng: &mut dyn Rng) -> Decision {
        Wild::anything(situation, rng)
    }
    fn passes_on_foreign_jobs(&self) -> bool {
        true
    }
}

impl PolicyKind for Wild {
    const NAME: &str = "Wild";
    const PARAMETERS: &[Parameter] = &[];
    fn build(_: &mut Values) -> Result<Self, PolicyError> {
        Ok(Wild)
    }
}

#[test]
fn a_node_keeps_its_promises_whatever_its_policy_says() {
    for seed in 0..2_000 {
        trial_of::<Wild>(seed).unwrap_or_else(|violation| panic!("{violation}"));
    }
}

/// Has a flaw that shows only when something goes wrong.
struct Flawed<const FLAW: u8>;

const BELIEVES_IN_PEERS: u8 = 0;
const WAITS_FOR_EVER: u8 = 1;
const PROBES_THE_GONE: u8 = 2;

impl<const FLAW: u8> Policy for Flawed<FLAW> {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Self::NAME, [])
    }
    fn arrived(&mut self, situation: &Situation<'_>, rng: &mut dyn Rng) -> Decision {
        match FLAW {
            PROBES_THE_GONE if situation.slots.free() == 0 => {
                Decision::Probe([PeerId(0)].into_iter().collect())
            }
            _ => Decision::Probe(situation.peers.sample(1, rng)),
        }
    }
    fn probed(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], _: &mut dyn Rng) -> Decision {
        let told = replies.iter().any(|reply| reply.load.is_some());
        match FLAW {
            BELIEVES_IN_PEERS => {
                assert!(told, "a peer answers");
                Decision::Local
            }
            WAITS_FOR_EVER if !told => Decision::WaitUntil(situation.now + Duration::from_millis(1)),
            _ => Decision::Local,
        }
    }
    fn waited(&mut self, situation: &Situation<'_>, replies: &[ProbeReply], rng: &mut dyn Rng) -> Decision {
        self.probed(situation, replies, rng)
    }
}

impl<const FLAW: u8> PolicyKind for Flawed<FLAW> {
    const NAME: &str = "Flawed";
    const PARAMETERS: &[Parameter] = &[];
    fn build(_: &mut Values) -> Result<Self, PolicyError> {
        Ok(Flawed)
    }
}

fn trial_of<K: PolicyKind>(seed: u64) -> Result<(), Box<Violation>> {
    let mut registry = Registry::builtin();
    registry.register::<K>();
    let trial = Trial::new(&registry, Suspect::Named(K::NAME.into())).expect("it is registered");
    trial.run(seed).map(drop)
}

fn found_out<K: PolicyKind>() -> Invariant {
    (0..200).find_map(|seed| trial_of::<K>(seed).err()).expect("it is found out").invariant
}

#[test]
fn flaws_of_a_policy_that_show_only_under_faults_are_found_out() {
    assert_eq!(found_out::<Flawed<BELIEVES_IN_PEERS>>(), Invariant::NoPanic);
    assert_eq!(found_out::<Flawed<WAITS_FOR_EVER>>(), Invariant::Quiet);
    assert_eq!(found_out::<Flawed<PROBES_THE_GONE>>(), Invariant::Targets);
}
