//! The STUN server of a SIP port: it answers keep-alives (RFC 5626 §8) and nothing else.

use bytes::{BufMut, Bytes, BytesMut};
use std::net::{IpAddr, SocketAddr};

const HEADER: usize = 20;
const MAGIC_COOKIE: u32 = 0x2112_a442;
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
/// Types below this must be understood (RFC 5389 §15).
const FIRST_OPTIONAL: u16 = 0x8000;
/// Attributes of one request that are named when they are unknown.
const MAX_UNKNOWN: usize = 8;

/// Whether a datagram is STUN rather than SIP, which starts with a letter (RFC 5626 §8).
pub(crate) fn is_stun(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER && bytes[0] < 4 && bytes[4..8] == MAGIC_COOKIE.to_be_bytes()
}

/// What to send back: the address that the request came from, as it was seen here. Anything but a
/// well-formed Binding request is passed over in silence (RFC 5389 §7.3).
pub(crate) fn reply(request: &[u8], remote: SocketAddr) -> Option<Bytes> {
    let (kind, rest) = take_u16(request)?;
    let (length, _) = take_u16(rest)?;
    let (length, attributes) = (usize::from(length), request.get(HEADER..)?);
    if !is_stun(request) || kind != BINDING_REQUEST || length % 4 != 0 || attributes.len() != length {
        return None;
    }
    let transaction: &[u8; 16] = request.get(4..HEADER)?.try_into().ok()?;
    let unknown = unknown_attributes(attributes)?;
    if unknown.is_empty() { Some(success(transaction, remote)) } else { Some(refusal(transaction, &unknown)) }
}

/// RFC 5389 §7.3.1: attributes that must be understood and are not. Phones that check integrity or
/// send a fingerprint get a plain answer, since the usage has no credentials (RFC 5626 §8).
fn unknown_attributes(mut rest: &[u8]) -> Option<Vec<u16>> {
    const UNDERSTOOD: [u16; 3] = [0x0006, 0x0008, 0x0014];
    let mut unknown = Vec::new();
    while !rest.is_empty() {
        let (kind, after) = take_u16(rest)?;
        let (length, after) = take_u16(after)?;
        let padded = usize::from(length).next_multiple_of(4);
        rest = after.get(padded..)?;
        if kind < FIRST_OPTIONAL && !UNDERSTOOD.contains(&kind) && unknown.len() < MAX_UNKNOWN {
            unknown.push(kind);
        }
    }
    Some(unknown)
}

fn success(transaction: &[u8; 16], remote: SocketAddr) -> Bytes {
    let mut out = BytesMut::with_capacity(HEADER + 24);
    let address_length = if remote.is_ipv4() { 8 } else { 20 };
    put_header(&mut out, BINDING_SUCCESS, 4 + address_length, transaction);
    out.put_u16(XOR_MAPPED_ADDRESS);
    out.put_u16(address_length);
    out.put_u8(0);
    out.put_u8(if remote.is_ipv4() { 1 } else { 2 });
    out.put_u16(remote.port() ^ (MAGIC_COOKIE >> 16) as u16);
    match remote.ip() {
        IpAddr::V4(v4) => put_xored(&mut out, &v4.octets(), transaction),
        IpAddr::V6(v6) => put_xored(&mut out, &v6.octets(), transaction),
    }
    out.freeze()
}

/// 420, with the names of what was not understood.
fn refusal(transaction: &[u8; 16], unknown: &[u16]) -> Bytes {
    const REASON: &[u8; 20] = b"Unknown Attribute   ";
    let listed = unknown.len() * 2;
    let padded = listed.next_multiple_of(4);
    let length = 4 + 4 + REASON.len() + 4 + padded;
    let mut out = BytesMut::with_capacity(HEADER + length);
    put_header(&mut out, BINDING_ERROR, length as u16, transaction);
    out.put_u16(ERROR_CODE);
    out.put_u16(4 + REASON.len() as u16);
    out.put_slice(&[0, 0, 4, 20]);
    out.put_slice(REASON);
    out.put_u16(UNKNOWN_ATTRIBUTES);
    out.put_u16(listed as u16);
    for kind in unknown {
        out.put_u16(*kind);
    }
    out.put_bytes(0, padded - listed);
    out.freeze()
}

fn put_header(out: &mut BytesMut, kind: u16, length: u16, transaction: &[u8; 16]) {
    out.put_u16(kind);
    out.put_u16(length);
    out.put_slice(transaction);
}

/// RFC 5389 §15.2: the cookie and the transaction's id hide the address from meddling routers.
fn put_xored(out: &mut BytesMut, octets: &[u8], transaction: &[u8; 16]) {
    out.extend(octets.iter().zip(transaction).map(|(octet, key)| octet ^ key));
}

fn take_u16(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*first), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 §2.2 and §2.3 answer this transaction.
    const TRANSACTION: [u8; 16] =
        [0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

    fn request(attributes: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, attributes.len() as u8];
        bytes.extend(TRANSACTION);
        bytes.extend(attributes);
        bytes
    }

    #[test]
    fn the_mapped_addresses_of_rfc_5769() {
        let v4 = reply(&request(&[]), "192.0.2.1:32853".parse().unwrap()).unwrap();
        assert_eq!(v4[..4], [1, 1, 0, 12]);
        assert_eq!(v4[20..], [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
        let remote = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap();
        let v6 = reply(&request(&[]), remote).unwrap();
        assert_eq!(
            v6[24..],
            [
                0, 2, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5,
                0xbe, 0xd2, 0xb9, 0xd9
            ]
        );
    }

    #[test]
    fn optional_attributes_are_passed_over_and_others_refused() {
        let remote = "192.0.2.1:5060".parse().unwrap();
        let software = request(&[0x80, 0x22, 0, 3, b'a', b'b', b'c', 0]);
        assert_eq!(reply(&software, remote).unwrap()[..2], [1, 1]);
        let strange = reply(&request(&[0x7f, 0xff, 0, 0]), remote).unwrap();
        assert_eq!(strange[..2], [1, 0x11]);
        assert_eq!(strange.len(), HEADER + usize::from(strange[3]));
        assert_eq!(strange[strange.len() - 4..], [0x7f, 0xff, 0, 0]);
    }

    #[test]
    fn nothing_else_is_answered() {
        let remote = "192.0.2.1:5060".parse().unwrap();
        let good = request(&[0x80, 0x22, 0, 4, 1, 2, 3, 4]);
        for cut in 0..good.len() {
            assert_eq!(reply(&good[..cut], remote), None, "cut at {cut}");
        }
        let mut indication = request(&[]);
        indication[1] = 0x11;
        assert_eq!(reply(&indication, remote), None);
        let mut no_cookie = request(&[]);
        no_cookie[4] = 0;
        assert_eq!(reply(&no_cookie, remote), None);
        assert_eq!(reply(&request(&[0x80, 0x22, 0, 9, 1, 2, 3, 4]), remote), None);
        assert!(!is_stun(b"OPTIONS sip:example.com SIP/2.0\r\n"));
    }
}
