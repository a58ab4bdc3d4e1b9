//! The registrar: RFC 3261 §10.3, with Path (RFC 3327), outbound (RFC 5626 §6) and GRUUs (RFC 5627 §5).

use crate::auth::{Authenticator, Verdict};
use crate::desk::{Asker, Desk, role};
use crate::door::{Answer, Level, Question};
use crate::location::{
    Aor, BindingFact, Change, ContactChange, Era, RegisterError, Registered, Registration,
};
use crate::news::{News, RegistrationNews};
use crate::proxy::target::uri_of;
use cordboard_core::time::Instant;
use cordboard_core::transaction::{Owner, ServerId};
use cordboard_core::transport::Flow;
use cordboard_sip::header::ContactRef;
use cordboard_sip::uri::{Escape, Place, unescape};
use cordboard_sip::{Builder, Decimal, Name, Status, UriRef, View};
use slab::Slab;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// Contacts that one REGISTER may carry.
pub(crate) const MAX_CONTACTS_IN_REQUEST: usize = 32;

/// The extensions a registrar understands.
const SUPPORTED: &str = "path, outbound, gruu";

/// The registrar of one shard.
#[derive(Default)]
pub(crate) struct Registrar {
    waiting: Slab<Waiting>,
}

/// A REGISTER whose change is being kept, and the response as far as it is known.
struct Waiting {
    server: ServerId,
    response: Builder,
    aor: Aor,
    gruu: bool,
}

/// Why a REGISTER was turned away.
enum Refusal {
    Plain(Status),
    /// RFC 3261 §10.3 step 7: too short, and what would do.
    TooBrief(Duration),
    /// §10.3 step 2: the options that are not known.
    Extension(Vec<Box<str>>),
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self::Plain(status)
    }
}

impl Registrar {
    /// Whether no change waits to be kept.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// A REGISTER for our domain.
    pub(crate) fn handle_request(
        &mut self,
        desk: &mut Desk,
        auth: &mut Authenticator,
        now: Instant,
        flow: Flow,
        server: ServerId,
        request: &View<'_>,
    ) {
        let user = match authenticate(desk, auth, now, flow, request) {
            Ok(user) => user,
            Err(Unproved::Challenge { stale }) => {
                desk.counters.challenges += 1;
                let response = desk.response(request, Status::UNAUTHORIZED);
                let response = auth.challenge(desk, now, stale, Name::WWW_AUTHENTICATE, response);
                return desk.stack.respond_statelessly(server, response.finish());
            }
            Err(Unproved::Refuse(status)) => return desk.reply(now, server, request, status),
        };
        if !is_certified(desk, request, flow) {
            return desk.refuse_uncertified(now, flow, server, request);
        }
        let options = Options::of(request);
        let registration = match registration(desk, request, &options, user.as_deref(), flow) {
            Ok(registration) => registration,
            Err(refusal) => return refuse(desk, now, server, request, refusal),
        };
        let mut response = desk.response(request, Status::OK);
        if options.path {
            response = response.copy(request, Name::PATH);
        }
        if accepts_outbound(&registration) {
            // RFC 5626 §6: the phone learns that its flow will be used.
            response = response.line(Name::REQUIRE, "outbound");
        }
        let aor = registration.aor.clone();
        let key = self.waiting.insert(Waiting { server, response, aor, gruu: options.gruu }) as u64;
        desk.stack.own(server, Owner { role: role::REGISTRAR, key });
        if !desk.ask(Question::Register(Box::new(registration)), Asker::Registrar(key)) {
            self.answer(desk, now, key, Err(RegisterError::NotStored));
        }
    }

    /// The change is kept, or could not be; whose contacts it was about.
    pub(crate) fn handle_answer(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        answer: Answer,
    ) -> Option<Aor> {
        let Answer::Registered(registered) = answer else { return None };
        let aor = self.waiting.get(key as usize)?.aor.clone();
        self.answer(desk, now, key, registered);
        Some(aor)
    }

