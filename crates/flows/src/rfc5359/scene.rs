//! The people and servers of RFC 5359 §2.

use crate::cast::{Domain, Manners, Person, Program};
use crate::stage::Stage;
use cordboard_service::services::{Forwarding, Place, Rules};
use cordboard_service::settings::{Habits, Switchboard};
use std::time::Duration;

/// The work group of Bob, Bill and Carol: its realm, and what they know (RFC 5359 §2.16).
pub const GROUP: (&str, &str) = ("work.example.com", "w1");

/// Alice of Atlanta.
pub const ALICE: Person = Person {
    name: "alice",
    user: "alice",
    address: 101,
    other_address: None,
    domain: "atlanta.example.com",
    passwords: &[("biloxi.example.com", "a1")],
    contact_host: None,
    outbound_proxies: &[],
    habits: Habits::USUAL,
    manners: Manners::USUAL,
    group: None,
    service: None,
    screened_by: None,
};

/// Bob of Biloxi.
pub const BOB: Person = Person {
    name: "bob",
    user: "bob",
    address: 102,
    domain: "biloxi.example.com",
    passwords: &[("biloxi.example.com", "b1"), GROUP],
    ..ALICE
};

/// Carol of Chicago.
pub const CAROL: Person = Person {
    name: "carol",
    user: "carol",
    address: 103,
    domain: "chicago.example.com",
    passwords: &[("biloxi.example.com", "c1"), GROUP],
    ..ALICE
};

/// Bill, who sits beside Bob.
pub const BILL: Person = Person { name: "bill", user: "bill", address: 104, ..BOB };

/// The park server: one slot, in which nobody is forgotten for long.
pub const PARK: Person = Person {
    name: "park",
    user: "park",
    address: 112,
    domain: "server.example.com",
    passwords: &[],
    group: Some(GROUP),
    service: Some(Program::Park { slots: &["701"], rings_back_after: Duration::from_hours(1) }),
    ..ALICE
};

/// The music server.
pub const MUSIC: Person = Person { name: "music", user: "music", service: Some(Program::Music), ..PARK };

/// The announcement server, which says that Bob does not take the call.
pub const ANNOUNCER: Person = Person {
    name: "announcer",
    user: "screen-fail-term-ann",
    address: 113,
    domain: "ms.biloxi.example.com",
    group: None,
    service: Some(Program::Announcer { lasts: Duration::from_secs(4) }),
    ..PARK
};

/// The proxy through which all of them call each other.
pub const PROXY: Domain = Domain {
    name: "proxy",
    host: "ss1.example.com",
    address: 111,
    domains: &["biloxi.example.com", "atlanta.example.com", "chicago.example.com"],
    users: &[("alice", "a1"), ("bob", "b1"), ("carol", "c1")],
    grouped: &[],
    role: Switchboard::Proxies,
    challenges_calls: false,
    record_routes: true,
    neighbours: &[],
    rules: Vec::new,
    unlisted: &[],
    announces: None,
};

/// The same people where all is sent to the proxy first.
pub const BY_PROXY: &[&str] = &["sip:ss1.example.com;lr"];

/// Lets people find each other without a server, as the flows are drawn that show none.
pub fn without_servers(stage: &Stage) {
    for person in [ALICE, BOB, CAROL] {
        stage.name(person.domain, person.address);
    }
}

/// Lets people find a server of that kind, too.
pub fn with_server(stage: &Stage, server: &Person) {
    without_servers(stage);
    stage.name(server.domain, server.address);
}

/// The first of Bob's telephones, which is registered (§2.8 to §2.12).
pub const B1: Person = Person { name: "b1", ..BOB };

/// The second, of which only the proxy knows, by its address.
pub const B2: Person = Person { name: "b2", domain: "client2.biloxi.example.com", address: 122, ..BOB };

/// The third, which only a list knows, too (§2.12). Where one server that is not drawn has all of them, their names must differ.
pub const B3: Person =
    Person { name: "b3", user: "b3", domain: "client3.biloxi.example.com", address: 123, ..BOB };

/// The fourth.
pub const B4: Person =
    Person { name: "b4", user: "b4", domain: "client4.biloxi.example.com", address: 124, ..BOB };

/// A gateway to the telephone network (§2.7).
pub const GATEWAY: Person =
    Person { name: "gateway", user: "+19727293660", domain: "gw1.example.com", address: 130, ..BOB };

/// How long Bob's telephones ring before the proxy looks for him elsewhere (§2.9, §2.12).
pub const RINGS: Duration = Duration::from_secs(3);

/// Bob has set up where his calls go.
pub fn bob_forwards(forwarding: Forwarding) -> Vec<(&'static str, Rules)> {
    vec![("bob", Rules { forwarding, ..Rules::default() })]
}

/// An address to which they go.
pub fn at(uri: &str) -> Place {
    Place::Uri(uri.into())
}
