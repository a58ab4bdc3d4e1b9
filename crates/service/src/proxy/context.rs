//! Response contexts: what the proxy remembers of a request until its last branch is done
//! (RFC 3261 §16.2).

use super::hunt::Hunt;
use super::security::SipsWarning;
use crate::carried::{DialogKey, Ends, Party};
use crate::services::screening::Calling;
use crate::services::trail::Trail;
use bytes::Bytes;
use cordboard_core::server_location::Selection;
use cordboard_core::target_set::State;
use cordboard_core::time::Instant;
use cordboard_core::transaction::{ClientId, ServerId};
use cordboard_core::transport::{Flow, Transport};
use cordboard_sip::{Message, Method, Name, Status};
use smallvec::SmallVec;
use std::net::SocketAddr;

/// One request on its way.
pub(super) struct Context {
    pub(super) generation: u32,
    /// What the response goes to; none for an ACK.
    pub(super) server: Option<ServerId>,
    pub(super) method: Method,
    /// Where the request came from.
    pub(super) source: Flow,
    /// The request, until nothing can need it any more.
    pub(super) request: Option<Box<Message>>,
    pub(super) ways: Preparation,
    /// By which number whoever sent it knows it, if it goes on with another.
    pub(super) cseq: Option<u32>,
    /// How many branches it and all that follow from it may have out at a time (RFC 5393 §5).
    pub(super) breadth: usize,
    /// Groups of targets still to be tried, the next one last.
    pub(super) waiting: Vec<Vec<Aim>>,
    pub(super) branches: SmallVec<[Branch; 1]>,
    pub(super) best: Option<Best>,
    /// Challenges of other branches than the best (RFC 3261 §16.7 step 7).
    pub(super) challenges: Vec<(Name, Box<str>)>,
    pub(super) phase: State,
    /// Where it goes next, if whoever is called has set something up.
    pub(super) hunt: Option<Box<Hunt>>,
    /// Whether a contact was looked up, rather than a user.
    pub(super) wants_contact: bool,
    /// The user who was looked up, if they are reached only over connections that prove them.
    pub(super) certified: Option<Box<str>>,
    /// Why we ourselves refuse it, if there is more to say than the status.
    pub(super) refusal: Option<Refusal>,
    /// Who is at the ends of the dialogs that an INVITE makes, if we stay in their route.
    pub(super) ends: Option<Ends>,
    /// The dialogs that its responses have made.
    pub(super) dialogs: SmallVec<[DialogKey; 1]>,
    /// When the current group is given up in favour of the next.
    pub(super) group_until: Option<Instant>,
    /// When all the groups of a step are.
    pub(super) step_until: Option<Instant>,
}

/// Why we ourselves refuse a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No target fits its scheme.
    Sips(SipsWarning),
    /// Whoever is called does not take calls of theirs (RFC 5359 §2.13).
    Screened,
    /// The caller may not call there (RFC 5359 §2.14).
    Forbidden,
    /// A rule would send it to where it was.
    Loop,
    /// It was forwarded too often.
    TooOften,
    /// A rule names nobody.
    Nobody,
    /// A rule sends it where its user may not call.
    NotAllowed,
}

impl Refusal {
    /// What the caller is told whose call is to be forwarded in any case.
    pub(super) const fn status(self) -> Status {
        match self {
            Self::Screened | Self::Forbidden => Status::FORBIDDEN,
            // RFC 3261 §16.3 step 4 speaks of the same request; this one has only a new target.
            Self::Loop => Status::LOOP_DETECTED,
            Self::Sips(_) | Self::TooOften | Self::Nobody | Self::NotAllowed => {
                Status::TEMPORARILY_UNAVAILABLE
            }
        }
    }

    /// For the log.
    pub(super) const fn note(self) -> &'static str {
        match self {
            Self::Sips(_) => "no phone can be reached by the scheme that was asked for",
            Self::Screened => "refused a call that whoever is called does not take",
            Self::Forbidden => "refused a call that the caller may not make",
            Self::Loop => "a call was not forwarded to where it had been",
            Self::TooOften => "a call was not forwarded once more",
            Self::Nobody => "a call was not forwarded, for there is no such user",
            Self::NotAllowed => "a call was not forwarded to where its user may not call",
        }
    }

    /// For the caller, who need not know whose rule it is (RFC 3261 §20.43).
    pub(super) const fn warning(self) -> Option<&'static str> {
        match self {
            Self::Loop => Some("399 cordboard \"this call would be forwarded to where it has been\""),
            Self::TooOften => Some("399 cordboard \"this call has been forwarded too often\""),
            Self::Nobody => Some("399 cordboard \"this call is to be forwarded to nobody\""),
            Self::NotAllowed => Some("399 cordboard \"this call may not be forwarded to where it should\""),
            Self::Sips(_) | Self::Screened | Self::Forbidden => None,
        }
    }
}

