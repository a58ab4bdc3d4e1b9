//! What a participant knows of a conference, put together from the documents that came: RFC 4575 §4.6.

use super::{Change, ConferenceInfo, Description, Endpoint, User, Users};
use crate::body::Merged;

/// Users that a [`Roster`] keeps; more are dropped, and [`Roster::merge`] says so.
pub const MAX_USERS: usize = 512;

/// Endpoints that a user has in a [`Roster`], and streams that each of them has.
pub const MAX_ENDPOINTS: usize = 16;

/// What a participant knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    known: Option<ConferenceInfo>,
}

impl Roster {
    /// Takes in a document. After a gap a change does not count: the subscriber has to refresh, and
    /// gets all.
    pub fn merge(&mut self, told: ConferenceInfo) -> Merged {
        let Some(known) = &mut self.known else {
            if told.state == Change::Partial {
                return Merged::Incomplete;
            }
            return self.replace(told);
        };
        if told.version <= known.version {
            return Merged::Old;
        }
        if told.state != Change::Partial {
            return self.replace(told);
        }
        if told.version - known.version > 1 {
            return Merged::Incomplete;
        }
        known.version = told.version;
        // Neither has a state of its own: each is replaced as a whole (§4.6, 3.2).
        replace(&mut known.description, told.description);
        replace(&mut known.conference_state, told.conference_state);
        let fits = match (&mut known.users, told.users) {
            (_, None) => true,
            (Some(known), Some(told)) if told.state == Change::Partial => {
                merge_users(&mut known.users, told.users)
            }
            (known, Some(told)) => {
                *known = (told.state != Change::Deleted).then_some(told);
                known.as_mut().is_none_or(bound_users)
            }
        };
        if fits { Merged::Taken } else { Merged::Overfull }
    }

    /// What the conference is about.
    pub fn description(&self) -> Option<&Description> {
        self.known.as_ref()?.description.as_ref()
    }

    /// Who is in it, in the order in which they were first told.
    pub fn users(&self) -> &[User] {
        self.known.as_ref().and_then(|known| known.users.as_ref()).map_or(&[], |users| &users.users)
    }

    /// All of it.
    pub const fn known(&self) -> Option<&ConferenceInfo> {
        self.known.as_ref()
    }

    /// Whether it has ceased to exist. The subscription should be ended then (§4.6).
    pub fn is_over(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.state == Change::Deleted)
    }

    fn replace(&mut self, told: ConferenceInfo) -> Merged {
        let known = self.known.insert(told);
        if known.users.as_mut().is_none_or(bound_users) { Merged::Taken } else { Merged::Overfull }
    }
}

fn replace<T>(known: &mut Option<T>, told: Option<T>) {
    if told.is_some() {
        *known = told;
    }
}

/// Whether all fit. What is full has no parts that are gone (§4.4), and says so no longer in a table.
fn bound_users(users: &mut Users) -> bool {
    let told = std::mem::take(&mut users.users);
    users.state = Change::Full;
    merge_users(&mut users.users, told)
}

/// Whether all fit.
fn merge_users(known: &mut Vec<User>, told: Vec<User>) -> bool {
    let mut fits = true;
    for mut user in told {
        let at = known.iter().position(|row| row.entity == user.entity);
        let change = std::mem::replace(&mut user.state, Change::Full);
        let room = known.len() < MAX_USERS;
        match (at.and_then(|at| known.get_mut(at)), change) {
            (_, Change::Deleted) => known.retain(|row| row.entity != user.entity),
            (Some(row), Change::Partial) => fits &= merge_user(row, user),
            (Some(row), Change::Full) => {
                *row = User { endpoints: Vec::new(), ..user.clone() };
                fits &= merge_endpoints(&mut row.endpoints, user.endpoints);
            }
            (None, Change::Full | Change::Partial) if room => {
                let endpoints = std::mem::take(&mut user.endpoints);
                fits &= merge_endpoints(&mut user.endpoints, endpoints);
                known.push(user);
            }
            (None, Change::Full | Change::Partial) => fits = false,
        }
    }
    fits
}

