//! Calls for users who have set something up: RFC 5359 §2.7 to §2.9, §2.12 and §2.13.
//!
//! A [`Hunt`] knows where a call may go next; how it gets there, and what comes back, is the proxy's business as with
//! any other request. What a user's rules send on is that user's call: it goes where the user may call, and no further.

use super::context::{Aim, Refusal};
use super::{MAX_TARGETS, Proxy, aim_at, find, groups, security};
use crate::carried::{Ends, Party};
use crate::desk::{Asker, Desk};
use crate::door::{Level, Question};
use crate::location::{Located, Target, Wanted};
use crate::services::forwarding::{Carriage, Cause, Ending, MAX_FORWARDED};
use crate::services::screening::{Calling, Identity};
use crate::services::trail::Trail;
use crate::services::{Place, Rules};
use crate::settings::Relay;
use crate::switchboard::takes_over;
use cordboard_core::target_set::{Input, State};
use cordboard_core::time::Instant;
use cordboard_core::transport::Flow;
use cordboard_sip::header::Diversion;
use cordboard_sip::uri::unescape;
use cordboard_sip::{Name, Status, UriRef, View};
use std::sync::Arc;
use std::time::Duration;

/// One call on its way through what users have set up.
pub(super) struct Hunt {
    /// Whose rules decide now.
    served: Box<str>,
    rules: Option<Arc<Rules>>,
    /// Who calls.
    calling: Calling,
    /// Users of ours for whom the call was already, and its caller if it is one.
    been: Vec<Box<str>>,
    /// Users of ours who sent it on elsewhere before it came back.
    came_from: Vec<Box<str>>,
    trail: Trail,
    /// What is still to be tried of the user's list, the next step last.
    steps: Vec<Step>,
    /// What is being looked up of the step that is tried, and what was found of it.
    goals: Vec<Goal>,
    looked_up: usize,
    groups: Vec<Vec<Aim>>,
    rings: Option<Duration>,
    /// How the places of this user have ended so far.
    ending: Ending,
}

/// What rings at the same time, and for how long if something else follows.
struct Step {
    goals: Vec<Goal>,
    rings: Option<Duration>,
}

/// Where one of them is.
#[derive(Clone)]
enum Goal {
    /// At the phones of a user of ours.
    Phones(Box<str>),
    /// At an address of somebody else.
    Address(Box<str>),
}

impl Hunt {
    fn new(desk: &Desk, request: &View<'_>, calling: Calling) -> Self {
        let came_from = request.headers::<Diversion>().filter_map(Result::ok);
        let came_from = came_from.filter_map(|diversion| our_user(desk, &diversion.addr.uri.to_string()));
        Self {
            served: Box::default(),
            rules: None,
            been: calling.identity.our_user().map(Box::from).into_iter().collect(),
            came_from: came_from.collect(),
            calling,
            trail: Trail::of(request),
            steps: Vec::new(),
            goals: Vec::new(),
            looked_up: 0,
            groups: Vec::new(),
            rings: None,
            ending: Ending::Nothing,
        }
    }

    /// What a final response of a phone says of how this user's places end.
    pub(super) fn note(&mut self, status: Status) {
        self.ending = self.ending.and(Ending::of(status));
    }

    /// The time of a step is up.
    pub(super) fn rang_in_vain(&mut self) {
        self.ending = Ending::Unanswered;
    }

    /// Nothing more is tried.
    pub(super) fn give_up(&mut self) {
        self.steps.clear();
        self.rules = None;
    }

    /// The list of the user who is served now, or just the phones.
    fn plan(&mut self) {
        self.ending = Ending::Nothing;
        self.steps = match &self.rules {
            Some(rules) if !rules.find_me.steps.is_empty() => {
                let steps = rules.find_me.steps.iter().rev();
                steps
                    .map(|step| Step {
                        goals: step.places.iter().map(Goal::of).collect(),
                        rings: Some(step.rings),
                    })
                    .collect()
            }
            rules => {
                let no_answer = rules.as_ref().and_then(|rules| rules.forwarding.no_answer.as_ref());
                let rings = no_answer.map(|rule| rule.after);
                vec![Step { goals: vec![Goal::Phones(self.served.clone())], rings }]
            }
        };
    }
}

