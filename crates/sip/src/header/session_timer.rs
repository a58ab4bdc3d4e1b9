//! `Session-Expires` and `Min-SE` (RFC 4028): how long a session lives without refresh.

use std::fmt;
use std::str::FromStr;

use super::Header;
use crate::grammar::delta_seconds;
use crate::params::Params;
use crate::{Malformed, Name};

/// Who refreshes the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refresher {
    /// The one who sent the request.
    Uac,
    /// The one who answered it.
    Uas,
}

impl FromStr for Refresher {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match () {
            () if text.eq_ignore_ascii_case("uac") => Ok(Self::Uac),
            () if text.eq_ignore_ascii_case("uas") => Ok(Self::Uas),
            () => Err(Malformed::new("the refresher is neither uac nor uas")),
        }
    }
}

impl fmt::Display for Refresher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uac => "uac",
            Self::Uas => "uas",
        })
    }
}

/// The session's life (§4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionExpires {
    /// In seconds.
    pub seconds: u32,
    /// Who refreshes it, if that is settled.
    pub refresher: Option<Refresher>,
    /// All other parameters.
    pub params: Params,
}

impl SessionExpires {
    /// The least that there may be, in seconds (§4).
    pub const LEAST: u32 = 90;

    /// A life and who prolongs it.
    pub const fn new(seconds: u32, refresher: Option<Refresher>) -> Self {
        Self { seconds, refresher, params: Params::new() }
    }
}

impl Header for SessionExpires {
    const NAME: Name = Name::SESSION_EXPIRES;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let (seconds, mut params) = Params::split(value)?;
        Ok(Self {
            seconds: delta_seconds(seconds, "Session-Expires is no number of seconds")?,
            refresher: params.take("refresher")?,
            params,
        })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seconds)?;
        if let Some(refresher) = self.refresher {
            write!(f, ";refresher={refresher}")?;
        }
        write!(f, "{}", self.params)
    }
}

/// The least life that everyone on the way accepts (§5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinSe {
    /// In seconds.
    pub seconds: u32,
    /// All parameters.
    pub params: Params,
}

impl MinSe {
    /// So many seconds.
    pub const fn new(seconds: u32) -> Self {
        Self { seconds, params: Params::new() }
    }
}

impl Header for MinSe {
    const NAME: Name = Name::MIN_SE;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let (seconds, params) = Params::split(value)?;
        Ok(Self { seconds: delta_seconds(seconds, "Min-SE is no number of seconds")?, params })
    }
}

impl fmt::Display for MinSe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.seconds, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// §13.
    #[test]
    fn examples_of_the_standard() {
        let se = SessionExpires::parse("4000;refresher=uac").unwrap();
        assert_eq!(se, SessionExpires::new(4000, Some(Refresher::Uac)));
        assert_eq!(
            SessionExpires::parse("50 ; Refresher = UAS ;x=1").unwrap().to_string(),
            "50;refresher=uas;x=1"
        );
        assert_eq!(MinSe::parse("3600").unwrap(), MinSe::new(3600));
        for bad in ["", "x", "90;refresher=me", "90;refresher"] {
            assert!(SessionExpires::parse(bad).is_err(), "{bad}");
        }
    }
}
