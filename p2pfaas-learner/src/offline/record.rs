//! Recorded choices in ordered streams.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::config::{ConfigError, RuleKind};
use crate::entry::Entry;
use crate::learner::MAX_ACTIONS;

use super::off_policy_rules;

/// Entries of a dataset at most; one takes about 200 bytes.
pub const MAX_ENTRIES: usize = 4_000_000;

/// A state as an exact key.
pub(super) type StateKey = SmallVec<[u64; 8]>;

/// The key of a state; both zeros are the same number.
pub(super) fn state_key(state: &[f64]) -> StateKey {
    state.iter().map(|number| (number + 0.0).to_bits()).collect()
}

/// One choice of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Who made it: choices with the same name are one stream (policy, seed and node).
    pub stream: Arc<str>,
    /// What was seen, chosen and gained. Its number gives the order within the stream; numbers that
    /// follow each other are choices that followed each other.
    pub entry: Entry,
    /// ε, or the temperature, of who made it, where the record tells.
    pub epsilon: Option<f64>,
    /// Whether it is known that who made it took a random action with probability ε, and else the best one.
    pub epsilon_greedy: bool,
    /// The probability with which it was made, where the record tells.
    pub probability: Option<f64>,
}

/// The choices of one agent, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// Who made them.
    pub name: Arc<str>,
    /// The choices, in the order of their numbers.
    pub entries: Vec<Recorded>,
}

impl Stream {
    /// Unbroken runs: choices whose numbers follow each other.
    pub fn segments(&self) -> impl Iterator<Item = &[Recorded]> {
        self.entries.chunk_by(|one, next| one.entry.eid.checked_add(1) == Some(next.entry.eid))
    }
}

/// A record: streams of choices.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dataset {
    streams: Vec<Stream>,
}

/// A record that cannot be used, or not so.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum OfflineError {
    /// It has no entry, or none with a reward.
    #[error("there is no choice with a known reward in it")]
    Empty,
    /// It is larger than memory is granted for.
    #[error("more than {MAX_ENTRIES} entries; use fewer files, or a part of them")]
    TooMany,
    /// An entry that cannot be.
    #[error("stream {stream}, entry {eid}: {what}")]
    BadEntry {
        /// Its stream.
        stream: Arc<str>,
        /// Its number.
        eid: u64,
        /// What is wrong.
        what: String,
    },
    /// Two choices under one number.
    #[error(
        "stream {stream} has two different entries with number {eid}; if these are two runs, give them \
         different stream names"
    )]
    Repeated {
        /// The stream.
        stream: Arc<str>,
        /// The number.
        eid: u64,
    },
    /// Not a part of something.
    #[error("the held-out part must be at least 0 and below 1; found {0}")]
    HeldOut(f64),
    /// A rule that cannot learn from others.
    #[error(
        "rule {:?} follows the actions that were recorded, so it would learn what the recorded behaviour is \
         worth, not what the trained agent would be. Rules that learn from anybody's record: {}",
        .rule.name(),
        off_policy_rules().map(|rule| format!("{:?}", rule.name())).collect::<Vec<_>>().join(", ")
    )]
    OnPolicy {
        /// The rule.
        rule: RuleKind,
    },
    /// Parameters that cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Dataset {
    /// Sorts choices into streams. One that is there twice, the same in everything, is taken once.
    ///
    /// # Errors
    /// Numbers that are not finite, probabilities beyond 0 and 1, states of different lengths, an action
    /// beyond [`MAX_ACTIONS`], different choices under one number, or too many of them.
    pub fn new(choices: impl IntoIterator<Item = Recorded>) -> Result<Dataset, OfflineError> {
        let mut streams: BTreeMap<Arc<str>, Vec<Recorded>> = BTreeMap::new();
        let mut length = None;
        for (count, choice) in choices.into_iter().enumerate() {
            if count == MAX_ENTRIES {
                return Err(OfflineError::TooMany);
            }
            check(&choice, *length.get_or_insert(choice.entry.state.len()))?;
            streams.entry(choice.stream.clone()).or_default().push(choice);
        }
        let in_order = |(name, mut entries): (Arc<str>, Vec<Recorded>)| {
            entries.sort_by_key(|choice| choice.entry.eid);
            entries.dedup();
            let twice = entries.windows(2).find(|pair| pair[0].entry.eid == pair[1].entry.eid);
            match twice {
                Some(pair) => Err(OfflineError::Repeated { stream: name, eid: pair[0].entry.eid }),
                None => Ok(Stream { name, entries }),
            }
        };
        Ok(Dataset { streams: streams.into_iter().map(in_order).collect::<Result<_, _>>()? })
    }

    /// The streams, by name.
    pub fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// All choices, stream by stream.
    pub fn entries(&self) -> impl Iterator<Item = &Recorded> {
        self.streams.iter().flat_map(|stream| &stream.entries)
    }

    /// Choices in all.
    pub fn len(&self) -> usize {
        self.streams.iter().map(|stream| stream.entries.len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.streams.iter().all(|stream| stream.entries.is_empty())
    }

    /// Actions that an agent needs to know to have made them all: the largest one and those below.
    pub fn actions(&self) -> usize {
        self.entries().map(|choice| choice.entry.action as usize + 1).max().unwrap_or(0)
    }

    /// Numbers of a state.
    pub fn state_len(&self) -> usize {
        self.entries().next().map_or(0, |choice| choice.entry.state.len())
    }

    /// The smallest and the largest value of each number of a state.
    pub fn bounds(&self) -> Vec<[f64; 2]> {
        let mut bounds = vec![[f64::INFINITY, f64::NEG_INFINITY]; self.state_len()];
        for choice in self.entries() {
            for ([low, high], number) in bounds.iter_mut().zip(&choice.entry.state) {
                (*low, *high) = (low.min(*number), high.max(*number));
            }
        }
        bounds
    }

    /// Two records: to train with, and held out. Held out is the last part of each stream, rounded down:
    /// an agent is judged by what came after what it was trained with.
    ///
    /// # Errors
    /// `held_out` is not in [0, 1).
    pub fn split(self, held_out: f64) -> Result<(Dataset, Dataset), OfflineError> {
        if !(0.0..1.0).contains(&held_out) {
            return Err(OfflineError::HeldOut(held_out));
        }
        let (mut training, mut rest) = (Vec::new(), Vec::new());
        for mut stream in self.streams {
            let held = (stream.entries.len() as f64 * held_out) as usize;
            let entries = stream.entries.split_off(stream.entries.len() - held);
            if !entries.is_empty() {
                rest.push(Stream { name: stream.name.clone(), entries });
            }
            training.push(stream);
        }
        Ok((Dataset { streams: training }, Dataset { streams: rest }))
    }
}

