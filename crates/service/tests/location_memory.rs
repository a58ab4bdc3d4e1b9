//! What a binding costs in memory, everything included: at most 500 bytes.

use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, ListenerId, Transport};
use cordboard_service::location::{Aor, Change, ContactChange, Location, Registration};
use std::time::Duration;

/// What glibc adds to each allocation at most: a header and rounding to 16.
const OVERHEAD: usize = 24;

#[test]
fn a_binding_costs_at_most_500_bytes() {
    // Just past a power of two, where tables that double are at their emptiest.
    for count in [50_000u32, 65_600] {
        let mut location = Location::new(10, [1; 16]);
        let held = allocation_counter::measure(|| (0..count).for_each(|n| register(&mut location, n)));
        let live = usize::try_from(held.count_current).expect("more is held than before");
        let bytes = usize::try_from(held.bytes_current).expect("more is held than before");
        let bytes = (bytes + live * OVERHEAD) / count as usize;
        assert!(bytes <= 500, "{bytes} bytes a binding with {count} of them, {live} allocations live");
        assert_eq!(location.len(), count as usize);
    }
}

/// As linphone does it: the longest texts of the phones we have met.
fn register(location: &mut Location, n: u32) {
    let [_, b, c, d] = n.to_be_bytes();
    let remote = std::net::SocketAddr::from(([10, b, c, d], 5060));
    let uri = format!(
        "sip:user{n:06}@{remote};transport=udp;gr=urn:uuid:0b1c2d3e-4f50-6172-8394-{n:012};app=org.example.phone"
    );
    let asked = Registration {
        aor: Aor(format!("user{n:06}@switchboard.example.com").into()),
        call_id: format!("{:032x}", u128::from(n) << 64).into(),
        cseq: 20,
        flow: Flow { transport: Transport::Udp, listener: ListenerId(0), connection: 0, remote },
        path: Vec::new(),
        action: Change::Update(vec![ContactChange {
            uri: uri.into(),
            q: 1000,
            expires: Duration::from_secs(3600 + u64::from(n % 600)),
            instance: Some(format!("<urn:uuid:0b1c2d3e-4f50-6172-8394-{n:012}>").into()),
            reg_id: 0,
            outbound: false,
        }]),
    };
    location.handle(Instant::from_micros(u64::from(n) * 1000), &asked).expect("there is room");
}
