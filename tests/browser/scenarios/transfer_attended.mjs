// Attended transfer (RFC 5359 §2.5): the transferor speaks with the target first, then joins the two with REFER and Replaces.

import { header } from "../driver/phone.mjs";
import { told } from "./transfer_unattended.mjs";

export async function play(stage) {
  const [alice, bob, carol, bill] = await stage.registered(4);
  // Transferor, transferee, target. SIP.js (bob, bill) names the target by its Contact, JsSIP (alice, carol) by its address-of-record.
  await transfer(stage, alice, bob, carol);
  await transfer(stage, alice, carol, bill);
  await transfer(stage, bob, alice, bill, invalidContact);
  await transfer(stage, bob, bill, carol);
}

/** One transfer; `check` may look at what the telephones sent, and returns facts to print. */
export async function transfer(stage, transferor, transferee, target, check = () => ({})) {
  const names = { transferor: transferor.name, transferee: transferee.name, target: target.name };
  const [first, atTransferee] = await stage.call(transferor, transferee);
  await stage.step("hold", { by: transferor.name }, async () => {
    await transferor.verb("hold", first);
    return { heard: { [transferee.name]: await stage.silence(transferee, atTransferee) } };
  });
  const [second, atTarget] = await stage.call(transferor, target);
  const knownToTransferee = (await transferee.state()).calls.map((c) => c.id);
  const knownToTarget = (await target.state()).calls.map((c) => c.id);
  let ends;
  await stage.step("transfer", names, async () => {
    await transferor.verb("attendedTransfer", first, second);
    const [{ reports, answered }, moved, taken] = await Promise.all([
      told(transferor, first),
      transferee.newCall(knownToTransferee),
      target.newCall(knownToTarget),
    ]);
    await target.ended(atTarget); // RFC 3891 §3: the replaced dialog ends.
    await transferor.ended(second);
    await transferor.verb("hangup", first);
    await transferee.ended(atTransferee);
    await transferor.nothingLeft();
    ends = [[transferee, moved], [target, taken]];
    const heard = await stage.conversation(...ends);
    return { answered, reports, heard, ...check(transferor, transferee, target) };
  });
  await stage.hangUp(...ends[1], ends[0]);
}

/** The REFER named a Contact in `.invalid`, the transferee sent its INVITE there, and the target got it. */
function invalidContact(transferor, transferee, target) {
  const referTo = header(transferor.messages("sent", /^REFER /).at(-1), "Refer-To");
  const contact = /<(sip:[^?>]+\.invalid[^?>]*)\?Replaces=/.exec(referTo)?.[1];
  if (!contact) throw new Error(`Refer-To is ${referTo}`);
  const taking = (message) => message && header(message, "Replaces") && message.split(" ")[1];
  const sent = taking(transferee.messages("sent", /^INVITE /).at(-1));
  const received = taking(target.messages("received", /^INVITE /).at(-1));
  const user = (uri) => /^sip:([^@]+)@/.exec(uri)?.[1];
  if (user(sent) !== user(contact) || user(received) !== user(contact)) {
    throw new Error(`Refer-To ${contact}, but the INVITE went to ${sent} and arrived as ${received}`);
  }
  return { refer_to: referTo, request_uri: sent };
}
