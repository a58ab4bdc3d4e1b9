//! `cordboard phone`: a telephone that people use at a prompt, and scripts by lines on standard input.
//!
//! `options` says whose it is, and where its messages and sound leave. Everything that happens comes through one
//! queue of `happening`s: what the telephone tells, what is heard, and the `lines` that somebody types or a script
//! has. The `hand` takes one after the other: a line is a `verb` of the `vocabulary`, which presses a button (`verbs`,
//! `service_verbs`) and is done when it `expect`s no more; whatever else happens is a `report` (`of_calls`, `of_services`,
//! `of_watching`, `of_sound`), shown on the `screen` and kept for `wait` (`told`). `calls` are numbered from 1, and so
//! are `watches`; `address` completes what people type; `playing` and `recorder` are the two ends of the sound.

mod address;
mod calls;
mod expect;
mod hand;
mod happening;
mod lines;
mod of_calls;
mod of_services;
mod of_sound;
mod of_watching;
mod options;
mod playing;
mod recorder;
mod report;
mod screen;
mod service_verbs;
mod told;
mod verb;
mod verbs;
mod vocabulary;
mod watches;

use cordboard_net::{
    Clock, Config, Dns, Limits, MediaPortError, Origins, Server, Sound, StartError, system_seed,
};
use cordboard_service::settings::{Role, Settings};
use std::io;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli;
use hand::{HEARD, Hand, Parts};
use happening::{Happening, Happenings};
use lines::Lines;
use options::{OptionError, Options};
use recorder::Recorder;
use report::{Mood, Report};

/// Calls that one telephone may have at a time, for each of which it holds a pair of ports.
const CALLS: usize = 16;

/// Bytes of recent messages that it keeps.
const RING_BYTES: usize = 1 << 18;

/// Tones that it listens for, in Hz: those of the exchanges of many countries, and what people test with. They lie far
/// enough apart to be told from one another.
const TONES: [u16; 11] = [350, 440, 480, 550, 620, 660, 770, 880, 1000, 1200, 1400];