fn merge_user(row: &mut User, told: User) -> bool {
    replace(&mut row.display_text, told.display_text);
    replace(&mut row.cascaded_focus, told.cascaded_focus);
    if !told.roles.is_empty() {
        row.roles = told.roles;
    }
    merge_endpoints(&mut row.endpoints, told.endpoints)
}

/// Whether all fit.
fn merge_endpoints(known: &mut Vec<Endpoint>, told: Vec<Endpoint>) -> bool {
    let mut fits = true;
    for mut endpoint in told {
        let at = known.iter().position(|row| row.entity == endpoint.entity);
        let change = std::mem::replace(&mut endpoint.state, Change::Full);
        fits &= endpoint.media.len() <= MAX_ENDPOINTS;
        endpoint.media.truncate(MAX_ENDPOINTS);
        let room = known.len() < MAX_ENDPOINTS;
        match (at.and_then(|at| known.get_mut(at)), change) {
            (_, Change::Deleted) => known.retain(|row| row.entity != endpoint.entity),
            (Some(row), Change::Partial) => fits &= merge_endpoint(row, endpoint),
            (Some(row), Change::Full) => *row = endpoint,
            (None, Change::Full | Change::Partial) if room => known.push(endpoint),
            (None, Change::Full | Change::Partial) => fits = false,
        }
    }
    fits
}

/// Streams have no state of their own: each that is told is told in full.
fn merge_endpoint(row: &mut Endpoint, told: Endpoint) -> bool {
    replace(&mut row.display_text, told.display_text);
    replace(&mut row.referred, told.referred);
    replace(&mut row.status, told.status);
    replace(&mut row.joining_method, told.joining_method);
    replace(&mut row.joining_info, told.joining_info);
    replace(&mut row.disconnection_method, told.disconnection_method);
    replace(&mut row.disconnection_info, told.disconnection_info);
    replace(&mut row.call_info, told.call_info);
    let mut fits = true;
    for media in told.media {
        let room = row.media.len() < MAX_ENDPOINTS;
        match row.media.iter_mut().find(|known| known.id == media.id) {
            Some(known) => *known = media,
            None if room => row.media.push(media),
            None => fits = false,
        }
    }
    fits
}

#[cfg(test)]
mod tests {
    use super::super::{EndpointStatus, Media};
    use super::*;

    fn info(version: u32, state: Change, users: impl Into<Option<Users>>) -> ConferenceInfo {
        let entity = "sip:conf@example.com".to_owned();
        ConferenceInfo {
            entity,
            version,
            state,
            description: None,
            conference_state: None,
            users: users.into(),
        }
    }

    const fn users(state: Change, users: Vec<User>) -> Users {
        Users { state, users }
    }

    fn user(name: &str, state: Change) -> User {
        let mut endpoint = Endpoint::new(format!("sip:{name}@192.0.2.1"));
        endpoint.status = Some(EndpointStatus::Connected);
        let entity = format!("sip:{name}@example.com");
        User { state, endpoints: vec![endpoint], display_text: Some(name.into()), ..User::new(entity) }
    }

    fn names(roster: &Roster) -> Vec<&str> {
        roster.users().iter().filter_map(|user| user.display_text.as_deref()).collect()
    }

    #[test]
    fn users_come_change_and_go() {
        use Change::{Deleted, Full, Partial};
        let mut roster = Roster::default();
        let all = vec![user("alice", Full), user("bob", Full)];
        assert_eq!(roster.merge(info(1, Full, users(Full, all))), Merged::Taken);
        assert_eq!(names(&roster), ["alice", "bob"]);

        // Bob is put on hold and keeps his name; Carol comes; Alice goes.
        let mut bob = User { state: Partial, ..User::new("sip:bob@example.com") };
        let mut endpoint = Endpoint { state: Partial, ..Endpoint::new("sip:bob@192.0.2.1") };
        endpoint.status = Some(EndpointStatus::OnHold);
        bob.endpoints = vec![endpoint, Endpoint::new("sip:bob@192.0.2.2")];
        let alice = User { state: Deleted, ..User::new("sip:alice@example.com") };
        let changes = vec![bob, user("carol", Partial), alice];
        assert_eq!(roster.merge(info(2, Partial, users(Partial, changes))), Merged::Taken);
        assert_eq!(names(&roster), ["bob", "carol"]);
        let bob = &roster.users()[0];
        assert_eq!((bob.endpoints.len(), bob.endpoints[0].status), (2, Some(EndpointStatus::OnHold)));

        // An endpoint goes, and a user told in full forgets what was known.
        let gone = Endpoint { state: Deleted, ..Endpoint::new("sip:bob@192.0.2.1") };
        let bob = User { state: Partial, endpoints: vec![gone], ..User::new("sip:bob@example.com") };
        let carol = User::new("sip:carol@example.com");
        assert_eq!(roster.merge(info(3, Partial, users(Partial, vec![bob, carol]))), Merged::Taken);
        assert_eq!(names(&roster), ["bob"]);
        assert_eq!(roster.users()[0].endpoints.len(), 1);
        assert_eq!(roster.users()[1].endpoints.len(), 0);
    }

