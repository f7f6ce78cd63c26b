//! What a node tells systemd, if that has started it (`Type=notify`): that it takes jobs, that it lives, that it stops.

use std::convert::Infallible;

/// The node takes jobs.
pub(crate) fn ready() {
    #[cfg(unix)]
    tell(sd_notify::NotifyState::Ready);
}

/// The node takes no more jobs.
pub(crate) fn stopping() {
    #[cfg(unix)]
    tell(sd_notify::NotifyState::Stopping);
}

/// Says so twice within each `WatchdogSec`, from the runtime that keeps the node's timers: when that hangs, it is silent.
pub(crate) async fn live() -> Infallible {
    #[cfg(unix)]
    if let Some(patience) = sd_notify::watchdog_enabled() {
        loop {
            tell(sd_notify::NotifyState::Watchdog);
            tokio::time::sleep(patience / 2).await;
        }
    }
    std::future::pending().await
}

#[cfg(unix)]
fn tell(state: sd_notify::NotifyState<'_>) {
    if let Err(why) = sd_notify::notify(&[state]) {
        tracing::warn!(%why, "systemd cannot be told");
    }
}
