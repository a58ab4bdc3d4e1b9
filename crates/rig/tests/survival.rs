//! Whatever was answered 200 survives a SIGKILL, at whatever moment it comes; nothing that was removed comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cordboard_core::dice::Dice;
use cordboard_rig::bare::{Call, RESEND, Side};
use cordboard_rig::switchboard::WEBSOCKET;
use cordboard_rig::{Bare, Heard, Message, Place, Switchboard, Transport, Wire, isolated};

/// Phones that register over UDP, and sockets that they share: phones behind gateways.
const PHONES: usize = 1_000;
const BANKS: usize = 8;

/// Registrations of one bank that are under way at once; so many answers fit a socket's buffer.
const WINDOW: usize = 16;

/// How often it is killed while they register.
const ROUNDS: u64 = 6;

/// When it is killed, in milliseconds after they began; and after it was started again.
const KILLED_AFTER: (u64, u64) = (5, 600);
const KILLED_STARTING_AFTER: u64 = 150;

/// A call is put through, or refused, "at once" if this suffices: less than a caller would wait to try again, more
/// than a busy machine needs.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Registered phones called after each restart.
const CALLED: usize = 5;

/// Phones on connections, each kind so many.
const CONNECTED: usize = 5;

const SEED: [u8; 32] = *b"killed while a thousand register";

/// What somebody has registered: the numbers of its lines.
type Lines = BTreeSet<u32>;

/// Phones that share a socket.
struct Bank {
    voice: Bare,
    phones: Vec<Phone>,
    dice: Dice,
}

/// A phone as it knows itself.
struct Phone {
    name: String,
    call_id: String,
    /// What the switchboard has confirmed.
    held: Lines,
    newest: u32,
    wish: Option<Wish>,
}

/// A REGISTER that is under way.
struct Wish {
    contacts: String,
    request: String,
    /// Whether it carries credentials: without them it changes nothing.
    proved: bool,
    then: Lines,
}

#[test]
fn what_was_answered_survives_a_kill() {
    isolated(&[], |place| {
        let names: Vec<String> = (0..PHONES).map(|number| format!("phone{number:04}")).collect();
        let connected: Vec<String> = (0..3 * CONNECTED).map(|number| format!("desk{number}")).collect();
        let people: Vec<String> = names.iter().chain(&connected).cloned().collect();
        let mut switchboard = start(place, &people);
        let mut dice = Dice::new(SEED, 0);
        let mut banks: Vec<Bank> = names
            .chunks(PHONES.div_ceil(BANKS))
            .enumerate()
            .map(|(number, names)| Bank::new(&switchboard, names, Dice::new(SEED, 1 + number as u64)))
            .collect();
        let mut answered = 0;
        for round in 0..ROUNDS {
            let desks = connect(&switchboard, &connected);
            let moment = KILLED_AFTER.0 + dice.below(KILLED_AFTER.1 - KILLED_AFTER.0);
            // The first round brings them all in, however long that takes.
            let rest = if round == 0 { PHONES } else { 0 };
            let answers = storm(&mut switchboard, &mut banks, Duration::from_millis(moment), rest);
            drop(desks);
            switchboard.die_while_starting(Duration::from_millis(dice.below(KILLED_STARTING_AFTER)));
            switchboard.restart();
            eprintln!("round {round}: killed {moment} ms after all were in, {answers} answers before");
            answered += answers;
            expect_what_was_answered(&switchboard, &mut banks, &connected);
            expect_calls(&switchboard, &mut banks, &mut dice);
            expect_dead_connections(&switchboard, &connected);
        }
        assert!(answered > PHONES, "only {answered} registrations were answered");
    });
}

fn start(place: &Place, people: &[String]) -> Switchboard {
    Switchboard::start_told(place, people, "\n[log]\nlevel = \"warn\"\n")
}

