//! Requests of the user or the system to end, as events of the console.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close,
    ctrl_logoff, ctrl_shutdown,
};

use crate::platform::StopSignal;

/// Requests of the user or the system to end: Ctrl-C, Ctrl-Break, closing of the window, the end of
/// the session.
#[derive(Debug)]
pub(crate) struct SystemSignals {
    interrupt: CtrlC,
    ctrl_break: CtrlBreak,
    close: CtrlClose,
    logoff: CtrlLogoff,
    shutdown: CtrlShutdown,
    duty: ListenerDuty,
}

/// Duty of a listener for requests to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListenerDuty {
    /// The listener acts on every request.
    EveryRequest,
    /// The listener acts where no other listener does.
    UnheardRequests,
}

/// Number of listeners with [`ListenerDuty::EveryRequest`].
static LISTENERS: AtomicUsize = AtomicUsize::new(0);

impl Drop for SystemSignals {
    fn drop(&mut self) {
        if self.duty == ListenerDuty::EveryRequest {
            LISTENERS.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Calls a function, which ends the process, at a request to end that no [`SystemSignals`] hears. The
/// system itself would end the process with a code that no script knows.
pub(crate) fn end_at_unheard_signals(end: fn(StopSignal)) {
    // Without the thread or the runtime, the system ends the process.
    let _ = thread::Builder::new().spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        if let Ok(runtime) = runtime {
            runtime.block_on(async {
                let Ok(mut signals) = SystemSignals::with_duty(ListenerDuty::UnheardRequests)
                else {
                    return;
                };
                loop {
                    let signal = signals.next().await;
                    if LISTENERS.load(Ordering::SeqCst) == 0 {
                        end(signal);
                    }
                }
            });
        }
    });
}

impl SystemSignals {
    /// Begins to listen. Must be called within the runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        let signals = Self::with_duty(ListenerDuty::EveryRequest)?;
        LISTENERS.fetch_add(1, Ordering::SeqCst);
        Ok(signals)
    }

    fn with_duty(duty: ListenerDuty) -> io::Result<Self> {
        Ok(Self {
            duty,
            interrupt: ctrl_c()?,
            ctrl_break: ctrl_break()?,
            close: ctrl_close()?,
            logoff: ctrl_logoff()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    /// Waits for the next request to end.
    pub(crate) async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.ctrl_break.recv() => StopSignal::Interrupt,
            _ = self.close.recv() => StopSignal::Close,
            _ = self.logoff.recv() => StopSignal::Close,
            _ = self.shutdown.recv() => StopSignal::Close,
        }
    }
}
