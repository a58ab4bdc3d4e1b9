//! Borrowed header values and URIs cost no allocation, and neither does checking a password.

use allocation_counter::measure;
use cordboard_sip::digest::{Algorithm, Challenge, Credentials, Ha1, Request};
use cordboard_sip::header::{NameAddrRef, ViaRef};
use cordboard_sip::params::ParamsRef;
use cordboard_sip::uri::UriRef;

fn costs_nothing(what: &str, run: impl FnOnce()) {
    assert_eq!(measure(run).count_total, 0, "{what}");
}

#[test]
fn borrowed_values_cost_none() {
    costs_nothing("a URI", || {
        let uri =
            UriRef::parse("sips:al%69ce:pw@[2001:db8:::192.0.2.1]:5061;transport=tcp;lr?subject=x").unwrap();
        assert_eq!(uri.params().get("Transport"), Some("tcp"));
        assert!(uri.params().has("lr") && uri.headers().get("Subject") == Some("x"));
        let other =
            UriRef::parse("sips:alice:pw@[2001:db8::192.0.2.1]:5061;transport=TCP?subject=x").unwrap();
        assert!(uri.equivalent(&other) && other.equivalent(&uri));
    });
    costs_nothing("a tel URI", || {
        let uri = UriRef::parse("tel:+1-201-555-0123;phone-context=example.com").unwrap();
        assert!(uri.equivalent(&UriRef::parse("TEL:+12015550123;phone-context=EXAMPLE.com").unwrap()));
    });
    costs_nothing("an address", || {
        let addr = NameAddrRef::parse("\"A. G. Bell\" <sip:agb@bell-telephone.com;lr> ;tag=a48s").unwrap();
        assert_eq!(addr.display().as_deref(), Some("A. G. Bell"));
        assert!(addr.tag() == Some("a48s") && addr.uri().is_ok_and(|uri| uri.params().has("lr")));
    });
    costs_nothing("a Via", || {
        let via =
            ViaRef::parse("SIP/2.0/UDP 192.0.2.1:5060 ;received=192.0.2.207;rport=1;branch=z9hG4bK77asjd")
                .unwrap();
        assert!(via.branch().is_some() && via.received().is_some() && via.rport().is_ok());
    });
    costs_nothing("parameters", || {
        let params = ParamsRef::new(";a=\"x;y\" ; b ;C=1");
        assert!(params.iter().count() == 3 && params.get("c") == Some("1"));
    });
    let mut key = String::with_capacity(64);
    costs_nothing("an address-of-record", || {
        UriRef::parse("sip:%61lice@Example.COM;user=phone").unwrap().write_aor(&mut key).unwrap();
    });
    assert_eq!(key, "sip:alice@example.com");
}

#[test]
fn checking_a_password_costs_none() {
    let secret = Ha1::new(Algorithm::Sha256, "alice", "example.com", "open sesame");
    let request = Request { method: "REGISTER", uri: "sip:example.com", body: b"" };
    let challenge = Challenge::new(Algorithm::Sha256, "example.com", "a-nonce");
    let sent = challenge.answer("alice", &secret, &request, 1, "a-cnonce").to_string();
    costs_nothing("credentials", || {
        let credentials = Credentials::read(&sent).unwrap();
        assert!(credentials.is_answered_with(&secret, &request));
    });
}
