//! Servers that are user agents (RFC 5359): a telephone at which a program sits instead of a person.
//!
//! A program hears what the telephone tells and presses its buttons; of SIP it knows nothing. Each is a small printed
//! table, in a file that bears the name of its section.

mod announcer;
mod clerk;
mod connecting;
mod focus;
mod music;
mod operator;
mod park;
pub(crate) mod pickup;
mod redial;

use crate::call::{CallAction, CallEvent, CallName};
use crate::directory::Directory;
use crate::door::{self, CommandId, Unchanged};
use crate::kept::{Purpose, Record, RecordError};
use crate::news::News;
use crate::operate::{Asked, Connect, Operated};
use crate::redials::{RedialAction, RedialAnswer};
use crate::rooms::{RoomAction, RoomAnswer};
use crate::settings::{Role, Server, Service};
use announcer::Announcer;
use clerk::Clerk;
use cordboard_core::time::Instant;
use cordboard_sip::header::NameAddrRef;
use cordboard_sip::uri::Uri;
use focus::Focus;
use music::Music;
use operator::Operator;
use park::Park;
use pickup::Pickup;
use redial::Redials;
use std::sync::Arc;
use std::time::Duration;

/// How long a tone sounds that says that something is done.
const TONE: Duration = Duration::from_secs(2);

/// Who sits at the telephone of an agent.
#[derive(Debug)]
pub(crate) enum Program {
    /// A person, or nobody.
    Person,
    Music(Music),
    Park(Park),
    Announcer(Announcer),
    Pickup(Pickup),
    Redial(Box<Redials>),
    Clerk(Clerk),
    Operator(Operator),
    Focus(Focus),
}

impl Program {
    /// The program that a role asks for.
    pub(crate) fn of(role: &Role) -> Self {
        match role {
            Role::Telephone(_) | Role::Switchboard(_) => Self::Person,
            Role::Server(Server { service: Service::Music, telephone, .. }) => {
                Self::Music(Music::new(&telephone.user))
            }
            Role::Server(Server { service: Service::Park(park), telephone, .. }) => {
                Self::Park(Park::new(park, &telephone.user))
            }
            Role::Server(Server { service: Service::Redial(redial), telephone, .. }) => {
                Self::Redial(Box::new(Redials::new(redial, telephone)))
            }
            Role::Server(Server { service: Service::Announcer(announcer), .. }) => {
                Self::Announcer(Announcer::new(announcer))
            }
            Role::Server(Server { service: Service::Pickup(pickup), .. }) => {
                Self::Pickup(Pickup::new(pickup))
            }
            Role::Server(Server { service: Service::Clerk(clerk), .. }) => Self::Clerk(Clerk::new(clerk)),
            Role::Server(Server { service: Service::Operator, .. }) => Self::Operator(Operator::default()),
            Role::Server(Server { service: Service::Focus(focus), .. }) => Self::Focus(Focus::new(focus)),
        }
    }

    /// It does its work by other settings from now on; refused as a whole if that would put somebody out, or it is no such
    /// program. What was begun ends as it would have.
    pub(crate) fn change(&mut self, service: &Service) -> Result<(), Unchanged> {
        match (self, service) {
            (Self::Music(_), Service::Music) | (Self::Operator(_), Service::Operator) => Ok(()),
            (Self::Park(park), Service::Park(settings)) => park.change(settings),
            (Self::Focus(focus), Service::Focus(settings)) => focus.change(settings),
            (Self::Announcer(announcer), Service::Announcer(settings)) => {
                announcer.change(settings);
                Ok(())
            }
            (Self::Pickup(pickup), Service::Pickup(settings)) => {
                pickup.change(settings);
                Ok(())
            }
            (Self::Redial(redials), Service::Redial(settings)) => {
                redials.change(settings);
                Ok(())
            }
            (Self::Clerk(clerk), Service::Clerk(settings)) => {
                clerk.change(settings);
                Ok(())
            }
            _ => Err(Unchanged::NoSuchProgram),
        }
    }

    /// There is a new directory.
    pub(crate) fn use_directory(&mut self, now: Instant, directory: &Arc<Directory>) {
        if let Some(redials) = self.redials() {
            redials.use_directory(now, directory);
        }
    }

