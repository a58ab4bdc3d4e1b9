//! Header field names: RFC 3261 §7.3.1 and §20, and the extensions that Cordboard knows.

use std::fmt;

/// A header field name that Cordboard knows, or [`Name::OTHER`].
///
/// One byte, so that finding all lines of a name in a [`View`](crate::View) compares bytes, not text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(u8);

macro_rules! names {
    ($($const:ident = $text:literal, $compact:expr;)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "numbers the constants below")]
        #[repr(u8)]
        enum Number { OTHER, $($const,)* COUNT }

        impl Name {
            /// A name that is not in this list; its text is in the message.
            pub const OTHER: Self = Self(Number::OTHER as u8);
            $(
                #[doc = concat!("`", $text, "`")]
                pub const $const: Self = Self(Number::$const as u8);
            )*
        }

        const COUNT: usize = Number::COUNT as usize;
        const TEXTS: [&str; COUNT] = ["", $($text,)*];
        const COMPACTS: [Option<char>; COUNT] = [None, $($compact,)*];
    };
}

names! {
    // What dispatch reads of every message, so that one comparison tells them from the rest; RFC 3261 §20.
    VIA = "Via", Some('v');
    FROM = "From", Some('f');
    TO = "To", Some('t');
    CALL_ID = "Call-ID", Some('i');
    CSEQ = "CSeq", None;
    MAX_FORWARDS = "Max-Forwards", None;
    ROUTE = "Route", None;
    CONTENT_LENGTH = "Content-Length", Some('l');
    // The rest of RFC 3261 §20, in its order.
    ACCEPT = "Accept", None;
    ACCEPT_ENCODING = "Accept-Encoding", None;
    ACCEPT_LANGUAGE = "Accept-Language", None;
    ALERT_INFO = "Alert-Info", None;
    ALLOW = "Allow", None;
    AUTHENTICATION_INFO = "Authentication-Info", None;
    AUTHORIZATION = "Authorization", None;
    CALL_INFO = "Call-Info", None;
    CONTACT = "Contact", Some('m');
    CONTENT_DISPOSITION = "Content-Disposition", None;
    CONTENT_ENCODING = "Content-Encoding", Some('e');
    CONTENT_LANGUAGE = "Content-Language", None;
    CONTENT_TYPE = "Content-Type", Some('c');
    DATE = "Date", None;
    ERROR_INFO = "Error-Info", None;
    EXPIRES = "Expires", None;
    IN_REPLY_TO = "In-Reply-To", None;
    MIME_VERSION = "MIME-Version", None;
    MIN_EXPIRES = "Min-Expires", None;
    ORGANIZATION = "Organization", None;
    PRIORITY = "Priority", None;
    PROXY_AUTHENTICATE = "Proxy-Authenticate", None;
    PROXY_AUTHORIZATION = "Proxy-Authorization", None;
    PROXY_REQUIRE = "Proxy-Require", None;
    RECORD_ROUTE = "Record-Route", None;
    REPLY_TO = "Reply-To", None;
    REQUIRE = "Require", None;
    RETRY_AFTER = "Retry-After", None;
    SERVER = "Server", None;
    SUBJECT = "Subject", Some('s');
    SUPPORTED = "Supported", Some('k');
    TIMESTAMP = "Timestamp", None;
    UNSUPPORTED = "Unsupported", None;
    USER_AGENT = "User-Agent", None;
    WARNING = "Warning", None;
    WWW_AUTHENTICATE = "WWW-Authenticate", None;
    // RFC 3262.
    RACK = "RAck", None;
    RSEQ = "RSeq", None;
    // RFC 6665.
    EVENT = "Event", Some('o');
    ALLOW_EVENTS = "Allow-Events", Some('u');
    SUBSCRIPTION_STATE = "Subscription-State", None;
    // RFC 3323, 3325, 3326, 3327, 3608.
    PRIVACY = "Privacy", None;
    P_ASSERTED_IDENTITY = "P-Asserted-Identity", None;
    P_PREFERRED_IDENTITY = "P-Preferred-Identity", None;
    REASON = "Reason", None;
    PATH = "Path", None;
    SERVICE_ROUTE = "Service-Route", None;
    // RFC 3515, 4488, 7614, 3892.
    REFER_TO = "Refer-To", Some('r');
    REFER_SUB = "Refer-Sub", None;
    REFER_EVENTS_AT = "Refer-Events-At", None;
    REFERRED_BY = "Referred-By", Some('b');
    // RFC 3841.
    ACCEPT_CONTACT = "Accept-Contact", Some('a');
    REJECT_CONTACT = "Reject-Contact", Some('j');
    REQUEST_DISPOSITION = "Request-Disposition", Some('d');
    // RFC 3891, 3911, 4538.
    REPLACES = "Replaces", None;
    JOIN = "Join", None;
    TARGET_DIALOG = "Target-Dialog", None;
    // RFC 4028.
    SESSION_EXPIRES = "Session-Expires", Some('x');
    MIN_SE = "Min-SE", None;
    // RFC 5626, 5393, 6086.
    FLOW_TIMER = "Flow-Timer", None;
    MAX_BREADTH = "Max-Breadth", None;
    INFO_PACKAGE = "Info-Package", None;
    RECV_INFO = "Recv-Info", None;
    // RFC 7044, 5806.
    HISTORY_INFO = "History-Info", None;
    DIVERSION = "Diversion", None;
    // RFC 3903, 5839.
    SIP_ETAG = "SIP-ETag", None;
    SIP_IF_MATCH = "SIP-If-Match", None;
    SUPPRESS_IF_MATCH = "Suppress-If-Match", None;
    // RFC 8224, 4474.
    IDENTITY = "Identity", Some('y');
    IDENTITY_INFO = "Identity-Info", Some('n');
    // RFC 4412, 5373.
    RESOURCE_PRIORITY = "Resource-Priority", None;
    ACCEPT_RESOURCE_PRIORITY = "Accept-Resource-Priority", None;
    ANSWER_MODE = "Answer-Mode", None;
    PRIV_ANSWER_MODE = "Priv-Answer-Mode", None;
    // RFC 3329.
    SECURITY_CLIENT = "Security-Client", None;
    SECURITY_SERVER = "Security-Server", None;
    SECURITY_VERIFY = "Security-Verify", None;
    // RFC 5360, 5318.
    PERMISSION_MISSING = "Permission-Missing", None;
    TRIGGER_CONSENT = "Trigger-Consent", None;
    P_REFUSED_URI_LIST = "P-Refused-URI-List", None;
    // RFC 6442, 6809, 7433, 7989, 8262.
    GEOLOCATION = "Geolocation", None;
    GEOLOCATION_ERROR = "Geolocation-Error", None;
    GEOLOCATION_ROUTING = "Geolocation-Routing", None;
    FEATURE_CAPS = "Feature-Caps", None;
    USER_TO_USER = "User-to-User", None;
    SESSION_ID = "Session-ID", None;
    CONTENT_ID = "Content-ID", None;
    // RFC 7315, 5009, 5502, 6050, 7316, 8496.
    P_ACCESS_NETWORK_INFO = "P-Access-Network-Info", None;
    P_ASSOCIATED_URI = "P-Associated-URI", None;
    P_CALLED_PARTY_ID = "P-Called-Party-ID", None;
    P_CHARGING_FUNCTION_ADDRESSES = "P-Charging-Function-Addresses", None;
    P_CHARGING_VECTOR = "P-Charging-Vector", None;
    P_VISITED_NETWORK_ID = "P-Visited-Network-ID", None;
    P_EARLY_MEDIA = "P-Early-Media", None;
    P_SERVED_USER = "P-Served-User", None;
    P_ASSERTED_SERVICE = "P-Asserted-Service", None;
    P_PREFERRED_SERVICE = "P-Preferred-Service", None;
    P_PRIVATE_NETWORK_INDICATION = "P-Private-Network-Indication", None;
    P_CHARGE_INFO = "P-Charge-Info", None;
    // Without a standard of their own, but sent by phones and gateways.
    REMOTE_PARTY_ID = "Remote-Party-ID", None;
    ALSO = "Also", None;
}

