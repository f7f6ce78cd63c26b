//! Environment variables: ours, and those of the reference (fact sheet 1.6, 1.8).

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::errors::Problem;
use super::given::{Given, Layer, Value};
use super::keys::{KEYS, Key, PREFIX, Set};
use super::suggest::nearest;
use super::value;

const MACHINE_ID: &str = "machine-id";
/// How balena names the device to its containers: its machine, if no other id is given.
const DEVICE: &str = "BALENA_DEVICE_UUID";

/// Reads the variables whose names begin with `P2PFAAS_`. An empty one says nothing: that is how
/// a compose file gives one that is not set.
pub(super) fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Layer {
    let mut layer = Layer::default();
    let mut texts = BTreeMap::new();
    let mut device = None;
    for (name, value) in variables {
        if name == DEVICE {
            device = value.into_string().ok().filter(|id| !id.is_empty());
            continue;
        }
        let Some(name) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        match value.into_string() {
            Ok(text) if text.trim().is_empty() => {}
            Ok(text) => {
                texts.insert(name.to_string(), text.trim().to_string());
            }
            Err(value) => {
                let found = value.to_string_lossy();
                layer.wrong(Problem::value(&key_name(name), &origin(name), "UTF-8", &found));
            }
        }
    }

    if let (Some(key), Some(device), false) =
        (Key::named(MACHINE_ID), &device, texts.contains_key("MACHINE_ID"))
    {
        layer.give(key, Given::words(key, device, &format!("environment variable {DEVICE}")));
    }
    let old = Old::take(&mut texts);
    for (name, text) in &texts {
        let key = Key::named(&name.to_lowercase()).filter(|_| !name.contains('-'));
        match key {
            Some(key) => layer.give(key, Given::words(key, text, &origin(name))),
            None => unknown(name, text, &mut layer),
        }
    }
    old.give(&mut layer);
    layer.values.retain(|(_, given)| !matches!(&given.value, Value::List(items) if items.is_empty()));
    layer
}

/// Other programs' variables may begin in the same way (Kubernetes makes some for services of this
/// name), so that an unknown one is an error only where it looks like a slip.
fn unknown(name: &str, text: &str, layer: &mut Layer) {
    let variables: Vec<String> = KEYS.iter().map(Key::variable).collect();
    let bare = variables.iter().filter_map(|variable| variable.strip_prefix(PREFIX));
    match nearest(name, bare) {
        Some(meant) => {
            let key = Key::named(&meant.to_lowercase());
            let secret = key.is_some_and(|key| matches!(key.set, Set::Secret(_)));
            let text = if secret { "something that is not shown" } else { text };
            let expected = format!("a known variable; did you mean {PREFIX}{meant}?");
            layer.wrong(Problem::value(&format!("{PREFIX}{name}"), "environment", expected, text));
        }
        None => layer.warnings.push(format!("the variable {PREFIX}{name} is unknown and has no effect")),
    }
}

/// The reference's variables that go by other names here, or are written in another way.
struct Old {
    texts: BTreeMap<&'static str, String>,
}

impl Old {
    const NAMES: [&str; 19] = [
        "DEV_ENV",
        "LOG_ENV",
        "DATA_PATH",
        "PROF",
        "FNS_LIST",
        "OPENFAAS_ENABLED",
        "OPENFAAS_HOST",
        "OPENFAAS_PORT",
        "SERVICE_LEARNING_HOST",
        "SERVICE_LEARNING_PORT",
        "SERVICE_DISCOVERY_HOST",
        "SERVICE_DISCOVERY_PORT",
        "LISTENING_HOST",
        "LISTENING_PORT",
        "POLL_TIME",
        "POLL_TIMEOUT",
        "MACHINE_DEAD_POLLS_THRESHOLD",
        "DEFAULT_IFACE",
        "INIT_SERVERS",
    ];

    fn take(texts: &mut BTreeMap<String, String>) -> Self {
        let taken = Self::NAMES.into_iter().filter_map(|name| Some((name, texts.remove(name)?)));
        Old { texts: taken.collect() }
    }

