//! Sound on sockets: a pair of UDP ports and a task that drives one `MediaSession` by the real clock.
//!
//! [`MediaPorts::bind`] takes the ports, so that a session description can name them; [`MediaPorts::start`]
//! sets a session going, and [`RunningMedia::stop`] ends it with a goodbye. In between everything that a
//! session can do is done [`with`](RunningMedia::with) it.

use cordboard_core::dice::Dice;
use cordboard_core::time::Instant;
use cordboard_media::{Event, Kind, MediaSession, Transmit};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket as BlockingSocket};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};
use tokio::net::UdpSocket;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::clock::Clock;

/// Events that wait for whoever started a session; more are lost.
const MAX_EVENTS: usize = 256;

/// Longest datagram that is read: more than an Ethernet carries.
const LONGEST: usize = 2048;

/// Datagrams that are thrown away before a session begins: more than a socket's buffer holds.
const MAX_STALE: usize = 10_000;

/// How long a socket that failed is left alone.
const AFTER_ERROR: Duration = Duration::from_millis(20);

/// Seconds from 1900 to 1970 (RFC 3550 §4 counts from 1900, modulo 2^32).
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// The time on the wall when `clock` started, as the reports of sessions want it: what
/// [`Settings::ntp_at_start`](cordboard_media::Settings::ntp_at_start) is on this clock.
pub fn ntp_at_start(clock: &Clock) -> u64 {
    let unix = clock.wall(Instant::START).duration_since(UNIX_EPOCH).unwrap_or_default();
    cordboard_media::rtcp::to_ntp(unix + Duration::from_secs(NTP_TO_UNIX))
}

/// Why there are no ports for sound.
#[derive(Debug, thiserror::Error)]
pub enum MediaPortError {
    /// Each pair of the range is taken.
    #[error("all ports for sound on {ip} from {first} to {last} are in use: end a call, or configure more")]
    AllTaken {
        /// The address.
        ip: IpAddr,
        /// The first port of the range.
        first: u16,
        /// The last port of the range.
        last: u16,
    },
    /// The system refuses for another reason, which other ports would not change.
    #[error("no port for sound can be opened on {ip}: {error}")]
    Refused {
        /// The address.
        ip: IpAddr,
        /// What the system said.
        error: io::Error,
    },
}

/// An even port for RTP and the odd one above it for RTCP (RFC 3550 §11), which nobody else has.
#[derive(Debug)]
pub struct MediaPorts {
    rtp: BlockingSocket,
    rtcp: BlockingSocket,
}

impl MediaPorts {
    /// Takes a pair out of `ports` on `ip`, an address and not a wildcard, since it is what the other party
    /// is told. Where the search begins is chance, so that a port that was just given back rests, and is
    /// hard to guess.
    ///
    /// # Errors
    ///
    /// [`MediaPortError`] if there is none.
    pub fn bind(ip: IpAddr, ports: RangeInclusive<u16>, dice: &mut Dice) -> Result<Self, MediaPortError> {
        let (first, last) = (*ports.start(), *ports.end());
        let even = u32::from(first).next_multiple_of(2);
        let pairs = (u32::from(last) + 1).saturating_sub(even) / 2;
        let start = dice.below(pairs.into()) as u32;
        for pair in 0..pairs {
            // Both are ports of the range, so that they fit.
            let port = (even + (start + pair) % pairs * 2) as u16;
            match Self::bind_pair(ip, port) {
                Ok(ports) => return Ok(ports),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(MediaPortError::Refused { ip, error }),
            }
        }
        Err(MediaPortError::AllTaken { ip, first, last })
    }

    /// Where RTP is received: what a session description says.
    ///
    /// # Errors
    ///
    /// Whatever the system says of its own socket.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.rtp.local_addr()
    }

    /// Drives `session` on these ports by `clock`, as a task of `runtime`. What happens comes out of the
    /// receiver, unless nobody takes it. What came before is thrown away: it was for whoever used the ports last,
    /// or is a moment of sound. The ports stay taken until this and the session are gone, and another session may
    /// use them when this one has stopped.
    ///
    /// # Errors
    ///
    /// Whatever the system says when the sockets are handed to the runtime.
    pub fn start(
        &self,
        runtime: &Handle,
        clock: Clock,
        session: MediaSession,
    ) -> io::Result<(RunningMedia, mpsc::Receiver<Event>)> {
        let _entered = runtime.enter();
        let shared = Arc::new(Shared { session: Mutex::new(session), changed: Notify::new(), clock });
        let (events, receiver) = mpsc::channel(MAX_EVENTS);
        let (stop, stopped) = oneshot::channel();
        let driver = Driver {
            shared: Arc::clone(&shared),
            rtp: UdpSocket::from_std(emptied(&self.rtp)?)?,
            rtcp: UdpSocket::from_std(emptied(&self.rtcp)?)?,
            events,
        };
        let task = runtime.spawn(driver.run(stopped));
        Ok((RunningMedia { shared, stop, task }, receiver))
    }

    fn bind_pair(ip: IpAddr, port: u16) -> io::Result<Self> {
        let rtp = BlockingSocket::bind((ip, port))?;
        let rtcp = BlockingSocket::bind((ip, port + 1))?;
        rtp.set_nonblocking(true)?;
        rtcp.set_nonblocking(true)?;
        Ok(Self { rtp, rtcp })
    }
}

/// The same socket once more, with nothing left in it.
fn emptied(socket: &BlockingSocket) -> io::Result<BlockingSocket> {
    let mut room = [0; LONGEST];
    for _ in 0..MAX_STALE {
        if socket.recv_from(&mut room).is_err() {
            break;
        }
    }
    socket.try_clone()
}