/// The names whose values may stand on one line with commas between them, by the RFC that defines each.
const LISTS: u128 = bits(&[
    Name::ACCEPT,
    Name::ACCEPT_ENCODING,
    Name::ACCEPT_LANGUAGE,
    Name::ALERT_INFO,
    Name::ALLOW,
    Name::CALL_INFO,
    Name::CONTACT,
    Name::CONTENT_ENCODING,
    Name::CONTENT_LANGUAGE,
    Name::ERROR_INFO,
    Name::IN_REPLY_TO,
    Name::PROXY_REQUIRE,
    Name::RECORD_ROUTE,
    Name::REQUIRE,
    Name::ROUTE,
    Name::SUPPORTED,
    Name::UNSUPPORTED,
    Name::VIA,
    Name::WARNING,
    Name::ALLOW_EVENTS,
    Name::P_ASSERTED_IDENTITY,
    Name::P_PREFERRED_IDENTITY,
    Name::REASON,
    Name::PATH,
    Name::SERVICE_ROUTE,
    Name::ACCEPT_CONTACT,
    Name::REJECT_CONTACT,
    Name::REQUEST_DISPOSITION,
    Name::RECV_INFO,
    Name::HISTORY_INFO,
    Name::DIVERSION,
    Name::RESOURCE_PRIORITY,
    Name::ACCEPT_RESOURCE_PRIORITY,
    Name::SECURITY_CLIENT,
    Name::SECURITY_SERVER,
    Name::SECURITY_VERIFY,
    Name::PERMISSION_MISSING,
    Name::TRIGGER_CONSENT,
    Name::P_REFUSED_URI_LIST,
    Name::GEOLOCATION,
    Name::FEATURE_CAPS,
    Name::USER_TO_USER,
    Name::P_ACCESS_NETWORK_INFO,
    Name::P_ASSOCIATED_URI,
    Name::P_VISITED_NETWORK_ID,
    Name::P_EARLY_MEDIA,
    Name::P_ASSERTED_SERVICE,
    Name::P_PREFERRED_SERVICE,
    Name::REMOTE_PARTY_ID,
    Name::ALSO,
]);

