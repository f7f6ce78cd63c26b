//! Actions over websockets: a state in, an action and its ε out, many times a connection.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http::{Response, StatusCode};
use serde::de::DeserializeSeed as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tracing::{debug, warn};

use super::access::{Guard, Role};
use super::act::fits;
use super::batch::StateSeed;
use super::by_a_web_page;
use crate::online::Online;

/// Connections open at once; one more waits at the door.
const MAX_CONNECTIONS: usize = 4_096;
/// Bytes of a frame and of a message, at most.
const MAX_FRAME_BYTES: usize = 32 << 10;
/// Room for reading on each connection: a state is much smaller.
const READ_BUFFER_BYTES: usize = 2 << 10;
/// For a client to make its handshake, and to take leave.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Text in the frame that closes a connection (RFC 6455, 5.5).
const MAX_REASON_BYTES: usize = 123;

/// Accepts websockets of whom the guard lets through at this listener until it is told to stop.
pub async fn serve_websocket(
    listener: TcpListener,
    online: Arc<Online>,
    guard: Arc<Guard>,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = told(&mut stop) => break,
            accepted = accept(&listener, &places) => accepted,
        };
        while connections.try_join_next().is_some() {}
        let Some((stream, remote, place)) = accepted else { continue };
        let (online, guard, mut stop) = (online.clone(), guard.clone(), stop.clone());
        connections.spawn(async move {
            let _place = place;
            if let Some(socket) = greet(stream, remote, &guard).await {
                tokio::select! {
                    () = told(&mut stop) => {}
                    () = answer(socket, &online) => {}
                }
            }
        });
    }
    connections.shutdown().await;
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, IpAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, remote)) => Some((stream, remote.ip(), place)),
        Err(error) => {
            // Out of descriptors, mostly: give those who have one time to end.
            warn!(%error, "cannot accept a connection");
            sleep(Duration::from_millis(20)).await;
            None
        }
    }
}

/// Ready when it is true, or nobody can make it so any more.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn greet(stream: TcpStream, remote: IpAddr, guard: &Guard) -> Option<WebSocketStream<TcpStream>> {
    let _ = stream.set_nodelay(true);
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_FRAME_BYTES)
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES));
    #[allow(clippy::result_large_err, reason = "the library's signature")]
    let check = |request: &Request, response| -> Result<_, ErrorResponse> {
        if by_a_web_page(request.headers()) {
            return Err(refusal(StatusCode::FORBIDDEN, "web pages may not ask this learner"));
        }
        guard.allow(Role::Learn, remote, request.headers()).map(|()| response).map_err(|refused| {
            let status = StatusCode::from_u16(refused.code().http_status());
            refusal(status.unwrap_or(StatusCode::FORBIDDEN), &refused.to_string())
        })
    };
    let greeting = accept_hdr_async_with_config(stream, check, Some(config));
    match timeout(HANDSHAKE_TIMEOUT, greeting).await {
        Ok(Ok(socket)) => return Some(socket),
        Ok(Err(error)) => debug!(%error, "no websocket handshake"),
        Err(_) => debug!("the websocket handshake took too long"),
    }
    None
}

fn refusal(status: StatusCode, why: &str) -> ErrorResponse {
    let mut refusal = Response::new(Some(format!("{why}\n")));
    *refusal.status_mut() = status;
    refusal
}

/// Answers one frame after the other. At the first one that cannot be answered the connection is
/// closed, as clients of the old learner know it.
async fn answer(mut socket: WebSocketStream<TcpStream>, online: &Online) {
    while let Some(Ok(message)) = socket.next().await {
        let answer = match message {
            Message::Text(text) => choose(&text, online),
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => break,
            Message::Binary(_) | Message::Frame(_) => Err("expected a text frame".into()),
        };
        match answer {
            Ok(text) => {
                if socket.send(Message::Text(text.into())).await.is_err() {
                    return;
                }
            }
            Err(why) => {
                debug!(why, "a websocket is closed");
                let reason = Utf8Bytes::from(shortened(&why));
                let _ =
                    socket.send(Message::Close(Some(CloseFrame { code: CloseCode::Invalid, reason }))).await;
                break;
            }
        }
    }
    // Until the other side has closed, too.
    let _ = timeout(HANDSHAKE_TIMEOUT, async { while let Some(Ok(_)) = socket.next().await {} }).await;
}

fn choose(text: &str, online: &Online) -> Result<String, String> {
    let wrong = |error: &dyn fmt::Display| format!("expected an array of numbers: {error}");
    let mut json = serde_json::Deserializer::from_str(text);
    let state = StateSeed.deserialize(&mut json).and_then(|state| json.end().map(|()| state));
    let state = state.map_err(|error| wrong(&error))?;
    fits(online, state.len())?;
    let choice = online.act_unmasked(&state).ok_or("the agent has no action")?;
    Ok(format!("{:.5},{:.5}", f64::from(choice.action), choice.epsilon))
}

fn shortened(why: &str) -> &str {
    let end = (0..=MAX_REASON_BYTES.min(why.len())).rev().find(|end| why.is_char_boundary(*end));
    &why[..end.unwrap_or(0)]
}