    /// The telephone tells something.
    pub(crate) fn hears(&mut self, now: Instant, event: &CallEvent) {
        match self {
            Self::Person => {}
            Self::Music(music) => music.hears(event),
            Self::Park(park) => park.hears(now, event),
            Self::Announcer(announcer) => announcer.hears(now, event),
            Self::Pickup(pickup) => pickup.hears(now, event),
            Self::Redial(redials) => redials.hears(now, event),
            Self::Clerk(clerk) => clerk.hears(now, event),
            Self::Operator(operator) => operator.hears(event),
            Self::Focus(focus) => focus.hears(now, event),
        }
    }

    /// The next button that it presses.
    pub(crate) fn poll_action(&mut self) -> Option<CallAction> {
        match self {
            Self::Person => None,
            Self::Music(music) => music.poll_action(),
            Self::Park(park) => park.poll_action(),
            Self::Announcer(announcer) => announcer.poll_action(),
            Self::Pickup(pickup) => pickup.poll_action(),
            Self::Redial(redials) => redials.poll_action(),
            Self::Clerk(clerk) => clerk.poll_action(),
            Self::Operator(operator) => operator.poll_action(),
            Self::Focus(focus) => focus.poll_action(),
        }
    }

    /// What a call is there for, and when something is to be done about it, if it is to survive the process.
    pub(crate) fn purpose(&self, call: CallName) -> Option<(Purpose, Option<Instant>)> {
        let room = || Some((self.focus()?.purpose(call)?, None));
        self.park().and_then(|park| park.purpose(call)).or_else(room)
    }

    /// The next call whose purpose has changed.
    pub(crate) fn poll_changed(&mut self) -> Option<CallName> {
        match self.park_mut() {
            Some(park) => park.poll_changed(),
            None => self.focus_mut()?.poll_changed(),
        }
    }

    /// Goes on with what another process has left behind.
    pub(crate) fn take_up(
        &mut self,
        now: Instant,
        record: &Record,
        call: CallName,
    ) -> Result<(), RecordError> {
        match self.park_mut() {
            Some(park) => park.take_up(now, record, call),
            None => self.focus_mut().ok_or(RecordError::NoPlace)?.take_up(now, record, call),
        }
    }

    /// The next thing that is to be done for somebody who has dialled a code.
    pub(crate) fn poll_wish(&mut self) -> Option<door::Wish> {
        if let Self::Clerk(clerk) = self { clerk.poll_wish() } else { None }
    }

    /// The slots of a park server.
    pub(crate) fn slots(&self) -> Vec<door::Slot> {
        self.park().map(Park::slots).unwrap_or_default()
    }

    /// The next that is to be written down besides calls, by its number; or to be forgotten.
    pub(crate) fn poll_note(&mut self) -> Option<(u64, Option<(Purpose, Instant)>)> {
        self.redials()?.poll_note()
    }

    /// Somebody wants to know what becomes of a slot in which somebody is being given away.
    pub(crate) fn await_slot(&mut self, id: CommandId, slot: &str) -> bool {
        self.park_mut().map(|park| park.await_slot(id, slot)).is_some()
    }

    /// The next who is told, for that is known.
    pub(crate) fn poll_settled(&mut self) -> Option<CommandId> {
        self.park_mut()?.poll_settled()
    }

    /// Those who run a redial server want something; false if it is none.
    pub(crate) fn redial(&mut self, now: Instant, id: CommandId, action: RedialAction) -> bool {
        let Some(redials) = self.redials() else { return false };
        redials.command(now, id, action);
        true
    }

    /// The next answer to one of these.
    pub(crate) fn poll_answer(&mut self) -> Option<(CommandId, RedialAnswer)> {
        self.redials()?.poll_answer()
    }

    /// The next thing that is told to whoever listens.
    pub(crate) fn poll_news(&mut self) -> Option<News> {
        if let Some(park) = self.park_mut() {
            return park.poll_news().map(News::Park);
        }
        self.redials()?.poll_news().map(News::Redial)
    }

    /// Those who run conference rooms want something; false if there are none.
    pub(crate) fn rooms(&mut self, now: Instant, id: CommandId, action: RoomAction) -> bool {
        let Some(focus) = self.focus_mut() else { return false };
        focus.command(now, id, action);
        true
    }

    /// The next answer to one of these.
    pub(crate) fn poll_rooms(&mut self) -> Option<(CommandId, RoomAnswer)> {
        self.focus_mut()?.poll_answer()
    }

