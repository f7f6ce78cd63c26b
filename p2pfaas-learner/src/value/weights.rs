//! Numbers in rows, one an action: what every value function but a network is made of.

use serde::{Deserialize, Serialize};

/// Weights of a value function at most, over all its actions: a gigabyte. Actions beyond that are not
/// taken in.
pub const MAX_WEIGHTS: usize = 1 << 27;

/// Rows of one weight an action. It knows which rows have changed since the last publication.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub(crate) struct Weights {
    actions: usize,
    initial: f64,
    max_rows: usize,
    values: Vec<f64>,
    /// Rows changed since the last publication, each once.
    changed: Vec<u32>,
    is_changed: Vec<bool>,
}

/// Weights as they are stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    actions: usize,
    initial: f64,
    max_rows: usize,
    values: Vec<f64>,
}

impl From<Weights> for Stored {
    fn from(weights: Weights) -> Self {
        let Weights { actions, initial, max_rows, values, .. } = weights;
        Stored { actions, initial, max_rows, values }
    }
}

impl TryFrom<Stored> for Weights {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let Stored { actions, initial, max_rows, values } = stored;
        if actions == 0 || max_rows == 0 || values.len() % actions != 0 || values.len() / actions > max_rows {
            return Err(format!("{} weights in {max_rows} rows of {actions} actions", values.len()));
        }
        Ok(Weights { values, ..Weights::new(actions, initial, max_rows) })
    }
}

impl Weights {
    /// No rows yet; each new weight is `initial`.
    pub(crate) fn new(actions: usize, initial: f64, max_rows: usize) -> Self {
        Weights {
            actions: actions.max(1),
            initial,
            max_rows: max_rows.max(1),
            values: Vec::new(),
            changed: Vec::new(),
            is_changed: Vec::new(),
        }
    }

    pub(crate) fn actions(&self) -> usize {
        self.actions
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.actions.max(1))
    }

    /// The weights of a row.
    pub(crate) fn row(&self, row: usize) -> &[f64] {
        self.values.get(row * self.actions..(row + 1) * self.actions).unwrap_or(&[])
    }

    /// One weight; 0 for an action that is not there.
    pub(crate) fn get(&self, row: usize, action: usize) -> f64 {
        if action < self.actions {
            self.values.get(row * self.actions + action).copied().unwrap_or(0.0)
        } else {
            0.0
        }
    }

    /// The weights of an action, in the order of rows; none for an action that is not there.
    pub(crate) fn column(&self, action: usize) -> impl Iterator<Item = &f64> {
        let first = if action < self.actions { action } else { self.values.len() };
        self.values.iter().skip(first).step_by(self.actions.max(1))
    }

    /// One more row.
    pub(crate) fn push(&mut self) {
        self.touch(self.values.len() / self.actions);
        self.values.resize(self.values.len() + self.actions, self.initial);
    }

    /// Makes a row as if it were new.
    pub(crate) fn clear(&mut self, row: usize) {
        if let Some(values) = self.values.get_mut(row * self.actions..(row + 1) * self.actions) {
            values.fill(self.initial);
            self.touch(row);
        }
    }

    /// Adds to one weight. What would make it infinite, or no number, is left out: it would stay for ever.
    pub(crate) fn add(&mut self, row: usize, action: usize, amount: f64) {
        if action >= self.actions {
            return;
        }
        if let Some(weight) = self.values.get_mut(row * self.actions + action)
            && (*weight + amount).is_finite()
        {
            *weight += amount;
            self.touch(row);
        }
    }

    /// Makes room for more actions, as far as [`MAX_WEIGHTS`] allows.
    pub(crate) fn grow(&mut self, actions: usize) {
        if actions <= self.actions || actions > MAX_WEIGHTS / self.max_rows {
            return;
        }
        let mut values = Vec::with_capacity(self.values.len() / self.actions * actions);
        for row in self.values.chunks_exact(self.actions) {
            values.extend_from_slice(row);
            values.resize(values.len() + actions - self.actions, self.initial);
        }
        (self.values, self.actions) = (values, actions);
    }

    /// Copies to `to`, an earlier copy, the rows that have changed, and tells which.
    pub(crate) fn publish(&mut self, to: &mut Weights, mut copied: impl FnMut(usize)) {
        // The copy is asked about states, and may have met more actions than have been trained.
        self.grow(to.actions);
        to.grow(self.actions);
        if to.values.len() < self.values.len() {
            to.values.resize(self.values.len(), self.initial);
        }
        for row in self.changed.drain(..) {
            let row = row as usize;
            self.is_changed[row] = false;
            let values = row * self.actions..(row + 1) * self.actions;
            if let (Some(from), Some(to)) = (self.values.get(values.clone()), to.values.get_mut(values)) {
                to.copy_from_slice(from);
            }
            copied(row);
        }
    }

    fn touch(&mut self, row: usize) {
        if row >= self.is_changed.len() {
            self.is_changed.resize(row + 1, false);
        }
        if !std::mem::replace(&mut self.is_changed[row], true) {
            self.changed.push(row as u32);
        }
    }
}