impl Name {
    /// The name that `text` spells, in any case and in the compact form too (RFC 3261 §7.3.3).
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        match text {
            [] => Self::OTHER,
            [letter] => Self(BY_LETTER[usize::from(*letter)]),
            _ => {
                let found = BY_HASH[slot(text)];
                let same = SPELLINGS[usize::from(found)].is(text)
                    && (text.len() <= TWO_WORDS
                        || TEXTS[usize::from(found)].as_bytes().eq_ignore_ascii_case(text));
                if same { Self(found) } else { Self::OTHER }
            }
        }
    }

    /// The name as its RFC prints it; empty for [`Name::OTHER`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        TEXTS[self.0 as usize]
    }

    /// The one-letter form, where one is registered (RFC 3261 §7.3.3 and the extensions).
    #[must_use]
    pub const fn compact(self) -> Option<char> {
        COMPACTS[self.0 as usize]
    }

    /// Whether one line may carry several values with commas between them (RFC 3261 §7.3.1).
    ///
    /// False for those whose single value may contain a comma of its own: `Date`, `Subject`, the challenges
    /// and credentials.
    #[must_use]
    pub const fn is_list(self) -> bool {
        LISTS & (1 << self.0) != 0
    }

    /// Whether dispatch reads this header of every message.
    pub(crate) const fn is_dispatched(self) -> bool {
        self.0 != 0 && self.0 <= Self::CONTENT_LENGTH.0
    }

    /// Every name but [`Name::OTHER`], in the order of this module.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..COUNT as u8).map(Self)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 == 0 { "(other)" } else { self.as_str() })
    }
}

const fn bits(names: &[Name]) -> u128 {
    let mut set = 0;
    let mut i = 0;
    while i < names.len() {
        set |= 1 << names[i].0;
        i += 1;
    }
    set
}

const SLOT_BITS: u32 = 9;
/// Found by trying odd numbers until no two names shared a slot; the table below refuses to compile when a new
/// name collides.
const MULTIPLIER: u32 = 0xaf96_4a13;

/// First, middle and last letter and the length tell all known names apart.
const fn slot(text: &[u8]) -> usize {
    let n = text.len();
    let first = (text[0] | 0x20) as u32;
    let middle = (text[n / 2] | 0x20) as u32;
    let last = (text[n - 1] | 0x20) as u32;
    let key = first | (last << 8) | (middle << 16) | ((n as u32) << 24);
    (key.wrapping_mul(MULTIPLIER) >> (32 - SLOT_BITS)) as usize
}

/// A name in lower case, as its first and its last bytes, which overlap; and the bits that make letters lower case.
///
/// Comparing whole words is what makes [`Name::of`] cheap; hyphens have no case, so nothing but the name matches.
/// Names too long for two words are compared as text.
struct Spelling {
    length: usize,
    first: u64,
    first_case: u64,
    last: u64,
    last_case: u64,
}

impl Spelling {
    const NONE: Self = Self { length: 0, first: 0, first_case: 0, last: 0, last_case: 0 };

    const fn of(name: &[u8]) -> Self {
        let width = width(name.len());
        let (first, first_case) = Self::word(name, 0, width);
        let (last, last_case) = Self::word(name, name.len() - width, width);
        Self { length: name.len(), first, first_case, last, last_case }
    }

