//! What an agent is made of, by names and numbers: the parameters of the old learner under their old
//! names and defaults (fact sheet 3.2), and ours beside them. One flat table in every place: in
//! experiment files, in the learner's file, over HTTP.

use std::fmt::Display;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value as Json};

use crate::learner::MAX_ACTIONS;
use crate::rule::{MAX_STEPS, MAX_WINDOW};
use crate::value::{MAX_NUMBERS, MAX_WEIGHTS, is_range};

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

/// What an agent is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentConfig {
    /// How values are kept.
    pub value: ValueKind,
    /// How values are learned.
    pub rule: RuleKind,
    /// How actions are tried.
    pub exploration: ExplorationKind,
    /// Actions at the beginning; more are added when a state offers more.
    pub actions_n: u32,
    /// Step size, in (0, 1]; for a network the learning rate of Adam.
    pub alpha: f64,
    /// Step size of the average reward, in (0, 1] (differential rules).
    pub beta: f64,
    /// Discount, in [0, 1] (all but the differential rules).
    pub gamma: f64,
    /// Decay of traces, in [0, 1] (`sarsa-lambda`).
    pub lambda: f64,
    /// Rewards summed before the estimate of what follows (`n-step-sarsa`).
    pub steps: u32,
    /// Value of an action that has not been tried. High: everything is tried early.
    pub initial: f64,
    /// ε, or the temperature, at the beginning.
    pub epsilon_start: f64,
    /// Its lower bound.
    pub epsilon_min: f64,
    /// Its factor at each choice (`exponential`).
    pub epsilon_decay: f64,
    /// Whether it changes at all.
    pub epsilon_decay_enabled: bool,
    /// How it changes.
    pub epsilon_schedule: ScheduleKind,
    /// Choices until it is at its lower bound (`linear`, `reach`).
    pub epsilon_steps: u64,
    /// Weight of what is uncertain (`ucb`).
    pub ucb_c: f64,
    /// States in a table, at most; the oldest one then makes room, and is counted.
    pub max_states: u32,
    /// Range of each number of a state, where the policy does not declare it (`tiles`, `fourier`,
    /// `polynomial`, `network`).
    pub bounds: Vec<[f64; 2]>,
    /// Tilings (`tiles`); a power of two.
    pub tilings: u32,
    /// Tiles across each number's range (`tiles`).
    pub tiles: u32,
    /// Weights an action into which tiles are hashed (`tiles`).
    pub tile_weights: u32,
    /// Highest frequency or power (`fourier`, `polynomial`).
    pub order: u32,
    /// Units of each hidden layer (`network`).
    pub hidden: Vec<u32>,
    /// Whether value and advantage have heads of their own (`network`; Wang et al. 2016).
    pub dueling: bool,
    /// What computes the network.
    pub backend: Backend,
    /// Experiences that a network remembers.
    pub replay_size: u32,
    /// How batches are drawn from them.
    pub replay: ReplayKind,
    /// How much priorities count, in [0, 1] (`prioritised`).
    pub priority_alpha: f64,
    /// How much their bias is corrected, in [0, 1], at first; wholly after 100,000 batches (`prioritised`).
    pub priority_beta: f64,
    /// Experiences a batch.
    pub batch_size: u32,
    /// Experiences between two batches.
    pub train_every: u32,
    /// Experiences before the first batch.
    pub learning_starts: u32,
    /// Batches after which the target network is renewed.
    pub target_every: u32,
    /// Experiences that the old rule trains as one window (`reference`); no effect elsewhere.
    pub window_size: u32,
    /// Later experiences that may come before a missing one is given up.
    pub entry_missing_max_attempts: u32,
    /// Seconds after which a missing experience is given up.
    pub entry_missing_max_seconds: f64,
}

