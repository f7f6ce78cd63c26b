//! Which policies the nodes have.

use std::collections::BTreeMap;
use std::str::FromStr;

use p2pfaas_core::policy::{Descriptor, PolicyError, Registry};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

/// The policy that is put to the test.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Suspect {
    /// All that are built in, mixed.
    #[default]
    Any,
    /// The one with this name: with drawn parameters if it is built in, else with its defaults.
    Named(String),
    /// The one of this descriptor.
    Exactly(Descriptor),
}

impl FromStr for Suspect {
    type Err = std::convert::Infallible;

    /// `NAME`, or `NAME PARAMETER...` as `p2pfaas-node --policy` has it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        let parameters: Vec<_> = words.collect();
        Ok(match (name, parameters.is_empty()) {
            ("", _) => Suspect::Any,
            (name, true) => Suspect::Named(name.into()),
            (name, false) => Suspect::Exactly(Descriptor::new(name, parameters)),
        })
    }
}

impl std::fmt::Display for Suspect {
    /// As it is read.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Suspect::Any => Ok(()),
            Suspect::Named(name) => f.write_str(name),
            Suspect::Exactly(Descriptor { name, parameters }) => {
                write!(f, "{name}")?;
                parameters.iter().try_for_each(|parameter| write!(f, " {parameter}"))
            }
        }
    }
}

const BUILT_IN: [&str; 7] = [
    "NoScheduler",
    "ForwardScheduler",
    "PowerOfNScheduler",
    "PowerOfNSchedulerTau",
    "RoundRobinWithMasterScheduler",
    "LearningScheduler",
    "OfferScheduler",
];

/// How often a node has the suspect.
const SUSPECT_SHARE: f64 = 0.8;

/// Draws policies.
#[derive(Debug)]
pub(super) struct Policies<'a> {
    pub registry: &'a Registry,
    pub suspect: Suspect,
}

impl<'a> Policies<'a> {
    /// # Errors
    /// The suspect cannot be built.
    pub fn new(registry: &'a Registry, suspect: Suspect) -> Result<Self, PolicyError> {
        let suspect = match suspect {
            Suspect::Named(name) if !BUILT_IN.contains(&name.as_str()) => {
                Suspect::Exactly(registry.build_typed(&name, &BTreeMap::new())?.descriptor())
            }
            other => other,
        };
        if let Suspect::Exactly(descriptor) = &suspect {
            registry.build(descriptor)?;
        }
        Ok(Policies { registry, suspect })
    }

    /// One for a node; `masters` are the names that a master may have.
    pub fn draw(&self, rng: &mut Xoshiro256PlusPlus, masters: &[String]) -> Descriptor {
        let suspected = rng.random_bool(SUSPECT_SHARE);
        match &self.suspect {
            Suspect::Exactly(descriptor) if suspected => descriptor.clone(),
            Suspect::Named(name) if suspected => built_in(name, rng, masters),
            _ => {
                let name = BUILT_IN.choose(rng).copied().unwrap_or(BUILT_IN[0]);
                built_in(name, rng, masters)
            }
        }
    }
}

fn built_in(name: &str, rng: &mut Xoshiro256PlusPlus, masters: &[String]) -> Descriptor {
    let mut one_of = |words: &[&str]| words.choose(rng).copied().unwrap_or_default().to_string();
    let parameters = match name {
        "NoScheduler" => vec![one_of(&["false", "true"])],
        "ForwardScheduler" => vec![one_of(&["1", "2", "3", "100", "4294967295"])],
        "PowerOfNScheduler" | "PowerOfNSchedulerTau" => {
            let mut parameters = vec![
                one_of(&["0", "1", "2", "3", "4294967295"]),
                one_of(&["0", "1", "2", "3"]),
                "true".into(),
                one_of(&["0", "1", "2", "100"]),
            ];
            if name == "PowerOfNSchedulerTau" {
                parameters.push(one_of(&["0s", "5ms", "40ms", "3s"]));
                parameters.push(one_of(&["own_load=running", "own_load=running-and-queued"]));
            }
            parameters.push(one_of(&["choice=least-loaded", "choice=random-among-not-more-loaded"]));
            parameters.push(one_of(&["failed_probe=no-answer", "failed_probe=zero"]));
            parameters
        }
        "RoundRobinWithMasterScheduler" => {
            let is_master = one_of(&["true", "false", "false"]);
            vec![is_master, masters.choose(rng).cloned().unwrap_or_default(), "true".into()]
        }
        "LearningScheduler" => {
            let mut parameters = vec![one_of(&["0", "1", "3"])];
            parameters.push(one_of(&["fallback=policy", "fallback=none"]));
            parameters.push(one_of(&[
                "state=reference",
                "state=load+rate+time_left/0.05+peer_loads:3+peer_ages:3+round_trips:3",
            ]));
            parameters
        }
        "OfferScheduler" => vec![one_of(&["0", "1", "3"]), one_of(&["enough=0.4", "enough=1", "enough=-1"])],
        _ => Vec::new(),
    };
    Descriptor { name: name.into(), parameters }
}
