//! `cordboard flows`: plays the worked flows of the RFCs between real user agents, and judges them.

use cordboard_core::transport::{Transport, UnknownTransport};
use cordboard_flows::Performance;
use cordboard_flows::catalogue::{self, Entry};
use cordboard_flows::golden::{self, Golden};
use cordboard_flows::performance::{Capture, House, Terms};
use cordboard_ladder::Terminal;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::cli::{Flows, FlowsRun, FlowsWish};
use crate::terminal;
use via::{Found, ViaError};

pub mod via;

/// Flows that are played side by side over sockets, where they mostly wait; each needs a few threads.
const SIDE_BY_SIDE: usize = 48;

/// Why flows were not all played as they should be.
#[derive(Debug, thiserror::Error)]
pub enum FlowsError {
    /// There is no such flow.
    #[error("there is no flow \"{id}\": did you mean {near}? `cordboard flows list` names them all")]
    Unknown {
        /// What was asked for.
        id: String,
        /// What comes nearest.
        near: String,
    },
    /// There is no such transport.
    #[error("\"{0}\" is no transport of the flows: use udp, tcp, tls or ws")]
    Transport(String),
    /// A transport that the simulated network does not have.
    #[error("the simulated network is played over udp: leave --simulated out to play over {0}")]
    NotSimulated(Transport),
    /// Streams lose nothing.
    #[error("--loss loses datagrams, and {0} has none: use it with --transport udp")]
    NoDatagrams(Transport),
    /// Through a switchboard nothing is simulated, and nothing lost.
    #[error("--via plays over sockets, and loses nothing: leave --simulated and --loss out")]
    ThroughWhat,
    /// The switchboard is of no use.
    #[error(transparent)]
    Via(#[from] ViaError),
    /// It cannot do this flow.
    #[error("{flow} cannot be played through this switchboard: {why}")]
    NotSo {
        /// Which flow.
        flow: &'static str,
        /// Why.
        why: String,
    },
    /// Nothing random is to be had.
    #[error("no random seed is to be had ({0}): give one with --seed")]
    Seed(io::Error),
    /// The capture cannot be written.
    #[error("{} cannot be written: {source}", .path.display())]
    Capture {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The folder with the lists cannot be read.
    #[error("the lists in {} cannot be read: {source}", .folder.display())]
    Lists {
        /// Which folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is no list.
    #[error("{} is no list of flows: {source}", .file.display())]
    List {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Some differ.
    #[error("{differing} of {played} flows differ from the RFC (seed {seed})")]
    Differ {
        /// How many.
        differing: usize,
        /// Of how many.
        played: usize,
        /// With which seed.
        seed: u64,
    },
    /// It cannot be said.
    #[error("standard output fails: {0}")]
    Printing(#[from] io::Error),
}

/// Fulfils a wish.
pub fn run(flows: &Flows, out: &mut dyn Write) -> Result<(), FlowsError> {
    match &flows.wish {
        FlowsWish::List { json } => list(*json, out),
        FlowsWish::Run(run) => play(run, out),
    }
}

fn list(as_json: bool, out: &mut dyn Write) -> Result<(), FlowsError> {
    for Entry { id, source, title, .. } in catalogue::all() {
        if as_json {
            writeln!(out, "{}", json!({ "flow": id, "title": title, "source": source }))?;
        } else {
            writeln!(out, "{id:<11} {title} ({source})")?;
        }
    }
    Ok(())
}

fn play(run: &FlowsRun, out: &mut dyn Write) -> Result<(), FlowsError> {
    let mut flows = wanted(&run.ids)?;
    let mut terms = terms(run)?;
    let found = match &run.via {
        Some(_) if run.simulated || run.loss > 0 => return Err(FlowsError::ThroughWhat),
        Some(at) => Some(Found::at(at, run.people.as_deref(), terms.transport)?),
        None => None,
    };
    let own = run.lists.as_deref().map(lists).transpose()?;
    let lists = own.as_deref().unwrap_or_else(|| golden::all());
    let shown = Shown::of(run);
    if let Some(found) = &found {
        terms.house = House::Through(found.via);
        leave_out(found, run, &mut flows, &shown, out)?;
    }
    let began = Instant::now();
    let progress = Progress::new(flows.len(), &shown);
    let mut capture = run.pcap.as_ref().map(|_| Capture::default());
    let mut differing = 0;
    let next = Mutex::new((0..).zip(&flows));
    thread::scope(|scope| {
        let (told, done) = mpsc::channel();
        let workers = match terms.house {
            House::Sockets => SIDE_BY_SIDE,
            // The same people play in all of them.
            House::Through(_) => 1,
            House::Simulated => thread::available_parallelism().map_or(1, std::num::NonZero::get),
        };
        for _ in 0..workers.min(flows.len()) {
            let (told, next, found) = (told.clone(), &next, found.as_ref());
            scope.spawn(move || {
                let take = || next.lock().ok().and_then(|mut flows| flows.next());
                while let Some((place, flow)) = take() {
                    let set_up = found.map(|found| found.sets_up(flow.id)).transpose();
                    let performed = set_up.map(|set_up| {
                        let performance = Performance::judged_by(lists, flow, terms);
                        drop(set_up);
                        performance
                    });
                    // Whoever listens has left if standard output failed.
                    let _ = told.send((place, performed.map_err(FlowsError::from)));
                }
            });
        }
        drop(told);
        in_order(&done, |performance| {
            progress.went_on();
            differing += usize::from(!performance.verdict.is_match());
            if let Some(capture) = &mut capture {
                capture.add(&performance);
            }
            progress.clear();
            shown.show(&performance, out)?;
            progress.show();
            Ok(())
        })
    })?;
    progress.clear();
    if let (Some(path), Some(capture)) = (&run.pcap, &capture) {
        write(path, capture)?;
    }
    if differing > 0 {
        return Err(FlowsError::Differ { differing, played: flows.len(), seed: terms.seed });
    }
    if !run.json && flows.len() > 1 {
        let seconds = began.elapsed().as_secs_f64();
        writeln!(out, "all {} flows match (seed {}), in {seconds:.1} s together", flows.len(), terms.seed)?;
    }
    Ok(())
}

/// Leaves out what a switchboard cannot do, and tells so; who asked for it by name is refused.
fn leave_out(
    found: &Found,
    run: &FlowsRun,
    flows: &mut Vec<&'static Entry>,
    shown: &Shown,
    out: &mut dyn Write,
) -> Result<(), FlowsError> {
    let by_name = |flow: &Entry| run.ids.iter().any(|id| id.eq_ignore_ascii_case(flow.id));
    let (can, cannot): (Vec<_>, Vec<_>) =
        flows.drain(..).map(|flow| (flow, found.hindrance(flow.id))).partition(|(_, why)| why.is_none());
    flows.extend(can.into_iter().map(|(flow, _)| flow));
    for (flow, why) in cannot {
        let why = why.unwrap_or_default();
        if by_name(flow) {
            return Err(FlowsError::NotSo { flow: flow.id, why });
        }
        // What other RFCs draw is not what is asked for.
        if !flow.id.starts_with("5359-") {
            continue;
        }
        if shown.json {
            let line = json!({ "flow": flow.id, "title": flow.title, "verdict": "left-out", "why": why });
            writeln!(out, "{line}")?;
        } else {
            writeln!(out, "left out {:<10} {why}", flow.id)?;
        }
    }
    if flows.is_empty() {
        let (flow, why) = ("all", found.hindrance("5359-2.1").unwrap_or_default());
        return Err(FlowsError::NotSo { flow, why });
    }
    Ok(())
}

/// The flows that were asked for, each once.
fn wanted(ids: &[String]) -> Result<Vec<&'static Entry>, FlowsError> {
    let mut flows: Vec<&'static Entry> = Vec::new();
    for id in ids {
        let found: Vec<&'static Entry> = if id.eq_ignore_ascii_case("all") {
            catalogue::all().iter().collect()
        } else {
            let unknown = || FlowsError::Unknown { id: id.clone(), near: catalogue::nearest(id).join(", ") };
            vec![catalogue::find(id).ok_or_else(unknown)?]
        };
        flows.extend(found);
    }
    let mut told = std::collections::BTreeSet::new();
    flows.retain(|flow| told.insert(flow.id));
    Ok(flows)
}

fn terms(run: &FlowsRun) -> Result<Terms, FlowsError> {
    let transport =
        run.transport.parse().map_err(|_: UnknownTransport| FlowsError::Transport(run.transport.clone()))?;
    let house = if run.simulated { House::Simulated } else { House::Sockets };
    match transport {
        Transport::Wss => return Err(FlowsError::Transport(run.transport.clone())),
        Transport::Tcp | Transport::Tls | Transport::Ws if run.simulated => {
            return Err(FlowsError::NotSimulated(transport));
        }
        Transport::Tcp | Transport::Tls | Transport::Ws if run.loss > 0 => {
            return Err(FlowsError::NoDatagrams(transport));
        }
        Transport::Udp | Transport::Tcp | Transport::Tls | Transport::Ws => {}
    }
    let seed = if let Some(seed) = run.seed {
        seed
    } else {
        let bytes = cordboard_net::system_seed().map_err(FlowsError::Seed)?;
        // Short enough to be typed again, and to be a number in JSON everywhere.
        u64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    Ok(Terms { house, transport, loss: run.loss, seed })
}

/// The lists that stand in a folder.
fn lists(folder: &Path) -> Result<Vec<Golden>, FlowsError> {
    let unreadable = |source| FlowsError::Lists { folder: folder.to_owned(), source };
    let mut lists = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "json") {
            let text = std::fs::read_to_string(&file).map_err(unreadable)?;
            lists.extend(golden::read(&text).map_err(|source| FlowsError::List { file, source })?);
        }
    }
    Ok(lists)
}

/// Hands performances on in the order of their flows, each as soon as all before it are done.
fn in_order(
    done: &Receiver<(usize, Result<Performance, FlowsError>)>,
    mut hand_on: impl FnMut(Performance) -> Result<(), FlowsError>,
) -> Result<(), FlowsError> {
    let (mut waiting, mut next) = (BTreeMap::new(), 0);
    for (place, performance) in done {
        waiting.insert(place, performance);
        while let Some(performance) = waiting.remove(&next) {
            hand_on(performance?)?;
            next += 1;
        }
    }
    Ok(())
}

fn write(path: &Path, capture: &Capture) -> Result<(), FlowsError> {
    let written = std::fs::File::create(path).and_then(|file| capture.write(&mut BufWriter::new(file)));
    written.map_err(|source| FlowsError::Capture { path: path.to_owned(), source })
}

/// How performances are shown.
struct Shown {
    json: bool,
    ladder: bool,
    color: bool,
}

impl Shown {
    fn of(run: &FlowsRun) -> Self {
        Self { json: run.json, ladder: run.ladder, color: !run.json && terminal::has_color() }
    }

    fn show(&self, performance: &Performance, out: &mut dyn Write) -> Result<(), FlowsError> {
        if self.json {
            let line = serde_json::to_string(&performance.report()).map_err(io::Error::from)?;
            writeln!(out, "{line}")?;
        } else {
            self.tell(performance, out)?;
        }
        out.flush()?;
        Ok(())
    }

    fn tell(&self, performance: &Performance, out: &mut dyn Write) -> Result<(), FlowsError> {
        let Performance { flow, verdict, observed, took, .. } = performance;
        let word = match (self.color, verdict.is_match()) {
            (true, true) => format!("\u{1b}[32m{:<7}\u{1b}[0m", verdict.word()),
            (true, false) => format!("\u{1b}[31m{:<7}\u{1b}[0m", verdict.word()),
            (false, _) => format!("{:<7}", verdict.word()),
        };
        let (messages, seconds) = (observed.messages.len(), took.as_secs_f64());
        writeln!(out, "{word} {:<11} {}: {messages} messages in {seconds:.1} s", flow.id, flow.title)?;
        for difference in verdict.differences() {
            writeln!(out, "        {difference}")?;
        }
        if self.ladder {
            let addresses: Vec<(&str, String)> =
                performance.actors.iter().map(|(name, at)| (name.as_str(), at.to_string())).collect();
            let addresses: Vec<(&str, &str)> =
                addresses.iter().map(|(name, at)| (*name, at.as_str())).collect();
            let (width, color) = (terminal::columns(), self.color);
            let drawn = performance.ladder.terminal(&Terminal { width, color, addresses: &addresses });
            writeln!(out, "\n{drawn}")?;
        }
        Ok(())
    }
}

/// How far it is, on a terminal.
struct Progress {
    shown: bool,
    of: usize,
    done: AtomicUsize,
    began: Instant,
}

impl Progress {
    fn new(of: usize, shown: &Shown) -> Self {
        let shown = of > 1 && !shown.json && io::stdout().is_terminal() && io::stderr().is_terminal();
        let progress = Self { shown, of, done: AtomicUsize::new(0), began: Instant::now() };
        progress.show();
        progress
    }

    fn went_on(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    fn show(&self) {
        if self.shown {
            let done = self.done.load(Ordering::Relaxed);
            let passed = Duration::as_secs(&self.began.elapsed());
            // A line of progress that cannot be shown is none.
            let _ = write!(io::stderr(), "\r{done} of {} flows, {passed} s", self.of);
            let _ = io::stderr().flush();
        }
    }

    fn clear(&self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}
