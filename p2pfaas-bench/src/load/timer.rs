//! A timer that is exact to microseconds: that of the asynchronous runtime is only to a millisecond.

use std::io;
use std::time::Duration;

#[cfg(target_os = "linux")]
pub(super) use kernel::Timer;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::Timer;

/// The kernel's, which wakes the runtime as a socket does.
#[cfg(target_os = "linux")]
mod kernel {
    use std::os::fd::AsFd;

    use nix::sys::time::TimeSpec;
    use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
    use tokio::net::unix::pipe::Receiver;

    use super::{Duration, io};

    pub(in super::super) struct Timer {
        timer: TimerFd,
        /// The same timer: what the runtime waits for is its being readable, as a pipe is.
        expired: Receiver,
    }

    impl Timer {
        pub(in super::super) fn new() -> io::Result<Timer> {
            let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
            let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
            let expired = Receiver::from_owned_fd_unchecked(timer.as_fd().try_clone_to_owned()?)?;
            Ok(Timer { timer, expired })
        }

        pub(in super::super) async fn sleep(&self, span: Duration) -> io::Result<()> {
            // 0 would mean never.
            let span = TimeSpec::from_duration(span.max(Duration::from_nanos(1)));
            self.timer.set(Expiration::OneShot(span), TimerSetTimeFlags::empty())?;
            loop {
                self.expired.readable().await?;
                match self.expired.try_read(&mut [0; size_of::<u64>()]) {
                    Ok(_) => return Ok(()),
                    // It was readable for a sleep that was given up.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

/// The runtime's, and asking the clock for the rest.
#[cfg(not(target_os = "linux"))]
mod portable {
    use super::{Duration, io};

    /// What the runtime's timer may be late by.
    const ROUGH: Duration = Duration::from_millis(2);

    pub(in super::super) struct Timer;

    impl Timer {
        pub(in super::super) fn new() -> io::Result<Timer> {
            Ok(Timer)
        }

        pub(in super::super) async fn sleep(&self, span: Duration) -> io::Result<()> {
            let until = std::time::Instant::now() + span;
            if span > ROUGH {
                tokio::time::sleep(span - ROUGH).await;
            }
            while std::time::Instant::now() < until {
                tokio::task::yield_now().await;
            }
            Ok(())
        }
    }
}
