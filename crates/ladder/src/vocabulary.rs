//! The words for what a call or handover is, who plays which part, how far it is and how it ended: one vocabulary for
//! the telephone's events, the API, the call records, `flows` and `explain`.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A word that the vocabulary does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no {kind}; known are {}", known.join(", "))]
pub struct UnknownWord {
    /// The word.
    pub word: String,
    /// What it was to be: `kind`, `phase`, `outcome`, `role`.
    pub kind: &'static str,
    /// The words that there are.
    pub known: Vec<&'static str>,
}

/// Declares an enum whose variants each have one word, in JSON as on screen.
macro_rules! words {
    ($(#[$about:meta])* $name:ident, $kind:literal { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every one, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word, as JSON and people read it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl Display for $name {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                let found = Self::ALL.iter().copied().find(|known| known.as_str() == word);
                found.ok_or_else(|| UnknownWord {
                    word: word.to_owned(),
                    kind: $kind,
                    known: Self::ALL.iter().map(|known| known.as_str()).collect(),
                })
            }
        }
    };
}

words! {
    /// What a call or handover is. Hold is a [`Phase`] of a call, not a kind.
    Kind, "kind" {
        /// A call between two parties, not handed over.
        Call = "call",
        /// The transferor leaves the transferee to call the target: RFC 5359 §2.4, RFC 5589 §6.
        UnattendedTransfer = "unattended-transfer",
        /// The transferor spoke with the target first, and the transferee takes that call over by `Replaces`:
        /// RFC 5359 §2.5, RFC 5589 §7.
        AttendedTransfer = "attended-transfer",
        /// The transferor hands over while the target still rings.
        SemiAttendedTransfer = "semi-attended-transfer",
        /// Asked for by an instant message instead of a REFER: RFC 5359 §2.6.
        MessageTransfer = "message-transfer",
        /// By re-INVITEs of a server that stays in between, without a REFER.
        BridgedTransfer = "bridged-transfer",
        /// A trunk takes the call back and places it anew (take back and transfer).
        TrunkTransfer = "trunk-transfer",
        /// A call put aside for anybody to fetch: RFC 5359 §2.15.
        Park = "park",
        /// A parked call fetched.
        Retrieve = "retrieve",
        /// A call that rings at another telephone, taken: RFC 5359 §2.16.
        Pickup = "pickup",
        /// A call sent on before anyone answered: RFC 5359 §2.7 to §2.9.
        Forward = "forward",
        /// Places tried one after another until somebody answers: RFC 5359 §2.12.
        FindMe = "find-me",
        /// A call let through or turned away by a rule: RFC 5359 §2.13 and §2.14.
        Screened = "screened",
        /// Three parties or more through a focus: RFC 5359 §2.10 and §2.11, RFC 4579.
        Conference = "conference",
        /// A call placed once the busy party is free: RFC 5359 §2.17.
        Redial = "redial",
        /// A call that a program asked a telephone to place: RFC 5359 §2.18.
        ClickToDial = "click-to-dial",
        /// A REGISTER: RFC 3261 §10.
        Registration = "registration",
        /// A SUBSCRIBE of its own: RFC 6665.
        Subscription = "subscription",
        /// A MESSAGE: RFC 3428.
        Message = "message",
        /// An OPTIONS: RFC 3261 §11.
        Options = "options",
        /// None of these.
        Other = "other",
    }
}

words! {
    /// How far a call or handover is.
    Phase, "phase" {
        /// The first call, up to its hold or handover.
        Call = "call",
        /// A party is on hold.
        Hold = "hold",
        /// The transferor speaks with the target.
        Consultation = "consultation",
        /// The transferor asks for the handover.
        Refer = "refer",
        /// The transferee calls the target.
        NewCall = "new-call",
        /// The transferee reports how that goes: RFC 3515 §2.4.4.
        Reports = "reports",
        /// The calls that are not needed any more end.
        Release = "release",
        /// The last call ends.
        End = "end",
    }
}

