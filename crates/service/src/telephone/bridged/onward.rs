//! How somebody is handed over who is behind a bridge (RFC 5589 §6, §7; RFC 3725): one side of it, the *asker*, wants the
//! *other* to have a *target*.
//!
//! The other is asked by a REFER of ours, so that the call with the target is its own and we are out of it. Where it does
//! not know how, we call the target, and bridge the other with that. If it comes to nothing the two have each other as
//! before; or the asker, who did not wait for that, is called back (RFC 5359 §2.4).

use cordboard_sip::Status;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::telephone) enum State {
    New,
    /// The other is asked to call the target.
    Asking,
    /// The other has left the call in which it was asked: to call, or for good.
    AskingGone,
    /// We call the target.
    Dialling,
    /// The target is there, and is to have the other.
    Bridging,
    /// It came to nothing, and the two have each other again; the asker may not have known it when it left.
    Failed,
    /// The asker has left, and is called back.
    CallingBack,
    /// It is there, and is to have the other again.
    Rebridging,
    Over,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::telephone) enum Input {
    /// The other says that it knows how.
    Able,
    /// It does not, or has just said so.
    Unable,
    /// The other has whom it was to have.
    Done,
    /// The same, and the asker had left before.
    DoneAlone,
    /// It will not have them.
    Failed,
    /// Whom we called is there.
    Up,
    /// The other has left.
    OtherLeft,
    /// The asker left before it knew that it came to nothing.
    AskerMissed,
}

/// What we do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::telephone) enum Act {
    /// Ask the other by REFER.
    Ask,
    /// Call the target.
    Dial,
    /// Call the asker.
    DialBack,
    /// Bridge the other with whom we called.
    Bridge,
    /// Report to the asker that the other has the target.
    Succeed,
    /// Report that it has not.
    Fail,
    /// End the call with whom we called.
    ReleaseTarget,
    ReleaseOther,
    ReleaseAsker,
}

#[rustfmt::skip]
pub(in crate::telephone) const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, State::*};
    use Input as I;
    match (state, input) {
        (New, I::Able)                    => (Asking,      &[Ask]),
        (New | Asking, I::Unable)         => (Dialling,    &[Dial]),
        // It ends the call in which it was asked itself, or the asker does by leaving.
        (Asking, I::Done)                 => (Over,        &[Succeed]),
        (Asking, I::DoneAlone)            => (Over,        &[Succeed, ReleaseOther]),
        (Asking, I::Failed)               => (Failed,      &[Fail]),
        (Asking, I::OtherLeft)            => (AskingGone,  &[]),
        (AskingGone, I::Done | I::DoneAlone) => (Over,     &[Succeed]),
        (AskingGone, I::Failed | I::Unable) => (Over,      &[ReleaseAsker, Fail]),
        (Dialling, I::Up)                 => (Bridging,     &[Bridge]),
        (Dialling, I::Failed)             => (Failed,      &[Fail]),
        (Bridging, I::Done | I::DoneAlone) => (Over,        &[Succeed]),
        (Bridging, I::Failed)              => (Failed,      &[ReleaseTarget, Fail]),
        (Dialling | Bridging, I::OtherLeft) => (Over,       &[ReleaseTarget, ReleaseAsker, Fail]),
        (Failed, I::AskerMissed)          => (CallingBack, &[DialBack]),
        (Failed, I::OtherLeft)            => (Over,        &[]),
        (CallingBack, I::Up)              => (Rebridging,   &[Bridge]),
        (CallingBack, I::Failed)          => (Over,        &[ReleaseOther]),
        (CallingBack | Rebridging, I::OtherLeft) => (Over,  &[ReleaseTarget]),
        (Rebridging, I::Done | I::DoneAlone) => (Over,      &[]),
        (Rebridging, I::Failed)            => (Over,        &[ReleaseTarget, ReleaseOther]),
        // What cannot be yet or any more, and what comes twice or too late.
        (New, I::Done | I::DoneAlone | I::Failed | I::Up | I::OtherLeft | I::AskerMissed)
        | (Asking, I::Able | I::Up | I::AskerMissed)
        | (AskingGone, I::Able | I::Up | I::OtherLeft | I::AskerMissed)
        | (Dialling | CallingBack, I::Able | I::Unable | I::Done | I::DoneAlone | I::AskerMissed)
        | (Bridging | Rebridging, I::Able | I::Unable | I::Up | I::AskerMissed)
        | (Failed, I::Able | I::Unable | I::Done | I::DoneAlone | I::Failed | I::Up)
        | (Over, I::Able | I::Unable | I::Done | I::DoneAlone | I::Failed | I::Up | I::OtherLeft | I::AskerMissed)
                                          => (state,       &[]),
    }
}