    #[test]
    fn versions() {
        use Change::{Deleted, Full, Partial};
        let mut roster = Roster::default();
        assert_eq!(roster.merge(info(4, Partial, None)), Merged::Incomplete);
        assert_eq!(roster.known(), None);
        assert_eq!(roster.merge(info(4, Full, users(Full, vec![user("alice", Full)]))), Merged::Taken);
        assert_eq!(roster.merge(info(4, Full, users(Full, vec![]))), Merged::Old);
        // After a gap nothing counts until all is told again.
        assert_eq!(roster.merge(info(6, Partial, users(Full, vec![]))), Merged::Incomplete);
        assert_eq!(names(&roster), ["alice"]);
        assert_eq!(roster.merge(info(5, Partial, users(Full, vec![]))), Merged::Taken);
        assert_eq!(names(&roster), [""; 0]);
        assert_eq!(roster.merge(info(9, Full, None)), Merged::Taken);
        assert!(!roster.is_over());
        assert_eq!(roster.merge(info(10, Deleted, None)), Merged::Taken);
        assert!(roster.is_over());
    }

    #[test]
    fn parts_that_are_not_told_stay() {
        use Change::{Full, Partial};
        let subject = Description { subject: Some("goals".into()), ..Description::default() };
        let mut roster = Roster::default();
        let first =
            ConferenceInfo { description: Some(subject.clone()), ..info(1, Full, users(Full, vec![])) };
        assert_eq!(roster.merge(first), Merged::Taken);
        assert_eq!(roster.merge(info(2, Partial, users(Partial, vec![user("bob", Full)]))), Merged::Taken);
        assert_eq!(roster.description(), Some(&subject));
        let renamed = Description { display_text: Some("weekly".into()), ..Description::default() };
        let second = ConferenceInfo { description: Some(renamed.clone()), ..info(3, Partial, None) };
        assert_eq!(roster.merge(second), Merged::Taken);
        assert_eq!((roster.description(), names(&roster)), (Some(&renamed), vec!["bob"]));
    }

    #[test]
    fn a_roster_is_bounded() {
        use Change::{Full, Partial};
        let crowd = |from: usize, count: usize| {
            (from..from + count).map(|id| user(&id.to_string(), Full)).collect::<Vec<_>>()
        };
        let mut roster = Roster::default();
        let all = users(Full, crowd(0, MAX_USERS + 1));
        assert_eq!(roster.merge(info(1, Full, all)), Merged::Overfull);
        assert_eq!(roster.users().len(), MAX_USERS);
        let more = users(Partial, crowd(MAX_USERS, 1));
        assert_eq!(roster.merge(info(2, Partial, more)), Merged::Overfull);
        assert_eq!(roster.users().len(), MAX_USERS);
        let mut endpoint = Endpoint { state: Partial, ..Endpoint::new("sip:0@192.0.2.1") };
        let media = |id: usize| Media {
            id: id.to_string(),
            display_text: None,
            media_type: None,
            label: None,
            src_id: None,
            status: None,
        };
        endpoint.media = (0..=MAX_ENDPOINTS).map(media).collect();
        let changed = User { state: Partial, endpoints: vec![endpoint], ..User::new("sip:0@example.com") };
        let told = users(Partial, vec![changed]);
        assert_eq!(roster.merge(info(3, Partial, told)), Merged::Overfull);
        assert_eq!(roster.users()[0].endpoints[0].media.len(), MAX_ENDPOINTS);
    }
}
