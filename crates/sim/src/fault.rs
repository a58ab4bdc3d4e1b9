//! Faults that a script asks for: one message lost on one link, a host that hears nothing, an agent with a bug.

use crate::host::HostId;
use std::fmt;
use std::time::Duration;

/// Something that goes wrong on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The next messages with this first word (a method or a status) are lost on the way from one host to
    /// another.
    Lose {
        /// The method or status.
        word: Box<str>,
        /// Who sends it.
        from: HostId,
        /// Who does not get it.
        to: HostId,
        /// How many of them.
        times: u32,
    },
    /// The next message with this first word takes so much longer than others, so that others overtake it.
    Late {
        /// The method or status.
        word: Box<str>,
        /// Who sends it.
        from: HostId,
        /// Who gets it late.
        to: HostId,
        /// By how much.
        by: Duration,
    },
    /// A host that is off: what is sent to it arrives nowhere, and it says nothing.
    Silent(HostId),
    /// A planted bug, to prove that a check finds it: the host's agent never gets to see messages with this
    /// first word.
    Deaf {
        /// Whose agent.
        host: HostId,
        /// The method or status.
        word: Box<str>,
    },
}

/// The faults in force.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Lets something go wrong from now on.
    pub fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Lets it go right again.
    pub fn lift(&mut self, fault: &Fault) {
        self.0.retain(|other| other != fault);
    }

    /// Turns every silent host on again.
    pub fn lift_silence(&mut self) {
        self.0.retain(|fault| !matches!(fault, Fault::Silent(_)));
    }

    /// Whether a host is off.
    pub fn is_silent(&self, host: HostId) -> bool {
        self.0.contains(&Fault::Silent(host))
    }

    /// Whether a host never gets to see messages with this first word.
    pub fn is_deaf(&self, host: HostId, word: &str) -> bool {
        self.0
            .iter()
            .any(|fault| matches!(fault, Fault::Deaf { host: h, word: w } if *h == host && **w == *word))
    }

    /// Whether a message is to be lost; counts it.
    pub fn loses(&mut self, word: &str, from: HostId, to: HostId) -> bool {
        for fault in &mut self.0 {
            if let Fault::Lose { word: w, from: f, to: t, times } = fault
                && (&**w, *f, *t) == (word, from, to)
                && *times > 0
            {
                *times -= 1;
                return true;
            }
        }
        false
    }

    /// By how much a message is late; counts it.
    pub fn delays(&mut self, word: &str, from: HostId, to: HostId) -> Duration {
        let late = self.0.iter().position(|fault| {
            matches!(fault, Fault::Late { word: w, from: f, to: t, .. } if (&**w, *f, *t) == (word, from, to))
        });
        match late.map(|at| self.0.remove(at)) {
            Some(Fault::Late { by, .. }) => by,
            _ => Duration::ZERO,
        }
    }

    /// Losses and delays that were asked for and never happened: the script is wrong about what it loses.
    pub fn unused(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter().filter(|fault| matches!(fault, Fault::Lose { times: 1.., .. } | Fault::Late { .. }))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lose { word, times, .. } => write!(f, "{times} more `{word}` should have been lost"),
            Self::Late { word, .. } => write!(f, "a `{word}` should have been late"),
            Self::Silent(_) => f.write_str("a host is silent"),
            Self::Deaf { word, .. } => write!(f, "an agent does not hear `{word}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_of_one_message_on_one_link_and_so_many_times() {
        let (a, b) = (HostId(0), HostId(1));
        let mut faults = Faults::default();
        faults.add(Fault::Lose { word: "202".into(), from: a, to: b, times: 1 });
        assert!(!faults.loses("202", b, a));
        assert!(!faults.loses("200", a, b));
        assert_eq!(faults.unused().count(), 1);
        assert!(faults.loses("202", a, b));
        assert!(!faults.loses("202", a, b));
        assert_eq!(faults.unused().count(), 0);
    }
}