impl Default for AgentConfig {
    fn default() -> Self {
        AgentConfig {
            value: ValueKind::Table,
            rule: RuleKind::DifferentialSarsa,
            exploration: ExplorationKind::Epsilon,
            actions_n: 2,
            alpha: 0.01,
            beta: 0.01,
            gamma: 0.9,
            lambda: 0.9,
            steps: 4,
            initial: 0.0,
            epsilon_start: 0.9,
            epsilon_min: 0.1,
            epsilon_decay: 0.99,
            epsilon_decay_enabled: true,
            epsilon_schedule: ScheduleKind::Exponential,
            epsilon_steps: 10_000,
            ucb_c: 1.0,
            max_states: 100_000,
            bounds: Vec::new(),
            tilings: 8,
            tiles: 8,
            tile_weights: 65_536,
            order: 3,
            hidden: vec![64, 64],
            dueling: false,
            backend: Backend::Ndarray,
            replay_size: 50_000,
            replay: ReplayKind::Uniform,
            priority_alpha: 0.6,
            priority_beta: 0.4,
            batch_size: 32,
            train_every: 4,
            learning_starts: 1_000,
            target_every: 250,
            window_size: 5,
            entry_missing_max_attempts: 100,
            entry_missing_max_seconds: 5.0,
        }
    }
}

/// A configuration that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// No such parameter.
    #[error("unknown parameter {name:?}{suggestion}")]
    UnknownParameter {
        /// Its name as given.
        name: String,
        /// `; did you mean "alpha"?`, or nothing.
        suggestion: String,
    },
    /// A value of the wrong type, or out of its range.
    #[error("{name}: expected {expected}; found {found}")]
    BadValue {
        /// The parameter.
        name: String,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Parts that do not go together.
    #[error("{0}")]
    Mismatch(String),
}

/// Something that is accepted and should be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigWarning(pub String);

/// States that a table keeps at most, whatever the configuration says.
pub const MAX_STATES: u32 = 1 << 24;
/// Tilings, and tiles across a range, at most.
pub const MAX_TILES: u32 = 1_024;
/// Highest frequency or power at most.
pub const MAX_ORDER: u32 = 64;
/// Hidden layers of a network at most.
pub const MAX_LAYERS: usize = 8;
/// Units of a hidden layer at most.
pub const MAX_UNITS: u32 = 4_096;
/// Experiences that a network remembers at most.
pub const MAX_REPLAY: u32 = 1 << 22;
/// Later experiences at most that may come before a missing one is given up.
pub const MAX_ATTEMPTS: u32 = 1 << 20;
/// Seconds at most after which a missing experience is given up.
pub const MAX_MISSING_SECONDS: f64 = 86_400.0;

/// Rules that a network can learn by.
const NETWORK_RULES: &[RuleKind] =
    &[RuleKind::Sarsa, RuleKind::ExpectedSarsa, RuleKind::QLearning, RuleKind::DoubleQ];

