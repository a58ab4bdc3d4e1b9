//! The way to servers of ours: their target is predetermined (RFC 3261 §16.5).

use super::Proxy;
use super::context::{Aim, Way};
use super::target::Routed;
use crate::desk::Desk;
use cordboard_core::target_set::State;
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::Flow;
use cordboard_sip::{Status, View};

impl Proxy {
    /// Forwards a request to a server of ours, which hears as whom it was called.
    #[expect(clippy::too_many_arguments, reason = "each is a fact about the one request")]
    pub(crate) fn inward(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        source: Flow,
        server: Option<ServerId>,
        request: &View<'_>,
        routed: Routed,
        name: &str,
    ) {
        let way = desk.directory.server(name).and_then(|server| desk.way_in(server));
        let number = request.request_uri().get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("tel:"));
        // What was dialled says nothing to the server that picks up.
        let rewritten = number || desk.directory.picks_up(name).is_some();
        let own = match &desk.directory.pickup {
            Some(code) if desk.directory.picks_up(name).is_some() => code.server.clone(),
            _ => name.into(),
        };
        let uri = rewritten.then(|| format!("sip:{}", desk.written_aor(name)).into());
        let key = self.open(desk, source, server, request, routed, State::Ringing);
        self.calls(key, &desk.aor(&own));
        match way {
            Some(flow) => {
                let aim = Aim { uri, ..Aim::by(Way::OnlyFlow(flow)) };
                self.start_group(desk, now, key, [aim], Some(request));
            }
            None => self.fail(desk, now, key, Status::SERVICE_UNAVAILABLE),
        }
    }
}
