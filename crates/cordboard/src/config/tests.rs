//! What is accepted, what is refused, and in which words.

use super::servers::Kind;
use super::*;

const SMALLEST: &str =
    "domain = \"example.com\"\n[[listen]]\ntransport = \"udp\"\naddress = \"127.0.0.1:5060\"\n";

fn with(more: &str) -> Result<Config, Faults> {
    parse(Path::new("/etc/cordboard.toml"), &format!("{SMALLEST}{more}"))
}

/// The line it names, counted from the first that was added, and everything it says.
fn refused(more: &str) -> (usize, String) {
    let Err(faults) = with(more) else { panic!("{more} is accepted") };
    let (line, ..) = faults.iter().next().expect("a fault");
    (line.saturating_sub(SMALLEST.lines().count()), faults.to_string())
}

#[test]
fn the_smallest_file_is_enough() {
    let config = with("").unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(config.realm(), "example.com");
    assert_eq!(config.listen.len(), 1);
    assert_eq!(config.http.to_string(), "127.0.0.1:8060");
    assert_eq!(config.data, Path::new("/etc/cordboard-data"));
    assert!(config.auth.registers && config.auth.calls && !config.relay_for_users, "safe by default");
    assert!(!config.external_transfer && !config.settings([0; 32]).external_transfer, "and this too");
    assert_eq!(
        config.settings([0; 32]).takeovers,
        cordboard_service::settings::Takeovers::Vouched,
        "and so is who may take over"
    );
    let watching = config.settings([0; 32]).watching;
    assert_eq!(
        watching,
        cordboard_service::settings::Watching::BySwitchboard,
        "and strangers see no more than whether there is a call"
    );
    let phones = with("[proxy]\nphones_are_watched = true\n").unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(phones.settings([0; 32]).watching, cordboard_service::settings::Watching::ByPhones);
}