/// A session that runs. Dropped, it says goodbye and ends by itself.
#[derive(Debug)]
pub struct RunningMedia {
    shared: Arc<Shared>,
    /// Its loss is the sign to end.
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl RunningMedia {
    /// Does something with the session, at the present time. It holds the session up as long as it takes:
    /// nothing slow belongs in here.
    pub fn with<R>(&self, act: impl FnOnce(Instant, &mut MediaSession) -> R) -> R {
        let done = self.shared.with(act);
        self.shared.changed.notify_one();
        done
    }

    /// Says goodbye, gives the ports back, and waits until that is done, which is at once. What the session
    /// heard and counted can be read after that.
    pub async fn stop(self) -> MediaSession {
        let Self { shared, stop, task } = self;
        drop(stop);
        // If the task panicked, the session is still as it was.
        let _ = task.await;
        match Arc::try_unwrap(shared) {
            Ok(shared) => shared.session.into_inner().unwrap_or_else(PoisonError::into_inner),
            Err(shared) => shared.with(|_, session| session.clone()),
        }
    }
}

struct Shared {
    session: Mutex<MediaSession>,
    /// Somebody did something with the session, so that there may be something to do.
    changed: Notify,
    clock: Clock,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    fn with<R>(&self, act: impl FnOnce(Instant, &mut MediaSession) -> R) -> R {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        act(self.clock.now(), &mut session)
    }
}

struct Driver {
    shared: Arc<Shared>,
    rtp: UdpSocket,
    rtcp: UdpSocket,
    events: mpsc::Sender<Event>,
}

impl Driver {
    async fn run(self, mut stopped: oneshot::Receiver<()>) {
        let (mut rtp, mut rtcp) = ([0; LONGEST], [0; LONGEST]);
        loop {
            let Some(rest) = self.turn(|now, session| session.handle_timeout(now)) else { return };
            tokio::select! {
                _ = &mut stopped => break,
                () = self.shared.changed.notified() => {}
                () = tokio::time::sleep(rest) => {}
                received = self.rtp.recv_from(&mut rtp) => self.received(Kind::Rtp, &rtp, received).await,
                received = self.rtcp.recv_from(&mut rtcp) => self.received(Kind::Rtcp, &rtcp, received).await,
            }
        }
        self.turn(|now, session| session.close(now));
    }

    /// Does something with the session and what follows from it; for how long there is nothing to do then,
    /// `None` once the session is closed.
    fn turn(&self, act: impl FnOnce(Instant, &mut MediaSession)) -> Option<Duration> {
        let (transmits, rest) = self.shared.with(|now, session| {
            act(now, session);
            while let Some(event) = session.poll_event() {
                if self.events.try_send(event).is_err() {
                    tracing::trace!("nobody takes what a session of sound tells");
                }
            }
            let transmits: Vec<Transmit> = std::iter::from_fn(|| session.poll_transmit()).collect();
            (transmits, session.poll_timeout().map(|next| next - now))
        });
        for Transmit { kind, to, bytes } in transmits {
            let socket = match kind {
                Kind::Rtp => &self.rtp,
                Kind::Rtcp => &self.rtcp,
            };
            // Sound does not wait: what cannot be sent now is lost, as it may be on any network.
            if let Err(error) = socket.try_send_to(&bytes, to) {
                tracing::debug!(%error, "a packet of sound was not sent");
            }
        }
        rest
    }

    async fn received(&self, kind: Kind, room: &[u8], received: io::Result<(usize, SocketAddr)>) {
        match received {
            Ok((length, from)) => self.shared.with(|now, session| match kind {
                Kind::Rtp => session.handle_rtp(now, from, &room[..length]),
                Kind::Rtcp => session.handle_rtcp(now, from, &room[..length]),
            }),
            Err(error) => {
                tracing::debug!(%error, "a socket for sound failed");
                tokio::time::sleep(AFTER_ERROR).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn dice() -> Dice {
        Dice::new(crate::system_seed().unwrap(), 0)
    }

    #[test]
    fn reports_tell_the_time_since_1900() {
        let clock = Clock::new();
        let unix = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        // The count of seconds begins anew in 2036.
        let seconds = (ntp_at_start(&clock) >> 32) as u32;
        assert!(((unix + NTP_TO_UNIX) as u32).wrapping_sub(seconds) <= 1);
    }

    #[test]
    fn ports_come_in_pairs_and_run_out() {
        // Below the ports that systems give away by themselves.
        let taken: Vec<MediaPorts> =
            std::iter::from_fn(|| MediaPorts::bind(LOOPBACK, 21_001..=21_006, &mut dice()).ok()).collect();
        assert_eq!(taken.len(), 2, "21002 and 21004 are the pairs");
        for ports in &taken {
            let (rtp, rtcp) = (ports.address().unwrap(), ports.rtcp.local_addr().unwrap());
            assert_eq!((rtp.port() % 2, rtcp.port()), (0, rtp.port() + 1));
        }
        let error = MediaPorts::bind(LOOPBACK, 21_001..=21_006, &mut dice()).unwrap_err();
        assert!(matches!(error, MediaPortError::AllTaken { first: 21_001, last: 21_006, .. }), "{error}");
    }

    #[test]
    fn a_range_without_a_pair_has_no_ports() {
        for range in [21_011..=21_012, 65_535..=65_535] {
            let refused = MediaPorts::bind(LOOPBACK, range, &mut dice());
            assert!(matches!(refused, Err(MediaPortError::AllTaken { .. })));
        }
    }

    #[test]
    fn an_address_of_somebody_else_is_refused() {
        let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let refused = MediaPorts::bind(elsewhere, 21_000..=21_100, &mut dice());
        assert!(matches!(refused, Err(MediaPortError::Refused { .. })));
    }
}