impl AgentConfig {
    /// Refuses what is out of range, and parts that do not go together.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_ranges()?;
        self.check_parts()
    }

    fn check_ranges(&self) -> Result<(), ConfigError> {
        let largest = f64::MAX;
        let warm = if self.exploration == ExplorationKind::Epsilon { 1.0 } else { largest };
        whole("actions_n", self.actions_n, 1, MAX_ACTIONS as u32)?;
        positive("alpha", self.alpha, 1.0)?;
        positive("beta", self.beta, 1.0)?;
        within("gamma", self.gamma, 0.0, 1.0)?;
        within("lambda", self.lambda, 0.0, 1.0)?;
        whole("steps", self.steps, 1, MAX_STEPS)?;
        within("initial", self.initial, -largest, largest)?;
        within("epsilon_start", self.epsilon_start, 0.0, warm)?;
        within("epsilon_min", self.epsilon_min, 0.0, warm)?;
        positive("epsilon_decay", self.epsilon_decay, 1.0)?;
        whole("epsilon_steps", self.epsilon_steps, 1, u64::MAX)?;
        within("ucb_c", self.ucb_c, 0.0, largest)?;
        whole("max_states", self.max_states, 1, MAX_STATES)?;
        whole("tilings", self.tilings, 1, MAX_TILES)?;
        whole("tiles", self.tiles, 1, MAX_TILES)?;
        whole("tile_weights", self.tile_weights, 1, MAX_STATES)?;
        whole("order", self.order, 1, MAX_ORDER)?;
        within("priority_alpha", self.priority_alpha, 0.0, 1.0)?;
        within("priority_beta", self.priority_beta, 0.0, 1.0)?;
        whole("replay_size", self.replay_size, 1, MAX_REPLAY)?;
        whole("batch_size", self.batch_size, 1, self.replay_size)?;
        whole("train_every", self.train_every, 1, u32::MAX)?;
        whole("learning_starts", self.learning_starts, 0, self.replay_size)?;
        whole("target_every", self.target_every, 1, u32::MAX)?;
        whole("window_size", self.window_size, 1, MAX_WINDOW)?;
        whole("entry_missing_max_attempts", self.entry_missing_max_attempts, 1, MAX_ATTEMPTS)?;
        positive("entry_missing_max_seconds", self.entry_missing_max_seconds, MAX_MISSING_SECONDS)?;
        if !self.tilings.is_power_of_two() {
            return Err(bad("tilings", "a power of two", self.tilings));
        }
        if self.bounds.len() > MAX_NUMBERS {
            let expected = format!("{MAX_NUMBERS} pairs at most");
            return Err(bad("bounds", expected, self.bounds.len()));
        }
        if let Some([low, high]) = self.bounds.iter().find(|range| !is_range(range)) {
            return Err(bad("bounds", "pairs [low, high] with low < high", format!("[{low}, {high}]")));
        }
        if self.hidden.len() > MAX_LAYERS {
            return Err(bad("hidden", format!("{MAX_LAYERS} layers at most"), self.hidden.len()));
        }
        for units in &self.hidden {
            whole("hidden", *units, 1, MAX_UNITS)?;
        }
        Ok(())
    }

    fn check_parts(&self) -> Result<(), ConfigError> {
        let (value, rule) = (self.value.name(), self.rule.name());
        let mismatch = |text: String| Err(ConfigError::Mismatch(text));
        if self.value == ValueKind::Network && !NETWORK_RULES.contains(&self.rule) {
            let names: Vec<_> = NETWORK_RULES.iter().map(|rule| rule.name()).collect();
            return mismatch(format!(
                "value {value:?} does not go with rule {rule:?}, only with {}",
                names.join(", ")
            ));
        }
        if self.rule == RuleKind::Reference && self.value != ValueKind::Table {
            return mismatch(format!("rule {rule:?} goes only with value \"table\", not with {value:?}"));
        }
        if self.rule == RuleKind::Reference && self.window_size < 2 {
            return mismatch(format!("rule {rule:?} trains nothing with a `window_size` below 2"));
        }
        if self.exploration == ExplorationKind::Ucb && self.value != ValueKind::Table {
            return mismatch(format!(
                "exploration \"ucb\" counts the visits of states: it goes only with value \"table\", not with \
                 {value:?}"
            ));
        }
        let reaches = self.epsilon_decay_enabled && self.epsilon_schedule == ScheduleKind::Reach;
        if reaches && self.epsilon_min <= 0.0 {
            return mismatch(
                "schedule \"reach\" never reaches 0: give `epsilon_min` above 0, or \"linear\"".into(),
            );
        }
        let rows = match self.value {
            ValueKind::Table => Some(("max_states", self.max_states)),
            ValueKind::Tiles => Some(("tile_weights", self.tile_weights)),
            _ => None,
        };
        if let Some((name, rows)) = rows
            && rows as usize > MAX_WEIGHTS / self.actions_n as usize
        {
            return mismatch(format!("`{name}` times `actions_n` is more than {MAX_WEIGHTS}"));
        }
        Ok(())
    }

    /// Sets parameters by their names, all of them or none. Numbers may be given as text, as old scripts
    /// do; `epsilon`, which the old learner's own script sends, means `epsilon_start`.
    ///
    /// # Errors
    /// An unknown name, or a value that cannot be; nothing is changed.
    pub fn set(&mut self, flat: &Map<String, Json>) -> Result<Vec<ConfigWarning>, ConfigError> {
        let mut warnings = Vec::new();
        let Ok(Json::Object(mut all)) = serde_json::to_value(&*self) else {
            // JSON knows every number that `check` lets through.
            return Err(ConfigError::Mismatch("the parameters cannot be written as JSON".into()));
        };
        for (given, value) in flat {
            let name = match given.as_str() {
                "epsilon" => "epsilon_start",
                name => name,
            };
            let Some(current) = all.get(name) else { return Err(unknown(given)) };
            let value = read(given, name, current, value)?;
            if name != given {
                let means = "`epsilon` is no parameter; it is taken as `epsilon_start`";
                if flat.contains_key(name) {
                    warnings.push(ConfigWarning(format!("{means}, which is given, too, and counts")));
                    continue;
                }
                warnings.push(ConfigWarning(means.into()));
            }
            all.insert(name.into(), value);
        }
        let changed: AgentConfig = serde_json::from_value(Json::Object(all))
            .map_err(|error| ConfigError::Mismatch(error.to_string()))?;
        changed.check()?;
        *self = changed;
        Ok(warnings)
    }
}