/// What was decided about a request before its targets were known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preparation {
    /// Leading Route values that are ours.
    pub(super) strip_routes: usize,
    /// The Request-URI that a strict router had moved to the end of the Route (RFC 3261 §16.4).
    pub(crate) strict_uri: Option<Box<str>>,
    /// Whether we put ourselves into the dialog's route.
    pub(crate) record_route: bool,
    /// The authenticated caller's address-of-record, to be asserted.
    pub(crate) identity: Option<Box<str>>,
    /// The address-of-record of who has sent the caller to a server of ours, which is told so (RFC 3892).
    pub(crate) referred_by: Option<Box<str>>,
    /// Who calls, if it is one of ours.
    pub(crate) caller: Party,
    /// Who calls, for whoever has set something up; nobody where nothing is, or this begins no call.
    pub(crate) calling: Option<Box<Calling>>,
    /// The number that it had when it came, if it has another now.
    pub(crate) cseq: Option<u32>,
    /// Whether the Request-URI is `sips` (RFC 5630).
    pub(super) secure: bool,
    /// Whether the Request-URI may be followed to elsewhere when nobody has registered it.
    pub(crate) relay_if_unknown: bool,
}

/// Where one branch of a request is to go.
#[derive(Clone, Debug)]
pub(super) struct Aim {
    /// The new Request-URI; none leaves it as it is.
    pub(super) uri: Option<Box<str>>,
    /// Route values to put on top: a Path.
    pub(super) route: Vec<Box<str>>,
    /// The phone that it leads to, if that has a name (RFC 5626 §4.1).
    pub(super) instance: Option<Box<str>>,
    /// Whose phone it is, if that is not whoever was called.
    pub(super) whose: Party,
    /// How the call came there, if it was forwarded.
    pub(super) trail: Option<Box<Trail>>,
    /// Whether it leads to another domain.
    pub(super) outside: bool,
    pub(super) way: Way,
}

/// How to get there.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// Over this flow.
    Flow(Flow),
    /// Over this flow and nothing else: what lies behind it has no other address.
    OnlyFlow(Flow),
    /// To be found (RFC 3263).
    Find(Box<Search>),
}

/// A search for the next hop.
#[derive(Clone, Debug)]
pub(super) struct Search {
    pub(super) selection: Selection,
    /// For a request that is too large for a datagram: where it goes as one all the same, if no
    /// stream can be opened (RFC 3261 §18.1.1).
    pub(super) otherwise: Option<Selection>,
}

impl Aim {
    /// Where the Request-URI and the Route lead.
    pub(super) const fn by(way: Way) -> Self {
        Self { uri: None, route: Vec::new(), instance: None, whose: None, trail: None, outside: false, way }
    }

    /// Whether it leads to the same phone as another.
    pub(super) fn is_kin(&self, other: &Self) -> bool {
        self.instance.is_some() && self.instance == other.instance
    }

    /// Goes over to datagrams; false if there is nothing to go over to.
    pub(super) fn fall_back(&mut self) -> bool {
        let Way::Find(search) = &mut self.way else { return false };
        match search.otherwise.take() {
            Some(selection) => {
                search.selection = selection;
                true
            }
            None => false,
        }
    }
}

/// One branch.
pub(super) struct Branch {
    pub(super) aim: Aim,
    pub(super) state: BranchState,
    /// Its share of the breadth.
    pub(super) breadth: usize,
    /// Its transaction, as long as that lives.
    pub(super) client: Option<ClientId>,
    /// The address being tried, for a second try by another transport.
    pub(super) trying: Option<(Transport, SocketAddr)>,
    /// Timer C (RFC 3261 §16.6 step 11).
    pub(super) timer_c: Option<Instant>,
}

/// How far a branch got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BranchState {
    /// Its next hop is being looked up, or a connection opened.
    Finding,
    /// Its request is out.
    Trying,
    /// A provisional response came.
    Proceeding,
    /// We cancelled it; only a 2xx of it still counts.
    Cancelled,
    /// It is done.
    Finished,
}

impl BranchState {
    /// Whether something may still come of it.
    pub(super) const fn is_open(self) -> bool {
        !matches!(self, Self::Finished)
    }
}

/// The best failure so far.
pub(super) struct Best {
    pub(super) status: Status,
    /// The response as it goes back, its top Via removed; none for one of our own.
    pub(super) bytes: Option<Bytes>,
}

impl Best {
    /// Whether `status` is to be preferred (RFC 3261 §16.7 step 6).
    pub(super) fn is_beaten_by(&self, status: Status) -> bool {
        rank(status) < rank(self.status)
    }
}

/// §16.7 step 6: 6xx first, then the lowest class; within 4xx those that tell how to try again.
const fn rank(status: Status) -> u8 {
    match status.code() {
        600.. => 0,
        300..=399 => 1,
        401 | 407 | 415 | 420 | 484 => 2,
        // What we or a next hop made up for want of an answer says less than a real one.
        408 | 430 => 4,
        400..=499 => 3,
        503 => 6,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_response_is_that_of_section_16_7() {
        let order = [Status::DECLINE, Status::MOVED_TEMPORARILY, Status::UNAUTHORIZED, Status::BUSY_HERE];
        for pair in order.windows(2) {
            assert!(Best { status: pair[1], bytes: None }.is_beaten_by(pair[0]), "{pair:?}");
            assert!(!Best { status: pair[0], bytes: None }.is_beaten_by(pair[1]), "{pair:?}");
        }
        assert!(
            Best { status: Status::SERVICE_UNAVAILABLE, bytes: None }.is_beaten_by(Status::REQUEST_TIMEOUT)
        );
    }
}