    /// The `width` bytes from `start` on, and their case bits.
    const fn word(name: &[u8], start: usize, width: usize) -> (u64, u64) {
        let (mut word, mut case) = (0, 0);
        let mut i = width;
        while i > 0 {
            i -= 1;
            let byte = name[start + i];
            word = (word << 8) | byte.to_ascii_lowercase() as u64;
            case = (case << 8) | if byte.is_ascii_alphabetic() { 0x20 } else { 0 };
        }
        (word, case)
    }

    /// Whether the text, if it is as long as the name, begins and ends like it.
    #[inline]
    fn is(&self, text: &[u8]) -> bool {
        let words = match width(text.len()) {
            8 => both(text, u64::from_le_bytes),
            4 => both(text, |bytes| u32::from_le_bytes(bytes).into()),
            _ => both(text, |bytes| u16::from_le_bytes(bytes).into()),
        };
        text.len() == self.length
            && words.is_some_and(|(first, last)| {
                first | self.first_case == self.first && last | self.last_case == self.last
            })
    }
}

/// How many bytes are compared at once.
const fn width(length: usize) -> usize {
    match length {
        0..=3 => 2,
        4..=7 => 4,
        _ => 8,
    }
}

/// The longest text that two words cover.
const TWO_WORDS: usize = 16;

/// The first and the last `N` bytes.
#[inline]
fn both<const N: usize>(text: &[u8], word: impl Fn([u8; N]) -> u64) -> Option<(u64, u64)> {
    Some((word(*text.first_chunk()?), word(*text.last_chunk()?)))
}

static SPELLINGS: [Spelling; COUNT] = {
    let mut table = [Spelling::NONE; COUNT];
    let mut i = 1;
    while i < COUNT {
        table[i] = Spelling::of(TEXTS[i].as_bytes());
        i += 1;
    }
    table
};

static BY_HASH: [u8; 1 << SLOT_BITS] = {
    let mut table = [0; 1 << SLOT_BITS];
    let mut i = 1;
    while i < COUNT {
        let at = slot(TEXTS[i].as_bytes());
        assert!(table[at] == 0, "two header names share a slot: look for another MULTIPLIER");
        table[at] = i as u8;
        i += 1;
    }
    table
};

static BY_LETTER: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 1;
    while i < COUNT {
        if let Some(letter) = COMPACTS[i] {
            table[letter as usize] = i as u8;
            table[letter.to_ascii_uppercase() as usize] = i as u8;
        }
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for name in Name::all() {
            let text = name.as_str();
            assert_eq!(Name::of(text.as_bytes()), name);
            assert_eq!(Name::of(text.to_ascii_lowercase().as_bytes()), name);
            assert_eq!(Name::of(text.to_ascii_uppercase().as_bytes()), name);
        }
    }

    #[test]
    fn compact_forms_mean_the_same() {
        for name in Name::all() {
            if let Some(letter) = name.compact() {
                assert_eq!(Name::of(letter.to_string().as_bytes()), name);
                assert_eq!(Name::of(letter.to_ascii_uppercase().to_string().as_bytes()), name);
            }
        }
        let letters: String =
            ('a'..='z').filter(|c| Name::of(c.to_string().as_bytes()) != Name::OTHER).collect();
        assert_eq!(letters, "abcdefijklmnorstuvxy");
    }

    #[test]
    fn near_misses_are_other() {
        for name in Name::all() {
            let text = name.as_str().as_bytes();
            for i in 0..text.len() {
                for bit in [1, 2, 4, 8, 16, 32, 64, 128] {
                    let mut other = text.to_vec();
                    other[i] ^= bit;
                    let found = Name::of(&other);
                    assert!(found != name || other.eq_ignore_ascii_case(text), "{other:?}");
                }
            }
        }
        for text in
            ["", "Vja", "Via ", "Call_ID", "CallXID", "q", "1", "Max-Forward", "Contents-Type", "\u{130}"]
        {
            assert_eq!(Name::of(text.as_bytes()), Name::OTHER, "{text:?}");
        }
    }

    #[test]
    fn lists_are_told_from_single_values() {
        assert!(Name::ROUTE.is_list());
        assert!(Name::CONTACT.is_list());
        assert!(!Name::DATE.is_list());
        assert!(!Name::WWW_AUTHENTICATE.is_list());
        assert!(!Name::OTHER.is_list());
    }
}