/// The value as this parameter's type, whose current value is `current`.
fn read(given: &str, name: &str, current: &Json, value: &Json) -> Result<Json, ConfigError> {
    let expected = expected(name, current);
    let wrong = || bad(given, &expected, value);
    let text = value.as_str().map(str::trim);
    let read = match current {
        Json::Bool(_) => match text {
            Some(text) => text.to_ascii_lowercase().parse().ok().map(Json::Bool),
            None => value.as_bool().map(Json::Bool),
        },
        Json::Number(current) => {
            let number = match text {
                Some(text) => text.parse().ok(),
                None => value.as_number().cloned(),
            };
            number
                .and_then(
                    |number: Number| if current.is_f64() { Some(number) } else { whole_number(&number) },
                )
                .map(Json::Number)
        }
        Json::Array(_) => match text {
            Some(text) => serde_json::from_str(text).ok(),
            None => Some(value.clone()),
        },
        _ => Some(value.clone()),
    };
    let read = read.ok_or_else(wrong)?;
    // Alone, so that an error is this parameter's.
    let alone = Json::Object(Map::from_iter([(name.to_owned(), read.clone())]));
    AgentConfig::deserialize(alone).map_err(|_| wrong())?;
    Ok(read)
}

fn whole_number(number: &Number) -> Option<Number> {
    match number.as_f64() {
        // Every whole number below is exact.
        Some(float) if number.is_f64() && float.fract() == 0.0 && (0.0..=2_f64.powi(53)).contains(&float) => {
            Some(Number::from(float as u64))
        }
        _ => number.is_u64().then(|| number.clone()),
    }
}

/// What a parameter may be, in words.
fn expected(name: &str, current: &Json) -> String {
    let one_of = |names: &[&str]| format!("one of {}", names.join(", "));
    match name {
        "value" => one_of(ValueKind::NAMES),
        "rule" => one_of(RuleKind::NAMES),
        "exploration" => one_of(ExplorationKind::NAMES),
        "epsilon_schedule" => one_of(ScheduleKind::NAMES),
        "backend" => one_of(Backend::NAMES),
        "replay" => one_of(ReplayKind::NAMES),
        "bounds" => "a list of pairs [low, high]".into(),
        "hidden" => "a list of whole numbers".into(),
        _ if current.is_boolean() => "true or false".into(),
        _ if current.is_f64() => "a number".into(),
        _ => "a whole number, 0 or more".into(),
    }
}

fn unknown(name: &str) -> ConfigError {
    let known = serde_json::to_value(AgentConfig::default()).unwrap_or_default();
    let names = known.as_object().into_iter().flat_map(Map::keys);
    let nearest = names
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(similar, _)| *similar > 0.75)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let suggestion = nearest.map_or_else(String::new, |(_, known)| format!("; did you mean {known:?}?"));
    ConfigError::UnknownParameter { name: name.into(), suggestion }
}

fn bad(name: &str, expected: impl Display, found: impl Display) -> ConfigError {
    ConfigError::BadValue { name: name.into(), expected: expected.to_string(), found: found.to_string() }
}

fn whole(name: &str, found: impl Into<u64>, low: u32, high: impl Into<u64>) -> Result<(), ConfigError> {
    let (found, low, high) = (found.into(), u64::from(low), high.into());
    match found {
        _ if (low..=high).contains(&found) => Ok(()),
        _ if high == u64::MAX => Err(bad(name, format!("a whole number, {low} or more"), found)),
        _ => Err(bad(name, format!("a whole number from {low} to {high}"), found)),
    }
}

fn within(name: &str, found: f64, low: f64, high: f64) -> Result<(), ConfigError> {
    match found {
        _ if (low..=high).contains(&found) => Ok(()),
        _ if low == -f64::MAX => Err(bad(name, "a finite number", found)),
        _ if high == f64::MAX => Err(bad(name, format!("a finite number, {low} or more"), found)),
        _ => Err(bad(name, format!("a number from {low} to {high}"), found)),
    }
}

fn positive(name: &str, found: f64, high: f64) -> Result<(), ConfigError> {
    if found > 0.0 && found <= high {
        return Ok(());
    }
    Err(bad(name, format!("a number above 0, {high} at most"), found))
}

