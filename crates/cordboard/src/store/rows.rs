//! The rows of the database: how people and bindings are written and read.

use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, ListenerId, Transport};
use cordboard_net::Clock;
use cordboard_service::directory::User;
use cordboard_service::location::{Binding, Location};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::config::Setup;
use crate::rules::Written;

/// Translates between a running process and a database that outlives it.
#[derive(Clone, Debug)]
pub struct Translator {
    /// Turns instants into wall-clock time and back.
    pub clock: Clock,
    /// Each listener as configured, in the order of the ids.
    pub listeners: Vec<(Transport, SocketAddr)>,
}

impl Translator {
    pub(super) fn millis(&self, instant: Instant) -> i64 {
        let since = self.clock.wall(instant).duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    pub(super) fn instant(&self, millis: i64) -> Instant {
        let since = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        SystemTime::UNIX_EPOCH.checked_add(since).map_or(Instant::START, |wall| self.clock.instant(wall))
    }

    fn listener_text(&self, id: ListenerId) -> String {
        self.listeners.get(usize::from(id.0)).map_or_else(String::new, |(_, address)| address.to_string())
    }

    /// The listener that stands for the one a binding was registered over: the same address, else one
    /// that speaks the same to the same family of addresses.
    fn listener(&self, transport: Transport, was: &str, remote: SocketAddr) -> Option<ListenerId> {
        let fits = |(theirs, address): &(Transport, SocketAddr)| {
            *theirs == transport && address.is_ipv4() == remote.is_ipv4()
        };
        let same = self.listeners.iter().position(|each| fits(each) && each.1.to_string() == was);
        let place = same.or_else(|| self.listeners.iter().position(fits))?;
        u16::try_from(place).ok().map(ListenerId)
    }
}

/// One binding to be written, copied out of memory so that no lock is held while it is.
#[derive(Clone, Debug)]
pub(super) struct BindingRow {
    fresh: FreshRow,
    texts: [String; 5],
    reg_id: u32,
    outbound: bool,
    q: u16,
    flow: Flow,
}

/// What a refresh changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct FreshRow {
    pub(super) number: u64,
    cseq: u32,
    expires: Instant,
    updated: Instant,
}

impl FreshRow {
    pub(super) const fn of(binding: &Binding<'_>) -> Self {
        Self {
            number: binding.number,
            cseq: binding.cseq,
            expires: binding.expires,
            updated: binding.updated,
        }
    }

    pub(super) fn write(&self, to: &Transaction<'_>, translator: &Translator) -> rusqlite::Result<()> {
        to.prepare_cached(
            "INSERT OR REPLACE INTO freshness (number, cseq, expires, updated) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            key(self.number),
            self.cseq,
            translator.millis(self.expires),
            translator.millis(self.updated)
        ])
        .map(drop)
    }
}

impl BindingRow {
    pub(super) fn of(binding: &Binding<'_>) -> Self {
        Self {
            fresh: FreshRow::of(binding),
            texts: [binding.aor, binding.uri, binding.call_id, binding.instance, binding.path]
                .map(str::to_owned),
            reg_id: binding.reg_id,
            outbound: binding.outbound,
            q: binding.q,
            flow: binding.flow,
        }
    }

    pub(super) fn write(&self, to: &Transaction<'_>, translator: &Translator) -> rusqlite::Result<()> {
        let [aor, uri, call_id, instance, path] = &self.texts;
        to.prepare_cached(
            "INSERT OR REPLACE INTO binding (number, aor, uri, call_id, instance, reg_id, outbound, q, transport, \
             listener, remote, path) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            key(self.fresh.number),
            aor,
            uri,
            call_id,
            instance,
            self.reg_id,
            self.outbound,
            self.q,
            self.flow.transport.token(),
            translator.listener_text(self.flow.listener),
            self.flow.remote.to_string(),
            path,
        ])?;
        self.fresh.write(to, translator)
    }
}