#[test]
fn says_where_and_what_to_try() {
    for (more, line, says, tries) in [
        ("[htp]\naddress = \"127.0.0.1:1\"", 1, "unknown field `htp`", "`http` instead of `htp`"),
        ("[http]\nadress = \"127.0.0.1:1\"", 2, "unknown field `adress`", "`address` instead of `adress`"),
        ("[http]\naddress = \"0.0.0.0:8060\"", 2, "reached by other machines", "127.0.0.1:8060"),
        ("[http]\naddress = \"localhost:8060\"", 2, "not an address and a port", "numbers"),
        ("[http]\naddress = 8060", 2, "invalid type", "cordboard.example.toml"),
        (
            "[[listen]]\ntransport = \"udq\"\naddress = \"127.0.0.1:1\"",
            2,
            "`udq` is not a transport",
            "udp, tcp",
        ),
        ("[[listen]]\ntransport = \"udp\"", 1, "missing field `address`", "add `address = …`"),
        ("[[listen]]\ntransport = \"udp\"\naddress = \"127.0.0.1:5060\"", 3, "twice", "another port"),
        (
            "[[listen]]\ntransport = \"tcp\"\naddress = \"127.0.0.1:5060\"\nadvertise = \"here\"",
            4,
            "`here` is not a host and a port",
            "sip.example.com:5060",
        ),
        ("[tls]\ncertificate = \"/dev/null\"", 2, "no use without `key`", "adding `key`"),
        (
            "[tls]\ncertificate = \"none.pem\"\nkey = \"/dev/null\"",
            2,
            "/etc/none.pem cannot be read",
            "exists",
        ),
        ("[tls]\nask_client_certificates = \"yes\"", 2, "`yes`", "\"required\""),
        ("[tls]\nask_client_certificates = \"required\"", 2, "no authority is named", "client_ca"),
        (
            "[groups.doctors]\nclient_certificate = true",
            2,
            "`doctors` wants client certificates, and nothing listens for TLS",
            "transport = \"tls\"",
        ),
        (
            "[groups.doctors]\nclient_certificate = true\n[[listen]]\ntransport = \"wss\"\naddress = \"127.0.0.1:1\"",
            2,
            "`doctors` wants client certificates, and no phone is asked for one",
            "`client_ca = \"FILE.pem\"` to [tls]",
        ),
        ("[groups.doctors]\ncertificate = true", 2, "unknown field `certificate`", "client_certificate"),
        ("[groups.doctors]\nclient_certificate = \"yes\"", 2, "invalid type", "cordboard.example.toml"),
        ("[proxy]\ntimer_c_s = 180", 2, "180 is out of range", "181"),
        ("[registrar]\nmin_expires_s = 4000", 2, "not in order", "min ≤ default ≤ max"),
        (
            "[registrar]\nmin_expires_s = 4000\ndefault_expires_s = 5000",
            2,
            "an hour may not be refused",
            "3600",
        ),
        ("[registrar]\nmax_contacts = 0", 2, "0 is out of range", "1 to 1000"),
        ("[auth]\nalgorithms = [\"SHA-1\"]", 2, "not a list of digest algorithms", "SHA-256"),
        ("[proxy]\nneighbours = [\"sip.example\"]", 2, "not an address", "192.0.2.7"),
        ("[log]\nlevel = \"loud\"", 2, "`loud` is not a level", "debug"),
        ("[log]\nformat = \"xml\"", 2, "`xml` is not a format", "json"),
        ("[dns]\nservers = [\"dns.example\"]", 2, "not an address", "192.0.2.53:53"),
        ("[[user]]\nname = \"al ice\"\npassword = \"x\"", 2, "cannot be a user", "alice"),
        ("[[user]]\nname = \"alice\"", 2, "alice has no password", "password"),
        ("[[user]]\nname = \"alice\"\npassword = \"\"", 3, "empty", "long"),
        (
            "[[user]]\nname = \"a\"\npassword = \"x\"\nforward = { always = \"carlo\" }",
            4,
            "there is no user carlo",
            "docs/services.md",
        ),
        (
            "[[user]]\nname = \"a\"\npassword = \"x\"\n[user.forward]\nno_answer = \"sip:b@c.test\"",
            4,
            "must be said, in seconds",
            "docs/services.md",
        ),
        (
            "[[user]]\nname = \"a\"\npassword = \"x\"\nfind_me = [{ ring = [\"a\"], for_s = 999 }]",
            4,
            "999 s is no time to let a phone ring",
            "docs/services.md",
        ),
        (
            "[[user]]\nname = \"a\"\npassword = \"x\"\nscreen = { deny_to = [\"a b\"] }",
            4,
            "`a b` matches nobody",
            "docs/services.md",
        ),
        ("[announcements]\nscreened_in = \"music\"", 2, "`music` is no SIP URI", "sip:screened@"),
        ("[[user]]\nname = \"alice\"\nha1_md5 = \"12\"", 3, "32 hexadecimal digits", "openssl dgst -md5"),
        (
            "[[user]]\nname = \"a\"\npassword = \"x\"\n[[user]]\nname = \"a\"\npassword = \"y\"",
            5,
            "a is there twice",
            "removing",
        ),
        ("[[user_range]]\ncount = 0\npassword = \"x\"", 2, "0 users", "1 to"),
        (
            "[[user_range]]\nprefix = \"1\"\ncount = 1000\ndigits = 2\npassword = \"x\"",
            4,
            "2 digits",
            "3 or more",
        ),
        ("[[user_range]]\nprefix = \" \"\ncount = 10\npassword = \"x\"", 3, "cannot be a user", "prefix"),
    ] {
        let (at, shown) = refused(more);
        assert_eq!(at, line, "{more}\n{shown}");
        assert!(shown.contains(says), "{more}\n{shown}");
        let (_, tried) = shown.split_once("\n  try: ").unwrap_or_else(|| panic!("nothing to try: {shown}"));
        assert!(tried.contains(tries), "{more}\n{shown}");
        assert!(shown.starts_with("/etc/cordboard.toml:"), "{shown}");
    }
}

