//! Edges at random. Whether they connect all nodes is not looked at here.

use hashbrown::HashSet;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

/// Attempts to exchange ends, for each edge of a regular graph.
const EXCHANGES: usize = 20;
/// Edges up to which a regular graph is drawn by exchanges alone. Sets are only asked for what is in them,
/// so that their order does not matter.
const FEW_EDGES: u64 = 5_000;

/// Each node has two neighbours, and all stand in one circle.
pub(super) fn cycle(nodes: u32, rng: &mut impl Rng) -> Vec<(u32, u32)> {
    let mut order: Vec<u32> = (0..nodes).collect();
    order.shuffle(rng);
    let next = order.iter().cycle().skip(1);
    order.iter().zip(next).map(|(a, b)| (*a, *b)).collect()
}

/// Each node has `degree` neighbours. `nodes * degree` must be even, and `degree` below `nodes`.
pub(super) fn regular(nodes: u32, degree: u32, rng: &mut impl Rng) -> Vec<(u32, u32)> {
    if degree > (nodes - 1) / 2 {
        // So many edges that it is easier to draw those that are missing.
        let missing: HashSet<_> = regular(nodes, nodes - 1 - degree, rng).into_iter().collect();
        let all = (0..nodes).flat_map(|a| (a + 1..nodes).map(move |b| (a, b)));
        return all.filter(|edge| !missing.contains(edge)).collect();
    }
    if u64::from(nodes) * u64::from(degree) / 2 > FEW_EDGES {
        paired(nodes, degree, rng)
    } else {
        exchanged(nodes, degree, rng)
    }
}

/// Beginning with a circle where everybody knows the nearest ones, pairs of edges exchange their ends, which
/// tends to all such graphs being equally likely (Cooper, Dyer and Greenhill 2007).
fn exchanged(nodes: u32, degree: u32, rng: &mut impl Rng) -> Vec<(u32, u32)> {
    let across = (degree % 2 == 1).then_some(nodes / 2);
    let near = (0..nodes).flat_map(|a| (1..=degree / 2).map(move |step| ordered(a, (a + step) % nodes)));
    let far = across.into_iter().flat_map(|step| (0..step).map(move |a| (a, a + step)));
    let mut edges: Vec<_> = near.chain(far).collect();
    let mut taken: HashSet<_> = edges.iter().copied().collect();
    for _ in 0..EXCHANGES * edges.len() {
        let (first, second) = (rng.random_range(0..edges.len()), rng.random_range(0..edges.len()));
        if let Some((one, other)) = crossed(edges[first], edges[second], &taken, rng) {
            taken.remove(&edges[first]);
            taken.remove(&edges[second]);
            taken.extend([one, other]);
            (edges[first], edges[second]) = (one, other);
        }
    }
    edges
}

/// All ends are joined at random; the few pairs that would be a loop or a double edge exchange ends with
/// edges at random. As good for many nodes, and faster; for few nodes not all graphs are equally likely.
pub(super) fn paired(nodes: u32, degree: u32, rng: &mut impl Rng) -> Vec<(u32, u32)> {
    let mut ends: Vec<u32> = (0..nodes).flat_map(|node| (0..degree).map(move |_| node)).collect();
    ends.shuffle(rng);
    let mut edges = Vec::with_capacity(ends.len() / 2);
    let mut taken = HashSet::with_capacity(ends.len() / 2);
    let (pairs, _) = ends.as_chunks::<2>();
    let (good, bad): (Vec<_>, Vec<_>) =
        pairs.iter().map(|&[a, b]| ordered(a, b)).partition(|&edge| edge.0 != edge.1 && taken.insert(edge));
    edges.extend(good);
    for pair in bad {
        // At least every fourth edge will do, since no node has more than half of the others.
        loop {
            let with = rng.random_range(0..edges.len());
            if let Some((one, other)) = crossed(pair, edges[with], &taken, rng) {
                taken.remove(&edges[with]);
                taken.extend([one, other]);
                edges[with] = one;
                edges.push(other);
                break;
            }
        }
    }
    edges
}

/// Two edges with their second ends exchanged; `None` where one would be a loop or is there already.
fn crossed(
    (a, b): (u32, u32),
    (c, d): (u32, u32),
    taken: &HashSet<(u32, u32)>,
    rng: &mut impl Rng,
) -> Option<((u32, u32), (u32, u32))> {
    let (c, d) = if rng.random() { (c, d) } else { (d, c) };
    let (one, other) = (ordered(a, d), ordered(b, c));
    let free = a != d && b != c && !taken.contains(&one) && !taken.contains(&other);
    free.then_some((one, other))
}

fn ordered(a: u32, b: u32) -> (u32, u32) {
    (a.min(b), a.max(b))
}

/// Each pair with this probability, which is above 0 and below 1. The pairs between two that are chosen
/// are leapt over at once (Batagelj and Brandes 2005), so that time goes with the edges.
pub(super) fn erdos_renyi(nodes: u32, probability: f64, rng: &mut impl Rng) -> Vec<(u32, u32)> {
    let mut edges = Vec::new();
    let nodes = u64::from(nodes);
    let scale = (-probability).ln_1p();
    let (mut row, mut column) = (1, 0);
    loop {
        let draw: f64 = rng.random();
        // A leap beyond all pairs saturates.
        let leap = ((-draw).ln_1p() / scale) as u64;
        column = u64::saturating_add(column, leap);
        while row < nodes && column >= row {
            column -= row;
            row += 1;
        }
        if row >= nodes {
            return edges;
        }
        edges.push((row as u32, column as u32));
        column += 1;
    }
}

/// A star of `m` + 1 nodes; each further node chooses `m` different neighbours, each in proportion to the
/// neighbours that it has. `m` is at least 1 and below `nodes`.
pub(super) fn barabasi_albert(nodes: u32, m: u32, rng: &mut impl Rng) -> Vec<(u32, u32)> {
    let mut edges: Vec<(u32, u32)> = (1..=m).map(|node| (0, node)).collect();
    // Each node as often as it has neighbours.
    let mut ends: Vec<u32> = edges.iter().flat_map(|&(a, b)| [a, b]).collect();
    let mut chosen = Vec::with_capacity(m as usize);
    for node in m + 1..nodes {
        chosen.clear();
        while chosen.len() < m as usize {
            let candidate = ends[rng.random_range(0..ends.len())];
            if !chosen.contains(&candidate) {
                chosen.push(candidate);
            }
        }
        edges.extend(chosen.iter().map(|&other| (other, node)));
        ends.extend(chosen.iter().flat_map(|&other| [other, node]));
    }
    edges
}