/// Forgets a binding.
pub(super) fn remove_binding(to: &Transaction<'_>, number: u64) -> rusqlite::Result<()> {
    to.prepare_cached("DELETE FROM binding WHERE number = ?1")?.execute([key(number)])?;
    to.prepare_cached("DELETE FROM freshness WHERE number = ?1")?.execute([key(number)])?;
    Ok(())
}

/// Puts every binding that has not ended into `location`, deletes the others, and tells how many
/// could not be put back because nothing listens for their transport any more.
pub(super) fn restore(
    connection: &Connection,
    translator: &Translator,
    now: Instant,
    location: &mut Location,
) -> rusqlite::Result<usize> {
    let ended = translator.millis(now);
    connection.execute("DELETE FROM freshness WHERE expires <= ?1", [ended])?;
    connection.execute("DELETE FROM binding WHERE number NOT IN (SELECT number FROM freshness)", ())?;
    let mut statement = connection.prepare(&format!("{SELECT_BINDINGS} ORDER BY number"))?;
    let mut rows = statement.query(())?;
    let mut left_out = 0;
    while let Some(row) = rows.next()? {
        left_out += usize::from(!restore_row(row, translator, now, location)?);
    }
    Ok(left_out)
}

/// Puts one binding back as the database has it; nothing if it is not there.
pub(super) fn restore_one(
    connection: &Connection,
    translator: &Translator,
    now: Instant,
    location: &mut Location,
    number: u64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&format!("{SELECT_BINDINGS} WHERE number = ?1"))?
        .query_row([key(number)], |row| restore_row(row, translator, now, location))
        .optional()
        .map(drop)
}

const SELECT_BINDINGS: &str = "SELECT number, aor, uri, call_id, instance, path, reg_id, outbound, q, transport, \
     listener, remote, cseq, expires, updated FROM binding JOIN freshness USING (number)";

fn restore_row(
    row: &Row<'_>,
    translator: &Translator,
    now: Instant,
    location: &mut Location,
) -> rusqlite::Result<bool> {
    let text = |place: usize| row.get_ref(place).and_then(|value| Ok(value.as_str()?));
    let (Ok(transport), Ok(remote)) = (text(9)?.parse(), text(11)?.parse()) else {
        return Ok(false);
    };
    let Some(listener) = translator.listener(transport, text(10)?, remote) else {
        return Ok(false);
    };
    location.restore(
        now,
        &Binding {
            number: row.get::<_, i64>(0)?.cast_unsigned(),
            aor: text(1)?,
            uri: text(2)?,
            call_id: text(3)?,
            cseq: row.get(12)?,
            instance: text(4)?,
            reg_id: row.get(6)?,
            outbound: row.get(7)?,
            q: row.get(8)?,
            flow: Flow { transport, listener, connection: 0, remote },
            path: text(5)?,
            expires: translator.instant(row.get(13)?),
            updated: translator.instant(row.get(14)?),
            reachable: false,
        },
    );
    Ok(true)
}

/// Somebody as the database keeps them.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// The user part of the address-of-record.
    pub name: Box<str>,
    /// The realm for which the hashes were made.
    pub realm: Box<str>,
    /// The rest.
    pub user: User,
}

impl UserRow {
    pub(super) fn write(&self, to: &Transaction<'_>) -> rusqlite::Result<()> {
        let groups: Vec<&str> = self.user.groups.iter().map(|group| &**group).collect();
        to.execute(
            "INSERT OR REPLACE INTO user (name, realm, display_name, groups, ha1_md5, ha1_sha256, ha1_sha512_256) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                self.name,
                self.realm,
                self.user.display_name,
                serde_json::Value::from(groups).to_string(),
                self.user.ha1_md5,
                self.user.ha1_sha256,
                self.user.ha1_sha512_256,
            ],
        )
        .map(drop)
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let groups: String = row.get(3)?;
        let groups: Vec<String> = serde_json::from_str(&groups).unwrap_or_default();
        let user = User {
            display_name: row.get::<_, Option<Box<str>>>(2)?,
            groups: groups.into_iter().map(Into::into).collect(),
            ha1_md5: row.get(4)?,
            ha1_sha256: row.get(5)?,
            ha1_sha512_256: row.get(6)?,
        };
        Ok(Self { name: row.get(0)?, realm: row.get(1)?, user })
    }
}