/// Everybody registers, moves and leaves until the switchboard is killed `after` a moment, once at least `least`
/// registrations were answered. Gives how many were.
fn storm(switchboard: &mut Switchboard, banks: &mut [Bank], after: Duration, least: usize) -> usize {
    let over = AtomicBool::new(false);
    let answered = std::sync::atomic::AtomicUsize::new(0);
    thread::scope(|scope| {
        for bank in banks.iter_mut() {
            scope.spawn(|| {
                let count = |_: &Message| answered.fetch_add(1, Ordering::Relaxed);
                bank.plays(&over, count);
            });
        }
        let began = Instant::now();
        while answered.load(Ordering::Relaxed) < least {
            assert!(began.elapsed() < Duration::from_secs(30), "they do not come in");
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(after);
        switchboard.program().kill();
        over.store(true, Ordering::Release);
    });
    answered.into_inner()
}

impl Bank {
    fn new(switchboard: &Switchboard, names: &[String], dice: Dice) -> Self {
        let voice = Bare::new(Wire::udp(switchboard.address(Transport::Udp)), &names[0], switchboard);
        let phone = |name: &String| Phone {
            name: name.clone(),
            call_id: format!("of-{name}"),
            held: Lines::new(),
            newest: 0,
            wish: None,
        };
        Self { voice, phones: names.iter().map(phone).collect(), dice }
    }

    /// Registers, moves and removes phones until it is over, and then hears what was still answered.
    fn plays<T>(&mut self, over: &AtomicBool, answered: impl Fn(&Message) -> T) {
        let mut resend = Instant::now() + RESEND;
        while !over.load(Ordering::Acquire) {
            self.wishes();
            if let Heard::Message(message) = self.voice.wire.receive(Duration::from_millis(10)) {
                if self.hears(&message) {
                    answered(&message);
                }
                resend = Instant::now() + RESEND;
            } else if Instant::now() >= resend {
                for wish in self.phones.iter().filter_map(|phone| phone.wish.as_ref()) {
                    self.voice.send(&wish.request);
                }
                resend = Instant::now() + RESEND;
            }
        }
        while let Heard::Message(message) = self.voice.wire.receive(Duration::from_millis(5)) {
            if self.hears(&message) {
                answered(&message);
            }
        }
    }

    /// Starts registrations until enough are under way.
    fn wishes(&mut self) {
        let busy = self.phones.iter().filter(|phone| phone.wish.is_some()).count();
        for _ in busy..WINDOW.min(self.phones.len()) {
            // Who never registered comes first.
            let new = self.phones.iter().position(|phone| phone.wish.is_none() && phone.newest == 0);
            let number = new.unwrap_or_else(|| self.dice.below(self.phones.len() as u64) as usize);
            if self.phones[number].wish.is_none() {
                self.wish(number);
            }
        }
    }

    fn wish(&mut self, number: usize) {
        let (port, choice) = (self.voice.wire.local().port(), self.dice.below(100));
        let phone = &mut self.phones[number];
        let uri = |line: &u32| format!("<sip:{}@127.0.0.1:{port};line={line}>", phone.name);
        let each = |seconds: u32| -> String {
            let contact = |line| format!("Contact: {};expires={seconds}\r\n", uri(line));
            phone.held.iter().map(contact).collect::<Vec<_>>().concat()
        };
        let (contacts, then) = match choice {
            _ if phone.held.is_empty() => {
                phone.newest += 1;
                (format!("Contact: {}\r\nExpires: 600\r\n", uri(&phone.newest)), Lines::from([phone.newest]))
            }
            0..30 => (each(700), phone.held.clone()),
            30..50 => (each(0), Lines::new()),
            50..65 => ("Contact: *\r\nExpires: 0\r\n".to_owned(), Lines::new()),
            65..75 if phone.held.len() < 3 => {
                phone.newest += 1;
                let more = phone.held.iter().copied().chain([phone.newest]).collect();
                (format!("Contact: {};expires=600\r\n", uri(&phone.newest)), more)
            }
            _ => {
                phone.newest += 1;
                let contacts = format!("{}Contact: {};expires=600\r\n", each(0), uri(&phone.newest));
                (contacts, Lines::from([phone.newest]))
            }
        };
        let request = self.register(number, &contacts);
        self.voice.send(&request);
        self.phones[number].wish = Some(Wish { contacts, request, proved: false, then });
    }

    fn register(&mut self, number: usize, more: &str) -> String {
        let phone = &self.phones[number];
        self.voice.speaks_for(&phone.name);
        let address = self.voice.address();
        let domain = format!("sip:{}", address.split('@').nth(1).unwrap_or(""));
        self.voice.request("REGISTER", &domain, &address, &phone.call_id, more)
    }

    /// Takes an answer; true if it is a 200.
    fn hears(&mut self, message: &Message) -> bool {
        let Some(number) = self.phones.iter().position(|phone| phone.call_id == message.value("Call-ID"))
        else {
            return false;
        };
        let Some(wish) = self.phones[number].wish.take() else { return false };
        let sequence = format!("\r\nCSeq: {}\r\n", message.value("CSeq"));
        if !wish.request.contains(&sequence) {
            self.phones[number].wish = Some(wish);
            return false;
        }
        match message.status() {
            Some(200) => {
                self.phones[number].held = wish.then;
                true
            }
            Some(401) => {
                let again = wish.proved && !message.value("WWW-Authenticate").contains("stale=true");
                assert!(!again, "the right password is refused: {message:?}\n{}", wish.request);
                self.voice.speaks_for(&self.phones[number].name);
                let proof = self.voice.credentials(&wish.request, message, 1);
                let request = self.register(number, &format!("{proof}{}", wish.contacts));
                self.voice.send(&request);
                self.phones[number].wish = Some(Wish { request, proved: true, ..wish });
                false
            }
            other => panic!("{other:?} to\n{}{message:?}", wish.request),
        }
    }
}

impl Phone {
    /// What may be registered: what was confirmed, or what a request that was not answered wanted.
    fn may_be(&self) -> Vec<&Lines> {
        let wanted = self.wish.as_ref().filter(|wish| wish.proved).map(|wish| &wish.then);
        std::iter::once(&self.held).chain(wanted).collect()
    }
}

/// Asks who is registered. What was under way is settled by what is there.
fn expect_what_was_answered(switchboard: &Switchboard, banks: &mut [Bank], connected: &[String]) {
    let answer = switchboard.ctl(&["registrations"]);
    let mut there: BTreeMap<String, Lines> = BTreeMap::new();
    for binding in answer["registrations"].as_array().expect("a list") {
        let user = binding["user"].as_str().expect("a user").split('@').next().unwrap_or("").to_owned();
        let contact = binding["contact"].as_str().expect("a contact");
        let line = contact.split(";line=").nth(1).and_then(|line| line.parse().ok()).unwrap_or(0);
        assert!(there.entry(user).or_default().insert(line), "{contact} is there twice");
    }
    let mut wrong = Vec::new();
    for phone in banks.iter_mut().flat_map(|bank| &mut bank.phones) {
        let found = there.remove(&phone.name).unwrap_or_default();
        if !phone.may_be().contains(&&found) {
            wrong.push(format!("{}: {found:?} instead of {:?}", phone.name, phone.may_be()));
        }
        phone.held = found;
        phone.wish = None;
    }
    assert!(wrong.is_empty(), "{} of {PHONES} phones: {}", wrong.len(), wrong.join("\n"));
    for name in connected {
        assert!(there.remove(name).is_some(), "{name} is not there");
    }
    assert!(there.is_empty(), "nobody knows of these: {there:?}");
}

/// Calls some of those who are registered.
fn expect_calls(switchboard: &Switchboard, banks: &mut [Bank], dice: &mut Dice) {
    let mut alice = caller(switchboard);
    let mut called = 0;
    while called < CALLED {
        let bank = &mut banks[dice.below(BANKS as u64) as usize];
        let phone = &bank.phones[dice.below(bank.phones.len() as u64) as usize];
        if phone.held.len() != 1 {
            continue;
        }
        bank.voice.speaks_for(&phone.name);
        let call = Call::set_up(&mut alice, &mut bank.voice, AT_ONCE);
        call.hangs_up(Side::Callee, &mut alice, &mut bank.voice);
        called += 1;
    }
}

/// Registers a phone on each connection.
fn connect(switchboard: &Switchboard, names: &[String]) -> Vec<Bare> {
    let wire = |number: usize| match number % 3 {
        0 => Wire::tcp(switchboard.address(Transport::Tcp)),
        1 => Wire::tls(switchboard.address(Transport::Tls), switchboard.domain(), &switchboard.authority()),
        _ => Wire::websocket(WEBSOCKET),
    };
    let phone = |(number, name): (usize, &String)| {
        let mut phone = Bare::new(wire(number), name, switchboard);
        // What it registered over its last connection is of no use any more.
        let plain = phone.register("Contact: *\r\nExpires: 0\r\n");
        let challenge = phone.exchange(&plain);
        let proof = phone.credentials(&plain, &challenge, 1);
        let proved = phone.register(&format!("{proof}Contact: *\r\nExpires: 0\r\n"));
        assert_eq!(phone.exchange(&proved).status(), Some(200));
        let answer = phone.registers(600);
        assert_eq!(answer.status(), Some(200), "{answer:?}");
        phone
    };
    names.iter().enumerate().map(phone).collect()
}

/// Nobody waits for a connection that died with the process; one who comes back is called.
fn expect_dead_connections(switchboard: &Switchboard, names: &[String]) {
    let mut alice = caller(switchboard);
    for name in names {
        let invite = alice.invite(&format!("sip:{name}@{}", switchboard.domain()));
        let began = Instant::now();
        let answer = alice.exchange(&invite);
        assert!(matches!(answer.status(), Some(430 | 480)), "{name} is not connected: {answer:?}");
        assert!(began.elapsed() < AT_ONCE, "{name}: {:?} to say so", began.elapsed());
    }
    for mut phone in connect(switchboard, names) {
        let call = Call::set_up(&mut alice, &mut phone, AT_ONCE);
        call.hangs_up(Side::Caller, &mut alice, &mut phone);
    }
}

fn caller(switchboard: &Switchboard) -> Bare {
    Bare::new(Wire::udp(switchboard.address(Transport::Udp)), "alice", switchboard)
}
