//! Reads what is declared of servers, and collects what is wrong with it.

use cordboard_media::wav::Samples;
use cordboard_service::directory::Members;
use cordboard_service::services::Occasion;
use cordboard_service::settings::{Announcements, Clerk, ClerkCode, Park, Pickup, Redial, RedialCodes};
use cordboard_sip::UriRef;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::PathBuf;
use toml::Spanned;

use super::{Declared, Kind, Server, Servers, Setup, Sound, Track, Tracks};
use crate::config::Listen;
use crate::config::check::Report;
use crate::config::file;
use crate::people::check_name;

/// Slots of one park server at most: each has ports for its sound.
const MAX_SLOTS: usize = 200;
/// How long a call is parked before whoever parked it is called, if nothing else is written.
const RING_BACK_S: u32 = 120;
/// Who may hear music on hold at the same time, if nothing else is written, and at most.
const MUSIC_CALLS: (usize, usize) = (50, 1000);
/// The server by which calls are picked up.
const PICKUP: &str = "pickup";
/// The server by which people have things done that their telephones cannot do.
const CLERK: &str = "clerk";
/// The server that calls people back, if nothing else is written.
const REDIAL: &str = "redial";
/// How long it waits for somebody, and how often it tries, if nothing else is written.
const REDIAL_WAIT_S: u32 = 1800;
const REDIAL_TRIES: u8 = 3;
/// How long a list of music may be, since all of it is kept in memory.
const MAX_MUSIC_S: f64 = 3600.0;
/// The server of all announcements.
const ANNOUNCER: &str = "announcements";
/// What stands for the sounds that we bring along.
const BUILT_IN: &str = "built-in";

/// Reads what is declared.
pub(in crate::config) struct Reader<'a> {
    declared: &'a Declared,
    /// What is set up otherwise.
    setups: &'a BTreeMap<Box<str>, Setup>,
    pub(super) report: &'a mut Report,
    /// Names that somebody has, and who.
    seen: BTreeMap<String, &'static str>,
}

impl<'a> Reader<'a> {
    pub(in crate::config) fn new(
        declared: &'a Declared,
        setups: &'a BTreeMap<Box<str>, Setup>,
        report: &'a mut Report,
    ) -> Self {
        let seen = declared.users.iter().map(|user| (user.clone(), "a user")).collect();
        Self { declared, setups, report, seen }
    }

    /// Every server, and where callers hear why they are refused, which may be one of them.
    pub(in crate::config) fn read(mut self) -> (Servers, Announcements) {
        let file = self.declared;
        let mut list: Vec<Server> = Vec::new();
        for written in &file.music {
            let written = self.setup(&written.name).music(written);
            list.extend(self.music(&written));
        }
        let lists: BTreeMap<Box<str>, Tracks> = list
            .iter()
            .filter_map(|server| match &server.kind {
                Kind::Music { music, .. } => Some((server.name.clone(), music.clone())),
                Kind::Park { .. }
                | Kind::Conference(_)
                | Kind::Announcer(_)
                | Kind::Pickup(_)
                | Kind::Clerk(_)
                | Kind::Redial(_)
                | Kind::Operator => None,
            })
            .collect();
        let usual = list.first().map(|server| server.name.clone());
        for written in &file.park {
            let written = self.setup(&written.name).park(written);
            list.extend(self.park(&written, &lists, usual.as_deref()));
        }
        for written in &file.conference {
            let written = self.setup(&written.name).conference(written);
            list.extend(self.conference(&written));
        }
        let (announced, announcements) = self.announcements();
        if !announced.is_empty() {
            let name = Spanned::new(0..0, ANNOUNCER.to_owned());
            let kind = Kind::Announcer(announced);
            list.extend(self.name(&name, "the server of announcements").map(|name| Server {
                name,
                members: Members::Everybody,
                kind,
            }));
        }
        list.extend(self.codes(&file.codes));
        list.extend(self.redial());
        let first = [
            file.music.first().map(|music| music.name.span()),
            file.park.first().map(|park| park.name.span()),
            file.conference.first().map(|conference| conference.name.span()),
            file.announcement.first().map(|announcement| announcement.name.span()),
            file.redial.as_ref().map(Spanned::span),
            (!list.is_empty()).then_some(0..0),
        ];
        let media = self.media(first.into_iter().flatten().next());
        (Servers { media, list }, announcements)
    }

