//! States by their exact numbers, each in a place of its own.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

type Key = SmallVec<[i64; 8]>;

/// A bounded set of states. A state's numbers are cut to integers, as in the old learner; what is not
/// a number counts as 0. The key is exact, so that no two states share a place. At the bound the oldest
/// state makes room and is counted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub(crate) struct States {
    max: usize,
    keys: Vec<Key>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The place that is given away next, once all are taken.
    oldest: usize,
    evicted: u64,
}

/// Where a state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Where it has been.
    Known(usize),
    /// In a new place, behind all others.
    New(usize),
    /// In the place of an older state.
    Taken(usize),
}

impl States {
    /// Room for `max` states.
    pub(crate) fn new(max: u32) -> Self {
        States {
            max: max.max(1) as usize,
            keys: Vec::new(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            oldest: 0,
            evicted: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// States that have lost their place to newer ones.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The states in the order of their places.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &[i64]> {
        self.keys.iter().map(|key| &key[..])
    }

    /// The place of a state, if it has one.
    pub(crate) fn find(&self, state: &[f64]) -> Option<usize> {
        let hash = self.hash(state.iter().map(cut));
        let same = |row: &u32| is(&self.keys[*row as usize], state);
        self.index.find(hash, same).map(|row| *row as usize)
    }

    /// The place of a state, which is given one if it has none.
    pub(crate) fn place(&mut self, state: &[f64]) -> Place {
        if let Some(row) = self.find(state) {
            return Place::Known(row);
        }
        let key: Key = state.iter().map(cut).collect();
        if self.keys.len() < self.max {
            let row = self.keys.len();
            self.keys.push(Key::new());
            self.link(row, key);
            return Place::New(row);
        }
        let row = self.oldest;
        self.oldest = (row + 1) % self.keys.len();
        self.evicted += 1;
        self.unlink(row);
        self.link(row, key);
        Place::Taken(row)
    }

    /// Gives to one place of `to`, an earlier copy, the state that it has here.
    pub(crate) fn publish(&self, row: usize, to: &mut States) {
        if row >= to.keys.len() {
            to.keys.resize(row + 1, Key::new());
            to.link(row, self.keys[row].clone());
        } else if to.keys[row] != self.keys[row] {
            to.unlink(row);
            to.link(row, self.keys[row].clone());
        }
        (to.oldest, to.evicted) = (self.oldest, self.evicted);
    }

    fn hash(&self, numbers: impl Iterator<Item = i64>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        numbers.for_each(|number| hasher.write_i64(number));
        hasher.finish()
    }

    fn link(&mut self, row: usize, key: Key) {
        let hash = self.hash(key.iter().copied());
        self.keys[row] = key;
        let (keys, hasher) = (&self.keys, &self.hasher);
        self.index.insert_unique(hash, row as u32, |row| {
            let mut state = hasher.build_hasher();
            keys[*row as usize].iter().for_each(|number| state.write_i64(*number));
            state.finish()
        });
    }

    fn unlink(&mut self, row: usize) {
        let hash = self.hash(self.keys[row].iter().copied());
        if let Ok(entry) = self.index.find_entry(hash, |other| *other as usize == row) {
            entry.remove();
        }
    }
}

fn cut(number: &f64) -> i64 {
    *number as i64
}

fn is(key: &Key, state: &[f64]) -> bool {
    key.len() == state.len() && key.iter().zip(state).all(|(key, number)| *key == cut(number))
}

/// States as they are stored: without what can be made again.
#[derive(Serialize, Deserialize)]
struct Stored {
    max: usize,
    keys: Vec<Key>,
    oldest: usize,
    evicted: u64,
}

impl From<States> for Stored {
    fn from(states: States) -> Self {
        let States { max, keys, oldest, evicted, .. } = states;
        Stored { max, keys, oldest, evicted }
    }
}

impl From<Stored> for States {
    fn from(stored: Stored) -> Self {
        let Stored { max, keys, oldest, evicted } = stored;
        let oldest = if oldest < keys.len() { oldest } else { 0 };
        let mut states = States { max: max.max(1), oldest, evicted, ..States::new(1) };
        states.keys.resize(keys.len(), Key::new());
        for (row, key) in keys.into_iter().enumerate() {
            states.link(row, key);
        }
        states
    }
}
