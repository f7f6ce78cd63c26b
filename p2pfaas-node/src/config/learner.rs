//! The learner's keys put together: where the agent is, what it is made of, what a job is worth to it.

use std::path::Path;

use p2pfaas_core::agent::FixedTable;
use p2pfaas_core::policy::{LearningScheduler, PolicyKind};
use p2pfaas_core::reward::Reward;
use p2pfaas_learner::AgentConfig;
use serde::Deserialize;

use super::draft::Draft;
use super::errors::Problem;
use super::value::LearnerKey;
use super::{ReadFile, unreadable};
use crate::settings::{AgentSettings, LearnerPlace};

const TABLE: &str = "agent-table";
const CONFIG: &str = "agent-config";

/// Keys that say something only of an agent in this process.
const OF_AN_AGENT_HERE: [&str; 3] = ["agent", "agent-frozen", "checkpoint-interval"];

/// The file of `agent-config`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AgentFile {
    agent: Option<toml::Table>,
    reward: Reward,
}

/// Completes what concerns the learner.
pub(super) fn complete(
    draft: &mut Draft,
    read_file: ReadFile<'_>,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<String>,
) {
    let config = config(draft, read_file, problems, warnings);
    let table = table(draft, read_file, problems);
    let given = |key: &str| draft.origins.contains_key(key);
    let idle: Vec<_> = OF_AN_AGENT_HERE.into_iter().filter(|key| given(key)).collect();
    let place = match (table, &draft.learner) {
        (Some(table), _) => LearnerPlace::Table(table),
        (None, LearnerKey::Here) => {
            LearnerPlace::Here(Box::new(AgentSettings { config, ..draft.agent.clone() }))
        }
        (None, LearnerKey::There(address)) => LearnerPlace::There(address.clone()),
        (None, LearnerKey::None) => LearnerPlace::Nowhere,
    };
    if !matches!(place, LearnerPlace::Here(_)) {
        for key in idle {
            warnings.push(format!("{key} has no effect without an agent in this process (learner = here)"));
        }
    }
    if matches!(place, LearnerPlace::Nowhere) && draft.settings.policy.name == LearningScheduler::NAME {
        let fallback = &draft.settings.fallback;
        warnings.push(format!("{} has no learner: {fallback} decides", LearningScheduler::NAME));
    }
    // Beside a learner service, its ports are its own; a table has no websocket.
    if matches!(place, LearnerPlace::There(_)) && !given("learner-listen") {
        draft.settings.learner_listen = None;
    }
    // Who wants no interface of the learner means both.
    let no_interface = draft.settings.learner_listen.is_none() && !given("learner-ws-listen");
    if no_interface || !matches!(place, LearnerPlace::Here(_)) {
        draft.settings.learner_ws_listen = None;
    }
    draft.settings.learner = place;
}

fn config(
    draft: &mut Draft,
    read_file: ReadFile<'_>,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<String>,
) -> Option<AgentConfig> {
    let path = draft.agent_config.clone()?;
    let wrong = |draft: &Draft, expected: &str, why: String| Problem {
        key: CONFIG.into(),
        origin: draft.origin(CONFIG).into(),
        expected: expected.into(),
        found: format!("{}: {why}", path.display()),
    };
    let text = match read_file(&path) {
        Ok(text) => text,
        Err(error) => {
            problems.push(unreadable(CONFIG, draft, &path, &error));
            return None;
        }
    };
    let file: AgentFile = match toml::from_str(&text) {
        Ok(file) => file,
        Err(error) => {
            problems.push(wrong(draft, "TOML with [agent] and [reward]", error.to_string()));
            return None;
        }
    };
    if let Err(error) = file.reward.check() {
        problems.push(wrong(draft, "a reward function", error.to_string()));
    }
    draft.settings.core.reward = file.reward;
    let table = serde_json::to_value(file.agent?).ok()?;
    let mut config = AgentConfig::default();
    match config.set(table.as_object()?) {
        Ok(told) => {
            warnings.extend(told.into_iter().map(|warning| format!("{CONFIG}: {}", warning.0)));
            Some(config)
        }
        Err(error) => {
            problems.push(wrong(draft, "an agent's parameters", error.to_string()));
            None
        }
    }
}

fn table(draft: &Draft, read_file: ReadFile<'_>, problems: &mut Vec<Problem>) -> Option<FixedTable> {
    let path: &Path = draft.agent_table.as_ref()?;
    match read_file(path) {
        Ok(text) => match serde_json::from_str(&text) {
            Ok(table) => return Some(table),
            Err(error) => problems.push(Problem {
                key: TABLE.into(),
                origin: draft.origin(TABLE).into(),
                expected: r#"JSON such as {"actions": {"0,2,1": 1}, "otherwise": 1}"#.into(),
                found: format!("{}: {error}", path.display()),
            }),
        },
        Err(error) => problems.push(unreadable(TABLE, draft, path, &error)),
    }
    None
}