impl AgentConfig {
    /// What the agent is made of, as far as it cannot change without forgetting what it has learned.
    pub fn composition(&self) -> String {
        let value = match self.value {
            ValueKind::Table => "table".into(),
            ValueKind::Tiles => {
                format!(
                    "tiles({} tilings, {} tiles, {} weights)",
                    self.tilings, self.tiles, self.tile_weights
                )
            }
            ValueKind::Fourier | ValueKind::Polynomial => format!("{}({})", self.value.name(), self.order),
            ValueKind::Network => {
                let dueling = if self.dueling { ", dueling" } else { "" };
                format!("network({:?}{dueling})", self.hidden)
            }
        };
        format!("{} on {value}, exploring by {}", self.rule.name(), self.exploration.name())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(config: &mut AgentConfig, flat: Json) -> Result<Vec<ConfigWarning>, ConfigError> {
        config.set(flat.as_object().unwrap())
    }

    fn changed(flat: Json) -> Result<AgentConfig, ConfigError> {
        let mut config = AgentConfig::default();
        set(&mut config, flat).map(|_| config)
    }

    fn error(flat: Json) -> String {
        changed(flat).unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_can_be() {
        assert_eq!(AgentConfig::default().check(), Ok(()));
    }

    #[test]
    fn the_authors_own_script_is_understood_with_a_warning() {
        let mut config = AgentConfig::default();
        let script = json!({
            "actions_n": 14, "alpha": 0.001, "beta": 0.1, "window_size": 10, "epsilon": 0.9,
            "epsilon_min": 0.05, "epsilon_decay": 0.9995, "epsilon_decay_enabled": true,
            "entry_missing_max_attempts": 50,
        });
        let warnings = set(&mut config, script).unwrap();
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].0.contains("epsilon_start"), "{warnings:?}");
        assert_eq!((config.actions_n, config.alpha, config.epsilon_start), (14, 0.001, 0.9));
        assert_eq!(config.gamma, AgentConfig::default().gamma, "the others stay");
    }

    #[test]
    fn epsilon_means_epsilon_start_unless_that_is_given_too() {
        assert_eq!(changed(json!({"epsilon": 0.3})).unwrap().epsilon_start, 0.3);
        assert_eq!(changed(json!({"epsilon": 0.3, "epsilon_start": 0.4})).unwrap().epsilon_start, 0.4);
        assert!(error(json!({"epsilon": "much"})).starts_with("epsilon: expected a number"));
    }

    #[test]
    fn an_unknown_name_is_refused_with_a_suggestion() {
        assert_eq!(error(json!({"alhpa": 0.1})), "unknown parameter \"alhpa\"; did you mean \"alpha\"?");
        assert!(error(json!({"epsilon_strat": 0.1})).ends_with("did you mean \"epsilon_start\"?"));
        assert_eq!(error(json!({"zzzz": 0.1})), "unknown parameter \"zzzz\"");
    }

    #[test]
    fn numbers_may_be_given_as_text() {
        let config = changed(json!({
            "alpha": "0.1", "actions_n": " 14 ", "steps": 8.0, "gamma": 1, "epsilon_decay_enabled": "False",
            "hidden": "[32, 16]", "bounds": [[0, 4], [0, 8.5]], "rule": "sarsa",
        }));
        let config = config.unwrap();
        assert_eq!((config.alpha, config.actions_n, config.steps, config.gamma), (0.1, 14, 8, 1.0));
        assert!(!config.epsilon_decay_enabled, "\"False\" is false, other than with the old learner");
        assert_eq!((config.hidden, config.bounds), (vec![32, 16], vec![[0.0, 4.0], [0.0, 8.5]]));
    }

    #[test]
    fn a_wrong_type_is_refused_with_what_was_expected() {
        for (flat, text) in [
            (json!({"alpha": "fast"}), "alpha: expected a number; found \"fast\""),
            (json!({"alpha": null}), "alpha: expected a number; found null"),
            (json!({"actions_n": 2.5}), "actions_n: expected a whole number, 0 or more; found 2.5"),
            (json!({"actions_n": -1}), "actions_n: expected a whole number, 0 or more; found -1"),
            (
                json!({"actions_n": 1e10}),
                "actions_n: expected a whole number, 0 or more; found 10000000000.0",
            ),
            (json!({"epsilon_decay_enabled": 1}), "epsilon_decay_enabled: expected true or false; found 1"),
            (json!({"replay": "all"}), "replay: expected one of uniform, prioritised; found \"all\""),
            (json!({"bounds": [1, 2]}), "bounds: expected a list of pairs [low, high]; found [1,2]"),
            (json!({"hidden": "64"}), "hidden: expected a list of whole numbers; found \"64\""),
        ] {
            assert_eq!(error(flat), text);
        }
    }

