//! The states of a cluster of equal nodes: how many nodes have how many jobs.
//!
//! A state is a list of loads in falling order. In the order of these lists, as words, its number is a sum
//! of binomial coefficients, so that neighbours are found by arithmetic and no state is ever stored.

use super::error::TheoryError;

/// States up to which a chain is solved: some 500 MB.
pub const MAX_STATES: u64 = 2_000_000;

/// States of `nodes` nodes with `places` places each: (nodes + places) choose nodes.
///
/// # Errors
/// More than [`MAX_STATES`].
pub fn states(nodes: u32, places: u32) -> Result<u64, TheoryError> {
    let few = u128::from(nodes.min(places));
    let all = u128::from(nodes) + u128::from(places);
    let mut states: u128 = 1;
    for step in 1..=few {
        // Each of these products can be divided, and at least doubles the count: few steps are enough.
        states = states * (all - few + step) / step;
        if states > u128::from(u64::MAX) {
            break;
        }
    }
    let states = u64::try_from(states).unwrap_or(u64::MAX);
    if states > MAX_STATES {
        return Err(TheoryError::TooManyStates { states, bound: MAX_STATES });
    }
    Ok(states)
}

/// All states in the order of their numbers.
#[derive(Debug, Clone)]
pub(super) struct Occupancy {
    /// `nodes_with[i]` nodes have i jobs.
    nodes_with: Vec<u32>,
    number: usize,
    nodes: usize,
    /// `binomial[m][j]` = (j + m) choose m.
    binomial: Vec<Vec<u32>>,
}

impl Occupancy {
    /// The empty cluster, number 0.
    pub(super) fn empty(nodes: u32, places: u32) -> Result<Self, TheoryError> {
        states(nodes, places)?;
        let mut nodes_with = vec![0; places as usize + 1];
        nodes_with[0] = nodes;
        let mut binomial = vec![vec![1; places as usize]; nodes as usize];
        for m in 1..binomial.len() {
            for j in 1..places as usize {
                binomial[m][j] = binomial[m - 1][j] + binomial[m][j - 1];
            }
        }
        Ok(Occupancy { nodes_with, number: 0, nodes: nodes as usize, binomial })
    }

    pub(super) fn nodes_with(&self) -> &[u32] {
        &self.nodes_with
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// Jobs of all nodes together.
    pub(super) fn jobs(&self) -> usize {
        self.nodes_with.iter().enumerate().map(|(load, nodes)| load * *nodes as usize).sum()
    }

    /// The next state; false after the last, where every node is full.
    pub(super) fn advance(&mut self) -> bool {
        let Some(least) = self.nodes_with.iter().position(|nodes| *nodes > 0) else { return false };
        if least + 1 == self.nodes_with.len() {
            return false;
        }
        // Of the least loaded nodes the first gets a job, the others lose theirs.
        let same = std::mem::take(&mut self.nodes_with[least]);
        self.nodes_with[least + 1] += 1;
        self.nodes_with[0] += same - 1;
        self.number += 1;
        true
    }

    /// Each state that one more job leads to: the load of the node that gets it, and the state's number.
    pub(super) fn one_more(&self) -> impl Iterator<Item = (usize, usize)> {
        let mut not_more = 0;
        let places = self.nodes_with.len() - 1;
        self.nodes_with[..places].iter().enumerate().filter(|(_, nodes)| **nodes > 0).map(
            move |(load, nodes)| {
                not_more += *nodes as usize;
                // It is the first node of this load in the list; `not_more - 1` come after it.
                (load, self.number + self.binomial[not_more - 1][load] as usize)
            },
        )
    }

    pub(super) fn nodes(&self) -> usize {
        self.nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_state_comes_once_and_neighbours_have_the_numbers_that_are_said() {
        for (nodes, places) in [(1, 1), (1, 7), (3, 4), (7, 2), (5, 5)] {
            let mut state = Occupancy::empty(nodes, places).unwrap();
            let mut all = BTreeMap::new();
            let mut neighbours = Vec::new();
            loop {
                assert_eq!(state.nodes_with().iter().sum::<u32>(), nodes);
                assert!(all.insert(state.nodes_with().to_vec(), state.number()).is_none());
                for (load, number) in state.one_more() {
                    let mut next = state.nodes_with().to_vec();
                    next[load] -= 1;
                    next[load + 1] += 1;
                    neighbours.push((next, number));
                }
                if !state.advance() {
                    break;
                }
            }
            assert_eq!(all.len() as u64, states(nodes, places).unwrap());
            assert!(neighbours.iter().all(|(next, number)| all[next] == *number));
        }
    }

    #[test]
    fn too_many_states_are_counted_and_refused() {
        assert_eq!(states(12, 10), Ok(646_646));
        assert_eq!(
            states(12, 16).unwrap_err().to_string(),
            "the chain has 30421755 states, and no more than 2000000 are solved: take fewer nodes or places"
        );
        assert!(states(u32::MAX, u32::MAX).is_err());
        assert!(states(u32::MAX, 1).is_err());
    }
}