    /// What is set up otherwise for a server.
    fn setup(&self, name: &Spanned<String>) -> Setup {
        self.setups.get(&**name.get_ref()).cloned().unwrap_or_default()
    }

    /// Where servers receive sound: as written, else where the switchboard listens. `wanted` is the first server.
    fn media(&mut self, wanted: Option<Range<usize>>) -> IpAddr {
        let (file, listen) = (&self.declared.servers, &self.declared.listen);
        let unspecified = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
        let tries =
            "`media_address = \"192.0.2.10\"` in [servers]: an address of this machine that phones can reach";
        if let Some(written) = &file.media_address {
            let ip = written.get_ref().parse::<IpAddr>().ok().filter(|ip| !ip.is_unspecified());
            if ip.is_none() {
                let says =
                    format!("`{}` is not an address that phones could send sound to", written.get_ref());
                self.report.wrong(written.span(), says, tries);
            }
            return ip.unwrap_or(unspecified);
        }
        let advertised = |listen: &Listen| listen.advertise.as_ref()?.parse::<SocketAddr>().ok();
        let ip = |listen: &Listen| {
            let bound = Some(listen.address.ip()).filter(|ip| !ip.is_unspecified());
            bound.or_else(|| Some(advertised(listen)?.ip()))
        };
        let found = listen.iter().find_map(ip);
        if let (None, Some(span)) = (found, wanted) {
            let says =
                "it is not known where this server receives sound, for the switchboard listens everywhere";
            self.report.wrong(span, says, tries);
        }
        found.unwrap_or(unspecified)
    }

    fn park(
        &mut self,
        written: &file::Park,
        lists: &BTreeMap<Box<str>, Tracks>,
        usual: Option<&str>,
    ) -> Option<Server> {
        let name = self.name(&written.name, "a park server");
        let mut slots: Vec<Box<str>> = Vec::new();
        for text in &written.slots {
            for slot in self.range(text) {
                let slot = Spanned::new(text.span(), slot);
                slots.extend(self.name(&slot, "a park slot"));
            }
        }
        let rings_back_after = self.report.seconds(written.ring_back_s.as_ref(), RING_BACK_S, 5);
        let tries = format!("1 to {MAX_SLOTS}, such as `slots = [\"701-720\"]`");
        if written.slots.is_empty() {
            self.report.wrong(written.name.span(), "a park server without slots has room for nobody", tries);
        } else if slots.len() > MAX_SLOTS {
            let says = format!("{} slots are too many", slots.len());
            self.report.wrong(written.slots[0].span(), says, tries);
        }
        let wanted = written.music.as_ref().map(|music| music.get_ref().as_str()).or(usual);
        let music = wanted.and_then(|name| lists.get(name)).cloned();
        if let (None, Some(written)) = (&music, &written.music) {
            let says = format!("there is no music `{}`", written.get_ref());
            self.report.wrong(
                written.span(),
                says,
                "the name of a [[music]], or nothing for the first of them",
            );
        }
        let music = music.unwrap_or_else(|| vec![Track::BuiltIn(Sound::Music)]);
        let kind = Kind::Park { park: Park { slots, rings_back_after }, music };
        Some(Server { name: name?, members: members(written.groups.as_ref()), kind })
    }

    fn music(&mut self, written: &file::Music) -> Option<Server> {
        let name = self.name(&written.name, "a music server");
        let mut seconds = 0.0;
        let mut music: Tracks = Vec::new();
        for file in &written.files {
            let (track, lasts) = self.file(file);
            music.push(track);
            seconds += lasts;
            if seconds > MAX_MUSIC_S {
                let says =
                    "with this file the list plays for more than an hour, all of which is kept in memory";
                self.report.wrong(file.span(), says, "fewer files");
                break;
            }
        }
        if music.is_empty() {
            music.push(Track::BuiltIn(Sound::Music));
        }
        let (usual, most) = MUSIC_CALLS;
        let calls = self.report.number(written.calls.as_ref(), usual, 1, most);
        let kind = Kind::Music { music, calls };
        Some(Server { name: name?, members: members(written.groups.as_ref()), kind })
    }

