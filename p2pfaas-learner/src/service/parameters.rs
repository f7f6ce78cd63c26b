//! The agent's parameters over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::warn;

use super::MAX_PARAMETERS_BYTES;
use super::error::{ApiError, ErrorMessage};
use super::folder::write_parameters;
use super::state::Service;
use super::train::read_body;
use crate::config::{AgentConfig, ConfigError, ConfigWarning, ExplorationKind, RuleKind, ValueKind};

/// Header of an answer to parameters that were taken, and about which something should be known.
const WARNING: &str = "x-p2pfaas-learner-warning";

/// What `/learner/parameters` answers.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct Parameters {
    /// `SarsaQTable` for what the old learner was, else `RULE/VALUE/EXPLORATION`.
    name: String,
    /// All parameters.
    #[schema(value_type = Object)]
    parameters: AgentConfig,
}

/// The agent's name and parameters.
#[utoipa::path(get, path = "/learner/parameters", tag = "agent", responses((status = 200, description = "`{name, parameters}`", body = Parameters)))]
pub(super) async fn read(State(service): State<Arc<Service>>) -> Result<Json<Parameters>, ApiError> {
    let config = service.apart(|service| service.online.config()).await?;
    Ok(Json(Parameters { name: name(&config), parameters: config }))
}

/// Changes parameters: a flat object of those that are to change.
///
/// Those that say what the agent is made of count from the next reset on, the others at once.
#[utoipa::path(
    post, path = "/learner/parameters", tag = "agent", request_body = String,
    responses(
        (status = 200, description = "Taken; `X-P2pfaas-Learner-Warning` may say something about it"),
        (status = 400, description = "An unknown parameter or a wrong value (code 4); nothing is changed", body = ErrorMessage),
        (status = 500, description = "Changed, and cannot be kept for the next start (code 2)", body = ErrorMessage),
    )
)]
pub(super) async fn write(State(service): State<Arc<Service>>, body: Body) -> Result<HeaderMap, ApiError> {
    let body = read_body(body, MAX_PARAMETERS_BYTES).await?;
    let given: Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad(format!("expected an object of parameters: {error}")))?;
    let warnings = service.apart(move |service| service.change(&given)).await??;
    let mut headers = HeaderMap::new();
    for ConfigWarning(warning) in warnings {
        warn!("{warning}");
        if let Ok(value) = HeaderValue::from_str(&warning) {
            headers.append(WARNING, value);
        }
    }
    Ok(headers)
}

impl Service {
    fn change(&self, given: &Map<String, Value>) -> Result<Vec<ConfigWarning>, ApiError> {
        let wrong = |error: ConfigError| ApiError::bad(error.to_string());
        let _one_at_a_time = self.changing.lock();
        let mut config = self.online.config();
        let warnings = config.set(given).map_err(wrong)?;
        self.online.set_config(config.clone()).map_err(wrong)?;
        if let Some(path) = &self.parameters_file {
            write_parameters(path, name(&config), &config)
                .map_err(|error| ApiError::disk(format!("{}: {error}", path.display())))?;
        }
        Ok(warnings)
    }
}

/// The name of an agent.
pub(super) fn name(config: &AgentConfig) -> String {
    match (config.rule, config.value, config.exploration) {
        (RuleKind::DifferentialSarsa, ValueKind::Table, ExplorationKind::Epsilon) => "SarsaQTable".into(),
        (rule, value, exploration) => format!("{}/{}/{}", rule.name(), value.name(), exploration.name()),
    }
}
