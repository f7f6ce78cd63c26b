//! Drawing in proportion to weights that change.

use serde::{Deserialize, Serialize};

/// A binary tree whose leaves are weights and whose other nodes are the sums of the two below them:
/// changing a weight and finding one by its share both take as many steps as the tree has levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<f64>", into = "Vec<f64>")]
pub struct SumTree {
    /// Node n is above nodes 2n and 2n + 1; node 1 is the root; the second half are the leaves.
    nodes: Vec<f64>,
}

impl Default for SumTree {
    fn default() -> Self {
        SumTree::from(Vec::new())
    }
}

impl SumTree {
    fn leaves(&self) -> usize {
        self.nodes.len() / 2
    }

    /// The sum of all weights.
    pub fn total(&self) -> f64 {
        self.nodes[1]
    }

    /// The weight at a place.
    pub fn get(&self, place: usize) -> f64 {
        self.nodes.get(self.leaves() + place).copied().unwrap_or(0.0)
    }

    /// Sets the weight at a place; the tree grows as needed.
    pub fn set(&mut self, place: usize, weight: f64) {
        if place >= self.leaves() {
            let mut weights = self.nodes.split_off(self.leaves());
            weights.resize(place + 1, 0.0);
            *self = SumTree::from(weights);
        }
        let mut node = self.leaves() + place;
        self.nodes[node] = weight;
        while node > 1 {
            node /= 2;
            // Summed anew, not corrected: errors of rounding do not add up.
            self.nodes[node] = self.nodes[2 * node] + self.nodes[2 * node + 1];
        }
    }

    /// The place at which the weights before it add up to `sum` at most, and with it to more.
    pub fn find(&self, mut sum: f64) -> usize {
        let mut node = 1;
        while node < self.leaves() {
            let left = self.nodes[2 * node];
            node *= 2;
            // A weight of 0 is not found, not even by an error of rounding at the far end.
            if sum >= left && self.nodes[node + 1] > 0.0 {
                sum -= left;
                node += 1;
            }
        }
        node - self.leaves()
    }
}

/// From its weights.
impl From<Vec<f64>> for SumTree {
    fn from(mut weights: Vec<f64>) -> Self {
        let leaves = weights.len().next_power_of_two();
        weights.resize(leaves, 0.0);
        let mut nodes = vec![0.0; leaves];
        nodes.append(&mut weights);
        for node in (1..leaves).rev() {
            nodes[node] = nodes[2 * node] + nodes[2 * node + 1];
        }
        SumTree { nodes }
    }
}

/// Its weights.
impl From<SumTree> for Vec<f64> {
    fn from(mut tree: SumTree) -> Self {
        let leaves = tree.leaves();
        tree.nodes.split_off(leaves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_found_by_its_share() {
        let tree = SumTree::from(vec![1.0, 0.0, 3.0, 2.0, 0.0]);
        assert_eq!(tree.total(), 6.0);
        let found = [0.0, 0.99, 1.0, 3.99, 4.0, 5.99, 6.0, 7.0].map(|sum| tree.find(sum));
        assert_eq!(found, [0, 0, 2, 2, 3, 3, 3, 3]);
    }

    #[test]
    fn a_tree_that_grew_is_the_one_made_of_its_weights() {
        let mut tree = SumTree::default();
        for step in 0..1_000_usize {
            tree.set(step * 37 % 100, (step % 13) as f64 * 0.1);
        }
        let weights = Vec::from(tree.clone());
        assert_eq!(weights.len(), 128);
        assert_eq!(SumTree::from(weights), tree);
        assert_eq!((tree.get(99), tree.get(100), tree.get(5_000)), (tree.get(99), 0.0, 0.0));
    }
}
