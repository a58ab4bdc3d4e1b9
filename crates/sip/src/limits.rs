//! The named bounds of the message layer; beyond them a message is refused, never cut.

/// Bytes of a message, head and body: the largest UDP payload, and what spans of 16 bits reach.
pub const MAX_MESSAGE: usize = 65_535;

/// Header lines of a message (a folded line counts once).
pub const MAX_HEADERS: usize = 128;

/// Bytes of one header line, name, colon, value and folds, without the final CRLF.
pub const MAX_HEADER_LEN: usize = 8_192;

/// Bytes of a start line, without the CRLF.
pub const MAX_START_LINE: usize = 8_192;

/// Depth of structures inside structures: multipart bodies, headers inside URIs.
pub const MAX_NESTING: usize = 4;