impl Goal {
    fn of(place: &Place) -> Self {
        match place {
            Place::User(name) => Self::Phones(name.clone()),
            Place::Uri(uri) => Self::Address(uri.clone()),
        }
    }
}

impl Proxy {
    /// Whether a call is one for a hunt: it is for a user who has set something up.
    pub(super) fn hunts(&mut self, desk: &Desk, key: u64, wanted: &Wanted) -> Option<Box<str>> {
        let Wanted::Aor(aor) = wanted else { return None };
        let context = self.context(key)?;
        context.ways.calling.as_ref()?;
        if context.request.as_ref().is_some_and(|request| takes_over(&request.view())) {
            return None;
        }
        let rules = desk.directory.rules(aor.user())?;
        let moves = !rules.forwarding.is_empty() || !rules.find_me.steps.is_empty();
        moves.then(|| aor.user().into())
    }

    /// Whether the user of ours refuses calls of whoever calls (RFC 5359 §2.13), or the caller may not call the user
    /// (§2.14).
    pub(super) fn is_screened(&mut self, desk: &Desk, key: u64, user: &str) -> Option<Refusal> {
        let calling = self.context(key)?.ways.calling.as_deref()?;
        screened(desk, calling, user)
    }

    /// Begins to look for a user who has set something up.
    pub(super) fn hunt(&mut self, desk: &mut Desk, now: Instant, key: u64, user: &str) {
        let Some(context) = self.context(key) else { return };
        let (Some(request), Some(calling)) = (&context.request, &context.ways.calling) else { return };
        let hunt = Hunt::new(desk, &request.view(), (**calling).clone());
        context.hunt = Some(Box::new(hunt));
        self.serve(desk, now, key, user);
    }

    /// The call is for this user now.
    fn serve(&mut self, desk: &mut Desk, now: Instant, key: u64, user: &str) {
        self.calls(key, &desk.aor(user));
        let rules = desk.directory.rules(user).cloned();
        let Some(hunt) = self.hunt_of(key) else { return };
        hunt.served = user.into();
        hunt.been.push(user.into());
        hunt.rules = rules;
        if let Some(refusal) = screened(desk, &hunt.calling, user) {
            return self.refuse(desk, now, key, refusal);
        }
        let always = hunt.rules.as_ref().and_then(|rules| rules.forwarding.always.clone());
        if let Some(place) = always {
            return self.divert(desk, now, key, &place, Cause::Always);
        }
        hunt.plan();
        self.next_step(desk, now, key);
    }

    fn hunt_of(&mut self, key: u64) -> Option<&mut Hunt> {
        self.context(key)?.hunt.as_deref_mut()
    }

    /// Looks the next places up; without any the call is forwarded, or has failed.
    pub(super) fn next_step(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        if let Some(context) = self.context(key) {
            (context.step_until, context.group_until) = (None, None);
        }
        while let Some(step) = self.hunt_of(key).and_then(|hunt| hunt.steps.pop()) {
            let Some(hunt) = self.hunt_of(key) else { return };
            let goals: Vec<Goal> = step.goals.into_iter().filter(|goal| hunt.may_try(desk, goal)).collect();
            hunt.looked_up = goals.len();
            hunt.goals.clone_from(&goals);
            hunt.groups.clear();
            hunt.rings = step.rings;
            if goals.is_empty() {
                continue;
            }
            for (at, goal) in goals.into_iter().enumerate() {
                let wanted = match goal {
                    Goal::Phones(user) => Wanted::Aor(desk.aor(&user)),
                    Goal::Address(uri) => Wanted::Contact(uri),
                };
                if !desk.ask(Question::Locate(wanted), Asker::Place(key, at)) {
                    return self.overloaded(desk, now, key);
                }
            }
            return;
        }
        let after = self.hunt_of(key).and_then(|hunt| {
            let (place, cause) = hunt.rules.as_ref()?.forwarding.after(hunt.ending)?;
            Some((place.clone(), cause))
        });
        match after {
            Some((place, cause)) => self.divert(desk, now, key, &place, cause),
            None => self.give_answer(desk, now, key),
        }
    }

