//! How a request is addressed when it has to pass a route set (RFC 3261 §12.2.1.1, §8.1.2).

use cordboard_sip::UriRef;
use cordboard_sip::header::NameAddrRef;

/// The Request-URI, the Route values, and to whom the request is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The Request-URI.
    pub uri: Box<str>,
    /// The Route values, in order.
    pub routes: Box<[Box<str>]>,
    /// The URI that RFC 3263 starts from.
    pub next_hop: Box<str>,
}

impl Way {
    /// The way to `target` over `routes`, which are name-addrs. A first element without `lr` is a
    /// strict router: it becomes the Request-URI, and the target goes last.
    pub fn new(target: &str, routes: &[Box<str>]) -> Self {
        let Some(first) = routes.first() else {
            return Self { uri: target.into(), routes: Box::default(), next_hop: target.into() };
        };
        let first = NameAddrRef::parse(first).map_or(&**first, |address| address.uri_text());
        let loose = UriRef::parse(first).is_ok_and(|uri| uri.params().has("lr"));
        if loose {
            return Self { uri: target.into(), routes: routes.into(), next_hop: first.into() };
        }
        let mut rest = routes[1..].to_vec();
        rest.push(format!("<{target}>").into());
        Self { uri: bare(first).into(), routes: rest.into(), next_hop: first.into() }
    }
}

/// A URI without what a Request-URI may not have: headers (§19.1.1, table 1).
fn bare(uri: &str) -> &str {
    uri.split('?').next().unwrap_or(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(routes: &[&str]) -> Vec<Box<str>> {
        routes.iter().map(|route| Box::from(*route)).collect()
    }

    #[test]
    fn without_routes_straight_to_the_target() {
        let way = Way::new("sip:bob@192.0.2.4", &[]);
        assert_eq!((&*way.uri, &*way.next_hop), ("sip:bob@192.0.2.4", "sip:bob@192.0.2.4"));
        assert!(way.routes.is_empty());
    }

    #[test]
    fn a_loose_route_stays_a_route() {
        let routes = boxed(&["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]);
        let way = Way::new("sip:bob@192.0.2.4", &routes);
        assert_eq!((&*way.uri, &*way.next_hop), ("sip:bob@192.0.2.4", "sip:p1.example.com;lr"));
        assert_eq!(*way.routes, *routes);
    }

    /// The example of §12.2.1.1.
    #[test]
    fn a_strict_route_becomes_the_request_uri() {
        let routes = boxed(&["<sip:proxy1>", "<sip:proxy2>", "<sip:proxy3;lr>", "<sip:proxy4>"]);
        let way = Way::new("sip:user@remoteua", &routes);
        assert_eq!((&*way.uri, &*way.next_hop), ("sip:proxy1", "sip:proxy1"));
        let expected = boxed(&["<sip:proxy2>", "<sip:proxy3;lr>", "<sip:proxy4>", "<sip:user@remoteua>"]);
        assert_eq!(*way.routes, *expected);
    }

    #[test]
    fn a_strict_route_loses_its_headers() {
        let way = Way::new("sip:b@c", &boxed(&["<sip:proxy1?Subject=x>"]));
        assert_eq!(&*way.uri, "sip:proxy1");
    }
}
