//! Tile coding with hashing (Sutton & Barto, 9.5.4).

use hashbrown::HashTable;
use p2pfaas_core::agent::StateSpace;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::ValueFunction;
use super::bounds::Bounds;
use super::linear::Linear;
use super::weights::Weights;
use crate::config::{AgentConfig, ConfigError};

/// Several grids over the state's numbers, each displaced by another amount in each number (1, 3, 5,
/// … parts of a tile); a value is the sum of one weight a grid. A tile gets its weights when it is
/// first trained; when all are given away, further tiles share them by their hash.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Tiles {
    bounds: Bounds,
    tilings: u32,
    /// Across each number's range.
    tiles: u32,
    initial: f64,
    max_rows: usize,
    /// The tile of each row.
    hashes: Vec<u64>,
    index: HashTable<u32>,
    weights: Weights,
}

impl Tiles {
    /// No tile is trained yet: everything is worth `config.initial`.
    ///
    /// # Errors
    /// Nobody has declared the bounds.
    pub fn new(config: &AgentConfig, space: Option<&StateSpace>) -> Result<Self, ConfigError> {
        let max_rows = config.tile_weights.max(1) as usize;
        Ok(Tiles {
            bounds: Bounds::new(config, space)?,
            tilings: config.tilings.max(1),
            tiles: config.tiles.max(1),
            initial: config.initial,
            max_rows,
            hashes: Vec::new(),
            index: HashTable::new(),
            weights: Weights::new(config.actions_n as usize, 0.0, max_rows),
        })
    }

    /// The tiles in which a state lies, one a tiling, by their hashes.
    fn tiles(&self, state: &[f64]) -> impl Iterator<Item = u64> + use<> {
        let tilings = u64::from(self.tilings);
        let parts = u64::from(self.tiles) * tilings;
        let parts: SmallVec<[u64; 16]> =
            self.bounds.unit(state).map(|unit| ((unit * parts as f64) as u64).min(parts - 1)).collect();
        (0..tilings).map(move |tiling| {
            let displaced = parts.iter().zip(0_u64..).map(|(part, number)| part + tiling * (1 + 2 * number));
            // Tilings are a power of two, mostly: the division is a shift then, but need not be.
            displaced.fold(mix(0x9e37_79b9_7f4a_7c15, tiling), |hash, part| mix(hash, part / tilings))
        })
    }

    fn find(&self, tile: u64) -> Option<usize> {
        match self.index.find(tile, |row| self.hashes[*row as usize] == tile) {
            Some(row) => Some(*row as usize),
            None if self.hashes.len() < self.max_rows => None,
            None => Some((tile % self.max_rows as u64) as usize),
        }
    }

    fn row(&mut self, tile: u64) -> usize {
        if let Some(row) = self.find(tile) {
            return row;
        }
        self.link(tile);
        self.weights.push();
        self.hashes.len() - 1
    }

    fn link(&mut self, tile: u64) {
        let row = self.hashes.len() as u32;
        self.hashes.push(tile);
        let hashes = &self.hashes;
        self.index.insert_unique(tile, row, |row| hashes[*row as usize]);
    }

    fn rows(&mut self, state: &[f64]) -> SmallVec<[usize; 16]> {
        self.tiles(state).map(|tile| self.row(tile)).collect()
    }
}

impl ValueFunction for Tiles {
    fn actions(&self) -> usize {
        self.weights.actions()
    }

    fn grow(&mut self, actions: usize) {
        self.weights.grow(actions);
    }

    fn values(&self, state: &[f64], out: &mut Vec<f64>) {
        out.clear();
        out.resize(self.actions(), self.initial);
        for row in self.tiles(state).filter_map(|tile| self.find(tile)) {
            for (value, weight) in out.iter_mut().zip(self.weights.row(row)) {
                *value += weight;
            }
        }
    }

    fn value(&self, state: &[f64], action: usize) -> f64 {
        let rows = self.tiles(state).filter_map(|tile| self.find(tile));
        self.initial + rows.map(|row| self.weights.get(row, action)).sum::<f64>()
    }

    fn update(&mut self, state: &[f64], action: usize, amount: f64) {
        let amount = amount / f64::from(self.tilings);
        for row in self.rows(state) {
            self.weights.add(row, action, amount);
        }
    }

    fn correct(&mut self, state: &[f64], action: usize, target: f64, alpha: f64) -> f64 {
        let rows = self.rows(state);
        let value = self.initial + rows.iter().map(|row| self.weights.get(*row, action)).sum::<f64>();
        let amount = alpha * (target - value) / f64::from(self.tilings);
        for row in rows {
            self.weights.add(row, action, amount);
        }
        target - value
    }

    fn publish(&mut self, to: &mut Self) {
        for tile in &self.hashes[to.hashes.len().min(self.hashes.len())..] {
            to.link(*tile);
        }
        self.weights.publish(&mut to.weights, |_| ());
    }
}

impl Linear for Tiles {
    fn is_binary(&self) -> bool {
        true
    }

    fn active(&mut self, state: &[f64], out: &mut Vec<(u32, f64)>) -> bool {
        out.clear();
        out.extend(self.rows(state).into_iter().map(|row| (row as u32, 1.0)));
        false
    }

    fn add(&mut self, feature: u32, action: usize, amount: f64) {
        self.weights.add(feature as usize, action, amount / f64::from(self.tilings));
    }
}

/// The same on every machine, because it is stored.
fn mix(hash: u64, number: u64) -> u64 {
    let product = (hash ^ number).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let product = (product ^ (product >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb);
    product ^ (product >> 32)
}

/// Tiles as they are stored: without what can be made again.
#[derive(Serialize, Deserialize)]
struct Stored {
    bounds: Bounds,
    tilings: u32,
    tiles: u32,
    initial: f64,
    max_rows: usize,
    hashes: Vec<u64>,
    weights: Weights,
}

impl From<Tiles> for Stored {
    fn from(from: Tiles) -> Self {
        let Tiles { bounds, tilings, tiles, initial, max_rows, hashes, weights, .. } = from;
        Stored { bounds, tilings, tiles, initial, max_rows, hashes, weights }
    }
}

impl From<Stored> for Tiles {
    fn from(stored: Stored) -> Self {
        let Stored { bounds, tilings, tiles, initial, max_rows, hashes, weights } = stored;
        let (tilings, tiles, max_rows) = (tilings.max(1), tiles.max(1), max_rows.max(1));
        let (empty, index) = (Vec::new(), HashTable::new());
        let mut made = Tiles { bounds, tilings, tiles, initial, max_rows, hashes: empty, index, weights };
        hashes.into_iter().for_each(|tile| made.link(tile));
        made
    }
}
