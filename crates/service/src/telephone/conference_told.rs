//! Who is in a conference of ours, as its participants see it (RFC 4575 §5).

use super::Telephone;
use super::call::{Call, Side};
use super::joining::Conference;
use super::written::conference_uri;
use crate::desk::Desk;
use cordboard_core::time::Instant;
use cordboard_core::transport::ListenerId;
use cordboard_sip::body::conference_info::{
    Change, ConferenceInfo, ConferenceState, ConferenceUri, Description, Endpoint, EndpointStatus,
    JoiningMethod, User, Users,
};
use cordboard_sip::header::NameAddrRef;
use std::time::Duration;

/// Between two NOTIFYs to one who watches (§3.9).
const PAUSE: Duration = Duration::from_secs(5);

impl Telephone {
    /// What somebody who watches a conference is told next.
    pub(super) fn conference_document(&mut self, desk: &Desk, now: Instant, key: u64) -> Option<String> {
        let watcher = self.watchers.get_mut(key)?;
        let (conference, version) = (watcher.conference?, watcher.news.next_version());
        let told = self.others(desk, key);
        let info = self.conference_info(desk, conference, version);
        let watcher = self.watchers.get_mut(key)?;
        watcher.told = told;
        watcher.not_before = Some(now + PAUSE);
        if let Some(info) = &info {
            watcher.entity.clone_from(&info.entity);
        }
        // RFC 4575 §4.6: that it is gone.
        let info = info.unwrap_or_else(|| ConferenceInfo {
            entity: watcher.entity.clone(),
            version,
            state: Change::Deleted,
            description: None,
            conference_state: None,
            users: None,
        });
        Some(info.to_string())
    }

    /// Whether somebody who watches a conference has something to be told, and may be told it now. What comes too soon
    /// after what they were told last waits (§3.9).
    pub(super) fn owes_conference(&mut self, desk: &Desk, now: Instant, key: u64) -> bool {
        let others = self.others(desk, key);
        let Some(watcher) = self.watchers.get_mut(key) else { return false };
        let owes = watcher.told != others;
        let may = watcher.not_before.is_none_or(|time| time <= now);
        watcher.waits = watcher.not_before.filter(|_| owes && !may);
        if watcher.waits.is_some() {
            self.watchers.arm(key);
        }
        owes && may
    }

    /// Who is in the conference that somebody watches, without them: how their own call is they know themselves.
    fn others(&self, desk: &Desk, key: u64) -> Vec<User> {
        let watcher = self.watchers.get(key);
        let Some((watcher, conference)) = watcher.and_then(|w| Some((w, w.conference?))) else {
            return Vec::new();
        };
        let is_room = self.conferences.get(conference).is_some_and(Conference::is_room);
        // Whoever watches a room may be in it with another telephone.
        if is_room {
            return self.participants(desk, conference);
        }
        let own = self.home(watcher.home).and_then(|dialog| NameAddrRef::parse(dialog.remote()).ok());
        let mut users = self.participants(desk, conference);
        users.retain(|user| own.as_ref().is_none_or(|own| user.entity != own.uri_text()));
        users
    }

    /// The document of a conference; none of one that is over.
    fn conference_info(&self, desk: &Desk, key: u64, version: u32) -> Option<ConferenceInfo> {
        let conference = self.conferences.get(key)?;
        let first = conference.members.first().copied();
        let listener = first.and_then(|key| self.calls.get(key)).map_or(ListenerId(0), |call| call.listener);
        let uri = conference_uri(desk, &self.account, &conference.named, listener, false);
        let active = !conference.members.is_empty();
        let users = self.participants(desk, key);
        let count = u32::try_from(users.len()).ok();
        Some(ConferenceInfo {
            entity: uri.clone(),
            version,
            state: Change::Full,
            description: Some(Description {
                conf_uris: vec![ConferenceUri {
                    uri,
                    display_text: None,
                    purpose: Some("participation".into()),
                }],
                ..Description::default()
            }),
            conference_state: Some(ConferenceState { user_count: count, active: Some(active), locked: None }),
            users: Some(Users { state: Change::Full, users }),
        })
    }

    /// Who is in it: we first, who are nobody in a room. Several endpoints of one user stand under one entry (§5.6).
    fn participants(&self, desk: &Desk, key: u64) -> Vec<User> {
        let Some(conference) = self.conferences.get(key) else { return Vec::new() };
        let calls = || conference.members.iter().filter_map(|key| self.calls.get(*key));
        let mut users = Vec::new();
        if !conference.is_room() {
            users.push(self.ourselves(desk, calls().next().map_or(ListenerId(0), |call| call.listener)));
        }
        for user in calls().filter_map(participant) {
            match users.iter_mut().find(|known| known.entity == user.entity) {
                Some(known) => known.endpoints.extend(user.endpoints),
                None => users.push(user),
            }
        }
        users
    }

    fn ourselves(&self, desk: &Desk, listener: ListenerId) -> User {
        let mut endpoint = Endpoint::new(self.face(desk, None, listener, false));
        endpoint.status = Some(EndpointStatus::Connected);
        endpoint.joining_method = Some(JoiningMethod::FocusOwner);
        let mut user = User::new(format!("sip:{}@{}", self.account.user, self.account.domain));
        user.display_text = self.account.display_name.as_deref().map(str::to_owned);
        user.endpoints.push(endpoint);
        user
    }
}

fn participant(call: &Call) -> Option<User> {
    let leg = call.legs.get(call.answered?)?;
    let address = NameAddrRef::parse(leg.dialog.remote()).ok()?;
    let mut endpoint = Endpoint::new(leg.dialog.target());
    endpoint.status = Some(match call.side {
        _ if call.media.holds => EndpointStatus::OnHold,
        _ if call.is_up() => EndpointStatus::Connected,
        Side::Caller(_) => EndpointStatus::DialingOut,
        Side::Callee(_) => EndpointStatus::DialingIn,
    });
    endpoint.joining_method = Some(match call.side {
        Side::Caller(_) => JoiningMethod::DialedOut,
        Side::Callee(_) => JoiningMethod::DialedIn,
    });
    let mut user = User::new(address.uri_text());
    user.display_text = address.display().map(std::borrow::Cow::into_owned).filter(|name| !name.is_empty());
    user.endpoints.push(endpoint);
    Some(user)
}
