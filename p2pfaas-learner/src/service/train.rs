//! Experiences over HTTP.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use futures_util::StreamExt as _;
use http::HeaderMap;
use p2pfaas_core::wire::headers;
use tokio::time::{Instant, sleep, timeout};

use super::act::header;
use super::error::{ApiError, ErrorMessage};
use super::state::Service;
use super::{MAX_BATCH_BYTES, batch, numbers};
use crate::entry::{Entry, Mask};

/// Header with an experience's number.
const EID: &str = "x-p2pfaas-learning-eid";
/// Header with an experience's action.
const ACTION: &str = "x-p2pfaas-learning-action";
/// Header with an experience's reward.
const REWARD: &str = "x-p2pfaas-learning-reward";

/// Within this time a full inbox must get room, or the batch is turned away.
const ROOM_TIMEOUT: Duration = Duration::from_secs(1);
/// Between two looks at a full inbox; training empties hundreds of places in this time.
const ROOM_GLANCE: Duration = Duration::from_millis(1);
/// When somebody who was turned away may try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// A batch of at most this size is read at once; a longer one apart, so that no choice waits for it.
const AT_ONCE_BYTES: usize = 4 << 10;
/// For a body to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// One experience, in headers.
#[utoipa::path(
    get, path = "/train", tag = "agent",
    params(
        ("X-P2pfaas-Learning-Eid" = u64, Header, description = "Its number"),
        ("X-P2pfaas-Learning-State" = String, Header, description = "The state's numbers, joined by commas"),
        ("X-P2pfaas-Learning-Action" = f64, Header, description = "The action that was taken"),
        ("X-P2pfaas-Learning-Reward" = f64, Header, description = "What came of it"),
    ),
    responses(
        (status = 200, description = "`ok`: it is taken", body = String),
        (status = 400, description = "A header is missing or wrong (code 4)", body = ErrorMessage),
        (status = 503, description = "No room (code 400); see `Retry-After`", body = ErrorMessage),
    )
)]
pub(super) async fn train(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<&'static str, ApiError> {
    let entry = from_headers(&headers, service.online.epsilon())
        .and_then(|entry| {
            let checked = batch::check(&entry, service.online.state_numbers());
            checked.map(|()| entry).map_err(ApiError::bad)
        })
        .inspect_err(|_| count_refused(&service))?;
    hand_over(&service, vec![entry]).await?;
    Ok("ok")
}

fn from_headers(headers: &HeaderMap, epsilon: f64) -> Result<Entry, ApiError> {
    fn read<T>(
        headers: &HeaderMap,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, ApiError> {
        parse(header(headers, name)?).map_err(|why| ApiError::bad(format!("{name}: {why}")))
    }
    Ok(Entry {
        eid: read(headers, EID, numbers::eid_text)?,
        state: read(headers, headers::LEARNER_STATE, numbers::state)?,
        mask: Mask::new(),
        action: read(headers, ACTION, |text| numbers::float(text).and_then(numbers::action))?,
        epsilon,
        reward: Some(read(headers, REWARD, numbers::float)?),
        terminal: false,
    })
}

/// Experiences, all of them or none.
///
/// A JSON array of `{eid, state, action, reward}`: numbers may be text, a state is its numbers joined
/// by commas (or an array), a reward may be null (nothing can be said, and there is no gap). Besides,
/// `epsilon` (how much the agent explored; else what it does now) and `mask` (which actions could be
/// carried out, true or false; else all).
#[utoipa::path(
    post, path = "/train_batch", tag = "agent", request_body = String,
    responses(
        (status = 200, description = "`ok`: all are taken", body = String),
        (status = 400, description = "An entry is wrong (code 4); none is taken", body = ErrorMessage),
        (status = 413, description = "Too large (code 4); none is taken", body = ErrorMessage),
        (status = 503, description = "No room (code 400), none is taken; see `Retry-After`", body = ErrorMessage),
    )
)]
pub(super) async fn train_batch(
    State(service): State<Arc<Service>>,
    body: Body,
) -> Result<&'static str, ApiError> {
    let body = read_body(body, MAX_BATCH_BYTES).await.inspect_err(|_| count_refused(&service))?;
    let length = body.len();
    let read = move |service: &Service| {
        let online = &service.online;
        let entries = batch::read(&body, online.epsilon(), online.state_numbers());
        entries.map_err(ApiError::bad).inspect_err(|_| count_refused(service))
    };
    let entries = if length > AT_ONCE_BYTES { service.clone().apart(read).await?? } else { read(&service)? };
    hand_over(&service, entries).await?;
    Ok("ok")
}

fn count_refused(service: &Service) {
    service.refused.fetch_add(1, Ordering::Relaxed);
}

async fn hand_over(service: &Service, mut entries: Vec<Entry>) -> Result<(), ApiError> {
    let deadline = Instant::now() + ROOM_TIMEOUT;
    loop {
        match service.online.learn_all(&mut entries) {
            Ok(()) => return Ok(()),
            Err(full) if Instant::now() >= deadline => {
                service.turned_away.fetch_add(1, Ordering::Relaxed);
                return Err(ApiError::full(full.to_string(), RETRY_AFTER));
            }
            Err(_) => sleep(ROOM_GLANCE).await,
        }
    }
}

/// A whole body, within bounds of size and time.
pub(super) async fn read_body(body: Body, max_bytes: usize) -> Result<Vec<u8>, ApiError> {
    let announced = body.size_hint().lower();
    let too_large = || ApiError::too_large(format!("a body has at most {max_bytes} bytes here"));
    if announced > max_bytes as u64 {
        return Err(too_large());
    }
    let read = async {
        let mut stream = body.into_data_stream();
        let mut whole = Vec::with_capacity((announced as usize).min(MAX_BATCH_BYTES));
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| ApiError::bad(format!("the body cannot be read: {error}")))?;
            if whole.len() + chunk.len() > max_bytes {
                return Err(too_large());
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole)
    };
    timeout(BODY_TIMEOUT, read).await.map_err(|_| ApiError::too_slow())?
}