    fn give(&self, layer: &mut Layer) {
        for name in ["DEV_ENV", "LOG_ENV"] {
            // Any other value is production, as in the reference.
            if self.get(name) == Some("development") {
                let (key, text) = match name {
                    "DEV_ENV" => ("development", "true"),
                    _ => ("log", "info,p2pfaas_node=debug"),
                };
                self.put(layer, key, name, text);
            }
        }
        let plain = [("DATA_PATH", "data"), ("MACHINE_DEAD_POLLS_THRESHOLD", "dead-polls")];
        for (name, key) in plain.into_iter().chain([("INIT_SERVERS", "init-server")]) {
            if let Some(text) = self.get(name) {
                self.put(layer, key, name, text);
            }
        }
        // Seconds in the reference; the second name is also ours, where spans have a unit.
        for (name, key) in [("POLL_TIME", "poll-interval"), ("POLL_TIMEOUT", "poll-timeout")] {
            if let Some(text) = self.get(name) {
                let bare = text.bytes().all(|byte| byte.is_ascii_digit());
                self.put(layer, key, name, &if bare { format!("{text}s") } else { text.to_string() });
            }
        }
        if let Some(name) = self.first(["LISTENING_PORT", "LISTENING_HOST"]) {
            let host = self.get("LISTENING_HOST").unwrap_or("127.0.0.1");
            let port = self.get("LISTENING_PORT").unwrap_or("19000");
            let host = if host.contains(':') { format!("[{host}]") } else { host.to_string() };
            self.put(layer, "discovery-listen", name, &format!("{host}:{port}"));
        }
        if let Some(host) = self.get("SERVICE_LEARNING_HOST") {
            let port = self.get("SERVICE_LEARNING_PORT").unwrap_or("19020");
            let host = if host.contains(':') { format!("[{host}]") } else { host.to_string() };
            self.put(layer, "learner", "SERVICE_LEARNING_HOST", &format!("{host}:{port}"));
        } else if self.get("SERVICE_LEARNING_PORT").is_some() {
            let why = "has no effect without P2PFAAS_SERVICE_LEARNING_HOST";
            layer.warnings.push(format!("the variable {PREFIX}SERVICE_LEARNING_PORT {why}"));
        }
        let openfaas = self.openfaas(layer);
        if let Some(list) = self.get("FNS_LIST") {
            let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
            let functions = names.map(|name| match openfaas {
                true => format!("{name}=openfaas:{name}"),
                // The reference's rule: a function's name is its host's.
                false => format!("{name}=http://{name}:8080"),
            });
            self.put(layer, "function", "FNS_LIST", &functions.collect::<Vec<_>>().join(","));
        }
        self.warn(layer);
    }

    /// Whether there is a gateway.
    fn openfaas(&self, layer: &mut Layer) -> bool {
        const NAME: &str = "OPENFAAS_ENABLED";
        match self.get(NAME).map(value::switch) {
            Some(Ok(true)) => {
                let host = self.get("OPENFAAS_HOST").unwrap_or("faas_containers-openfaas-swarm");
                let port = self.get("OPENFAAS_PORT").unwrap_or("8080");
                let name = self.first(["OPENFAAS_HOST", "OPENFAAS_PORT"]).unwrap_or(NAME);
                self.put(layer, "openfaas-url", name, &format!("http://{host}:{port}"));
                true
            }
            Some(Err(expected)) => {
                let found = self.get(NAME).unwrap_or_default();
                layer.wrong(Problem::value("openfaas-url", &origin(NAME), expected, found));
                false
            }
            Some(Ok(false)) | None => {
                if let Some(name) = self.first(["OPENFAAS_HOST", "OPENFAAS_PORT"]) {
                    let why = "has no effect without P2PFAAS_OPENFAAS_ENABLED=true";
                    layer.warnings.push(format!("the variable {PREFIX}{name} {why}"));
                }
                false
            }
        }
    }

    fn warn(&self, layer: &mut Layer) {
        let mut warn = |names: &[&str], why: &str| {
            for name in names.iter().filter(|name| self.texts.contains_key(*name)) {
                layer.warnings.push(format!("the variable {PREFIX}{name} has no effect: {why}"));
            }
        };
        warn(
            &["SERVICE_DISCOVERY_HOST", "SERVICE_DISCOVERY_PORT"],
            "the discovery is part of the node (--discovery-listen)",
        );
        warn(&["DEFAULT_IFACE"], "interfaces are not searched for an address; give it with --machine-ip");
        if self.get("PROF").is_some_and(|text| value::switch(text) != Ok(false)) {
            warn(&["PROF"], "there is no such profiler");
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// The first of these that is given.
    fn first(&self, names: [&'static str; 2]) -> Option<&'static str> {
        names.into_iter().find(|name| self.texts.contains_key(name))
    }

    /// Gives a key what an old variable says, unless the key's own variable has.
    fn put(&self, layer: &mut Layer, key: &str, name: &str, text: &str) {
        let Some(key) = Key::named(key) else { return };
        if layer.has(key) {
            let own = key.variable();
            layer.warnings.push(format!("the variable {PREFIX}{name} has no effect: {own} is given"));
        } else {
            layer.give(key, Given::words(key, text, &origin(name)));
        }
    }
}

fn origin(name: &str) -> String {
    format!("environment {PREFIX}{name}")
}

fn key_name(variable: &str) -> String {
    variable.to_lowercase().replace('_', "-")
}
