//! Actions over HTTP.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use p2pfaas_core::agent::Choice;
use p2pfaas_core::wire::{go, headers};

use super::error::{ApiError, ErrorMessage};
use super::numbers;
use super::state::Service;

/// An action for a state.
#[utoipa::path(
    get, path = "/act", tag = "agent",
    params(("X-P2pfaas-Learning-State" = String, Header, description = "The state's numbers, joined by commas")),
    responses(
        (status = 200, description = "The action as text", body = String, headers(
            ("X-P2pfaas-Eps" = f64, description = "How much the agent explored when it chose"),
        )),
        (status = 400, description = "No state, or not one of this agent (code 4)", body = ErrorMessage),
    )
)]
pub(super) async fn act(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let text = header(&headers, headers::LEARNER_STATE)?;
    let state = numbers::state(text).map_err(|why| ApiError::bad(format!("the state: {why}")))?;
    let choice = choose(&service, &state)?;
    Ok(([(headers::LEARNER_EPS, go::format_f(choice.epsilon))], choice.action.to_string()).into_response())
}

/// Chooses among all actions.
fn choose(service: &Service, state: &[f64]) -> Result<Choice, ApiError> {
    fits(&service.online, state.len()).map_err(ApiError::bad)?;
    service.online.act_unmasked(state).ok_or_else(|| ApiError::no_action("the agent has no action"))
}

/// Refuses a state that has not as many numbers as it should.
pub(super) fn fits(online: &crate::Online, numbers: usize) -> Result<(), String> {
    match online.state_numbers() {
        Some(expected) if expected != numbers => {
            Err(format!("a state of this agent has {expected} numbers; found {numbers}"))
        }
        _ => Ok(()),
    }
}

/// The text of a header that must be there.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, ApiError> {
    let value = headers.get(name).ok_or_else(|| ApiError::bad(format!("the header {name} is missing")))?;
    value.to_str().map_err(|_| ApiError::bad(format!("the header {name} is not text")))
}
