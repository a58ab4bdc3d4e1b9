// JsSIP and SIP.js send, obey and are the target of a REFER with Replaces (RFC 5359 §2.5); `cordboard phone`, on datagrams, has the
// other roles.

import { header } from "../driver/phone.mjs";
import { transfer } from "./transfer_attended.mjs";

export async function play(stage) {
  const [jssip, sipjs, carol, bill] = await stage.openWithPhones();
  for (const browser of [jssip, sipjs]) {
    // Transferor, transferee, target.
    await transfer(stage, browser, carol, bill, () => names(browser, "sent", /^REFER /, "Refer-To"));
    await transfer(stage, carol, browser, bill, () => names(browser, "sent", /^INVITE /, "Replaces"));
    await transfer(stage, carol, bill, browser, () => names(browser, "received", /^INVITE /, "Replaces"));
  }
}

/** The last such message of a browser names the call that is taken over. */
function names(browser, direction, start, name) {
  const value = header(browser.messages(direction, start).at(-1), name);
  if (!/to-tag(=|%3D)/i.test(value ?? "")) throw new Error(`${browser.name} ${direction} ${name}: ${value}`);
  return { [name.toLowerCase()]: value };
}