#[test]
fn shows_the_line_with_a_mark() {
    let (_, shown) = refused("[log]\nlevel = \"loud\"");
    assert_eq!(
        shown,
        "/etc/cordboard.toml:6:9: `loud` is not a level\n     6 | level = \"loud\"\n       |         ^^^^^^\n  \
         try: error, warn, info, debug or trace"
    );
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let (_, shown) = refused("[log]\nlevel = \"loud\"\nformat = \"xml\"\n[registrar]\nmax_contacts = 0");
    assert_eq!(shown.matches("try: ").count(), 3, "{shown}");
}

#[test]
fn a_domain_is_needed_and_has_to_be_one() {
    let refused = |text: &str| parse(Path::new("f"), text).err().expect("it is refused").to_string();
    assert!(refused("").contains("missing field `domain`"));
    let listen = &SMALLEST[SMALLEST.find('[').unwrap()..];
    for wrong in ["", "sip:example.com", "exam ple.com", "-a.com", "example.com:5060"] {
        let says = refused(&format!("domain = {wrong:?}\n{listen}"));
        assert!(says.contains("is not a domain"), "{says}");
    }
    let config = parse(
        Path::new("f"),
        &format!("domain = \"Example.COM.\"\ndomains = [\"[::1]\", \"10.0.0.1\"]\n{listen}"),
    );
    let config = config.unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(config.domains, ["example.com".into(), "[::1]".into(), "10.0.0.1".into()]);
}

#[test]
fn a_group_may_want_certificates_where_they_can_be_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("clients.pem"), "x").unwrap();
    let tls =
        "[[listen]]\ntransport = \"tls\"\naddress = \"127.0.0.1:0\"\n[tls]\nclient_ca = \"clients.pem\"\n";
    for asked in ["optional", "required"] {
        let text = format!(
            "{SMALLEST}{tls}ask_client_certificates = \"{asked}\"\n[groups.doctors]\nclient_certificate = true\n[groups.sales]\n"
        );
        let config = parse(&folder.path().join("cordboard.toml"), &text);
        let groups = config.unwrap_or_else(|faults| panic!("{faults}")).groups;
        assert!(groups["doctors"].client_certificate && !groups["sales"].client_certificate);
    }
}

#[test]
fn a_park_server_has_slots_and_a_place_for_its_sound() {
    let config = with("[[park]]\nname = \"park\"\nslots = [\"098-101\", \"orbit\"]\n");
    let servers = config.unwrap_or_else(|faults| panic!("{faults}")).servers;
    let names = servers.list[0].names();
    assert_eq!(names, ["park", "098", "099", "100", "101", "orbit"]);
    assert_eq!(servers.media.to_string(), "127.0.0.1", "where it listens");
    assert_eq!(servers.list[0].members, cordboard_service::directory::Members::Users);
}

#[test]
fn a_redial_server_is_there_for_its_section_or_its_codes() {
    let server = |more: &str| {
        let servers = with(more).unwrap_or_else(|faults| panic!("{faults}")).servers;
        let server = servers.list.into_iter().next().expect("a server");
        let servers::Kind::Redial(redial) = server.kind else { panic!("{server:?}") };
        (server.name, redial, server.members)
    };
    let codes = "[codes]\nredial = \"*66\"\nredial_off = \"*68\"\ngroups = [\"sales\"]\n";
    let (name, redial, members) = server(codes);
    assert_eq!((&*name, redial.within.as_secs(), redial.tries), ("redial", 1800, 3));
    assert_eq!(redial.codes.map(|codes| codes.give_up).as_deref(), Some("*68"));
    assert_eq!(members, cordboard_service::directory::Members::Groups(vec!["sales".into()]));
    let (name, redial, members) = server("[redial]\nname = \"back\"\nwait_s = 60\ntries = 1\n");
    assert_eq!((&*name, redial.within.as_secs(), redial.tries), ("back", 60, 1));
    assert_eq!((redial.codes, members), (None, cordboard_service::directory::Members::Users));
    let (_, _, members) = server(&format!("{codes}[redial]\ngroups = [\"support\"]\n"));
    assert_eq!(members, cordboard_service::directory::Members::Groups(vec!["support".into()]));
}

