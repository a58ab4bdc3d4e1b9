//! The sound of a server: a thread that does what its telephone tells.

use cordboard_net::Sound;
use cordboard_service::call::CallEvent;
use std::io;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

/// Events that may wait for it.
pub(super) const MAX_WAITING: usize = 4096;

/// The thread. It ends when nobody can tell it anything any more.
pub(super) struct Sounding(Option<JoinHandle<()>>);

impl Sounding {
    pub(super) fn start(name: &str, mut sound: Sound, told: Receiver<CallEvent>) -> io::Result<Self> {
        let follow = move || {
            for event in told {
                if let Err(error) = sound.follow(&event) {
                    tracing::warn!(%error, "the sound of a call at a server cannot begin");
                }
            }
        };
        let thread = std::thread::Builder::new().name(format!("{name:.12}-sound")).spawn(follow)?;
        Ok(Self(Some(thread)))
    }
}

impl Drop for Sounding {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            // If it panicked, its calls were silent from then on; there is nothing more to say.
            let _ = thread.join();
        }
    }
}
