//! Automatic redial by a dialled code (RFC 5359 §2.17): baresip asks to be called back when linphone is free, and linphone when
//! baresip is. Neither knows anything of it.

use cordboard_rig::Kind::{Baresip, Cordboard, Linphone};
use cordboard_rig::Manner::Rings;
use cordboard_rig::house::with_house;
use cordboard_rig::stage::talking;

use super::{ALICE, BOB, CAROL};

const CODES: &str = "
[codes]
redial = \"*66\"
redial_off = \"*68\"
";

/// Who asks, whom they want, and whose name is dialled.
const CASES: [(usize, usize, &str); 2] = [(ALICE, BOB, "bob"), (BOB, ALICE, "alice")];

#[test]
fn by_a_dialled_code() {
    with_house(CODES, &[(Baresip, Rings), (Linphone, Rings), (Cordboard, Rings)], |mut house| {
        for (asker, wanted, name) in CASES {
            let [at_wanted, code] = [name.to_owned(), format!("*66{name}")].map(|user| house.uri(&user));
            house.phone(CAROL).dial(&at_wanted);
            house.phone(wanted).answer();
            house.phone(CAROL).wait_established();
            house.phone(asker).dial(&code);
            house.phone(asker).wait_established();
            house.phone(asker).wait_idle();
            assert_eq!(house.ctl("redial list")[0]["state"], "waiting");
            house.phone(CAROL).hang_up();
            house.phone(wanted).wait_idle();
            // The server calls, and asks to call whom they want.
            house.phone(asker).answer();
            house.phone(wanted).answer();
            let [asker, wanted] = house.phones([asker, wanted]);
            talking(asker, wanted);
            wanted.hang_up();
            asker.wait_idle();
        }
        // Servers of the switchboard's own need none.
        let verdict = house.verdict().without_credentials();
        let complaints = verdict.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}\n{}", verdict.ladder());
    });
}
