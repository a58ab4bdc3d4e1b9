//! The conferences of a telephone: a mixer that the tasks of several sessions share.

use cordboard_media::mixer::PartyId;
use cordboard_media::{Mixer, Party};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A conference, to which sessions are added.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conference(Arc<Mutex<Mixer>>);

impl Conference {
    /// A place in it; `None` if it is full.
    pub(crate) fn enter(&self) -> Option<Arc<Place>> {
        let id = locked(&self.0).enter()?;
        Some(Arc::new(Place { mixer: Arc::clone(&self.0), id }))
    }
}

/// The place of one party. Dropped, it is free.
#[derive(Debug)]
pub(crate) struct Place {
    mixer: Arc<Mutex<Mixer>>,
    id: PartyId,
}

impl Party for Place {
    fn exchange(&self, heard: &[i16], sent: &mut [i16]) {
        locked(&self.mixer).exchange(self.id, heard, sent);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        locked(&self.mixer).leave(self.id);
    }
}

/// A mixer is whole after every step, also if whoever had it panicked.
fn locked(mixer: &Mutex<Mixer>) -> MutexGuard<'_, Mixer> {
    mixer.lock().unwrap_or_else(PoisonError::into_inner)
}