    fn answer(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        registered: Result<Registered, RegisterError>,
    ) {
        let Some(waiting) = self.waiting.try_remove(key as usize) else { return };
        let Waiting { server, mut response, aor, gruu } = waiting;
        match registered {
            Ok(registered) => {
                let mut temporary = Temporary::default();
                for binding in &registered.bindings {
                    let gruus = binding
                        .era
                        .filter(|_| gruu)
                        .map(|era| Gruus { aor: &aor, temporary: temporary.of_era(desk, &aor, era) });
                    response = response.line(Name::CONTACT, Listed { binding, now, gruus });
                }
                desk.counters.registrations += 1;
                if registered.changed {
                    desk.tell(|| News::Registration(RegistrationNews::of(&aor, &registered)));
                }
                desk.stack.respond(now, server, Status::OK, response.finish());
            }
            Err(error) => {
                let status = match error {
                    // §10.3 step 7: 500 for a request that comes too late.
                    RegisterError::OutOfOrder | RegisterError::NotStored => Status::SERVER_INTERNAL_ERROR,
                    RegisterError::TooMany => Status::FORBIDDEN,
                };
                let response = response.with_status(status, &error.to_string());
                desk.stack.respond(now, server, status, response.finish());
            }
        }
    }
}

/// §10.3 steps 2 to 7: what the request asks for.
fn registration(
    desk: &Desk,
    request: &View<'_>,
    options: &Options,
    user: Option<&str>,
    flow: Flow,
) -> Result<Registration, Refusal> {
    let unknown: Vec<Box<str>> = request
        .values(Name::REQUIRE)
        .map(|value| value.text)
        .filter(|option| !SUPPORTED.split(", ").any(|known| known.eq_ignore_ascii_case(option)))
        .map(Box::from)
        .collect();
    if !unknown.is_empty() {
        return Err(Refusal::Extension(unknown));
    }
    if request.has(Name::PATH) && !options.path {
        // RFC 3327 §5.3: so that a phone notices who has put itself into its way.
        return Err(Refusal::Extension(vec!["path".into()]));
    }
    let to = UriRef::parse(request.to_uri()).map_err(|_| Status::BAD_REQUEST)?;
    let named = unescape(to.user().ok_or(Status::NOT_FOUND)?);
    if !desk.is_ours(&to) {
        return Err(Status::NOT_FOUND.into());
    }
    if user.is_some_and(|user| *user != *named) {
        return Err(Status::FORBIDDEN.into());
    }
    if desk.directory.user(&named).is_none() {
        return Err(Status::NOT_FOUND.into());
    }
    Ok(Registration {
        aor: desk.aor(&named),
        call_id: request.call_id().into(),
        cseq: request.cseq().0,
        flow,
        path: request.values(Name::PATH).map(|value| value.text.into()).collect(),
        action: change(desk, request, &to)?,
    })
}

/// The options that a REGISTER says it supports, or even requires.
struct Options {
    path: bool,
    gruu: bool,
}

impl Options {
    fn of(request: &View<'_>) -> Self {
        let mut options = Self { path: false, gruu: false };
        for value in request.values(Name::SUPPORTED).chain(request.values(Name::REQUIRE)) {
            options.path |= value.text.eq_ignore_ascii_case("path");
            options.gruu |= value.text.eq_ignore_ascii_case("gruu");
        }
        options
    }
}

fn accepts_outbound(registration: &Registration) -> bool {
    match &registration.action {
        Change::Update(changes) => changes.iter().any(|change| change.outbound && !change.expires.is_zero()),
        Change::Fetch | Change::RemoveAll => false,
    }
}

enum Unproved {
    Challenge { stale: bool },
    Refuse(Status),
}

/// §10.3 step 3. `None` when registrations are not challenged here.
fn authenticate(
    desk: &mut Desk,
    auth: &mut Authenticator,
    now: Instant,
    flow: Flow,
    request: &View<'_>,
) -> Result<Option<Box<str>>, Unproved> {
    if !desk.settings.auth.registers {
        return Ok(None);
    }
    match auth.check(desk, now, request, Name::AUTHORIZATION) {
        Verdict::User(user) => Ok(Some(user)),
        Verdict::Unproved { stale } => Err(Unproved::Challenge { stale }),
        Verdict::Wrong => {
            desk.counters.bad_credentials += 1;
            desk.note(Level::Warning, "wrong credentials in a REGISTER", request, Some(flow));
            Err(Unproved::Challenge { stale: false })
        }
        Verdict::Malformed => Err(Unproved::Refuse(Status::BAD_REQUEST)),
    }
}

