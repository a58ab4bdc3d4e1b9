//! The people of a configuration: their names checked, their passwords turned into hashes.

use cordboard_service::directory::User;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use toml::Spanned;

use super::check::Report;
use super::file;
use crate::people::{check_name, from_hex, user};
use crate::rules::Written;

/// People in one range at most.
const MAX_RANGE: u32 = 1_000_000;

/// Everybody the file names.
pub(super) fn people(
    users: Vec<file::User>,
    ranges: Vec<file::UserRange>,
    realm: &str,
    report: &mut Report,
) -> BTreeMap<Box<str>, User> {
    let mut people = BTreeMap::new();
    for written in users {
        let name: Box<str> = written.name.get_ref().as_str().into();
        if let Err(error) = check_name(&name) {
            report.wrong(
                written.name.span(),
                format!("`{name}` cannot be a user: {error}"),
                "\"alice\" or \"1001\"",
            );
        }
        let span = written.name.span();
        let somebody = one(written, realm, report);
        if people.insert(name.clone(), somebody).is_some() {
            report.wrong(span, format!("{name} is there twice"), "removing one of the two");
        }
    }
    for range in ranges {
        add_range(&range, realm, &mut people, report);
    }
    people
}

/// What the file's people have set up for their calls.
pub(super) fn rules(
    users: &[file::User],
    domains: &[Box<str>],
    report: &mut Report,
) -> BTreeMap<Box<str>, Written> {
    let names: BTreeSet<&str> = users.iter().map(|user| user.name.get_ref().as_str()).collect();
    let mut all = BTreeMap::new();
    for user in users {
        let name = user.name.get_ref();
        let mut sound = |span: Range<usize>, written: &Written| {
            if let Err(error) = written.check(name, domains, |other| names.contains(other)) {
                report.wrong(
                    span,
                    error.to_string(),
                    "what docs/services.md shows; people of the database are not known here",
                );
            }
        };
        let mut written = Written::default();
        if let Some(forward) = &user.forward {
            written.forward = forward.get_ref().clone();
            sound(forward.span(), &Written { forward: written.forward.clone(), ..Written::default() });
        }
        if let Some(find_me) = &user.find_me {
            written.find_me.clone_from(find_me.get_ref());
            sound(find_me.span(), &Written { find_me: written.find_me.clone(), ..Written::default() });
        }
        if let Some(screen) = &user.screen {
            written.screen = screen.get_ref().clone();
            sound(screen.span(), &Written { screen: written.screen.clone(), ..Written::default() });
        }
        if written != Written::default() {
            all.insert(name.as_str().into(), written);
        }
    }
    all
}

fn one(written: file::User, realm: &str, report: &mut Report) -> User {
    let name = written.name.get_ref();
    let mut somebody = match &written.password {
        Some(password) => user(name, realm, &password.get_ref().0),
        None => User {
            display_name: None,
            groups: Vec::new(),
            ha1_md5: None,
            ha1_sha256: None,
            ha1_sha512_256: None,
        },
    };
    let hashes = [&written.ha1_md5, &written.ha1_sha256, &written.ha1_sha512_256];
    let hashed = hashes.iter().any(|hash| hash.is_some());
    if written.password.is_some() && hashed {
        let tries = "only the hashes: they are made from name, domain and password";
        report.wrong(written.name.span(), format!("{name} has both a password and hashes"), tries);
    } else if written.password.is_none() && !hashed {
        let tries = "adding `password = \"…\"`, or `ha1_sha256` and `ha1_md5`";
        report.wrong(written.name.span(), format!("{name} has no password"), tries);
    } else if hashed {
        somebody.ha1_md5 = hash(written.ha1_md5.as_ref(), "ha1_md5", report);
        somebody.ha1_sha256 = hash(written.ha1_sha256.as_ref(), "ha1_sha256", report);
        somebody.ha1_sha512_256 = hash(written.ha1_sha512_256.as_ref(), "ha1_sha512_256", report);
    }
    if let Some(password) = &written.password
        && password.get_ref().0.is_empty()
    {
        report.wrong(password.span(), format!("the password of {name} is empty"), "a long random one");
    }
    somebody.groups = written.groups.into_iter().map(Into::into).collect();
    somebody.display_name = written.display_name.map(Into::into);
    somebody
}

fn hash<const N: usize>(
    written: Option<&Spanned<file::Password>>,
    key: &str,
    report: &mut Report,
) -> Option<[u8; N]> {
    let written = written?;
    let bytes = from_hex(&written.get_ref().0);
    if bytes.is_none() {
        let says = format!("`{key}` does not have {} hexadecimal digits", 2 * N);
        let algorithm = match N {
            16 => "md5",
            _ if key == "ha1_sha256" => "sha256",
            _ => "sha512-256",
        };
        report.wrong(
            written.span(),
            says,
            format!("what `printf 'NAME:DOMAIN:PASSWORD' | openssl dgst -{algorithm}` prints"),
        );
    }
    bytes
}

fn add_range(
    range: &file::UserRange,
    realm: &str,
    people: &mut BTreeMap<Box<str>, User>,
    report: &mut Report,
) {
    let count = *range.count.get_ref();
    let first = range.first.unwrap_or(0);
    if count == 0 || count > MAX_RANGE {
        let says = format!("a range of {count} users cannot be made");
        report.wrong(range.count.span(), says, format!("1 to {MAX_RANGE}"));
        return;
    }
    let Some(last) = first.checked_add(count - 1) else {
        report.wrong(
            range.count.span(),
            "the range goes beyond what can be numbered",
            "a smaller `first` or `count`",
        );
        return;
    };
    let needed = last.to_string().len();
    let digits = range.digits.as_ref().map_or(needed, |digits| *digits.get_ref());
    if let Some(written) = &range.digits
        && (digits < needed || digits > 20)
    {
        let says = format!("{digits} digits do not fit the numbers {first} to {last}");
        report.wrong(written.span(), says, format!("{needed} or more, up to 20"));
        return;
    }
    for number in first..=last {
        let name = format!("{}{number:0digits$}", range.prefix);
        if let Err(error) = check_name(&name) {
            report.wrong(
                range.count.span(),
                format!("`{name}` cannot be a user: {error}"),
                "another `prefix`",
            );
            return;
        }
        let mut somebody = user(&name, realm, &range.password.get_ref().0.replace("{user}", &name));
        somebody.groups = range.groups.iter().map(|group| group.as_str().into()).collect();
        if people.insert(name.as_str().into(), somebody).is_some() {
            report.wrong(range.count.span(), format!("{name} is there twice"), "another `prefix` or `first`");
            return;
        }
    }
}