    /// The servers that do what people dial codes for.
    fn codes(&mut self, written: &file::Codes) -> Vec<Server> {
        let forwarding = [
            (Occasion::Always, &written.forward, &written.forward_off),
            (Occasion::Busy, &written.forward_busy, &written.forward_busy_off),
            (Occasion::NoAnswer, &written.forward_no_answer, &written.forward_no_answer_off),
        ];
        let whole: Vec<&Spanned<String>> =
            [&written.pick_up, &written.transfer, &written.redial, &written.redial_off]
                .into_iter()
                .chain(forwarding.into_iter().flat_map(|(_, on, off)| [on, off]))
                .flatten()
                .collect();
        for (n, code) in whole.iter().enumerate() {
            if let Some(other) = whole[..n].iter().find(|other| overlap(code.get_ref(), other.get_ref())) {
                let says =
                    format!("`{}` and `{}` cannot be told from one another", code.get_ref(), other.get_ref());
                self.report.wrong(code.span(), says, "codes of which none begins with another");
            }
        }
        let mut list = Vec::new();
        if let Some(code) = self.code(written.pick_up.as_ref()) {
            list.push((PICKUP, Kind::Pickup(Pickup { code })));
        }
        let mut codes = Vec::new();
        let both = "both, as in `forward = \"*72\"` and `forward_off = \"*73\"`";
        for (when, on, off) in forwarding {
            let pair = self.pair((on, off), both);
            codes.extend(
                pair.into_iter().flat_map(|(on, off)| {
                    [(on, ClerkCode::Forward(when)), (off, ClerkCode::ForwardOff(when))]
                }),
            );
        }
        codes.extend(self.code(written.transfer.as_ref()).map(|code| (code, ClerkCode::Transfer)));
        if !codes.is_empty() {
            list.push((CLERK, Kind::Clerk(Clerk { codes })));
        }
        let server = |(name, kind): (&str, Kind)| {
            let own = Spanned::new(0..0, name.to_owned());
            let groups = self.setup(&own).groups.or_else(|| written.groups.clone());
            let name = self.name(&own, "the server of codes")?;
            Some(Server { name, members: members(groups.as_ref()), kind })
        };
        list.into_iter().filter_map(server).collect()
    }

    /// The server that calls people back: if its section is there, or a code is dialled for it.
    fn redial(&mut self) -> Option<Server> {
        let file = self.declared;
        let codes = &file.codes;
        let both = "both, as in `redial = \"*66\"` and `redial_off = \"*68\"`";
        let dialled = self.pair((&codes.redial, &codes.redial_off), both);
        let usual = file::Redial::default();
        let written = match (&file.redial, &codes.redial) {
            (Some(written), _) => written.get_ref(),
            (None, Some(_)) => &usual,
            (None, None) => return None,
        };
        let own = Spanned::new(0..0, REDIAL.to_owned());
        let name = written.name.as_ref().unwrap_or(&own);
        let written = &self.setup(name).redial(written);
        let name = self.name(name, "the redial server");
        let redial = Redial {
            codes: dialled.map(|(ask, give_up)| RedialCodes { ask, give_up }),
            within: self.report.seconds(written.wait_s.as_ref(), REDIAL_WAIT_S, 10),
            tries: self.report.number(written.tries.as_ref(), REDIAL_TRIES, 1, 20),
        };
        let members = members(written.groups.as_ref().or(codes.groups.as_ref()));
        Some(Server { name: name?, members, kind: Kind::Redial(redial) })
    }

    /// Two codes, of which one undoes what the other does.
    fn pair(
        &mut self,
        (on, off): (&Option<Spanned<String>>, &Option<Spanned<String>>),
        tries: &str,
    ) -> Option<(Box<str>, Box<str>)> {
        if on.is_some() != off.is_some() {
            let span = on.as_ref().or(off.as_ref()).map_or(0..0, Spanned::span);
            let says = "what is switched on by a code must be switched off by one, and the other way round";
            self.report.wrong(span, says, tries);
        }
        self.code(on.as_ref()).zip(self.code(off.as_ref()))
    }

