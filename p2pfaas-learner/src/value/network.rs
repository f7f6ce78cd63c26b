//! A neural network as a value function.

use p2pfaas_core::agent::StateSpace;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::ValueFunction;
use crate::config::{AgentConfig, Backend, ConfigError};
#[cfg(feature = "torch")]
use crate::network::Adam;
#[cfg(feature = "torch")]
use crate::network::torch::{Script, TorchError, TorchNetwork, files};
use crate::network::{Mlp, NetworkShape, NetworkState, QNetwork, Scaling, WrongSize};

/// Parameters of a network, at most.
pub const MAX_PARAMETERS: usize = 1 << 26;

/// A network with the ranges that its inputs are scaled by. It is stored in the same form whatever
/// computes it; where the stored backend is not built in, ndarray takes over.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Network {
    scaling: Scaling,
    initial: f32,
    backend: Backend,
    engine: Engine,
    /// Since the last publication.
    changed: bool,
}

/// What computes it.
#[derive(Debug, Clone)]
enum Engine {
    Ndarray(Mlp),
    #[cfg(feature = "torch")]
    Torch(TorchNetwork),
    #[cfg(feature = "torch")]
    Script(Script),
}

/// A network that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// A layer without units, or more parameters than are kept.
    #[error("a network needs units in every layer and {MAX_PARAMETERS} parameters at most")]
    Shape,
    /// Its parameters are those of another one.
    #[error(transparent)]
    Size(#[from] WrongSize),
    /// It is a TorchScript module.
    #[error("a TorchScript module only acts, and only in a program built with the feature `torch`")]
    Script,
    /// libtorch refused it.
    #[cfg(feature = "torch")]
    #[error(transparent)]
    Torch(#[from] TorchError),
}

impl From<NetworkError> for ConfigError {
    fn from(error: NetworkError) -> Self {
        ConfigError::Mismatch(error.to_string())
    }
}

impl Network {
    /// A network with random weights.
    ///
    /// # Errors
    /// Nobody has declared the ranges of a state's numbers; the network is too large; the backend is not
    /// built in.
    pub fn new(
        config: &AgentConfig,
        space: Option<&StateSpace>,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Result<Self, ConfigError> {
        if config.backend == Backend::Torch && cfg!(not(feature = "torch")) {
            return Err(ConfigError::Mismatch(
                "backend = \"torch\" needs a program built with libtorch: LIBTORCH=DIR cargo build \
                 --features torch, where p2pfaas-learner/torch/libtorch-cpu.sh DIR puts one; or set \
                 backend = \"ndarray\""
                    .into(),
            ));
        }
        let scaling = Scaling::new(config, space)?;
        let shape = NetworkShape {
            inputs: scaling.inputs(),
            hidden: config.hidden.iter().map(|units| *units as usize).collect(),
            actions: config.actions_n as usize,
            dueling: config.dueling,
        };
        check(&shape)?;
        let initial = config.initial as f32;
        let state = shape.random(initial, rng);
        let engine = Engine::new(config.backend, shape, state)?;
        Ok(Network { scaling, initial, backend: config.backend, engine, changed: false })
    }

    /// Its layers; for a TorchScript module only what it takes and gives.
    pub fn shape(&self) -> &NetworkShape {
        match &self.engine {
            Engine::Ndarray(network) => network.shape(),
            #[cfg(feature = "torch")]
            Engine::Torch(network) => network.shape(),
            #[cfg(feature = "torch")]
            Engine::Script(script) => script.shape(),
        }
    }

    /// Its parameters, in the order of [`NetworkShape`]; none for a TorchScript module.
    pub fn parameters(&self) -> Vec<f32> {
        self.learned().parameters
    }

    /// Appends a state's inputs.
    pub fn scale(&self, state: &[f64], out: &mut impl Extend<f32>) {
        self.scaling.scale(state, out);
    }

    /// Whether it is a TorchScript module, which cannot be trained.
    pub fn only_acts(&self) -> bool {
        match &self.engine {
            #[cfg(feature = "torch")]
            Engine::Script(_) => true,
            _ => false,
        }
    }

    /// The network to train; `None` if it only acts.
    pub fn trainable(&mut self) -> Option<&mut dyn QNetwork> {
        self.changed = !self.only_acts();
        match &mut self.engine {
            Engine::Ndarray(network) => Some(network),
            #[cfg(feature = "torch")]
            Engine::Torch(network) => Some(network),
            #[cfg(feature = "torch")]
            Engine::Script(_) => None,
        }
    }

    /// A copy with the same values and a fresh optimiser.
    pub(crate) fn twin(&self) -> Self {
        let mut twin = self.clone();
        match &mut twin.engine {
            Engine::Ndarray(network) => network.forget_optimiser(),
            #[cfg(feature = "torch")]
            Engine::Torch(network) => network.forget_optimiser(),
            #[cfg(feature = "torch")]
            Engine::Script(_) => {}
        }
        twin
    }

    /// Takes over the parameters of another network that began as a copy of this one.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        if self.shape() != other.shape() {
            let changed = self.changed;
            *self = Network { changed, ..other.twin() };
            return;
        }
        match (&mut self.engine, &other.engine) {
            (Engine::Ndarray(to), Engine::Ndarray(from)) => to.copy_from(from),
            #[cfg(feature = "torch")]
            (Engine::Torch(to), Engine::Torch(from)) => to.copy_from(from),
            #[cfg(feature = "torch")]
            (to, from) => *to = from.clone(),
        }
    }

    fn learned(&self) -> NetworkState {
        match &self.engine {
            Engine::Ndarray(network) => network.state(),
            #[cfg(feature = "torch")]
            Engine::Torch(network) => network.state(),
            #[cfg(feature = "torch")]
            Engine::Script(_) => NetworkState { parameters: Vec::new(), adam: Adam::default() },
        }
    }
}

