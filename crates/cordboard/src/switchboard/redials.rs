//! Redials (RFC 5359 §2.17), as operators ask for them.

use cordboard_service::redials::{MAX_OF_ONE, MAX_REDIALS, Redial, RedialAction, RedialAnswer};
use cordboard_sip::{Status, UriRef};

use super::{Refusal, Switchboard};

/// Why there is no redial.
#[derive(Debug, thiserror::Error)]
pub enum RedialRefusal {
    /// Nothing of the kind runs.
    #[error("there is no redial server: `[redial]` in the configuration file declares one")]
    NoServer,
    /// The asker and the wanted are one.
    #[error("{0} cannot be called back to talk with themselves: name two")]
    Same(Box<str>),
    /// Nobody has that name.
    #[error("{0} is nobody here: `cordboard ctl users list` tells who is")]
    Nobody(Box<str>),
    /// The server does not serve the asker, or the asker may not call there.
    #[error("{asker} is in none of the groups that the redial server serves, or may not call {wanted}")]
    Forbidden {
        /// Who would be called back.
        asker: Box<str>,
        /// Whom they would want.
        wanted: Box<str>,
    },
    /// It is of another domain.
    #[error(
        "{0} is of another domain, and calls are handed over to these only where `external_transfer` allows it"
    )]
    Outside(Box<str>),
    /// It is being done.
    #[error("{0} is being called back for that at this moment")]
    BeingDone(Box<str>),
    /// There is no room.
    #[error(
        "too much waits already: {MAX_OF_ONE} for one asker and {MAX_REDIALS} in all are the most; give one up first"
    )]
    TooMany,
    /// No redial has that number.
    #[error("no redial {0} waits: `cordboard ctl redial list` tells which do")]
    NoSuch(u64),
}

impl Switchboard {
    /// What waits at the redial server, in the order in which it was asked for.
    pub fn redials(&self) -> Result<Vec<Redial>, Refusal> {
        match self.at_redial(RedialAction::List)? {
            RedialAnswer::Waiting(redials) => Ok(redials),
            _ => Err(Refusal::NoAnswer),
        }
    }

    /// Has a user called back once whoever is wanted is free: its number, once it is kept. `wanted` is as in
    /// [`Switchboard::address`].
    pub fn ask_redial(&self, asker: &str, wanted: &str) -> Result<u64, Refusal> {
        self.expect_person(asker)?;
        let (asker, wanted) = (self.address(asker)?, self.address(wanted)?);
        if !self.may_hand_over_to(&wanted) {
            return Err(RedialRefusal::Outside(wanted).into());
        }
        let action = RedialAction::Ask { asker: asker.clone(), wanted: wanted.clone() };
        let refusal = match self.at_redial(action)? {
            RedialAnswer::Taken(number) => return Ok(number),
            RedialAnswer::Refused(status) => status,
            _ => return Err(Refusal::NoAnswer),
        };
        Err(match refusal {
            Status::LOOP_DETECTED => RedialRefusal::Same(asker).into(),
            Status::NOT_FOUND => RedialRefusal::Nobody(wanted).into(),
            Status::FORBIDDEN => RedialRefusal::Forbidden { asker, wanted }.into(),
            Status::BUSY_HERE => RedialRefusal::BeingDone(asker).into(),
            Status::TEMPORARILY_UNAVAILABLE => RedialRefusal::TooMany.into(),
            _ => Refusal::Address(wanted),
        })
    }

    /// Gives one up.
    pub fn cancel_redial(&self, number: u64) -> Result<(), Refusal> {
        match self.at_redial(RedialAction::Cancel(number))? {
            RedialAnswer::Cancelled => Ok(()),
            RedialAnswer::NoSuch => Err(RedialRefusal::NoSuch(number).into()),
            _ => Err(Refusal::NoAnswer),
        }
    }

    fn at_redial(&self, action: RedialAction) -> Result<RedialAnswer, Refusal> {
        if !self.servers.has_redial() {
            return Err(RedialRefusal::NoServer.into());
        }
        self.servers.redial(action).ok_or(Refusal::NoAnswer)
    }

    /// Whether a call may be handed over to that address, as far as its domain is concerned.
    fn may_hand_over_to(&self, address: &str) -> bool {
        let config = self.config();
        let ours = |host: &str| config.domains.iter().any(|domain| domain.eq_ignore_ascii_case(host));
        config.external_transfer || UriRef::parse(address).is_ok_and(|uri| ours(uri.host()))
    }
}