words! {
    /// How a transfer ended, or a call.
    Outcome, "outcome" {
        /// Transfer: transferee and target speak.
        Completed = "completed",
        /// Transfer: the target is busy.
        TargetBusy = "target-busy",
        /// Transfer: the target did not answer in time.
        TargetNoAnswer = "target-no-answer",
        /// Transfer: the target declined.
        TargetDeclined = "target-declined",
        /// Transfer: there is no such target.
        TargetNotFound = "target-not-found",
        /// Transfer: no way leads to the target now.
        TargetUnreachable = "target-unreachable",
        /// Transfer: the REFER itself was refused; its status stands beside this word.
        Refused = "refused",
        /// Transfer: the call to take over is not there (481): RFC 3891 §3.
        ReplacesNoMatch = "replaces-no-match",
        /// Transfer: the REFER names the one who is to act on it.
        RefersToItself = "refers-to-itself",
        /// Transfer: the transferor may not do this.
        NotAllowed = "not-allowed",
        /// Transfer: the call to take over was answered already, and only a ringing one was wanted: RFC 3891 §3.
        AlreadyAnswered = "already-answered",
        /// Transfer: the call to take over has ended: RFC 3891 §3.
        AlreadyEnded = "already-ended",
        /// Transfer: the transferee hung up on the way.
        TransfereeLeft = "transferee-left",
        /// Transfer: the transferor hung up on the way.
        TransferorLeft = "transferor-left",
        /// Transfer: a wait passed its deadline.
        TimedOut = "timed-out",
        /// Transfer: nobody said how it went (`Refer-Sub: false` of RFC 4488, or the subscription ended at 100).
        NotReported = "not-reported",
        /// Call: it was answered.
        Answered = "answered",
        /// Call: busy.
        Busy = "busy",
        /// Call: nobody answered in time.
        NoAnswer = "no-answer",
        /// Call: declined.
        Declined = "declined",
        /// Call: the caller gave up.
        Cancelled = "cancelled",
        /// Call: there is no such user.
        NotFound = "not-found",
        /// Call: it failed for another reason.
        Failed = "failed",
        /// Either: what was seen ends before it did.
        Unfinished = "unfinished",
    }
}

words! {
    /// Who plays which part.
    Role, "role" {
        /// Who hands the call over: RFC 5589 §2.
        Transferor = "transferor",
        /// Who is handed over.
        Transferee = "transferee",
        /// To whom the transferee is handed.
        TransferTarget = "transfer_target",
        /// Who placed the call.
        Caller = "caller",
        /// Who was called.
        Callee = "callee",
    }
}

impl Outcome {
    /// Whether what was wanted came about. [`Outcome::NotReported`] and [`Outcome::Unfinished`] leave it open, and are
    /// no success.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Completed | Self::Answered)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::de::DeserializeOwned;

    use super::*;

    fn says_the_same_everywhere<Word>(all: &[Word])
    where
        Word: Copy + Debug + Display + PartialEq + FromStr<Err = UnknownWord> + Serialize + DeserializeOwned,
    {
        for word in all {
            let text = word.to_string();
            assert_eq!(text.parse::<Word>().unwrap(), *word);
            let json = serde_json::to_string(word).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Word>(&json).unwrap(), *word);
        }
    }

    #[test]
    fn a_word_reads_and_prints_the_same() {
        says_the_same_everywhere(Kind::ALL);
        says_the_same_everywhere(Phase::ALL);
        says_the_same_everywhere(Outcome::ALL);
        says_the_same_everywhere(Role::ALL);
    }

    #[test]
    fn no_word_stands_twice() {
        fn distinct(words: impl Iterator<Item = &'static str>) -> bool {
            let words: Vec<_> = words.collect();
            words.iter().collect::<std::collections::BTreeSet<_>>().len() == words.len()
        }
        assert!(distinct(Kind::ALL.iter().map(|word| word.as_str())));
        assert!(distinct(Phase::ALL.iter().map(|word| word.as_str())));
        assert!(distinct(Outcome::ALL.iter().map(|word| word.as_str())));
        assert!(distinct(Role::ALL.iter().map(|word| word.as_str())));
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_known_ones() {
        let error = "hung-up".parse::<Phase>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`hung-up` is no phase; known are call, hold, consultation, refer, new-call, reports, release, end"
        );
    }
}