    /// A code that can be dialled, and by which nobody is meant.
    fn code(&mut self, written: Option<&Spanned<String>>) -> Option<Box<str>> {
        let code = written?;
        let text = code.get_ref();
        let fits = text.starts_with(['*', '#']) && text.len() > 1 && check_name(text).is_ok();
        if !fits {
            let says = format!("`{text}` is no code to dial");
            self.report.wrong(code.span(), says, "something that no name begins with, such as \"*8\"");
            return None;
        }
        if let Some((name, what)) = self.seen.iter().find(|(name, _)| name.starts_with(&**text)) {
            let says = format!("`{name}`, which is {what}, begins with this code");
            self.report.wrong(code.span(), says, "another code: whoever dials it must get one of the two");
            return None;
        }
        Some(text.as_str().into())
    }

    /// What can be heard, and what an Error-Info names of it or of what is elsewhere.
    fn announcements(&mut self) -> (BTreeMap<Box<str>, Track>, Announcements) {
        let (file, realm) = (self.declared, &self.declared.realm);
        let mut announced = BTreeMap::new();
        for written in &file.announcement {
            let (track, _) = self.file(&written.file);
            let name = self.name(&written.name, "an announcement");
            announced.extend(name.map(|name| (name, track)));
        }
        let own = [("screened-in", Sound::ScreenedIn), ("screened-out", Sound::ScreenedOut)];
        let written = [&file.announcements.screened_in, &file.announcements.screened_out];
        let mut uris = own.into_iter().zip(written).map(|((name, sound), written)| {
            let written = written.as_ref()?;
            let text = written.get_ref();
            if *text == BUILT_IN {
                let name = self.name(&Spanned::new(written.span(), name.to_owned()), "an announcement")?;
                let uri = format!("sip:{name}@{realm}").into();
                announced.insert(name, Track::BuiltIn(sound));
                return Some(uri);
            }
            if announced.contains_key(text.as_str()) {
                return Some(format!("sip:{text}@{realm}").into());
            }
            let fits = UriRef::parse(text).is_ok_and(|uri| uri.is_sip()) && !text.contains(['<', '>', '"']);
            if !fits {
                let says = format!("`{text}` is no SIP URI, and no [[announcement]] has that name");
                let tries = format!("\"{BUILT_IN}\", or something like \"sip:screened@media.example.com\"");
                self.report.wrong(written.span(), says, tries);
            }
            Some(text.as_str().into())
        });
        let (screened_in, screened_out) = (uris.next().flatten(), uris.next().flatten());
        (announced, Announcements { screened_in, screened_out })
    }

    /// A WAV file, and how many seconds it plays.
    fn file(&mut self, written: &Spanned<PathBuf>) -> (Track, f64) {
        let path = self.declared.folder.join(written.get_ref());
        let tries = "a WAV file of plain samples, best of one channel, 8000 a second, 16 bits";
        let seconds = match std::fs::read(&path) {
            Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
            Ok(wav) => Samples::seconds(&wav).map_err(|error| format!("{}: {error}", path.display())),
        };
        let seconds = seconds.unwrap_or_else(|says| {
            self.report.wrong(written.span(), says, tries);
            0.0
        });
        (Track::File(path), seconds)
    }

    /// A name that a server has for itself alone.
    pub(super) fn name(&mut self, written: &Spanned<String>, what: &'static str) -> Option<Box<str>> {
        let name = written.get_ref();
        if let Err(error) = check_name(name) {
            let says = format!("`{name}` cannot be {what}: {error}");
            self.report.wrong(written.span(), says, "\"park\" or \"701\"");
            return None;
        }
        if let Some(other) = self.seen.insert(name.clone(), what) {
            let says = format!("`{name}` is {other} already, and cannot be {what} too");
            let tries = "another name: whoever calls it must get one of the two";
            self.report.wrong(written.span(), says, tries);
            return None;
        }
        Some(name.as_str().into())
    }

    /// The numbers from one to another, or the one name that is written.
    pub(super) fn range(&mut self, written: &Spanned<String>) -> Vec<String> {
        let text = written.get_ref();
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let ends = text.split_once('-').filter(|(first, last)| digits(first) && digits(last));
        let Some((first, last)) = ends else {
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
                self.report.wrong(written.span(), format!("`{text}` is no range of numbers"), tries);
                Vec::new()
            }
        }
    }
}

/// Whether whoever dials one of two codes may mean the other.
fn overlap(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// Who may use a server: those of the groups, or else everybody who is a user here.
pub(super) fn members(groups: Option<&Vec<String>>) -> Members {
    groups.map_or(Members::Users, |groups| {
        Members::Groups(groups.iter().map(|group| group.as_str().into()).collect())
    })
}
