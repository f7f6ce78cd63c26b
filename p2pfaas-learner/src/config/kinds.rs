//! The parts of which agents are made, by name.

use serde::{Deserialize, Serialize};

macro_rules! choices {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant,)* }
        impl $name {
            /// All of them, as a configuration names them.
            pub const NAMES: &'static [&'static str] = &[$($text),*];
            /// Its name in a configuration.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }
    };
}

choices! {
    /// How values are kept.
    ValueKind {
        /// One row a state, exactly.
        Table = "table",
        /// Tile coding with hashing (Sutton & Barto, 9.5.4).
        Tiles = "tiles",
        /// Linear in Fourier features (Sutton & Barto, 9.5.2).
        Fourier = "fourier",
        /// Linear in polynomial features (Sutton & Barto, 9.5.1).
        Polynomial = "polynomial",
        /// A neural network with replay and a target network (DQN).
        Network = "network",
    }
}

choices! {
    /// How values are learned.
    RuleKind {
        /// SARSA.
        Sarsa = "sarsa",
        /// Expected SARSA.
        ExpectedSarsa = "expected-sarsa",
        /// Q-learning.
        QLearning = "q-learning",
        /// Double Q-learning; with a network, double DQN.
        DoubleQ = "double-q-learning",
        /// n-step SARSA; see `steps`.
        NStepSarsa = "n-step-sarsa",
        /// SARSA(λ); see `lambda`.
        SarsaLambda = "sarsa-lambda",
        /// Differential (average reward) SARSA (Sutton & Barto, 10.3).
        DifferentialSarsa = "differential-sarsa",
        /// Differential Q-learning.
        DifferentialQ = "differential-q-learning",
        /// The old learner's rule with its faults, for reproduction (fact sheet 3.4).
        Reference = "reference",
    }
}

choices! {
    /// How actions are tried.
    ExplorationKind {
        /// A random action with probability ε, else a best one.
        Epsilon = "epsilon",
        /// Upper confidence bounds on a table's values; see `ucb_c`.
        Ucb = "ucb",
        /// Boltzmann (softmax); the ε parameters are its temperature.
        Boltzmann = "boltzmann",
    }
}

choices! {
    /// How ε, or the temperature, changes with the number of choices.
    ScheduleKind {
        /// It stays at `epsilon_start`.
        Constant = "constant",
        /// Times `epsilon_decay` at each choice, down to `epsilon_min`.
        Exponential = "exponential",
        /// Evenly down to `epsilon_min` in `epsilon_steps` choices.
        Linear = "linear",
        /// Exponentially, so that it reaches `epsilon_min` after exactly `epsilon_steps` choices.
        Reach = "reach",
    }
}

choices! {
    /// What computes a network.
    Backend {
        /// Ours, on ndarray.
        Ndarray = "ndarray",
        /// libtorch (needs the feature `torch`).
        Torch = "torch",
    }
}

choices! {
    /// How a network's batches are drawn from what it remembers.
    ReplayKind {
        /// Each experience equally likely.
        Uniform = "uniform",
        /// Those with large errors more often (Schaul et al. 2016).
        Prioritised = "prioritised",
    }
}