    #[test]
    fn a_value_out_of_its_range_is_refused_by_its_name() {
        for flat in [
            json!({"alpha": 0}),
            json!({"alpha": 1.5}),
            json!({"beta": -0.1}),
            json!({"gamma": 1.1}),
            json!({"lambda": -1}),
            json!({"steps": 0}),
            json!({"steps": 100_000}),
            json!({"actions_n": 0}),
            json!({"actions_n": 1_000_000}),
            json!({"epsilon_start": 1.1}),
            json!({"epsilon_min": -0.1}),
            json!({"epsilon_decay": 0}),
            json!({"epsilon_steps": 0}),
            json!({"ucb_c": -1}),
            json!({"max_states": 0}),
            json!({"tilings": 6}),
            json!({"tiles": 0}),
            json!({"tile_weights": 0}),
            json!({"order": 0}),
            json!({"bounds": [[1, 1]]}),
            json!({"hidden": [0]}),
            json!({"hidden": [1_000_000]}),
            json!({"hidden": [1, 1, 1, 1, 1, 1, 1, 1, 1]}),
            json!({"replay_size": 0}),
            json!({"batch_size": 60_000}),
            json!({"learning_starts": 60_000}),
            json!({"train_every": 0}),
            json!({"target_every": 0}),
            json!({"priority_alpha": 2}),
            json!({"priority_beta": 2}),
            json!({"window_size": 0}),
            json!({"entry_missing_max_attempts": 0}),
            json!({"entry_missing_max_seconds": 0}),
        ] {
            let name = flat.as_object().unwrap().keys().next().unwrap().clone();
            match changed(flat.clone()) {
                Err(ConfigError::BadValue { name: found, .. }) => assert_eq!(found, name),
                other => panic!("{flat}: {other:?}"),
            }
        }
        for name in ["alpha", "initial", "ucb_c", "entry_missing_max_seconds"] {
            for number in [f64::NAN, f64::INFINITY] {
                let mut config = AgentConfig::default();
                match name {
                    "alpha" => config.alpha = number,
                    "initial" => config.initial = number,
                    "ucb_c" => config.ucb_c = number,
                    _ => config.entry_missing_max_seconds = number,
                }
                assert!(matches!(config.check(), Err(ConfigError::BadValue { .. })), "{name} = {number}");
            }
        }
    }

    #[test]
    fn parts_that_do_not_go_together_are_refused() {
        for flat in [
            json!({"value": "network", "rule": "sarsa-lambda"}),
            json!({"value": "network", "rule": "differential-sarsa"}),
            json!({"value": "tiles", "rule": "reference"}),
            json!({"rule": "reference", "window_size": 1}),
            json!({"value": "fourier", "exploration": "ucb"}),
            json!({"epsilon_schedule": "reach", "epsilon_min": 0}),
            json!({"actions_n": 1_000, "max_states": 1_000_000}),
            json!({"value": "tiles", "actions_n": 1_000, "tile_weights": 1_000_000}),
        ] {
            assert!(matches!(changed(flat.clone()), Err(ConfigError::Mismatch(_))), "{flat}");
        }
        for flat in [
            json!({"value": "network", "rule": "q-learning"}),
            json!({"value": "tiles", "rule": "sarsa-lambda"}),
            json!({"value": "polynomial", "rule": "double-q-learning", "exploration": "boltzmann"}),
            json!({"rule": "reference", "exploration": "ucb"}),
            json!({"exploration": "boltzmann", "epsilon_start": 5.0}),
        ] {
            assert!(changed(flat.clone()).is_ok(), "{flat}");
        }
    }

    #[test]
    fn parameters_are_set_all_or_none() {
        let mut config = AgentConfig::default();
        for flat in [
            json!({"alpha": 0.5, "gama": 0.5}),
            json!({"alpha": 0.5, "gamma": 7}),
            json!({"alpha": 0.5, "gamma": "x"}),
            json!({"alpha": 0.5, "value": "tiles", "exploration": "ucb"}),
        ] {
            assert!(set(&mut config, flat).is_err());
            assert_eq!(config, AgentConfig::default());
        }
    }
}
