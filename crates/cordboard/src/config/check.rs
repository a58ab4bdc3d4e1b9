//! Checks what a file says, and collects everything that is wrong instead of stopping at the first.

use cordboard_core::transport::Transport;
use cordboard_net::{Certificates, ClientCertificates, Dns, Limits, Origins, TrustedRoots};
use cordboard_service::directory::Group;
use cordboard_service::settings::{Auth, Registrar, Takeovers, Watching};
use cordboard_sip::digest::Algorithm;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;

use super::fault::Fault;
use super::file::{self, File};
use super::{Config, Listen, Log, Tls, people, servers};

/// Timer C must be longer (RFC 3261 §16.6 step 11).
const TIMER_C_ABOVE: u32 = 180;
/// What can be asked for in seconds, so that no sum overflows: a year.
const MAX_SECONDS: u32 = 31_536_000;
/// Where `cordboard ctl` finds the switchboard if nothing else is written.
const DEFAULT_HTTP: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8060);

/// Collects what is wrong.
#[derive(Default)]
pub(super) struct Report(Vec<Fault>);

impl Report {
    /// Notes that the text at `span` is wrong.
    pub(super) fn wrong(&mut self, span: Range<usize>, says: impl Into<String>, tries: impl Into<String>) {
        self.0.push(Fault { span: Some(span), says: says.into(), tries: tries.into() });
    }

    /// Everything that is wrong.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.0
    }

    fn wrong_as_a_whole(&mut self, says: &str, tries: &str) {
        self.0.push(Fault { span: None, says: says.to_owned(), tries: tries.to_owned() });
    }

    /// The value, or `default`, which has to lie between `low` and `high`.
    pub(super) fn number<T: Copy + PartialOrd + std::fmt::Display>(
        &mut self,
        value: Option<&Spanned<T>>,
        default: T,
        low: T,
        high: T,
    ) -> T {
        let Some(value) = value else { return default };
        let number = *value.get_ref();
        if number < low || number > high {
            let tries = format!("a value from {low} to {high}; the default is {default}");
            self.wrong(value.span(), format!("{number} is out of range"), tries);
        }
        number
    }

    pub(super) fn seconds(&mut self, value: Option<&Spanned<u32>>, default: u32, low: u32) -> Duration {
        Duration::from_secs(self.number(value, default, low, MAX_SECONDS).into())
    }
}

/// Turns a file into a configuration; paths in it are seen from `folder`.
pub(super) fn check(mut file: File, folder: &Path) -> Result<Config, Vec<Fault>> {
    let mut report = Report::default();
    let domains = domains(&file, &mut report);
    let realm = domains.first().cloned().unwrap_or_default();
    let groups = groups(&file, &mut report);
    let rules = people::rules(&file.user, &domains, &mut report);
    let listening = listen(&file.listen, &mut report);
    let declared = servers::Declared::take(&mut file, folder, &listening, &realm);
    let (servers, announcements) = servers::Reader::new(&declared, &BTreeMap::new(), &mut report).read();
    let config = Config {
        data: folder.join(file.data.unwrap_or_else(|| PathBuf::from("cordboard-data"))),
        shards: file.shards,
        node: file.node,
        listen: listening,
        http: http(&file.http, &mut report),
        tls: tls(&file.tls, folder, &mut report),
        origins: match file.websocket.origins {
            None => Origins::Any,
            Some(origins) => Origins::These(origins.into_iter().map(Into::into).collect()),
        },
        auth: auth(&file.auth, &mut report),
        registrar: registrar(&file.registrar, &mut report),
        timer_c: report.seconds(file.proxy.timer_c_s.as_ref(), 200, TIMER_C_ABOVE + 1),
        relay_for_users: file.proxy.relay_for_users.unwrap_or(false),
        external_transfer: file.proxy.external_transfer.unwrap_or(false),
        takeovers: match file.proxy.phones_decide_takeovers {
            Some(true) => Takeovers::ByPhones,
            Some(false) | None => Takeovers::Vouched,
        },
        watching: match file.proxy.phones_are_watched {
            Some(true) => Watching::ByPhones,
            Some(false) | None => Watching::BySwitchboard,
        },
        neighbours: neighbours(&file.proxy.neighbours, &mut report),
        ring_bytes: file.ring.bytes.unwrap_or(16 << 20),
        dns: dns(&file.dns, &mut report),
        log: log(&file.log, &mut report),
        limits: limits(&file.limits, &mut report),
        announcements,
        groups,
        rules,
        servers,
        declared: Arc::new(declared),
        users: people::people(file.user, file.user_range, &realm, &mut report),
        domains,
    };
    if report.0.is_empty()
        && let Some(name) = servers::clash(&config.servers, config.users.keys().map(|name| &**name))
    {
        let says = format!("`{name}` is a user of a range and a server too");
        report.wrong_as_a_whole(&says, "another `prefix` or `first` of the range, or other slots");
    }
    if report.0.is_empty() { Ok(config) } else { Err(report.0) }
}

