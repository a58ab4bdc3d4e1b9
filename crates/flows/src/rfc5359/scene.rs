//! The people and servers of RFC 5359 §2.

use crate::cast::{Domain, Manners, Person};
use crate::stage::Stage;
use cordboard_service::settings::{Habits, Switchboard};

/// Alice of Atlanta.
pub const ALICE: Person = Person {
    name: "alice",
    user: "alice",
    address: 101,
    other_address: None,
    domain: "atlanta.example.com",
    passwords: &[("biloxi.example.com", "a1")],
    outbound_proxies: &[],
    habits: Habits::USUAL,
    manners: Manners::USUAL,
};

/// Bob of Biloxi.
pub const BOB: Person = Person {
    name: "bob",
    user: "bob",
    address: 102,
    domain: "biloxi.example.com",
    passwords: &[("biloxi.example.com", "b1")],
    ..ALICE
};

/// Carol of Chicago.
pub const CAROL: Person = Person {
    name: "carol",
    user: "carol",
    address: 103,
    domain: "chicago.example.com",
    passwords: &[("biloxi.example.com", "c1")],
    ..ALICE
};

/// The proxy through which all of them call each other.
pub const PROXY: Domain = Domain {
    name: "proxy",
    host: "ss1.example.com",
    address: 111,
    domains: &["biloxi.example.com", "atlanta.example.com", "chicago.example.com"],
    users: &[("alice", "a1"), ("bob", "b1"), ("carol", "c1")],
    role: Switchboard::Proxies,
    challenges_calls: false,
    record_routes: true,
    neighbours: &[],
};

/// The same people where all is sent to the proxy first.
pub const BY_PROXY: &[&str] = &["sip:ss1.example.com;lr"];

/// Lets people find each other without a server, as the flows are drawn that show none.
pub fn without_servers(stage: &Stage) {
    for person in [ALICE, BOB, CAROL] {
        stage.name(person.domain, person.address);
    }
}
