//! `sips`: what was asked for securely is never carried on insecurely, nor the other way round made to
//! look secure (RFC 5630 §5.3).

use crate::location::Target;
use std::fmt;

/// Why no target fits the scheme of a request (RFC 5630 §11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SipsWarning {
    /// The request is `sips`, and nobody registered so.
    NotAllowed,
    /// The request is `sip`, and the phone that registered `sips` cannot be reached over TLS.
    Required,
}

impl fmt::Display for SipsWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAllowed => "380 cordboard \"SIPS Not Allowed\"",
            Self::Required => "381 cordboard \"SIPS Required\"",
        })
    }
}

/// The targets that a request may go to, their URIs made to fit, and what to warn of if none is left.
pub(super) fn fitting(mut targets: Vec<Target>, secure: bool) -> (Vec<Target>, Option<SipsWarning>) {
    let mut warning = None;
    targets.retain_mut(|target| {
        let scheme = target.uri.get(..5).unwrap_or_default();
        let registered_secure = scheme.eq_ignore_ascii_case("sips:");
        match (secure, registered_secure, target.flow.transport.is_secure()) {
            (false, false, _) | (true, true, true) => true,
            (false, true, true) => {
                // "Replace that SIPS scheme with a SIP scheme while leaving the rest": §5.3.
                target.uri = format!("sip{}", target.uri.get(4..).unwrap_or_default()).into();
                true
            }
            (false, true, false) => {
                warning = Some(SipsWarning::Required);
                false
            }
            (true, _, _) => {
                warning = Some(SipsWarning::NotAllowed);
                false
            }
        }
    });
    (targets, warning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_core::transport::{Flow, ListenerId, Transport};

    fn target(uri: &str, transport: Transport) -> Target {
        let remote = "192.0.2.1:5061".parse().unwrap();
        Target {
            uri: uri.into(),
            q: 1000,
            flow: Flow { transport, listener: ListenerId(0), connection: 1, remote },
            path: Vec::new(),
            instance: None,
            by_flow: true,
        }
    }

    #[test]
    fn a_request_is_neither_downgraded_nor_upgraded() {
        let uris = |(targets, warning): (Vec<Target>, _)| {
            (targets.into_iter().map(|target| target.uri).collect::<Vec<_>>(), warning)
        };
        let plain = || vec![target("sip:bob@192.0.2.1", Transport::Tls)];
        let secured = |transport| vec![target("sips:bob@192.0.2.1;x=y", transport)];
        assert_eq!(uris(fitting(plain(), true)), (vec![], Some(SipsWarning::NotAllowed)));
        assert_eq!(
            uris(fitting(secured(Transport::Tls), true)),
            (vec!["sips:bob@192.0.2.1;x=y".into()], None)
        );
        assert_eq!(uris(fitting(secured(Transport::Tcp), true)), (vec![], Some(SipsWarning::NotAllowed)));
        assert_eq!(
            uris(fitting(secured(Transport::Wss), false)),
            (vec!["sip:bob@192.0.2.1;x=y".into()], None)
        );
        assert_eq!(uris(fitting(secured(Transport::Udp), false)), (vec![], Some(SipsWarning::Required)));
        assert_eq!(uris(fitting(plain(), false)).0.len(), 1);
    }
}