#[test]
fn a_conference_server_has_rooms() {
    let config =
        with("[[conference]]\nname = \"conference\"\nrooms = [\"800-802\", \"standup\"]\nlimit = 4\n");
    let server = &config.unwrap_or_else(|faults| panic!("{faults}")).servers.list[0];
    assert_eq!(server.names(), ["conference", "800", "801", "802", "standup"]);
    let Kind::Conference(focus) = &server.kind else { panic!("{server:?}") };
    assert!(focus.rooms.iter().all(|room| room.limit == 4), "{focus:?}");
    assert!(server.calls() >= 16, "each has a port for its sound");
}

#[test]
fn what_is_wrong_with_a_conference_server_is_said() {
    let rooms = "[[conference]]\nname = \"conference\"\n";
    let user = "[[user]]\nname = \"801\"\npassword = \"long\"\n";
    for (more, line, says, tries) in [
        (rooms.to_owned(), 2, "without rooms has room for nobody", "800-809"),
        (format!("{rooms}rooms = [\"809-800\"]"), 3, "no range of numbers", "the lower one first"),
        (
            format!("{rooms}rooms = [\"800\"]\nlimit = 1"),
            4,
            "1 is out of range",
            "from 2 to 32; the default is 10",
        ),
        (format!("{rooms}rooms = [\"800\"]\nlimit = 33"), 4, "33 is out of range", "from 2 to 32"),
        (
            format!("{rooms}rooms = [\"800-899\"]"),
            3,
            "100 rooms for 10 parties each are too many",
            "500 parties",
        ),
        (format!("{rooms}rooms = [\"800-802\"]\n{user}"), 3, "`801` is a user already", "another name"),
        (format!("{rooms}rooms = [\"800\", \"800\"]"), 3, "is a conference room already", "another name"),
        (format!("{rooms}rooms = 800"), 3, "invalid type", ""),
        (format!("{rooms}rooms = [\"800\"]\nparties = 3"), 4, "unknown field `parties`", ""),
    ] {
        let (at, told) = refused(&more);
        assert!(at == line && told.contains(says) && told.contains(tries), "{more}\n{told}");
    }
}

#[test]
fn announcements_are_ours_or_elsewhere() {
    let text = "[announcements]\nscreened_in = \"built-in\"\nscreened_out = \"sip:why@media.example.net\"\n";
    let config = with(text).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(config.announcements.screened_in.as_deref(), Some("sip:screened-in@example.com"));
    assert_eq!(config.announcements.screened_out.as_deref(), Some("sip:why@media.example.net"));
    assert_eq!(config.servers.list[0].names(), ["announcements", "screened-in"]);
    assert!(
        with("").unwrap_or_else(|faults| panic!("{faults}")).servers.list.is_empty(),
        "nobody has asked for one"
    );
}

