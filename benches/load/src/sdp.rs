//! The session description that both ends send: an ordinary telephone's, audio only.

/// A description with the audio at `port`.
pub(crate) fn description(port: u16) -> Vec<u8> {
    format!(
        "v=0\r\n\
         o=- 1792843200 1 IN IP4 127.0.0.1\r\n\
         s=call\r\n\
         c=IN IP4 127.0.0.1\r\n\
         t=0 0\r\n\
         m=audio {port} RTP/AVP 0 8 101\r\n\
         a=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\n\
         a=fmtp:101 0-15\r\n\
         a=ptime:20\r\n\
         a=sendrecv\r\n"
    )
    .into_bytes()
}
