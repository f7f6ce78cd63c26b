//! An experiment file with everything said that it leaves unsaid: what a reader of results needs, and what
//! can be run again whatever the defaults are by then. What its author wrote stays as it was written.

use p2pfaas_core::policy::Registry;
use p2pfaas_sim::reference::ReferenceKind;
use serde::Serialize;
use serde_json::{Map, Value, json};
use toml_edit::ser::ValueSerializer;
use toml_edit::{DocumentMut, Item, Table, TableLike};

use super::{AgentSpec, Experiment, Place, PolicySpec, schema};

/// The table that tells where results come from.
pub(super) const PROVENANCE: &str = "provenance";
/// The table that says what is drawn of an experiment; it is the suite's business.
pub(super) const SUITE: &str = "suite";

/// Defaults that real nodes cannot be told, whatever they are.
const ONLY_SIMULATED: [&str; 2] = ["detect_s", "joins_s"];
/// Defaults that nodes which run already cannot be told.
const NOT_ON_A_FLEET: [&str; 1] = ["job_timeout_s"];

/// The file of an experiment, read for that place, with defaults and the seeds that are run; without comments
/// on what is not there. The same text gives the same experiment.
///
/// Files that it names are still beside the file that was given.
pub fn as_run(experiment: &Experiment, place: Place, registry: &Registry) -> String {
    // It has been read before: it is TOML.
    let mut document: DocumentMut = experiment.source.parse().unwrap_or_default();
    document.remove(PROVENANCE);
    let filler = Filler { schema: schema::schema(registry), place };
    filler.cluster(&mut document, experiment);
    if place.is_simulated() {
        filler.fill(table(document.as_table_mut(), "network"), "/properties/network/properties", &any);
    }
    filler.traffic(document.get_mut("traffic"));
    each(document.get_mut("jobs"), |number, job| {
        if let Some(spec) = experiment.jobs.get(number) {
            insert(job, "name", &json!(spec.name));
        }
        filler.fill(job, "/properties/jobs/items/properties", &any);
        filler.traffic(job.get_mut("traffic"));
    });
    let written = experiment.policies.iter().filter(|policy| !policy.reference);
    let written: Vec<_> = written.collect();
    each(document.get_mut("policy"), |number, policy| {
        if let Some(spec) = written.get(number) {
            filler.policy(policy, spec, registry);
        }
    });
    let run = table(document.as_table_mut(), "run");
    filler.fill(run, "/properties/run/properties", &any);
    run.remove("seeds");
    insert(run, "seeds", &json!(experiment.seeds));
    document.to_string()
}

/// That file with a table that tells where results come from.
pub fn with_provenance(text: &str, provenance: &impl Serialize) -> String {
    let mut document: DocumentMut = text.parse().unwrap_or_default();
    let facts = serde_json::to_value(provenance).unwrap_or_default();
    let mut table = Table::new();
    for (key, fact) in facts.as_object().into_iter().flatten() {
        insert(&mut table, key, fact);
    }
    table.decor_mut().set_prefix("\n# Where these results come from; not read when the file is run again.\n");
    document.insert(PROVENANCE, Item::Table(table));
    document.to_string()
}

/// Fills in the defaults that the schema knows.
struct Filler {
    schema: Value,
    place: Place,
}

/// Every key.
fn any(_: &str) -> bool {
    true
}