/// Exchange with other programs of libtorch.
#[cfg(feature = "torch")]
impl Network {
    /// A TorchScript module, which acts and never learns. It is given rows of inputs scaled to [-1, 1],
    /// and answers rows of as many values as there are actions.
    ///
    /// # Errors
    /// Nobody has declared the ranges of a state's numbers; it is no such module.
    pub fn from_script(
        config: &AgentConfig,
        space: Option<&StateSpace>,
        module: Vec<u8>,
    ) -> Result<Self, ConfigError> {
        let scaling = Scaling::new(config, space)?;
        let script = Script::new(module, scaling.inputs()).map_err(NetworkError::from)?;
        let engine = Engine::Script(script);
        Ok(Network {
            scaling,
            initial: config.initial as f32,
            backend: Backend::Torch,
            engine,
            changed: false,
        })
    }

    /// Writes its parameters into a file; see [`files::save`].
    ///
    /// # Errors
    /// The file cannot be written; it is a TorchScript module.
    pub fn save(&self, path: &std::path::Path) -> Result<(), NetworkError> {
        Ok(files::save(self.shape(), &self.parameters(), path)?)
    }

    /// Takes its parameters from a file; see [`files::load`].
    ///
    /// # Errors
    /// The file cannot be read, or holds another network; nothing is changed.
    pub fn load(&mut self, path: &std::path::Path) -> Result<(), NetworkError> {
        let parameters = files::load(self.shape(), path)?;
        match self.trainable() {
            Some(network) => Ok(network.set_parameters(&parameters)?),
            None => Err(NetworkError::Script),
        }
    }
}

impl Engine {
    fn new(backend: Backend, shape: NetworkShape, state: NetworkState) -> Result<Self, NetworkError> {
        match backend {
            #[cfg(feature = "torch")]
            Backend::Torch => Ok(Engine::Torch(TorchNetwork::new(shape, state)?)),
            _ => Ok(Engine::Ndarray(Mlp::new(shape, state)?)),
        }
    }
}

impl ValueFunction for Network {
    fn actions(&self) -> usize {
        self.shape().actions
    }

