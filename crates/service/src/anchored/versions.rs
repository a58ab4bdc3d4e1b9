//! The descriptions that one side is shown of the other: RFC 3264 §8 has the version in `o=` rise by one with each that
//! differs from the one before, whoever made it.

use cordboard_sip::sdp::Sdp;

/// What one side was shown last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown(Option<Sdp>);

impl Shown {
    /// A description is shown as it came, before any of ours was.
    pub(super) fn as_it_came(&mut self, sdp: &Sdp) {
        self.0 = Some(sdp.clone());
    }

    /// Gives a description the version with which it is to be shown.
    pub(super) fn show(&mut self, mut sdp: Sdp) -> Sdp {
        if let Some(last) = &self.0 {
            let version = last.session().origin.sess_version;
            let changed = !same(last, &sdp);
            sdp.session_mut().origin = last.session().origin.clone();
            sdp.session_mut().origin.sess_version = version.wrapping_add(u64::from(changed));
        }
        self.0 = Some(sdp.clone());
        sdp
    }

    /// Whether it has seen just that, whatever the version.
    pub(super) fn has_seen(&self, sdp: &Sdp) -> bool {
        self.0.as_ref().is_some_and(|last| same(last, sdp))
    }
}

/// Whether two descriptions differ in nothing but `o=`.
fn same(one: &Sdp, other: &Sdp) -> bool {
    let mut other = other.clone();
    other.session_mut().origin = one.session().origin.clone();
    *one == other
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_sip::sdp::Direction;

    fn sdp(version: u64, port: u16) -> Sdp {
        let text = format!(
            "v=0\r\no=- 1 {version} IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
        );
        Sdp::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn each_that_differs_is_one_higher_than_the_one_before() {
        let mut shown = Shown::default();
        shown.as_it_came(&sdp(10, 4000));
        let mut held = sdp(10, 4000);
        held.set_direction(Direction::Inactive);
        assert_eq!(shown.show(held.clone()).version().1, 11, "ours");
        assert_eq!(shown.show(held).version().1, 11, "the same again");
        assert_eq!(shown.show(sdp(11, 5000)).version().1, 12, "theirs, who do not know of ours");
        assert!(shown.has_seen(&sdp(99, 5000)) && !shown.has_seen(&sdp(11, 4000)));
        assert_eq!(shown.show(sdp(12, 6000)).version().1, 13);
    }

    /// RFC 3264 §8: the origin is otherwise the same as long as the session lasts.
    #[test]
    fn the_session_is_the_same() {
        let mut shown = Shown::default();
        shown.as_it_came(&sdp(10, 4000));
        let mut other = sdp(1, 4002);
        other.session_mut().origin.sess_id = "2".into();
        assert_eq!(shown.show(other).version(), ("1", 11));
    }
}
