//! A new configuration while it runs; a bad one changes nothing.

use crate::served::{OPEN, Served, write};

const BOB: &str = "[[user]]\nname = \"bob\"\npassword = \"x\"\n";

#[test]
fn a_good_file_is_used_at_once() {
    let served = Served::start(OPEN);
    write(served.folder.path(), "cordboard.toml", &format!("{OPEN}{BOB}"));
    assert!(served.says(&["reload"]).contains("is in use"));
    assert!(served.says(&["users", "list"]).contains("bob"));

    write(served.folder.path(), "cordboard.toml", &format!("{OPEN}{BOB}[limits]\nlookups = 5\n"));
    assert!(served.says(&["reload"]).contains("a restart is needed for: limits"));
}

#[test]
fn a_bad_file_is_refused_and_the_old_one_stays() {
    let mut served = Served::start(&format!("{OPEN}{BOB}"));
    write(served.folder.path(), "cordboard.toml", &format!("{OPEN}[log]\nlevel = \"loud\"\n"));
    // ctl cannot read this file either, so that it is told where the data is.
    let data = served.data();
    let ctl = |words: &[&str]| {
        crate::served::cordboard().args(["ctl", "--data"]).arg(&data).args(words).output().expect("ctl runs")
    };
    let refused = ctl(&["reload"]);
    let says = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && says.contains("`loud` is not a level"), "{says}");
    assert!(says.contains("the old configuration stays in use"), "{says}");
    assert!(String::from_utf8_lossy(&ctl(&["users", "list"]).stdout).contains("bob"));

    write(served.folder.path(), "cordboard.toml", &OPEN.replace("example.test", "other.test"));
    assert!(String::from_utf8_lossy(&ctl(&["reload"]).stderr).contains("needs a restart"));

    write(served.folder.path(), "cordboard.toml", "domain = 5");
    served.signal("HUP");
    served.logs("not reloaded: the old configuration stays in use");
    assert!(String::from_utf8_lossy(&ctl(&["users", "list"]).stdout).contains("bob"));
    write(served.folder.path(), "cordboard.toml", &format!("{OPEN}{BOB}"));
    served.signal("HUP");
    served.logs("the configuration was read again");
    served.end();
}
