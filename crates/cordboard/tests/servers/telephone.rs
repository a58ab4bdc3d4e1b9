//! A telephone over sockets, whose buttons a test presses.

use cordboard_core::time::Instant as Time;
use cordboard_core::transport::Transport;
use cordboard_media::meter::Sound as Heard;
use cordboard_media::source::{Source, Tone};
use cordboard_media::{Event as SoundEvent, session};
use cordboard_net::{
    Accepts, Clock, Config, Dns, Limits, ListenOn, Origins, Reply, Running, Server, Sound, Store, system_seed,
};
use cordboard_service::Agent;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::door::{Answer, Command, Event, Question, ShardId};
use cordboard_service::settings::{Feature, Role, Secret, Settings};
use cordboard_service::{location, settings};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

use crate::office::DOMAIN;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Tones that it tells from one another.
const TONES: [u16; 6] = [440, 620, 660, 880, 1000, 1200];

enum Happening {
    Call(CallEvent),
    Heard(CallName, Heard),
}

/// The telephone.
pub(crate) struct Telephone {
    running: Running<Agent>,
    happenings: Receiver<Happening>,
    /// What it told, in order, and how much of it a test has looked at.
    told: Vec<CallEvent>,
    seen: usize,
    hears: BTreeMap<CallName, Heard>,
    calls: u64,
    _runtime: Runtime,
}

struct Teller(Sender<CallEvent>);

impl Store for Teller {
    fn ask(&self, _: Time, question: Question, _: Reply) -> Option<Answer> {
        match question {
            Question::Register(_) => Some(Answer::Registered(Err(location::RegisterError::NotStored))),
            _ => Some(Answer::Located(location::Located::default())),
        }
    }

    fn event(&self, _: Time, _: ShardId, event: Event) {
        if let Event::Call(event) = event {
            // The test is over if nobody listens.
            let _ = self.0.send(event);
        }
    }
}

impl Telephone {
    /// That of somebody at the switchboard that listens at `proxy`.
    pub(crate) fn of(user: &str, password: &str, proxy: SocketAddr, tone: u16) -> Self {
        Self::start(Self::account(user, password, proxy), tone)
    }

    /// The same without REFER and Replaces.
    pub(crate) fn old(user: &str, password: &str, proxy: SocketAddr, tone: u16) -> Self {
        let mut account = Self::account(user, password, proxy);
        account.transfers.lacks = vec![Feature::Refer, Feature::Replaces];
        Self::start(account, tone)
    }

    /// The same in a work group.
    pub(crate) fn friend(user: &str, password: &str, proxy: SocketAddr, tone: u16) -> Self {
        let (realm, secret) = ("work.test", "w1");
        let mut account = Self::account(user, password, proxy);
        account.passwords.push((realm.into(), Secret(secret.into())));
        account.group = Some(settings::Group { realm: realm.into(), secret: Secret(secret.into()) });
        Self::start(account, tone)
    }

    fn account(user: &str, password: &str, proxy: SocketAddr) -> settings::Telephone {
        settings::Telephone {
            user: user.into(),
            domain: DOMAIN.into(),
            passwords: vec![(DOMAIN.into(), Secret(password.into()))],
            outbound_proxies: vec![format!("sip:{proxy};lr").into()],
            ..settings::Telephone::default()
        }
    }

    /// That of somebody of another domain, who comes to the switchboard first all the same.
    pub(crate) fn elsewhere(user: &str, proxy: SocketAddr, tone: u16) -> Self {
        let account = settings::Telephone {
            user: user.into(),
            domain: "elsewhere.test".into(),
            outbound_proxies: vec![format!("sip:{proxy};lr").into()],
            ..settings::Telephone::default()
        };
        Self::start(account, tone)
    }

    fn start(mut account: settings::Telephone, tone: u16) -> Self {
        let (tell, happenings) = channel();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let clock = Clock::new();
        let heard = tell.clone();
        let telling = move |call, event| {
            if let SoundEvent::Hears(sound) = event {
                let _ = heard.send(Happening::Heard(call, sound));
            }
        };
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let seed = || system_seed().unwrap();
        let mut sound = Sound::bind(&[ip], 6, runtime.handle().clone(), clock, seed(), telling).unwrap();
        sound.listen_for(&TONES);
        sound.play(Source::tone(Tone { frequency: tone, level: -10.0 }));
        assert_eq!(session::RATE, 8000);
        account.media = sound.ports();
        // Sound goes on while the test looks elsewhere.
        let (teller, told) = channel::<CallEvent>();
        std::thread::spawn(move || {
            for event in told {
                drop(sound.follow(&event).unwrap());
                let _ = tell.send(Happening::Call(event));
            }
        });
        let settings = Settings { domains: Vec::new(), key: seed(), ..Settings::of_domain(&account.domain) };
        let running = Server::start(Config {
            settings: Settings { role: Role::Telephone(account), ..settings },
            directory: Arc::default(),
            listen: vec![ListenOn {
                transport: Transport::Udp,
                address: SocketAddr::new(ip, 0),
                sent_by: None,
                accepts: Accepts::Peers,
            }],
            tls: None,
            origins: Origins::default(),
            dns: Dns::default(),
            shards: 1,
            limits: Limits::default(),
            store: Arc::new(Teller(teller)),
            clock,
            seed: seed(),
        })
        .unwrap();
        let hears = BTreeMap::new();
        Self { running, happenings, told: Vec::new(), seen: 0, hears, calls: 0, _runtime: runtime }
    }

