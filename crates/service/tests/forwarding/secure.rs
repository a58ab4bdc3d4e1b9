//! `sips`: RFC 5630 §5.3 and §5.4, RFC 3261 §16.6 step 7.

use crate::stage::{at, build, flow, open, request, stage, udp};
use cordboard_core::transport::Transport;
use cordboard_service::door::Question;
use cordboard_service::location::Target;

fn phone(uri: &str, transport: Transport) -> Target {
    Target { uri: uri.into(), flow: flow(transport, 20), by_flow: true, ..at("bob", 20) }
}

#[test]
fn a_request_reaches_only_who_registered_for_it() {
    let (sip, sips) = ("sip:bob@192.0.2.20", "sips:bob@192.0.2.20");
    for (asked, target, transport, expected) in [
        ("sips:bob@example.test", sips, Transport::Tls, Ok(sips)),
        ("sips:bob@example.test", sip, Transport::Tls, Err("380")),
        ("sips:bob@example.test", sips, Transport::Tcp, Err("380")),
        ("sip:bob@example.test", sips, Transport::Tls, Ok(sip)),
        ("sip:bob@example.test", sips, Transport::Tcp, Err("381")),
        ("sip:bob@example.test", sip, Transport::Tls, Ok(sip)),
    ] {
        let mut stage = open();
        stage.bob(vec![phone(target, transport)]);
        let text = build("TLS 192.0.2.10:5061", "sip:alice@elsewhere.test", 10, "INVITE", asked, "");
        let sent = stage.one(flow(Transport::Tls, 10), &text);
        match expected {
            Ok(uri) => {
                assert_eq!((sent.request_uri(), sent.flow), (uri, flow(transport, 20)), "{asked} {target}");
            }
            Err(code) => {
                assert_eq!(sent.status(), 480, "{asked} {target}");
                assert!(sent.one("Warning").starts_with(code), "{}", sent.one("Warning"));
            }
        }
    }
}

#[test]
fn a_dialog_made_by_sips_keeps_its_scheme_on_the_way() {
    let mut stage = open();
    stage.bob(vec![phone("sips:bob@192.0.2.20", Transport::Tls)]);
    let text =
        build("TLS 192.0.2.10:5061", "sip:alice@elsewhere.test", 10, "INVITE", "sips:bob@example.test", "");
    let sent = stage.one(flow(Transport::Tls, 10), &text);
    assert!(sent.one("Record-Route").starts_with("<sips:"));
}

/// "If the Request-URI is a SIPS URI, ... regardless": the next hop's own scheme does not matter.
#[test]
fn a_sips_request_never_leaves_by_less_than_tls() {
    for (uri, route) in [
        ("sips:bob@198.51.100.7", ""),
        ("sips:bob@198.51.100.7", "Route: <sip:192.0.2.40;lr>\r\n"),
        ("sips:bob@198.51.100.7", "Route: <sip:192.0.2.40:5061;lr>\r\n"),
    ] {
        let mut stage = stage(|settings| settings.neighbours.push(udp(10).remote.ip()));
        let text = build("TLS 192.0.2.10:5061", "sip:alice@elsewhere.test", 10, "INVITE", uri, route);
        let sent = stage.pass(flow(Transport::Tls, 10), &text);
        assert!(sent.is_empty(), "{sent:#?}");
        assert!(
            matches!(&stage.asked[..], [(_, Question::Open { transport: Transport::Tls, .. })]),
            "{:?}",
            stage.asked
        );
    }
}

#[test]
fn a_sips_path_is_kept_too() {
    let mut stage = open();
    let path = vec!["<sip:192.0.2.40;lr>".into()];
    stage.bob(vec![Target { path, ..phone("sips:bob@192.0.2.20", Transport::Tls) }]);
    assert!(stage.pass(udp(10), &request("INVITE", "sips:bob@example.test", "")).is_empty());
    assert!(matches!(&stage.asked[..], [(_, Question::Open { transport: Transport::Tls, .. })]));
}
