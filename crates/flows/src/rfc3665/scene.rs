//! The people and servers of RFC 3665 §1.

use crate::cast::{Domain, Manners, Person};
use cordboard_service::settings::{Habits, Switchboard};

/// Alice of Atlanta. She knows her passwords at both proxies (§3.3).
pub const ALICE: Person = Person {
    name: "alice",
    user: "alice",
    address: 101,
    other_address: None,
    domain: "atlanta.example.com",
    passwords: &[("atlanta.example.com", "a1"), ("biloxi.example.com", "a2")],
    contact_host: None,
    outbound_proxies: &["sip:ss1.atlanta.example.com;lr"],
    habits: Habits::USUAL,
    manners: Manners::USUAL,
    group: None,
    service: None,
    screened_by: None,
};

/// Alice without a proxy of her own: she goes where the name leads.
pub const ALICE_BY_HERSELF: Person = Person { outbound_proxies: &[], ..ALICE };

/// Bob of Biloxi.
pub const BOB: Person = Person {
    name: "bob",
    user: "bob",
    address: 201,
    other_address: None,
    domain: "biloxi.example.com",
    passwords: &[("biloxi.example.com", "b1")],
    contact_host: None,
    outbound_proxies: &[],
    habits: Habits::USUAL,
    manners: Manners::USUAL,
    group: None,
    service: None,
    screened_by: None,
};

/// Alice's proxy. It trusts her without a challenge: the flows that show none assume that her credentials are
/// known already.
pub const PROXY1: Domain = Domain {
    name: "proxy1",
    host: "ss1.atlanta.example.com",
    address: 111,
    domains: &["atlanta.example.com"],
    users: &[("alice", "a1")],
    grouped: &[],
    role: Switchboard::Proxies,
    challenges_calls: true,
    record_routes: true,
    neighbours: &[ALICE.address],
    rules: Vec::new,
    unlisted: &[],
    announces: None,
};

/// Bob's proxy and registrar.
pub const PROXY2: Domain = Domain {
    name: "proxy2",
    host: "ss2.biloxi.example.com",
    address: 222,
    domains: &["biloxi.example.com"],
    users: &[("bob", "b1")],
    grouped: &[],
    role: Switchboard::Proxies,
    challenges_calls: true,
    record_routes: true,
    neighbours: &[],
    rules: Vec::new,
    unlisted: &[],
    announces: None,
};

/// Bob's proxy where Alice is a user too: it serves both domains, and challenges her (§3.3, §3.4).
pub const PROXY2_FOR_BOTH: Domain = Domain {
    domains: &["biloxi.example.com", "atlanta.example.com"],
    users: &[("bob", "b1"), ("alice", "a2")],
    ..PROXY2
};

/// The registrar of §2.
pub const SERVER: Domain = Domain { name: "server", ..PROXY2 };

/// Somebody who claims to be Bob and does not know his password (§2.5).
pub const IMPOSTOR: Person = Person { passwords: &[("biloxi.example.com", "guess")], ..BOB };

/// The SIP ALG of §3.5. It stands where Proxy 1 stands and stays in the route of the dialog.
pub const ALG: Domain = Domain { name: "alg", host: "alg.atlanta.example.com", address: 128, ..PROXY1 };

/// Alice behind the ALG.
pub const ALICE_BEHIND_ALG: Person =
    Person { outbound_proxies: &["sip:alg.atlanta.example.com;lr"], ..ALICE };

/// The redirect server of §3.6: it answers for Bob's domain, and tells where he is now.
pub const REDIRECT: Domain =
    Domain { name: "redirect", host: "ss2.biloxi.example.com", role: Switchboard::Redirects, ..PROXY2 };

/// The proxy of the place where Bob is in §3.6.
pub const PROXY3: Domain = Domain {
    name: "proxy3",
    host: "ss3.chicago.example.com",
    address: 233,
    domains: &["chicago.example.com"],
    ..PROXY2
};

/// Bob, who moves to another address in the middle of a call (§3.7).
pub const BOB_ON_THE_MOVE: Person = Person { other_address: Some(202), ..BOB };

/// Bob in Chicago.
pub const BOB_IN_CHICAGO: Person =
    Person { domain: "chicago.example.com", passwords: &[("chicago.example.com", "b1")], ..BOB };
