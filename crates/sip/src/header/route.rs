//! Headers that are paths: `Route`, `Record-Route` (RFC 3261 §20.34, §20.30), `Path` (RFC 3327),
//! `Service-Route` (RFC 3608). One value each; a list is several.

use super::parties::addresses;
use super::{Header, NameAddr};
use crate::params::Params;
use crate::{Malformed, Name};
use std::fmt;

addresses! {
    /// An element that the request shall pass.
    Route, ROUTE;
    /// An element that wants to see the requests of the dialog.
    RecordRoute, RECORD_ROUTE;
    /// An element between registrar and phone (RFC 3327 §4).
    Path, PATH;
    /// An element that requests of a registered phone shall pass (RFC 3608 §5).
    ServiceRoute, SERVICE_ROUTE;
}

macro_rules! loose {
    ($($type:ident)*) => {$(
        impl $type {
            /// Whether the element routes loosely (`lr`, RFC 3261 §16.12).
            pub fn is_loose(&self) -> bool {
                self.addr.uri.as_sip().is_some_and(crate::uri::SipUri::is_loose_router)
            }
        }

        impl From<crate::uri::Uri> for $type {
            fn from(uri: crate::uri::Uri) -> Self {
                Self::new(uri)
            }
        }
    )*};
}

loose!(Route RecordRoute Path ServiceRoute);

impl From<RecordRoute> for Route {
    fn from(recorded: RecordRoute) -> Self {
        Self { addr: recorded.addr, params: recorded.params }
    }
}

impl From<Path> for Route {
    fn from(path: Path) -> Self {
        Self { addr: path.addr, params: path.params }
    }
}

impl From<ServiceRoute> for Route {
    fn from(route: ServiceRoute) -> Self {
        Self { addr: route.addr, params: route.params }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::comma_list;

    /// RFC 3261 §20.34 and RFC 3327 §5.5.
    #[test]
    fn examples_of_the_standards() {
        let routes: Vec<Route> =
            comma_list("<sip:bigbox3.site3.atlanta.com;lr>,\r\n <sip:server10.biloxi.com;lr>")
                .map(|value| Route::parse(value).unwrap())
                .collect();
        assert!(routes.iter().all(Route::is_loose));
        assert_eq!(routes[1].to_string(), "<sip:server10.biloxi.com;lr>");
        let path = Path::parse("<sip:P1.EXAMPLEVISITED.COM;lr>").unwrap();
        assert_eq!(Route::from(path).to_string(), "<sip:p1.examplevisited.com;lr>");
    }

    #[test]
    fn strict_routers_and_parameters_after_the_bracket() {
        let route = Route::parse("<sip:p1.example.com>;lr").unwrap();
        assert!(!route.is_loose(), "lr outside the brackets is another thing");
        assert!(route.params.has("lr"));
    }
}
