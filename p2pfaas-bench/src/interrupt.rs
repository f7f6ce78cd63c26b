//! Ctrl-C: the first ends a run and keeps what was measured, the second ends the program.

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// What a shell says of a program that Ctrl-C ended.
pub const EXIT_CODE: u8 = 130;

/// A token that the first signal cancels.
pub fn on_signal(runtime: &Handle) -> CancellationToken {
    let token = CancellationToken::new();
    let cancel = token.clone();
    runtime.spawn(async move {
        if signal().await.is_err() {
            return;
        }
        eprintln!("\ninterrupted: writing what was measured (once more to give up at once)");
        cancel.cancel();
        if signal().await.is_ok() {
            std::process::exit(EXIT_CODE.into());
        }
    });
    token
}

#[cfg(unix)]
async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