    /// It is written down, or need not be.
    pub(crate) fn noted(&mut self, now: Instant, number: u64) {
        if let Some(redials) = self.redials() {
            redials.noted(now, number);
        }
    }

    /// Goes on with what another process has left behind that is no call; its number.
    pub(crate) fn take_up_note(&mut self, now: Instant, record: &Record) -> Result<u64, RecordError> {
        self.redials().ok_or(RecordError::NoCall)?.take_up(now, record)
    }

    /// Those who run an operator's telephone want two people connected; false if it is none.
    pub(crate) fn connect(&mut self, now: Instant, id: CommandId, connect: &Connect, asked: &Asked) -> bool {
        self.operator().map(|operator| operator.connect(now, id, connect, asked)).is_some()
    }

    /// They do not want it any more.
    pub(crate) fn give_up(&mut self, id: CommandId) {
        if let Some(operator) = self.operator() {
            operator.give_up(id);
        } else if let Some(focus) = self.focus_mut() {
            focus.give_up(id);
        }
    }

    /// The next that they are told.
    pub(crate) fn poll_operated(&mut self) -> Option<(CommandId, Operated)> {
        self.operator()?.poll_answer()
    }

    /// Only an operator's telephone connects others.
    const fn operator(&mut self) -> Option<&mut Operator> {
        if let Self::Operator(operator) = self { Some(operator) } else { None }
    }

    /// Only a park server has slots.
    const fn park(&self) -> Option<&Park> {
        if let Self::Park(park) = self { Some(park) } else { None }
    }

    const fn park_mut(&mut self) -> Option<&mut Park> {
        if let Self::Park(park) = self { Some(park) } else { None }
    }

    /// Only a focus has rooms.
    const fn focus(&self) -> Option<&Focus> {
        if let Self::Focus(focus) = self { Some(focus) } else { None }
    }

    const fn focus_mut(&mut self) -> Option<&mut Focus> {
        if let Self::Focus(focus) = self { Some(focus) } else { None }
    }

    /// Only a redial server calls back.
    const fn redials(&mut self) -> Option<&mut Redials> {
        if let Self::Redial(redials) = self { Some(redials) } else { None }
    }

    /// Does what is due by `now`.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Person | Self::Music(_) | Self::Focus(_) => {}
            Self::Operator(operator) => operator.handle_timeout(now),
            Self::Park(park) => park.handle_timeout(now),
            Self::Announcer(announcer) => announcer.handle_timeout(now),
            Self::Pickup(pickup) => pickup.handle_timeout(now),
            Self::Redial(redials) => redials.handle_timeout(now),
            Self::Clerk(clerk) => clerk.handle_timeout(now),
        }
    }

    /// When it wants to look again.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Person | Self::Music(_) | Self::Focus(_) => None,
            Self::Operator(operator) => operator.poll_timeout(),
            Self::Park(park) => park.poll_timeout(),
            Self::Announcer(announcer) => announcer.poll_timeout(),
            Self::Pickup(pickup) => pickup.poll_timeout(),
            Self::Redial(redials) => redials.poll_timeout(),
            Self::Clerk(clerk) => clerk.poll_timeout(),
        }
    }
}

/// Whom an address or a URI names: scheme, user and host, and nothing else.
fn bare(address: &str) -> Option<Box<str>> {
    let bracketed;
    let address = if address.contains('<') {
        address
    } else {
        bracketed = format!("<{address}>");
        &bracketed
    };
    let mut uri: Uri = NameAddrRef::parse(address).ok()?.uri_text().parse().ok()?;
    let sip = uri.as_sip_mut()?;
    sip.params = cordboard_sip::uri::UriParams::default();
    sip.headers = cordboard_sip::uri::UriHeaders::default();
    sip.user().filter(|user| !user.is_empty())?;
    Some(uri.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_an_address_names() {
        assert_eq!(
            bare("Bob <sip:bob@Example.com;user=phone>;tag=1").as_deref(),
            Some("sip:bob@example.com")
        );
        assert_eq!(
            bare("sip:bob@example.com:5070;transport=tcp").as_deref(),
            Some("sip:bob@example.com:5070")
        );
        assert_eq!([bare("sip:example.com"), bare("tel:+1555"), bare("bob")], [None, None, None]);
    }
}
