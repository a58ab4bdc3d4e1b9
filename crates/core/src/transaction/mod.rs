//! Transactions (RFC 3261 §17, RFC 6026): four machines, each a printed table, and the names by
//! which the layers above call them.

pub mod branch;
pub mod invite_client;
pub mod invite_server;
pub mod key;
pub mod non_invite_client;
pub mod non_invite_server;

/// Names a client transaction. Stale names are harmless: they find nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId {
    pub(crate) slot: u32,
    pub(crate) nonce: u64,
}

/// Names a server transaction. Stale names are harmless: they find nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

/// Which layer above a transaction belongs to, and what it calls it there. The stack only keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Owner {
    /// The role, numbered by whoever owns the stack.
    pub role: u8,
    /// The role's own name for it.
    pub key: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timing::Timer;

    /// From every state no input leads back out of `Terminated`, and every state that waits for
    /// something can end.
    #[test]
    fn terminated_is_final_in_every_table() {
        for timer in Timer::ALL {
            let (state, acts) =
                invite_client::step(invite_client::State::Terminated, invite_client::Input::Fired(timer));
            assert_eq!((state, acts.len()), (invite_client::State::Terminated, 0));
            let (state, acts) =
                invite_server::step(invite_server::State::Terminated, invite_server::Input::Fired(timer));
            assert_eq!((state, acts.len()), (invite_server::State::Terminated, 0));
            let (state, acts) = non_invite_client::step(
                non_invite_client::State::Terminated,
                non_invite_client::Input::Fired(timer),
            );
            assert_eq!((state, acts.len()), (non_invite_client::State::Terminated, 0));
            let (state, acts) = non_invite_server::step(
                non_invite_server::State::Terminated,
                non_invite_server::Input::Fired(timer),
            );
            assert_eq!((state, acts.len()), (non_invite_server::State::Terminated, 0));
        }
    }

    /// RFC 6026 §7.1: a 2xx does not end an INVITE transaction at once.
    #[test]
    fn a_2xx_leaves_both_invite_transactions_accepted() {
        use invite_client::{Input as CI, State as CS};
        use invite_server::{Input as SI, State as SS};
        assert_eq!(invite_client::step(CS::Calling, CI::Success).0, CS::Accepted);
        assert_eq!(invite_client::step(CS::Accepted, CI::Success).0, CS::Accepted);
        assert_eq!(invite_server::step(SS::Proceeding, SI::SendSuccess).0, SS::Accepted);
        assert_eq!(invite_server::step(SS::Accepted, SI::Request), (SS::Accepted, &[][..]));
    }

    /// RFC 3261 §9.1: once cancelled, an INVITE waits 64·T1 for its final response, however often the other
    /// side says meanwhile that it rings.
    #[test]
    fn ringing_after_the_cancel_does_not_make_the_wait_endless() {
        use invite_client::{Act, Input, State};
        let (state, acts) = invite_client::step(State::Proceeding, Input::Provisional);
        assert_eq!((state, acts), (State::Proceeding, &[Act::PassUp][..]));
        assert!(invite_client::step(State::Calling, Input::Provisional).1.contains(&Act::StopTimers));
    }

    /// RFC 3261 §17.1.1.3: each repeat of a failure is acknowledged, and passed up only once.
    #[test]
    fn a_repeated_failure_is_acknowledged_and_not_passed_up() {
        use invite_client::{Act, Input, State};
        let (state, acts) = invite_client::step(State::Completed, Input::Failure);
        assert_eq!((state, acts), (State::Completed, &[Act::Ack][..]));
    }
}
