//! Replay: what a network remembers, and how batches are drawn from it.

mod prioritised;
mod ring;
mod sum_tree;

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::config::{AgentConfig, ReplayKind};

pub use prioritised::Prioritised;
pub use ring::{After, Inputs, Ring, Transition};
pub use sum_tree::SumTree;

/// Experiences, and one way to draw from them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Replay {
    ring: Ring,
    drawing: Drawing,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Drawing {
    Uniform,
    Prioritised(Prioritised),
}

/// The experiences of a batch: where they are, and how much each counts.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// Places in the ring; one may come twice.
    pub places: Vec<usize>,
    /// The weight of each.
    pub weights: Vec<f32>,
}

impl Replay {
    /// Nothing to remember yet; as large and of the kind that the configuration says.
    pub fn new(config: &AgentConfig) -> Self {
        let drawing = match config.replay {
            ReplayKind::Uniform => Drawing::Uniform,
            ReplayKind::Prioritised => Drawing::Prioritised(Prioritised::default()),
        };
        Replay { ring: Ring::new(config.replay_size as usize), drawing }
    }

    /// What it remembers.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Remembers one more; when it is full, in place of the oldest one.
    pub fn push(&mut self, transition: Transition) {
        let place = self.ring.push(transition);
        if let Drawing::Prioritised(prioritised) = &mut self.drawing {
            prioritised.push(place);
        }
    }

    /// Draws `count` experiences; none if there is none.
    pub fn draw(&self, count: usize, config: &AgentConfig, rng: &mut Xoshiro256PlusPlus, drawn: &mut Drawn) {
        drawn.places.clear();
        drawn.weights.clear();
        if self.ring.is_empty() {
            return;
        }
        match &self.drawing {
            Drawing::Uniform => {
                drawn.places.extend((0..count).map(|_| rng.random_range(0..self.ring.len())));
                drawn.weights.resize(count, 1.0);
            }
            Drawing::Prioritised(prioritised) => {
                prioritised.draw(count, self.ring.len(), config.priority_beta, rng, drawn);
            }
        }
    }

    /// Takes note of the TD errors of what was drawn.
    pub fn note_errors(&mut self, drawn: &Drawn, errors: &[f32], config: &AgentConfig) {
        if let Drawing::Prioritised(prioritised) = &mut self.drawing {
            prioritised.note_errors(&drawn.places, errors, config.priority_alpha);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_xoshiro::rand_core::SeedableRng;

    use super::*;

    fn transition(action: u32) -> Transition {
        Transition { state: Inputs::new(), action, reward: 0.0, next: None }
    }

    #[test]
    fn uniform_draws_find_each_of_the_latest_experiences_equally_often() {
        let config = AgentConfig { replay_size: 8, ..AgentConfig::default() };
        let mut replay = Replay::new(&config);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        let mut drawn = Drawn::default();
        replay.draw(4, &config, &mut rng, &mut drawn);
        assert!(drawn.places.is_empty(), "there is nothing to draw");
        (0..20).for_each(|action| replay.push(transition(action)));
        let mut counts = [0_u32; 20];
        for _ in 0..2_000 {
            replay.draw(16, &config, &mut rng, &mut drawn);
            for place in &drawn.places {
                counts[replay.ring().get(*place).expect("drawn").action as usize] += 1;
            }
        }
        assert!(counts[..12].iter().all(|count| *count == 0), "older than the last eight: {counts:?}");
        // 4,000 each; 5 standard deviations are 300.
        assert!(counts[12..].iter().all(|count| count.abs_diff(4_000) < 300), "{counts:?}");
    }

    #[test]
    fn replay_goes_on_bit_for_bit_after_it_has_been_stored() {
        for kind in [ReplayKind::Uniform, ReplayKind::Prioritised] {
            let config = AgentConfig { replay_size: 50, replay: kind, ..AgentConfig::default() };
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(9);
            let mut replay = Replay::new(&config);
            let mut drawn = Drawn::default();
            for action in 0..70 {
                replay.push(transition(action));
                replay.draw(3, &config, &mut rng, &mut drawn);
                let errors: Vec<f32> = drawn.places.iter().map(|place| *place as f32 / 10.0).collect();
                replay.note_errors(&drawn, &errors, &config);
            }
            let bytes = postcard::to_stdvec(&replay).expect("can be stored");
            let stored: Replay = postcard::from_bytes(&bytes).expect("can be read");
            let (mut drawn_stored, mut rng_stored) = (Drawn::default(), rng.clone());
            replay.draw(64, &config, &mut rng, &mut drawn);
            stored.draw(64, &config, &mut rng_stored, &mut drawn_stored);
            assert_eq!(drawn.places, drawn_stored.places);
            assert_eq!(drawn.weights, drawn_stored.weights);
        }
    }
}