    /// Where one place of the step is; once all are known, they ring.
    pub(super) fn place_found(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        at: usize,
        mut located: Located,
    ) {
        let Some(context) = self.context(key) else { return };
        let (source, secure) = (context.source, context.ways.secure);
        let length = context.request.as_ref().map_or(0, |request| request.bytes().len());
        if context.phase != State::Locating {
            return;
        }
        let Some(goal) = context.hunt.as_ref().and_then(|hunt| hunt.goals.get(at)).cloned() else { return };
        let (aims, whose) = match &goal {
            Goal::Phones(user) => {
                desk.keep_certified(user, &mut located.targets);
                let (targets, _) = security::fitting(located.targets, secure);
                let party = self.carried.people.enter(user);
                (phones(desk, targets, source, length, secure), party)
            }
            // A registered contact is reached as its owner registered it.
            Goal::Address(_) if !located.targets.is_empty() => {
                let (targets, _) = security::fitting(located.targets, secure);
                (phones(desk, targets, source, length, secure), None)
            }
            Goal::Address(uri) => (elsewhere(desk, uri, source, length, secure), None),
        };
        let Some(hunt) = self.hunt_of(key) else { return };
        hunt.take(desk, &goal, aims, whose);
        if hunt.looked_up > 0 {
            return;
        }
        let mut groups = std::mem::take(&mut hunt.groups);
        let rings = hunt.rings.filter(|_| !groups.is_empty());
        if groups.is_empty() {
            hunt.ending = hunt.ending.and(Ending::Absent);
            return self.advance(desk, now, key, Input::Exhausted);
        }
        groups.reverse();
        let Some(context) = self.context(key) else { return };
        context.waiting = groups;
        context.step_until = rings.map(|rings| now + rings);
        if let Some(due) = context.step_until {
            self.wheel.arm(due, key);
        }
        self.next_group(desk, now, key);
    }

    /// Sends the call on from the user who is served to somebody else.
    fn divert(&mut self, desk: &mut Desk, now: Instant, key: u64, place: &Place, cause: Cause) {
        let domain: Box<str> = desk.realm().into();
        let Some(hunt) = self.hunt_of(key) else { return };
        if let Err(refusal) = hunt.may_divert(desk, place) {
            return self.stay(desk, now, key, cause, refusal);
        }
        let from = Place::User(hunt.served.clone()).uri(&domain);
        let to = place.uri(&domain);
        hunt.trail.divert(&from, &to, cause);
        let by = hunt.rules.as_ref().map_or(Carriage::Proxied, |rules| rules.forwarding.by);
        if by == Carriage::Redirected {
            return self.send_back(desk, now, key, &to);
        }
        self.tell_forwarded(desk, now, key);
        if let Some(user) = ours(desk, place) {
            return self.serve(desk, now, key, &user);
        }
        if let Some(request) = self.context(key).and_then(|context| context.request.as_ref()) {
            let says = "forwarded to another domain, charged to its user";
            desk.note_of(Level::Info, says, &request.view(), None, Some(from));
        }
        let Some(context) = self.context(key) else { return };
        context.ends = context.ends.map(|ends| Ends { callee: None, ..ends });
        let Some(hunt) = context.hunt.as_deref_mut() else { return };
        hunt.rules = None;
        hunt.ending = Ending::Nothing;
        hunt.steps = vec![Step { goals: vec![Goal::Address(to)], rings: None }];
        self.next_step(desk, now, key);
    }

    /// A rule cannot be followed: what the user's phones have said is the answer, or what is wrong with the rule.
    fn stay(&mut self, desk: &mut Desk, now: Instant, key: u64, cause: Cause, refusal: Refusal) {
        match cause {
            Cause::Always => self.refuse(desk, now, key, refusal),
            Cause::Busy | Cause::NoAnswer | Cause::FindMe => {
                if let Some(request) = self.context(key).and_then(|context| context.request.as_ref()) {
                    desk.note(Level::Info, refusal.note(), &request.view(), None);
                }
                self.give_answer(desk, now, key);
            }
        }
    }

    /// Nobody was reached: the best answer goes back, or one of our own if no phone gave any.
    fn give_answer(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(context) = self.context(key) else { return };
        let absent = context.hunt.as_ref().is_some_and(|hunt| hunt.ending <= Ending::Absent);
        if context.best.is_none() && absent {
            return self.fail(desk, now, key, Status::TEMPORARILY_UNAVAILABLE);
        }
        self.conclude(desk, now, key);
    }