    pub(crate) fn registers(&mut self) {
        self.press(CallAction::Register { expires: Duration::from_hours(1) });
        self.tells("that it is registered", |event| matches!(event, CallEvent::Registered { .. }));
    }

    pub(crate) fn press(&self, action: CallAction) {
        self.running.command(Command::Call(action));
    }

    /// A name for a new call.
    pub(crate) const fn new_call(&mut self) -> CallName {
        self.calls += 1;
        CallName(self.calls)
    }

    pub(crate) fn dials(&mut self, to: &str) -> CallName {
        let call = self.new_call();
        self.press(CallAction::Dial { call, to: to.into(), offer: true });
        call
    }

    /// The next thing of that kind that is told, after those that were looked at.
    #[track_caller]
    pub(crate) fn tells(&mut self, what: &str, wanted: impl Fn(&CallEvent) -> bool) -> CallEvent {
        let until = Instant::now() + PATIENCE;
        loop {
            while let Some(event) = self.told.get(self.seen).cloned() {
                self.seen += 1;
                if wanted(&event) {
                    return event;
                }
            }
            assert!(self.happens(until), "{what} is not told: {:#?}", self.told);
        }
    }

    /// Takes in what happens next; false if that is nothing for too long.
    fn happens(&mut self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        match self.happenings.recv_timeout(left) {
            Ok(Happening::Call(event)) => {
                self.told.push(event);
                true
            }
            Ok(Happening::Heard(call, sound)) => {
                self.hears.insert(call, sound);
                true
            }
            Err(_) => false,
        }
    }

    /// Waits until this tone and nothing else is heard in a call.
    #[track_caller]
    pub(crate) fn hears(&mut self, call: CallName, tone: u16) {
        let until = Instant::now() + PATIENCE;
        while self.hears.get(&call) != Some(&Heard::Tones(vec![tone])) {
            assert!(self.happens(until), "{tone} Hz are not heard: {:?} {:#?}", self.hears, self.told);
        }
    }

    #[track_caller]
    pub(crate) fn is_called(&mut self) -> CallName {
        let told = self.tells("a call", |event| matches!(event, CallEvent::Incoming { .. }));
        let CallEvent::Incoming { call, .. } = told else { unreachable!("waited for it") };
        call
    }

    /// It is called, answers, and is asked to call somebody else: the call that it makes then.
    #[track_caller]
    pub(crate) fn is_handed_over(&mut self) -> CallName {
        let call = self.is_called();
        self.press(CallAction::Answer(call));
        let told = self.tells("whom it gets", |event| matches!(event, CallEvent::Referred { .. }));
        let CallEvent::Referred { new, .. } = told else { unreachable!("waited for it") };
        new
    }

    /// Whether it has ever been called.
    pub(crate) fn was_called(&mut self) -> bool {
        while self.happens(Instant::now() + Duration::from_millis(1)) {}
        self.told.iter().any(|event| matches!(event, CallEvent::Incoming { .. }))
    }

    #[track_caller]
    pub(crate) fn is_up(&mut self, call: CallName) {
        self.tells("the call", |event| *event == CallEvent::Established(call));
    }

    /// Waits for the end of a call, and tells with which status.
    #[track_caller]
    pub(crate) fn ends(&mut self, call: CallName) -> Option<u16> {
        let ended =
            |event: &CallEvent| matches!(event, CallEvent::Ended { call: ended, .. } if *ended == call);
        let CallEvent::Ended { status, .. } = self.tells("the end", ended) else {
            unreachable!("waited for it")
        };
        status.map(cordboard_sip::Status::code)
    }
}

/// `caller` calls, `called` answers.
#[track_caller]
pub(crate) fn talk(caller: &mut Telephone, called: &mut Telephone, whom: &str) -> [CallName; 2] {
    let ours = caller.dials(whom);
    let theirs = called.is_called();
    called.press(CallAction::Answer(theirs));
    caller.is_up(ours);
    called.is_up(theirs);
    [ours, theirs]
}
