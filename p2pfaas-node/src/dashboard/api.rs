//! What feeds the page.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http::{HeaderValue, StatusCode, header};
use p2pfaas_core::policy::Parameter;
use p2pfaas_core::wire::ErrorCode;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::learned::Learned;
use super::snapshot::{self, Snapshot};
use super::{News, event};
use crate::api::SignedByPeer;
use crate::api::answer::too_many_calls;
use crate::api::error::{ErrorMessage, WireError};
use crate::shared::Shared;

/// After which a browser whose stream has ended tries again.
const RETRY: &str = "retry: 2000\n\n";
/// After which a client may try again that found no place.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What the page reads.
pub(crate) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new().routes(routes!(events)).routes(routes!(learned)).routes(routes!(policies))
}

/// What is left of a stream.
struct Rest {
    first: Option<Bytes>,
    news: watch::Receiver<News>,
    _place: OwnedSemaphorePermit,
}

/// What goes on, as server-sent events: `history` once, then `snapshot` about every second.
#[utoipa::path(get, path = "/dashboard/events", tag = "dashboard", responses(
    (status = 200, description = "text/event-stream of JSON; ends when the node shuts down"),
    (status = 400, description = "Signed by a peer: a stream has no end that could be signed", body = ErrorMessage),
    (status = 429, description = "As many streams as may be are open (code 5)", body = ErrorMessage),
    (status = 503, description = "It is shutting down", body = ErrorMessage),
))]
async fn events(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, WireError> {
    if request.extensions().get::<SignedByPeer>().is_some() {
        return Err(WireError::new(ErrorCode::MalformedInput, "this stream is for people, not for peers"));
    }
    let dashboard = &shared.dashboard;
    let mut news = dashboard.news.subscribe();
    if news.borrow_and_update().ended {
        return Err(WireError::new(ErrorCode::ShuttingDown, "this node is shutting down"));
    }
    let Ok(place) = dashboard.places.clone().try_acquire_owned() else {
        let message = format!("{} streams are open already, and no more may be", super::MAX_STREAMS);
        return Ok(too_many_calls(&message, RETRY_AFTER));
    };
    let points = dashboard.history.lock().points();
    let snapshot = Snapshot::of(&shared, &snapshot::read(&shared));
    let first = [RETRY.into(), event("history", &points), event("snapshot", &snapshot)].concat();
    let rest = Rest { first: Some(first.into()), news, _place: place };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((StatusCode::OK, headers, Body::from_stream(told(rest))).into_response())
}

/// What it has to say first, and then whatever is newest when its client has taken what came before.
fn told(rest: Rest) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(rest, |mut rest| async move {
        if let Some(first) = rest.first.take() {
            return Some((Ok(first), rest));
        }
        rest.news.changed().await.ok()?;
        let News { event, ended } = rest.news.borrow_and_update().clone();
        (!ended).then_some((Ok(event), rest))
    })
}

/// What the agent has learned: at most 2 048 states, those that were visited most.
#[utoipa::path(get, path = "/dashboard/learned", tag = "dashboard", responses(
    (status = 200, description = "`{place, features, peers, states: [{state, best, value, visits, reward}], ...}`"),
    (status = 503, description = "It is shutting down", body = ErrorMessage),
))]
async fn learned(State(shared): State<Arc<Shared>>) -> Result<Response, WireError> {
    let engine = shared.engine.clone();
    let one_at_a_time = shared.dashboard.looking.clone().lock_owned().await;
    // It may wait for training.
    let learned = tokio::task::spawn_blocking(move || {
        let _one_at_a_time = one_at_a_time;
        Learned::of(&engine)
    });
    let learned = learned.await;
    let learned =
        learned.map_err(|_| WireError::new(ErrorCode::ShuttingDown, "this node is shutting down"))?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(learned)).into_response())
}

#[derive(Serialize)]
struct Kind {
    name: &'static str,
    parameters: Vec<Described>,
    /// By name only, behind the parameters.
    options: Vec<Described>,
}

#[derive(Serialize)]
struct Described {
    name: &'static str,
    default: &'static str,
    meaning: &'static str,
}

impl From<&Parameter> for Described {
    fn from(parameter: &Parameter) -> Self {
        let Parameter { name, default, meaning } = *parameter;
        Described { name, default, meaning }
    }
}

/// The policies that can be chosen, with their parameters.
#[utoipa::path(get, path = "/dashboard/policies", tag = "dashboard", responses(
    (status = 200, description = "`[{name, parameters: [{name, default, meaning}], options}]`"),
))]
async fn policies(State(shared): State<Arc<Shared>>) -> Response {
    let kind = |(name, parameters): (_, &'static [Parameter])| Kind {
        name,
        parameters: parameters.iter().map(Described::from).collect(),
        options: shared.registry.options(name).map(Described::from).collect(),
    };
    let kinds: Vec<Kind> = shared.registry.kinds().map(kind).collect();
    Json(kinds).into_response()
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn a_client_that_reads_slowly_gets_the_newest_and_nothing_is_kept_for_it() {
        let sender = watch::Sender::<News>::default();
        let places = Arc::new(Semaphore::new(1));
        let place = places.clone().try_acquire_owned().expect("free");
        let rest = Rest { first: Some("first".into()), news: sender.subscribe(), _place: place };
        let mut stream = std::pin::pin!(told(rest));
        let text = |event: Option<Result<Bytes, Infallible>>| {
            event.map(|Ok(event)| String::from_utf8_lossy(&event).into_owned())
        };
        assert_eq!(text(stream.next().await).as_deref(), Some("first"));
        for number in 0..1_000 {
            sender.send_modify(|news| news.event = number.to_string().into());
        }
        assert_eq!(text(stream.next().await).as_deref(), Some("999"));
        sender.send_modify(|news| news.ended = true);
        assert_eq!(text(stream.next().await), None);
        assert_eq!(places.available_permits(), 1, "its place is free");
    }
}
