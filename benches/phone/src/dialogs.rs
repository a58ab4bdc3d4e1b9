//! What a dialog weighs: as the callee keeps it, with everything that hangs on it.

use anyhow::{Context as _, Result, anyhow};
use cordboard_core::dialog::Dialog;
use cordboard_sip::View;

/// How many are weighed.
const DIALOGS: usize = 10_000;

/// What glibc adds to each allocation at most: a header and rounding to 16.
const OVERHEAD: u64 = 24;

/// An INVITE through two proxies, as they come from phones.
fn invite(n: usize) -> String {
    format!(
        "INVITE sip:bob@192.0.2.4 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK{n:08}b;rport\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{n:08}a;rport=5060;received=192.0.2.1\r\n\
         Record-Route: <sip:192.0.2.3;lr;r=2>\r\n\
         Record-Route: <sip:192.0.2.2;lr;r=1>\r\n\
         Max-Forwards: 68\r\n\
         From: \"Alice Cooper\" <sip:alice@atlanta.example.com>;tag={n:016x}\r\n\
         To: <sip:bob@biloxi.example.com>\r\n\
         Call-ID: {n:032x}@client.atlanta.example.com\r\n\
         CSeq: 1 INVITE\r\n\
         Contact: <sip:alice@192.0.2.1:5060;transport=udp>\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// Bytes that one dialog holds.
///
/// # Errors
/// The INVITE begins none.
pub(crate) fn bytes_each() -> Result<u64> {
    let mut dialogs = Vec::with_capacity(DIALOGS);
    let invites: Vec<String> = (0..DIALOGS).map(invite).collect();
    let mut failed = None;
    let held = allocation_counter::measure(|| {
        for invite in &invites {
            let dialog = View::parse(invite.as_bytes())
                .map_err(|_| anyhow!("the INVITE cannot be read"))
                .and_then(|view| {
                    Dialog::from_request(&view, "0123456789abc").map_err(|_| anyhow!("it begins no dialog"))
                });
            match dialog {
                Ok(dialog) => dialogs.push(dialog),
                Err(error) => failed = Some(error),
            }
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    let counted = |count: i64| u64::try_from(count).context("less is held than before");
    let heap = counted(held.bytes_current)? + counted(held.count_current)? * OVERHEAD;
    Ok(heap / DIALOGS as u64 + size_of::<Dialog>() as u64)
}
