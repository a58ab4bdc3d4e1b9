//! `Info-Package` and `Recv-Info` (RFC 6086 §7): what INFO requests may carry.

use std::fmt;
use std::str::FromStr;

use super::Header;
use super::lists::item_lists;
use crate::grammar::token;
use crate::params::Params;
use crate::{Malformed, Name};

/// A package and its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfoPackage {
    /// The package; case does not count.
    pub package: Box<str>,
    /// The package's parameters.
    pub params: Params,
}

impl InfoPackage {
    /// Whether this is that package.
    pub fn is(&self, package: &str) -> bool {
        self.package.eq_ignore_ascii_case(package)
    }
}

impl FromStr for InfoPackage {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (package, params) = Params::split(text)?;
        Ok(Self { package: token(package, "an INFO package is no token")?.into(), params })
    }
}

impl Header for InfoPackage {
    const NAME: Name = Name::INFO_PACKAGE;

    fn parse(value: &str) -> Result<Self, Malformed> {
        value.parse()
    }
}

impl fmt::Display for InfoPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.package, self.params)
    }
}

item_lists! {
    /// The packages that the sender takes; none is a statement too (§5.2.3).
    RecvInfo(InfoPackage), RECV_INFO;
}

impl Eq for RecvInfo {}

impl RecvInfo {
    /// Whether that package is taken.
    pub fn contains(&self, package: &str) -> bool {
        self.0.iter().any(|taken| taken.is(package))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6086 §12.
    #[test]
    fn examples_of_the_standard() {
        let taken = RecvInfo::parse("P, R;x=1").unwrap();
        assert!(taken.contains("r") && !taken.contains("T"));
        assert_eq!(taken.to_string(), "P, R;x=1");
        assert!(RecvInfo::parse("").unwrap().is_empty());
        assert!(InfoPackage::parse("foo").unwrap().is("FOO"));
        assert!(InfoPackage::parse("").is_err());
    }
}
