//! What the other side of a call can do, as its Allow and Supported say (RFC 3261 §20.5, §20.37).

use super::Telephone;
use super::letter::{ContactLine, Letter, Purpose};
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use crate::settings::Feature;
use cordboard_core::time::Instant;
use cordboard_sip::{Method, Name, View};

/// What of transfers the other side says that it knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Features {
    /// A bit for each of what it says that it knows.
    known: u8,
}

impl Features {
    const fn bit(feature: Feature) -> u8 {
        match feature {
            Feature::Refer => 1,
            Feature::Replaces => 2,
            Feature::TargetDialog => 4,
            Feature::NoReferSub => 8,
            Feature::Join => 16,
        }
    }

    /// Whether it says that it knows something.
    pub(super) const fn supports(self, feature: Feature) -> bool {
        self.known & Self::bit(feature) != 0
    }

    /// All that it says that it knows.
    pub(super) fn list(self) -> Vec<Feature> {
        let all =
            [Feature::Refer, Feature::Replaces, Feature::TargetDialog, Feature::NoReferSub, Feature::Join];
        all.into_iter().filter(|feature| self.supports(*feature)).collect()
    }

    /// Learns from a message that lists what its sender can do; from one that does not, nothing.
    pub(super) fn learn(&mut self, message: &View<'_>) {
        let lists = |name: Name, word: &str| {
            message.values(name).any(|value| value.text.trim().eq_ignore_ascii_case(word))
        };
        let read = [
            (Name::ALLOW, "REFER", Feature::Refer),
            (Name::SUPPORTED, "replaces", Feature::Replaces),
            (Name::SUPPORTED, "tdialog", Feature::TargetDialog),
            (Name::SUPPORTED, "norefersub", Feature::NoReferSub),
            (Name::SUPPORTED, "join", Feature::Join),
        ];
        for (name, word, feature) in read {
            if message.has(name) {
                let bit = Self::bit(feature);
                self.known = if lists(name, word) { self.known | bit } else { self.known & !bit };
            }
        }
    }
}

impl FromIterator<Feature> for Features {
    fn from_iter<T: IntoIterator<Item = Feature>>(features: T) -> Self {
        Self { known: features.into_iter().fold(0, |known, feature| known | Self::bit(feature)) }
    }
}

impl Telephone {
    /// Asks the other side of a call what it can do (RFC 3261 §11.1).
    pub(super) fn ask_abilities(&mut self, desk: &mut Desk, now: Instant, name: CallName) {
        let at = self.names.get(&name).copied();
        let asked = at.and_then(|at| {
            let call = self.calls.get_mut(at).filter(|call| call.is_up())?;
            let (listener, realms) = (call.listener, call.realms.clone());
            let dialog = call.dialog_mut()?;
            let cseq = dialog.next_cseq();
            let letter = Letter::in_dialog(dialog, Purpose::Options(at), Method::Options, cseq, listener);
            let letter = Letter { contact: ContactLine::None, ..letter };
            let way = dialog.way();
            self.run(desk, now, letter, vec![way], &realms)
        });
        if asked.is_none() {
            Self::tell(desk, CallEvent::Impossible(name));
        }
    }

    /// The other side said what it can do, or nothing.
    pub(super) fn abilities_told(&mut self, desk: &mut Desk, at: u64, response: Option<&View<'_>>) {
        let Some(call) = self.calls.get_mut(at) else { return };
        let mut event =
            CallEvent::Abilities { call: call.name, allow: Box::default(), supported: Box::default() };
        if let Some(response) = response {
            call.learn(response);
            let list = |name: Name| {
                response.values(name).map(|value| value.text.trim()).collect::<Vec<_>>().join(", ").into()
            };
            event = CallEvent::Abilities {
                call: call.name,
                allow: list(Name::ALLOW),
                supported: list(Name::SUPPORTED),
            };
        }
        Self::tell(desk, event);
    }
}