/// Removes somebody; whether they existed.
pub(super) fn remove_user(to: &Transaction<'_>, name: &str) -> rusqlite::Result<bool> {
    Ok(to.execute("DELETE FROM user WHERE name = ?1", [name])? > 0)
}

/// Everybody, by name.
fn users(connection: &Connection) -> rusqlite::Result<Vec<UserRow>> {
    connection
        .prepare("SELECT name, realm, display_name, groups, ha1_md5, ha1_sha256, ha1_sha512_256 FROM user ORDER BY name")?
        .query_map((), UserRow::read)?
        .collect()
}

/// What was changed at run time.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// Everybody in the database.
    pub(super) users: Vec<UserRow>,
    /// What people have set up for their calls, by user.
    pub(super) rules: BTreeMap<Box<str>, Written>,
    /// The groups of those of the file who were put into others.
    pub(super) memberships: BTreeMap<Box<str>, Vec<Box<str>>>,
    /// How servers are set up otherwise than the file says.
    pub(super) setups: BTreeMap<Box<str>, Setup>,
}

impl Changed {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            users: users(connection)?,
            rules: written(connection, "SELECT user, rules FROM rules")?,
            memberships: written(connection, "SELECT user, groups FROM memberships")?,
            setups: written(connection, "SELECT server, setup FROM setups")?,
        })
    }
}

/// What is kept as JSON, by whose it is. What cannot be read is left out.
fn written<T: DeserializeOwned>(
    connection: &Connection,
    query: &str,
) -> rusqlite::Result<BTreeMap<Box<str>, T>> {
    let mut statement = connection.prepare(query)?;
    let rows = statement.query_map((), |row| Ok((row.get::<_, Box<str>>(0)?, row.get::<_, String>(1)?)))?;
    let mut all = BTreeMap::new();
    for row in rows {
        let (whose, text) = row?;
        match serde_json::from_str(&text) {
            Ok(written) => drop(all.insert(whose, written)),
            Err(error) => tracing::error!(%error, query, "what was set up cannot be read, and is left out"),
        }
    }
    Ok(all)
}

/// Keeps what somebody has set up, in place of what was there; nothing if nothing is.
pub(super) fn write_rules(to: &Transaction<'_>, user: &str, rules: Option<&Written>) -> rusqlite::Result<()> {
    let forget = "DELETE FROM rules WHERE user = ?1";
    write(to, (forget, "INSERT OR REPLACE INTO rules (user, rules) VALUES (?1, ?2)"), user, rules)
}

/// Keeps the groups of somebody of the file, or that they are those of the file.
pub(super) fn write_membership(
    to: &Transaction<'_>,
    user: &str,
    groups: Option<&[Box<str>]>,
) -> rusqlite::Result<()> {
    let forget = "DELETE FROM memberships WHERE user = ?1";
    write(to, (forget, "INSERT OR REPLACE INTO memberships (user, groups) VALUES (?1, ?2)"), user, groups)
}

/// Keeps how a server is set up, or that it is as the file says.
pub(super) fn write_setup(to: &Transaction<'_>, server: &str, setup: Option<&Setup>) -> rusqlite::Result<()> {
    let forget = "DELETE FROM setups WHERE server = ?1";
    write(to, (forget, "INSERT OR REPLACE INTO setups (server, setup) VALUES (?1, ?2)"), server, setup)
}

/// Keeps something as JSON, or forgets it.
fn write<T: Serialize + ?Sized>(
    to: &Transaction<'_>,
    (forget, keep): (&str, &str),
    whose: &str,
    what: Option<&T>,
) -> rusqlite::Result<()> {
    let unprintable = |error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
    match what.map(serde_json::to_string).transpose().map_err(unprintable)? {
        None => to.execute(forget, [whose]),
        Some(json) => to.execute(keep, [whose, &json]),
    }
    .map(drop)
}

const fn key(number: u64) -> i64 {
    number.cast_signed()
}