/// Whether the connection proves whose contacts they are, where that is asked for (RFC 5922 §7.6).
fn is_certified(desk: &Desk, request: &View<'_>, flow: Flow) -> bool {
    if desk.directory.groups.is_empty() {
        return true;
    }
    let Ok(to) = UriRef::parse(request.to_uri()) else { return true };
    desk.is_certified(&unescape(to.user().unwrap_or_default()), Some(&to), flow)
}

/// §10.3 steps 6 and 7.
fn change(desk: &Desk, request: &View<'_>, to: &UriRef<'_>) -> Result<Change, Refusal> {
    let bounds = desk.settings.registrar;
    let asked = request.value(Name::EXPIRES).map(|text| text.trim().parse::<u32>().unwrap_or(3600));
    let mut changes = Vec::new();
    let mut all = false;
    let values: SmallVec<[Cow<'_, str>; 4]> =
        request.values(Name::CONTACT).map(|value| value.unfolded()).collect();
    for value in &values {
        match value.trim() {
            "*" => all = true,
            text => changes.push(ContactRef::parse(text).map_err(|_| Status::BAD_REQUEST)?),
        }
        if changes.len() > MAX_CONTACTS_IN_REQUEST {
            return Err(Status::BAD_REQUEST.into());
        }
    }
    if all {
        return match (asked, changes.is_empty()) {
            (Some(0), true) => Ok(Change::RemoveAll),
            _ => Err(Status::BAD_REQUEST.into()),
        };
    }
    if changes.is_empty() {
        return Ok(Change::Fetch);
    }
    let asked_outbound =
        request.values(Name::SUPPORTED).any(|value| value.text.eq_ignore_ascii_case("outbound"));
    let outbound = asked_outbound && first_hop_does_outbound(request);
    if asked_outbound && !outbound && changes.iter().any(|addr| addr.reg_id.is_some()) {
        return Err(Status::FIRST_HOP_LACKS_OUTBOUND_SUPPORT.into());
    }
    let changes: Result<Vec<_>, Refusal> = changes
        .into_iter()
        .map(|addr| {
            let default = bounds.default_expires;
            let expires = addr.expires.or(asked).map_or(default, |s| Duration::from_secs(s.into()));
            if expires < bounds.min_expires && !expires.is_zero() {
                return Err(Refusal::TooBrief(bounds.min_expires));
            }
            one_change(desk, to, &addr, expires.min(bounds.max_expires), outbound)
        })
        .collect();
    Ok(Change::Update(changes?))
}

/// RFC 5626 §6: we are the first hop, or that said in its Path that it keeps the flow.
fn first_hop_does_outbound(request: &View<'_>) -> bool {
    request.values(Name::VIA).nth(1).is_none()
        || request
            .values(Name::PATH)
            .any(|path| UriRef::parse(uri_of(path.text)).is_ok_and(|uri| uri.params().has("ob")))
}

fn one_change(
    desk: &Desk,
    to: &UriRef<'_>,
    addr: &ContactRef<'_>,
    expires: Duration,
    outbound: bool,
) -> Result<ContactChange, Refusal> {
    let uri = addr.address.uri_text();
    match addr.address.uri() {
        // §10.2.1: a Contact in a REGISTER has no headers; with them it could forge requests.
        Ok(uri) if !uri.headers().is_empty() => return Err(Status::BAD_REQUEST.into()),
        Ok(uri) if addr.instance.is_some() && !expires.is_zero() && leads_back(desk, to, &uri) => {
            return Err(Status::FORBIDDEN.into());
        }
        Ok(_) => {}
        Err(_) => return Err(Status::BAD_REQUEST.into()),
    }
    Ok(ContactChange {
        uri: uri.into(),
        q: addr.q.map_or(1000, cordboard_sip::header::Quality::thousandths),
        expires,
        instance: addr.instance.as_deref().map(Box::from),
        reg_id: addr.reg_id.unwrap_or(0),
        outbound: outbound && addr.reg_id.is_some() && addr.instance.is_some(),
    })
}

/// RFC 5627 §5.1: an instance cannot be at its own address-of-record, which a public GRUU of it is equivalent
/// to, nor at a temporary GRUU of it, nor where SIP does not go.
fn leads_back(desk: &Desk, to: &UriRef<'_>, contact: &UriRef<'_>) -> bool {
    let is_temporary_gruu = || {
        contact.params().find("gr") == Some(None)
            && desk.is_ours(contact)
            && contact
                .user()
                .and_then(|token| desk.tokens.open_gruu(&unescape(token)))
                .is_some_and(|(user, _)| to.user().is_some_and(|named| *unescape(named) == *user))
    };
    !contact.is_sip() || contact.equivalent(to) || is_temporary_gruu()
}

fn refuse(desk: &mut Desk, now: Instant, server: ServerId, request: &View<'_>, refusal: Refusal) {
    let (status, response) = match refusal {
        Refusal::Plain(status) => (status, desk.response(request, status)),
        Refusal::TooBrief(least) => {
            let status = Status::INTERVAL_TOO_BRIEF;
            (status, desk.response(request, status).line(Name::MIN_EXPIRES, least.as_secs()))
        }
        Refusal::Extension(unknown) => {
            let status = Status::BAD_EXTENSION;
            let response = desk.response(request, status);
            (
                status,
                unknown.iter().fold(response, |response, option| response.line(Name::UNSUPPORTED, option)),
            )
        }
    };
    desk.stack.respond(now, server, status, response.finish());
}

/// The temporary GRUUs that one response tells, each of a fresh user part (RFC 5627 §5.1).
#[derive(Default)]
struct Temporary(SmallVec<[(Era, Option<String>); 1]>);

impl Temporary {
    /// The one of that era, the same for each contact of an instance (§5.2).
    fn of_era(&mut self, desk: &mut Desk, aor: &Aor, era: Era) -> Option<&str> {
        let at = self.0.iter().position(|(made, _)| *made == era).unwrap_or_else(|| {
            let made = desk.tokens.seal_gruu(desk.stack.dice(), aor.user(), era);
            self.0.push((era, made));
            self.0.len() - 1
        });
        self.0[at].1.as_deref()
    }
}

/// A contact as the 200 lists it (§10.3 step 8, RFC 5626 §6, RFC 5627 §5.2).
struct Listed<'a> {
    binding: &'a BindingFact,
    now: Instant,
    gruus: Option<Gruus<'a>>,
}