#[test]
fn what_is_wrong_with_a_server_is_said() {
    let park = "[[park]]\nname = \"park\"\n";
    let user = "[[user]]\nname = \"703\"\npassword = \"long\"\n";
    for (more, line, says, tries) in [
        (park.to_owned(), 2, "without slots", "701-720"),
        (format!("{park}slots = [\"720-701\"]"), 3, "no range of numbers", "the lower one first"),
        (format!("{park}slots = [\"1-999\"]"), 3, "no range of numbers", "as many digits"),
        (format!("{park}slots = [\"100-399\"]"), 3, "no range of numbers", "200 at most"),
        (format!("{park}slots = [\"100-250\", \"500-560\"]"), 3, "212 slots are too many", "1 to 200"),
        (format!("{park}slots = [\"7 1\"]"), 3, "cannot be a park slot", "701"),
        (format!("{park}slots = [\"701\", \"701\"]"), 3, "is a park slot already", "another name"),
        (format!("{park}slots = [\"park\"]"), 3, "is a park server already", "another name"),
        (format!("{park}slots = [\"701-705\"]\n{user}"), 3, "`703` is a user already", "another name"),
        ("[codes]\nforward = \"*72\"".to_owned(), 2, "must be switched off by one", "forward_off"),
        ("[codes]\nforward_busy_off = \"*91\"".to_owned(), 2, "must be switched off by one", "forward_off"),
        (
            "[codes]\ntransfer = \"*2\"\npick_up = \"*28\"".to_owned(),
            2,
            "`*2` and `*28` cannot be told from one another",
            "none begins with another",
        ),
        (
            "[codes]\npick_up = \"*7\"\nforward = \"*72\"\nforward_off = \"*73\"".to_owned(),
            3,
            "`*72` and `*7` cannot be told from one another",
            "none begins with another",
        ),
        ("[codes]\nredial_off = \"*68\"".to_owned(), 2, "must be switched off by one", "`redial = \"*66\"`"),
        ("[redial]\ntries = 0".to_owned(), 2, "0 is out of range", "from 1 to 20; the default is 3"),
        ("[redial]\ntries = 300".to_owned(), 2, "invalid value", "cordboard.example.toml"),
        ("[redial]\nwait_s = 1".to_owned(), 2, "1 is out of range", "the default is 1800"),
        ("[redial]\nname = \"a b\"".to_owned(), 2, "cannot be the redial server", "or"),
        ("[redial]\nafter_s = 5".to_owned(), 2, "unknown field `after_s`", "wait_s"),
        (
            format!("{park}slots = [\"redial\"]\n[redial]\nname = \"redial\""),
            5,
            "is a park slot already",
            "another name",
        ),
        ("[codes]\npick_up = \"8\"".to_owned(), 2, "`8` is no code to dial", "such as \"*8\""),
        (
            format!("[codes]\npick_up = \"*7\"\n{park}slots = [\"*71\"]"),
            2,
            "`*71`, which is a park slot",
            "another code",
        ),
        (format!("{park}slots = [\"1\"]\nring_back_s = 1"), 4, "1 is out of range", "default is 120"),
        (
            format!("{park}slots = [\"1\"]\nmusic = \"jazz\""),
            4,
            "there is no music `jazz`",
            "the name of a [[music]]",
        ),
        (
            "[[music]]\nname = \"music\"\nfiles = [\"/nowhere/at.wav\"]".to_owned(),
            3,
            "/nowhere/at.wav cannot be read",
            "a WAV file",
        ),
        (
            "[[announcement]]\nname = \"sorry\"\nfile = \"/proc/self/exe\"".to_owned(),
            3,
            "no WAV file",
            "8000 a second",
        ),
        (
            "[[music]]\nname = \"m\"\n[[music]]\nname = \"m\"".to_owned(),
            4,
            "a music server already",
            "another name",
        ),
        (
            "[announcements]\nscreened_in = \"built-in\"\n[[music]]\nname = \"screened-in\"".to_owned(),
            2,
            "`screened-in` is a music server already",
            "another name",
        ),
        (
            format!("[servers]\nmedia_address = \"0.0.0.0\"\n{park}slots = [\"1\"]"),
            2,
            "send sound to",
            "192.0.2.10",
        ),
        ("[[park]]\nslots = [\"1\"]".to_owned(), 1, "missing field `name`", "add `name = …`"),
    ] {
        let (at, told) = refused(&more);
        assert!(at == line && told.contains(says) && told.contains(tries), "{more}\n{told}");
    }
    let everywhere = SMALLEST.replace("127.0.0.1", "0.0.0.0");
    let text = format!("{everywhere}{park}slots = [\"1\"]");
    let told = parse(Path::new("/etc/cordboard.toml"), &text).err().unwrap().to_string();
    assert!(told.contains("it is not known where this server receives sound"), "{told}");
    let range = "[[user_range]]\nprefix = \"7\"\ncount = 20\ndigits = 2\npassword = \"pw{user}\"\n";
    let (_, told) = refused(&format!("{park}slots = [\"705\"]\n{range}"));
    assert!(told.contains("`705` is a user of a range and a server too"), "{told}");
}