    /// A new action is worth `initial`; in a dueling network, as much as its state. A TorchScript module
    /// never takes an action that it does not know.
    fn grow(&mut self, actions: usize) {
        let mut shape = self.shape().clone();
        if actions <= shape.actions {
            return;
        }
        #[cfg(feature = "torch")]
        if let Engine::Script(script) = &mut self.engine {
            return script.grow(actions);
        }
        let state = shape.grow(self.learned(), actions, self.initial);
        match Engine::new(self.backend, shape, state) {
            Ok(engine) => (self.engine, self.changed) = (engine, true),
            Err(error) => tracing::error!(%error, "the network cannot take more actions"),
        }
    }

    fn values(&self, state: &[f64], out: &mut Vec<f64>) {
        let mut inputs: SmallVec<[f32; 32]> = SmallVec::new();
        self.scaling.scale(state, &mut inputs);
        let mut values: SmallVec<[f32; 64]> = SmallVec::from_elem(0.0, self.actions());
        match &self.engine {
            Engine::Ndarray(network) => network.forward(&inputs, &mut values),
            #[cfg(feature = "torch")]
            Engine::Torch(network) => network.forward(&inputs, &mut values),
            #[cfg(feature = "torch")]
            Engine::Script(script) => script.forward(&inputs, &mut values),
        }
        out.clear();
        out.extend(values.iter().map(|value| f64::from(*value)));
    }

    fn update(&mut self, state: &[f64], action: usize, amount: f64) {
        let mut inputs: SmallVec<[f32; 32]> = SmallVec::new();
        self.scaling.scale(state, &mut inputs);
        if action < self.actions()
            && let Some(network) = self.trainable()
        {
            network.nudge(&inputs, action, amount);
        }
    }

    fn publish(&mut self, to: &mut Self) {
        self.grow(to.actions());
        if std::mem::take(&mut self.changed) {
            to.copy_from(self);
        }
    }
}

/// Refuses layers without units, and networks that are too large.
fn check(shape: &NetworkShape) -> Result<(), NetworkError> {
    let is_small = shape.parameters().is_some_and(|parameters| parameters <= MAX_PARAMETERS);
    let has_units = shape.inputs > 0 && shape.actions > 0 && shape.hidden.iter().all(|units| *units > 0);
    if is_small && has_units { Ok(()) } else { Err(NetworkError::Shape) }
}

/// A network as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    scaling: Scaling,
    initial: f32,
    backend: Backend,
    shape: NetworkShape,
    state: NetworkState,
    /// A TorchScript module instead of all that is learned.
    script: Option<Vec<u8>>,
}

impl From<Network> for Stored {
    fn from(network: Network) -> Self {
        let (shape, state) = (network.shape().clone(), network.learned());
        let script = match network.engine {
            #[cfg(feature = "torch")]
            Engine::Script(script) => Some(script.into_module()),
            _ => None,
        };
        let Network { scaling, initial, backend, .. } = network;
        Stored { scaling, initial, backend, shape, state, script }
    }
}

impl TryFrom<Stored> for Network {
    type Error = NetworkError;

    fn try_from(stored: Stored) -> Result<Self, NetworkError> {
        let Stored { scaling, initial, backend, shape, state, script } = stored;
        check(&shape)?;
        if scaling.inputs() != shape.inputs {
            return Err(NetworkError::Shape);
        }
        let engine = match script {
            None => Engine::new(backend, shape, state)?,
            #[cfg(feature = "torch")]
            Some(module) => {
                let mut script = Script::new(module, shape.inputs)?;
                script.grow(shape.actions);
                Engine::Script(script)
            }
            #[cfg(not(feature = "torch"))]
            Some(_) => return Err(NetworkError::Script),
        };
        Ok(Network { scaling, initial, backend, engine, changed: true })
    }
}

#[cfg(test)]
mod tests {
    use rand_xoshiro::rand_core::SeedableRng;

    use super::*;

    fn config(dueling: bool) -> AgentConfig {
        AgentConfig {
            bounds: vec![[0.0, 4.0], [0.0, 4.0]],
            hidden: vec![16],
            actions_n: 3,
            initial: 2.0,
            dueling,
            ..AgentConfig::default()
        }
    }

    fn network(dueling: bool) -> Network {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        Network::new(&config(dueling), None, &mut rng).expect("a network")
    }

