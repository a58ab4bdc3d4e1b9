//! The messages: typical of what phones, trunks and browsers send, in our own words.

/// A message and the file that it came from.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// The file's name.
    pub name: &'static str,
    /// The message as it is on the wire.
    pub bytes: &'static [u8],
}

macro_rules! messages {
    ($($name:literal),* $(,)?) => {
        [$(Message { name: $name, bytes: include_bytes!(concat!("../messages/", $name, ".sip")) }),*]
    };
}

/// The twenty.
pub const TYPICAL: [Message; 20] = messages![
    "01-invite",
    "02-trying",
    "03-ringing",
    "04-ok",
    "05-ack",
    "06-bye",
    "07-register",
    "08-unauthorized",
    "09-register-digest",
    "10-register-ok",
    "11-subscribe",
    "12-notify-dialog",
    "13-options",
    "14-refer",
    "15-notify-sipfrag",
    "16-invite-websocket",
    "17-invite-hold",
    "18-invite-trunk",
    "19-invite-compact",
    "20-cancel",
];

/// RFC 4475 §3.1.1.1: folded, spaced and out of order, and yet well-formed.
pub const WSINV: Message = Message { name: "wsinv", bytes: include_bytes!("../wsinv.sip") };