impl State {
    /// Whether it goes on, so that neither the asker's end is the other's nor the other way round.
    pub(in crate::telephone) const fn goes_on(self) -> bool {
        match self {
            Self::Asking
            | Self::AskingGone
            | Self::Dialling
            | Self::Bridging
            | Self::CallingBack
            | Self::Rebridging => true,
            Self::New | Self::Failed | Self::Over => false,
        }
    }
}

/// What the refusal of our REFER means: somebody who decides is not gone round, whoever does not know how is.
pub(in crate::telephone) const fn refused(status: Option<Status>) -> Input {
    match status {
        Some(status) => match status.code() {
            // Not the method, its address, its extensions, its event or its size.
            400 | 405 | 415 | 416 | 420 | 421 | 489 | 501 | 505 | 513 => Input::Unable,
            _ => Input::Failed,
        },
        None => Input::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {Act::*, Input as I, State::*};

    const STATES: [State; 9] =
        [New, Asking, AskingGone, Dialling, Bridging, Failed, CallingBack, Rebridging, Over];
    const INPUTS: [Input; 8] =
        [I::Able, I::Unable, I::Done, I::DoneAlone, I::Failed, I::Up, I::OtherLeft, I::AskerMissed];

    fn every_step() -> impl Iterator<Item = (State, Input, State, &'static [Act])> {
        STATES.into_iter().flat_map(|state| {
            INPUTS.map(|input| {
                let (next, acts) = step(state, input);
                (state, input, next, acts)
            })
        })
    }

    /// Whoever asks is told once how it ended, and only then is it over.
    #[test]
    fn the_asker_is_told_once() {
        for (state, input, next, acts) in every_step() {
            let waits = matches!(state, Asking | AskingGone | Dialling | Bridging);
            let ends = waits && matches!(next, Failed | Over);
            let told = acts.iter().filter(|act| matches!(act, Succeed | Fail)).count();
            assert_eq!(told, usize::from(ends), "{state:?} {input:?}");
            assert_eq!(acts.contains(&Succeed), ends && matches!(input, I::Done | I::DoneAlone));
        }
    }

    /// Whom we called is in a call with nobody else unless they have the other.
    #[test]
    fn nobody_whom_we_called_is_left_alone() {
        for (state, input, next, acts) in every_step() {
            let called = matches!(state, Dialling | Bridging | CallingBack | Rebridging);
            let gone = matches!(state, Dialling | CallingBack) && input == I::Failed;
            let have = matches!(input, I::Done | I::DoneAlone);
            let ends = called && matches!(next, Failed | Over) && !gone && !have;
            assert_eq!(acts.contains(&ReleaseTarget), ends, "{state:?} {input:?}");
        }
    }

    /// A call that leads nowhere ends: that of the asker when the other has gone, that of the other when the asker has.
    #[test]
    fn neither_side_is_left_alone() {
        for (state, input, next, acts) in every_step() {
            let over = state != Over && next == Over;
            let gone = state == AskingGone && !matches!(input, I::Done | I::DoneAlone)
                || matches!(state, Dialling | Bridging) && input == I::OtherLeft;
            assert_eq!(acts.contains(&ReleaseAsker), over && gone, "{state:?} {input:?}");
            let alone = matches!(state, CallingBack | Rebridging) && input == I::Failed
                || state == Asking && input == I::DoneAlone;
            assert_eq!(acts.contains(&ReleaseOther), over && alone, "{state:?} {input:?}");
        }
    }

    #[test]
    fn who_decides_is_not_gone_round() {
        for (code, input) in [
            (403, I::Failed),
            (405, I::Unable),
            (408, I::Failed),
            (420, I::Unable),
            (481, I::Failed),
            (486, I::Failed),
            (501, I::Unable),
            (603, I::Failed),
        ] {
            assert_eq!(refused(Status::new(code)), input, "{code}");
        }
        assert_eq!(refused(None), I::Failed);
    }
}
