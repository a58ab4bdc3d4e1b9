//! One more branch for a call that rings: to the server by which somebody picks it up (RFC 5359 §2.16).

use super::Proxy;
use super::context::{Aim, Branch, BranchState, Context, Way};
use crate::desk::Desk;
use crate::picking::Wish;
use cordboard_core::target_set::State;
use cordboard_core::time::Instant;
use cordboard_sip::Method;

impl Proxy {
    /// Sends the call that has rung for the longest where somebody wants it, and that they may have.
    pub(crate) fn pick_up(&mut self, desk: &mut Desk, now: Instant, wish: &Wish) {
        let Some(flow) = desk.directory.server(&wish.name).and_then(|server| desk.way_in(server)) else {
            return;
        };
        let ringing = self.contexts.iter().filter(|(_, context)| self.rings_for(desk, context, wish));
        let oldest = ringing.min_by_key(|(_, context)| context.generation);
        let Some(key) = oldest.map(|(slot, context)| u64::from(context.generation) << 32 | slot as u64)
        else {
            return;
        };
        let uri = Some(format!("sip:{}", desk.written_aor(&wish.name)).into());
        let whose = desk.directory.pickup.as_ref().and_then(|code| self.carried.people.enter(&code.server));
        let Some(context) = self.context(key) else { return };
        let at = context.branches.len();
        context.branches.push(Branch {
            aim: Aim { uri, whose, ..Aim::by(Way::OnlyFlow(flow)) },
            breadth: 1,
            state: BranchState::Finding,
            client: None,
            trying: None,
            timer_c: None,
        });
        self.step(desk, now, key, at, None);
    }

    /// Whether a call rings at somebody whose calls whoever wants it may have.
    fn rings_for(&self, desk: &Desk, context: &Context, wish: &Wish) -> bool {
        let rings = |branch: &Branch| branch.state == BranchState::Proceeding;
        let up = context.method == Method::Invite
            && context.server.is_some()
            && context.request.is_some()
            && context.phase == State::Ringing
            && context.branches.iter().any(rings);
        let Some(ends) = context.ends.filter(|_| up) else { return false };
        let of = |branch: &Branch| self.carried.people.name(branch.aim.whose.or(ends.callee));
        let theirs = |called: &str| {
            let named = wish.whom.is_empty() || *called == *wish.whom;
            let may = *called == *wish.by || desk.directory.share_group(called, &wish.by);
            named && may && desk.directory.user(called).is_some()
        };
        let own = self.carried.people.name(ends.caller) == Some(&*wish.by);
        !own && context.branches.iter().filter(|branch| rings(branch)).filter_map(of).any(theirs)
    }
}
