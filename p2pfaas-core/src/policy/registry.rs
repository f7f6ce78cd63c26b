//! The policies that a program knows, by name.

use std::collections::BTreeMap;

use super::shed::{SHED, ShedLate, WORDS};
use super::*;

/// A kind of policy: how a value of it is built from parameters.
pub trait PolicyKind: Policy + Sized + 'static {
    /// Its name on the wire and in experiment files.
    const NAME: &str;
    /// Its parameters, in the order of the wire.
    const PARAMETERS: &[Parameter];
    /// What it takes besides, by name only: `key=value` behind the parameters on the wire, which old nodes
    /// pass over. The option `shed`, which every policy has, is not among them.
    const OPTIONS: &[Parameter] = &[];

    /// Builds it.
    ///
    /// # Errors
    /// A parameter that is missing or has a value that it cannot have.
    fn build(values: &mut Values) -> Result<Self, PolicyError>;
}

/// Options of all policies, behind their own.
pub static ALL_HAVE: [Parameter; 1] = [SHED];

type Build = fn(Values) -> Result<Box<dyn Policy>, PolicyError>;

#[derive(Clone, Copy)]
struct Kind {
    parameters: &'static [Parameter],
    options: &'static [Parameter],
    build: Build,
}

/// The policies that can be chosen by name. A program that brings policies of its own starts from
/// [`Registry::builtin`] and registers them.
#[derive(Clone)]
pub struct Registry {
    kinds: BTreeMap<&'static str, Kind>,
}

impl Registry {
    /// The policies of this crate.
    pub fn builtin() -> Self {
        let mut registry = Registry { kinds: BTreeMap::new() };
        registry.register::<NoScheduler>();
        registry.register::<RejectScheduler>();
        registry.register::<ForwardScheduler>();
        registry.register::<PowerOfNScheduler>();
        registry.register::<PowerOfNSchedulerTau>();
        registry.register::<RoundRobinWithMasterScheduler>();
        registry.register::<LearningScheduler>();
        registry.register::<OfferScheduler>();
        registry
    }

    /// Adds a policy; one of the same name is replaced.
    pub fn register<K: PolicyKind>(&mut self) {
        let build: Build = |mut values| {
            let policy = K::build(&mut values)?;
            let sheds = values.one_of(SHED.name, &WORDS)? == WORDS[1];
            values.finish()?;
            let policy = Box::new(policy);
            Ok(if sheds { Box::new(ShedLate { policy }) } else { policy })
        };
        self.kinds.insert(K::NAME, Kind { parameters: K::PARAMETERS, options: K::OPTIONS, build });
    }

    /// Names and parameters of all policies, in the order of their names.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, &'static [Parameter])> + '_ {
        self.kinds.iter().map(|(name, kind)| (*name, kind.parameters))
    }

    /// The options of a policy, its own and then those of all; none for one that is not known.
    pub fn options(&self, name: &str) -> impl Iterator<Item = &'static Parameter> + use<> {
        let own = self.kinds.get(name).map(|kind| kind.options);
        own.into_iter().flat_map(|own| own.iter().chain(&ALL_HAVE))
    }

    /// Builds a policy from its wire form.
    ///
    /// # Errors
    /// Unknown name, too few parameters, a bad value, an unknown `key=value` option.
    pub fn build(&self, descriptor: &Descriptor) -> Result<Box<dyn Policy>, PolicyError> {
        let kind = self.kind(&descriptor.name)?;
        (kind.build)(Values::from_wire(&descriptor.name, kind.parameters, &descriptor.parameters)?)
    }

    /// Builds a policy from its typed form: parameters by name, defaults for those left out.
    ///
    /// # Errors
    /// Unknown name, a bad value, an unknown parameter.
    pub fn build_typed(
        &self,
        name: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Box<dyn Policy>, PolicyError> {
        let kind = self.kind(name)?;
        (kind.build)(Values::from_typed(kind.parameters, parameters))
    }

    fn kind(&self, name: &str) -> Result<Kind, PolicyError> {
        self.kinds.get(name).copied().ok_or_else(|| PolicyError::UnknownName {
            name: name.chars().take(80).collect(),
            known: self.kinds.keys().copied().collect::<Vec<_>>().join(", "),
        })
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.kinds.keys()).finish()
    }
}
