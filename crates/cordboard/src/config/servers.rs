//! The servers that run beside the switchboard (RFC 5359), as the file declares them, and what is wrong with that.

use cordboard_service::directory::Members;
use cordboard_service::settings::Park;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use toml::Spanned;

use super::Listen;
use super::check::Report;
use super::file::{self, File};
use crate::people::check_name;

/// Slots of one park server at most: each has ports for its sound.
const MAX_SLOTS: usize = 200;
/// Who is on the way into a slot or out of it, besides those who are in one.
const PASSING: usize = 16;
/// How long a call is parked before whoever parked it is called, if nothing else is written.
const RING_BACK_S: u32 = 120;

/// The servers that run beside the switchboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Servers {
    /// Where they receive sound.
    pub media: IpAddr,
    /// Each of them.
    pub list: Vec<Server>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The user part of its own address.
    pub name: Box<str>,
    /// Whom it serves.
    pub members: Members,
    /// What it is there for.
    pub kind: Kind,
}

/// What a server is there for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Call park (RFC 5359 §2.15).
    Park(Park),
}

impl Server {
    /// The user parts of its addresses, its own first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let more = match &self.kind {
            Kind::Park(park) => park.slots.as_slice(),
        };
        std::iter::once(&*self.name).chain(more.iter().map(|name| &**name))
    }

    /// Calls that it may have at a time, for each of which it holds ports.
    pub const fn calls(&self) -> usize {
        match &self.kind {
            Kind::Park(park) => park.slots.len() + PASSING,
        }
    }
}

/// Every server that the file declares.
pub(super) fn servers(file: &File, listen: &[Listen], report: &mut Report) -> Servers {
    let mut seen: BTreeMap<String, &'static str> =
        file.user.iter().map(|user| (user.name.get_ref().clone(), "a user")).collect();
    let mut list = Vec::new();
    for written in &file.park {
        list.extend(park(written, &mut seen, report));
    }
    let media = media(&file.servers, listen, file.park.first().map(|park| park.name.span()), report);
    Servers { media, list }
}

/// Where servers receive sound: as written, else where the switchboard listens. `wanted` is the first server.
fn media(
    file: &file::Servers,
    listen: &[Listen],
    wanted: Option<std::ops::Range<usize>>,
    report: &mut Report,
) -> IpAddr {
    let unspecified = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
    let tries =
        "`media_address = \"192.0.2.10\"` in [servers]: an address of this machine that phones can reach";
    if let Some(written) = &file.media_address {
        return match written.get_ref().parse::<IpAddr>() {
            Ok(ip) if !ip.is_unspecified() => ip,
            _ => {
                report.wrong(
                    written.span(),
                    format!("`{}` is not an address that phones could send sound to", written.get_ref()),
                    tries,
                );
                unspecified
            }
        };
    }
    let advertised = |listen: &Listen| listen.advertise.as_ref()?.parse::<SocketAddr>().ok();
    let ip = |listen: &Listen| {
        let bound = Some(listen.address.ip()).filter(|ip| !ip.is_unspecified());
        bound.or_else(|| Some(advertised(listen)?.ip()))
    };
    let found = listen.iter().find_map(ip);
    if let (None, Some(span)) = (found, wanted) {
        report.wrong(
            span,
            "it is not known where this server receives sound, for the switchboard listens everywhere",
            tries,
        );
    }
    found.unwrap_or(unspecified)
}

fn park(
    written: &file::Park,
    seen: &mut BTreeMap<String, &'static str>,
    report: &mut Report,
) -> Option<Server> {
    let name = name(&written.name, "a park server", seen, report);
    let mut slots: Vec<Box<str>> = Vec::new();
    for text in &written.slots {
        for slot in range(text, report) {
            let slot = Spanned::new(text.span(), slot);
            slots.extend(self::name(&slot, "a park slot", seen, report));
        }
    }
    let rings_back_after = report.seconds(written.ring_back_s.as_ref(), RING_BACK_S, 5);
    let tries = format!("1 to {MAX_SLOTS}, such as `slots = [\"701-720\"]`");
    if written.slots.is_empty() {
        report.wrong(written.name.span(), "a park server without slots has room for nobody", tries);
    } else if slots.len() > MAX_SLOTS {
        report.wrong(written.slots[0].span(), format!("{} slots are too many", slots.len()), tries);
    }
    let members = members(written.groups.as_ref());
    Some(Server { name: name?, members, kind: Kind::Park(Park { slots, rings_back_after }) })
}

/// Who may use a server: those of the groups, or else everybody who is a user here.
fn members(groups: Option<&Vec<String>>) -> Members {
    groups.map_or(Members::Users, |groups| {
        Members::Groups(groups.iter().map(|group| group.as_str().into()).collect())
    })
}

/// A name that a server has for itself alone.
fn name(
    written: &Spanned<String>,
    what: &'static str,
    seen: &mut BTreeMap<String, &'static str>,
    report: &mut Report,
) -> Option<Box<str>> {
    let name = written.get_ref();
    if let Err(error) = check_name(name) {
        report.wrong(written.span(), format!("`{name}` cannot be {what}: {error}"), "\"park\" or \"701\"");
        return None;
    }
    if let Some(other) = seen.insert(name.clone(), what) {
        let says = format!("`{name}` is {other} already, and cannot be {what} too");
        report.wrong(written.span(), says, "another name: whoever calls it must get one of the two");
        return None;
    }
    Some(name.as_str().into())
}

/// The numbers from one to another, or the one name that is written.
fn range(written: &Spanned<String>, report: &mut Report) -> Vec<String> {
    let text = written.get_ref();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((first, last)) = text.split_once('-').filter(|(first, last)| digits(first) && digits(last))
    else {
        return vec![text.clone()];
    };
    let (width, numbers) = (first.len(), (first.parse::<u64>(), last.parse::<u64>()));
    match numbers {
        (Ok(low), Ok(high)) if low <= high && high - low < MAX_SLOTS as u64 && width == last.len() => {
            (low..=high).map(|number| format!("{number:0width$}")).collect()
        }
        _ => {
            let tries = format!(
                "two numbers with as many digits, the lower one first, as in \"701-720\"; {MAX_SLOTS} at most"
            );
            report.wrong(written.span(), format!("`{text}` is no range of numbers"), tries);
            Vec::new()
        }
    }
}

/// People of the file's ranges who have the name of a server.
pub(super) fn clashes<'a>(servers: &'a Servers, users: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let names: BTreeSet<&str> = servers.list.iter().flat_map(Server::names).collect();
    users.into_iter().find(|user| names.contains(user))
}