    fn values(network: &Network, state: &[f64]) -> Vec<f64> {
        let mut values = Vec::new();
        network.values(state, &mut values);
        values
    }

    #[test]
    fn what_has_not_been_tried_is_worth_about_the_initial_value() {
        for dueling in [false, true] {
            let values = values(&network(dueling), &[1.0, 3.0]);
            assert!(values.iter().all(|value| (value - 2.0).abs() < 0.5), "{values:?}");
        }
    }

    #[test]
    fn more_actions_leave_the_values_of_the_others_alone() {
        for dueling in [false, true] {
            let mut network = network(dueling);
            let state = [1.0, 3.0];
            (0..50).for_each(|_| network.update(&state, 1, 0.01));
            let before = values(&network, &state);
            network.grow(5);
            let after = values(&network, &state);
            assert_eq!(after.len(), 5);
            for (before, after) in before.iter().zip(&after) {
                assert!((before - after).abs() < 1e-5, "{before} {after}");
            }
            let expected = if dueling { before.iter().sum::<f64>() / 3.0 } else { 2.0 };
            assert!(after[3..].iter().all(|value| (value - expected).abs() < 1e-5), "{after:?}");
            (0..200).for_each(|_| network.update(&state, 4, 0.01));
            assert!(values(&network, &state)[4] > after[4] + 0.5, "a new action can be learned");
        }
    }

    #[test]
    fn updates_reach_an_earlier_copy_when_they_are_published() {
        let mut network = network(true);
        let mut copy = network.clone();
        network.update(&[1.0, 1.0], 0, 0.5);
        assert_ne!(values(&network, &[1.0, 1.0]), values(&copy, &[1.0, 1.0]));
        network.publish(&mut copy);
        assert_eq!(values(&network, &[1.0, 1.0]), values(&copy, &[1.0, 1.0]));
        copy.grow(6);
        network.update(&[1.0, 1.0], 0, 0.5);
        network.publish(&mut copy);
        assert_eq!((network.actions(), copy.actions()), (6, 6));
        assert_eq!(values(&network, &[1.0, 1.0]), values(&copy, &[1.0, 1.0]));
    }

    #[test]
    fn a_stored_network_is_the_same_to_the_last_bit() {
        let mut network = network(true);
        network.update(&[1.0, 1.0], 0, 0.5);
        let bytes = postcard::to_stdvec(&network).expect("can be stored");
        let stored: Network = postcard::from_bytes(&bytes).expect("can be read");
        assert_eq!(network.parameters(), stored.parameters());
        assert_eq!(bytes, postcard::to_stdvec(&stored).expect("can be stored"));
    }

    #[test]
    fn stored_networks_that_do_not_fit_together_are_refused() {
        let stored = || Stored::from(network(false));
        let read = |stored: Stored| Network::try_from(stored).map(|_| ());
        assert_eq!(read(stored()), Ok(()));
        let mut short = stored();
        short.state.parameters.pop();
        assert!(matches!(read(short), Err(NetworkError::Size(_))));
        let mut empty = stored();
        empty.shape.hidden = vec![0];
        assert_eq!(read(empty), Err(NetworkError::Shape));
        let mut huge = stored();
        huge.shape.hidden = vec![usize::MAX, usize::MAX];
        assert_eq!(read(huge), Err(NetworkError::Shape));
        let mut narrow = stored();
        narrow.shape = NetworkShape { inputs: 1, hidden: vec![21], actions: 1, dueling: false };
        narrow.state.parameters.truncate(64);
        assert_eq!(read(narrow), Err(NetworkError::Shape));
    }

    #[cfg(not(feature = "torch"))]
    #[test]
    fn without_libtorch_its_backend_is_refused_with_the_way_to_get_it() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let config = AgentConfig { backend: Backend::Torch, ..config(false) };
        let error = Network::new(&config, None, &mut rng).map(|_| ()).expect_err("not built in");
        assert!(error.to_string().contains("--features torch"), "{error}");
        let mut trained_elsewhere = Stored::from(network(false));
        trained_elsewhere.backend = Backend::Torch;
        assert!(Network::try_from(trained_elsewhere).is_ok(), "its parameters are as good here");
    }
}
