//! Twenty messages as they are seen every day: a registration, a call through a proxy, hold, a transfer, a trunk.

/// Name and bytes.
pub(crate) const MESSAGES: [(&str, &[u8]); 20] = [
    ("01-register", include_bytes!("../data/typical/01-register.sip")),
    ("02-401", include_bytes!("../data/typical/02-401.sip")),
    ("03-register-auth", include_bytes!("../data/typical/03-register-auth.sip")),
    ("04-200-register", include_bytes!("../data/typical/04-200-register.sip")),
    ("05-invite", include_bytes!("../data/typical/05-invite.sip")),
    ("06-invite-proxied", include_bytes!("../data/typical/06-invite-proxied.sip")),
    ("07-100", include_bytes!("../data/typical/07-100.sip")),
    ("08-180", include_bytes!("../data/typical/08-180.sip")),
    ("09-200-invite", include_bytes!("../data/typical/09-200-invite.sip")),
    ("10-ack", include_bytes!("../data/typical/10-ack.sip")),
    ("11-reinvite-hold", include_bytes!("../data/typical/11-reinvite-hold.sip")),
    ("12-refer", include_bytes!("../data/typical/12-refer.sip")),
    ("13-202", include_bytes!("../data/typical/13-202.sip")),
    ("14-notify", include_bytes!("../data/typical/14-notify.sip")),
    ("15-bye", include_bytes!("../data/typical/15-bye.sip")),
    ("16-200-bye", include_bytes!("../data/typical/16-200-bye.sip")),
    ("17-cancel", include_bytes!("../data/typical/17-cancel.sip")),
    ("18-subscribe", include_bytes!("../data/typical/18-subscribe.sip")),
    ("19-options", include_bytes!("../data/typical/19-options.sip")),
    ("20-compact-invite", include_bytes!("../data/typical/20-compact-invite.sip")),
];
