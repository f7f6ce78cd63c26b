//! When which nodes cannot reach each other.

use p2pfaas_core::Time;

use super::NetworkError;

/// For a while, what is sent between nodes of different groups is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its first moment.
    pub from: Time,
    /// The moment at which it is over.
    pub until: Time,
    /// Groups of nodes; all that stand in none are one more group.
    pub groups: Vec<Vec<u32>>,
}

/// A partition that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartitionError {
    /// It never begins.
    #[error("it ends before it begins")]
    NeverThere,
    /// It parts nobody.
    #[error("it has no group of nodes")]
    NoGroup,
    /// More groups than can be told apart.
    #[error("{groups} groups are too many; at most {MAX_GROUPS}")]
    TooManyGroups {
        /// How many there are.
        groups: usize,
    },
    /// A node that is not there.
    #[error("there is no node {node}, only 0 to {last}")]
    UnknownNode {
        /// Its number.
        node: u32,
        /// The greatest number there is.
        last: usize,
    },
    /// A node cannot be in two places.
    #[error("node {node} stands in it twice")]
    Twice {
        /// Its number.
        node: u32,
    },
}

/// Groups of one partition.
const MAX_GROUPS: usize = u16::MAX as usize;

/// Partitions by time: the timetable falls into pieces in which nothing changes.
#[derive(Debug, Clone, Default)]
pub(super) struct Timetable {
    /// When the pieces begin, ascending; before the first there is no partition.
    begins: Vec<Time>,
    /// Numbers of the partitions that there are in each piece.
    present: Vec<Vec<u32>>,
    /// For each partition, each node's group; 0: that of the rest.
    groups: Vec<Vec<u16>>,
}

impl Timetable {
    pub fn new(partitions: &[Partition], nodes: usize) -> Result<Self, NetworkError> {
        let groups = partitions.iter().enumerate().map(|(index, partition)| {
            partition.groups_of(nodes).map_err(|error| NetworkError::Partition { index, error })
        });
        let groups = groups.collect::<Result<_, _>>()?;
        let mut begins: Vec<_> = partitions.iter().flat_map(|at| [at.from, at.until]).collect();
        begins.sort_unstable();
        begins.dedup();
        let present = |begin: &Time| {
            let there = |(_, at): &(u32, &Partition)| (at.from..at.until).contains(begin);
            (0..).zip(partitions).filter(there).map(|(number, _)| number).collect()
        };
        let present = begins.iter().map(present).collect();
        Ok(Timetable { begins, present, groups })
    }

    #[inline]
    pub fn cut(&self, now: Time, a: u32, b: u32) -> bool {
        !self.begins.is_empty() && self.parted(now, a, b)
    }

    fn parted(&self, now: Time, a: u32, b: u32) -> bool {
        let piece = self.begins.partition_point(|begin| *begin <= now);
        let Some(present) = piece.checked_sub(1).map(|piece| &self.present[piece]) else { return false };
        present.iter().any(|partition| {
            let groups = &self.groups[*partition as usize];
            groups[a as usize] != groups[b as usize]
        })
    }
}

impl Partition {
    fn groups_of(&self, nodes: usize) -> Result<Vec<u16>, PartitionError> {
        if self.from >= self.until {
            return Err(PartitionError::NeverThere);
        }
        if self.groups.iter().all(Vec::is_empty) {
            return Err(PartitionError::NoGroup);
        }
        if self.groups.len() > MAX_GROUPS {
            return Err(PartitionError::TooManyGroups { groups: self.groups.len() });
        }
        let mut groups = vec![0; nodes];
        for (number, group) in (1..).zip(&self.groups) {
            for &node in group {
                let last = nodes.saturating_sub(1);
                let slot = groups.get_mut(node as usize).ok_or(PartitionError::UnknownNode { node, last })?;
                if std::mem::replace(slot, number) != 0 {
                    return Err(PartitionError::Twice { node });
                }
            }
        }
        Ok(groups)
    }
}
