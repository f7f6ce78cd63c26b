//! A configuration while it is put together.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use p2pfaas_core::membership::MembershipConfig;
use p2pfaas_core::policy::Registry;
use p2pfaas_core::wire::{DISCOVERY_PORT, LEARNER_PORT, LEARNER_WEBSOCKET_PORT, PORT};
use p2pfaas_learner::service::access::SecretPlace;

use super::errors::Problem;
use super::functions::{self, FunctionSpec};
use super::given::{Given, Value};
use super::keys::{Key, Set};
use super::value::LearnerKey;
use super::{LogFormat, LogSettings, policy, value};
use crate::settings::{AgentSettings, Settings};

/// The settings, and what must be looked at together before they are complete.
pub(super) struct Draft {
    pub settings: Settings,
    pub open: bool,
    pub cluster_key: Option<SecretPlace>,
    pub tokens: Option<SecretPlace>,
    pub learner_token: Option<SecretPlace>,
    /// `None`: where `listen` is.
    pub gossip_listen: Option<Option<SocketAddr>>,
    pub gossip_times: (Duration, Duration),
    pub functions: Vec<FunctionSpec>,
    pub openfaas_url: Option<Uri>,
    pub openfaas_user_file: Option<PathBuf>,
    pub openfaas_password_file: Option<PathBuf>,
    pub learner: LearnerKey,
    pub agent: AgentSettings,
    pub agent_config: Option<PathBuf>,
    pub agent_table: Option<PathBuf>,
    pub seed: Option<u64>,
    pub config: Option<PathBuf>,
    pub log: LogSettings,
    pub threads: usize,
    /// Where each key has its value from; a key that is not here has its default.
    pub origins: BTreeMap<&'static str, String>,
}

impl Default for Draft {
    /// The defaults of the service: those of [`Settings`], at the ports that everybody knows.
    fn default() -> Self {
        let loopback = |port| (Ipv4Addr::LOCALHOST, port).into();
        Draft {
            settings: Settings {
                listen: loopback(PORT),
                discovery_listen: Some(loopback(DISCOVERY_PORT)),
                learner_listen: Some(loopback(LEARNER_PORT)),
                learner_ws_listen: Some(loopback(LEARNER_WEBSOCKET_PORT)),
                ..Settings::default()
            },
            open: false,
            cluster_key: None,
            tokens: None,
            learner_token: None,
            gossip_listen: None,
            gossip_times: {
                let MembershipConfig { probe_interval, suspicion, .. } = MembershipConfig::default();
                (probe_interval, suspicion)
            },
            functions: Vec::new(),
            openfaas_url: None,
            openfaas_user_file: Some("/run/secrets/basic-auth-user".into()),
            openfaas_password_file: Some("/run/secrets/basic-auth-password".into()),
            learner: LearnerKey::Here,
            agent: AgentSettings::default(),
            agent_config: None,
            agent_table: None,
            seed: None,
            config: None,
            log: LogSettings { filter: "info".into(), format: LogFormat::Text },
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            origins: BTreeMap::new(),
        }
    }
}

impl Draft {
    /// Takes a key's value, unless a source before has given one: then it is only checked.
    pub(super) fn apply(&mut self, key: &'static Key, given: &Given, registry: &Registry) -> Vec<Problem> {
        if self.origins.contains_key(key.name) {
            return Draft::default().set(key, given, registry);
        }
        self.origins.insert(key.name, given.origin.clone());
        self.set(key, given, registry)
    }

    /// Where a key has its value from.
    pub(super) fn origin(&self, key: &str) -> &str {
        self.origins.get(key).map_or("default", String::as_str)
    }

    fn set(&mut self, key: &'static Key, given: &Given, registry: &Registry) -> Vec<Problem> {
        let wrong = |given: &Given, expected| {
            Problem::value(key.name, &given.origin, expected, &given.instead_for(key))
        };
        match (&key.set, &given.value) {
            (Set::Text(set), Value::Text(text)) => {
                set(self, text).err().map(|expected| wrong(given, expected)).into_iter().collect()
            }
            (Set::Secret(place), Value::Text(text)) => match SecretPlace::parse(text) {
                Ok(secret) => {
                    *place(self) = secret;
                    Vec::new()
                }
                Err(expected) => vec![wrong(given, expected)],
            },
            (Set::Switch(place), Value::Text(text)) => match value::switch(text) {
                Ok(on) => {
                    *place(self) = on;
                    Vec::new()
                }
                Err(expected) => vec![wrong(given, expected)],
            },
            (Set::List(place, read), Value::Text(_) | Value::List(_)) => {
                let mut problems = Vec::new();
                for item in given.items() {
                    match &item.value {
                        Value::Text(text) => match read(text) {
                            Ok(value) => place(self).push(value),
                            Err(expected) => problems.push(wrong(item, expected)),
                        },
                        _ => problems.push(wrong(item, "a text".into())),
                    }
                }
                problems
            }
            (Set::Policy(place), _) => match policy::read(key.name, given, registry) {
                Ok(descriptor) => {
                    *place(self) = descriptor;
                    Vec::new()
                }
                Err(problem) => vec![problem],
            },
            (Set::Functions, _) => functions::read(given, &mut self.functions),
            (Set::Text(_) | Set::Switch(_) | Set::Secret(_), _) => vec![wrong(given, "one value".into())],
            (Set::List(..), Value::Table(_)) => vec![wrong(given, "a list of texts".into())],
        }
    }
}

impl Given {
    /// The items of a list; anything else is one item.
    pub(super) fn items(&self) -> &[Given] {
        match &self.value {
            Value::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }
}
