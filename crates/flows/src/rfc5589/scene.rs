//! The people and the server of RFC 5589.

use crate::cast::{Domain, Manners, Person};
use crate::stage::Stage;
use cordboard_service::settings::{Habits, Switchboard};

/// Who is handed over.
pub const TRANSFEREE: Person = Person {
    name: "transferee",
    user: "transferee",
    address: 101,
    other_address: None,
    domain: "biloxi.example.com",
    passwords: &[],
    contact_host: None,
    outbound_proxies: &[],
    habits: Habits::USUAL,
    manners: Manners::ON_ITS_OWN,
    group: None,
    service: None,
    screened_by: None,
};

/// Who hands over.
pub const TRANSFEROR: Person = Person {
    name: "transferor",
    user: "transferor",
    address: 102,
    domain: "atlanta.example.com",
    ..TRANSFEREE
};

/// To whom.
pub const TARGET: Person = Person {
    name: "target",
    user: "target",
    address: 103,
    domain: "chicago.example.com",
    passwords: &[("chicago.example.com", "t1")],
    ..TRANSFEREE
};

/// The same people, whose Contacts may be reachable from within a call only: what is asked is asked there (§6.2).
pub const REUSING: [Person; 3] = [
    Person { manners: Manners::USUAL, ..TRANSFEROR },
    Person { manners: Manners::USUAL, ..TRANSFEREE },
    Person { manners: Manners::USUAL, ..TARGET },
];

/// The proxy before the target (§7.5).
pub const PROXY: Domain = Domain {
    name: "proxy",
    host: "ss1.chicago.example.com",
    address: 111,
    domains: &["chicago.example.com"],
    users: &[("target", "t1")],
    grouped: &[],
    role: Switchboard::Proxies,
    challenges_calls: false,
    record_routes: true,
    neighbours: &[],
    rules: Vec::new,
    unlisted: &[],
    announces: None,
};

/// Lets people find each other without a server.
pub fn without_servers(stage: &Stage) {
    for person in [TRANSFEREE, TRANSFEROR, TARGET] {
        stage.name(person.domain, person.address);
    }
}