/// The GRUUs of an instance.
struct Gruus<'a> {
    aor: &'a Aor,
    /// The user part.
    temporary: Option<&'a str>,
}

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { binding, now, gruus } = self;
        // Rounded up, so that a phone never believes it is gone while it is still there.
        let left = binding.expires_at.since(*now);
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        // Every 200 has this; formatting it would cost more than the rest of the line.
        for part in ["<", &binding.uri, ">;expires=", &*Decimal::new(seconds)] {
            f.write_str(part)?;
        }
        if binding.q != 1000 {
            write!(f, ";q=0.{:03}", binding.q)?;
        }
        if let Some(instance) = &binding.instance {
            f.write_str(";+sip.instance=\"<")?;
            for part in instance.split_inclusive(['"', '\\']) {
                // What was a quoted pair in the request is one again.
                match part.strip_suffix(['"', '\\']) {
                    Some(plain) => write!(f, "{plain}\\{}", &part[plain.len()..])?,
                    None => f.write_str(part)?,
                }
            }
            f.write_str(">\"")?;
            if let Some(Gruus { aor, temporary }) = gruus {
                write!(f, ";pub-gruu=\"{};gr={}\"", aor.uri(), Escape(instance, Place::Param))?;
                if let Some(user) = temporary {
                    write!(f, ";temp-gruu=\"sip:{user}@{};gr\"", aor.domain())?;
                }
            }
        }
        if binding.reg_id != 0 {
            write!(f, ";reg-id={}", binding.reg_id)?;
        }
        Ok(())
    }
}