    /// RFC 3261 §21.1.3. The proxy speaks as a user agent here (RFC 5359 §2.7), and as none that could wait for a PRACK:
    /// a caller who wants every provisional response reliable (RFC 3262 §3) is not told.
    fn tell_forwarded(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(context) = self.context(key) else { return };
        let (Some(server), Some(request)) = (context.server, &context.request) else { return };
        let request = request.view();
        let reliable =
            request.values(Name::REQUIRE).any(|tag| tag.text.trim().eq_ignore_ascii_case("100rel"));
        if !reliable {
            let status = Status::CALL_IS_BEING_FORWARDED;
            let response = desk.response(&request, status).finish();
            desk.stack.respond(now, server, status, response);
        }
    }

    /// "Forwarding could be accomplished using a redirect (302)": RFC 5359 §2.7. Diversion as RFC 5806 §5.4.1 wants it.
    fn send_back(&mut self, desk: &mut Desk, now: Instant, key: u64, to: &str) {
        let Some(context) = self.context(key) else { return };
        let (Some(server), Some(request), Some(hunt)) = (context.server, &context.request, &context.hunt)
        else {
            return self.fail(desk, now, key, Status::TEMPORARILY_UNAVAILABLE);
        };
        let status = Status::MOVED_TEMPORARILY;
        let response = desk.response(&request.view(), status).line(Name::CONTACT, format_args!("<{to}>"));
        let response = hunt.trail.write_back(response);
        desk.stack.respond(now, server, status, response.finish());
        self.advance(desk, now, key, Input::Concluded);
        self.settle(key);
    }
}

impl Hunt {
    /// Whether a place is to be tried on behalf of the user who is served. Of a list others are left out that are not:
    /// the call came from there, or the user may not call them, or they refuse the caller.
    fn may_try(&self, desk: &Desk, goal: &Goal) -> bool {
        match goal {
            Goal::Phones(user) if *user == self.served => true,
            Goal::Phones(user) => {
                let caller = self.calling.identity.our_user();
                caller != Some(user)
                    && desk.directory.user(user).is_some()
                    && self.may_call(desk, &Identity::of_user(user, desk.realm()))
                    && screened(desk, &self.calling, user).is_none()
            }
            // What a rule that was followed leads to has been looked at.
            Goal::Address(_) if self.rules.is_none() => true,
            Goal::Address(uri) => self.may_leave(desk, uri).is_ok(),
        }
    }

    fn may_divert(&self, desk: &Desk, place: &Place) -> Result<(), Refusal> {
        if self.came_from.contains(&self.served) {
            return Err(Refusal::Loop);
        }
        if self.trail.forwarded() >= MAX_FORWARDED {
            return Err(Refusal::TooOften);
        }
        match (ours(desk, place), place) {
            (Some(user), _) if self.been.contains(&user) => Err(Refusal::Loop),
            (Some(user), _) if desk.directory.user(&user).is_none() => Err(Refusal::Nobody),
            (Some(user), _) if !self.may_call(desk, &Identity::of_user(&user, desk.realm())) => {
                Err(Refusal::NotAllowed)
            }
            (Some(_), _) => Ok(()),
            (None, Place::Uri(uri)) => self.may_leave(desk, uri),
            (None, Place::User(_)) => Err(Refusal::Nobody),
        }
    }

    /// Whether the user who is served may have a call go to another domain: as with any call of theirs, for otherwise
    /// strangers could be relayed through a rule.
    fn may_leave(&self, desk: &Desk, uri: &str) -> Result<(), Refusal> {
        let Ok(parsed) = UriRef::parse(uri) else { return Err(Refusal::Nobody) };
        let relays = match desk.settings.relay {
            Relay::Users | Relay::Anybody => true,
            Relay::Nobody => false,
        };
        let allowed = relays && self.may_call(desk, &Identity::of(&parsed, false));
        if allowed { Ok(()) } else { Err(Refusal::NotAllowed) }
    }

