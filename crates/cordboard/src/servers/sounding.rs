//! The sound of a server: a thread that does what its telephone tells.

use cordboard_media::Source;
use cordboard_media::wav::Samples;
use cordboard_net::{MediaPortError, Sound};
use cordboard_service::call::CallEvent;
use cordboard_service::settings::MediaPorts;
use cordboard_sip::UriRef;
use cordboard_sip::uri::unescape;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender};
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

    /// Begins what is the same for all.
    fn air(&self, sound: &mut Sound) {
        if let Self::OnAir(samples) = self {
            sound.broadcast(Arc::clone(samples));
        }
    }
}

/// What it is told.
pub(super) enum Cue {
    /// What the telephone tells.
    Call(CallEvent),
    /// Have ports for so many calls, and say which there are.
    Widen(usize, Sender<Result<MediaPorts, MediaPortError>>),
    /// Play something else from now on. Who hears something that is not the same for all hears it to its end.
    Play(Plays),
}

/// The thread. It ends when nobody can tell it anything any more.
pub(super) struct Sounding {
    cues: Option<SyncSender<Cue>>,
    thread: Option<JoinHandle<()>>,
}

impl Sounding {
    pub(super) fn start(
        name: &str,
        mut sound: Sound,
        mut plays: Plays,
        (cues, told): (SyncSender<Cue>, Receiver<Cue>),
    ) -> io::Result<Self> {
        let follow = move || {
            plays.air(&mut sound);
            for cue in told {
                match cue {
                    Cue::Call(event) => follow(&mut sound, &plays, &event),
                    Cue::Widen(calls, answer) => {
                        let widened = sound.widen(calls).map(|()| sound.ports());
                        // Nobody waits any more if the receiver is gone.
                        let _ = answer.send(widened);
                    }
                    Cue::Play(other) => {
                        plays = other;
                        plays.air(&mut sound);
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name(format!("{name:.12}-sound")).spawn(follow)?;
        Ok(Self { cues: Some(cues), thread: Some(thread) })
    }

    /// Has ports for so many calls; all that there are. None if the thread is no more.
    pub(super) fn widen(&self, calls: usize) -> Option<Result<MediaPorts, MediaPortError>> {
        let (answer, answered) = std::sync::mpsc::channel();
        self.tell(Cue::Widen(calls, answer));
        answered.recv().ok()
    }

    /// Plays something else from now on.
    pub(super) fn play(&self, plays: Plays) {
        self.tell(Cue::Play(plays));
    }

    fn tell(&self, cue: Cue) {
        // If it panicked, its calls are silent; there is nothing more to say.
        let _ = self.cues.as_ref().map(|cues| cues.send(cue));
    }
}

fn follow(sound: &mut Sound, plays: &Plays, event: &CallEvent) {
    if let CallEvent::Incoming { call, at, .. } = event
        && let Some(source) = plays.begins(at)
    {
        sound.play_to(*call, source);
    }
    if let Err(error) = sound.follow(event) {
        tracing::warn!(%error, "the sound of a call at a server cannot begin");
    }
}

impl Drop for Sounding {
    fn drop(&mut self) {
        drop(self.cues.take());
        if let Some(thread) = self.thread.take() {
            // If it panicked, its calls were silent from then on; there is nothing more to say.
            let _ = thread.join();
        }
    }
}
