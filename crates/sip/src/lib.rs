//! Text to SIP messages and back: framing, grammar, URIs, typed headers, SDP, digest arithmetic.
