//! Whole clusters of the node under faults.
//!
//! More seeds: `p2pfaas faults --seeds 100000`, or, for this crate alone,
//! `FAULTS_SEEDS=100000 cargo test -p p2pfaas-sim --release --test faults seeds`.

mod own_policy;
mod planted;
mod seeds;