fn domains(file: &File, report: &mut Report) -> Vec<Box<str>> {
    let mut domains: Vec<Box<str>> = Vec::new();
    for domain in std::iter::once(&file.domain).chain(&file.domains) {
        let name = domain.get_ref().trim_end_matches('.').to_ascii_lowercase();
        if !is_host(&name) {
            let tries =
                "a name such as \"example.com\" or an address such as \"192.0.2.1\", without `sip:` and port";
            report.wrong(domain.span(), format!("`{}` is not a domain", domain.get_ref()), tries);
        } else if domains.iter().any(|known| **known == *name) {
            report.wrong(domain.span(), format!("`{name}` is listed twice"), "removing one of the two");
        } else {
            domains.push(name.into());
        }
    }
    domains
}

fn is_host(name: &str) -> bool {
    if let Some(v6) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return v6.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    name.len() <= 253 && name.split('.').all(label)
}

fn listen(file: &[file::Listen], report: &mut Report) -> Vec<Listen> {
    if file.is_empty() {
        report.wrong_as_a_whole(
            "there is nothing to listen on",
            "adding\n\n    [[listen]]\n    transport = \"udp\"\n    address = \"0.0.0.0:5060\"\n",
        );
    }
    let mut seen = BTreeSet::new();
    let mut list = Vec::new();
    for each in file {
        let transport = each.transport.get_ref().parse::<Transport>();
        if transport.is_err() {
            let says = format!("`{}` is not a transport", each.transport.get_ref());
            report.wrong(each.transport.span(), says, "udp, tcp, tls, ws or wss");
        }
        let address = address(&each.address, "0.0.0.0:5060", report);
        if let Some(advertise) = &each.advertise
            && !advertise
                .get_ref()
                .rsplit_once(':')
                .is_some_and(|(host, port)| is_host(host) && port.parse::<u16>().is_ok())
        {
            let says = format!("`{}` is not a host and a port", advertise.get_ref());
            report.wrong(advertise.span(), says, "something like \"sip.example.com:5060\"");
        }
        let (Ok(transport), Some(address)) = (transport, address) else { continue };
        if address.port() != 0 && !seen.insert((transport == Transport::Udp, address)) {
            let says = format!("{address} is listened on twice");
            report.wrong(
                each.address.span(),
                says,
                "another port: only datagrams (udp) and one stream transport can share one",
            );
        }
        let advertise = each.advertise.as_ref().map(|advertise| advertise.get_ref().as_str().into());
        list.push(Listen { transport, address, advertise });
    }
    list
}

fn address(text: &Spanned<String>, example: &str, report: &mut Report) -> Option<SocketAddr> {
    let parsed = text.get_ref().parse().ok();
    if parsed.is_none() {
        let says = format!("`{}` is not an address and a port", text.get_ref());
        report.wrong(
            text.span(),
            says,
            format!("numbers, as in \"{example}\" or \"[::]:5060\"; names are not looked up here"),
        );
    }
    parsed
}

fn http(file: &file::Http, report: &mut Report) -> SocketAddr {
    let Some(text) = &file.address else { return DEFAULT_HTTP };
    let Some(address) = address(text, "127.0.0.1:8060", report) else { return DEFAULT_HTTP };
    if !address.ip().is_loopback() {
        let tries = "\"127.0.0.1:8060\", and a proxy with TLS in front if others must reach it";
        report.wrong(
            text.span(),
            format!("{address} can be reached by other machines, and HTTP here is not encrypted"),
            tries,
        );
    }
    address
}