/// Why a telephone ends, if not well.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// What it was told is of no use.
    #[error(transparent)]
    Options(#[from] OptionError),
    /// It cannot listen.
    #[error("{0}\n  try: --listen with an address of this machine, and a free port or none")]
    Start(#[from] StartError),
    /// There are no ports for its sound.
    #[error("{0}\n  try: --listen with an address of this machine")]
    Ports(#[from] MediaPortError),
    /// The system refuses something.
    #[error("the system refuses {what}: {source}")]
    System {
        /// What.
        what: &'static str,
        /// What it says.
        source: io::Error,
    },
    /// A line of the script failed.
    #[error("line {number}, `{verb}`: {says}")]
    Line {
        /// Which line, counted from 1; empty ones and comments count.
        number: usize,
        /// What it says.
        verb: String,
        /// Why.
        says: String,
    },
    /// Somebody pressed Ctrl-C, or sent a signal, while a script went on.
    #[error("interrupted")]
    Interrupted,
    /// Nobody can see what happens.
    #[error("standard output fails: {0}")]
    Printing(io::Error),
    /// A recording cannot be written.
    #[error("the recording cannot be written: {0}\n  try: --record with another path")]
    Recording(io::Error),
    /// The sound of a call does not work.
    #[error("the sound of a call cannot begin: {0}")]
    Sound(io::Error),
    /// More happened than could be looked at.
    #[error("more happened than this telephone could follow; try a faster machine, or fewer calls")]
    Overwhelmed,
}

/// Is a telephone until it is told to end.
pub fn run(given: &cli::Phone) -> Result<(), PhoneError> {
    let options = Options::read(given, seed()?)?;
    let system = |what| move |source| PhoneError::System { what, source };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("sound")
        .enable_all()
        .build()
        .map_err(system("threads for sound"))?;
    let (happenings, looking) = Happenings::new();
    obey_signals(&runtime, &happenings).map_err(system("signals"))?;
    let clock = Clock::new();
    let sound = sound(&options, &runtime, clock, &happenings)?;
    let running = start(&options, &sound, clock, &happenings)?;
    let listening = listening(&running, &options);
    let recorder = options.record.clone().map(Recorder::new);
    let (lines, screen) = Lines::start(&happenings, options.json).map_err(system("a thread for lines"))?;
    let are_typed = lines.are_typed;
    let mut hand = Hand::new(Parts {
        running,
        clock,
        sound,
        addresses: options.addresses.clone(),
        registers: options.registers,
        auto_answer: options.auto_answer,
        recorder,
        screen,
        lines,
        looking,
    });
    hand.show(&listening)?;
    if are_typed {
        let says = "`register` makes you reachable, `help` says what else there is".to_owned();
        hand.show(&Report::new("hint", Mood::Plain, says))?;
    }
    let outcome = hand.follow_lines();
    let left = hand.leave();
    hand.running.shutdown();
    outcome.and(left)
}

fn obey_signals(runtime: &Runtime, happenings: &Happenings) -> io::Result<()> {
    let _inside = runtime.enter();
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let mut signals = signal(kind)?;
        let happenings = happenings.clone();
        runtime.spawn(async move {
            while signals.recv().await.is_some() {
                happenings.add(Happening::Interrupted);
            }
        });
    }
    Ok(())
}

fn sound(
    options: &Options,
    runtime: &Runtime,
    clock: Clock,
    happenings: &Happenings,
) -> Result<Sound, PhoneError> {
    let happenings = happenings.clone();
    let tell = move |call, event| happenings.add(Happening::Sound(call, event));
    let ip = options.listen.address.ip();
    let mut sound = Sound::bind(&[ip], CALLS, runtime.handle().clone(), clock, seed()?, tell)?;
    let own = options.playing.tone.filter(|tone| !TONES.contains(tone));
    sound.listen_for(&TONES.into_iter().chain(own).collect::<Vec<_>>());
    sound.play(options.playing.source.clone());
    if options.record.is_some() {
        sound.record(HEARD);
    }
    Ok(sound)
}

fn start(
    options: &Options,
    sound: &Sound,
    clock: Clock,
    happenings: &Happenings,
) -> Result<cordboard_net::Running<cordboard_service::Agent>, PhoneError> {
    let mut account = options.account.clone();
    account.media = sound.ports();
    let settings = Settings {
        domains: Vec::new(),
        ring_bytes: RING_BYTES,
        key: seed()?,
        role: Role::Telephone(account),
        neighbours: options.trusts.clone(),
        ..Settings::of_domain(&options.account.domain)
    };
    Ok(Server::start(Config {
        settings,
        directory: Arc::default(),
        listen: vec![options.listen.clone()],
        tls: options.tls.clone(),
        origins: Origins::default(),
        dns: Dns::default(),
        shards: 1,
        limits: Limits::default(),
        store: Arc::new(happenings.clone()),
        clock,
        seed: seed()?,
    })?)
}

fn seed() -> Result<[u8; 32], PhoneError> {
    system_seed().map_err(|source| PhoneError::System { what: "random numbers", source })
}

/// Where it listens, for whoever calls it directly.
fn listening(running: &cordboard_net::Running<cordboard_service::Agent>, options: &Options) -> Report {
    let transport = options.listen.transport;
    let user = &options.account.user;
    let listener = running.listeners().first();
    // Nobody connects to a client of WebSocket: what it tells is the name in its Contact.
    let (address, says) = if transport.is_websocket() {
        let name = listener.map(|listener| listener.sent_by.to_string()).unwrap_or_default();
        let says = format!("reached over {transport} as {name}, by its server only, for {user}");
        (name, says)
    } else {
        let address = listener.map(|listener| listener.local.to_string()).unwrap_or_default();
        let says = format!("listening {transport} {address}, for {user}");
        (address, says)
    };
    Report::new("listening", Mood::Plain, says)
        .with("transport", transport.token())
        .with("address", address)
        .with("user", &**user)
}