    /// Whether the user who is served may call somebody (RFC 5359 §2.14).
    fn may_call(&self, desk: &Desk, whom: &Identity) -> bool {
        let rules = desk.directory.rules(&self.served);
        !rules.is_some_and(|rules| rules.screening.forbids(whom, &desk.settings.domains))
    }

    /// Takes in what was found of a place: its first group rings with the first groups of the others, and so on.
    fn take(&mut self, desk: &Desk, goal: &Goal, found: Vec<Vec<Aim>>, whose: Party) {
        self.looked_up = self.looked_up.saturating_sub(1);
        let mut trail = self.trail.clone();
        let listed = self.rules.as_ref().is_some_and(|rules| !rules.find_me.steps.is_empty());
        let to = match goal {
            Goal::Phones(user) if *user == self.served => None,
            Goal::Phones(user) => Some(Place::User(user.clone()).uri(desk.realm())),
            Goal::Address(uri) => Some(uri.clone()),
        };
        if let Some(to) = to.filter(|_| listed) {
            // Who is looked for elsewhere is forwarded there, too.
            trail.divert(&Place::User(self.served.clone()).uri(desk.realm()), &to, Cause::FindMe);
            self.trail.branches_out();
        }
        let outside = matches!(goal, Goal::Address(_));
        let mut room = MAX_TARGETS.saturating_sub(self.groups.iter().map(Vec::len).sum());
        for (n, group) in found.into_iter().enumerate() {
            if self.groups.len() <= n {
                self.groups.push(Vec::new());
            }
            for aim in group.into_iter().take(room) {
                room = room.saturating_sub(1);
                let trail = trail.is_told().then(|| Box::new(trail.clone()));
                self.groups[n].push(Aim { whose, trail, outside, ..aim });
            }
        }
        self.groups.retain(|group| !group.is_empty());
    }
}

/// Whether calls of theirs to that user are refused, by either.
pub(super) fn screened(desk: &Desk, calling: &Calling, user: &str) -> Option<Refusal> {
    let domains = &desk.settings.domains;
    let refuses = desk.directory.rules(user).is_some_and(|rules| rules.screening.refuses(calling, domains));
    if refuses {
        return Some(Refusal::Screened);
    }
    let caller = calling.identity.our_user().and_then(|caller| desk.directory.rules(caller))?;
    let whom = Identity::of_user(user, desk.realm());
    caller.screening.forbids(&whom, domains).then_some(Refusal::Forbidden)
}

/// The user of ours that a place is, if it is one.
fn ours(desk: &Desk, place: &Place) -> Option<Box<str>> {
    match place {
        Place::User(name) => Some(name.clone()),
        Place::Uri(uri) => our_user(desk, uri),
    }
}

fn our_user(desk: &Desk, uri: &str) -> Option<Box<str>> {
    let uri = UriRef::parse(uri).ok()?;
    let user = uri.user()?;
    (uri.is_sip() && desk.is_ours(&uri)).then(|| unescape(user).into_owned().into())
}

/// Where the phones of somebody are, in the order in which they are tried.
pub(super) fn phones(
    desk: &Desk,
    targets: Vec<Target>,
    source: Flow,
    length: usize,
    secure: bool,
) -> Vec<Vec<Aim>> {
    let aims = |group: Vec<Target>| -> Vec<Aim> {
        group.into_iter().filter_map(|target| aim_at(desk, target, source, length, secure)).collect()
    };
    groups(targets).into_iter().map(aims).collect()
}

/// One aim at an address of another domain; none if it cannot be looked up (RFC 7118 §5.5).
fn elsewhere(desk: &Desk, uri: &str, source: Flow, length: usize, secure: bool) -> Vec<Vec<Aim>> {
    // RFC 5630 §5.3: what was asked for securely goes on so.
    let uri: Box<str> = match uri.get(..4) {
        Some(scheme) if secure && scheme.eq_ignore_ascii_case("sip:") => format!("sips:{}", &uri[4..]).into(),
        _ => uri.into(),
    };
    let way = match UriRef::parse(&uri) {
        Ok(parsed) if !parsed.host().to_ascii_lowercase().ends_with(".invalid") => {
            find(desk, &parsed, source, length, secure)
        }
        _ => return Vec::new(),
    };
    vec![vec![Aim { uri: Some(uri), ..Aim::by(way) }]]
}
