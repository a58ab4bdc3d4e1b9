//! What a failed SUBSCRIBE or NOTIFY inside a subscription ends: RFC 6665 §4.1.2.2 and §4.2.2, with
//! the distinctions of RFC 5057 §5.1.

use cordboard_sip::Status;

/// How far a failure reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The request alone: the subscription goes on until it expires.
    Request,
    /// The subscription; a call in the same dialog goes on.
    Subscription,
    /// The dialog with all that is in it.
    Dialog,
}

impl Reach {
    /// Whether the subscription is over.
    pub const fn ends_subscription(self) -> bool {
        !matches!(self, Self::Request)
    }
}

/// How far a refusal of a SUBSCRIBE or NOTIFY reaches that was sent inside a subscription.
///
/// RFC 6665 lists what ends the subscription, and RFC 5057 which of these say that the dialog itself
/// is of no use. 502 ends a dialog by RFC 5057 and no subscription by RFC 6665; the later one holds.
pub const fn reach(status: Status) -> Reach {
    match status.code() {
        404 | 410 | 416 | 482..=485 | 604 => Reach::Dialog,
        405 | 480 | 481 | 489 | 501 => Reach::Subscription,
        _ => Reach::Request,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_the_standard_ends_subscriptions_and_nothing_else_does() {
        let ends: Vec<u16> =
            (300..700).filter(|code| reach(Status::new(*code).unwrap()).ends_subscription()).collect();
        assert_eq!(ends, [404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604]);
    }

    /// RFC 5057 §5.1, table 1.
    #[test]
    fn a_call_in_the_same_dialog_survives_what_concerns_the_subscription() {
        for status in [Status::CALL_DOES_NOT_EXIST, Status::BAD_EVENT, Status::METHOD_NOT_ALLOWED] {
            assert_eq!(reach(status), Reach::Subscription);
        }
        assert_eq!(reach(Status::NOT_FOUND), Reach::Dialog);
        assert_eq!(reach(Status::REQUEST_TIMEOUT), Reach::Request);
    }
}
