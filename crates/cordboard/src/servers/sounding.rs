//! The sound of a server: a thread that does what its telephone tells.

use cordboard_media::Source;
use cordboard_media::wav::Samples;
use cordboard_net::Sound;
use cordboard_service::call::CallEvent;
use cordboard_sip::UriRef;
use cordboard_sip::uri::unescape;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

/// Events that may wait for it.
pub(super) const MAX_WAITING: usize = 4096;

/// What is heard at a server.
pub(super) enum Plays {
    /// The same for all, which goes on whether anybody hears it or not.
    OnAir(Arc<Samples>),
    /// From its beginning, what is said at the address that was called, by its user part.
    Said(BTreeMap<Box<str>, Arc<Samples>>),
    /// Something to those who call, over and over, and nothing to those who are called.
    ToCallers(Arc<Samples>),
}

impl Plays {
    /// What begins for a call that comes in, if that is not the same for all.
    fn begins(&self, at: &str) -> Option<Source> {
        match self {
            Self::OnAir(_) => None,
            Self::Said(said) => {
                let user = unescape(UriRef::parse(at).ok()?.user()?);
                Some(Source::samples(Arc::clone(said.get(&*user)?), false))
            }
            Self::ToCallers(samples) => Some(Source::samples(Arc::clone(samples), true)),
        }
    }
}

/// The thread. It ends when nobody can tell it anything any more.
pub(super) struct Sounding(Option<JoinHandle<()>>);

impl Sounding {
    pub(super) fn start(
        name: &str,
        mut sound: Sound,
        plays: Plays,
        told: Receiver<CallEvent>,
    ) -> io::Result<Self> {
        let follow = move || {
            if let Plays::OnAir(samples) = &plays {
                sound.broadcast(Arc::clone(samples));
            }
            for event in told {
                if let CallEvent::Incoming { call, at, .. } = &event
                    && let Some(source) = plays.begins(at)
                {
                    sound.play_to(*call, source);
                }
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