fn tls(file: &file::Tls, folder: &Path, report: &mut Report) -> Tls {
    let mut readable = |path: &Spanned<PathBuf>| {
        let full = folder.join(path.get_ref());
        if let Err(error) =
            std::fs::File::open(&full).and_then(|file| std::io::Read::read(&mut &file, &mut [0]))
        {
            let says = format!("{} cannot be read: {error}", full.display());
            report.wrong(path.span(), says, "check that it exists and that this user may read it; without [tls] cordboard makes its own certificate");
        }
        full
    };
    let certificate = file.certificate.as_ref().map(&mut readable);
    let key = file.key.as_ref().map(&mut readable);
    let client_ca: Vec<PathBuf> = file.client_ca.iter().map(&mut readable).collect();
    let files = file.trusted_ca.iter().map(&mut readable).collect();
    let certificates = match (certificate, key) {
        (Some(chain), Some(key)) => Some(Certificates::Files { chain, key }),
        (None, None) => None,
        _ => {
            let (there, missing) =
                if file.certificate.is_some() { ("certificate", "key") } else { ("key", "certificate") };
            let span = file.certificate.as_ref().or(file.key.as_ref()).map_or(0..0, Spanned::span);
            let says = format!("`{there}` is of no use without `{missing}`");
            report.wrong(
                span,
                says,
                format!("adding `{missing}`, or removing both: then cordboard makes its own"),
            );
            None
        }
    };
    let asked = file.ask_client_certificates.as_ref();
    let clients = match asked.map_or("no", |asked| asked.get_ref()) {
        "no" => ClientCertificates::NotAsked,
        "optional" => ClientCertificates::Asked { roots: client_ca.clone() },
        "required" => ClientCertificates::Required { roots: client_ca.clone() },
        other => {
            let says = format!("`{other}` says nothing about client certificates");
            report.wrong(asked.map_or(0..0, Spanned::span), says, "\"no\", \"optional\" or \"required\"");
            ClientCertificates::NotAsked
        }
    };
    if let Some(asked) = asked
        && clients != ClientCertificates::NotAsked
        && client_ca.is_empty()
    {
        let says = "client certificates are asked for, but no authority is named that could have issued them";
        report.wrong(asked.span(), says, "adding `client_ca = \"FILE.pem\"`");
    }
    let roots = TrustedRoots { system: file.trust_system.unwrap_or(true), files };
    Tls { certificates, clients, roots }
}

/// What is asked of groups, and whether those in them could ever do it.
fn groups(file: &File, report: &mut Report) -> BTreeMap<Box<str>, Group> {
    let secure = |listen: &file::Listen| {
        listen.transport.get_ref().parse::<Transport>().is_ok_and(Transport::is_secure)
    };
    let connects = file.listen.iter().any(secure);
    let asked =
        file.tls.ask_client_certificates.as_ref().is_some_and(|asked| asked.get_ref().as_str() != "no");
    let mut groups = BTreeMap::new();
    for (name, written) in &file.groups {
        let wanted = written.client_certificate.as_ref();
        let client_certificate = wanted.is_some_and(|wanted| *wanted.get_ref());
        groups.insert(name.as_str().into(), Group { client_certificate });
        let Some(wanted) = wanted.filter(|_| client_certificate) else { continue };
        if !connects {
            let says =
                format!("`{name}` wants client certificates, and nothing listens for TLS to carry them");
            let tries = "adding\n\n    [[listen]]\n    transport = \"tls\"\n    address = \"0.0.0.0:5061\"\n";
            report.wrong(wanted.span(), says, tries);
        }
        if !asked {
            let says = format!("`{name}` wants client certificates, and no phone is asked for one");
            let tries =
                "adding `ask_client_certificates = \"optional\"` and `client_ca = \"FILE.pem\"` to [tls]";
            report.wrong(wanted.span(), says, tries);
        }
    }
    groups
}

fn auth(file: &file::Auth, report: &mut Report) -> Auth {
    let mut algorithms = vec![Algorithm::Md5];
    if let Some(names) = &file.algorithms {
        let known =
            |name: &String| Algorithm::ALL.into_iter().find(|a| a.as_str().eq_ignore_ascii_case(name));
        algorithms = names.get_ref().iter().filter_map(known).collect();
        if algorithms.is_empty() || algorithms.len() < names.get_ref().len() {
            let tries = "one or more of \"SHA-256\", \"SHA-512-256\" and \"MD5\", best first";
            report.wrong(names.span(), "this is not a list of digest algorithms", tries);
        }
    }
    Auth {
        registers: file.registers.unwrap_or(true),
        calls: file.calls.unwrap_or(true),
        algorithms,
        nonce_life: report.seconds(file.nonce_life_s.as_ref(), 3600, 10),
    }
}

