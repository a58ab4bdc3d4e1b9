//! What a forwarded call tells of whom it was for before: History-Info (RFC 7044) and Diversion (RFC 5806).
//!
//! Both are written once a call is forwarded, and left alone otherwise. The contacts at which a user's own phones were
//! tried are nobody else's business and have no entries.

use super::forwarding::Cause;
use cordboard_sip::header::{
    Diversion, HistoryIndex, HistoryInfo, HistoryTarget, NameAddr, Privacy, PrivacyKind, Reason,
};
use cordboard_sip::uri::Uri;
use cordboard_sip::{Builder, Edits, Name, UriRef, View};

/// The way of one call.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    /// Everything that was known when it came, and what was added here (RFC 7044 §9.1, "the cache").
    history: Vec<HistoryInfo>,
    /// Where our own entries hang.
    base: HistoryIndex,
    /// How many of them there are.
    children: u32,
    /// The diversions made here, the latest last.
    diversions: Vec<Diversion>,
    /// How often it had been forwarded before it came.
    before: u32,
    /// Whether the caller wants this hidden from other domains (RFC 7044 §10.1.2).
    private: bool,
}

impl Trail {
    /// What a request tells when it comes.
    pub(crate) fn of(request: &View<'_>) -> Self {
        let mut history: Vec<HistoryInfo> = request.headers::<HistoryInfo>().filter_map(Result::ok).collect();
        let target = UriRef::parse(request.request_uri()).ok();
        let is_told = history.last().is_some_and(|last| {
            let told = last.addr.uri.to_string();
            let told = told.split('?').next().unwrap_or_default();
            target.is_some_and(|target| UriRef::parse(told).is_ok_and(|told| told.equivalent(&target)))
        });
        if !is_told && let Some(target) = target.and_then(|target| Uri::from_ref(&target).ok()) {
            // §9.1: the hop before said nothing of it. §10.3 rule 6: a gap is a 0.
            let index = history.last().map_or_else(HistoryIndex::first, |last| last.index.child(0));
            history.push(HistoryInfo::new(target, index));
        }
        let mapped = |entry: &&HistoryInfo| matches!(entry.target, Some(HistoryTarget::Mapped(_)));
        let by_history = history.iter().filter(mapped).count();
        let told = request.headers::<Diversion>().filter_map(Result::ok);
        let by_diversion = told.map(|diversion| u32::from(diversion.counter.unwrap_or(1))).sum::<u32>();
        let base = history.last().map_or_else(HistoryIndex::first, |last| last.index.clone());
        let wants = |kinds: Privacy| kinds.wants(&PrivacyKind::History) || kinds.wants(&PrivacyKind::Header);
        Self {
            history,
            base,
            children: 0,
            diversions: Vec::new(),
            before: by_diversion.max(u32::try_from(by_history).unwrap_or(u32::MAX)),
            private: request.header::<Privacy>().and_then(Result::ok).is_some_and(wants),
        }
    }

    /// How often the call has been forwarded, as far as anybody has told.
    pub(crate) fn forwarded(&self) -> u32 {
        self.before.saturating_add(u32::try_from(self.diversions.len()).unwrap_or(u32::MAX))
    }

    /// The call goes from a user to somebody else.
    pub(crate) fn divert(&mut self, from: &str, to: &str, cause: Cause) {
        let (Ok(from), Ok(to)) = (Uri::parse(from), Uri::parse(to)) else { return };
        let at = self.history.last_mut().map(|last| {
            if let (Some(status), Some(uri)) = (cause.status(), last.addr.uri.as_sip_mut()) {
                let reason = Reason { text: None, ..Reason::sip(status, "") };
                uri.headers.remove("Reason");
                uri.headers.push("Reason", reason);
            }
            last.index.clone()
        });
        self.children += 1;
        let mut entry = HistoryInfo::new(to, self.base.child(self.children));
        entry.target = at.map(HistoryTarget::Mapped);
        self.history.push(entry);
        let diversion = Diversion { counter: Some(1), ..Diversion::new(from, cause.diversion()) };
        self.diversions.push(diversion);
    }

    /// The places of a list have entries of their own, each with one for a contact below it.
    pub(crate) const fn branches_out(&mut self) {
        self.children += 2;
    }

    /// Whether there is anything to tell.
    pub(crate) const fn is_told(&self) -> bool {
        !self.diversions.is_empty()
    }

    /// Writes it into a 3xx that sends the caller on (RFC 5806 §5.4.1, RFC 7044 §8).
    pub(crate) fn write_back(&self, mut response: Builder) -> Builder {
        for diversion in self.diversions.iter().rev() {
            response = response.line(Name::DIVERSION, diversion);
        }
        response
    }

    /// Writes it into the request that goes to `target`, a contact of the last of them if that is another URI. `outside`
    /// says that it leaves our domain.
    pub(crate) fn write(&self, edits: &mut Edits, request: &View<'_>, target: Option<&str>, outside: bool) {
        let mut history = self.history.clone();
        let target = target.and_then(|target| Uri::parse(target).ok());
        if let (Some(target), Some(last)) = (target, history.last())
            && !last.addr.uri.equivalent(&target)
        {
            // §10.3 rule 3, §10.4: a registered contact of that entry.
            let mut entry = HistoryInfo::new(target, self.base.child(self.children + 1));
            entry.target = Some(HistoryTarget::Contact(last.index.clone()));
            history.push(entry);
        }
        let hidden = self.private && outside;
        edits.remove_all(request, Name::HISTORY_INFO);
        for mut entry in history {
            if hidden && let Ok(nobody) = Uri::parse("sip:anonymous@anonymous.invalid") {
                entry.addr = NameAddr::from(nobody);
            }
            edits.append_line(request, Name::HISTORY_INFO, entry);
        }
        // The latest stands on top (RFC 5806 §9.3).
        for diversion in &self.diversions {
            let mut diversion = diversion.clone();
            if hidden {
                diversion.privacy = Some("full".into());
            }
            edits.push_line(request, Name::DIVERSION, diversion);
        }
    }
}
