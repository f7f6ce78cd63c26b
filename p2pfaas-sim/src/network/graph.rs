//! Who is whose neighbour.

use std::ops::Range;
use std::slice;

/// An undirected graph without loops or double edges. A full mesh takes no memory, any other 8 bytes an
/// edge and 4 a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Full {
        nodes: u32,
    },
    /// The neighbours of node `i` stand, ascending, in `neighbours[ends[i - 1]..ends[i]]`.
    Sparse {
        ends: Vec<u32>,
        neighbours: Vec<u32>,
    },
}

impl Graph {
    /// Everybody is everybody's neighbour.
    pub fn full(nodes: u32) -> Self {
        Graph(Kind::Full { nodes })
    }

    /// The graph of these edges. Loops are left out, and what is said twice counts once.
    ///
    /// The ends of all edges must be below `nodes`, and there are fewer than 2³¹ edges.
    pub fn of_edges(nodes: u32, edges: &[(u32, u32)]) -> Self {
        let mut both: Vec<(u32, u32)> = Vec::with_capacity(2 * edges.len());
        both.extend(edges.iter().filter(|(a, b)| a != b).flat_map(|&(a, b)| [(a, b), (b, a)]));
        both.sort_unstable();
        both.dedup();
        let mut ends = vec![0; nodes as usize];
        for &(from, _) in &both {
            ends[from as usize] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        Graph(Kind::Sparse { ends, neighbours: both.into_iter().map(|(_, to)| to).collect() })
    }

    /// Number of nodes.
    pub fn nodes(&self) -> u32 {
        match &self.0 {
            Kind::Full { nodes } => *nodes,
            Kind::Sparse { ends, .. } => ends.len() as u32,
        }
    }

    /// A node's neighbours, ascending.
    pub fn neighbours(&self, node: u32) -> Neighbours<'_> {
        match &self.0 {
            Kind::Full { nodes } => Neighbours(Walk::Others { rest: 0..*nodes, node }),
            Kind::Sparse { ends, neighbours } => {
                let node = node as usize;
                let start = if node == 0 { 0 } else { ends[node - 1] };
                Neighbours(Walk::Listed(neighbours[start as usize..ends[node] as usize].iter()))
            }
        }
    }

    /// The neighbour of a node with this number among its neighbours.
    #[inline]
    pub fn neighbour(&self, node: u32, number: u32) -> Option<u32> {
        match &self.0 {
            Kind::Full { nodes } => {
                let neighbour = number + u32::from(number >= node);
                (neighbour < *nodes).then_some(neighbour)
            }
            Kind::Sparse { .. } => self.listed(node).get(number as usize).copied(),
        }
    }

    /// The number of a neighbour among a node's neighbours.
    #[inline]
    pub fn number(&self, node: u32, neighbour: u32) -> Option<u32> {
        match &self.0 {
            Kind::Full { nodes } => {
                (neighbour < *nodes && neighbour != node).then(|| neighbour - u32::from(neighbour > node))
            }
            Kind::Sparse { .. } => {
                self.listed(node).binary_search(&neighbour).ok().map(|number| number as u32)
            }
        }
    }

    fn listed(&self, node: u32) -> &[u32] {
        let Kind::Sparse { ends, neighbours } = &self.0 else { return &[] };
        let node = node as usize;
        let start = if node == 0 { 0 } else { ends[node - 1] };
        &neighbours[start as usize..ends[node] as usize]
    }

    /// Whether there is a way between any two nodes.
    pub fn connected(&self) -> bool {
        let Kind::Sparse { ends, .. } = &self.0 else { return true };
        let mut seen = vec![false; ends.len()];
        let mut open = Vec::new();
        if let Some(first) = seen.first_mut() {
            *first = true;
            open.push(0);
        }
        let mut reached = open.len();
        while let Some(node) = open.pop() {
            for neighbour in self.neighbours(node) {
                if !std::mem::replace(&mut seen[neighbour as usize], true) {
                    reached += 1;
                    open.push(neighbour);
                }
            }
        }
        reached == ends.len()
    }
}

/// The neighbours of a node, ascending.
#[derive(Debug, Clone)]
pub struct Neighbours<'a>(Walk<'a>);

#[derive(Debug, Clone)]
enum Walk<'a> {
    Others { rest: Range<u32>, node: u32 },
    Listed(slice::Iter<'a, u32>),
}

impl Iterator for Neighbours<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        match &mut self.0 {
            Walk::Others { rest, node } => rest.next().filter(|next| next != node).or_else(|| rest.next()),
            Walk::Listed(rest) => rest.next().copied(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.0 {
            Walk::Others { rest, node } => rest.len() - usize::from(rest.contains(node)),
            Walk::Listed(rest) => rest.len(),
        };
        (left, Some(left))
    }
}

impl ExactSizeIterator for Neighbours<'_> {}