fn neighbours(file: &[Spanned<String>], report: &mut Report) -> Vec<IpAddr> {
    let mut neighbour = |written: &Spanned<String>| {
        let parsed = written.get_ref().parse().ok();
        if parsed.is_none() {
            let says = format!("`{}` is not an address", written.get_ref());
            report.wrong(
                written.span(),
                says,
                "numbers without a port, as in \"192.0.2.7\"; names can be forged",
            );
        }
        parsed
    };
    file.iter().filter_map(&mut neighbour).collect()
}

fn registrar(file: &file::Registrar, report: &mut Report) -> Registrar {
    let min = report.seconds(file.min_expires_s.as_ref(), 60, 1);
    let max = report.seconds(file.max_expires_s.as_ref(), 7200, 1);
    let default = report.seconds(file.default_expires_s.as_ref(), 3600, 1);
    let spans = [&file.default_expires_s, &file.min_expires_s, &file.max_expires_s];
    if !(min <= default && default <= max)
        && let Some(span) = spans.into_iter().flatten().next()
    {
        let says = format!(
            "min_expires_s ({}), default_expires_s ({}) and max_expires_s ({}) are not in order",
            min.as_secs(),
            default.as_secs(),
            max.as_secs()
        );
        report.wrong(
            span.span(),
            says,
            "values with min ≤ default ≤ max; what is not written is 60, 3600 and 7200",
        );
    }
    // RFC 3261 §10.3 step 7: an hour and more may not be refused as too brief.
    if let Some(value) = &file.min_expires_s
        && min > Duration::from_hours(1)
    {
        report.wrong(
            value.span(),
            "registrations of an hour may not be refused as too brief",
            "3600 or less",
        );
    }
    Registrar {
        min_expires: min,
        max_expires: max,
        default_expires: default,
        max_contacts: report.number(file.max_contacts.as_ref(), 10, 1, 1000),
    }
}

fn dns(file: &file::Dns, report: &mut Report) -> Dns {
    let defaults = Dns::default();
    let servers = file.servers.iter().filter_map(|server| {
        if let Ok(ip) = server.get_ref().parse::<IpAddr>() {
            return Some(SocketAddr::new(ip, 53));
        }
        address(server, "192.0.2.53:53", report)
    });
    Dns {
        servers: servers.collect(),
        timeout: report.seconds(file.timeout_s.as_ref(), defaults.timeout.as_secs() as u32, 1),
        attempts: report.number(file.attempts.as_ref(), defaults.attempts, 1, 10),
    }
}

fn log(file: &file::Log, report: &mut Report) -> Log {
    let level = file.level.as_ref().map_or(Ok(tracing::Level::INFO), |level| level.get_ref().parse());
    if let (Err(_), Some(written)) = (&level, &file.level) {
        let says = format!("`{}` is not a level", written.get_ref());
        report.wrong(written.span(), says, "error, warn, info, debug or trace");
    }
    let json = match file.format.as_ref().map_or("text", |format| format.get_ref()) {
        "text" => false,
        "json" => true,
        other => {
            let span = file.format.as_ref().map_or(0..0, Spanned::span);
            report.wrong(span, format!("`{other}` is not a format of the log"), "\"text\" or \"json\"");
            false
        }
    };
    Log { level: level.unwrap_or(tracing::Level::INFO), json }
}

fn limits(file: &file::Limits, report: &mut Report) -> Limits {
    let defaults = Limits::DEFAULT;
    let mut seconds = |value: &Option<Spanned<u32>>, default: Duration| {
        report.seconds(value.as_ref(), default.as_secs() as u32, 1)
    };
    let message_time = seconds(&file.message_time_s, defaults.message_time);
    let idle_time = seconds(&file.idle_time_s, defaults.idle_time);
    let open_time = seconds(&file.open_time_s, defaults.open_time);
    let write_time = seconds(&file.write_time_s, defaults.write_time);
    let websocket_ping = seconds(&file.websocket_ping_s, defaults.websocket_ping);
    let mut number =
        |value: &Option<Spanned<usize>>, default, low| report.number(value.as_ref(), default, low, 1 << 40);
    Limits {
        connections: number(&file.connections, defaults.connections, 1),
        connections_per_source: number(&file.connections_per_source, defaults.connections_per_source, 1),
        message_time,
        idle_time,
        open_time,
        write_time,
        websocket_ping,
        queue_messages: number(&file.queue_messages, defaults.queue_messages, 1),
        // One message must fit.
        queue_bytes: number(&file.queue_bytes, defaults.queue_bytes, 1 << 16),
        lookups: number(&file.lookups, defaults.lookups, 1),
    }
}