impl Filler {
    fn at(&self, pointer: &str) -> &Value {
        self.schema.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// Whether a default can stand in a file for this place.
    fn fits(&self, key: &str) -> bool {
        let fleet = matches!(self.place, Place::Fleet(_));
        (self.place.is_simulated() || !ONLY_SIMULATED.contains(&key))
            && !(fleet && NOT_ON_A_FLEET.contains(&key))
    }

    /// Adds the defaults of the properties at a place of the schema.
    fn fill(&self, table: &mut dyn TableLike, pointer: &str, known: &dyn Fn(&str) -> bool) {
        for (key, property) in self.at(pointer).as_object().into_iter().flatten() {
            let shared = property["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
            let property = shared.map_or(property, |pointer| self.at(pointer));
            if let Some(default) = property.get("default").filter(|_| known(key) && self.fits(key)) {
                insert(table, key, default);
            }
        }
    }

    fn cluster(&self, document: &mut DocumentMut, experiment: &Experiment) {
        let cluster = table(document.as_table_mut(), "cluster");
        if !cluster.contains_key("node") {
            insert(cluster, "nodes", &json!(experiment.nodes.len()));
        }
        self.fill(cluster, "/properties/cluster/properties", &any);
    }

    /// Which keys there are depends on the kind of traffic and the format of its file.
    fn traffic(&self, traffic: Option<&mut Item>) {
        let Some(traffic) = traffic.and_then(Item::as_table_like_mut) else { return };
        let written = |key: &str| traffic.get(key).and_then(Item::as_str).unwrap_or_default().to_string();
        let (kind, format) = (written("kind"), written("format"));
        let is = |wanted: &Value, found: &str| {
            let among = wanted["enum"].as_array().is_some_and(|names| names.iter().any(|name| name == found));
            wanted.is_null() || wanted["const"] == found || among
        };
        let rules = self.at("/$defs/traffic/allOf").as_array().into_iter().flatten();
        let mut rules = rules.filter(|rule| {
            let wanted = &rule["if"]["properties"];
            is(&wanted["kind"], &kind) && is(&wanted["format"], &format)
        });
        let Some(rule) = rules.next() else { return };
        let keys = rule["then"]["propertyNames"]["enum"].as_array().cloned().unwrap_or_default();
        self.fill(traffic, "/$defs/traffic/properties", &|key| keys.iter().any(|known| known == key));
    }

    fn policy(&self, policy: &mut dyn TableLike, spec: &PolicySpec, registry: &Registry) {
        insert(policy, "label", &json!(spec.label));
        if !policy.contains_key("parameters") {
            for (name, text) in named(spec, registry) {
                // Numbers and truth values as such.
                let typed = serde_json::from_str(text).ok().filter(|value: &Value| !value.is_object());
                insert(policy, name, &typed.unwrap_or_else(|| json!(text)));
            }
        }
        let Some(agent) = &spec.agent else { return };
        if let Some(table) = policy.get_mut("agent").and_then(Item::as_table_like_mut) {
            self.agent(table, agent);
        }
        let reward = table(policy, "reward");
        for (key, default) in object(&spec.reward) {
            insert(reward, &key, &default);
        }
    }

    /// The parameters of an agent that goes on are in its checkpoint.
    fn agent(&self, table: &mut dyn TableLike, agent: &AgentSpec) {
        let parameters = agent.config.as_ref().filter(|_| agent.checkpoint.is_none());
        let parameters = parameters.map(object).unwrap_or_default();
        let own = |key: &str| !object(&p2pfaas_learner::AgentConfig::default()).contains_key(key);
        self.fill(table, "/properties/policy/items/properties/agent/properties", &own);
        for (key, default) in parameters {
            insert(table, &key, &default);
        }
    }
}

/// The parameters of a policy by name.
fn named<'a>(
    spec: &'a PolicySpec,
    registry: &'a Registry,
) -> impl Iterator<Item = (&'static str, &'a String)> {
    let name = &spec.descriptor.name;
    let own = registry.kinds().find(|(known, _)| known == name).map(|(_, parameters)| parameters);
    let known = own.or_else(|| ReferenceKind::find(name).map(|kind| kind.parameters));
    known.into_iter().flatten().map(|known| known.name).zip(&spec.descriptor.parameters)
}

fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// The table of a name, which is made where there is none.
fn table<'a>(around: &'a mut dyn TableLike, name: &str) -> &'a mut dyn TableLike {
    if around.get(name).is_none_or(|item| !item.is_table_like()) {
        around.insert(name, Item::Table(Table::new()));
    }
    match around.get_mut(name).and_then(Item::as_table_like_mut) {
        Some(table) => table,
        None => unreachable!("it has just been made"),
    }
}

/// All tables of a list, in either of the two ways to write one.
fn each(tables: Option<&mut Item>, mut with: impl FnMut(usize, &mut dyn TableLike)) {
    match tables {
        Some(Item::ArrayOfTables(tables)) => {
            tables.iter_mut().enumerate().for_each(|(number, table)| with(number, table));
        }
        Some(Item::Value(toml_edit::Value::Array(array))) => {
            let tables = array.iter_mut().filter_map(toml_edit::Value::as_inline_table_mut);
            tables.enumerate().for_each(|(number, table)| with(number, table));
        }
        _ => {}
    }
}

/// Adds what is not there.
fn insert(table: &mut dyn TableLike, key: &str, default: &Value) {
    // TOML has no word for nothing.
    if let (false, Ok(value)) = (table.contains_key(key), default.serialize(ValueSerializer::new())) {
        table.insert(key, Item::Value(value));
    }
}

#[cfg(test)]
mod tests;