fn check(choice: &Recorded, length: usize) -> Result<(), OfflineError> {
    let Recorded { stream, entry, epsilon, probability, .. } = choice;
    let bad = |what: String| Err(OfflineError::BadEntry { stream: stream.clone(), eid: entry.eid, what });
    if entry.state.len() != length {
        return bad(format!(
            "its state has {} numbers and that of the first entry {length}; records of different policies \
             cannot be mixed",
            entry.state.len()
        ));
    }
    if entry.action as usize >= MAX_ACTIONS {
        return bad(format!("action {} is beyond the largest, {}", entry.action, MAX_ACTIONS - 1));
    }
    if entry.state.iter().any(|number| !number.is_finite()) || entry.reward.is_some_and(|r| !r.is_finite()) {
        return bad("its state or reward is not a finite number".into());
    }
    if epsilon.is_some_and(|epsilon| !epsilon.is_finite() || epsilon < 0.0) {
        return bad("its epsilon is not a finite number of at least 0".into());
    }
    match probability {
        Some(probability) if !(*probability > 0.0 && *probability <= 1.0) => {
            bad(format!("probability {probability} is not in (0, 1]"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offline::testing::choice;

    #[test]
    fn streams_are_put_in_order_and_broken_where_numbers_are_missing() {
        let choices = [("b", 2), ("a", 9), ("b", 1), ("b", 4), ("b", 4)];
        let dataset = Dataset::new(choices.map(|(stream, eid)| choice(stream, eid, &[1.0], 0, 1.0))).unwrap();
        let segments: Vec<Vec<u64>> = dataset
            .streams()
            .iter()
            .flat_map(Stream::segments)
            .map(|segment| segment.iter().map(|choice| choice.entry.eid).collect())
            .collect();
        assert_eq!(segments, [vec![9], vec![1, 2], vec![4]]);
    }

    #[test]
    fn the_last_part_of_each_stream_is_held_out() {
        let all = (0..10).flat_map(|eid| ["a", "b"].map(|stream| choice(stream, eid, &[1.0], 0, 1.0)));
        let (training, held_out) = Dataset::new(all).unwrap().split(0.2).unwrap();
        assert_eq!((training.len(), held_out.len()), (16, 4));
        assert!(training.entries().all(|choice| choice.entry.eid < 8));
        assert!(held_out.entries().all(|choice| choice.entry.eid >= 8));
        assert!(matches!(training.clone().split(1.0), Err(OfflineError::HeldOut(_))));
        assert!(matches!(training.split(f64::NAN), Err(OfflineError::HeldOut(_))));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        let good = choice("a", 7, &[1.0], 0, 1.0);
        let refused = |change: fn(&mut Recorded)| {
            let mut bad = good.clone();
            bad.entry.eid = 8;
            change(&mut bad);
            Dataset::new([good.clone(), bad]).unwrap_err().to_string()
        };
        assert!(refused(|bad| bad.entry.state.push(1.0)).contains("entry 8: its state has 2 numbers"));
        assert!(refused(|bad| bad.entry.reward = Some(f64::NAN)).contains("not a finite number"));
        assert!(refused(|bad| bad.entry.action = u32::MAX).contains("beyond the largest"));
        assert!(refused(|bad| bad.probability = Some(0.0)).contains("not in (0, 1]"));
        assert!(refused(|bad| bad.epsilon = Some(-1.0)).contains("epsilon"));
        let twice = refused(|bad| (bad.entry.eid, bad.entry.action) = (7, 1));
        assert!(twice.contains("two different entries with number 7"), "{twice}");
    }
}
