//! How a telephone hands calls over and is handed over, where the standards leave a choice or the field disagrees.

use serde::{Deserialize, Serialize};

/// The choices. The default is what RFC 5359 draws.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfers {
    /// How those are treated who read the standards otherwise.
    pub profile: Profile,
    /// Where a REFER of ours travels.
    pub refers: Refers,
    /// Whether our Contact says that it reaches this telephone from everywhere (`gr`, RFC 5627 §3.1).
    pub gruu: bool,
    /// Who ends the old call of a transfer that worked.
    pub release: Release,
    /// Whether ringing is reported to whoever asked for the call, besides 100 and the end (RFC 3515 §2.4.5).
    pub reports_ringing: bool,
    /// What whoever asked for a call is told of one that is answered.
    pub success: Success,
    /// Whether whoever asked for a call is held while it is being made.
    pub holds_meanwhile: bool,
    /// What becomes of a target that still rings.
    pub semi_attended: SemiAttended,
    /// What becomes of a REFER from somebody with whom there is no call.
    pub askers: Askers,
    /// What this telephone does not know, and so neither says nor does.
    pub lacks: Vec<Feature>,
}

impl Transfers {
    /// Whether it knows something.
    pub fn knows(&self, feature: Feature) -> bool {
        !self.lacks.contains(&feature)
    }
}

/// Peers who read the standards otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// RFC 5359 and RFC 5589: 202 to a REFER.
    #[default]
    Bcp,
    /// RFC 7647: 200 to a REFER, which travels outside the call wherever the other side can be reached there.
    Rfc7647,
    /// Gateways of the telephone network: a REFER needs Referred-By and Contact, a Replaces that matches nothing begins
    /// a new call, and one that names a call that rings here answers it.
    Gateway,
}

/// Where a REFER travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refers {
    /// In the call (RFC 5589 §6.2).
    #[default]
    InCall,
    /// In a dialog of its own that names the call (RFC 4538), if the other side knows Target-Dialog and its Contact is a
    /// GRUU; else in the call (RFC 5589 §5).
    OnItsOwn,
}

/// Who ends the old call of a transfer that worked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Release {
    /// The transferor, when the success is reported (RFC 5589 §6.1). The transferee does it if that does not happen.
    #[default]
    Transferor,
    /// The transferee, when it has reported. The transferor does it if that does not happen.
    Transferee,
}

/// What whoever asked for a call is told of one that is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Success {
    /// That it is.
    #[default]
    Status,
    /// Also which dialog it is: the report has the headers of the response (RFC 5359 §2.3, §2.15). Whoever knows them may
    /// take the call over.
    Dialog,
}

/// What becomes of a target that still rings (RFC 5589 §7.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SemiAttended {
    /// The transfer waits for its answer (figure 11).
    #[default]
    Waits,
    /// Its call is cancelled, and it is called anew; or handed over if it answered meanwhile (figures 12 and 13).
    Cancels,
}

/// What becomes of a REFER from somebody with whom there is no call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Askers {
    /// The owner is asked, and nothing happens without consent (RFC 3515 §2.4.2).
    #[default]
    Ask,
    /// It is refused.
    Refuse,
    /// Whoever may know of our calls may ask, having proved who they are; nobody else.
    Members,
}

/// Something that a telephone may not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// REFER (RFC 3515).
    Refer,
    /// Replaces (RFC 3891).
    Replaces,
    /// Target-Dialog (RFC 4538).
    TargetDialog,
    /// REFER without a subscription (RFC 4488, RFC 7614).
    NoReferSub,
    /// Join (RFC 3911).
    Join,
}
