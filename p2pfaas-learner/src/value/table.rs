//! The exact table: a row of values for each state that has been trained.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::ValueFunction;

type Key = SmallVec<[i64; 8]>;

/// One row a state. A state's numbers are cut to integers, as in the old learner; the key is exact,
/// so that no two states share a row. At its bound the oldest state makes room and is counted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Table {
    actions: usize,
    initial: f64,
    max_states: usize,
    keys: Vec<Key>,
    /// `actions` values a row.
    values: Vec<f64>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The row that makes room next, once the table is full.
    oldest: usize,
    evicted: u64,
    /// Rows changed since the last publication, each once.
    changed: Vec<u32>,
    is_changed: Vec<bool>,
}

impl Table {
    /// An empty table: every action of every state is worth `initial`.
    pub fn new(actions: usize, initial: f64, max_states: u32) -> Self {
        Table {
            actions,
            initial,
            max_states: max_states.max(1) as usize,
            keys: Vec::new(),
            values: Vec::new(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            oldest: 0,
            evicted: 0,
            changed: Vec::new(),
            is_changed: Vec::new(),
        }
    }

    /// States that have a row.
    pub fn states(&self) -> usize {
        self.keys.len()
    }

    /// States that have lost their row to a newer one.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// All rows, oldest places first: a state and the values of its actions.
    pub fn rows(&self) -> impl Iterator<Item = (&[i64], &[f64])> {
        self.keys.iter().zip(self.values.chunks_exact(self.actions)).map(|(key, row)| (&key[..], row))
    }

    fn key(state: &[f64]) -> Key {
        state.iter().map(|number| *number as i64).collect()
    }

    fn find(&self, key: &Key) -> Option<usize> {
        let hash = self.hasher.hash_one(key);
        self.index.find(hash, |row| self.keys[*row as usize] == *key).map(|row| *row as usize)
    }

    /// The row of a state, made if it has none.
    pub(crate) fn row(&mut self, state: &[f64]) -> usize {
        let key = Self::key(state);
        match self.find(&key) {
            Some(row) => row,
            None => self.insert(key),
        }
    }

    fn insert(&mut self, key: Key) -> usize {
        let row = if self.keys.len() < self.max_states {
            self.values.resize(self.values.len() + self.actions, self.initial);
            self.keys.push(Key::new());
            self.is_changed.push(false);
            self.keys.len() - 1
        } else {
            let row = self.oldest;
            self.oldest = (row + 1) % self.max_states;
            self.evicted += 1;
            self.unlink(row);
            let initial = self.initial;
            self.values[row * self.actions..(row + 1) * self.actions].fill(initial);
            row
        };
        self.link(row, key);
        row
    }

    fn link(&mut self, row: usize, key: Key) {
        let hash = self.hasher.hash_one(&key);
        self.keys[row] = key;
        let (keys, hasher) = (&self.keys, &self.hasher);
        self.index.insert_unique(hash, row as u32, |row| hasher.hash_one(&keys[*row as usize]));
    }

    fn unlink(&mut self, row: usize) {
        let hash = self.hasher.hash_one(&self.keys[row]);
        if let Ok(entry) = self.index.find_entry(hash, |other| *other as usize == row) {
            entry.remove();
        }
    }

    pub(crate) fn touch(&mut self, row: usize) {
        if !std::mem::replace(&mut self.is_changed[row], true) {
            self.changed.push(row as u32);
        }
    }

    /// Where Q(row, action) is among all values.
    pub(crate) fn place(&self, row: usize, action: usize) -> usize {
        row * self.actions + action
    }

    pub(crate) fn add(&mut self, place: usize, amount: f64) {
        self.values[place] += amount;
        self.touch(place / self.actions);
    }
}

impl ValueFunction for Table {
    fn actions(&self) -> usize {
        self.actions
    }

    fn grow(&mut self, actions: usize) {
        if actions <= self.actions {
            return;
        }
        let mut values = Vec::with_capacity(self.keys.len() * actions);
        for row in self.values.chunks_exact(self.actions) {
            values.extend_from_slice(row);
            values.resize(values.len() + actions - self.actions, self.initial);
        }
        self.values = values;
        self.actions = actions;
    }

    fn values(&self, state: &[f64], out: &mut Vec<f64>) {
        out.clear();
        match self.find(&Self::key(state)) {
            Some(row) => out.extend_from_slice(&self.values[row * self.actions..(row + 1) * self.actions]),
            None => out.resize(self.actions, self.initial),
        }
    }

    fn update(&mut self, state: &[f64], action: usize, amount: f64) {
        let row = self.row(state);
        self.add(row * self.actions + action, amount);
    }

    fn publish(&mut self, to: &mut Self) {
        to.grow(self.actions);
        for row in self.changed.drain(..) {
            let row = row as usize;
            self.is_changed[row] = false;
            if row >= to.keys.len() {
                to.values.resize((row + 1) * self.actions, self.initial);
                to.keys.resize(row + 1, Key::new());
                to.is_changed.resize(row + 1, false);
                to.link(row, self.keys[row].clone());
            } else if to.keys[row] != self.keys[row] {
                to.unlink(row);
                to.link(row, self.keys[row].clone());
            }
            let values = row * self.actions..(row + 1) * self.actions;
            to.values[values.clone()].copy_from_slice(&self.values[values]);
        }
        to.oldest = self.oldest;
        to.evicted = self.evicted;
    }
}

/// A table as it is stored: without what can be made again.
#[derive(Serialize, Deserialize)]
struct Stored {
    actions: usize,
    initial: f64,
    max_states: usize,
    keys: Vec<Key>,
    values: Vec<f64>,
    oldest: usize,
    evicted: u64,
}

impl From<Table> for Stored {
    fn from(table: Table) -> Self {
        let Table { actions, initial, max_states, keys, values, oldest, evicted, .. } = table;
        Stored { actions, initial, max_states, keys, values, oldest, evicted }
    }
}

impl From<Stored> for Table {
    fn from(stored: Stored) -> Self {
        let Stored { actions, initial, max_states, keys, values, oldest, evicted } = stored;
        let mut table = Table::new(actions, initial, max_states as u32);
        table.is_changed = vec![false; keys.len()];
        table.keys = vec![Key::new(); keys.len()];
        for (row, key) in keys.into_iter().enumerate() {
            table.link(row, key);
        }
        Table { values, oldest, evicted, ..table }
    }
}