#[test]
fn a_range_makes_people() {
    let config =
        with("[[user_range]]\nprefix = \"1\"\nfirst = 1\ncount = 20\ndigits = 3\npassword = \"pw{user}\"\n");
    let users = config.unwrap_or_else(|faults| panic!("{faults}")).users;
    assert_eq!(users.len(), 20);
    let last = crate::people::user("1020", "example.com", "pw1020");
    assert_eq!((users["1020"].ha1_md5, users["1020"].ha1_sha256), (last.ha1_md5, last.ha1_sha256));
}

#[test]
fn no_secret_is_ever_shown() {
    let (_, shown) = refused("[[user]]\nname = \"a\"\npassword = 123456789");
    assert!(!shown.contains("123456789") && shown.contains("wrong type"), "{shown}");
    for more in [
        "[[user]]\nname = \"a b\"\npassword = \"hunter2\"",
        "[[user]]\npassword = \"hunter2\" 5",
        "[[user]]\nname=\"a\"\npassword=[\"hunter2\"]",
        "[[user]]\nname=\"a\"\nha1_md5=\"hunter2\"",
    ] {
        let (_, shown) = refused(more);
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn the_example_is_valid_and_explains_every_key() {
    let example = include_str!("../../../../cordboard.example.toml");
    let config =
        parse(Path::new("cordboard.example.toml"), example).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(config.users.len(), 22);
    let sections = known_keys("");
    assert!(sections.len() > 10, "{sections:?}");
    for section in &sections {
        let (written, keys) = match section.as_str() {
            plain @ ("domain" | "domains" | "data" | "shards" | "node") => {
                assert!(example.contains(&format!("\n{plain} = ")), "`{plain}` is not in the example");
                continue;
            }
            // It needs a file, which is not there.
            "announcement" => {
                let shown = |key: &String| example.contains(&format!("\n# {key} = "));
                assert!(known_keys("[[announcement]]\n").iter().all(shown), "a key of an announcement");
                continue;
            }
            list @ ("listen" | "park" | "music" | "conference" | "user" | "user_range") => {
                (format!("\n[[{list}]]\n"), known_keys(&format!("[[{list}]]\n")))
            }
            "groups" => ("\n[groups.sales]\n".to_owned(), known_keys("[groups.sales]\n")),
            table => (format!("\n[{table}]\n"), known_keys(&format!("[{table}]\n"))),
        };
        assert!(!keys.is_empty(), "no keys in {section}");
        let parts: String = example
            .split("\n[")
            .filter(|part| written.trim_start_matches("\n[").starts_with(part.lines().next().unwrap_or("-")))
            .collect();
        for key in keys {
            let shown =
                parts.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{key} = ")));
            assert!(shown, "`{key}` of {section} is not in the example");
        }
    }
}

/// The keys that the parser knows in a section: it lists them when it meets one that it does not know.
fn known_keys(section: &str) -> Vec<String> {
    let text =
        if section.is_empty() { "zzz = 1\n".to_owned() } else { format!("{SMALLEST}{section}zzz = 1\n") };
    let error = toml::from_str::<file::File>(&text).expect_err("zzz is unknown");
    fault::quoted(error.message()).into_iter().skip(1).map(str::to_owned).collect()
}
