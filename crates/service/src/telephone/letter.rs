//! What a request of ours says, apart from the way it goes, and whose it is.

use cordboard_core::dialog::Dialog;
use cordboard_core::transport::ListenerId;
use cordboard_sip::{Method, Name};

/// Whose errand it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The INVITE that begins a call.
    Invite(u64),
    /// A change of a call.
    Change(u64),
    /// A change in one leg of a call, by UPDATE.
    Update(u64, usize),
    /// The acknowledgement of a 2xx on one leg of a call.
    Ack(u64, usize),
    /// The acknowledgement of a reliable provisional response on one leg of a call.
    Prack(u64, usize),
    /// The end of one leg of a call.
    Bye(u64, usize),
    /// The question what the other side of a call can do.
    Options(u64),
    /// The REFER of a referral.
    Refer(u64),
    /// A NOTIFY of a referral.
    Notify(u64),
    /// A SUBSCRIBE that refreshes the subscription of a referral.
    Renew(u64),
    /// The SUBSCRIBE of something that is watched.
    Subscribe(u64),
    /// A NOTIFY to somebody who watches.
    Tell(u64),
    /// An OPTIONS outside a call.
    Ask(u64),
    /// An INFO in a call.
    Info(u64),
    /// An instant message.
    Message(u64),
    /// The registrar.
    Register,
}

impl Purpose {
    /// The call it belongs to.
    pub(super) const fn call(self) -> Option<u64> {
        match self {
            Self::Invite(call)
            | Self::Change(call)
            | Self::Update(call, _)
            | Self::Ack(call, _)
            | Self::Prack(call, _)
            | Self::Bye(call, _)
            | Self::Info(call)
            | Self::Options(call) => Some(call),
            Self::Refer(_)
            | Self::Notify(_)
            | Self::Renew(_)
            | Self::Subscribe(_)
            | Self::Tell(_)
            | Self::Ask(_)
            | Self::Message(_)
            | Self::Register => None,
        }
    }
}

/// What stands in Contact.
#[derive(Clone, Debug)]
pub(super) enum ContactLine {
    /// Nothing.
    None,
    /// Our own address on the flow that is used, with these parameters.
    Own(Box<str>),
    /// This.
    Given(Box<str>),
}

/// What a request says, apart from the way it goes.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub(super) purpose: Purpose,
    pub(super) method: Method,
    pub(super) from: Box<str>,
    pub(super) to: Box<str>,
    pub(super) call_id: Box<str>,
    pub(super) cseq: u32,
    pub(super) contact: ContactLine,
    pub(super) lines: Vec<(Name, Box<str>)>,
    /// A body and its content type.
    pub(super) body: Option<(&'static str, Box<str>)>,
    /// From which listener it is sent, if its transport allows.
    pub(super) listener: ListenerId,
}

impl Letter {
    /// A request inside a dialog, with nothing but its address.
    pub(super) fn in_dialog(
        dialog: &Dialog,
        purpose: Purpose,
        method: Method,
        cseq: u32,
        listener: ListenerId,
    ) -> Self {
        Self {
            purpose,
            method,
            from: dialog.local().into(),
            to: dialog.remote().into(),
            call_id: dialog.id().call_id.clone(),
            cseq,
            contact: ContactLine::Own(Box::default()),
            lines: Vec::new(),
            body: None,
            listener,
        }
    }
}
