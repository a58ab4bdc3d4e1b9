//! The command line.

mod servers;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

use crate::rules::Places;
pub use servers::{ServersWish, SetupWish};

/// Switchboard, telephone and analyser for SIP.
#[derive(Debug, Parser)]
#[command(name = "cordboard", version, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the switchboard.
    Serve(Serve),
    /// Explain what is wrong with a configuration file.
    Check(Check),
    /// Talk to a running switchboard.
    Ctl(Ctl),
    /// Be a telephone: at a prompt, or as the lines of a script on standard input say.
    Phone(Box<Phone>),
    /// Play the worked flows of the RFCs between real user agents, and judge them.
    Flows(Flows),
}

/// Run the switchboard.
#[derive(Debug, Args)]
pub struct Serve {
    /// The configuration file; `cordboard.example.toml` shows every key.
    #[arg(long, value_name = "FILE", required_unless_present = "demo", conflicts_with = "demo")]
    pub config: Option<PathBuf>,
    /// Run on loopback with alice, bob, carol, bill and dave, in a temporary place.
    #[arg(long)]
    pub demo: bool,
    /// The first port of the demo; 0 takes free ones.
    #[arg(long, value_name = "PORT", default_value_t = 5060, requires = "demo")]
    pub port: u16,
    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// Explain what is wrong with a configuration file.
#[derive(Debug, Args)]
pub struct Check {
    /// The file.
    pub file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Be a telephone: at a prompt, or as the lines of a script on standard input say. `help` lists what it can do.
#[derive(Clone, Debug, Default, Args)]
pub struct Phone {
    /// A file with these options as keys, such as `user = "alice"`; what stands here counts more.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The user part of its address, such as alice or 1001.
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// The name that others see.
    #[arg(long, value_name = "NAME")]
    pub display_name: Option<String>,
    /// The domain of its address, where it registers; without one it calls and is called directly.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub domain: Option<String>,
    /// The password; others on this machine may see it in the list of processes.
    #[arg(long, conflicts_with = "password_file")]
    pub password: Option<String>,
    /// The file with the password in its first line; else it is taken from `CORDBOARD_PASSWORD`.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// What carries its messages: udp, tcp, tls, ws or wss; udp if nothing is said. Over ws and wss it is reached by its
    /// server only.
    #[arg(long)]
    pub transport: Option<String>,
    /// Where everything goes first, such as `sip:proxy.example.com;transport=tls`; the domain if nothing is said. May be
    /// repeated: where one is dead the next is tried.
    #[arg(long, value_name = "URI")]
    pub proxy: Vec<String>,
    /// Where it listens; if nothing is said, the address from which the proxy is reached, and a free port.
    #[arg(long, value_name = "ADDRESS[:PORT]")]
    pub listen: Option<String>,
    /// Whom to believe besides the authorities of the system, for tls and wss. May be repeated.
    #[arg(long = "ca", value_name = "FILE")]
    pub authorities: Vec<PathBuf>,
    /// Its own certificate and those of its issuers, for tls and wss; one that only it believes if nothing is said.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// The private key of the certificate.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub key: Option<PathBuf>,
    /// Play a tone in every call.
    #[arg(long, value_name = "HZ", conflicts_with = "play")]
    pub tone: Option<u16>,
    /// Play this WAV file once in every call.
    #[arg(long, value_name = "FILE")]
    pub play: Option<PathBuf>,
    /// Record what is heard in call 1 into this WAV file, and that of call N into one with -N in its name.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Answer every call at once.
    #[arg(long)]
    pub auto_answer: bool,
    /// Have calls refreshed at least so often, and ended if they are not (RFC 4028); 90 or more.
    #[arg(long, value_name = "SECONDS")]
    pub session_timer: Option<u32>,
    /// Give calls up that nobody has answered after so long, and tell the other side so (Expires, RFC 3261 §13.2.1).
    #[arg(long, value_name = "SECONDS")]
    pub ring_for: Option<u32>,
    /// The work group it is in: whoever knows its password may watch, pick up and join its calls where no switchboard
    /// decides that (RFC 5359 §2.16).
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// The file with the group's password in its first line; else it is taken from `CORDBOARD_GROUP_PASSWORD`.
    #[arg(long, value_name = "FILE")]
    pub group_password_file: Option<PathBuf>,
    /// Who else may watch and join its calls, if its server vouches for them. May be repeated.
    #[arg(long = "friend", value_name = "ADDRESS")]
    pub friends: Vec<String>,
    /// Print one JSON object a line for everything that happens; `docs/phone.md` lists them.
    #[arg(long)]
    pub json: bool,
}

/// Talk to a running switchboard.
#[derive(Debug, Args)]
pub struct Ctl {
    /// Which switchboard.
    #[command(flatten)]
    pub which: Which,
    /// Print JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to ask of it.
    #[command(subcommand)]
    pub wish: Wish,
}

/// Which switchboard; without any of these, that of `cordboard.toml` or `cordboard-data` here.
#[derive(Debug, Args)]
pub struct Which {
    /// The one that runs with this configuration file.
    #[arg(long, value_name = "FILE", global = true, conflicts_with_all = ["data", "url"])]
    pub config: Option<PathBuf>,
    /// The one that uses this data folder.
    #[arg(long, value_name = "FOLDER", global = true, conflicts_with = "url")]
    pub data: Option<PathBuf>,
    /// The one at this address, such as <http://127.0.0.1:8060>; needs --token.
    #[arg(long, value_name = "URL", global = true, requires = "token")]
    pub url: Option<String>,
    /// The file with its token.
    #[arg(long, value_name = "FILE", global = true, requires = "url")]
    pub token: Option<PathBuf>,
}

/// What to ask of a running switchboard.
#[derive(Debug, Subcommand)]
pub enum Wish {
    /// People: add, remove, list, groups, passwd.
    #[command(subcommand)]
    Users(Users),
    /// Who is registered where.
    Registrations {
        /// Only those of this user.
        user: Option<String>,
    },
    /// The calls whose messages are remembered.
    Calls {
        /// Draw this one: its Call-ID, or how it begins.
        #[arg(long, value_name = "CALL")]
        ladder: Option<String>,
    },
    /// Call somebody for a user: the user's telephone rings, and once it is answered it calls whom they want. It waits for the
    /// outcome, and succeeds only if that is `completed`; Ctrl-C ends what still rings.
    Place {
        /// Who is called first: a user.
        from: String,
        /// Whom they are to talk with: a user, a number or an address.
        to: String,
    },
    /// Let a user have who waits in a park slot: their telephone rings, and once it is answered it calls the slot.
    Retrieve {
        /// The number of the slot.
        slot: String,
        /// The user.
        #[arg(long, value_name = "USER")]
        by: String,
    },
    /// Let a user have the call that rings at another's: their telephone rings, and once it is answered it takes that call.
    PickUp {
        /// At whom it rings: a user.
        at: String,
        /// The user who gets it.
        #[arg(long, value_name = "USER")]
        by: String,
    },
    /// Have a user join a call, so that all three talk: their telephone rings, and once it is answered it joins the call. It and
    /// one of the telephones in the call must know Join (RFC 3911).
    Join {
        /// The call: its Call-ID, or how it begins.
        call: String,
        /// The user.
        #[arg(long, value_name = "USER")]
        by: String,
    },
    /// End a call: both sides are told; one that rings is cancelled.
    End {
        /// Its Call-ID, or how it begins.
        call: String,
    },
    /// Hand a call over: one side is asked to call somebody else, and the other leaves when that has worked. It waits for
    /// the outcome, and succeeds only if that is `completed`.
    Transfer {
        /// Its Call-ID, or how it begins.
        call: String,
        /// Whom to call: a user, a number or an address. With --to-call, who of that call; needed where who leaves is not in it.
        #[arg(required_unless_present = "to_call")]
        to: Option<String>,
        /// A call that is up, whose party is taken over from there: its Call-ID, or how it begins.
        #[arg(long, value_name = "CALL")]
        to_call: Option<String>,
        /// Who leaves; needed where both sides are users.
        #[arg(long, value_name = "WHO")]
        leaves: Option<String>,
    },
    /// Put both sides of a call on hold.
    Hold {
        /// Its Call-ID, or how it begins.
        call: String,
    },
    /// Take both sides of a call off hold.
    Resume {
        /// Its Call-ID, or how it begins.
        call: String,
    },
    /// Where somebody's calls go instead; without options it shows what is set up.
    Forward(ForwardWish),
    /// Where somebody is looked for; without steps it shows what is set up.
    FindMe(FindMeWish),
    /// Who may call somebody, and whom they may call; without options it shows what is set up.
    Screen(ScreenWish),
    /// What happens from now on: calls, transfers, registrations, changes. It ends with the switchboard, or by Ctrl-C.
    Events,
    /// The servers beside the switchboard: list them, set them up while they run.
    #[command(subcommand)]
    Servers(ServersWish),
    /// Calls that are parked.
    #[command(subcommand)]
    Park(ParkWish),
    /// Who is called back when somebody is free: list, ask, cancel.
    #[command(subcommand)]
    Redial(RedialWish),
    /// Conference rooms.
    #[command(subcommand)]
    Conference(ConferenceWish),
    /// Read the configuration file again.
    Reload,
}

/// Redials (RFC 5359 §2.17).
#[derive(Debug, Subcommand)]
pub enum RedialWish {
    /// List what waits, in the order in which it was asked for.
    List,
    /// Have somebody called back when somebody else is free.
    Ask {
        /// Who is called back: a user.
        asker: String,
        /// Whom they want: a user, a number or an address.
        wanted: String,
    },
    /// Give one up.
    Cancel {
        /// Its number, as `list` tells it.
        number: u64,
    },
}

/// Conference rooms. Each waits for its outcome, and succeeds only if that is a success.
#[derive(Debug, Subcommand)]
pub enum ConferenceWish {
    /// List every room, and who is in it.
    List,
    /// Call somebody into a room.
    Invite {
        /// The number of the room.
        room: String,
        /// Whom to call: a user, a number or an address.
        who: String,
    },
    /// Have somebody leave a room.
    Remove {
        /// The number of the room.
        room: String,
        /// Who leaves: a user, a number or an address.
        who: String,
    },
    /// Have everybody leave a room.
    End {
        /// The number of the room.
        room: String,
    },
}

/// Calls that are parked.
#[derive(Debug, Subcommand)]
pub enum ParkWish {
    /// List every slot, and who waits in it.
    List,
    /// Park a call: one side is asked to call a slot, and the other leaves when that has worked. It waits for the outcome, and
    /// succeeds only if that is `completed`.
    Call {
        /// Its Call-ID, or how it begins.
        call: String,
        /// The number of the slot; the first that is free if none is given.
        #[arg(long, value_name = "SLOT")]
        slot: Option<String>,
        /// Who leaves; needed where both sides are users.
        #[arg(long, value_name = "WHO")]
        leaves: Option<String>,
    },
}

/// Forwarding. What is given replaces all that was set up for it.
#[derive(Debug, Args)]
pub struct ForwardWish {
    /// Whose calls.
    pub name: String,
    /// All of them go there: to a user, a number or an address.
    #[arg(long, value_name = "TO")]
    pub always: Option<String>,
    /// Those that find them busy go there.
    #[arg(long, value_name = "TO")]
    pub busy: Option<String>,
    /// Those that nobody answers go there.
    #[arg(long, value_name = "TO", requires = "after")]
    pub no_answer: Option<String>,
    /// How long their phones ring before.
    #[arg(long, value_name = "SECONDS", requires = "no_answer")]
    pub after: Option<u64>,
    /// Tell the caller where to call instead of sending the call on.
    #[arg(long)]
    pub redirect: bool,
    /// Forward nothing any more.
    #[arg(long, conflicts_with_all = ["always", "busy", "no_answer"])]
    pub off: bool,
}

/// A find-me list. What is given replaces the list that was set up.
#[derive(Debug, Args)]
pub struct FindMeWish {
    /// Who is looked for.
    pub name: String,
    /// What rings, one after the other: seconds, a colon, and who rings at the same time, as in `20:bob,carol`.
    #[arg(value_name = "SECONDS:WHO[,WHO]", value_parser = step)]
    pub steps: Vec<Places>,
    /// Look nowhere but at their own phones any more.
    #[arg(long, conflicts_with = "steps")]
    pub off: bool,
}

/// Screening. What is given replaces all that was set up for it.
#[derive(Debug, Args)]
pub struct ScreenWish {
    /// Whose lists.
    pub name: String,
    /// Refuse their calls: a user, a number or an address, with * for anything. May be repeated.
    #[arg(long, value_name = "WHO")]
    pub deny_from: Vec<String>,
    /// Take the calls of nobody else. May be repeated.
    #[arg(long, value_name = "WHO")]
    pub allow_from: Vec<String>,
    /// Whom they may not call. May be repeated.
    #[arg(long, value_name = "WHOM")]
    pub deny_to: Vec<String>,
    /// Refuse nobody any more.
    #[arg(long, conflicts_with_all = ["deny_from", "allow_from", "deny_to"])]
    pub off: bool,
}

/// One step of a find-me list: `20:bob,carol`.
fn step(text: &str) -> Result<Places, String> {
    let says = || format!("\"{text}\" is no step: write seconds, a colon and who rings, as in 20:bob,carol");
    let (seconds, who) = text.split_once(':').ok_or_else(says)?;
    let for_s = seconds.parse().map_err(|_| says())?;
    Ok(Places { ring: who.split(',').map(|who| who.trim().to_owned()).collect(), for_s })
}

/// People.
#[derive(Debug, Subcommand)]
pub enum Users {
    /// Add somebody. Without --password one is read from standard input, or made at a terminal.
    Add {
        /// The user part of the address, such as alice or 1001.
        name: String,
        /// The password; others on this machine may see it in the list of processes.
        #[arg(long)]
        password: Option<String>,
        /// The name that others see.
        #[arg(long)]
        display_name: Option<String>,
        /// A group: its members may take over each other's calls. May be repeated.
        #[arg(long = "group", value_name = "GROUP")]
        groups: Vec<String>,
    },
    /// Remove somebody.
    Remove {
        /// Who.
        name: String,
    },
    /// List everybody.
    List,
    /// Put somebody into these groups and no others; without any, into none.
    Groups {
        /// Who.
        name: String,
        /// The groups.
        groups: Vec<String>,
        /// Those that the configuration file says, for somebody who stands there.
        #[arg(long, conflicts_with = "groups")]
        reset: bool,
    },
    /// Give somebody another password, in the same way as `add`.
    Passwd {
        /// Who.
        name: String,
        /// The password; others on this machine may see it in the list of processes.
        #[arg(long)]
        password: Option<String>,
    },
}

/// Play the worked flows of the RFCs.
#[derive(Debug, Args)]
pub struct Flows {
    /// What to do with them.
    #[command(subcommand)]
    pub wish: FlowsWish,
}

/// What to do with the flows.
#[derive(Debug, Subcommand)]
pub enum FlowsWish {
    /// List them.
    List {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Play some, or all, and hold what passed against the RFC. Succeeds only if every one matches.
    Run(FlowsRun),
}

/// Play flows.
#[derive(Debug, Args)]
pub struct FlowsRun {
    /// Which: `5359-2.5`, `3665-3.1` and so on, as `flows list` names them, or `all`.
    #[arg(value_name = "ID", required = true)]
    pub ids: Vec<String>,
    /// Over what people talk: udp, tcp, tls or ws.
    #[arg(long, value_name = "NAME", default_value = "udp")]
    pub transport: String,
    /// Play on a simulated network in virtual time, instead of over sockets on the loopback network.
    #[arg(long)]
    pub simulated: bool,
    /// Play the flows of RFC 5359 through the switchboard that is up at this address, with its own proxy and servers in the
    /// place of those that are drawn.
    #[arg(long, value_name = "HOST[:PORT]", conflicts_with = "simulated")]
    pub via: Option<String>,
    /// Its people, as `cordboard serve --demo --json` prints them; those of a demo of yours are known.
    #[arg(long, value_name = "FILE", requires = "via")]
    pub people: Option<PathBuf>,
    /// How many datagrams are lost: a share such as 0.1, or 10%. None three times running.
    #[arg(long, value_name = "P", value_parser = loss, default_value = "0")]
    pub loss: u8,
    /// Where everything random comes from; a new one each time if it is not given.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Write every message, after decryption, as plain SIP into this file.
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
    /// Judge by the lists (*.json) in this folder, and not by those of the RFCs.
    #[arg(long, value_name = "FOLDER")]
    pub lists: Option<PathBuf>,
    /// Draw each ladder.
    #[arg(long, conflicts_with = "json")]
    pub ladder: bool,
    /// Print one JSON object a line, a line a flow.
    #[arg(long)]
    pub json: bool,
}

/// How many of a hundred: `0.1`, `10` and `10%` are the same.
fn loss(text: &str) -> Result<u8, String> {
    let says =
        || format!("\"{text}\" is no share of datagrams: write 0.1, or 10%, and less than all of them");
    let number: f64 = text.trim_end_matches('%').parse().map_err(|_| says())?;
    let percent = if number < 1.0 && !text.ends_with('%') { number * 100.0 } else { number };
    // What is more than nothing stays so.
    (0..100u8).find(|whole| f64::from(*whole) >= percent && percent >= 0.0).ok_or_else(says)
}
